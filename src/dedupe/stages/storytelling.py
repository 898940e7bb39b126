"""Stories in their place in the order: found among canonical articles once spun text is restored, then given to all copies."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from dedupe.engine.local import beside
from dedupe.gather import distinct, take_rows, take_table
from dedupe.match.candidates import LARGE_BUCKET
from dedupe.match.relation_farms import thinned
from dedupe.match.stories import Pairs, evidence, find_stories
from dedupe.match.story_vectors import vectors
from dedupe.match.terms import StoryTerms, extract_terms, story_texts
from dedupe.match.verify import Overlaps, Verifier
from dedupe.repair.ledger import Draft
from dedupe.stages.term_files import TermsAgain, put_terms

_UNKNOWN = np.iinfo(np.int64).min

# Edges whose evidence is written at a time: the texts of so many articles, and their terms, are in memory meanwhile.
_BLOCK = 20_000

TermsOf = Callable[[np.ndarray], Iterator[StoryTerms]]


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
    terms_of: TermsOf,
    rows: np.ndarray,
    drafts: Mapping[int, Draft],
    canonical: np.ndarray,
    rank: np.ndarray,
    verify: Verifier,
) -> Told:
    """Find the stories among the canonical articles.

    `terms_of`: reads the terms of rows in ascending order as they were before de-spinning, in parts; those of spun articles are
    taken again from their `drafts`. `rows`: of the canonical articles. `canonical`: (n,) row of each article's canonical.
    `rank`: (n,) order of preference.
    """
    restored = put_terms(terms_of(rows), rows, *terms_of_drafts(articles, drafts))
    made = vectors(restored, len(rows), verify.threads)
    times = take_rows(articles["published_at"], rows).cast(pa.int64()).fill_null(_UNKNOWN).to_numpy(zero_copy_only=False)
    order = np.empty(len(rows), np.int64)
    order[np.argsort(rank[rows], kind="stable")] = np.arange(len(rows))
    found = find_stories(made, times, order, threads=verify.threads)
    # Of the pairs of a farm, which are a story of thousands, those with the preferred articles say enough.
    kept = thinned(found.edges.a, found.edges.b, order, LARGE_BUCKET)
    edges = Pairs(*(column[kept] for column in found.edges))
    leader = np.full(len(canonical), -1, np.int64)
    leader[rows] = np.where(found.story >= 0, rows[found.story], -1)
    # The preferred of the two is named first, whichever comes first in the input.
    turned = order[edges.a] > order[edges.b]
    first, second = (np.where(turned, *both) for both in (edges[1::-1], edges[:2]))
    edges = edges._replace(a=first, b=second)
    a, b = np.minimum(rows[first], rows[second]), np.maximum(rows[first], rows[second])
    with beside(verify, a, b) as overlap:
        # In order of the first, whose words are quoted: a block then lies in a few shards.
        said, by_first = np.empty(len(first), object), np.argsort(first, kind="stable")
        for begin in range(0, len(first), _BLOCK):
            block = by_first[begin : begin + _BLOCK]
            own = distinct(first[block])
            texts = _texts(articles, drafts, rows[own])
            terms = extract_terms(texts, take_rows(articles["language"], rows[own]))
            said[block] = evidence(made, own, terms, texts, times, Pairs(*(column[block] for column in edges)))
        return Told(leader[canonical], a, b, said.tolist(), overlap.result())


def terms_of_drafts(articles: pa.Table, drafts: Mapping[int, Draft]) -> tuple[np.ndarray, TermsAgain]:
    """Return the rows of `drafts`, which ascend, and what extracts the terms of some of them as these have them."""

    def extracted(rows: np.ndarray) -> StoryTerms:
        return extract_terms(_texts(articles, drafts, rows), take_rows(articles["language"], rows))

    return np.sort(np.fromiter(drafts, np.int64, len(drafts))), extracted


def _texts(articles: pa.Table, drafts: Mapping[int, Draft], rows: np.ndarray) -> pa.Array:
    taken = take_table(articles, ["title", "text"], rows)
    title, text = (taken[name].combine_chunks() for name in ("title", "text"))
    drawn = np.array([row in drafts for row in rows.tolist()], bool)
    if drawn.any():
        restored = pa.array([drafts[row].text for row in rows[drawn].tolist()], pa.string())
        text = pc.replace_with_mask(text, pa.array(drawn), restored)
    return story_texts(title, text)
