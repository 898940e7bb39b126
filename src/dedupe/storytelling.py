"""Stories in their place in the order: found among canonical articles once spun text is restored, then given to all copies."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from dedupe.gather import take_rows, take_table
from dedupe.match.stories import evidence, find_stories
from dedupe.match.terms import StoryTerms, TermCounts, extract_terms, story_texts
from dedupe.match.verify import Overlaps, Verifier
from dedupe.repair.ledger import Draft

_UNKNOWN = np.iinfo(np.int64).min


class Told(NamedTuple):
    """Hold the stories of a run.

    `leader`: (n,) row of the canonical article that stands for each article's story, -1 where it is alone in it. `a`, `b`: rows
    of the pairs of canonical articles that belong together by their own likeness, with the `evidence` for each and the `overlap`
    of their shingles.
    """

    leader: np.ndarray
    a: np.ndarray
    b: np.ndarray
    evidence: list[str]
    overlap: Overlaps


def no_stories(articles: int) -> Told:
    """Return the stories of a run that was to tell none."""
    nothing = np.empty(0, np.int64)
    return Told(np.full(articles, -1, np.int64), nothing, nothing, [], Overlaps(*[nothing] * 3))


def tell_stories(
    articles: pa.Table,
    terms: StoryTerms,
    rows: np.ndarray,
    drafts: dict[int, Draft],
    canonical: np.ndarray,
    rank: np.ndarray,
    verify: Verifier,
) -> Told:
    """Find the stories among the canonical articles.

    `terms`: of the canonical articles `rows` before de-spinning; those of spun ones are taken again from their `drafts`.
    `canonical`: (n,) row of each article's canonical. `rank`: (n,) order of preference.
    """
    own = _with_drafts(terms, drafts, rows, articles)
    times = take_rows(articles["published_at"], rows).cast(pa.int64()).fill_null(_UNKNOWN).to_numpy(zero_copy_only=False)
    counts = TermCounts.of(own)
    order = np.empty(len(rows), np.int64)
    order[np.argsort(rank[rows], kind="stable")] = np.arange(len(rows))
    found = find_stories(own, counts, times, order)
    leader = np.full(len(canonical), -1, np.int64)
    leader[rows] = np.where(found.story >= 0, rows[found.story], -1)
    edges = found.edges
    together = np.unique(np.concatenate([edges.a, edges.b]))
    texts = _texts(articles, drafts, rows[together])
    # The evidence is written from the texts of the articles in some edge alone, as the preferred of the two writes it: which of
    # them comes first in the input is to change nothing.
    turned = order[edges.a] > order[edges.b]
    first, second = (np.searchsorted(together, np.where(turned, *both)) for both in (edges[1::-1], edges[:2]))
    words = evidence(own.take(together), texts, counts, times[together], edges._replace(a=first, b=second))
    a, b = np.minimum(rows[edges.a], rows[edges.b]), np.maximum(rows[edges.a], rows[edges.b])
    return Told(leader[canonical], a, b, words, verify(a, b))


def _with_drafts(terms: StoryTerms, drafts: dict[int, Draft], rows: np.ndarray, articles: pa.Table) -> StoryTerms:
    again = np.intersect1d(np.fromiter(drafts, np.int64, len(drafts)), rows)
    if not len(again):
        return terms
    languages = take_rows(articles["language"], again)
    restored = extract_terms(_texts(articles, drafts, again), languages)
    places = np.arange(len(rows))
    places[np.searchsorted(rows, again)] = len(rows) + np.arange(len(again))
    return StoryTerms.concatenate([terms, restored]).take(places)


def _texts(articles: pa.Table, drafts: dict[int, Draft], rows: np.ndarray) -> pa.Array:
    taken = take_table(articles, ["title", "text"], rows)
    title, text = (taken[name].combine_chunks() for name in ("title", "text"))
    drawn = np.isin(rows, list(drafts))
    if drawn.any():
        restored = pa.array([drafts[row].text for row in rows[drawn].tolist()], pa.string())
        text = pc.replace_with_mask(text, pa.array(drawn), restored)
    return story_texts(title, text)
