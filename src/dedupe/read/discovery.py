"""Find the files to read: folders in sorted order, patterns, single files and standard input."""

from __future__ import annotations

import glob
import json
import os
import shutil
import stat
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

from dedupe.errors import UsageError
from dedupe.read import formats
from dedupe.read.reasons import BadInputError

STDIN = "-"
_MOST_MANIFEST_BYTES = 64 << 20


@dataclass(frozen=True, slots=True)
class Found:
    """Hold one file: where it is, under which root, how it is called there, and what it is."""

    path: str
    root: str
    name: str
    format: str
    compression: str | None
    size: int
    mtime_ns: int


@dataclass(slots=True)
class Finds:
    """Gather what discovery came upon: files, what was passed over (by kind), and what could not be opened."""

    files: list[Found] = field(default_factory=list)
    skipped: Counter[str] = field(default_factory=Counter)
    failures: list[tuple[str, str, BadInputError]] = field(default_factory=list)
    seen: set[str] = field(default_factory=set)


def discover(paths: Sequence[str | Path], spool: Path | None) -> Finds:
    """Find all files under the given paths, each once, under the first path that reaches it.

    Raises UsageError for a path that is not there and for a glob that fits nothing.
    """
    finds = Finds()
    folders: set[str] = set()
    for given in paths:
        path = os.fspath(given)
        if path == STDIN:
            _add_stdin(finds, spool)
        elif os.path.isdir(path):
            _refuse_output(path)
            _walk(finds, os.path.abspath(path), os.path.abspath(path), "", folders)
        elif os.path.lexists(path):
            _add_file(
                finds,
                os.path.abspath(path),
                os.path.dirname(os.path.abspath(path)),
                os.path.basename(path),
                True,
                spool,
            )
        elif glob.has_magic(path):
            _add_glob(finds, path, folders, spool)
        else:
            told = f"{_shown(path)} does not exist." if path else "One of the paths is empty."
            raise UsageError(told, "Give files, folders or patterns that exist, or - for standard input.")
    return finds


def _add_glob(finds: Finds, pattern: str, folders: set[str], spool: Path | None) -> None:
    matches = sorted(glob.glob(pattern, recursive=True), key=os.fsencode)
    if not matches:
        raise UsageError(f"No file fits {_shown(pattern)}.", "Check the pattern, and quote it so that the shell leaves it alone.")
    fixed = pattern
    while glob.has_magic(fixed):
        fixed = os.path.dirname(fixed)
    root = os.path.abspath(fixed or os.curdir)
    for match in matches:
        path = os.path.abspath(match)
        name = os.path.relpath(path, root).replace(os.sep, "/")
        if os.path.isdir(path):
            _walk(finds, path, root, "" if name == "." else name + "/", folders)
        else:
            _add_file(finds, path, root, name, False, spool)


def _walk(finds: Finds, folder: str, root: str, prefix: str, folders: set[str]) -> None:
    """Walk a folder in order of names; each real folder is entered once, which also cuts loops of links."""
    real = os.path.realpath(folder)
    if real in folders:
        return
    folders.add(real)
    try:
        with os.scandir(folder) as listing:
            entries = sorted(listing, key=lambda entry: os.fsencode(entry.name))
    except OSError as error:
        reason = error.strerror or type(error).__name__
        finds.failures.append((root, prefix or ".", BadInputError("unreadable", f"the folder cannot be opened ({reason})")))
        return
    if prefix and _is_output(folder):
        finds.skipped["folders of our own outputs"] += 1
        return
    for entry in entries:
        if entry.name.startswith("."):
            continue
        try:
            is_folder = entry.is_dir()
        except OSError:
            is_folder = False
        if is_folder:
            _walk(finds, entry.path, root, f"{prefix}{entry.name}/", folders)
        else:
            _add_file(finds, entry.path, root, prefix + entry.name, False, None)


def _add_file(finds: Finds, path: str, root: str, name: str, direct: bool, spool: Path | None) -> None:
    """Add a file. One that was named directly is read whatever its name says; in a folder the name decides."""
    kind = formats.by_name(name)
    if kind is None and not direct:
        finds.skipped[formats.kind_of(name)] += 1
        return
    real = os.path.realpath(path)
    if real in finds.seen:
        return
    finds.seen.add(real)
    try:
        seen = os.stat(path)
        if not stat.S_ISREG(seen.st_mode):
            if direct and stat.S_ISFIFO(seen.st_mode):
                with open(path, "rb") as pipe:
                    path = _spool(pipe, spool, len(finds.files))
                seen = os.stat(path)
            else:
                finds.skipped["special files"] += 1
                return
        kind = kind or _sniff(path)
    except OSError as error:
        reason = "it is a link that leads nowhere" if os.path.islink(path) else error.strerror or type(error).__name__
        finds.failures.append((root, name, BadInputError("unreadable", reason)))
        return
    finds.files.append(Found(path, root, name, kind[0], kind[1], seen.st_size, seen.st_mtime_ns))


def _add_stdin(finds: Finds, spool: Path | None) -> None:
    if STDIN in finds.seen:
        return
    finds.seen.add(STDIN)
    if sys.stdin is None:  # as a shell leaves it with `<&-`
        raise UsageError("Standard input is closed.", "Give it something to read, or a file.")
    path = _spool(sys.stdin.buffer, spool, len(finds.files))
    kind = _sniff(path)
    seen = os.stat(path)
    finds.files.append(Found(path, "", "stdin", kind[0], kind[1], seen.st_size, seen.st_mtime_ns))


def _spool(stream: IO[bytes], spool: Path | None, number: int) -> str:
    """Write a stream to a file, as it is read more than once: to see its format, and by the workers.

    The file goes by the `number` of those found before it: two pipes may have one name.
    """
    if spool is None:
        raise UsageError(
            "Standard input and pipes need a folder to be kept in while they are read.", "Give `plan` a spool folder."
        )
    spool.mkdir(parents=True, exist_ok=True)
    target = spool / f"{number}.input"
    with open(target, "wb") as file:
        shutil.copyfileobj(stream, file, 1 << 20)
    return os.path.abspath(target)


def _sniff(path: str) -> tuple[str, str | None]:
    with open(path, "rb") as file:
        compression = formats.compression_of(file.read(8))
    from dedupe.read.streams import head

    return formats.by_content(head(path, compression, formats.SNIFF_BYTES)), compression


def _refuse_output(folder: str) -> None:
    if _is_output(folder):
        raise UsageError(
            f"{_shown(folder)} is an output of dedupe, not a folder of articles.",
            "If articles lie beside it, give their files and another folder for the output. To read its corpus again, give the"
            f" file: {_shown(os.path.join(folder, 'corpus.parquet'))}.",
        )


def _is_output(folder: str) -> bool:
    """Tell an output of ours by its manifest, so that `dedupe clean .` does not read what the last run wrote."""
    path = os.path.join(folder, "manifest.json")
    try:
        if os.path.getsize(path) > _MOST_MANIFEST_BYTES:
            return False
        with open(path, encoding="utf-8") as file:
            manifest = json.load(file)
    except (OSError, ValueError, RecursionError):
        return False
    return isinstance(manifest, dict) and "dedupe" in manifest


def _shown(path: str) -> str:
    return os.fsencode(path).decode("utf-8", "backslashreplace")


def sources(finds: Finds) -> Iterator[str]:
    """Yield for each file, then each failure, the name under which the tables know it: valid UTF-8, and unique.

    It is the path below the root that was given. Where two roots hold the same one, every name of every root starts with the
    root's own name (`a/x.txt`, `b/x.txt`); roots of one name are numbered in the order given (`a~2/x.txt`).
    """
    named = [(found.root, found.name) for found in finds.files] + [(root, name) for root, name, _ in finds.failures]
    plain = [_shown(name) for _, name in named]
    if len(set(plain)) < len(plain):
        labels = _labels([root for root, _ in named])
        plain = [f"{labels[root]}/{name}" if labels[root] else name for (root, _), name in zip(named, plain, strict=True)]
    used: Counter[str] = Counter()
    for name in plain:
        used[name] += 1
        yield name if used[name] == 1 else f"{name}~{used[name]}"


def _labels(roots: Sequence[str]) -> dict[str, str]:
    labels: dict[str, str] = {}
    used: Counter[str] = Counter()
    for root in roots:
        if root in labels:
            continue
        name = _shown(os.path.basename(root)) if root else ""
        used[name] += 1
        labels[root] = name if used[name] == 1 else f"{name}~{used[name]}"
    return labels
