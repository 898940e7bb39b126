"""Candidates for the relation `spun`: which articles a spun one may be a copy of, by their class keys.

Under the class key a word and what a spinner puts in its place are one token, so that a spun copy and its source share most of
their shingles, whatever was swapped. Only pairs with a spun side are looked for: two honest articles are never `spun`.
"""

from __future__ import annotations

import re

import numpy as np

from dedupe.match.bands import band_keys, choose_bands
from dedupe.match.candidates import least_agreement, pair_agreements
from dedupe.match.edges import SPUN, Edges, joined
from dedupe.match.verify import Overlaps, TextsOf, Verifier

# Jaccard of class shingles from which a spun article is the copy of another. Real spun articles and their sources stand at 0.65
# to 0.75 on average; the highest of honest pairs in 1,000 articles below 0.01. docs/relations.md has the curve.
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


_NUMBER = re.compile(r"\d[\d.,]*\d")


def numbers_differ(one: str, other: str) -> bool:
    """Tell whether each of two texts holds a number that the other lacks, of two digits or more.

    Those are the facts that a spinner leaves as they are. Names and small numbers it swaps like any word, so they tell nothing.
    """
    left, right = ({number.replace(",", "") for number in _NUMBER.findall(text)} for text in (one, other))
    return bool(left - right) and bool(right - left)


def relate_spun(
    edges: Edges, pairs: tuple[np.ndarray, np.ndarray], spun: np.ndarray, verify: Verifier, texts_of: TextsOf
) -> tuple[Edges, int]:
    """Add the `spun` edges to the others, and return how many pairs were verified.

    `pairs`: as proposed. `spun`: (n,) bool. `verify`: by class key. A pair is `spun` from `THRESHOLD` up where no number differs.
    One of a spun and an honest article is so whatever was found before, since swapped words make `near` and `update` of it by
    chance; two spun ones are only where nothing was found.
    """
    a, b = pairs
    known = np.isin(a << 32 | b, edges.a << 32 | edges.b)
    wanted = ~known | (spun[a] != spun[b])
    a, b = a[wanted], b[wanted]
    overlap = verify(a, b)
    alike = np.flatnonzero(overlap.jaccard >= THRESHOLD)
    texts = zip(texts_of(a[alike]).to_pylist(), texts_of(b[alike]).to_pylist(), strict=True)
    alike = alike[[not numbers_differ(one, other) for one, other in texts]] if len(alike) else alike
    found = Edges(
        a[alike], b[alike], np.full(len(alike), SPUN), Overlaps(*(c[alike] for c in overlap)), np.zeros(len(alike), bool)
    )
    return joined([found, edges]), len(a)
