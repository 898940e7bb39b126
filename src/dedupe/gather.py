"""Rows out of a table that is larger than memory."""

from __future__ import annotations

import mmap
from collections.abc import Callable
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
    ends = np.cumsum([len(chunk) for chunk in column.chunks])
    return take_of_parts(column.chunk, ends, rows, column.type)


def take_of_parts(part_of: Callable[[int], pa.Array], ends: np.ndarray, rows: np.ndarray, kind: pa.DataType) -> pa.Array:
    """Return some rows of a column that lies in parts, in the order asked for, asking for those parts alone that hold them.

    `part_of`: gives a part, which is let go of before the next one is asked for. `ends`: (parts,) the row after the last of each.
    """
    ordered, places = rows, None
    if (rows[1:] < rows[:-1]).any():
        order = np.argsort(rows, kind="stable")
        ordered, places = rows[order], np.empty(len(rows), np.int64)
        places[order] = np.arange(len(rows))
    cuts = np.concatenate([[0], np.searchsorted(ordered, ends)])
    starts = ends - np.diff(ends, prepend=0)
    taken = [
        part_of(part).take(pa.array(ordered[cuts[part] : cuts[part + 1]] - starts[part], pa.int64()))
        for part in np.flatnonzero(np.diff(cuts)).tolist()
    ]
    if not taken:
        return pa.array([], kind)
    whole = taken[0] if len(taken) == 1 else pa.concat_arrays(taken)
    return whole if places is None else whole.take(pa.array(places))


def take_table(table: pa.Table, columns: list[str], rows: np.ndarray) -> pa.Table:
    """Return some rows of some columns, in the order asked for."""
    return pa.table([take_rows(table[name], rows) for name in columns], names=columns)


def distinct(values: np.ndarray) -> np.ndarray:
    """Return the distinct values of integers, sorted.

    numpy's own `unique` counts by hashes from 2.3 on where nothing else is asked of it: 3 million pairs take 4.3 s, and sorting
    them 0.03.
    """
    ordered = np.sort(values)
    found: np.ndarray = ordered[begins(ordered)]
    return found


# Bits of a hash by which it is screened, and how many hashes at a time.
_SCREEN_BITS, _SCREENED = 22, 1 << 20


def may_be_among(hashes: np.ndarray, wanted: np.ndarray, top: int = 64) -> np.ndarray:
    """Return the places, ascending, of those hashes that may be equal to one that is wanted; of the others hardly any.

    Both uint64, of which the lowest `top` bits vary. By their upper bits, some 4 ns a hash: of 25 million a sort takes 2 s.
    """
    shift = np.uint64(max(0, top - _SCREEN_BITS))
    seen = np.zeros(1 << _SCREEN_BITS, np.bool_)
    seen[wanted >> shift] = True
    parts = range(0, len(hashes), _SCREENED)
    places = [start + np.flatnonzero(seen[np.asarray(hashes[start : start + _SCREENED]) >> shift]) for start in parts]
    return np.concatenate([np.empty(0, np.int64), *places])


def begins(ordered: np.ndarray) -> np.ndarray:
    """Tell where runs of equal values begin. (n,) bool."""
    new = np.ones(len(ordered), bool)
    new[1:] = ordered[1:] != ordered[:-1]
    return new


def leaders(ordered: np.ndarray) -> np.ndarray:
    """Return, for each value, the place at which its run of equals begins. (n,) int64."""
    places: np.ndarray = np.maximum.accumulate(np.where(begins(ordered), np.arange(len(ordered)), 0))
    return places


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
