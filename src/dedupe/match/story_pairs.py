"""The kernels under stories: which articles share rare terms, and the exact score of a pair.

An article is a vector of its terms' weights. Rare terms rule in it, which is also what makes candidates cheap: much of the
product of two such vectors lies in the rarest terms of each, which an inverted index finds.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numba import njit

from dedupe.match.story_scan import NUMBER


class Vectors(NamedTuple):
    """Hold the vectors of all articles: values beside their hashes, cast or action, and the norm of each article's two parts."""

    hashes: np.ndarray
    values: np.ndarray
    action: np.ndarray
    passages: np.ndarray
    offsets: np.ndarray
    norms: np.ndarray


def vectors(hashes: np.ndarray, weights: np.ndarray, kinds: np.ndarray, passages: np.ndarray, offsets: np.ndarray) -> Vectors:
    """Build the vectors from the terms' weights."""
    values = weights.astype(np.float32)
    action = kinds >= NUMBER
    squares = np.square(values, dtype=np.float64)
    norms = np.zeros((len(offsets) - 1, 2))
    if len(values):
        starts = np.minimum(offsets[:-1], len(values) - 1)
        full = np.diff(offsets) > 0
        for part, chosen in enumerate((~action, action)):
            norms[full, part] = np.add.reduceat(squares * chosen, starts[full])
    return Vectors(hashes, values, action, passages, offsets, np.sqrt(norms))


@njit(cache=True, nogil=True)
def score_pairs(a, b, hashes, values, action, passages, offsets, norms, reach, scores):  # type: ignore[no-untyped-def]
    """Write (score, cast, action) of each pair into `scores` (n, 3): the cosine of the whole, and those of its two parts.

    In the whole, the cast counts as if its cosine were at most `reach` times that of the action. What both have from one passage,
    word for word, counts for nothing.
    """
    for pair in range(len(a)):
        one, two = a[pair], b[pair]
        i, i_end, j, j_end = offsets[one], offsets[one + 1], offsets[two], offsets[two + 1]
        cast, done = 0.0, 0.0
        while i < i_end and j < j_end:
            left, right = hashes[i], hashes[j]
            if left == right and (passages[i] == 0 or passages[i] != passages[j]):
                # What one article calls a name and the other, at the start of a sentence, a word is a name.
                if action[i] and action[j]:
                    done += values[i] * values[j]
                else:
                    cast += values[i] * values[j]
            i += left <= right
            j += right <= left
        names, deeds = norms[one, 0] * norms[two, 0], norms[one, 1] * norms[two, 1]
        whole = np.sqrt((norms[one, 0] ** 2 + norms[one, 1] ** 2) * (norms[two, 0] ** 2 + norms[two, 1] ** 2))
        deed = done / deeds if deeds > 0 else 0.0
        scores[pair, 0] = (min(cast, reach * deed * names) + done) / whole if whole > 0 else 0.0
        scores[pair, 1] = min(1.0, cast / names) if names > 0 else 0.0
        scores[pair, 2] = deed


@njit(cache=True, nogil=True)
def meeting_pairs(  # type: ignore[no-untyped-def]
    places, terms, term_offsets, postings, posting_values, posting_offsets, whole, times, window, most, least, least_far, pairs
):  # fmt: skip
    """Write the pairs of articles whose indexed terms alone reach `least`; return (kept, postings walked, lists cut short).

    Articles are numbered in order of `times`. Each looks back along the postings of its terms, over `most` of each. A pair
    further apart than `window` is wanted only from `least_far` up. More kept than `pairs` has room for means: call again.
    """
    n = len(term_offsets) - 1
    gathered = np.zeros(n, np.float32)
    touched = np.empty(n, np.int64)
    kept, looked, cut = 0, 0, 0
    for article in range(n):
        count = 0
        for at in range(term_offsets[article], term_offsets[article + 1]):
            place = places[at]
            first = posting_offsets[terms[at]]
            cut += place - first > most
            own = posting_values[place]
            for back in range(max(first, place - most), place):
                other = postings[back]
                looked += 1
                if gathered[other] == 0:
                    touched[count] = other
                    count += 1
                gathered[other] += own * posting_values[back]
        for at in range(count):
            other = touched[at]
            bar = least if times[other] > times[article] - window else least_far
            if gathered[other] >= bar * whole[article] * whole[other]:
                if kept < len(pairs):
                    pairs[kept] = other << 32 | article
                kept += 1
            gathered[other] = 0
    return kept, looked, cut
