"""Single values out of a Parquet column, without the rest of its row group.

Arrow decodes column chunks whole: 32 MB of texts for one article, 20 ms. But a chunk is a run of pages, of 1 MB or a thousand
articles in our tables, each with a header that says how long it is and how many values it has. The one that holds the row wanted
makes, with a footer of its own, a file of one column in memory, and Arrow decodes that in 2 to 4 ms, whatever types and encodings
are in it.
Field numbers are those of https://github.com/apache/parquet-format, as in `dedupe.write.footer`.
"""

from __future__ import annotations

import mmap
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from dedupe.write.footer import (
    BYTES,
    CHILDREN,
    CODEC,
    COLUMNS,
    COMPRESSED,
    DATA_PAGE,
    DICTIONARY_PAGE,
    GROUP_ROWS,
    GROUPS,
    MAGIC,
    META,
    NAME,
    OFFSET,
    PATH,
    ROWS,
    SCHEMA,
    UNCOMPRESSED,
    VALUES,
    VERSION,
    chunk_start,
    file_end,
)
from dedupe.write.thrift import I32, I64, LIST, STRUCT, Struct, decode, decode_first

# Fields of PageHeader; the kind of a dictionary's page; and by kind of data page the field with its header, which begins with the
# number of its values.
_KIND, _SIZE = 1, 3
_DICTIONARY, _DATA = 2, {0: 5, 3: 8}

# A header is some 50 bytes, and 8 KB with the longest values that Arrow writes into it.
_HEADER = 1 << 16


class Page(NamedTuple):
    """Hold where a page lies in the file, and which rows of its row group it holds."""

    first: int
    rows: int
    begin: int
    end: int


class Excerpts:
    """Read single values of a Parquet file's flat columns, page by page.

    `starts`: (row groups + 1,) first row of each. Raises ValueError or OSError where the file is damaged.
    """

    def __init__(self, path: Path) -> None:
        with open(path, "rb") as file:
            self._data = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        size = int.from_bytes(self._data[-8:-4], "little")
        self._footer = decode(self._data[-8 - size : -8])
        self._groups: list[Struct] = self._footer[GROUPS][1][1]
        self.starts = np.cumsum([0, *(group[GROUP_ROWS][1] for group in self._groups)])
        self._known: dict[tuple[int, str], tuple[list[Page], bytes]] = {}

    def values(self, group: int, column: str, rows: np.ndarray) -> list[Any]:
        """Return the values of a column in some rows of a row group, counted from its first, in order of row."""
        pages, _ = self._pages(group, column)
        which = np.searchsorted([page.first for page in pages], rows, side="right") - 1
        found: list[Any] = []
        for number in np.unique(which).tolist():
            own = rows[which == number] - pages[number].first
            found += self._decoded(group, column, pages[number]).take(pa.array(own)).to_pylist()
        return found

    def _meta(self, group: int, column: str) -> Struct:
        chunks = (chunk[META][1] for chunk in self._groups[group][COLUMNS][1][1])
        meta: Struct = next(meta for meta in chunks if meta[PATH][1][1] == [column.encode()])
        return meta

    def _pages(self, group: int, column: str) -> tuple[list[Page], bytes]:
        """Return the data pages of a column chunk, and its page of a dictionary, empty where there is none."""
        if (group, column) not in self._known:
            self._known[group, column] = self._walked(group, column)
        return self._known[group, column]

    def _walked(self, group: int, column: str) -> tuple[list[Page], bytes]:
        meta, pages, dictionary, first = self._meta(group, column), list[Page](), b"", 0
        at = chunk_start(meta)
        stop = at + meta[COMPRESSED][1]
        while at < stop:
            header, size = decode_first(self._data[at : at + _HEADER])
            end = at + size + header[_SIZE][1]
            if not at < end <= stop:
                raise ValueError("a page reaches out of its column")
            kind = header[_KIND][1]
            if kind == _DICTIONARY:
                dictionary = self._data[at:end]
            elif kind in _DATA:
                rows = header[_DATA[kind]][1][1][1]
                pages.append(Page(first, rows, at, end))
                first += rows
            at = end
        return pages, dictionary

    def _decoded(self, group: int, column: str, page: Page) -> pa.Array:
        _, dictionary = self._pages(group, column)
        body = dictionary + self._data[page.begin : page.end]
        told = {field: value for field, value in self._meta(group, column).items() if field <= CODEC}
        told[VALUES] = I64, page.rows
        told[UNCOMPRESSED] = told[COMPRESSED] = I64, len(body)
        told[DATA_PAGE] = I64, len(MAGIC) + len(dictionary)
        if dictionary:
            told[DICTIONARY_PAGE] = I64, len(MAGIC)
        elements = self._footer[SCHEMA][1][1]
        own = next(one for one in elements[1:] if one[NAME][1] == column.encode() and CHILDREN not in one)
        chunk = {OFFSET: (I64, 0), META: (STRUCT, told)}
        rows = {COLUMNS: (LIST, (STRUCT, [chunk])), BYTES: (I64, len(body)), GROUP_ROWS: (I64, page.rows)}
        end = file_end(
            {
                VERSION: self._footer[VERSION],
                SCHEMA: (LIST, (STRUCT, [elements[0] | {CHILDREN: (I32, 1)}, own])),
                ROWS: (I64, page.rows),
                GROUPS: (LIST, (STRUCT, [rows])),
            }
        )
        return pq.ParquetFile(pa.BufferReader(MAGIC + body + end)).read(use_threads=False).column(0).combine_chunks()
