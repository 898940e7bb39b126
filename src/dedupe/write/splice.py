"""A Parquet file put together from column chunks, some of them copied as they lie in the same table of the run before.

Compressing the texts of a million articles takes half a minute twice, and a day's articles change none of them. What a chunk's
bytes are depends on its values alone, so one of the same values is copied: the file is the one that compressing would have given,
byte for byte. The layout is that of https://github.com/apache/parquet-format, which has the field numbers, too.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import pyarrow as pa
import pyarrow.parquet as pq

from dedupe.write.thrift import I64, LIST, STRUCT, Struct, decode, encode

_MAGIC = b"PAR1"

# Fields of FileMetaData, RowGroup, ColumnChunk and ColumnMetaData.
_SCHEMA, _ROWS, _GROUPS, _MADE_BY = 2, 3, 4, 6
_COLUMNS, _BYTES, _GROUP_ROWS, _GROUP_OFFSET, _GROUP_COMPRESSED = 1, 2, 3, 5, 6
_META = 3
_PATH, _UNCOMPRESSED, _COMPRESSED, _DATA_PAGE, _INDEX_PAGE, _DICTIONARY_PAGE = 3, 6, 7, 9, 10, 11
_OFFSETS = (_DATA_PAGE, _INDEX_PAGE, _DICTIONARY_PAGE)


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
        alike = told[_SCHEMA] == self._footer[_SCHEMA] and told[_MADE_BY] == self._footer[_MADE_BY]
        self._old_groups: list[Struct] = told[_GROUPS][1][1] if alike else []
        self._groups: list[Struct] = []
        self._file = pa.OSFile(str(path), "wb")
        self._file.write(_MAGIC)
        self._at = len(_MAGIC)

    def write_table(self, table: pa.Table) -> None:
        """Write a table as one row group."""
        same = self._unchanged(table)
        chunks: dict[bytes, Chunk] = {}
        if same:
            group = self._old_groups[len(self._groups)]
            chunks = {name: chunk for name, chunk in _chunks(group, self._read).items() if name.decode() in same}
        fresh = [name for name in self._schema.names if name not in same]
        if fresh:
            sink = pa.BufferOutputStream()
            with pq.ParquetWriter(sink, pa.schema([self._schema.field(name) for name in fresh]), **self._options) as writer:
                writer.write_table(table.select(fresh), row_group_size=max(1, table.num_rows))
            written = sink.getvalue()
            group = _footer(written)[_GROUPS][1][1][0]
            chunks |= _chunks(group, lambda begin, size: written.slice(begin, size).to_pybytes())
        self._append([chunks[name.encode()] for name in self._schema.names], table.num_rows)

    def _read(self, begin: int, size: int) -> bytes:
        self._bytes.seek(begin)
        return bytes(self._bytes.read(size))

    def _unchanged(self, table: pa.Table) -> set[str]:
        number = len(self._groups)
        if number >= len(self._old_groups) or self._old_groups[number][_GROUP_ROWS][1] != table.num_rows:
            return set()
        # The first column tells articles apart: where it differs nothing else can be alike.
        first = self._schema.names[0]
        if not self._old.read_row_group(number, columns=[first])[first].equals(table[first]):
            return set()
        names = [name for name in self._schema.names if name not in self._implied]
        old = self._old.read_row_group(number, columns=names)
        same = {name for name in names if old[name].equals(table[name])}
        return same | {name for name, by in self._implied.items() if by in same}

    def _append(self, chunks: list[Chunk], rows: int) -> None:
        begin, columns = self._at if rows else 0, []  # of a group of no rows all places are 0
        for told, data in chunks:
            meta = told[_META][1]
            moved = self._at - _start(meta) if rows else 0
            shifted = {n: (kind, value + moved) if n in _OFFSETS else (kind, value) for n, (kind, value) in meta.items()}
            columns.append(told | {_META: (STRUCT, shifted)})
            self._file.write(data)
            self._at += len(data)
        sizes = [sum(column[_META][1][size][1] for column in columns) for size in (_UNCOMPRESSED, _COMPRESSED)]
        self._groups.append(
            {
                _COLUMNS: (LIST, (STRUCT, columns)),
                _BYTES: (I64, sizes[0]),
                _GROUP_ROWS: (I64, rows),
                _GROUP_OFFSET: (I64, begin),
                _GROUP_COMPRESSED: (I64, sizes[1]),
            }
        )

    def close(self) -> None:
        """Write the footer, and let go of the other file."""
        rows = sum(group[_GROUP_ROWS][1] for group in self._groups)
        self._footer |= {_ROWS: (I64, rows), _GROUPS: (LIST, (STRUCT, self._groups))}
        footer = encode(self._footer)
        self._file.write(footer + len(footer).to_bytes(4, "little") + _MAGIC)
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


def _start(meta: Struct) -> int:
    start: int = min(meta[field][1] for field in _OFFSETS if field in meta)
    return start


def _chunks(group: Struct, read: Any) -> dict[bytes, Chunk]:
    # By the name of the column: none of our tables has a column of several leaves.
    found = {}
    for told in group[_COLUMNS][1][1]:
        meta = told[_META][1]
        found[meta[_PATH][1][1][0]] = Chunk(told, read(_start(meta), meta[_COMPRESSED][1]))
    return found
