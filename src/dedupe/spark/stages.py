"""The map stages as Spark runs them: the functions of `dedupe.stages.maps`, between rows that hold packed batches.

A piece is what one call of a map stage made: a row of the shard's number, the number of its first batch (`seq`), how many
articles it holds, and the files of the stage, packed. The files live in a temporary folder of the worker while a stage runs.
"""

from __future__ import annotations

import pickle
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa

from dedupe.config import Config
from dedupe.engine.stored import Stored
from dedupe.match.containment import Sketches
from dedupe.match.signatures import Signed
from dedupe.read.parts import FilePart, Shard
from dedupe.repair.repetition import LineCounts
from dedupe.stages.despinning import drafted
from dedupe.stages.maps import PREPARED, load_signed, prepare_shard, read_shard
from dedupe.stages.shards import LeftOut, ShardRead, piece_of
from dedupe.stages.term_files import load_terms, terms_beside

KEYS = ("shard", "seq")

# What the process that steers a run holds of every article, beside its signature: no text.
LIGHT = (
    "article_id", "title", "author", "publisher", "published_at", "language", "spin_score", "is_spun", "n_words", "n_edits",
)  # fmt: skip

READ_PIECES = pa.schema([("shard", pa.int32()), ("seq", pa.int32()), ("articles", pa.binary()), ("done", pa.binary())])
PIECES = pa.schema(
    [
        ("shard", pa.int32()),
        ("seq", pa.int32()),
        ("count", pa.int32()),
        ("articles", pa.binary()),
        ("signed", pa.binary()),
        ("terms", pa.binary()),
        ("light", pa.binary()),
        ("keys", pa.binary()),
        ("done", pa.binary()),
    ]
)

# What is asked of pieces after the head of each has come to the process that steers.
HELD = pa.schema([field for field in PIECES if field.name not in ("count", "light", "keys", "done")])

DONE = pa.schema([("shard", pa.int32()), ("done", pa.binary())])
TAKEN = pa.schema([("shard", pa.int32()), ("seq", pa.int32()), ("blob", pa.binary())])

FINISHED = TAKEN.append(pa.field("placed", pa.binary()))

# What it asks for, of some articles.
FAR = ("text", "edits")

# Batches of a shard that one call prepares: with up to 16 MB of text each, a piece stays far from the 2 GB of a value in Spark.
_BATCHES = 4

_PACKING = pa.ipc.IpcWriteOptions(compression="lz4")


def pack_table(table: pa.Table | pa.RecordBatch) -> bytes:
    """Write a table as a compressed Arrow file: a third to a half of the memory that it takes."""
    sink = pa.BufferOutputStream()
    with pa.ipc.new_file(sink, table.schema, options=_PACKING) as writer:
        writer.write(table)
    return sink.getvalue().to_pybytes()  # type: ignore[no-any-return]


def unpack_table(data: bytes) -> pa.Table:
    """Read what `pack_table` wrote."""
    return pa.ipc.open_file(pa.py_buffer(data)).read_all()


def rows_of(schema: pa.Schema, rows: Sequence[Sequence[Any]]) -> pa.RecordBatch:
    """Make a batch of some rows."""
    columns = zip(*rows, strict=True) if rows else [()] * len(schema)
    return pa.RecordBatch.from_arrays([pa.array(c, f.type) for c, f in zip(columns, schema, strict=True)], schema=schema)


class Signs(NamedTuple):
    """Hold what the process that steers a run has of each article's signature: keys, numbers of tokens, sizes of sketches."""

    keys: np.ndarray
    n_tokens: np.ndarray
    sketch_sizes: np.ndarray

    @classmethod
    def of(cls, signed: Signed) -> Signs:
        """Take it from signatures."""
        return cls(signed.keys, signed.n_tokens, np.diff(signed.sketches.offsets).astype(np.int32))


@dataclass
class ReadFiles:
    """Read the shards whose numbers come: of files that every worker sees under the same path."""

    shards: Sequence[Shard]
    config: Config
    forgotten: frozenset[str]

    def __call__(self, batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        """Yield the pieces of each shard, and what was counted."""
        for batch in batches:
            for number in batch["id"].to_pylist():
                yield from _read_pieces(number, self.shards[number], self.config, self.forgotten)


@dataclass
class ReadContents:
    """Read the files whose contents come, sorted by shard and place in it: of a store that Spark reads."""

    shards: Sequence[Shard]
    config: Config
    forgotten: frozenset[str]

    def __call__(self, batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        """Yield the pieces of each shard, and what was counted."""
        rows = (row for batch in batches for row in zip(*(batch[name] for name in ("shard", "place", "content")), strict=True))
        for number, files in groupby(rows, key=lambda row: row[0].as_py()):
            with tempfile.TemporaryDirectory(prefix="dedupe-") as folder:
                parts = []
                for _, place, content in files:
                    path = Path(folder) / str(place.as_py())
                    path.write_bytes(content.as_buffer())
                    parts.append(_part_at(path, self.shards[number][place.as_py()]))
                yield from _read_pieces(number, tuple(parts), self.config, self.forgotten)


@dataclass
class ReadRows:
    """Read the rows of a frame, each partition as a part of one table."""

    name: str
    config: Config
    forgotten: frozenset[str]

    def __call__(self, batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        """Yield the pieces of the partition, and what was counted."""
        from pyspark import TaskContext

        context = TaskContext.get()
        assert context is not None
        number = context.partitionId()
        with tempfile.TemporaryDirectory(prefix="dedupe-") as folder:
            path, rows = Path(folder) / "rows.arrow", 0
            writer = None
            for batch in batches:
                writer = writer or pa.ipc.new_file(str(path), batch.schema)
                writer.write_batch(batch)
                rows += batch.num_rows
            if writer is not None:
                writer.close()
            if rows:
                part = FilePart(str(path), self.name, "arrow", None, 0, None, number, 0, 0)
                yield from _read_pieces(number, (_part_at(path, part),), self.config, self.forgotten)


def _part_at(path: Path, part: FilePart) -> FilePart:
    seen = path.stat()
    return FilePart(
        str(path), part.source, part.format, part.compression, 0, None, part.index, seen.st_size, seen.st_mtime_ns
    )  # fmt: skip


def _read_pieces(number: int, shard: Shard, config: Config, forgotten: frozenset[str]) -> Iterator[pa.RecordBatch]:
    with tempfile.TemporaryDirectory(prefix="dedupe-") as folder:
        path = Path(folder) / "read.arrow"
        done: ShardRead = read_shard(shard, config, path, forgotten)
        yield rows_of(READ_PIECES, [(number, -1, None, pickle.dumps(done))])
        seq = 0
        for piece in range(done.pieces):
            with pa.memory_map(str(piece_of(path, piece))) as mapped:
                reader = pa.ipc.open_file(mapped)
                for at in range(reader.num_record_batches):
                    yield rows_of(READ_PIECES, [(number, seq, pack_table(reader.get_batch(at)), None)])
                    seq += 1


@dataclass
class Prepare:
    """Repair by what the run has taught, tell languages and sign: `prepare_shard`, for a few batches at a time."""

    offsets: Mapping[int, int]
    config: Config
    residue: bytes
    num_perm: int

    def __call__(self, batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        """Yield a piece for every few batches of a shard."""
        residue = unpack_table(self.residue)
        for batch in batches:
            for first in range(0, batch.num_rows, _BATCHES):
                rows = batch.slice(first, _BATCHES).to_pylist()
                for number, group in groupby((row for row in rows if row["articles"] is not None), lambda row: row["shard"]):
                    yield self._prepared(number, list(group), residue)

    def _prepared(self, number: int, rows: list[dict[str, Any]], residue: pa.Table) -> pa.RecordBatch:
        with tempfile.TemporaryDirectory(prefix="dedupe-") as folder:
            source, target = Path(folder) / "read.arrow", Path(folder) / "prepared.arrow"
            writer = None
            for row in rows:
                table = unpack_table(row["articles"])
                writer = writer or pa.ipc.new_file(str(source), table.schema)
                writer.write_table(table)
            assert writer is not None
            writer.close()
            done = prepare_shard(source, target, self.offsets[number], self.config, residue, self.num_perm, LeftOut())
            with pa.memory_map(str(target)) as mapped:
                articles = pa.ipc.open_file(mapped).read_all()
                packed, light = pack_table(articles), pack_table(articles.select(LIGHT))
            # Whatever the stage keeps beside the articles: terms apart, since only some of them are asked for again.
            beside = {path.name.removeprefix(target.name): path.read_bytes() for path in Path(folder).glob(f"{target.name}.*")}
            terms = {name: data for name, data in beside.items() if name.endswith(".terms")}
            signed = {name: data for name, data in beside.items() if name not in terms}
            together = pickle.dumps(signed)
            known = signed_of(together)
            keys = pickle.dumps(tuple(Signs.of(known)))
            blobs = (packed, together, pickle.dumps(terms), light, keys, pickle.dumps(done))
            return rows_of(PIECES, [(number, rows[0]["seq"], done.articles, *blobs)])


def lay_out(packed: bytes, target: Path) -> None:
    """Write the files that a piece holds back beside `target`."""
    for name, data in pickle.loads(packed).items():  # noqa: S301 - we have packed it
        target.with_name(target.name + name).write_bytes(data)


def signed_of(packed: bytes) -> Signed:
    """Return the signatures of a piece."""
    with tempfile.TemporaryDirectory(prefix="dedupe-") as folder:
        for name, data in pickle.loads(packed).items():  # noqa: S301 - we have packed it
            Path(folder, name.removeprefix(".")).write_bytes(data)
        mapped = load_signed(Path(folder))
        # The files go with the folder.
        signatures, keys, n_tokens = (np.array(column) for column in mapped[:3])
        return Signed(signatures, keys, n_tokens, Sketches(*(np.array(column) for column in mapped.sketches)))


class MergeReads:
    """Merge what the shards of a partition have learned, and pass on what else was counted."""

    def __call__(self, batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        """Yield a row for each shard, and one of shard -1 for the lines of all."""
        lines = LineCounts()
        for batch in batches:
            for row in batch.to_pylist():
                done: ShardRead = pickle.loads(row["done"])  # noqa: S301 - we have packed it
                lines, done.lines = lines.merge(done.lines), LineCounts()
                yield rows_of(DONE, [(row["shard"], pickle.dumps(done))])
        yield rows_of(DONE, [(-1, pickle.dumps(lines))])


class TakeArticles:
    """Take what this run's driver has asked for: texts and ledgers of some articles."""

    def __call__(self, batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        """Yield a packed table for each piece; `extra` holds places in it."""
        for row in rows_in(batches):
            places = pa.array(pickle.loads(row["extra"]))  # noqa: S301 - we have packed it
            taken = unpack_table(row["articles"]).select(FAR).take(places)
            yield rows_of(TAKEN, [(row["shard"], row["seq"], pack_table(taken.combine_chunks()))])


class TakeTerms:
    """Take the story terms of some articles."""

    def __call__(self, batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        """Yield packed terms for each piece; `extra` holds places in it, in ascending order."""
        for row in rows_in(batches):
            places = pickle.loads(row["extra"])  # noqa: S301 - we have packed it
            with tempfile.TemporaryDirectory(prefix="dedupe-") as folder:
                target = Path(folder) / "prepared.arrow"
                lay_out(row["terms"], target)
                (terms,) = load_terms(terms_beside([target]), places)
            yield rows_of(TAKEN, [(row["shard"], row["seq"], pickle.dumps(terms))])


class TakeSketches:
    """Take the sketches of some articles."""

    def __call__(self, batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        """Yield packed sketches for each piece; `extra` holds places in it."""
        for row in rows_in(batches):
            places = pickle.loads(row["extra"])  # noqa: S301 - we have packed it
            taken = take_sketches(signed_of(row["signed"]).sketches, places)
            yield rows_of(TAKEN, [(row["shard"], row["seq"], pickle.dumps(taken))])


class Finish:
    """Put what the run has found into the articles: their own IDs, and the wording of those that were spun."""

    def __call__(self, batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        """Yield the packed articles of each piece; `extra` holds IDs, which are spun, drafts by place, what goes along."""
        for row in rows_in(batches):
            ids, spun, drafts, placed = pickle.loads(row["extra"])  # noqa: S301 - we have packed it
            articles = unpack_table(row["articles"])
            for name, column in (("article_id", pa.array(ids, pa.string())), ("is_spun", pa.array(spun))):
                articles = articles.set_column(articles.schema.get_field_index(name), name, column)
            articles = articles.combine_chunks()
            articles = put_values(articles, *drafted(articles, drafts)[:2])
            yield rows_of(FINISHED, [(row["shard"], row["seq"], pack_table(articles), pickle.dumps(placed))])


def put_values(articles: pa.Table, rows: np.ndarray, values: dict[str, pa.Array]) -> pa.Table:
    """Return the articles of a piece with other values in some rows (ascending)."""
    if not len(rows):
        return articles
    with tempfile.TemporaryDirectory(prefix="dedupe-") as folder:
        path = Path(folder) / "articles.arrow"
        with pa.ipc.new_file(str(path), PREPARED) as writer:
            writer.write_table(articles.cast(PREPARED))
        changed = Stored.of([path]).put(rows, values, Path(folder) / "changed.arrow")
        return pa.Table.from_batches([pa.record_batch(batch) for batch in changed.batches()], PREPARED)


def rows_in(batches: Iterator[pa.RecordBatch]) -> Iterator[dict[str, Any]]:
    """Yield the rows of batches, one after the other."""
    for batch in batches:
        yield from batch.to_pylist()


def take_sketches(sketches: Sketches, rows: np.ndarray) -> Sketches:
    """Return the sketches of some rows, in the order asked for."""
    sizes = np.diff(sketches.offsets)[rows]
    offsets = np.concatenate([[0], np.cumsum(sizes)]).astype(np.int64)
    places = np.arange(offsets[-1]) + np.repeat(sketches.offsets[rows] - offsets[:-1], sizes)
    return Sketches(sketches.hashes[places], offsets)
