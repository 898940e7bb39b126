"""Stories: different articles on one event.

The chain is that of near-duplicates: an index proposes, every pair is scored exactly, and only then articles are grouped. The
score asks for the cast (names) and for the action (words, numbers, dates), for closeness in time where times are known, and for
more likeness than the topic has in any other week. docs/stories.md says what was measured.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pyarrow as pa
from numba import njit

from dedupe.match.story_groups import group
from dedupe.match.story_pairs import Vectors, meeting_pairs, score_pairs, vectors
from dedupe.match.story_scan import NAME, NAMES
from dedupe.match.terms import StoryTerms, TermCounts, weigh

# The one default: docs/stories.md has its sweep.
THRESHOLD = 0.175

# How far the action carries the cast: two articles that share all their names and hardly a deed are on two events.
REACH = 6.0

# Articles further apart in time speak of two events; closer ones lose as the square of the distance.
WINDOW_DAYS = 7

# How much more alike two articles must be than each is to its nearest neighbour of another week. What comes back after a week
# is a topic: a campaign, a trial. In a topic the cast and half the action are always the same.
ABOVE_TOPIC = 1.15
ABOVE_TOPIC_UNTIMED = 1.4  # where not both times are known, and nothing else says that it is the same week

# Pairs from this share of the threshold up are kept, so that averages over groups are of real scores.
_WEAK = 0.5

# Terms of an article that the index holds, the share of a weak score that they must reach alone, and how far a list is followed.
INDEXED_TERMS = 40
_PARTIAL = 0.5
MOST_POSTINGS = 256

# Terms of each kind that the evidence names.
_SHOWN = 6

_DAY = 86_400_000_000
_UNKNOWN = np.iinfo(np.int64).max
_STEPS = 128


class Pairs(NamedTuple):
    """Hold scored pairs of articles: row numbers `a < b`, the score with time in it, and the cosines of cast and action."""

    a: np.ndarray
    b: np.ndarray
    score: np.ndarray
    cast: np.ndarray
    action: np.ndarray


class Stories(NamedTuple):
    """Hold the stories of a run.

    `story`: (n,) row of the member of the story that is first in rank, -1 for an article that is alone. `edges`: the pairs of one
    story whose own score reaches the threshold; `pairs`: all kept for the averages. `looked`: postings walked. `cut`: how often
    a posting list was longer than is followed.
    """

    story: np.ndarray
    edges: Pairs
    pairs: Pairs
    looked: int
    cut: int


def find_stories(
    terms: StoryTerms,
    counts: TermCounts,
    published_us: np.ndarray,
    rank: np.ndarray,
    threshold: float = THRESHOLD,
) -> Stories:
    """Find the stories among articles, one of each cluster of copies.

    `terms`: of the canonical articles. `counts`: of the same, or of a larger run that they belong to. `published_us`: (n,) int64
    microseconds, the least int64 where unknown. `rank`: (n,) a total order that does not depend on that of the input.
    """
    weights, holders = weigh(terms, counts)
    made = vectors(terms.hashes, weights, terms.kinds, terms.passages, terms.offsets)
    times = np.where(published_us == np.iinfo(np.int64).min, _UNKNOWN, published_us)
    a, b, looked, cut = candidates(made, weights, holders, times, rank, threshold)
    pairs = judge(score(made, a, b), times, threshold)
    # No average is above its highest score: an article without a joining pair stays alone, and its weak pairs are of no use.
    joins = np.zeros(len(times), bool)
    joins[pairs.a[pairs.score >= threshold]] = joins[pairs.b[pairs.score >= threshold]] = True
    kept = (pairs.score >= _WEAK * threshold) & joins[pairs.a] & joins[pairs.b]
    pairs = Pairs(*(column[kept] for column in pairs))
    story = group(len(times), pairs.a, pairs.b, pairs.score, rank, threshold)
    inside = (story[pairs.a] == story[pairs.b]) & (story[pairs.a] >= 0) & (pairs.score >= threshold)
    return Stories(story, Pairs(*(column[inside] for column in pairs)), pairs, looked, cut)


def score(made: Vectors, a: np.ndarray, b: np.ndarray) -> Pairs:
    """Score pairs exactly, time left out."""
    scores = np.empty((len(a), 3))
    score_pairs(a, b, *made, REACH, scores)
    return Pairs(a, b, scores[:, 0], scores[:, 1], scores[:, 2])


def judge(pairs: Pairs, times: np.ndarray, threshold: float) -> Pairs:
    """Return pairs whose scores have time in them: lower for days apart and for topics that come back, 0 beyond the window.

    `times`: (n,) microseconds, the largest int64 where unknown. Where the known times of a run lie further apart than one window,
    an article without a time is taken to be of another week than any that has one: it cannot be told, and in a run of years it
    mostly is so. Where they all lie within one, it may as well be of the same.
    """
    a, b = pairs.a, pairs.b
    known_a, known_b = times[a] != _UNKNOWN, times[b] != _UNKNOWN
    both = known_a & known_b
    apart = np.where(both, np.abs(np.where(both, times[a] - times[b], 0)), 0) / (WINDOW_DAYS * _DAY)
    dated = times[times != _UNKNOWN]
    spread = len(dated) > 0 and int(dated.max()) - int(dated.min()) >= WINDOW_DAYS * _DAY
    elsewhen = (apart >= 1) | ((known_a != known_b) & spread)
    topic = np.zeros(len(times))
    np.maximum.at(topic, a[elsewhen], pairs.score[elsewhen])
    np.maximum.at(topic, b[elsewhen], pairs.score[elsewhen])
    bar = np.where(both, ABOVE_TOPIC, ABOVE_TOPIC_UNTIMED) * (topic[a] + topic[b]) / 2
    risen = pairs.score * np.minimum(1.0, threshold / np.maximum(bar, threshold))
    return pairs._replace(score=risen * np.maximum(0.0, 1.0 - np.square(apart)))


def candidates(
    made: Vectors, weights: np.ndarray, holders: np.ndarray, times: np.ndarray, rank: np.ndarray, threshold: float
) -> tuple[np.ndarray, np.ndarray, int, int]:
    """Propose the pairs whose rarest terms make up enough of a score: (a, b, postings walked, posting lists cut short)."""
    order = np.lexsort((rank, times))
    chosen = np.empty(len(order) * INDEXED_TERMS, np.int64)
    offsets = np.zeros(len(order) + 1, np.int64)
    total = _rarest(weights, holders, made.offsets, order, INDEXED_TERMS, chosen, offsets)
    chosen = chosen[:total]
    _, term = np.unique(made.hashes[chosen], return_inverse=True)
    by_term = np.argsort(term, kind="stable")
    owner = np.repeat(np.arange(len(order)), np.diff(offsets))
    places = np.empty(total, np.int64)
    places[by_term] = np.arange(total)
    starts = np.concatenate([[0], np.cumsum(np.bincount(term))]).astype(np.int64)
    whole = np.sqrt(np.square(made.norms).sum(axis=1))[order]
    values = made.values[chosen][by_term]
    pairs = np.empty(max(1024, 16 * len(order)), np.int64)
    while True:
        kept, looked, cut = meeting_pairs(
            places, term, offsets, owner[by_term], values, starts, whole, times[order], WINDOW_DAYS * _DAY,
            MOST_POSTINGS, _PARTIAL * _WEAK * threshold, _PARTIAL * threshold, pairs,
        )  # fmt: skip
        if kept <= len(pairs):
            break
        pairs = np.empty(kept, np.int64)
    one, two = order[pairs[:kept] >> 32], order[pairs[:kept] & 0xFFFFFFFF]
    return np.minimum(one, two), np.maximum(one, two), looked, cut


@njit(cache=True, nogil=True)
def _rarest(weights, holders, offsets, order, most, chosen, ends):  # type: ignore[no-untyped-def]
    # The rarest shared terms of each article; equals in order of hash.
    histogram = np.zeros(_STEPS, np.int64)
    total = 0
    for place in range(len(order)):
        begin, end = offsets[order[place]], offsets[order[place] + 1]
        histogram[:] = 0
        for at in range(begin, end):
            if holders[at] > 1:
                histogram[np.int64(weights[at] * 10)] += 1
        bar, above = _STEPS - 1, 0
        while bar > 0 and above + histogram[bar] < most:
            above += histogram[bar]
            bar -= 1
        left = most - above
        for at in range(begin, end):
            grade = np.int64(weights[at] * 10)
            if holders[at] > 1 and (grade > bar or (grade == bar and left > 0)):
                left -= grade == bar
                chosen[total] = at
                total += 1
        ends[place + 1] = total
    return total


def evidence(terms: StoryTerms, texts: pa.Array, counts: TermCounts, published_us: np.ndarray, edges: Pairs) -> list[str]:
    """Say in words what each edge rests on: time, and the rarest terms that both share, as the first of the two writes them.

    `texts`: the column that the terms were extracted from, row for row; `published_us` as in `find_stories`.
    """
    weights, _ = weigh(terms, counts)
    unknown = np.iinfo(np.int64).min
    said = []
    for a, b, value, cast, action in zip(*(column.tolist() for column in edges), strict=True):
        begin, end = terms.offsets[a], terms.offsets[a + 1]
        shared = begin + np.flatnonzero(np.isin(terms.hashes[begin:end], terms.hashes[terms.offsets[b] : terms.offsets[b + 1]]))
        blob = texts[a].as_py().encode("utf-8", "surrogatepass")
        names: list[str] = []
        deeds: list[str] = []
        for at in shared[np.lexsort((terms.hashes[shared], -weights[shared]))].tolist():
            start = int(terms.starts[at])
            word = " ".join(blob[start : start + int(terms.sizes[at])].decode("utf-8", "replace").split())
            word = word.removesuffix("'s").removesuffix("\u2019s")
            part = names if terms.kinds[at] in (NAME, NAMES) else deeds
            if len(part) < _SHOWN and not any(word in other for other in part):
                part.append(word)
        times = published_us[a], published_us[b]
        when = "" if unknown in times else f"; {abs(times[0] - times[1]) / _DAY:.1f} days apart"
        cast_said, action_said = (", ".join(f"'{word}'" for word in part) or "nothing" for part in (names, deeds))
        said.append(f"score {value:.2f}; cast {cast:.2f}: {cast_said}; action {action:.2f}: {action_said}{when}")
    return said
