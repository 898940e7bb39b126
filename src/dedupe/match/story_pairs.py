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

from dedupe.match.story_scan import NUMBER
from dedupe.match.terms import StoryTerms, TermCounts, weigh

# Weights are at most 6.9: -ln of the share of an article in 1,000.
_STEPS = 128


class Vectors(NamedTuple):
    """Hold the vectors of all articles: terms by their number in the run (-1: in no other article), the value of each, whether it
    belongs to the action, the passage it stands in, and the norm of each article's two parts, (n, 2).
    """

    numbers: np.ndarray
    values: np.ndarray
    action: np.ndarray
    passages: np.ndarray
    offsets: np.ndarray
    norms: np.ndarray

    def several(self) -> int:
        """Return how many terms are in more than one article: they are numbered from 0 on."""
        return int(self.numbers.max(initial=-1)) + 1


def vectors(terms: StoryTerms, counts: TermCounts) -> Vectors:
    """Build the vectors of articles. `counts`: of the same articles, or of a larger run that they belong to."""
    weights, numbers = weigh(terms, counts)
    action = terms.kinds >= NUMBER
    norms = np.empty((len(terms.offsets) - 1, 2))
    _norms(weights, action, terms.offsets, norms)
    return Vectors(numbers, weights, action, terms.passages, terms.offsets, norms)


@njit(cache=True, nogil=True)
def _norms(values, action, offsets, norms):  # type: ignore[no-untyped-def]
    for article in range(len(offsets) - 1):
        names, deeds = 0.0, 0.0
        for at in range(offsets[article], offsets[article + 1]):
            square = np.float64(values[at]) * np.float64(values[at])
            if action[at]:
                deeds += square
            else:
                names += square
        norms[article, 0], norms[article, 1] = np.sqrt(names), np.sqrt(deeds)


@njit(cache=True, nogil=True)
def score_pairs(a, b, several, numbers, values, action, passages, offsets, norms, reach, scores):  # type: ignore[no-untyped-def]
    """Write (score, cast, action) of each pair into `scores` (n, 3): the cosine of the whole, and those of its two parts.

    In the whole, the cast counts as if its cosine were at most `reach` times that of the action. What both have from one passage,
    word for word, counts for nothing. `several`: how many numbers terms have. Cheapest where equal `b` stand one after the other.
    """
    longest = 0
    for article in range(len(offsets) - 1):
        longest = max(longest, offsets[article + 1] - offsets[article])
    # Which term of `two` has a number, 0 for none: one look for each term of `one`, and no branch that nothing could predict,
    # cost a quarter of what merging the two costs.
    which = np.zeros(several + 1, np.int32)
    there, acts, stands = np.zeros(longest + 1, np.float32), np.zeros(longest + 1, np.bool_), np.zeros(longest + 1, np.uint32)
    two = -1
    for pair in range(len(a)):
        one = a[pair]
        if b[pair] != two:
            for at in range(offsets[max(two, 0)], offsets[two + 1]):
                which[numbers[at] + 1] = 0
            two = b[pair]
            for place in range(1, offsets[two + 1] - offsets[two] + 1):
                at = offsets[two] + place - 1
                which[numbers[at] + 1] = place
                there[place], acts[place], stands[place] = values[at], action[at], passages[at]
            which[0] = 0
        cast, done = 0.0, 0.0
        for at in range(offsets[one], offsets[one + 1]):
            place = which[numbers[at] + 1]
            pasted = (passages[at] != 0) & (passages[at] == stands[place])
            value = np.float32(0) if pasted else values[at] * there[place]
            # What one article calls a name and the other, at the start of a sentence, a word is a name.
            deed = action[at] & acts[place]
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

    The terms of article `n` are `ends[n]:ends[n + 1]`: the `numbers` of the terms and the `places` of its postings. Those of a
    term are `starts[number]:starts[number + 1]`: `articles` in order, and the weight that the term has in each.
    """

    ends: np.ndarray
    numbers: np.ndarray
    places: np.ndarray
    starts: np.ndarray
    articles: np.ndarray
    weights: np.ndarray


def index_rarest(made: Vectors, order: np.ndarray, most: int) -> Index:
    """Index the `most` rarest terms of each article that others share, equals in order of hash; `order` says what time says."""
    several = made.several()
    room = min(len(order) * most, len(made.numbers))
    numbers, places, articles = (np.empty(room, np.uint32) for _ in range(3))
    index = Index(
        np.zeros(len(order) + 1, np.int64), numbers, places, np.zeros(several + 1, np.int64), articles, np.empty(room, np.float32)
    )
    _index(order, most, made.numbers, made.values, made.offsets, *index)
    return index


@njit(cache=True, nogil=True)
def _index(order, most, numbers, values, offsets, ends, taken, places, starts, articles, weights):  # type: ignore[no-untyped-def]
    longest = 0
    for article in range(len(offsets) - 1):
        longest = max(longest, offsets[article + 1] - offsets[article])
    chosen, grades = np.empty(len(places) + 1, np.int64), np.empty(longest, np.uint8)
    histogram = np.zeros(_STEPS, np.int32)
    total = 0
    for place in range(len(order)):
        begin, size = offsets[order[place]], offsets[order[place] + 1] - offsets[order[place]]
        histogram[:] = 0
        for at in range(size):
            grades[at] = np.uint8(0) if numbers[begin + at] < 0 else np.uint8(values[begin + at] * 10 + 1)
            histogram[grades[at]] += 1
        bar, above = _STEPS - 1, 0
        while bar > 1 and above + histogram[bar] < most:
            above += histogram[bar]
            bar -= 1
        left = most - above
        for at in range(size):
            level = (grades[at] == bar) & (left > 0)
            left -= level
            chosen[total] = begin + at
            total += level | (grades[at] > bar)
        ends[place + 1] = total
    for at in range(total):
        starts[numbers[chosen[at]] + 1] += 1
    for number in range(len(starts) - 1):
        starts[number + 1] += starts[number]
    stops = starts.copy()
    for article in range(len(order)):
        for at in range(ends[article], ends[article + 1]):
            number = numbers[chosen[at]]
            taken[at], places[at] = number, stops[number]
            articles[stops[number]], weights[stops[number]] = article, values[chosen[at]]
            stops[number] += 1


@njit(cache=True, nogil=True)
def _walk(first, last, own, articles, weights, gathered, touched, count):  # type: ignore[no-untyped-def]
    # No branch in this loop, since nothing could predict it: with one, all takes three times as long.
    for at in range(np.uint64(first), np.uint64(last)):
        other = articles[at]
        before = gathered[other]
        touched[count] = other
        count += np.uint64(before == 0)
        gathered[other] = before + own * weights[at]
    return count


@njit(cache=True, nogil=True)
def meeting_pairs(  # type: ignore[no-untyped-def]
    ends, numbers, places, starts, articles, weights, whole, lowest, highest, far, least, most, pairs
):  # fmt: skip
    """Write the pairs of articles whose indexed terms alone reach `least`; return (kept, postings walked, lists cut short).

    An article's week begins at article `lowest` and ends before `highest`, (n,) each. Each article looks back along the postings
    of its terms, over `most` of each, as far as its week goes; those marked in `far`, if any are, look beyond their weeks
    instead, back and forth. `whole`: (n,) norms. More kept than `pairs` has room for means: call again.
    """
    n = len(ends) - 1
    gathered = np.zeros(n, np.float32)
    touched = np.empty(n + 1, np.uint32)
    kept, looked, cut = 0, 0, 0
    for article in range(n):
        if len(far) and not far[article]:
            continue
        count = np.uint64(0)
        for at in range(ends[article], ends[article + 1]):
            place, number = np.int64(places[at]), numbers[at]
            own = weights[place]
            first = max(starts[number], place - most)
            week = place
            while week > first and articles[week - 1] >= lowest[article]:
                week -= 1
            if len(far):
                count = _walk(first, week, own, articles, weights, gathered, touched, count)
                last = min(starts[number + 1], place + most + 1)
                after = place + 1
                while after < last and articles[after] < highest[article]:
                    after += 1
                count = _walk(after, last, own, articles, weights, gathered, touched, count)
                looked += week - first + max(0, last - after)
            else:
                count = _walk(week, place, own, articles, weights, gathered, touched, count)
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
