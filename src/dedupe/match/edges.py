"""Edges: pairs of articles whose relation was computed exactly."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from dedupe.gather import frozen, release
from dedupe.match.bands import Bands
from dedupe.match.candidates import LARGE_BUCKET, find_candidates, least_agreement
from dedupe.match.relation_farms import star_edges, thinned
from dedupe.match.verify import Overlaps, TextsOf, Verifier

RELATIONS = ("exact", "near", "contained", "part_of", "spun", "update", "story", "decided")
EXACT, NEAR, CONTAINED_IN, PART_OF, SPUN, UPDATE, STORY, DECIDED = (np.int8(code) for code in range(len(RELATIONS)))

# Those that make two articles one, and those that forbid it. A story does neither; what people decided is no edge of the texts.
JOINING = np.array([EXACT, NEAR, CONTAINED_IN, SPUN])
KEEPING_APART = np.array([PART_OF, UPDATE])


class Edges(NamedTuple):
    """Hold edges as parallel arrays: row numbers `a < b`, sorted, the relation, and the overlap that it rests on.

    `star` marks the edges of a bucket too large for all pairs: only those to its preferred articles are there.
    """

    a: np.ndarray
    b: np.ndarray
    relation: np.ndarray
    overlap: Overlaps
    star: np.ndarray

    def __len__(self) -> int:
        return len(self.a)

    def take(self, places: np.ndarray) -> Edges:
        """Return some of them, in the order asked for."""
        overlap = Overlaps(*(column[places] for column in self.overlap))
        return Edges(self.a[places], self.b[places], self.relation[places], overlap, self.star[places])


class Found(NamedTuple):
    """Report what matching found: edges, and how many candidates they were chosen from."""

    edges: Edges
    n_candidates: int
    n_verified: int
    large_buckets: int


def exact_groups(keys: np.ndarray, rank: np.ndarray) -> np.ndarray:
    """Return for each article the row of the most preferred article with the same folded text: (n,) int64.

    `keys`: (n, 2) uint64. `rank`: (n,) place in the order of preference for canonical, 0 first.
    """
    # By half a key first, which orders a million in 0.02 s; few rows are left to be ordered by both halves and rank.
    order = np.argsort(keys[:, 0])
    same = keys[order[1:], 0] == keys[order[:-1], 0]
    rows = order[np.concatenate([same, [False]]) | np.concatenate([[False], same])] if len(order) else order
    rows = rows[np.lexsort((rank[rows], keys[rows, 1], keys[rows, 0]))]
    new = np.ones(len(rows), bool)
    new[1:] = (keys[rows[1:]] != keys[rows[:-1]]).any(axis=1)
    representative = np.arange(len(keys))
    representative[rows] = rows[np.maximum.accumulate(np.where(new, np.arange(len(rows)), 0))]
    return representative


def find_edges(
    signatures: np.ndarray,
    representative: np.ndarray,
    n_tokens: np.ndarray,
    rank: np.ndarray,
    bands: Bands,
    threshold: float,
    verify: Verifier,
    texts_of: TextsOf,
    fresh: int = 0,
) -> Found:
    """Find all pairs of representatives of exact groups at or above the threshold, as `near` until their facts are compared.

    Pairs of two rows before `fresh` are left out: they are known. Articles without a word have no signature and meet nothing
    here: they are compared by their key alone.
    """
    rows = np.flatnonzero((representative == np.arange(len(representative))) & (n_tokens > 0))
    signatures = frozen(signatures)
    candidates = find_candidates(signatures, rows, bands, threshold, verify.threads, fresh)
    overlap = verify(candidates.a, candidates.b)
    near = overlap.jaccard >= threshold
    parts = [_edges(candidates.a[near], candidates.b[near], Overlaps(*(column[near] for column in overlap)), False)]
    verified = len(candidates.a)
    least = least_agreement(threshold, bands.num_perm)
    for members in candidates.large:
        star = star_edges(members[np.argsort(rank[members], kind="stable")], signatures, least, threshold, verify, texts_of)
        parts.append(_edges(star.a, star.b, star.overlap, True))
        verified += star.looked
    release(signatures)
    return Found(joined(parts), candidates.raw, verified, len(candidates.large))


def _edges(a: np.ndarray, b: np.ndarray, overlap: Overlaps, star: bool) -> Edges:
    return Edges(a, b, np.full(len(a), NEAR), overlap, np.full(len(a), star))


def joined(parts: list[Edges]) -> Edges:
    """Join edges and sort them; of edges between the same two articles the first stays."""
    if not parts:
        nothing = np.empty(0, np.int64)
        return _edges(nothing, nothing, Overlaps(*(np.empty(0, np.int32) for _ in range(3))), False)
    a, b = np.concatenate([part.a for part in parts]), np.concatenate([part.b for part in parts])
    _, first = np.unique(a << 32 | b, return_index=True)
    overlap = Overlaps(*(np.concatenate(columns)[first] for columns in zip(*(p.overlap for p in parts), strict=True)))
    return Edges(
        a[first],
        b[first],
        np.concatenate([part.relation for part in parts])[first],
        overlap,
        np.concatenate([part.star for part in parts])[first],
    )


def thinned_updates(edges: Edges, group: np.ndarray, rank: np.ndarray) -> Edges:
    """Leave out most of the `update` edges of a farm, and say so of the others: see `thinned`.

    `group`: (n,) number of the component of joining edges that each row is in. Edges within one stay, since they say who shares
    no cluster.
    """
    loose = np.flatnonzero((edges.relation == UPDATE) & (group[edges.a] != group[edges.b]))
    kept = thinned(edges.a[loose], edges.b[loose], rank, LARGE_BUCKET)
    if kept.all():
        return edges
    gone = loose[~kept]
    less = np.zeros(len(rank), bool)
    less[edges.a[gone]] = less[edges.b[gone]] = True
    star = edges.star | ((edges.relation == UPDATE) & (less[edges.a] | less[edges.b]))
    return Edges(*edges[:4], star).take(np.delete(np.arange(len(edges)), gone))


def expand_exact(edges: Edges, representative: np.ndarray, verify: Verifier) -> Edges:
    """Write the edges between representatives out for all their exact copies, and add the `exact` ones.

    All pairs as long as two groups hold no more than a bucket of 64; larger groups as stars around their representative.
    """
    members = np.argsort(representative, kind="stable")
    ordered = representative[members]
    hubs, starts, sizes = np.unique(ordered, return_index=True, return_counts=True)
    group_of = {int(hub): members[start : start + size] for hub, start, size in zip(hubs, starts, sizes, strict=True) if size > 1}
    distinct = dict(zip(group_of, verify(*[np.fromiter(group_of, np.int64, len(group_of))] * 2).size_a, strict=True))
    parts = [edges]
    for hub, group in group_of.items():
        star = len(group) > LARGE_BUCKET
        if star:
            a, b = np.full(len(group) - 1, hub), group[group != hub]
        else:
            i, j = np.triu_indices(len(group), 1)
            a, b = group[i], group[j]
        n = np.full(len(a), distinct[hub], np.int32)
        parts.append(Edges(np.minimum(a, b), np.maximum(a, b), np.full(len(a), EXACT), Overlaps(n, n, n), np.full(len(a), star)))
    many = np.isin(edges.a, hubs[sizes > 1]) | np.isin(edges.b, hubs[sizes > 1])
    for edge in np.flatnonzero(many):
        left = group_of.get(int(edges.a[edge]), edges.a[edge : edge + 1])
        right = group_of.get(int(edges.b[edge]), edges.b[edge : edge + 1])
        if len(left) + len(right) > LARGE_BUCKET:
            continue  # the representatives' own edge stands, and each copy has its exact edge to its representative
        a, b = (grid.ravel() for grid in np.meshgrid(left, right, indexing="ij"))
        swap = a > b
        sizes_a, sizes_b = edges.overlap.size_a[edge], edges.overlap.size_b[edge]
        parts.append(
            Edges(
                np.minimum(a, b),
                np.maximum(a, b),
                np.full(len(a), edges.relation[edge]),
                Overlaps(
                    np.where(swap, sizes_b, sizes_a).astype(np.int32),
                    np.where(swap, sizes_a, sizes_b).astype(np.int32),
                    np.full(len(a), edges.overlap.shared[edge], np.int32),
                ),
                np.full(len(a), edges.star[edge]),
            )
        )
    return joined(parts)
