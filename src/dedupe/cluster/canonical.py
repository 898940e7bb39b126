"""The order in which articles are preferred as the canonical of their cluster, and the reason for a choice in words."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

# Lengths within about a fifth of one another count as equally complete, so that a stray line decides nothing.
_STEPS_PER_DOUBLING = 4

_REASONS = (
    "it is not spun",
    "its text is more complete",
    "it was published earlier",
    "it tells more of title, author, date and publisher",
    "it needed fewer repairs",
    "its text is longer",
    "its ID is the lowest of equals",
)


def preference_columns(articles: pa.Table, spun: np.ndarray) -> list[np.ndarray]:
    """Return the columns that order articles as canonical, most telling first, smaller preferred: (n,) each, int64.

    `spun`: (n,) bool, which articles are. Each column speaks of one article alone, so the order is total; the last is the place
    of the article's ID, which is unique.
    """
    words = articles["n_words"].to_numpy().astype(np.int64)
    complete = np.floor(np.log2(np.maximum(words, 1)) * _STEPS_PER_DOUBLING).astype(np.int64)
    published = articles["published_at"].cast(pa.int64()).fill_null(np.iinfo(np.int64).max).to_numpy()
    told = sum(
        pc.is_valid(articles[name]).to_numpy().astype(np.int64) for name in ("title", "author", "published_at", "publisher")
    )
    order = pc.sort_indices(articles["article_id"]).to_numpy().astype(np.int64)
    place = np.empty(len(order), np.int64)
    place[order] = np.arange(len(order))
    return [spun.astype(np.int64), -complete, published, -told, articles["n_edits"].to_numpy().astype(np.int64), -words, place]


def preference_rank(columns: list[np.ndarray]) -> np.ndarray:
    """Return each article's place in the total order of preference, 0 first: (n,) int64."""
    order = np.lexsort(columns[::-1])
    rank = np.empty(len(order), np.int64)
    rank[order] = np.arange(len(order))
    return rank


def why_canonical(columns: list[np.ndarray], canonical: int, runner_up: int) -> str:
    """Say what set the canonical before the next preferred member of its cluster."""
    for column, reason in zip(columns, _REASONS, strict=True):
        if column[canonical] != column[runner_up]:
            return reason
    raise AssertionError("two articles have one ID")
