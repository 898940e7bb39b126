"""Bands of a signature, chosen for the recall that is wanted, and the buckets that they make."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numba import njit

# 128 permutations estimate a Jaccard of 0.5 to ±0.044, and are what 64 bytes of cache lines serve at no extra cost; longer
# bands beyond that save candidates that verification refuses for less than the permutations take.
MAX_PERMUTATIONS = 128

_FACTOR = np.uint64(0x9E3779B97F4A7C15)
_32 = np.uint64(32)


class Bands(NamedTuple):
    """State a banding: `number` bands of `rows` values each. Two articles meet where all values of one band are equal."""

    number: int
    rows: int

    @property
    def num_perm(self) -> int:
        """Values that a signature must have."""
        return self.number * self.rows

    def recall(self, jaccard: float) -> float:
        """Return how probably two articles of this similarity share a band (Leskovec et al., Mining of Massive Datasets, 3.4)."""
        return 1.0 - (1.0 - jaccard**self.rows) ** self.number


def choose_bands(threshold: float, recall: float) -> Bands:
    """Choose the longest bands that still find `recall` of the pairs exactly at `threshold`.

    Longer bands mean fewer candidates; recall is never traded for that, since verification is exact and cheap. datasketch's own
    optimiser weighs both alike and finds 0.3 to 0.55 of the pairs at the threshold.
    """
    chosen = Bands(max(1, math.ceil(math.log(1 - recall) / math.log(1 - min(threshold, 0.999)))), 1)
    for rows in range(2, MAX_PERMUTATIONS + 1):
        count = math.ceil(math.log(1 - recall) / math.log1p(-(min(threshold, 0.999) ** rows)))
        if count * rows > MAX_PERMUTATIONS:
            break
        chosen = Bands(count, rows)
    return chosen


@njit(cache=True, nogil=True)
def band_keys(signatures, first, rows, keys):  # type: ignore[no-untyped-def]
    """Write one 64-bit key an article for the band that begins at value `first`."""
    for row in range(signatures.shape[0]):
        value = np.uint64(first + 1)
        for place in range(rows):
            value = (value ^ np.uint64(signatures[row, first + place])) * _FACTOR
            value ^= value >> _32
        keys[row] = value


@njit(cache=True, nogil=True)
def bucket_bounds(ordered, starts, stops):  # type: ignore[no-untyped-def]
    """Write begin and end of every run of two or more equal keys in `ordered`, and return how many there are."""
    count = 0
    begin = 0
    for at in range(1, len(ordered) + 1):
        if at == len(ordered) or ordered[at] != ordered[begin]:
            if at - begin > 1:
                starts[count], stops[count] = begin, at
                count += 1
            begin = at
    return count
