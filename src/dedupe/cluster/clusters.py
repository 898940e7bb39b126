"""Clusters from verified edges: every member stands in a joining edge to its canonical, none is joined by a chain."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from dedupe.cluster.constraints import Constraints
from dedupe.gather import begins, distinct, leaders

# Given two arrays of rows, tell which pairs have a joining edge, by computing those that no bucket proposed.
JoinsOf = Callable[[np.ndarray, np.ndarray], np.ndarray]


def components(n: int, a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Return for each of `n` rows the lowest row that it is connected with: (n,) int64.

    Label propagation with pointer jumping (Shiloach and Vishkin 1982), vectorised: rounds grow with the logarithm of the
    longest chain.
    """
    label = np.arange(n)
    while True:
        before = label.copy()
        low = np.minimum(label[a], label[b])
        np.minimum.at(label, label[a], low)
        np.minimum.at(label, label[b], low)
        np.minimum.at(label, a, low)
        np.minimum.at(label, b, low)
        label = label[label]
        if np.array_equal(before, label):
            return label


def clusters(
    rank: np.ndarray,
    a: np.ndarray,
    b: np.ndarray,
    joins_of: JoinsOf,
    cannot_link: tuple[np.ndarray, np.ndarray] | None = None,
    decided: Constraints | None = None,
) -> np.ndarray:
    """Return for each article the row of its canonical: (n,) int64; its own row where it stands for itself.

    `rank`: (n,) place in the total order of preference. `a`, `b`: joining edges. Components of edges only partition the work.
    Inside one, the first free article in order becomes canonical and takes every free article that has a joining edge to it,
    asking `joins_of` for pairs that no bucket proposed; and so on. `cannot_link` pairs never share a cluster, also not through a
    third article: the one earlier in the order is taken. What people `decided` goes over both: whoever takes a member of a block
    takes the block, edges or none, and pairs inside a block are forbidden to nobody.
    """
    n = len(rank)
    canonical = np.arange(n)
    edges = distinct(np.concatenate([a * n + b, b * n + a]))
    forbidden = _both_ways(n, cannot_link)
    if decided is not None:
        forbidden = forbidden[decided.block[forbidden // n] != decided.block[forbidden % n]]
        linked = np.flatnonzero(decided.block != canonical)
        a, b = np.concatenate([a, linked]), np.concatenate([b, decided.block[linked]])
    if not len(a):
        return canonical
    label = components(n, a, b)
    involved = distinct(np.concatenate([a, b]))
    order = involved[np.lexsort((rank[involved], label[involved]))]
    free = order
    while len(free):
        first = begins(label[free])
        hub = free[leaders(label[free])]
        others = np.flatnonzero(~first)
        left, right = hub[others], free[others]
        known = _holds(edges, left * n + right)
        joined = known.copy()
        joined[~known] = joins_of(left[~known], right[~known])
        if decided is not None:
            joined = _as_decided(n, left, right, joined, forbidden, decided)
        elif len(forbidden):
            joined = _without_conflicts(n, left, right, joined, forbidden)
        canonical[right[joined]] = left[joined]
        gone = first
        gone[others[joined]] = True
        free = free[~gone]
    return canonical


def _without_conflicts(n: int, left: np.ndarray, right: np.ndarray, joined: np.ndarray, forbidden: np.ndarray) -> np.ndarray:
    # Only clusters that hold an article of some forbidden pair are walked one by one; the rest is decided already. Each member
    # asks for its own forbidden pairs alone: to ask for all pairs of a cluster would take the square of its size.
    allowed = joined.copy()
    if not len(left):
        return allowed
    marked = np.zeros(n, bool)
    marked[forbidden // n] = True
    starts = np.concatenate([[0], np.flatnonzero(np.diff(left)) + 1])
    walked = np.logical_or.reduceat(marked[right] & joined, starts)
    stops = np.append(starts[1:], len(left))
    for start, stop in zip(starts[walked].tolist(), stops[walked].tolist(), strict=True):
        taken = {int(left[start])}
        for at in (start + np.flatnonzero(joined[start:stop])).tolist():
            member = int(right[at])
            if marked[member] and not taken.isdisjoint(_apart_from(n, forbidden, member)):
                allowed[at] = False
            else:
                taken.add(member)
    return allowed


def _as_decided(
    n: int, left: np.ndarray, right: np.ndarray, joined: np.ndarray, forbidden: np.ndarray, decided: Constraints
) -> np.ndarray:
    # Only clusters that hold an article of some decision or forbidden pair are walked one by one.
    special = np.zeros(n, bool)
    special[forbidden // n] = True
    special[[row for rows in decided.members.values() for row in rows]] = True
    special[list(decided.claims)] = True
    allowed = joined.copy()
    if not len(left):
        return allowed
    starts = np.concatenate([[0], np.flatnonzero(np.diff(left)) + 1])
    walked = np.logical_or.reduceat(special[right] & joined, starts) | special[left[starts]]
    stops = np.append(starts[1:], len(left))
    for start, stop in zip(starts[walked].tolist(), stops[walked].tolist(), strict=True):
        place = {row: at for at, row in enumerate(right[start:stop].tolist(), start)}
        hub = int(left[start])
        taken: set[int] = set()
        claimed: dict[int, int] = {}
        seen: set[int] = set()
        for row in (hub, *right[start:stop][joined[start:stop]].tolist()):
            block = int(decided.block[row])
            if block in seen:
                continue
            seen.add(block)
            unit = decided.members.get(block, [row])
            own = dict(claim for one in unit for claim in decided.claims.get(one, ()))
            fits = not (_clash(claimed, own) or _met(n, forbidden, unit, taken))
            allowed[[place[one] for one in unit if one != hub]] = fits
            if fits:
                taken.update(unit)
                claimed |= own
    return allowed


def _clash(claimed: dict[int, int], own: dict[int, int]) -> bool:
    return any(claimed.get(decision, group) != group for decision, group in own.items())


def _met(n: int, forbidden: np.ndarray, unit: list[int], taken: set[int]) -> bool:
    return any(not taken.isdisjoint(_apart_from(n, forbidden, row)) for row in unit)


def _apart_from(n: int, forbidden: np.ndarray, row: int) -> list[int]:
    begin, end = np.searchsorted(forbidden, [row * n, row * n + n])
    apart: list[int] = (forbidden[begin:end] - row * n).tolist()
    return apart


def _both_ways(n: int, pairs: tuple[np.ndarray, np.ndarray] | None) -> np.ndarray:
    if pairs is None:
        return np.empty(0, np.int64)
    a, b = pairs
    return distinct(np.concatenate([a * n + b, b * n + a]))


def _holds(ordered: np.ndarray, wanted: np.ndarray) -> np.ndarray:
    if not len(ordered):
        return np.zeros(len(wanted), bool)
    at = np.minimum(np.searchsorted(ordered, wanted), len(ordered) - 1)
    found: np.ndarray = ordered[at] == wanted
    return found
