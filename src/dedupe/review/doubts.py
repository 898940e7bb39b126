"""Which clusters most need eyes, and why."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from dedupe.review.catalog import Catalog

# Matching is least sure this close above the threshold.
_WEAK_ABOVE = 0.1
_HUGE = 50
_DAYS_APART = 7
_TIMES_LONGER = 2.0
_BRIDGED_FROM = 4


class Reason(NamedTuple):
    """Name a reason to look at a cluster, say it in words, and weigh it against the others."""

    name: str
    words: str
    weight: float


# By how often each proves wrong where it is the only one: a spun copy and an abridged one rest on less than a near one does.
REASONS = (
    Reason("weak", "its weakest edge is close to the threshold", 3.0),
    Reason("spun", "holds a spun copy", 3.0),
    Reason("contained", "holds an abridged copy", 2.0),
    Reason("languages", "its members are in different languages", 4.0),
    Reason("bridge", "a member hangs by one edge alone", 2.0),
    Reason("dates", f"its members are more than {_DAYS_APART} days apart", 2.0),
    Reason("lengths", f"one member is more than {_TIMES_LONGER:g} times as long as another", 1.5),
    Reason("huge", f"holds {_HUGE} articles or more", 1.0),
)


class Doubts(NamedTuple):
    """Hold for each cluster its reasons, (clusters, reasons) bool, and how much it needs eyes, (clusters,) float.

    `bridges`: (articles,) whether an article hangs in its cluster by one edge alone.
    """

    reasons: np.ndarray
    score: np.ndarray
    bridges: np.ndarray


def weigh(catalog: Catalog) -> Doubts:
    """Weigh every cluster of several articles; single ones have no reason and no score."""
    clusters, n = catalog.clusters, len(catalog.sizes)
    several = catalog.sizes > 1
    weakest = clusters["weakest_similarity"].fill_null(1).to_numpy().astype(float)
    words = catalog.articles["n_words"].to_numpy()
    longest, shortest = np.zeros(n, np.int64), np.full(n, np.iinfo(np.int64).max)
    np.maximum.at(longest, catalog.cluster, words)
    np.minimum.at(shortest, catalog.cluster, words)
    apart = clusters["last_published_at"].cast(pa.int64()).fill_null(0).to_numpy() - (
        clusters["first_published_at"].cast(pa.int64()).fill_null(0).to_numpy()
    )
    known = pc.not_equal(clusters["languages"].combine_chunks().flatten(), "und").to_numpy(zero_copy_only=False)
    parents = pc.list_parent_indices(clusters["languages"].combine_chunks()).to_numpy()
    languages = np.bincount(parents[known], minlength=n)
    hanging = _hanging(catalog)
    bridges = np.bincount(catalog.cluster[hanging], minlength=n)
    found = {
        "weak": several & (weakest < catalog.threshold + _WEAK_ABOVE),
        "spun": _holding(catalog, "spun"),
        "contained": _holding(catalog, "contained"),
        "languages": several & (languages > 1),
        # Where all hang by one edge, as in a bucket too large for all pairs, that says nothing of any of them.
        "bridge": (bridges > 0) & (bridges < catalog.sizes - 1),
        "dates": several & (apart > _DAYS_APART * 86_400_000_000),
        "lengths": several & (longest > _TIMES_LONGER * np.maximum(shortest, 1)),
        "huge": catalog.sizes >= _HUGE,
    }
    reasons = np.stack([found[reason.name] for reason in REASONS], axis=1)
    score = reasons @ np.array([reason.weight for reason in REASONS]) + np.where(several, 1 - weakest, 0)
    return Doubts(reasons, score, hanging)


def _hanging(catalog: Catalog) -> np.ndarray:
    # Every member stands in an edge to its canonical, so a bridge of the cluster's graph is an edge to the canonical whose other
    # end has no further edge.
    joining = catalog.cluster[catalog.a] == catalog.cluster[catalog.b]
    a, b = catalog.a[joining], catalog.b[joining]
    canonical = catalog.canonical[catalog.cluster]
    beside = (canonical[a] != b) & (canonical[b] != a)
    further = np.bincount(np.concatenate([a[beside], b[beside]]), minlength=len(canonical))
    large = catalog.sizes[catalog.cluster] >= _BRIDGED_FROM
    hanging: np.ndarray = large & (further == 0) & (canonical != np.arange(len(canonical)))
    return hanging


def _holding(catalog: Catalog, relation: str) -> np.ndarray:
    held = np.zeros(len(catalog.sizes), bool)
    held[catalog.cluster[catalog.relation == relation]] = True
    return held
