"""Rows out of a table that is larger than memory."""

from __future__ import annotations

import numpy as np
import pyarrow as pa


def take_rows(column: pa.ChunkedArray, rows: np.ndarray) -> pa.Array:
    """Return some rows of a column, in the order asked for, touching only the chunks that hold them.

    Arrow's own `take` joins all chunks first: 190 MB are copied for the texts of three articles.
    """
    if column.num_chunks == 1:
        return column.chunk(0).take(pa.array(rows, pa.int64()))
    ends = np.cumsum([len(chunk) for chunk in column.chunks])
    order = np.argsort(rows, kind="stable")
    cuts = np.searchsorted(rows[order], ends)
    parts, begin, first = [], 0, 0
    for chunk, cut, end in zip(column.chunks, cuts.tolist(), ends.tolist(), strict=True):
        if cut > begin:
            parts.append(chunk.take(pa.array(rows[order[begin:cut]] - first, pa.int64())))
        begin, first = cut, end
    if not parts:
        return pa.array([], column.type)
    places = np.empty(len(rows), np.int64)
    places[order] = np.arange(len(rows))
    return pa.concat_arrays(parts).take(pa.array(places))


def take_table(table: pa.Table, columns: list[str], rows: np.ndarray) -> pa.Table:
    """Return some rows of some columns, in the order asked for."""
    return pa.table([take_rows(table[name], rows) for name in columns], names=columns)
