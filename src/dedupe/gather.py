"""Rows out of a table that is larger than memory."""

from __future__ import annotations

import mmap
from typing import Protocol

import numpy as np
import pyarrow as pa


class FarColumn(Protocol):
    """A column that is not on this machine, of which some rows can be had."""

    def take_rows(self, rows: np.ndarray) -> pa.Array:
        """Return some rows, in the order asked for."""


def take_rows(column: pa.ChunkedArray | FarColumn, rows: np.ndarray) -> pa.Array:
    """Return some rows of a column, in the order asked for, touching only the chunks that hold them.

    Arrow's own `take` joins all chunks first: 190 MB are copied for the texts of three articles.
    """
    if not isinstance(column, pa.ChunkedArray):
        return column.take_rows(rows)
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


def frozen(array: np.ndarray) -> np.ndarray:
    """Return a view that cannot be written to, as mapped files are: numba compiles a kernel for each of the two kinds."""
    view = np.asarray(array).view()
    view.flags.writeable = False
    return view


def release(array: np.ndarray) -> None:
    """Give back the memory of a mapped array, whose pages are read again from the file when they are next asked for.

    What is only mapped counts as memory of this process as long as its pages stay. Does nothing for other arrays.
    """
    base = array
    while isinstance(base, np.ndarray) and base.base is not None:
        base = base.base
    if isinstance(base, mmap.mmap) and hasattr(mmap, "MADV_DONTNEED"):
        base.madvise(mmap.MADV_DONTNEED)
