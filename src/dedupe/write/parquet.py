"""Parquet tables whose bytes depend on nothing but their rows."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from dedupe.schema import SCHEMA_VERSION
from dedupe.write.spark_types import spark_schema
from dedupe.write.splice import ColumnsOf, Reused, Splicer

COMPRESSION_LEVEL = 3

# Row groups are cut where their rows reach this many bytes in memory: 16 to 64 MB is what scanners like to read at once.
ROW_GROUP_BYTES = 32 << 20

# Pages cut by the writer depend on how the rows arrive; one chunk a row group makes them depend on the rows alone.
PAGE_BYTES = 1 << 20


def with_footer(schema: pa.Schema, facts: dict[str, object]) -> pa.Schema:
    """Add the footer that other engines read: ours under `dedupe`, and Spark's, so that comments show in DESCRIBE."""
    return schema.with_metadata(
        {
            "dedupe": json.dumps({"schema_version": SCHEMA_VERSION, **facts}, sort_keys=True),
            "org.apache.spark.sql.parquet.row.metadata": spark_schema(schema),
        }
    )


OPTIONS: dict[str, Any] = {
    "compression": "zstd",
    "compression_level": COMPRESSION_LEVEL,
    "use_dictionary": False,
    "data_page_size": PAGE_BYTES,
    "write_statistics": True,
    "store_schema": True,
}


class _Compressor:
    # What a Splicer is where there is nothing to copy.
    def __init__(self, path: Path, schema: pa.Schema) -> None:
        self._writer = pq.ParquetWriter(path, schema, **OPTIONS)

    def write_group(self, rows: int, columns: ColumnsOf) -> None:
        self._writer.write_table(columns(self._writer.schema.names), row_group_size=max(1, rows))

    def close(self) -> None:
        self._writer.close()


class RowGroup(NamedTuple):
    """Hold the rows of a row group as they came in, in slices of batches."""

    parts: list[pa.RecordBatch]
    schema: pa.Schema

    @property
    def rows(self) -> int:
        """Return how many rows these are."""
        return sum(map(len, self.parts))

    def table(self, names: list[str]) -> pa.Table:
        """Return some of the columns, chunk by chunk as they came."""
        schema = pa.schema([self.schema.field(name) for name in names], self.schema.metadata)
        if not self.parts:
            return schema.empty_table()
        return pa.Table.from_batches([part.select(names) for part in self.parts]).cast(schema)

    def columns(self, names: list[str]) -> pa.Table:
        """Return some of the columns, each in one chunk.

        To be asked for where they are compressed: all texts of a million articles, needed or not, are 5 GB of copies.
        """
        return self.table(names).combine_chunks()


class RowGroups:
    """Cut rows into row groups at fixed byte counts, whatever batches they come in."""

    def __init__(self, schema: pa.Schema) -> None:
        self._schema = schema
        self._parts: list[pa.RecordBatch] = []
        self._bytes = 0

    def add(self, batch: pa.RecordBatch) -> Iterator[RowGroup]:
        """Take the rows of a batch, and yield every row group that they fill."""
        total = np.cumsum(_row_bytes(batch))
        start = 0
        while start < len(batch):
            before = total[start - 1] if start else 0
            stop = int(np.searchsorted(total, before + ROW_GROUP_BYTES - self._bytes)) + 1
            part = batch.slice(start, stop - start)
            start += len(part)
            self._bytes += int(total[start - 1] - before)
            self._parts.append(part)
            if self._bytes >= ROW_GROUP_BYTES:
                yield self.rest()

    def of(self, batches: Iterable[pa.RecordBatch]) -> Iterator[RowGroup]:
        """Yield the row groups of all batches."""
        for batch in batches:
            yield from self.add(batch)
        if self._parts:
            yield self.rest()

    def rest(self) -> RowGroup:
        """Return the rows that fill no group."""
        group = RowGroup(self._parts, self._schema)
        self._parts, self._bytes = [], 0
        return group


class TableWriter:
    """Write one table row group by row group.

    Where chunks of the same table may be `reused`, those of the same values are copied; the bytes are the same.
    """

    def __init__(self, path: Path, schema: pa.Schema, facts: dict[str, object], reused: Reused | None = None) -> None:
        self.schema = with_footer(schema, facts)
        self.rows = 0
        self._groups = RowGroups(self.schema)
        self._writer = _Compressor(path, self.schema) if reused is None else Splicer(path, self.schema, OPTIONS, reused)

    def write(self, batch: pa.RecordBatch) -> None:
        """Add the rows of a batch."""
        for group in self._groups.add(batch):
            self._write(group)

    def close(self) -> None:
        """Write what is left and the footer."""
        group = self._groups.rest()
        if group.parts or not self.rows:
            self._write(group)
        self._writer.close()

    def _write(self, group: RowGroup) -> None:
        self._writer.write_group(group.rows, group.columns)
        self.rows += group.rows


def _row_bytes(batch: pa.RecordBatch) -> np.ndarray:
    # Counted from the rows, never from how they were batched: 32 bytes a column, and the text where there is one.
    fixed = 32 * len(batch.schema)
    if "text" not in batch.schema.names:
        return np.full(len(batch), fixed, np.int64)
    lengths: np.ndarray = pc.binary_length(batch["text"]).fill_null(0).to_numpy(zero_copy_only=False)
    return lengths.astype(np.int64) + fixed


def write_table(
    path: Path, schema: pa.Schema, batches: Iterable[pa.RecordBatch], facts: dict[str, object], reused: Reused | None = None
) -> int:
    """Write a whole table and return its number of rows."""
    writer = TableWriter(path, schema, facts, reused)
    for batch in batches:
        writer.write(batch)
    writer.close()
    return writer.rows
