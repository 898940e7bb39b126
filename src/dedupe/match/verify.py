"""Exact similarities of pairs, from the shingle sets of only those articles that stand in some pair."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple

import numpy as np
import pyarrow as pa
from numba import njit

from dedupe.gather import begins, distinct
from dedupe.match.signatures import shingle_sets

# Texts of this many bytes are shingled at a time; their hashes take about as much memory again.
_BLOCK_BYTES = 32 << 20

# Articles whose texts are read at a time.
_READ_ROWS = 8192

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


# Shingle sets are kept up to this much, in bytes: those of 80,000 articles of 400 words.
KEPT_BYTES = 256 << 20


class Verifier:
    """Compute exact overlaps of pairs, keeping the shingle sets of the articles that were asked for.

    The verification rounds of clustering ask for the same articles again. A set is 8 bytes a word; where the sets of all pairs
    would take more than `kept_bytes`, the pairs are done in blocks, in their order, and the sets begin anew. `sizes`: (n,) about
    how many shingles each row has; without them all is done at once. `sets_of` makes the sets of a column: those of its folded
    words, unless another key is to be compared.
    """

    def __init__(
        self,
        texts_of: TextsOf,
        threads: int = 1,
        sets_of: SetsOf = shingle_sets,
        sizes: np.ndarray | None = None,
        kept_bytes: int = KEPT_BYTES,
    ) -> None:
        self._texts_of = texts_of
        self._sizes = sizes
        self._sets_of = sets_of
        self._most = kept_bytes // 8
        self.threads = threads
        self._forget()

    def _forget(self) -> None:
        self._known = np.empty(0, np.int64)  # sorted
        self._place = np.empty(0, np.int64)  # of each known row among the sets
        self._shingles = np.empty(0, np.uint64)  # those of all known rows, and room for more
        self._offsets = np.zeros(1, np.int64)

    def __call__(self, a: np.ndarray, b: np.ndarray) -> Overlaps:
        """Return the overlaps of the pairs `(a[k], b[k])`, given as row numbers."""
        found = Overlaps(*(np.empty(len(a), np.int32) for _ in range(3)))
        with ThreadPoolExecutor(self.threads) as pool:
            for block in self._pair_blocks(a, b):
                for column, values in zip(found, self._overlaps(a[block], b[block], pool), strict=True):
                    column[block] = values
        return found

    def _pair_blocks(self, a: np.ndarray, b: np.ndarray) -> Iterator[slice]:
        if self._sizes is None:
            yield slice(0, len(a))
            return
        # Each article counts where it first stands as `a` in a run of equal ones, and as every `b`: no less than what is read.
        weight = self._sizes[b].astype(np.int64)
        new = begins(a)
        weight[new] += self._sizes[a[new]]
        total = np.cumsum(weight)
        start = 0
        while start < len(a):
            before = total[start - 1] if start else 0
            stop = max(start + 1, int(np.searchsorted(total, before + self._most, side="right")))
            yield slice(start, stop)
            start = stop

    def _overlaps(self, a: np.ndarray, b: np.ndarray, pool: ThreadPoolExecutor) -> Overlaps:
        self._learn(distinct(np.concatenate([a, b])), pool)
        place_a = self._place[np.searchsorted(self._known, a)]
        place_b = self._place[np.searchsorted(self._known, b)]
        shared = np.empty(len(a), np.int32)
        cuts = np.linspace(0, len(a), self.threads + 1).astype(np.int64)

        def work(low: int, high: int) -> None:
            _overlaps(place_a[low:high], place_b[low:high], self._shingles, self._offsets, shared[low:high])

        list(pool.map(work, cuts[:-1], cuts[1:]))
        sizes = np.diff(self._offsets).astype(np.int32)
        return Overlaps(sizes[place_a], sizes[place_b], shared)

    def _learn(self, rows: np.ndarray, pool: ThreadPoolExecutor) -> None:
        new = rows[~np.isin(rows, self._known)]
        if not len(new):
            return
        if self._sizes is not None and len(self._shingles) + int(self._sizes[new].sum()) > self._most:
            self._forget()
            new = rows
        offsets = [self._offsets]
        # The texts of a few thousand at a time: those of all would take as much memory as the sets, and three times that while
        # they are gathered.
        for start in range(0, len(new), _READ_ROWS):
            texts = self._texts_of(new[start : start + _READ_ROWS])
            for part, part_offsets in pool.map(self._sets_of, _blocks(texts, self.threads)):
                begin = int(offsets[-1][-1])
                self._make_room(begin + len(part), begin)
                self._shingles[begin : begin + len(part)] = part
                offsets.append(part_offsets[1:] + begin)
        self._offsets = np.concatenate(offsets)
        known = np.concatenate([self._known, new])
        place = np.concatenate([self._place, np.arange(len(self._offsets) - 1 - len(new), len(self._offsets) - 1)])
        order = np.argsort(known, kind="stable")
        self._known, self._place = known[order], place[order]

    def _make_room(self, needed: int, used: int) -> None:
        # Twice as much at a time: later rounds ask for a few articles more, and copying all sets for these took 50 ms a round.
        # What is not used of it takes no memory.
        if needed > len(self._shingles):
            grown = np.empty(2 * needed, np.uint64)
            grown[:used] = self._shingles[:used]
            self._shingles = grown


def _blocks(texts: pa.Array, threads: int) -> list[pa.Array]:
    rows = max(1, min(-(-len(texts) // threads), len(texts) * _BLOCK_BYTES // max(1, texts.nbytes)))
    return [texts.slice(start, rows) for start in range(0, len(texts), rows)]
