"""How good the tool is, from edges that were drawn by lot and judged by people.

What people meet in a queue of doubtful clusters says nothing of the clusters that nobody doubted. So precision is computed from
the audit queue alone, whose edges are drawn uniformly; what was decided elsewhere is tallied apart, and a bulk act, in which
nothing was looked at one by one, counts once.
"""

from __future__ import annotations

import hashlib
import heapq
import math
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from statistics import NormalDist
from typing import NamedTuple

from dedupe.decisions.facts import Batch

AUDIT = "audit"

# A threshold that rests on fewer edges above it than this is a guess.
_LEAST = 20

# Clusters are what the tool joined; the queues of what it kept apart agree with it the other way about.
_APART = frozenset({"updates", "stories"})
_AGREEING, _AGREEING_APART = frozenset({"accept"}), frozenset({"not_duplicates"})
_DISAGREEING = frozenset({"not_duplicates", "split", "merge", "undo_repair"})


class Judged(NamedTuple):
    """Hold one judged edge: its two articles in order of ID, relation and similarity when judged, and whether it was right."""

    a_id: str
    b_id: str
    relation: str
    similarity: float | None
    right: bool
    who: str


class Precision(NamedTuple):
    """Hold the share of right edges of a relation among those judged, with its confidence interval."""

    relation: str
    judged: int
    right: int
    share: float
    low: float
    high: float


class Needed(NamedTuple):
    """Hold the lowest threshold whose edges are right often enough: how many are judged and right from there on, the share with
    its interval, and which share of all right edges it would keep."""

    threshold: float
    judged: int
    right: int
    share: float
    low: float
    high: float
    kept: float


class Tally(NamedTuple):
    """Count the acts of one queue that agreed with the tool, disagreed, or passed over; a bulk act is one."""

    queue: str
    agreed: int
    disagreed: int
    skipped: int


def draw(names: Sequence[str], size: int, seed: int) -> list[int]:
    """Return the places of `size` of the names, drawn uniformly without replacement, in the order drawn.

    Each name draws its own lot, a hash of the seed and itself: so the sample depends on no order, a larger one begins with the
    smaller, and of a corpus that has grown most of it stays. `names` are distinct: `MEMBER_ID CANONICAL_ID`, say, for edges.
    """
    lots = [hashlib.sha256(f"{seed}\x1e{name}".encode()).digest() for name in names]
    return heapq.nsmallest(size, range(len(names)), key=lots.__getitem__)


def judgements(batches: Iterable[Batch]) -> list[Judged]:
    """Return the edges judged in the audit queue, one for each edge and person: the last word of each that stands."""
    found: dict[tuple[str, str, str], Judged] = {}
    for batch in sorted(batches, key=lambda batch: (batch.at, batch.uid)):
        if not batch.standing or batch.queue != AUDIT or batch.bulk:
            continue
        for fact in batch.facts:
            if fact.kind not in {"must_link", "cannot_link"} or "relation" not in fact.details or len(fact.articles) != 2:
                continue
            a, b = sorted(fact.articles)
            right = fact.kind == "must_link"
            found[a, b, batch.who] = Judged(a, b, fact.details["relation"], fact.details["similarity"], right, batch.who)
    return [found[key] for key in sorted(found)]


def precision_by_relation(judged: Iterable[Judged], confidence: float = 0.95) -> list[Precision]:
    """Return the precision of each relation, in alphabetical order, and of `all` of them last."""
    groups: dict[str, list[bool]] = defaultdict(list)
    everything: list[bool] = []
    for one in judged:
        groups[one.relation].append(one.right)
        everything.append(one.right)
    named = [*sorted(groups.items()), ("all", everything)] if everything else []
    return [_precision(relation, rights, confidence) for relation, rights in named]


def _precision(relation: str, rights: Sequence[bool], confidence: float) -> Precision:
    judged, right = len(rights), sum(rights)
    return Precision(relation, judged, right, right / judged, *wilson(right, judged, confidence))


def needed_threshold(judged: Iterable[Judged], wanted: float, relation: str = "near", confidence: float = 0.95) -> Needed | None:
    """Return the lowest threshold from which on a share `wanted` of the judged edges of a relation is right.

    None where no threshold with 20 judged edges above it reaches that. The sample knows nothing below the threshold of the run.
    """
    edges = [(one.similarity, one.right) for one in judged if one.relation == relation and one.similarity is not None]
    edges.sort(reverse=True)
    whole = sum(right for _, right in edges)
    best: Needed | None = None
    right = 0
    for count, (similarity, is_right) in enumerate(edges, start=1):
        right += is_right
        if count < len(edges) and edges[count][0] == similarity:
            continue  # a threshold takes all edges of one similarity or none
        if count >= _LEAST and right >= wanted * count:
            best = Needed(similarity, count, right, right / count, *wilson(right, count, confidence), right / max(1, whole))
    return best


def wilson(right: int, judged: int, confidence: float = 0.95) -> tuple[float, float]:
    """Return the Wilson score interval of a share (Wilson, 1927, doi:10.2307/2276774): sound for small samples and for shares
    near 0 and 1, where the usual interval leaves the range."""
    if judged == 0:
        return 0.0, 1.0
    z = NormalDist().inv_cdf((1 + confidence) / 2)
    share = right / judged
    middle = (share + z * z / (2 * judged)) / (1 + z * z / judged)
    half = z / (1 + z * z / judged) * math.sqrt(share * (1 - share) / judged + z * z / (4 * judged * judged))
    # At 0 and 1 the interval ends there; rounding would leave it a hair outside.
    return (0.0 if right == 0 else middle - half), (1.0 if right == judged else middle + half)


def tallies(batches: Iterable[Batch]) -> list[Tally]:
    """Count what was decided in each queue but the audit's, by standing acts."""
    counted: dict[str, Counter[str]] = defaultdict(Counter)
    for batch in batches:
        if not batch.standing or batch.queue == AUDIT:
            continue
        if batch.act in (_AGREEING_APART if batch.queue in _APART else _AGREEING):
            counted[batch.queue]["agreed"] += 1
        elif batch.act in _DISAGREEING:
            counted[batch.queue]["disagreed"] += 1
        elif batch.act == "skip":
            counted[batch.queue]["skipped"] += 1
    return [Tally(queue, *(counts[name] for name in Tally._fields[1:])) for queue, counts in sorted(counted.items())]
