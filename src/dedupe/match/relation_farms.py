"""Large buckets: one article in hundreds of copies, or one template filled in anew every day.

The second kind is what makes a star around preferred articles fail: hardly anything joins its hub, and every article would
have to be a hub in turn. So those that hold the same numbers are compared first, since copies of one report do and two
reports do not.

What a star leaves out is made up for where it counts: articles that were to meet in one cluster are compared before they do. And
of the hundreds that an article of a farm contradicts, a few are enough to say so.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pyarrow as pa

from dedupe.gather import leaders
from dedupe.match.candidates import agreements
from dedupe.match.facts import contradictions
from dedupe.match.verify import Overlaps, TextsOf, Verifier
from dedupe.tokens import string_buffers, tokenize

# Articles that the others are compared with in each set that holds the same numbers. Who is left over keeps the edges found
# until then.
MOST_HUBS = 64

# Articles that the first ones of all these sets are compared with. Nearly all such pairs are reports of two days, at 0.2 ms
# each.
MOST_FIRST = 8

# An article with more edges of a kind that joins nothing than a bucket has members keeps so many of them.
MOST_KEPT = 8

_FACTOR = np.uint64(0x9E3779B97F4A7C15)
_29 = np.uint64(29)


class Star(NamedTuple):
    """Hold the pairs of a large bucket at or above the threshold, `a < b`, their overlap, and how many pairs were looked at."""

    a: np.ndarray
    b: np.ndarray
    overlap: Overlaps
    looked: int


def number_keys(texts: pa.Array) -> np.ndarray:
    """Hash which numbers in digits each text holds, and how often, in whatever order: (n,) uint64."""
    data, bases = string_buffers(texts)
    tokens = tokenize(texts)
    counts = np.diff(tokens.offsets)
    first = data[np.repeat(bases[:-1], counts) + tokens.starts]
    value = (tokens.hashes ^ (tokens.hashes >> _29)) * _FACTOR
    value[(first < ord("0")) | (first > ord("9"))] = 0
    # Sums of uint64 wrap around, and so do their differences.
    sums = np.concatenate([np.zeros(1, np.uint64), np.cumsum(value, dtype=np.uint64)])
    keys: np.ndarray = sums[tokens.offsets[1:]] - sums[tokens.offsets[:-1]]
    return keys


def star_edges(
    members: np.ndarray, signatures: np.ndarray, least: int, threshold: float, verify: Verifier, texts_of: TextsOf
) -> Star:
    """Find pairs of a large bucket: of all that are one article, each with the most preferred of them.

    `members`: rows in order of preference. `signatures`, `least`: those that agree in fewer places are not compared. Of pairs
    that contradict each other in a fact only those with the preferred articles are found.
    """
    found: list[tuple[np.ndarray, np.ndarray, Overlaps]] = []
    looked = 0
    group = np.unique(number_keys(texts_of(members)), return_inverse=True)[1]
    hubs: list[int] = []
    # All sets go on together, a hub of each at a time: a farm has nearly as many sets as articles, and each call to verify has a
    # cost of its own, 3 ms with threads.
    in_sets = members[np.argsort(group, kind="stable")]
    free = np.split(in_sets, np.cumsum(np.bincount(group))[:-1]) if len(members) else []
    for _ in range(MOST_HUBS):
        hubs += [int(rows[0]) for rows in free]
        free = [rows for rows in free if len(rows) > 1]
        if not free:
            break
        others = [rows[1:][agreements(signatures, int(rows[0]), rows[1:]) >= least] for rows in free]
        hub = np.repeat([rows[0] for rows in free], [len(rows) for rows in others])
        pairs = _near(hub, np.concatenate(others), threshold, verify)
        found.append(pairs)
        looked += len(hub)
        a, b, _ = pairs
        joined = np.array([not said for said in contradictions(a, b, texts_of)], bool)
        taken = np.zeros(len(signatures), bool)
        taken[a[joined]] = taken[b[joined]] = True
        free = [rest for rest in (rows[1:][~taken[rows[1:]]] for rows in free) if len(rest)]
    # The first of every set against those of the other sets: copies with a paragraph more or less, and one number in it.
    order = members[np.isin(members, hubs)]
    for place in range(min(MOST_FIRST, len(order) - 1)):
        rest = order[place + 1 :]
        others = rest[agreements(signatures, order[place], rest) >= least]
        found.append(_near(int(order[place]), others, threshold, verify))
        looked += len(others)
    a, b = (np.concatenate([np.empty(0, np.int64), *(part[side] for part in found)]) for side in (0, 1))
    _, once = np.unique(a << 32 | b, return_index=True)
    columns = zip(*(part[2] for part in found), strict=True)
    overlap = (
        Overlaps(*(np.concatenate(column)[once] for column in columns)) if found else Overlaps(*(np.empty(0, np.int32),) * 3)
    )
    return Star(a[once], b[once], overlap, looked)


def _near(
    hub: int | np.ndarray, others: np.ndarray, threshold: float, verify: Verifier
) -> tuple[np.ndarray, np.ndarray, Overlaps]:
    a, b = np.minimum(hub, others), np.maximum(hub, others)
    overlap = verify(a, b)
    near = overlap.jaccard >= threshold
    return a[near], b[near], Overlaps(*(column[near] for column in overlap))


def unproven(
    hub: np.ndarray, rank: np.ndarray, marked: np.ndarray, known: np.ndarray, width: int
) -> tuple[np.ndarray, np.ndarray]:
    """Return the pairs `a < b` of `marked` rows in one cluster that were never compared, one of them among the `width` most
    preferred marked rows of the cluster.

    `hub`: (n,) the canonical of each row. `marked`: rows that were compared with preferred articles only. `known`: sorted, the
    pairs that were compared, as `a << 32 | b`. Width times the rows at most.
    """
    rows = marked[np.lexsort((rank[marked], hub[marked]))]
    group = hub[rows]
    start = leaders(group)
    # Each row with those of the first `width` that stand before it.
    counts = np.minimum(np.arange(len(rows)) - start, width)
    later = np.repeat(np.arange(len(rows)), counts)
    earlier = np.repeat(start, counts) + np.arange(len(later)) - np.repeat(np.cumsum(counts) - counts, counts)
    a, b = np.minimum(rows[earlier], rows[later]), np.maximum(rows[earlier], rows[later])
    fresh = ~np.isin(a << 32 | b, known)
    return a[fresh], b[fresh]


def thinned(a: np.ndarray, b: np.ndarray, rank: np.ndarray, most: int) -> np.ndarray:
    """Tell which edges to keep so that a farm has no quadratic number of them: (edges,) bool.

    An article in more than `most` of these edges keeps those with the `MOST_KEPT` most preferred of the articles that have as
    many; an edge stays as long as one of the two keeps it. So there are `most` and `MOST_KEPT` an article at most.
    """
    crowded = np.bincount(np.concatenate([a, b]), minlength=len(rank)) > most
    kept: np.ndarray = ~(crowded[a] & crowded[b])
    among = np.flatnonzero(~kept)
    own, other = np.concatenate([a[among], b[among]]), np.concatenate([b[among], a[among]])
    order = np.lexsort((rank[other], own))
    new = np.ones(len(order), bool)
    new[1:] = own[order[1:]] != own[order[:-1]]
    place = np.arange(len(order)) - np.maximum.accumulate(np.where(new, np.arange(len(order)), 0))
    kept[np.tile(among, 2)[order[place < MOST_KEPT]]] = True
    return kept
