"""Candidate pairs: which articles share a bucket, and could be alike as far as their signatures tell.

A candidate is a proposal, never evidence: `match.verify` computes every one of them exactly.
"""

from __future__ import annotations

import math
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple

import numpy as np
from numba import njit

from dedupe.gather import distinct, frozen, may_be_among, release
from dedupe.match.bands import Bands, band_keys, bucket_bounds

# All pairs of a bucket up to here; above it, members are compared with the bucket's preferred articles only.
LARGE_BUCKET = 64

# A pair is dropped unread where its signatures agree in fewer places than a true pair at the threshold would by four standard
# deviations (3 in 100,000). On 30,000 news articles that leaves 1 in 40 of the raw pairs to be verified.
_DEVIATIONS = 4.0


class Candidates(NamedTuple):
    """Hold candidate pairs as two arrays of row numbers, `a < b`, sorted, each once; and the rows of each large bucket."""

    a: np.ndarray
    b: np.ndarray
    large: list[np.ndarray]
    raw: int


@njit(cache=True, nogil=True)
def _agreement(signatures, a, b):  # type: ignore[no-untyped-def]
    same = 0
    for place in range(signatures.shape[1]):
        same += signatures[a, place] == signatures[b, place]
    return same


@njit(cache=True, nogil=True)
def agreements(signatures, one, others):  # type: ignore[no-untyped-def]
    """Count the places in which the signature of row `one` agrees with that of each of `others`: (n,) int32."""
    counts = np.empty(len(others), np.int32)
    for at in range(len(others)):
        counts[at] = _agreement(signatures, one, others[at])
    return counts


@njit(cache=True, nogil=True)
def _pairs_of_buckets(order, starts, stops, buckets, limit, signatures, least, fresh, pairs, room):  # type: ignore[no-untyped-def]
    # Returns (pairs kept, pairs looked at); more than `room` kept means: call again with that much room. `order` holds rows.
    kept = 0
    raw = 0
    for bucket in range(buckets):
        if stops[bucket] - starts[bucket] > limit:
            continue
        for i in range(starts[bucket], stops[bucket]):
            for j in range(i + 1, stops[bucket]):
                a, b = order[i], order[j]
                if max(a, b) < fresh:
                    continue
                raw += 1
                if _agreement(signatures, a, b) < least:
                    continue
                if kept < room:
                    pairs[kept] = min(a, b) << 32 | max(a, b)
                kept += 1
    return kept, raw


def least_agreement(threshold: float, num_perm: int) -> int:
    """Return the fewest agreeing places that a pair at the threshold shows, but for 3 in 100,000."""
    spread = math.sqrt(threshold * (1 - threshold) / num_perm)
    return max(1, math.floor((threshold - _DEVIATIONS * spread) * num_perm))


def find_candidates(
    signatures: np.ndarray, rows: np.ndarray, bands: Bands, threshold: float, threads: int = 1, fresh: int = 0
) -> Candidates:
    """Find the pairs among `rows` that share a band and may reach the threshold.

    `signatures`: (n, num_perm) uint32, best mapped from a file. `rows`: the row numbers to compare, in ascending order (one of
    each set of exact copies, none that is empty). A thread sorts one band at a time, so that memory is some 30 bytes an article
    and thread, not one key a band. Pairs of two rows before `fresh` are left out.
    """
    least = least_agreement(threshold, bands.num_perm)
    signatures = frozen(signatures)
    large: dict[bytes, np.ndarray] = {}
    with ThreadPoolExecutor(threads) as pool:
        found = list(pool.map(lambda band: _pairs_of_band(signatures, rows, bands, band, least, fresh), range(bands.number)))
    for _, _, buckets in found:
        for members in buckets:
            large.setdefault(members.tobytes(), members)
    together = distinct(np.concatenate([pairs for pairs, _, _ in found]))
    return Candidates(together >> 32, together & 0xFFFFFFFF, list(large.values()), sum(seen for _, seen, _ in found))


def _pairs_of_band(
    signatures: np.ndarray, rows: np.ndarray, bands: Bands, band: int, least: int, fresh: int
) -> tuple[np.ndarray, int, list[np.ndarray]]:
    # The pairs of the band's buckets that agree often enough, how many were looked at, and the members of each large bucket.
    keys = np.empty(len(signatures), np.uint64)
    band_keys(signatures, band * bands.rows, bands.rows, keys)
    # One word holds the key and, in its lowest bits, the row, so that one plain sort gives both in a third of the time. Two keys
    # that differ in these bits alone only add a pair to look at.
    bits = np.uint64(len(keys).bit_length())
    together = keys[rows] >> bits << bits | rows.astype(np.uint64)
    del keys
    if fresh:
        # Only what meets an article that is new: of 10,000 among a million, one key in fifty is left to be sorted.
        together = together[may_be_among(together, together[np.searchsorted(rows, fresh) :])]
    together.sort()
    order = (together & ((np.uint64(1) << bits) - np.uint64(1))).astype(np.int64)
    together >>= bits
    starts, stops = np.empty(len(order) // 2 + 1, np.int64), np.empty(len(order) // 2 + 1, np.int64)
    count = bucket_bounds(together, starts, stops)
    starts, stops = starts[:count].copy(), stops[:count].copy()
    large = [order[starts[at] : stops[at]] for at in np.flatnonzero(stops - starts > LARGE_BUCKET)]
    large = [members for members in large if members.max() >= fresh]
    pairs = np.empty(max(1024, len(order) // 4), np.int64)
    while True:
        kept, seen = _pairs_of_buckets(order, starts, stops, count, LARGE_BUCKET, signatures, least, fresh, pairs, len(pairs))
        if kept <= len(pairs):
            release(signatures)
            return pairs[:kept].copy(), seen, large
        pairs = np.empty(kept, np.int64)
