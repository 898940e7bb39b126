"""Arrow IPC files and streams (.arrow, .feather, .ipc), memory-mapped where they are not compressed."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from itertools import pairwise

import pyarrow as pa

from dedupe.read.messages import unpacked_in_file, unpacked_in_stream
from dedupe.read.parquet import seekable
from dedupe.read.parts import BATCH_ROWS, BATCH_TEXT_BYTES, FilePart, ReadBatch
from dedupe.read.reasons import BadInputError
from dedupe.read.rows import Rows
from dedupe.read.streams import open_part, refuse_bomb
from dedupe.read.tables import read_table

_FILE_MAGIC = b"ARROW1"
_AS_BYTES = {pa.string(): pa.binary(), pa.large_string(): pa.large_binary()}


def read_arrow(part: FilePart, out: Rows) -> Iterator[ReadBatch]:
    """Read the record batches from `start` to `stop`. Raises BadInputError: empty, truncated, unreadable."""
    record = 1
    for batch in _batches(part):
        rows = max(1, min(BATCH_ROWS, BATCH_TEXT_BYTES * batch.num_rows // max(1, batch.nbytes)))
        for low in range(0, batch.num_rows, rows):
            piece = batch.slice(low, rows)
            yield from read_table(piece, record, out)
            record += piece.num_rows
    if record == 1:
        raise BadInputError("empty", "the table has no rows")


def batch_cuts(part: FilePart, part_bytes: int) -> list[tuple[int, int]]:
    """Cut a file of many record batches into ranges of about `part_bytes`; a stream, a bomb or a damaged file is not cut."""
    try:
        with pa.memory_map(part.path) as file, pa.ipc.open_file(file) as reader:
            count = reader.num_record_batches
            refuse_bomb(unpacked_in_file(file), part.size, "arrow")
    except (OSError, pa.ArrowException, ValueError, BadInputError):
        return []
    pieces = min(count, -(-part.size // part_bytes))
    edges = [count * n // pieces for n in range(pieces + 1)] if pieces else []
    return list(pairwise(edges))


@contextmanager
def _source(part: FilePart) -> Iterator[pa.NativeFile]:
    if part.compression is None:
        with open_part(part), pa.memory_map(part.path) as mapped:
            yield mapped
    else:
        with seekable(part) as file:
            yield pa.PythonFile(file, mode="r")


def _batches(part: FilePart) -> Iterator[pa.RecordBatch]:
    if part.size == 0:
        raise BadInputError("empty", "the file has no bytes")
    with _source(part) as source:
        is_file = source.read(len(_FILE_MAGIC)) == _FILE_MAGIC
        if is_file:
            source.seek(max(0, source.size() - len(_FILE_MAGIC)))
            if source.read(len(_FILE_MAGIC)) == _FILE_MAGIC and source.size() > 16:
                if part.stop is None:  # what is cut was judged as a whole
                    refuse_bomb(unpacked_in_file(source), part.size, "arrow")
                source.seek(0)
                yield from _of_file(source, part)
                return
            source.seek(8)  # the footer is missing; behind the magic and its padding stands a plain stream
        else:
            source.seek(0)
            first = source.read(4)  # where a stream begins without this mark, as before Arrow 0.15, the size of its schema does
            if first != b"\xff\xff\xff\xff" and int.from_bytes(first, "little") > source.size():
                raise BadInputError("unreadable", "it is no Arrow file, nor a stream of Arrow data")
            source.seek(0)
        start = source.tell()
        refuse_bomb(unpacked_in_stream(source, start), part.size, "arrow")
        source.seek(start)
        yield from _of_stream(source, is_file)


def _of_file(source: pa.NativeFile, part: FilePart) -> Iterator[pa.RecordBatch]:
    try:
        with pa.ipc.open_file(source) as reader:
            stop = reader.num_record_batches if part.stop is None else part.stop
            for index in range(part.start, stop):
                batch = reader.get_batch(index)
                _check(batch)
                yield batch
    except (pa.ArrowException, OSError, ValueError) as error:
        raise BadInputError("unreadable", f"the Arrow data is damaged ({error})") from error


def _check(batch: pa.RecordBatch) -> None:
    """Check all offsets, which come from the file and could point into foreign memory; bytes that are no UTF-8 may pass.

    Raises pyarrow.ArrowInvalid. Strings are decoded value by value later on, so one bad value does not cost the file.
    """
    for column in batch.columns:
        as_bytes = _AS_BYTES.get(column.type)
        if as_bytes is not None:
            column.validate()
            column.view(as_bytes).validate(full=True)
        else:
            column.validate(full=True)


def _of_stream(source: pa.NativeFile, cut: bool) -> Iterator[pa.RecordBatch]:
    try:
        with pa.ipc.open_stream(source) as reader:
            for batch in reader:
                _check(batch)
                yield batch
    except (pa.ArrowException, OSError, ValueError) as error:
        if cut or "xpected" in str(error):
            raise BadInputError("truncated", "the Arrow data breaks off") from error
        raise BadInputError("unreadable", f"it is no valid Arrow data ({error})") from error
    if cut:
        raise BadInputError("truncated", "the footer of the Arrow file is missing")
