"""Parquet tables whose bytes depend on nothing but their rows."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

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
_PAGE_BYTES = 1 << 20


def with_footer(schema: pa.Schema, facts: dict[str, object]) -> pa.Schema:
    """Add the footer that other engines read: ours under `dedupe`, and Spark's, so that comments show in DESCRIBE."""
    return schema.with_metadata(
        {
            "dedupe": json.dumps({"schema_version": SCHEMA_VERSION, **facts}, sort_keys=True),
            "org.apache.spark.sql.parquet.row.metadata": spark_schema(schema),
        }
    )


_OPTIONS: dict[str, Any] = {
    "compression": "zstd",
    "compression_level": COMPRESSION_LEVEL,
    "use_dictionary": False,
    "data_page_size": _PAGE_BYTES,
    "write_statistics": True,
    "store_schema": True,
}


class _Compressor:
    # What a Splicer is where there is nothing to copy.
    def __init__(self, path: Path, schema: pa.Schema) -> None:
        self._writer = pq.ParquetWriter(path, schema, **_OPTIONS)

    def write_group(self, rows: int, columns: ColumnsOf) -> None:
        self._writer.write_table(columns(self._writer.schema.names), row_group_size=max(1, rows))

    def close(self) -> None:
        self._writer.close()


class TableWriter:
    """Write one table row group by row group, cut at fixed byte counts whatever batches come in.

    Where chunks of the same table may be `reused`, those of the same values are copied; the bytes are the same.
    """

    def __init__(self, path: Path, schema: pa.Schema, facts: dict[str, object], reused: Reused | None = None) -> None:
        self.schema = with_footer(schema, facts)
        self.rows = 0
        self._waiting: list[tuple[pa.RecordBatch, pa.Array | None]] = []
        self._held = 0
        self._bytes = 0
        self._writer = _Compressor(path, self.schema) if reused is None else Splicer(path, self.schema, _OPTIONS, reused)

    def write(self, batch: pa.RecordBatch, kept: np.ndarray | None = None) -> None:
        """Add the rows of a batch; of those only the `kept` ones, (rows,) bool, with groups cut where all rows would be cut.

        So a group of canonical.parquet holds what is canonical in one of corpus.parquet, and an article that joins or leaves
        changes that group and none behind it.
        """
        total = np.cumsum(_row_bytes(batch))
        start = 0
        while start < len(batch):
            before = total[start - 1] if start else 0
            stop = int(np.searchsorted(total, before + ROW_GROUP_BYTES - self._bytes)) + 1
            part = batch.slice(start, stop - start)
            end = start + len(part)
            self._bytes += int(total[end - 1] - before)
            chosen = np.ones(len(part), bool) if kept is None else kept[start:end]
            count = int(chosen.sum())
            if count:
                self._waiting.append((part, None if count == len(part) else pa.array(chosen)))
                self._held += count
            start = end
            if self._bytes >= ROW_GROUP_BYTES:
                self._flush()

    def close(self) -> None:
        """Write what is left and the footer."""
        self._flush()
        if not self.rows:
            self._writer.write_group(0, self.schema.empty_table().select)
        self._writer.close()

    def _flush(self) -> None:
        if self._waiting:
            self._writer.write_group(self._held, self._columns)
        self.rows += self._held
        self._waiting, self._held, self._bytes = [], 0, 0

    def _columns(self, names: list[str]) -> pa.Table:
        # Texts are filtered and joined only where they are to be compressed: of a million articles that is 5 GB of copies.
        parts = [(part.select(names), kept) for part, kept in self._waiting]
        table = pa.Table.from_batches([part if kept is None else part.filter(kept) for part, kept in parts])
        return table.cast(pa.schema([self.schema.field(name) for name in names], self.schema.metadata)).combine_chunks()


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
