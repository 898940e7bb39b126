"""A run that is cut short: the next one goes on where it was, and its output is that of an unbroken run, byte for byte."""

from __future__ import annotations

import gzip
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from dedupe import job
from dedupe.config import Config
from dedupe.errors import UsageError
from dedupe.write.publish import RUNS


def corpus(folder: Path, articles: int = 120, files: int = 6) -> Path:
    chance = random.Random(5)
    words = [f"{a}{b}" for a in ("ba", "ko", "ti", "re", "mu", "so") for b in ("lan", "ver", "dis", "tom", "par", "gen")]
    folder.mkdir()
    for file in range(files):
        with (folder / f"{file}.jsonl").open("w") as out:
            for number in range(articles // files):
                text = " ".join(chance.choices(words, k=80)) + ".\nSign up for our newsletter and get the news in your inbox."
                out.write(json.dumps({"id": f"{file}-{number}", "text": text, "source": f"site{file % 2}"}) + "\n")
    return folder


def tables(output: Path) -> dict[str, Any]:
    found: dict[str, Any] = {
        path.relative_to(output).as_posix(): path.read_bytes()
        for path in sorted(output.rglob("*"))
        if path.is_file() and RUNS not in path.relative_to(output).parts and path.name not in ("manifest.json", "report.html")
    }
    manifest = json.loads((output / "manifest.json").read_text())
    del manifest["run"]
    manifest["tables"].pop("report.html", None)
    return found | {"manifest": manifest}


@pytest.fixture
def parts(monkeypatch: pytest.MonkeyPatch) -> None:
    # Every file a shard of its own, so that there is something to go on with.
    monkeypatch.setattr("dedupe.read.planning.MOST_FILES", 1)


class CutError(Exception):
    """Stand for whatever ends a run."""


@pytest.mark.parametrize("stage", ["read and repair", "repair and sign", "match and verify", "write"])
def test_a_run_goes_on_where_it_was(stage: str, tmp_path: Path, parts: None) -> None:
    source, whole, broken = corpus(tmp_path / "in"), tmp_path / "whole", tmp_path / "broken"
    job.clean([source], whole, workers=1)

    def cut(now: str, done: int, total: int) -> None:
        if now == stage and done >= total // 2:
            raise CutError

    with pytest.raises(CutError):
        job.clean([source], broken, workers=1, progress=cut)
    assert not (broken / "manifest.json").exists()
    summary = job.clean([source], broken, workers=1)
    assert summary.reused["read and repair"] == (60 if stage == "read and repair" else 120)
    assert summary.reused.get("repair and sign", 0) == {"read and repair": 0, "repair and sign": 60}.get(stage, 120)
    assert tables(broken) == tables(whole)
    assert [entry.name for entry in (broken / RUNS).iterdir()] == ["lock"]


def test_a_file_that_cannot_be_cut_is_prepared_in_pieces(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # A compressed file is one shard however many articles it holds: memory is to be bounded all the same.
    lines = b"".join(path.read_bytes() for path in sorted(corpus(tmp_path / "made").iterdir()))
    source, whole, broken = tmp_path / "in.jsonl.gz", tmp_path / "whole", tmp_path / "broken"
    source.write_bytes(gzip.compress(lines))
    job.clean([source], whole, workers=1)
    monkeypatch.setattr("dedupe.read.rows.BATCH_ROWS", 7)
    monkeypatch.setattr("dedupe.stages.maps.PIECE_BYTES", 20_000)
    held = []

    def cut(now: str, done: int, total: int) -> None:
        if now == "repair and sign":
            held.append(done)
            if done > 50:
                raise CutError

    with pytest.raises(CutError):
        job.clean([source], broken, workers=1, progress=cut)
    assert max(after - before for before, after in pairwise([0, *held])) < 40
    summary = job.clean([source], broken, workers=1)
    assert summary.reused == {"read and repair": 120, "repair and sign": held[-1]}
    assert tables(broken) == tables(whole)


def test_only_what_changed_is_done_again(tmp_path: Path, parts: None) -> None:
    source, output = corpus(tmp_path / "in"), tmp_path / "out"

    def cut(now: str, done: int, total: int) -> None:
        if now == "match and verify":
            raise CutError

    def again(config: Config) -> dict[str, int]:
        shutil.copytree(output, tmp_path / "copy")
        reused = job.clean([source], tmp_path / "copy", config, workers=1).reused
        shutil.rmtree(tmp_path / "copy")
        return reused

    with pytest.raises(CutError):
        job.clean([source], output, workers=1, progress=cut)
    everything = {"read and repair": 120, "repair and sign": 120}
    assert again(Config()) == again(Config(despin="flag")) == everything
    assert again(Config(seed=2)) == {"read and repair": 120}, "signatures hang on the seed"
    assert again(Config(no_rules=frozenset({"R012"}))) == {}, "repair hangs on its rules"
    with (source / "0.jsonl").open("a") as file:
        file.write(json.dumps({"text": "one more article of a few words"}) + "\n")
    assert again(Config())["read and repair"] == 100


@pytest.mark.parametrize("damage", ["truncate", "scramble the report", "lose"])
def test_damaged_scratch_is_made_again(damage: str, tmp_path: Path, parts: None) -> None:
    source, whole, broken = corpus(tmp_path / "in"), tmp_path / "whole", tmp_path / "broken"
    job.clean([source], whole, workers=1)

    def cut(now: str, done: int, total: int) -> None:
        if now == "repair and sign" and done:
            raise CutError

    with pytest.raises(CutError):
        job.clean([source], broken, workers=1, progress=cut)
    for kind in ("read-*", "prepared-*"):
        data = sorted((broken / RUNS).glob(f"*/scratch/{kind}.arrow"))[0]
        report = data.with_suffix(".npz")
        if damage == "truncate":
            data.write_bytes(data.read_bytes()[:-100])
        elif damage == "lose":
            data.unlink()
        else:
            report.write_bytes(report.read_bytes()[:50])
    job.clean([source], broken, workers=1)
    assert tables(broken) == tables(whole)


def test_a_wrong_command_leaves_nothing(tmp_path: Path) -> None:
    with pytest.raises(UsageError):
        job.clean([tmp_path / "nowhere"], tmp_path / "out")
    assert not (tmp_path / "out").exists()


def kill_at(moment: float, source: Path, output: Path) -> bool:
    # A real process, killed with all its workers; False where it was done before.
    command = [sys.executable, "-m", "dedupe", "clean", str(source), "-o", str(output), "--workers", "2", "-q"]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True)
    try:
        process.wait(moment)
        return False
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        return True


@pytest.mark.slow
def test_killed_at_random_moments_nothing_is_lost(tmp_path: Path) -> None:
    source, whole, broken = corpus(tmp_path / "in", 600, 3), tmp_path / "whole", tmp_path / "broken"
    begun = time.monotonic()
    job.clean([source], whole, workers=1)
    subprocess.run(
        [sys.executable, "-m", "dedupe", "clean", str(source), "-o", str(broken), "--workers", "2", "-q"],
        check=True,
        capture_output=True,
    )
    shutil.rmtree(broken)
    chance, kills = random.Random(11), 0
    for _ in range(int(os.environ.get("DEDUPE_KILLS", "50"))):
        kills += kill_at(chance.uniform(0.1, 2.2), source, broken)
        if (broken / "manifest.json").exists():
            subprocess.run([sys.executable, "-m", "dedupe", "inspect", str(broken), "--check"], check=True, capture_output=True)
            shutil.rmtree(broken)
    subprocess.run(
        [sys.executable, "-m", "dedupe", "clean", str(source), "-o", str(broken), "-q"], check=True, capture_output=True
    )
    assert tables(broken) == tables(whole)
    assert kills > 0, f"every run ended before its kill; {time.monotonic() - begun:.0f} s in all"


def test_a_file_that_vanishes_before_it_is_read_again(tmp_path: Path, parts: None) -> None:
    # Other settings have taken its first half, so a resumed run reads it anew, and finds it gone.
    source, broken, whole = corpus(tmp_path / "in"), tmp_path / "broken", tmp_path / "whole"
    victim = source / "2.jsonl"
    kept = victim.read_bytes(), victim.stat()

    def cut(stage: str, done: int, total: int) -> None:
        if (stage, done) == ("match and verify", 1):
            raise CutError

    with pytest.raises(CutError):
        job.clean([source], broken, Config(threshold=0.7), workers=1, progress=cut)

    def gone(when: int) -> Callable[[str, int, int], None]:
        def told(stage: str, done: int, total: int) -> None:
            if (stage, done) == ("read and repair", when):
                victim.unlink(missing_ok=True)

        return told

    summary = job.clean([source], broken, workers=1, progress=gone(6))
    assert summary.reused["read and repair"] == 120
    assert (summary.records, summary.articles, summary.rejects) == (101, 100, {"unreadable": 1})
    # As if it had gone before it was read at all.
    victim.write_bytes(kept[0])
    os.utime(victim, ns=(kept[1].st_atime_ns, kept[1].st_mtime_ns))
    job.clean([source], whole, workers=1, progress=gone(0))
    assert tables(broken) == tables(whole)
