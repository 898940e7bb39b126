"""The kernels under stories: which articles share rare terms, and the exact score of a pair.

An article is a vector of its terms' weights. Rare terms rule in it, which is also what makes candidates cheap: much of the
product of two such vectors lies in the rarest terms of each, which an inverted index finds.
"""

# Kernels start their variables as plain numbers and go on with those of numpy, which numba takes for one.
# mypy: disable-error-code="assignment"

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numba import njit

from dedupe.match.story_vectors import Vectors

# Weights are at most 6.9: -ln of the share of an article in 1,000.
_STEPS = 128


@njit(cache=True, nogil=True)
def score_pairs(a, b, terms, passages, offsets, weights, norms, reach, scores):  # type: ignore[no-untyped-def]
    """Write (score, cast, action) of each pair into `scores` (n, 3): the cosine of the whole, and those of its two parts.

    In the whole, the cast counts as if its cosine were at most `reach` times that of the action. What both have from one passage,
    word for word, counts for nothing. Cheapest where equal `b` stand one after the other.
    """
    # What `two` holds of each number, 0 for nothing: one look for each term of `one`, and no branch that nothing could predict,
    # cost a quarter of what merging the two costs. The last number stands for the terms of one article alone.
    held, stands = np.zeros(len(weights) + 1, np.uint8), np.zeros(len(weights) + 1, np.uint16)
    squares = np.zeros(len(weights) + 1, np.float32)
    squares[:-1] = weights * weights
    alone = len(weights)
    two = -1
    for pair in range(len(a)):
        one = a[pair]
        if b[pair] != two:
            for at in range(offsets[max(two, 0)], offsets[two + 1]):
                held[terms[at] >> 1] = 0
            two = b[pair]
            for at in range(offsets[two], offsets[two + 1]):
                number = terms[at] >> 1 if terms[at] >= 0 else alone
                held[number], stands[number] = 1 + (terms[at] & 1), passages[at]
            held[alone] = 0
        cast, done = 0.0, 0.0
        for at in range(offsets[one], offsets[one + 1]):
            number = terms[at] >> 1 if terms[at] >= 0 else alone
            pasted = (passages[at] != 0) & (passages[at] == stands[number])
            value = np.float32(0) if (held[number] == 0) | pasted else squares[number]
            # What one article calls a name and the other, at the start of a sentence, a word is a name.
            deed = (terms[at] & 1) + held[number] == 3
            done += value if deed else np.float32(0)
            cast += np.float32(0) if deed else value
        names, deeds = norms[one, 0] * norms[two, 0], norms[one, 1] * norms[two, 1]
        whole = np.sqrt((norms[one, 0] ** 2 + norms[one, 1] ** 2) * (norms[two, 0] ** 2 + norms[two, 1] ** 2))
        acting = done / deeds if deeds > 0 else 0.0
        scores[pair, 0] = (min(cast, reach * acting * names) + done) / whole if whole > 0 else 0.0
        scores[pair, 1] = min(1.0, cast / names) if names > 0 else 0.0
        scores[pair, 2] = acting


class Index(NamedTuple):
    """Hold the postings of the rarest terms of each article, articles being numbered in order of time.

    The terms of article `n` are `numbers[ends[n]:ends[n + 1]]`. The articles that hold a term so are
    `articles[starts[number]:starts[number + 1]]`, in order. `weights`: that of each number.
    """

    ends: np.ndarray
    numbers: np.ndarray
    starts: np.ndarray
    articles: np.ndarray
    weights: np.ndarray


def index_rarest(made: Vectors, order: np.ndarray, most: int) -> Index:
    """Index the `most` rarest terms of each article that others share, equals in order of hash; `order` says what time says."""
    numbers = np.empty(min(len(order) * most, len(made.terms)) + 1, np.uint32)
    ends, starts = np.zeros(len(order) + 1, np.int64), np.zeros(len(made.weights) + 1, np.int64)
    _choose(order, most, made.terms, made.offsets, made.weights, ends, numbers, starts)
    articles = np.empty(ends[-1], np.uint32)
    _post(ends, numbers, starts, articles)
    return Index(ends, numbers[: ends[-1]], starts, articles, made.weights)


@njit(cache=True, nogil=True)
def _choose(order, most, terms, offsets, weights, ends, chosen, starts):  # type: ignore[no-untyped-def]
    longest = 0
    for article in range(len(offsets) - 1):
        longest = max(longest, offsets[article + 1] - offsets[article])
    grade_of, grades = (weights * 10 + 1).astype(np.uint8), np.empty(longest, np.uint8)
    histogram = np.zeros(_STEPS, np.int32)
    total = 0
    for place in range(len(order)):
        begin, size = offsets[order[place]], offsets[order[place] + 1] - offsets[order[place]]
        histogram[:] = 0
        for at in range(size):
            grades[at] = np.uint8(0) if terms[begin + at] < 0 else grade_of[terms[begin + at] >> 1]
            histogram[grades[at]] += 1
        bar, above = _STEPS - 1, 0
        while bar > 1 and above + histogram[bar] < most:
            above += histogram[bar]
            bar -= 1
        left = most - above
        for at in range(size):
            level = (grades[at] == bar) & (left > 0)
            left -= level
            chosen[total] = terms[begin + at] >> 1
            total += level | (grades[at] > bar)
        ends[place + 1] = total
    for at in range(total):
        starts[chosen[at] + 1] += 1
    for number in range(len(weights)):
        starts[number + 1] += starts[number]


@njit(cache=True, nogil=True)
def _post(ends, numbers, starts, articles):  # type: ignore[no-untyped-def]
    stops = starts.copy()
    for article in range(len(ends) - 1):
        for at in range(ends[article], ends[article + 1]):
            articles[stops[numbers[at]]] = article
            stops[numbers[at]] += 1


@njit(cache=True, nogil=True)
def _walk(first, last, value, articles, gathered, touched, count):  # type: ignore[no-untyped-def]
    # No branch in this loop, since nothing could predict it: with one, all takes three times as long.
    for at in range(np.uint64(first), np.uint64(last)):
        other = articles[at]
        before = gathered[other]
        touched[count] = other
        count += np.uint64(before == 0)
        gathered[other] = before + value
    return count


@njit(cache=True, nogil=True)
def meeting_pairs(  # type: ignore[no-untyped-def]
    ends, numbers, starts, articles, weights, whole, lowest, highest, far, least, most, begin, stop, pairs
):  # fmt: skip
    """Write the pairs of articles whose indexed terms alone reach `least`; return (kept, postings walked, lists cut short).

    Of the articles `begin:stop` with others: what several threads do side by side is what one does alone.
    An article's week begins at article `lowest` and ends before `highest`, (n,) each. Each article looks back along the postings
    of its terms, over `most` of each, as far as its week goes; those marked in `far`, if any are, look beyond their weeks
    instead, back and forth. `whole`: (n,) norms. More kept than `pairs` has room for means: call again.
    """
    n = len(ends) - 1
    gathered = np.zeros(n, np.float32)
    touched = np.empty(n + 1, np.uint32)
    places = starts.copy()  # of the posting of the article at hand, in each list
    for at in range(ends[begin]):
        places[numbers[at]] += 1
    kept, looked, cut = 0, 0, 0
    for article in range(begin, stop):
        count = np.uint64(0)
        wanted = len(far) == 0 or far[article]
        for at in range(ends[article], ends[article + 1]):
            number = numbers[at]
            place = places[number]
            places[number] = place + 1
            if not wanted:
                continue
            value = weights[number] * weights[number]
            first = max(starts[number], place - most)
            week = place
            while week > first and articles[week - 1] >= lowest[article]:
                week -= 1
            if len(far):
                count = _walk(first, week, value, articles, gathered, touched, count)
                last = min(starts[number + 1], place + most + 1)
                after = place + 1
                while after < last and articles[after] < highest[article]:
                    after += 1
                count = _walk(after, last, value, articles, gathered, touched, count)
                looked += week - first + max(0, last - after)
            else:
                count = _walk(week, place, value, articles, gathered, touched, count)
                looked += place - week
                cut += week == first and first > starts[number] and articles[first - 1] >= lowest[article]
        bar = least * whole[article]
        for at in range(count):
            other = touched[at]
            if gathered[other] >= bar * whole[other]:
                if kept < len(pairs):
                    pairs[kept] = np.int64(other) << 32 | article
                kept += 1
            gathered[other] = 0
    return kept, looked, cut
