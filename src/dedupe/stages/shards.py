"""What is told of a shard by each of its two maps, and how that is kept in files for a run that goes on with it."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple
from zipfile import BadZipFile

import numpy as np
import pyarrow as pa

from dedupe.engine.watch import Name
from dedupe.read.parts import ReadReport
from dedupe.read.reasons import sentence
from dedupe.repair.repetition import LineCounts
from dedupe.schema import REJECTS


class LeftOut(NamedTuple):
    """Name the corpus whose articles a run does not take twice, and its hash."""

    held: Path | None = None
    digest: str = ""


@dataclass
class ShardRead:
    """Report the first map of a shard: what was read, rejected and learned."""

    articles: int
    numbered: int
    records: int
    rejects: pa.Table
    report: ReadReport
    lines: LineCounts
    pieces: int = 1

    def save(self, path: Path) -> None:
        """Keep the report beside the shard's file `path`, for a run that goes on where this one stops."""
        sink = pa.BufferOutputStream()
        with pa.ipc.new_stream(sink, self.rejects.schema) as writer:
            writer.write_table(self.rejects)
        events, columns = self.report.events, [[*taken, count] for taken, count in self.report.columns.items()]
        names, arrays = self.lines.as_arrays()
        told = [self.articles, self.numbered, self.records, self.pieces, events, columns, names]
        _keep(path, told, {**arrays, "rejects": np.frombuffer(sink.getvalue(), np.uint8)})

    @classmethod
    def load(cls, path: Path) -> ShardRead | None:
        """Return what `save` has kept, None where nothing whole is there."""
        # Each piece of the first half is removed when its second half is made.
        kept = _kept(path, gone=lambda _: True)
        if kept is None:
            return None
        (articles, numbered, records, pieces, events, columns, names), arrays = kept
        rejects = pa.ipc.open_stream(pa.py_buffer(arrays.pop("rejects"))).read_all()
        report = ReadReport(Counter(events), Counter({(kind, taken): count for kind, taken, count in columns}))
        return cls(articles, numbered, records, rejects, report, LineCounts.of_arrays(names, arrays), pieces)


def piece_of(path: Path, number: int) -> Path:
    """Return the file of a piece of a shard that is kept at `path`."""
    return path.with_name(f"{path.name}.{number}") if number else path


@dataclass
class ShardPrepared:
    """Report the second map of a piece of a shard."""

    articles: int
    rules: Counter[str] = field(default_factory=Counter)
    languages: Counter[str] = field(default_factory=Counter)
    deadly: list[Name] = field(default_factory=list)
    known: int = 0

    def save(self, path: Path) -> None:
        """Keep the report beside the shard's file `path`, once that is whole."""
        _keep(path, [self.articles, self.rules, self.languages, self.deadly, self.known], {})

    @classmethod
    def load(cls, path: Path, gathered: bool) -> ShardPrepared | None:
        """Return what `save` has kept, None where nothing whole is there; where arrays were `gathered`, they are not here."""
        kept = _kept(path, gone=is_array if gathered else None)
        if kept is None:
            return None
        articles, rules, languages, deadly, known = kept[0]
        return cls(articles, Counter(rules), Counter(languages), [(path, record) for path, record in deadly], known)


def _keep(path: Path, told: list[Any], arrays: dict[str, np.ndarray]) -> None:
    # Written under another name first: what a run that was killed has left is whole or not there.
    draft = path.with_suffix(".tmp.npz")
    sizes = {entry.name: entry.stat().st_size for entry in path.parent.glob(f"{path.name}*")}
    words = json.dumps([sizes, told]).encode("utf-8", "surrogatepass")
    columns: dict[str, Any] = {"told": np.frombuffer(words, np.uint8), **arrays}
    np.savez(draft, **columns)
    draft.replace(path.with_suffix(".npz"))


def is_array(name: str) -> bool:
    """Tell whether a file beside a shard holds an array of its `Signed`."""
    return name.endswith(".npy")


def _kept(path: Path, gone: Callable[[str], bool] | None) -> tuple[list[Any], dict[str, np.ndarray]] | None:
    # None also where one of the shard's files is missing, though it may not be `gone`, or has another size.
    try:
        with np.load(path.with_suffix(".npz")) as file:
            arrays = {name: file[name] for name in file.files}
        sizes, told = json.loads(arrays.pop("told").tobytes().decode("utf-8", "surrogatepass"))
        for name, size in sizes.items():
            beside = path.parent / name
            if not (gone and gone(name) and not beside.exists()) and beside.stat().st_size != size:
                return None
    except (OSError, ValueError, KeyError, EOFError, BadZipFile):
        return None
    return told, arrays


_SAID = {
    "deadly": "it was killed or crashed on it again and again",
    "forgotten": "`dedupe forget` has taken it out of this corpus",
}


def rejects_of(names: list[Name], code: str) -> pa.RecordBatch:
    """Return the rejects for articles that ended a worker each time they were begun, or that were forgotten on request."""
    said = sentence(code, _SAID[code])
    columns = [[source for source, _ in names], [record for _, record in names], [code] * len(names), [said] * len(names)]
    arrays = [pa.array(column, field.type) for column, field in zip(columns, REJECTS, strict=True)]
    return pa.RecordBatch.from_arrays(arrays, schema=REJECTS)
