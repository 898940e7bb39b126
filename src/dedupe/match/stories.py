"""Stories: different articles on one event.

The chain is that of near-duplicates: an index proposes, every pair is scored exactly, and only then articles are grouped. The
score asks for the cast (names) and for the action (words, numbers, dates), for closeness in time where times are known, and for
more likeness than the topic has in any other week. docs/stories.md says what was measured.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple

import numpy as np
import pyarrow as pa

from dedupe.gather import distinct
from dedupe.match.story_groups import group
from dedupe.match.story_pairs import Index, index_rarest, meeting_pairs, score_pairs
from dedupe.match.story_vectors import Vectors
from dedupe.match.terms import StoryTerms, ranges
from dedupe.tokens import string_buffers

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
    made: Vectors, published_us: np.ndarray, rank: np.ndarray, threshold: float = THRESHOLD, threads: int = 1
) -> Stories:
    """Find the stories among articles, one of each cluster of copies.

    `published_us`: (n,) int64 microseconds, the least int64 where unknown. `rank`: (n,) a total order that does not depend on
    that of the input. `threads` change nothing but the time.
    """
    times = np.where(published_us == np.iinfo(np.int64).min, _UNKNOWN, published_us)
    order = np.lexsort((rank, times))
    week = _weeks(times[order])
    index = index_rarest(made, order, INDEXED_TERMS)
    a, b, looked, cut = candidates(made, index, order, week, np.empty(0, bool), _PARTIAL * _WEAK * threshold, threads)
    near = score(made, a, b, threads)
    # What an article is like in other weeks is asked only of those that may join one of their own.
    may = joining(judge(near, times, threshold), len(times), threshold)
    a, b, further, _ = candidates(made, index, order, week, may[order], _PARTIAL * threshold, threads)
    del index  # a sixth of what is held at the worst moment
    once = distinct(np.minimum(a, b) << 32 | np.maximum(a, b))
    far = score(made, once >> 32, once & 0xFFFFFFFF, threads)
    pairs = judge(Pairs(*(np.concatenate(both) for both in zip(near, far, strict=True))), times, threshold)
    # No average is above its highest score: an article without a joining pair stays alone, and its weak pairs are of no use.
    joins = joining(pairs, len(times), threshold)
    kept = (pairs.score >= _WEAK * threshold) & joins[pairs.a] & joins[pairs.b]
    pairs = Pairs(*(column[kept] for column in pairs))
    story = group(len(times), pairs.a, pairs.b, pairs.score, rank, threshold)
    inside = (story[pairs.a] == story[pairs.b]) & (story[pairs.a] >= 0) & (pairs.score >= threshold)
    return Stories(story, Pairs(*(column[inside] for column in pairs)), pairs, looked + further, cut)


def score(made: Vectors, a: np.ndarray, b: np.ndarray, threads: int = 1) -> Pairs:
    """Score pairs exactly, time left out."""
    scores = np.empty((len(a), 3))
    cuts = np.linspace(0, len(a), threads + 1).astype(np.int64)

    def work(begin: int, stop: int) -> None:
        score_pairs(a[begin:stop], b[begin:stop], *made, REACH, scores[begin:stop])

    with ThreadPoolExecutor(threads) as pool:
        list(pool.map(work, cuts[:-1], cuts[1:]))
    return Pairs(np.minimum(a, b), np.maximum(a, b), scores[:, 0], scores[:, 1], scores[:, 2])


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
    elsewhen = (apart >= 1) | ((known_a != known_b) & _spread(times))
    topic = np.zeros(len(times))
    np.maximum.at(topic, a[elsewhen], pairs.score[elsewhen])
    np.maximum.at(topic, b[elsewhen], pairs.score[elsewhen])
    bar = np.where(both, ABOVE_TOPIC, ABOVE_TOPIC_UNTIMED) * (topic[a] + topic[b]) / 2
    risen = pairs.score * np.minimum(1.0, threshold / np.maximum(bar, threshold))
    return pairs._replace(score=risen * np.maximum(0.0, 1.0 - np.square(apart)))


def joining(pairs: Pairs, n: int, threshold: float) -> np.ndarray:
    """Return which of `n` articles stand in a pair that reaches the threshold."""
    joins = np.zeros(n, bool)
    joins[pairs.a[pairs.score >= threshold]] = joins[pairs.b[pairs.score >= threshold]] = True
    return joins


def _spread(times: np.ndarray) -> bool:
    # Whether the known times of a run lie a window apart.
    dated = times[times != _UNKNOWN]
    return len(dated) > 0 and int(dated.max()) - int(dated.min()) >= WINDOW_DAYS * _DAY


def _weeks(times: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    # For articles in order of time, the first one less than a window older, and the first one a window younger or more.
    window, known = WINDOW_DAYS * _DAY, times != _UNKNOWN
    lowest = np.searchsorted(times, times - window, "right")
    highest = np.where(known, np.searchsorted(times, np.where(known, times, 0) + window, "left"), len(times))
    if not _spread(times):
        lowest[~known], highest[:] = 0, len(times)
    return lowest, highest


def candidates(
    made: Vectors,
    index: Index,
    order: np.ndarray,
    week: tuple[np.ndarray, np.ndarray],
    far: np.ndarray,
    least: float,
    threads: int = 1,
) -> tuple[np.ndarray, np.ndarray, int, int]:
    """Propose the pairs whose rarest terms make up `least` of a score: (a, b, postings walked, posting lists cut short).

    Of one week, or where some are marked in `far`, those of other weeks than these.
    """
    whole = np.sqrt(np.square(made.norms).sum(axis=1))[order]
    cuts = np.linspace(0, len(order), threads + 1).astype(np.int64)

    def work(begin: int, stop: int) -> tuple[np.ndarray, int, int]:
        pairs = np.empty(max(1024, 4 * (stop - begin)), np.int64)
        while True:
            kept, looked, cut = meeting_pairs(*index, whole, *week, far, least, MOST_POSTINGS, begin, stop, pairs)
            if kept <= len(pairs):
                return pairs[:kept], looked, cut
            pairs = np.empty(kept, np.int64)

    with ThreadPoolExecutor(threads) as pool:
        parts, looked, cut = zip(*pool.map(work, cuts[:-1].tolist(), cuts[1:].tolist()), strict=True)
    pairs = np.concatenate(parts)
    return order[pairs >> 32], order[pairs & 0xFFFFFFFF], sum(looked), sum(cut)


def evidence(
    made: Vectors, rows: np.ndarray, terms: StoryTerms, texts: pa.Array, published_us: np.ndarray, edges: Pairs
) -> list[str]:
    """Say in words what each edge rests on: time, and the rarest terms that count in its score, as the first writes them.

    `rows`: the articles of the run that stand first in some edge, ascending. `terms` and `texts`: theirs, row for row.
    `published_us` as in `find_stories`.
    """
    unknown = np.iinfo(np.int64).min
    data, places = string_buffers(texts)
    view = data.data
    shared, ends = _shared_terms(made, edges)
    # Where each stands among the terms of `rows`.
    own = np.searchsorted(rows, edges.a)
    at = shared + np.repeat(terms.offsets[own] - made.offsets[edges.a], np.diff(ends))
    acts = (made.terms[shared] & 1 > 0).tolist()
    starts = np.repeat(places[own], np.diff(ends)) + terms.starts[at]
    begins, stops = starts.tolist(), (starts + terms.sizes[at]).tolist()
    apart = [
        "" if unknown in (one, other) else f"; {abs(one - other) / _DAY:.1f} days apart"
        for one, other in zip(published_us[edges.a].tolist(), published_us[edges.b].tolist(), strict=True)
    ]
    columns = (edges.score.tolist(), edges.cast.tolist(), edges.action.tolist(), apart, ends[:-1].tolist(), ends[1:].tolist())
    said = []
    for value, cast, action, when, first, last in zip(*columns, strict=True):
        names: list[str] = []
        deeds: list[str] = []
        for at in range(first, last):
            part = deeds if acts[at] else names
            if len(part) == _SHOWN:
                if len(names) == len(deeds):
                    break
                continue
            word = " ".join(bytes(view[begins[at] : stops[at]]).decode("utf-8", "replace").split())
            word = word.removesuffix("'s").removesuffix("\u2019s")
            if not any(word in other for other in part):
                part.append(word)
        cast_said, action_said = (", ".join(f"'{word}'" for word in part) or "nothing" for part in (names, deeds))
        said.append(f"score {value:.2f}; cast {cast:.2f}: {cast_said}; action {action:.2f}: {action_said}{when}")
    return said


def _shared_terms(made: Vectors, edges: Pairs) -> tuple[np.ndarray, np.ndarray]:
    # The places of the terms of `a` that count in the score of each edge, the heaviest first, and where those of each edge end.
    sides = []
    for rows in (edges.a, edges.b):
        at = ranges(made.offsets, rows)
        owner = np.repeat(np.arange(len(rows)), np.diff(made.offsets)[rows])
        several = made.terms[at] >= 0
        sides.append((at[several], (owner << 32 | made.terms[at] >> 1)[several]))
    # Terms stand in order of number: both sides are sorted.
    (at_a, key_a), (at_b, key_b) = sides
    place = np.minimum(np.searchsorted(key_b, key_a), max(0, len(key_b) - 1))
    both = np.flatnonzero(key_b[place] == key_a) if len(key_b) else place[:0]
    passages = made.passages[at_a[both]]
    both = both[(passages == 0) | (passages != made.passages[at_b[place[both]]])]
    edge = key_a[both] >> 32
    order = np.lexsort((-made.weights[made.terms[at_a[both]] >> 1], edge))
    return at_a[both[order]], np.searchsorted(edge, np.arange(len(edges.a) + 1))
