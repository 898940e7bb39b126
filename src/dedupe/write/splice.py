"""A Parquet file put together from column chunks, which may lie in another file already.

Compressing the texts of a million articles takes half a minute, and a day's articles change few of them. What a chunk's bytes are
depends on its values alone, so one of the same values is copied from the same table of the run before: the file is the one that
compressing would have given, byte for byte.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Set
from pathlib import Path
from threading import Lock
from typing import Any, NamedTuple

import pyarrow as pa
import pyarrow.parquet as pq

from dedupe.write.footer import (
    BYTES,
    COLUMNS,
    COMPRESSED,
    GROUP_COMPRESSED,
    GROUP_OFFSET,
    GROUP_ROWS,
    GROUPS,
    MADE_BY,
    MAGIC,
    META,
    OFFSETS,
    PATH,
    ROWS,
    SCHEMA,
    UNCOMPRESSED,
    chunk_start,
    file_end,
)
from dedupe.write.thrift import I64, LIST, STRUCT, Struct, decode

# Gives some columns of a row group, each in one chunk.
ColumnsOf = Callable[[list[str]], pa.Table]


class Reused(NamedTuple):
    """Name what chunks may be taken from: the file of an earlier run, and what column says by its own values that another has not
    changed (`text_sha256` of `text`), so that this one need not be read."""

    file: Path
    implied: Mapping[str, str]


class Chunk(NamedTuple):
    """Hold a column chunk: its ColumnChunk, and its bytes, in pieces."""

    told: Struct
    data: list[pa.Buffer]


Chunks = dict[str, Chunk]


def compress(table: pa.Table, options: dict[str, Any]) -> Chunks:
    """Return the column chunks of a row group, by name."""
    sink = pa.BufferOutputStream()
    with pq.ParquetWriter(sink, table.schema, **options) as writer:
        writer.write_table(table, row_group_size=max(1, table.num_rows))
    written = sink.getvalue()
    return _chunks(_footer(written)[GROUPS][1][1][0], written.slice, set(table.schema.names))


class ChunkFile:
    """Write a Parquet file row group by row group from column chunks, as `pyarrow.parquet.ParquetWriter` would."""

    def __init__(self, path: Path, schema: pa.Schema, options: dict[str, Any]) -> None:
        self.schema = schema
        sink = pa.BufferOutputStream()
        pq.ParquetWriter(sink, schema, **options).close()
        self.footer = _footer(sink.getvalue())
        self.rows = 0
        self._groups: list[Struct] = []
        self._file = pa.OSFile(str(path), "wb")
        self._file.write(MAGIC)
        self._at = len(MAGIC)

    def append(self, chunks: Chunks, rows: int) -> None:
        """Write a row group of so many rows."""
        begin, columns = self._at if rows else 0, []  # of a group of no rows all places are 0
        for name in self.schema.names:
            told, data = chunks[name]
            meta = told[META][1]
            moved = self._at - chunk_start(meta) if rows else 0
            shifted = {n: (kind, value + moved) if n in OFFSETS else (kind, value) for n, (kind, value) in meta.items()}
            columns.append(told | {META: (STRUCT, shifted)})
            for piece in data:
                self._file.write(piece)
                self._at += piece.size
        sizes = [sum(column[META][1][size][1] for column in columns) for size in (UNCOMPRESSED, COMPRESSED)]
        self._groups.append(
            {
                COLUMNS: (LIST, (STRUCT, columns)),
                BYTES: (I64, sizes[0]),
                GROUP_ROWS: (I64, rows),
                GROUP_OFFSET: (I64, begin),
                GROUP_COMPRESSED: (I64, sizes[1]),
            }
        )
        self.rows += rows

    def close(self) -> None:
        """Write the footer."""
        self._file.write(file_end(self.footer | {ROWS: (I64, self.rows), GROUPS: (LIST, (STRUCT, self._groups))}))
        self._file.close()


class Earlier:
    """Give the chunks of an earlier file that a new one can take over, from any thread.

    Group is compared with group, in order; once tables have come apart nothing is alike. Nor is anything where the other file is
    of another schema or another version of Arrow.
    """

    def __init__(self, reused: Reused, new: ChunkFile) -> None:
        self._implied, self._names = reused.implied, new.schema.names
        # Read, not mapped: what is read of a mapped file counts as memory for as long as it is open.
        self._file = pq.ParquetFile(reused.file)
        self._bytes = pa.OSFile(str(reused.file))
        self._lock = Lock()
        told = _footer(pa.py_buffer(_tail(self._bytes)))
        alike = told[SCHEMA] == new.footer[SCHEMA] and told[MADE_BY] == new.footer[MADE_BY]
        self._groups: list[Struct] = told[GROUPS][1][1] if alike else []

    def unchanged(self, number: int, rows: int, columns: ColumnsOf) -> set[str]:
        """Return which columns of a row group of so many rows have the values they had in the group of that number."""
        if number >= len(self._groups) or self._groups[number][GROUP_ROWS][1] != rows:
            return set()
        # The first column tells articles apart: where it differs nothing else can be alike.
        first = self._names[0]
        if not self._old(number, [first])[first].equals(columns([first])[first]):
            return set()
        names = [name for name in self._names if name not in self._implied]
        table, old = columns(names), self._old(number, names)
        same = {name for name in names if old[name].equals(table[name])}
        return same | {name for name, by in self._implied.items() if by in same}

    def chunks(self, number: int, names: Set[str]) -> Chunks:
        """Return chunks of a row group."""
        with self._lock:
            return _chunks(self._groups[number], self._read, names) if names else {}

    def _read(self, begin: int, size: int) -> pa.Buffer:
        self._bytes.seek(begin)
        return self._bytes.read_buffer(size)

    def _old(self, number: int, names: list[str]) -> pa.Table:
        with self._lock:
            return self._file.read_row_group(number, columns=names)

    def close(self) -> None:
        """Let go of the file."""
        self._file.close()
        self._bytes.close()


class Splicer:
    """Write row groups one by one, copying every chunk that has the values it had."""

    def __init__(self, path: Path, schema: pa.Schema, options: dict[str, Any], reused: Reused) -> None:
        self._options = options
        self._file = ChunkFile(path, schema, options)
        self._earlier = Earlier(reused, self._file)
        self._number = 0

    def write_group(self, rows: int, columns: ColumnsOf) -> None:
        """Write a row group of so many rows, asking for the columns that are needed."""
        same = self._earlier.unchanged(self._number, rows, columns)
        chunks = self._earlier.chunks(self._number, same)
        fresh = [name for name in self._file.schema.names if name not in same]
        if fresh:
            chunks |= compress(columns(fresh), self._options)
        self._file.append(chunks, rows)
        self._number += 1

    def close(self) -> None:
        """Write the footer, and let go of the other file."""
        self._file.close()
        self._earlier.close()


def _tail(file: pa.NativeFile) -> bytes:
    # The end of a Parquet file from its footer on.
    size = file.size()
    file.seek(size - 8)
    file.seek(size - 8 - int.from_bytes(file.read(4), "little"))
    return bytes(file.read())


def _footer(data: pa.Buffer) -> Struct:
    size = int.from_bytes(data.slice(data.size - 8, 4).to_pybytes(), "little")
    return decode(data.slice(data.size - 8 - size, size).to_pybytes())


def _chunks(group: Struct, read: Callable[[int, int], pa.Buffer], names: Set[str]) -> Chunks:
    # By the name of the column: none of our tables has a column of several leaves.
    found = {}
    for told in group[COLUMNS][1][1]:
        meta = told[META][1]
        name = meta[PATH][1][1][0].decode()
        if name in names:
            found[name] = Chunk(told, [read(chunk_start(meta), meta[COMPRESSED][1])])
    return found
