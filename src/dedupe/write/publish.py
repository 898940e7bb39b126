"""Put a finished run in place of the last one, whole or not at all.

A run writes into a folder of its own, `OUTPUT/.runs/ID/new`. Publishing writes a journal of what is to be moved and removed; from
that moment the new output is the one that counts. Then the files are moved. Whoever comes next, the next command or any reader of
ours, finds the journal and completes the moves. Without a journal a leftover folder is a run that never finished: the next run
goes on with it.
"""

from __future__ import annotations

import errno
import json
import os
import shutil
import uuid
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from filelock import FileLock, Timeout

from dedupe.errors import OutputError, UsageError, unwritable

RUNS = ".runs"
MANIFEST = "manifest.json"
_JOURNAL = "journal.json"
_LOCK = "lock"
_PATIENCE_SECONDS = 30
# The folder's content that is ours and is replaced by a run; anything else in it is not touched.
OURS = (
    "corpus.parquet",
    "canonical.parquet",
    "pairs.parquet",
    "clusters.parquet",
    "stories.parquet",
    "edits.parquet",
    "rejects.parquet",
    "residue.parquet",
    "id_map.parquet",
    "README.md",
    "report.html",
    "index",
    MANIFEST,
)


@contextmanager
def writing(output: Path) -> Iterator[None]:
    """Hold the output for one run. Raises UsageError where it is no folder of ours, OutputError while another run holds it."""
    if any("\ud800" <= char <= "\udfff" for char in str(output)):
        # Arrow opens no file under such a path.
        raise UsageError(f"{str(output)!r} is no name in UTF-8.", "Give another folder for the output.")
    try:
        was_there = output.exists()
    except OSError as error:  # a name that is too long
        raise unwritable(output, error) from error
    if was_there and not output.is_dir():
        raise UsageError(f"{output} is a file, not a folder.", "Give a folder for the output.")
    if output.is_dir() and not (output / MANIFEST).exists() and not (output / RUNS).exists():
        foreign = sorted(entry.name for entry in output.iterdir() if entry.name in OURS)
        if foreign:
            raise UsageError(
                f"{output} holds {foreign[0]}, but no manifest of dedupe.",
                "Give another folder for the output, or move that file away.",
            )
    try:
        try:
            (output / RUNS).mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise _told(output, error) or unwritable(output, error) from error
        with FileLock(output / RUNS / _LOCK, timeout=0):
            _complete(output)
            try:
                yield
            except UsageError:
                discard(output)
                raise
            except BaseException:
                _keep_scratch(output)
                raise
    except Timeout:
        raise OutputError(
            f"Another run is writing to {output}.", "Wait until it has finished, or give another folder for the output."
        ) from None
    except OSError as error:
        told = _told(output, error)
        if told is None:
            raise
        raise told from error
    finally:
        unfinished = (output / MANIFEST, output / RUNS / _JOURNAL)
        if not was_there and output.is_dir() and not any(path.exists() for path in unfinished) and not _unfinished(output):
            shutil.rmtree(output)  # nothing came of it: leave no folder that looks like an output


def begin(output: Path) -> Path:
    """Return the folder of a run that begins, with `new` and `scratch` in it. Call only while holding the output.

    Where a run was cut short, it is that run's, with what its scratch holds: the stages take from it what still counts.
    """
    unfinished = _unfinished(output)
    for entry in (output / RUNS).iterdir():
        if entry.is_dir() and entry not in unfinished[-1:]:
            shutil.rmtree(entry, ignore_errors=True)
    run = unfinished[-1] if unfinished else output / RUNS / f"{datetime.now(UTC):%Y%m%dT%H%M%S}-{uuid.uuid4().hex[:6]}"
    shutil.rmtree(run / "new", ignore_errors=True)
    (run / "scratch").mkdir(parents=True, exist_ok=True)
    _remove_but_shards(run)
    (run / "new").mkdir()
    return run


def _remove_but_shards(run: Path) -> None:
    # Among the rest is what was streamed into the run, which comes anew with the next one.
    for entry in (run / "scratch").iterdir():
        if not entry.is_dir() and not entry.name.startswith(("read-", "prepared-")):
            entry.unlink()


_NOT_OURS = {errno.EACCES, errno.EPERM, errno.EROFS}
_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}


def _told(output: Path, error: OSError) -> OutputError | None:
    # What a user can mend of what the system says, in a sentence.
    if error.errno in _NOT_OURS:
        return OutputError(f"{output} cannot be written: {error.strerror}.", "Give a folder that you may write to.")
    # Of an array that was written in part numpy tells the numbers alone.
    if error.errno in _FULL or " requested and " in str(error):
        return OutputError(
            f"{output} cannot be written: {os.strerror(error.errno or errno.ENOSPC)}.",
            "Make room there and run the same command again: it goes on where it was. What was published before is as it was.",
        )
    return None


def _unfinished(output: Path) -> list[Path]:
    # Runs that have done something worth keeping, oldest first: reports of shards.
    runs = sorted((output / RUNS).iterdir()) if (output / RUNS).is_dir() else []
    return [run for run in runs if any((run / "scratch").glob("read-*.npz"))]


def _keep_scratch(output: Path) -> None:
    # A run that failed is gone on with by the next one, unless it had done nothing yet; what it had begun to write only fills the
    # disk.
    kept = _unfinished(output)
    for entry in (output / RUNS).iterdir():
        if entry.is_dir():
            shutil.rmtree(entry / "new" if entry in kept else entry, ignore_errors=True)
        if entry in kept:
            _remove_but_shards(entry)


def settle(output: Path) -> None:
    """Complete a publication that was cut short, so that the folder holds one whole output.

    Readers call it first. A run that is publishing at this moment is waited for. Raises OutputError where that takes too long, or
    where the folder cannot be written.
    """
    if not (output / RUNS / _JOURNAL).exists():
        return
    try:
        with FileLock(output / RUNS / _LOCK, timeout=_PATIENCE_SECONDS):
            _complete(output)
    except Timeout:
        raise OutputError(f"A run is publishing into {output}.", "Wait until it has finished.") from None
    except PermissionError as error:
        raise OutputError(
            f"{output} holds a publication that was cut short, and cannot be written: {error.strerror}.",
            "Run the command as a user who may write there.",
        ) from error


def _complete(output: Path) -> None:
    journal = output / RUNS / _JOURNAL
    try:
        plan = json.loads(journal.read_text(encoding="utf-8"))
        known = {"run", "move", "remove"} <= plan.keys()
    except FileNotFoundError:
        return
    except (ValueError, AttributeError):
        known = False
    if not known:
        raise OutputError(
            f"{output} holds a publication that was cut short, and its journal is damaged.",
            f"Delete {journal}, then run `dedupe clean` on the same input with -o {output}.",
        )
    _carry_out(output, plan)


def flush(files: Iterable[Path]) -> None:
    """Have files written to the disk: what a crash of the machine must not take is there before it is named."""
    for file in files:
        _sync(file)


def publish(output: Path, run: Path) -> None:
    """Swap the files of `run/new` into `output`, and remove those of the last run that it has no successor for."""
    new = run / "new"
    names = sorted(entry.name for entry in new.iterdir())
    flush(entry for entry in new.rglob("*") if entry.is_file())
    plan: dict[str, str | list[str]] = {
        "run": run.name,
        "move": [name for name in names if name != MANIFEST] + [name for name in names if name == MANIFEST],
        "remove": [name for name in OURS if name not in names],
    }
    journal = output / RUNS / _JOURNAL
    draft = journal.with_suffix(".tmp")
    draft.write_text(json.dumps(plan), encoding="utf-8")
    _sync(draft)
    os.replace(draft, journal)
    _sync_folder(journal.parent)
    _carry_out(output, plan)


def _carry_out(output: Path, plan: dict[str, str | list[str]]) -> None:
    # Every step may already be done: a move whose source is gone was made before the cut.
    run = output / RUNS / str(plan["run"])
    for name in plan["move"]:
        source, target = run / "new" / name, output / name
        if not source.exists():
            continue
        if target.is_dir():
            # A folder cannot replace a folder in one step; the old one goes first, and the journal brings the new one.
            shutil.rmtree(target)
        os.replace(source, target)
    for name in plan["remove"]:
        target = output / name
        if target.is_dir():
            shutil.rmtree(target)
        else:
            target.unlink(missing_ok=True)
    _sync_folder(output)
    (output / RUNS / _JOURNAL).unlink(missing_ok=True)
    shutil.rmtree(run, ignore_errors=True)


def discard(output: Path) -> None:
    """Remove what runs that never finished have left. Call only while holding the output; a journal is left to be completed."""
    if (output / RUNS / _JOURNAL).exists():
        return
    for entry in (output / RUNS).iterdir():
        if entry.is_dir():
            shutil.rmtree(entry, ignore_errors=True)
        elif entry.name != _LOCK:
            entry.unlink()


def _sync(path: Path) -> None:
    with open(path, "rb") as file:
        os.fsync(file.fileno())


def _sync_folder(folder: Path) -> None:
    if os.name == "nt":
        return  # Windows opens no folders; its renames are journalled by the file system
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
