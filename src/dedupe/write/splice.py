"""A Parquet file put together from column chunks, some of them copied as they lie in the same table of the run before.

Compressing the texts of a million articles takes half a minute twice, and a day's articles change none of them. What a chunk's
bytes are depends on its values alone, so one of the same values is copied: the file is the one that compressing would have given,
byte for byte.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
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
    """Hold a column chunk: its ColumnChunk, and its bytes."""

    told: Struct
    data: bytes


class Splicer:
    """Write row groups one by one, as `pyarrow.parquet.ParquetWriter` does, copying every chunk that has the values it had.

    Group is compared with group, in order; once tables have come apart nothing is alike, and all is compressed. So is all where
    the other file is of another schema or another version of Arrow.
    """

    def __init__(self, path: Path, schema: pa.Schema, options: dict[str, Any], reused: Reused) -> None:
        self._schema, self._options, self._implied = schema, options, reused.implied
        sink = pa.BufferOutputStream()
        pq.ParquetWriter(sink, schema, **options).close()
        self._footer = _footer(sink.getvalue())
        # Read, not mapped: what is read of a mapped file counts as memory for as long as it is open.
        self._old = pq.ParquetFile(reused.file)
        self._bytes = pa.OSFile(str(reused.file))
        told = _footer(pa.py_buffer(_tail(self._bytes)))
        alike = told[SCHEMA] == self._footer[SCHEMA] and told[MADE_BY] == self._footer[MADE_BY]
        self._old_groups: list[Struct] = told[GROUPS][1][1] if alike else []
        self._groups: list[Struct] = []
        self._file = pa.OSFile(str(path), "wb")
        self._file.write(MAGIC)
        self._at = len(MAGIC)

    def write_group(self, rows: int, columns: ColumnsOf) -> None:
        """Write a row group of so many rows, asking for the columns that are needed."""
        same = self._unchanged(rows, columns)
        chunks: dict[bytes, Chunk] = {}
        if same:
            group = self._old_groups[len(self._groups)]
            chunks = {name: chunk for name, chunk in _chunks(group, self._read).items() if name.decode() in same}
        fresh = [name for name in self._schema.names if name not in same]
        if fresh:
            sink = pa.BufferOutputStream()
            with pq.ParquetWriter(sink, pa.schema([self._schema.field(name) for name in fresh]), **self._options) as writer:
                writer.write_table(columns(fresh), row_group_size=max(1, rows))
            written = sink.getvalue()
            group = _footer(written)[GROUPS][1][1][0]
            chunks |= _chunks(group, lambda begin, size: written.slice(begin, size).to_pybytes())
        self._append([chunks[name.encode()] for name in self._schema.names], rows)

    def _read(self, begin: int, size: int) -> bytes:
        self._bytes.seek(begin)
        return bytes(self._bytes.read(size))

    def _unchanged(self, rows: int, columns: ColumnsOf) -> set[str]:
        number = len(self._groups)
        if number >= len(self._old_groups) or self._old_groups[number][GROUP_ROWS][1] != rows:
            return set()
        # The first column tells articles apart: where it differs nothing else can be alike.
        first = self._schema.names[0]
        if not self._old.read_row_group(number, columns=[first])[first].equals(columns([first])[first]):
            return set()
        names = [name for name in self._schema.names if name not in self._implied]
        table = columns(names)
        old = self._old.read_row_group(number, columns=names)
        same = {name for name in names if old[name].equals(table[name])}
        return same | {name for name, by in self._implied.items() if by in same}

    def _append(self, chunks: list[Chunk], rows: int) -> None:
        begin, columns = self._at if rows else 0, []  # of a group of no rows all places are 0
        for told, data in chunks:
            meta = told[META][1]
            moved = self._at - chunk_start(meta) if rows else 0
            shifted = {n: (kind, value + moved) if n in OFFSETS else (kind, value) for n, (kind, value) in meta.items()}
            columns.append(told | {META: (STRUCT, shifted)})
            self._file.write(data)
            self._at += len(data)
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

    def close(self) -> None:
        """Write the footer, and let go of the other file."""
        rows = sum(group[GROUP_ROWS][1] for group in self._groups)
        self._footer |= {ROWS: (I64, rows), GROUPS: (LIST, (STRUCT, self._groups))}
        self._file.write(file_end(self._footer))
        self._file.close()
        self._old.close()
        self._bytes.close()


def _tail(file: pa.NativeFile) -> bytes:
    # The end of a Parquet file from its footer on.
    size = file.size()
    file.seek(size - 8)
    file.seek(size - 8 - int.from_bytes(file.read(4), "little"))
    return bytes(file.read())


def _footer(data: pa.Buffer) -> Struct:
    size = int.from_bytes(data.slice(data.size - 8, 4).to_pybytes(), "little")
    return decode(data.slice(data.size - 8 - size, size).to_pybytes())


def _chunks(group: Struct, read: Any) -> dict[bytes, Chunk]:
    # By the name of the column: none of our tables has a column of several leaves.
    found = {}
    for told in group[COLUMNS][1][1]:
        meta = told[META][1]
        found[meta[PATH][1][1][0]] = Chunk(told, read(chunk_start(meta), meta[COMPRESSED][1]))
    return found
