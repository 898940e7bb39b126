"""The kernels under stories: which articles share rare terms, and the exact score of a pair.

An article is a vector of its terms' weights, squared, so that rare terms rule. That is also what makes candidates cheap: most of a
product of two such vectors lies in the few rarest terms of each, which an inverted index finds.
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
    offsets: np.ndarray
    norms: np.ndarray


def vectors(hashes: np.ndarray, weights: np.ndarray, kinds: np.ndarray, offsets: np.ndarray) -> Vectors:
    """Build the vectors from the terms' weights."""
    values = np.square(weights).astype(np.float32)
    action = kinds >= NUMBER
    squares = np.square(values, dtype=np.float64)
    norms = np.zeros((len(offsets) - 1, 2))
    if len(values):
        starts = np.minimum(offsets[:-1], len(values) - 1)
        full = np.diff(offsets) > 0
        for part, chosen in enumerate((~action, action)):
            norms[full, part] = np.add.reduceat(squares * chosen, starts[full])
    return Vectors(hashes, values, action, offsets, np.sqrt(norms))


@njit(cache=True, nogil=True)
def score_pairs(a, b, hashes, values, action, offsets, norms, reach, scores):  # type: ignore[no-untyped-def]
    """Write (score, cast, action) of each pair into `scores` (n, 3).

    Cast and action are the cosines of the two parts. The score is the cosine of the whole, in which the cast counts no
    further than the action supports it: as if its cosine were at most `reach` times that of the action.
    """
    for pair in range(len(a)):
        one, two = a[pair], b[pair]
        i, i_end, j, j_end = offsets[one], offsets[one + 1], offsets[two], offsets[two + 1]
        cast, done = 0.0, 0.0
        while i < i_end and j < j_end:
            left, right = hashes[i], hashes[j]
            if left == right:
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
        name = min(1.0, cast / names) if names > 0 else 0.0
        scores[pair, 1], scores[pair, 2] = name, deed
        supported = min(cast, names * reach * deed)
        scores[pair, 0] = (supported + done) / whole if whole > 0 else 0.0


@njit(cache=True, nogil=True)
def meeting_pairs(  # type: ignore[no-untyped-def]
    places, owner_terms, term_offsets, postings, posting_values, posting_offsets, values, whole, times, window, most, least, pairs, room
):  # fmt: skip
    """Write the pairs of articles whose rarest terms alone reach `least`; return (kept, looked at, cut short).

    Articles are numbered in order of time, those without at the end. Each looks back along the postings of its terms, to those within
    `window` or without a time, over `most` of each posting list. `pairs` takes `room`; more kept means: call again with that much room.
    """
    n = len(term_offsets) - 1
    gathered = np.zeros(n, np.float32)
    touched = np.empty(n, np.int64)
    kept, looked, cut = 0, 0, 0
    unknown = np.iinfo(np.int64).max
    for article in range(n):
        count = 0
        for at in range(term_offsets[article], term_offsets[article + 1]):
            term = owner_terms[at]
            first = posting_offsets[term]
            back = places[at] - 1
            stop = max(first, places[at] - most)
            while back >= stop:
                other = postings[back]
                if times[article] != unknown and times[article] - times[other] > window:
                    break
                looked += 1
                if gathered[other] == 0:
                    touched[count] = other
                    count += 1
                gathered[other] += values[at] * posting_values[back]
                back -= 1
            cut += back == stop - 1 and stop > first
        for at in range(count):
            other = touched[at]
            if gathered[other] >= least * whole[article] * whole[other]:
                if kept < room:
                    pairs[kept] = other << 32 | article
                kept += 1
            gathered[other] = 0
    return kept, looked, cut
