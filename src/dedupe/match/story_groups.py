"""Stories from scored pairs: average linkage, so that no chain of likenesses joins what is not alike on the whole."""

from __future__ import annotations

import heapq

import numpy as np

_UNIT = 1_000_000


def group(n: int, a: np.ndarray, b: np.ndarray, score: np.ndarray, rank: np.ndarray, threshold: float) -> np.ndarray:
    """Return for each of `n` articles the number of its story, that of its member lowest in `rank`; -1 for one alone.

    Unweighted average linkage (Sokal and Michener 1958) over the scored pairs: the two groups with the highest average join as long as
    it reaches the threshold. A pair that is not there counts as 0: too unlike to be scored, or apart in time. Ties are decided by rank.
    """
    # Whole numbers, since sums of fractions would depend on the order of the articles.
    parts = np.round(score * _UNIT).astype(np.int64).tolist()
    bar = round(threshold * _UNIT)
    links: dict[int, dict[int, int]] = {}
    place = rank.tolist()
    for one, two, value in zip(a.tolist(), b.tolist(), parts, strict=True):
        links.setdefault(one, {})[two] = value
        links.setdefault(two, {})[one] = value
    members = {row: [row] for row in links}
    queue = [
        (-float(value), *sorted((place[one], place[two])), one, two)
        for one, two, value in zip(a.tolist(), b.tolist(), parts, strict=True)
        if value >= bar
    ]
    heapq.heapify(queue)
    new = n
    while queue:
        _, low, high, one, two = heapq.heappop(queue)
        if one not in members or two not in members:
            continue
        joined = members.pop(one) + members.pop(two)
        sums = links.pop(one)
        for other, value in links.pop(two).items():
            sums[other] = sums.get(other, 0) + value
        sums.pop(one, None)
        sums.pop(two, None)
        for other, value in sums.items():
            links[other].pop(one, None)
            links[other].pop(two, None)
            links[other][new] = value
            average = value / (len(joined) * len(members[other]))
            if average >= bar:
                place_of = min(place[row] for row in members[other])
                heapq.heappush(queue, (-average, *sorted((low, place_of)), new, other))
        links[new], members[new] = sums, joined
        new += 1
    story = np.full(n, -1, np.int64)
    for group_ in members.values():
        if len(group_) > 1:
            story[group_] = min(group_, key=place.__getitem__)
    return story
