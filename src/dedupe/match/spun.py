"""Candidates for the relation `spun`: which articles a spun one may be a copy of, by their class keys.

Under the class key a word and what a spinner puts in its place are one token, so that a spun copy and its source share most of
their shingles, whatever was swapped. Only pairs with a spun side are looked for: two honest articles are never `spun`.
"""

from __future__ import annotations

import numpy as np

from dedupe.match.bands import band_keys, choose_bands
from dedupe.match.candidates import least_agreement, pair_agreements

# Jaccard of class shingles from which a spun article is the copy of another. Real spun articles and their sources stand at 0.65 to
# 0.75 on average; the highest of honest pairs in 1,000 articles below 0.01. docs/relations.md has the curve.
THRESHOLD = 0.3
RECALL = 0.995

BANDS = choose_bands(THRESHOLD, RECALL)


def propose_spun(signatures: np.ndarray, rows: np.ndarray, spun: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the pairs of `rows` (a < b) that share a band of their class signatures, one of them in `spun` at least.

    `signatures`: (n, BANDS.num_perm) uint32 of class shingles. A band costs one look-up an article in the keys of the spun ones,
    so the cost follows the corpus, not its square, and is nothing where no article is spun.
    """
    spun = np.sort(spun[np.isin(spun, rows)])
    if not len(spun):
        return np.empty(0, np.int64), np.empty(0, np.int64)
    found = []
    keys = np.empty(len(signatures), np.uint64)
    for band in range(BANDS.number):
        band_keys(signatures, band * BANDS.rows, BANDS.rows, keys)
        order = np.argsort(keys[spun], kind="stable")
        ordered = keys[spun][order]
        low, high = np.searchsorted(ordered, keys[rows], "left"), np.searchsorted(ordered, keys[rows], "right")
        counts = high - low
        hit = np.flatnonzero(counts)
        within = np.arange(counts.sum()) - np.repeat(np.cumsum(counts[hit]) - counts[hit], counts[hit])
        one = np.repeat(rows[hit], counts[hit])
        other = spun[order[np.repeat(low[hit], counts[hit]) + within]]
        found.append((np.minimum(one, other) << 32 | np.maximum(one, other))[one != other])
    pairs = np.unique(np.concatenate(found))
    a, b = pairs >> 32, pairs & 0xFFFFFFFF
    least = least_agreement(THRESHOLD, BANDS.num_perm)
    alike = pair_agreements(signatures, a, b) >= least
    return a[alike], b[alike]
