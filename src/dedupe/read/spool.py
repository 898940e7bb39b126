"""Tables that another program holds, written to files that a run reads: whatever streams is taken one batch at a time.

Arrow's PyCapsule interface (`__arrow_c_stream__`) is what pandas, polars, DuckDB, pyarrow and others have in common. The few that
lack it (datasets of pyarrow and of Hugging Face, lazy frames of polars) hand out batches that have it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from itertools import chain
from pathlib import Path
from typing import Any, Protocol, TypeAlias

import orjson
import pyarrow as pa

from dedupe.errors import UsageError
from dedupe.read.parts import BATCH_ROWS, BATCH_TEXT_BYTES
from dedupe.read.tables import plain

TABLE = "table"
_NAME = re.compile(r"\w[\w-]{0,99}")

# What pandas calls an index that has no name: the places of the rows in some frame, and nothing that an article says.
_UNNAMED_INDEX = re.compile(r"__index_level_\d+__")


class ArrowStream(Protocol):
    """Stand for a table of any library that offers Arrow's PyCapsule interface: pyarrow, pandas, polars, DuckDB, ours."""

    def __arrow_c_stream__(self, requested_schema: object = None) -> object:
        """Export the rows as an Arrow C stream."""


class ArrowBatches(Protocol):
    """Stand for a data set or a scanner of pyarrow, which reads files as its batches are asked for."""

    def to_batches(self, *args: Any, **options: Any) -> Iterable[Any]:
        """Yield record batches."""


class FormattedDataset(Protocol):
    """Stand for a data set of Hugging Face, in memory or streamed."""

    def with_format(self, type: str | None = None) -> Any:  # noqa: A002 - the name that their method has
        """Return the same rows in another form."""


Item: TypeAlias = "str | Path | ArrowStream | Mapping[str, Any]"
Source: TypeAlias = "str | Path | ArrowStream | ArrowBatches | FormattedDataset | Iterable[Item]"


def is_path(source: object) -> bool:
    """Tell whether a source is the path of a file or folder."""
    return isinstance(source, str | Path)


def spool(source: Source, folder: Path, name: str = TABLE) -> list[str | Path]:
    """Return paths that hold what the source does: those it is made of, or of files that are written into `folder`.

    Tables become Arrow files, `table.arrow`; a new one begins where a stream changes its columns. Mappings become lines of JSON,
    `table.jsonl`. `name` stands in the place of `table`. Raises UsageError for what is no source, and for a name that is none.
    """
    if not _NAME.fullmatch(name):
        raise UsageError(f"{name!r} is no name for a table.", "Give letters, digits, - and _, such as 2024-05-01.")
    if isinstance(source, str | Path):
        return [source]
    if not _is_table(source) and isinstance(source, Iterable) and not isinstance(source, Mapping | bytes):
        items = iter(source)
        first = next(items, None)
        if first is None:
            return []
        source = chain([first], items)
        if isinstance(first, str | Path):
            return _paths(source)
        if isinstance(first, Mapping):
            return [_write_lines(source, folder / f"{name}.jsonl")]
        if not _is_table(first):
            raise _no_source(first)
    elif not _is_table(source):
        raise _no_source(source)
    written = list(_write_batches(_batches(source), folder / name))
    # A table without rows is read like a file without: what is wrong with it stands in the rejects.
    return written or list(_write_batches(iter([pa.RecordBatch.from_pylist([], pa.schema([]))]), folder / name))


def _is_table(source: object) -> bool:
    return any(
        hasattr(source, name) for name in ("__arrow_c_stream__", "__arrow_c_array__", "to_batches", "collect_batches")
    ) or (hasattr(source, "with_format") and hasattr(source, "iter"))


def _paths(items: Iterable[Any]) -> list[str | Path]:
    paths = list(items)
    for item in paths:
        if not is_path(item):
            raise UsageError(f"Paths and {type(item).__name__} stand in one list.", "Give paths alone, or tables alone.")
    return paths


def _no_source(found: object) -> UsageError:
    return UsageError(
        f"{type(found).__name__} is neither a path nor a table.",
        "Give paths, a table (pyarrow, pandas, polars, DuckDB, Hugging Face datasets), or mappings with a text each.",
    )


def _batches(source: Any) -> Iterator[pa.RecordBatch]:
    """Yield the record batches of a table, a stream or an iterable of either, none before it is asked for."""
    # DuckDB's stream hands out a million rows at a time: 4.8 GB of text took 2.7 GB of memory by it, and 0.2 GB in small batches.
    read_some = getattr(source, "to_arrow_reader", None) or getattr(source, "fetch_record_batch", None)
    if read_some is not None:
        yield from read_some(BATCH_ROWS)
    elif hasattr(source, "__arrow_c_stream__"):
        try:
            reader = pa.RecordBatchReader.from_stream(source)
        except (pa.ArrowInvalid, pa.ArrowTypeError) as error:
            if type(source).__name__ == "Series":
                raise UsageError(
                    "A single column is no table.", 'Give a frame: `series.to_frame("text")`, whatever its name.'
                ) from error
            raise
        yield from reader
    elif hasattr(source, "__arrow_c_array__"):
        yield pa.record_batch(source)
    elif hasattr(source, "to_batches"):
        yield from source.to_batches()
    elif hasattr(source, "with_format"):
        # Not `.data`: that is the table before rows were chosen or shuffled.
        for part in source.with_format("arrow").iter(batch_size=BATCH_ROWS):
            yield from _batches(part)
    elif hasattr(source, "collect_batches"):
        for part in source.collect_batches(chunk_size=BATCH_ROWS, maintain_order=True):
            yield from _batches(part)
    elif isinstance(source, Iterable) and not is_path(source) and not isinstance(source, Mapping):
        for part in source:
            yield from _batches(part)
    else:
        raise _no_source(source)


def _write_batches(batches: Iterator[pa.RecordBatch], stem: Path) -> Iterator[str | Path]:
    writer: pa.RecordBatchWriter | None = None
    schema = None
    number = 0
    try:
        for given in batches:
            batch = _plain(given)
            if batch.schema != schema:
                if writer is not None:
                    writer.close()
                number += 1
                schema = batch.schema
                path = stem.with_name(f"{stem.name}.arrow" if number == 1 else f"{stem.name}~{number:05}.arrow")
                writer = pa.ipc.new_file(str(path), schema)
                yield path
            assert writer is not None
            rows = max(1, min(BATCH_ROWS, BATCH_TEXT_BYTES * batch.num_rows // max(1, batch.nbytes)))
            for low in range(0, batch.num_rows, rows):
                writer.write_batch(batch.slice(low, rows))
    finally:
        if writer is not None:
            writer.close()


def _plain(batch: pa.RecordBatch) -> pa.RecordBatch:
    # A file of Arrow takes one dictionary a column, but streams change theirs from batch to batch.
    names = [name for name in batch.schema.names if not _UNNAMED_INDEX.fullmatch(name)]
    columns = [batch.column(batch.schema.names.index(name)) for name in names]
    columns = [plain(column) if pa.types.is_dictionary(column.type) else column for column in columns]
    return pa.RecordBatch.from_arrays(columns, names)


def _write_lines(rows: Iterable[Any], path: Path) -> Path:
    with open(path, "wb") as file:
        for number, row in enumerate(rows, 1):
            if not isinstance(row, Mapping):
                raise UsageError(f"Item {number:,} is no mapping, as those before it are.", "Give one kind of item.")
            line = {str(name): value for name, value in row.items()}
            try:
                file.write(orjson.dumps(line, option=orjson.OPT_APPEND_NEWLINE | orjson.OPT_SERIALIZE_NUMPY, default=str))
            except TypeError:  # half of a surrogate pair, which reading knows; an integer of more than 64 bits
                file.write(json.dumps(line, default=str).encode() + b"\n")
    return path
