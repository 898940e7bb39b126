import contextlib
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from dedupe.errors import OutputError, UsageError
from dedupe.write import publish as module
from dedupe.write.publish import MANIFEST, RUNS, discard, publish, settle, writing

OLD = {MANIFEST: "old", "corpus.parquet": "old", "index/a": "old", "index/b": "old", "stories.parquet": "old"}
NEW = {MANIFEST: "new", "corpus.parquet": "new", "index/a": "new", "index/c": "new", "pairs.parquet": "new"}


class Killed(BaseException):
    """Stand for a kill: nothing catches it, nothing cleans up after it."""


def fill(folder: Path, files: dict[str, str]) -> None:
    for name, content in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(content)


def content(folder: Path) -> dict[str, str]:
    files = (path for path in folder.rglob("*") if path.is_file() and RUNS not in path.relative_to(folder).parts)
    return {path.relative_to(folder).as_posix(): path.read_text() for path in files}


def prepared(folder: Path) -> Path:
    fill(folder, OLD)
    run = folder / RUNS / "run-1"
    fill(run / "new", NEW)
    return run


def kill_at(monkeypatch: pytest.MonkeyPatch, step: int) -> Callable[[], int]:
    """Make the `step`-th change of the file system, before or after it is made, the last one."""
    count = 0

    def counted(function: Callable[..., object]) -> Callable[..., object]:
        def call(*args: object, **options: object) -> object:
            nonlocal count
            count += 1
            if count == step:
                raise Killed
            return function(*args, **options)

        return call

    monkeypatch.setattr(os, "replace", counted(os.replace))
    monkeypatch.setattr(shutil, "rmtree", counted(shutil.rmtree))
    monkeypatch.setattr(Path, "unlink", counted(Path.unlink))
    monkeypatch.setattr(Path, "write_text", counted(Path.write_text))
    monkeypatch.setattr(module, "_sync", counted(module._sync))
    monkeypatch.setattr(module, "_sync_folder", counted(module._sync_folder))
    return lambda: count


def test_a_kill_between_any_two_steps_leaves_one_whole_output(tmp_path: Path) -> None:
    outcomes = []
    step = 0
    while True:
        step += 1
        folder = tmp_path / str(step)
        run = prepared(folder)
        with pytest.MonkeyPatch.context() as patch:
            steps = kill_at(patch, step)
            try:
                publish(folder, run)
                finished = steps() < step
            except Killed:
                finished = False
        with writing(folder):
            discard(folder)
        assert content(folder) in (OLD, NEW), step
        outcomes.append(content(folder) == NEW)
        assert [entry.name for entry in (folder / RUNS).iterdir()] == ["lock"]
        if finished:
            break
    # Once the journal is there the new output counts; before it, the old one. Both were met on the way.
    assert outcomes == sorted(outcomes)
    assert not outcomes[0]
    assert outcomes[-1]
    assert len(outcomes) > 15


def test_a_kill_while_completing_is_completed_by_the_next(tmp_path: Path) -> None:
    for first in range(11, 16):
        for second in range(1, 8):
            folder = tmp_path / f"{first}-{second}"
            run = prepared(folder)
            for step, action in ((first, lambda f=folder, r=run: publish(f, r)), (second, lambda f=folder: settle(f))):
                with pytest.MonkeyPatch.context() as patch:
                    kill_at(patch, step)
                    with contextlib.suppress(Killed):
                        action()
            settle(folder)
            assert content(folder) in (OLD, NEW)


def test_other_files_in_the_folder_are_left_alone(tmp_path: Path) -> None:
    run = prepared(tmp_path)
    (tmp_path / "notes.txt").write_text("mine")
    publish(tmp_path, run)
    assert content(tmp_path) == NEW | {"notes.txt": "mine"}


def test_two_runs_at_once_are_refused(tmp_path: Path) -> None:
    with writing(tmp_path / "out"), pytest.raises(OutputError, match="Another run is writing"), writing(tmp_path / "out"):
        pass


def test_a_folder_that_is_not_ours_is_refused(tmp_path: Path) -> None:
    (tmp_path / "corpus.parquet").write_text("somebody else's")
    with pytest.raises(UsageError, match="no manifest"), writing(tmp_path):
        pass
    assert content(tmp_path) == {"corpus.parquet": "somebody else's"}


def test_a_file_is_no_output_folder(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(UsageError, match="is a file"), writing(tmp_path / "file"):
        pass
