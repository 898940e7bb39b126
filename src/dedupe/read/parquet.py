"""Parquet: row by row group, in batches of bounded size."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import pairwise
from typing import IO, Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from dedupe.read.pages import Pages, walk
from dedupe.read.parts import BATCH_ROWS, BATCH_TEXT_BYTES, FilePart, ReadBatch
from dedupe.read.reasons import BadInputError
from dedupe.read.rows import Rows
from dedupe.read.streams import chunks, open_part, refuse_bomb
from dedupe.read.tables import read_table

# A row group cannot be entered in its middle: a part decodes what stands before it, too. With at most four parts to a row group
# the waste stays below 1.5 times the group, against one busy worker for a file that is one group.
MOST_CUTS = 4

# Pages are read as they are needed: without a buffer size a whole column of a row group is held, however large.
_OPTIONS: dict[str, Any] = {"arrow_extensions_enabled": False, "buffer_size": 1 << 16}

# What one batch may grow to where values are repeated from a dictionary, or from the value before.
_MOST_GROWN = 128 << 20
# Arrow takes about so much for a value, however few bits of the file stand for it.
_VALUE_BYTES = 8


@contextmanager
def seekable(part: FilePart) -> Iterator[IO[bytes]]:
    """Open a file that must be read from its end; a compressed one is unpacked to a temporary file first."""
    if part.compression is None:
        with open_part(part) as file:
            yield file
        return
    with tempfile.TemporaryFile() as file:
        for data in chunks(part):
            file.write(data)
        file.seek(0)
        yield file


def read_parquet(part: FilePart, out: Rows) -> Iterator[ReadBatch]:
    """Read the rows from `start` to `stop` of a file. Raises BadInputError: empty, truncated, unreadable."""
    with seekable(part) as file:
        if not file.read(1):
            raise BadInputError("empty", "the file has no bytes")
        table = _open(file)
        stop = table.metadata.num_rows if part.stop is None else part.stop
        if table.metadata.num_rows == 0:
            raise BadInputError("empty", "the table has no rows")
        refuse_table_bomb(table.metadata, part.size)
        groups, position = _groups(table.metadata, part.start, stop)
        chosen = _choose(_Guarded(file), groups)
        table = pq.ParquetFile(file, read_dictionary=chosen.packed, **_OPTIONS) if chosen.packed else table
        rows = min(_batch_rows(table.metadata), chosen.rows)
        batches = table.iter_batches(batch_size=rows, row_groups=chosen.groups, use_threads=False)
        for batch in batches if chosen.groups else ():
            low, high = max(part.start - position, 0), min(stop - position, batch.num_rows)
            if low < high:
                yield from read_table(batch.slice(low, high - low), position + low - part.start + 1, out)
            position += batch.num_rows
            if position >= stop:
                break
        if chosen.problem:
            raise chosen.problem


def refuse_table_bomb(metadata: pq.FileMetaData, size: int) -> None:
    """Raise BadInputError where a file of `size` bytes says itself that it unpacks to far more than tables do."""
    told: int = sum(metadata.row_group(index).total_byte_size for index in range(metadata.num_row_groups))
    refuse_bomb(max(told, _VALUE_BYTES * metadata.num_rows * metadata.num_columns), size, "parquet")


def row_cuts(metadata: pq.FileMetaData, part_bytes: int) -> list[tuple[int, int]]:
    """Cut a table into ranges of rows of about `part_bytes`, at row groups where these are small enough."""
    cuts: list[tuple[int, int]] = []
    start = position = size = 0
    for index in range(metadata.num_row_groups):
        group = metadata.row_group(index)
        rows, weight = group.num_rows, group.total_byte_size
        if size and size + weight > part_bytes:
            cuts.append((start, position))
            start, size = position, 0
        if weight > part_bytes and rows > 1:
            pieces = min(MOST_CUTS, -(-weight // part_bytes), rows)
            edges = [position + rows * n // pieces for n in range(pieces + 1)]
            cuts.extend(pairwise(edges))
            start = edges[-1]
        else:
            size += weight
        position += rows
    if position > start:
        cuts.append((start, position))
    return cuts


def _open(file: IO[bytes]) -> pq.ParquetFile:
    file.seek(0)
    begins = file.read(4) == b"PAR1"
    file.seek(0, 2)
    whole = file.tell() >= 12
    if whole:
        file.seek(-4, 2)
        whole = file.read(4) == b"PAR1"
    if begins and not whole:
        raise BadInputError("truncated", "the footer of the Parquet file is missing, and without it no row can be found")
    file.seek(0)
    try:
        return pq.ParquetFile(file, **_OPTIONS)
    except (pa.ArrowException, OSError, ValueError) as error:
        raise BadInputError("unreadable", f"it is no valid Parquet ({error})") from error


class _ReachedError(Exception):
    """Say that Arrow is about to read the first page of a row group, having taken all that the footer says of it."""


class _Guarded:
    """Give a file to Arrow, and stop it before the pages where asked to.

    Asked for by itself, what is said of a column ends the process where it is damaged (Arrow 26); on the way to its pages it
    only raises.
    """

    closed = False

    def __init__(self, file: IO[bytes]) -> None:
        self.file = file
        self.stops = False

    def read(self, size: int = -1) -> bytes:
        if self.stops:
            raise _ReachedError
        return self.file.read(size)

    def seek(self, offset: int, whence: int = 0) -> int:
        return self.file.seek(offset, whence)

    def tell(self) -> int:
        return self.file.tell()


@dataclass(slots=True)
class _Chosen:
    """Hold the row groups to read, the columns to read as dictionaries, the most rows of a batch, and what ends the reading."""

    groups: list[int] = field(default_factory=list)
    packed: list[str] = field(default_factory=list)
    rows: int = BATCH_ROWS
    problem: BadInputError | None = None


def _choose(source: _Guarded, groups: list[int]) -> _Chosen:
    """Look at the page headers of these row groups, up to one that is a bomb, and choose how to read them in little memory.

    A file of 400 KB can repeat one text of 8 MB in 3,000 rows: as strings they would fill 24 GB before any row is looked at.
    Read as a dictionary, `read_table` sees their size first. Columns of ordinary text, of which but the first are in a
    dictionary, are read as they are: building a dictionary of them would cost 15 us an article.
    """
    table = pq.ParquetFile(source, **_OPTIONS)
    leaves = [table.schema.column(at) for at in range(len(table.schema.names))]
    share = _MOST_GROWN // max(1, len(leaves))
    chosen = _Chosen()
    for group in groups:
        pages, packed = _pages(table, source, group)
        unpacked = 0
        grows = 1  # by so many bytes may each row of a batch grow
        for leaf, column in zip(leaves, pages, strict=True):
            fixed = leaf.length if leaf.physical_type == "FIXED_LEN_BYTE_ARRAY" else 0
            unpacked += max(column.unpacked, column.values * max(_VALUE_BYTES, fixed))
            grows += fixed + column.delta
            if leaf.physical_type != "BYTE_ARRAY" or leaf.path in chosen.packed:
                continue
            times = column.shared if leaf.max_repetition_level else min(column.shared, BATCH_ROWS)
            if times * column.dictionary > share and times * _longest(source, leaf.path, group, column) > share:
                chosen.packed.append(leaf.path)
        try:
            refuse_bomb(unpacked, packed, "parquet")
        except BadInputError as error:
            chosen.problem = error
            break
        chosen.rows = max(1, min(chosen.rows, _MOST_GROWN // grows))
        chosen.groups.append(group)
    return chosen


def _pages(table: pq.ParquetFile, source: _Guarded, group: int) -> tuple[list[Pages], int]:
    """Return what the pages of each column of a row group unpack to, and the size of all as they are. Raises as Arrow does."""
    source.stops = True
    try:
        next(table.iter_batches(1, row_groups=[group], use_threads=False), None)
    except _ReachedError:
        pass
    finally:
        source.stops = False
    found = []
    packed = 0
    for index in range(table.metadata.num_columns):
        column = table.metadata.row_group(group).column(index)
        start, size = column.data_page_offset, column.total_compressed_size
        if column.dictionary_page_offset and column.dictionary_page_offset < start:
            start = column.dictionary_page_offset
        found.append(walk(source.file, start, size, column.num_values))
        packed += size
    return found, packed


def _longest(source: _Guarded, path: str, group: int, column: Pages) -> int:
    """Return the bytes of the longest entry in the dictionary of a column, or of all entries where that is not easily known."""
    if column.dictionary > _MOST_GROWN:
        return column.dictionary
    table = pq.ParquetFile(source, read_dictionary=[path], **_OPTIONS)
    batch = next(table.iter_batches(1, row_groups=[group], columns=[path], use_threads=False), None)
    values = batch.column(0) if batch is not None else None
    if values is None or not pa.types.is_dictionary(values.type) or not len(values.dictionary):
        return column.dictionary
    return pc.max(pc.binary_length(values.dictionary)).as_py() or 0


def _groups(metadata: pq.FileMetaData, start: int, stop: int) -> tuple[list[int], int]:
    """Return the row groups that hold the rows, and the row at which the first of them begins."""
    chosen: list[int] = []
    first = position = 0
    for index in range(metadata.num_row_groups):
        end = position + metadata.row_group(index).num_rows
        if end > start and position < stop:
            if not chosen:
                first = position
            chosen.append(index)
        position = end
    return chosen, first


def _batch_rows(metadata: pq.FileMetaData) -> int:
    size: int = sum(metadata.row_group(index).total_byte_size for index in range(metadata.num_row_groups))
    rows: int = max(1, metadata.num_rows)
    return max(1, min(BATCH_ROWS, BATCH_TEXT_BYTES // max(1, size // rows)))
