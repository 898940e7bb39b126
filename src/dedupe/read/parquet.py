"""Parquet: row by row group, in batches of bounded size."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import pairwise
from typing import IO, Any

import pyarrow as pa
import pyarrow.parquet as pq

from dedupe.read.parts import BATCH_ROWS, BATCH_TEXT_BYTES, FilePart, ReadBatch
from dedupe.read.reasons import BadInputError
from dedupe.read.rows import Rows
from dedupe.read.streams import chunks, open_part
from dedupe.read.tables import read_table

# A row group cannot be entered in its middle: a part decodes what stands before it, too. With at most four parts to a row group
# the waste stays below 1.5 times the group, against one busy worker for a file that is one group.
MOST_CUTS = 4

# Pages are read as they are needed: without a buffer size a whole column of a row group is held, however large.
_OPTIONS: dict[str, Any] = {"arrow_extensions_enabled": False, "buffer_size": 1 << 16}

_NUMBER_BYTES = 16
_SMALL_DICTIONARY = 64 << 10


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
        groups, position = _groups(table.metadata, part.start, stop)
        if packed := _packed_columns(table, groups):
            table = pq.ParquetFile(file, read_dictionary=packed, **_OPTIONS)
        batches = table.iter_batches(batch_size=_batch_rows(table.metadata), row_groups=groups, use_threads=False)
        for batch in batches:
            low, high = max(part.start - position, 0), min(stop - position, batch.num_rows)
            if low < high:
                yield from read_table(batch.slice(low, high - low), position + low - part.start + 1, out)
            position += batch.num_rows
            if position >= stop:
                break


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


def _packed_columns(table: pq.ParquetFile, groups: list[int]) -> list[str]:
    """Return the columns of these row groups whose rows are but numbers of entries in a large dictionary, to be read as such.

    A file of 400 KB can repeat one text of 8 MB in 3,000 rows: as strings they would fill 24 GB before any row is looked at.
    Read as a dictionary, `read_table` sees their size first. Columns of ordinary text, whose pages hold the text itself, are
    read as they are: building a dictionary of them would cost 15 us an article.
    """
    found = set()
    strings = {at: table.schema.column(at).path for at in range(len(table.schema.names))}
    strings = {at: path for at, path in strings.items() if table.schema.column(at).physical_type == "BYTE_ARRAY"}
    for group in groups if strings else ():
        # Asked for by itself, what is said of a column ends the process where it is damaged (Arrow 26); reading it only raises.
        next(table.iter_batches(1, row_groups=[group], columns=list(strings.values()), use_threads=False), None)
        for index in strings:
            column = table.metadata.row_group(group).column(index)
            if not column.dictionary_page_offset:
                continue
            dictionary = column.data_page_offset - column.dictionary_page_offset
            numbers = (column.total_compressed_size - dictionary) <= _NUMBER_BYTES * max(1, column.num_values)
            if numbers and column.total_uncompressed_size > _SMALL_DICTIONARY:
                found.add(column.path_in_schema)
    return sorted(found)


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
