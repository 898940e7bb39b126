"""Exact similarities of pairs, from the shingle sets of only those articles that stand in some pair."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple

import numpy as np
import pyarrow as pa
from numba import njit

from dedupe.match.signatures import shingle_sets

# Texts of this many bytes are shingled at a time; their hashes take about as much memory again.
_BLOCK_BYTES = 64 << 20

TextsOf = Callable[[np.ndarray], pa.Array]
SetsOf = Callable[[pa.Array], tuple[np.ndarray, np.ndarray]]


class Overlaps(NamedTuple):
    """Hold, for each pair, the number of shingles of `a`, of `b`, and of both: (n,) int32 each."""

    size_a: np.ndarray
    size_b: np.ndarray
    shared: np.ndarray

    @property
    def jaccard(self) -> np.ndarray:
        """Shared shingles over all shingles of the pair; 0 where neither has any. (n,) float64."""
        union = self.size_a + self.size_b - self.shared
        ratio: np.ndarray = self.shared / np.maximum(union, 1)
        return ratio


@njit(cache=True, nogil=True)
def _overlaps(a, b, shingles, offsets, shared):  # type: ignore[no-untyped-def]
    for pair in range(len(a)):
        i, i_end = offsets[a[pair]], offsets[a[pair] + 1]
        j, j_end = offsets[b[pair]], offsets[b[pair] + 1]
        same = 0
        while i < i_end and j < j_end:
            left, right = shingles[i], shingles[j]
            same += left == right
            i += left <= right
            j += right <= left
        shared[pair] = same


class Verifier:
    """Compute exact overlaps of pairs, keeping the shingle sets of the articles that were asked for once.

    The verification rounds of clustering ask for the same articles again; a set is 8 bytes a word. `sets_of` makes the sets of a
    column: those of its folded words, unless another key is to be compared.
    """

    def __init__(self, texts_of: TextsOf, threads: int = 1, sets_of: SetsOf = shingle_sets) -> None:
        self._texts_of = texts_of
        self._sets_of = sets_of
        self.threads = threads
        self._known = np.empty(0, np.int64)
        self._shingles = np.empty(0, np.uint64)
        self._offsets = np.zeros(1, np.int64)

    def __call__(self, a: np.ndarray, b: np.ndarray) -> Overlaps:
        """Return the overlaps of the pairs `(a[k], b[k])`, given as row numbers."""
        self._learn(np.unique(np.concatenate([a, b])))
        order = np.argsort(self._known, kind="stable")
        place_a = order[np.searchsorted(self._known, a, sorter=order)]
        place_b = order[np.searchsorted(self._known, b, sorter=order)]
        shared = np.empty(len(a), np.int32)
        with ThreadPoolExecutor(self.threads) as pool:
            cuts = np.linspace(0, len(a), self.threads + 1).astype(np.int64)
            list(
                pool.map(
                    lambda lo, hi: _overlaps(place_a[lo:hi], place_b[lo:hi], self._shingles, self._offsets, shared[lo:hi]),
                    cuts[:-1],
                    cuts[1:],
                )
            )
        sizes = np.diff(self._offsets).astype(np.int32)
        return Overlaps(sizes[place_a], sizes[place_b], shared)

    def _learn(self, rows: np.ndarray) -> None:
        new = rows[~np.isin(rows, self._known)]
        if not len(new):
            return
        texts = self._texts_of(new)
        with ThreadPoolExecutor(self.threads) as pool:
            parts = list(pool.map(self._sets_of, _blocks(texts, self.threads)))
        shingles, offsets = [self._shingles], [self._offsets]
        for part, part_offsets in parts:
            shingles.append(part)
            offsets.append(part_offsets[1:] + offsets[-1][-1])
        self._shingles, self._offsets = np.concatenate(shingles), np.concatenate(offsets)
        self._known = np.concatenate([self._known, new])


def _blocks(texts: pa.Array, threads: int) -> list[pa.Array]:
    rows = max(1, min(-(-len(texts) // threads), len(texts) * _BLOCK_BYTES // max(1, texts.nbytes)))
    return [texts.slice(start, rows) for start in range(0, len(texts), rows)]
