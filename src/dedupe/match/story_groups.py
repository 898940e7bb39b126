"""Stories from scored pairs: average linkage, so that no chain of likenesses joins what is not alike on the whole."""

from __future__ import annotations

import heapq
from dataclasses import dataclass

import numpy as np

# Two groups join only if they are as alike as this share of what the looser of them is in itself: two events of one kind, each
# reported by many, make two dense groups that are alike as well, and less so.
COHESION = 0.6

_UNIT = 1_000_000


@dataclass
class _Group:
    """Hold a group: its members, the sum of the scores between them, the lowest rank, and the sums to its neighbours."""

    members: list[int]
    inner: int
    place: int
    links: dict[int, int]

    def density(self) -> float:
        size = len(self.members)
        return 2 * self.inner / (size * (size - 1)) if size > 1 else 0.0


def group(n: int, a: np.ndarray, b: np.ndarray, score: np.ndarray, rank: np.ndarray, threshold: float) -> np.ndarray:
    """Return for each of `n` articles the row of the member of its story lowest in `rank`; -1 for one alone.

    Average linkage (UPGMA, Sokal and Michener 1958) over the scored pairs: the two groups with the highest average join as long
    as it reaches the threshold and `COHESION`. A pair that is not there counts as 0: too unlike to be scored, or apart in time.
    Ties are decided by rank, so that the order of the articles changes nothing.
    """
    story = np.full(n, -1, np.int64)
    # Whole numbers, since sums of fractions would depend on the order of the articles.
    values = np.round(score * _UNIT).astype(np.int64)
    bar = round(threshold * _UNIT)
    # Most stories are two articles that have no other neighbour.
    alone = _alone(n, a, b)
    left, right = (side[alone & (values >= bar)] for side in (a, b))
    story[left] = story[right] = np.where(rank[left] < rank[right], left, right)
    a, b, parts = a[~alone], b[~alone], values[~alone].tolist()
    place = rank.tolist()
    groups: dict[int, _Group] = {}
    queue: list[tuple[float, int, int, int, int]] = []
    for one, two, value in zip(a.tolist(), b.tolist(), parts, strict=True):
        for row, other in ((one, two), (two, one)):
            groups.setdefault(row, _Group([row], 0, place[row], {})).links[other] = value
        if value >= bar:
            queue.append((-float(value), *_sorted(place[one], place[two]), one, two))
    heapq.heapify(queue)
    new = n
    while queue:
        _, _, _, one, two = heapq.heappop(queue)
        if one not in groups or two not in groups:
            continue
        joined = _joined(groups.pop(one), groups.pop(two), one, two)
        for other, value in joined.links.items():
            neighbour = groups[other]
            neighbour.links.pop(one, None)
            neighbour.links.pop(two, None)
            neighbour.links[new] = value
            average = value / (len(joined.members) * len(neighbour.members))
            if average >= bar and average >= COHESION * min(joined.density(), neighbour.density()):
                heapq.heappush(queue, (-average, *_sorted(joined.place, neighbour.place), new, other))
        groups[new] = joined
        new += 1
    for found in groups.values():
        if len(found.members) > 1:
            story[found.members] = min(found.members, key=place.__getitem__)
    return story


def _alone(n: int, a: np.ndarray, b: np.ndarray) -> np.ndarray:
    # Which pairs are of two articles that stand in no other.
    degree = np.bincount(np.concatenate([a, b]), minlength=n)
    single: np.ndarray = (degree[a] == 1) & (degree[b] == 1)
    return single


def _joined(left: _Group, right: _Group, one: int, two: int) -> _Group:
    links = dict(left.links)
    for other, value in right.links.items():
        links[other] = links.get(other, 0) + value
    links.pop(one, None)
    links.pop(two, None)
    inner = left.inner + right.inner + left.links.get(two, 0)
    return _Group(left.members + right.members, inner, min(left.place, right.place), links)


def _sorted(one: int, two: int) -> tuple[int, int]:
    return (one, two) if one < two else (two, one)
