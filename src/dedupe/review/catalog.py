"""An output held for review: every article but its text, clusters and edges as arrays that a page is cut from in milliseconds."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.dataset as ds

from dedupe.corpus.output import Output
from dedupe.report.rows import opening
from dedupe.review.texts import Groups, Texts
from dedupe.schema import EDITS

_SHOWN = [
    *("article_id", "cluster_id", "story_id", "is_canonical", "canonical_id", "relation", "similarity", "cluster_size"),
    *("title", "language", "published_at", "author", "publisher", "url", "source", "record", "n_words", "spin_score", "n_edits"),
]

_EDGES = ["a_id", "b_id", "relation", "jaccard", "evidence"]

# Rules that put other words into a text: the repairs that need eyes.
SPUN_RULES = "R4"


class Catalog:
    """Hold an output for review.

    `articles`: the corpus without its texts, one row an article, with the `opening` of those that have no title. `clusters`: as
    written. `canonical`: (clusters,) row of each cluster's canonical. `cluster`: (articles,) place of each article's cluster;
    `in_story`: of its story, -1 for none. `versions`: (stories,) clusters of each. `edges`: pairs.parquet, with `a` and
    `b`: (edges,) rows of its two articles.
    """

    def __init__(self, output: Output) -> None:
        self.output = output
        self.threshold = output.config.threshold
        self.articles = output.table("corpus", _SHOWN).combine_chunks()
        self.clusters = output.table("clusters").combine_chunks()
        self.stories = output.table("stories").combine_chunks()
        self.edges = output.table("pairs", _EDGES).combine_chunks()
        self.texts = Texts(output.path("corpus"), self.articles["title"])
        self.articles = self.articles.append_column("opening", self.texts.openings())
        ids = self.articles["article_id"]
        self.cluster = _places(self.articles["cluster_id"], self.clusters["cluster_id"])
        self.canonical = _places(self.clusters["canonical_id"], ids)
        self.in_story = _places(self.articles["story_id"], self.stories["story_id"])
        self.sizes = self.clusters["size"].to_numpy()
        self.a, self.b = _places(self.edges["a_id"], ids), _places(self.edges["b_id"], ids)
        self.relation = self.articles["relation"].to_numpy()
        self.similarity = self.articles["similarity"].to_numpy()
        self._members = np.argsort(self.cluster, kind="stable")
        self._starts = np.searchsorted(self.cluster[self._members], np.arange(len(self.sizes) + 1))
        self._told = np.argsort(self.in_story, kind="stable")
        self._told_from = np.searchsorted(self.in_story[self._told], np.arange(self.stories.num_rows + 1))
        # Copies tell nothing twice: a story is as large as it has clusters.
        apart = self.in_story[self.articles["is_canonical"].to_numpy()]
        self.versions = np.bincount(apart[apart >= 0], minlength=self.stories.num_rows)
        self._by_a, self._by_b = _ordered(self.a), _ordered(self.b)
        self._ids: list[str] = ids.to_pylist()
        self._row = {identity: row for row, identity in enumerate(self._ids)}
        self._cluster = {identity: place for place, identity in enumerate(self.clusters["cluster_id"].to_pylist())}
        self._story = {identity: place for place, identity in enumerate(self.stories["story_id"].to_pylist())}
        # The ledgers stand in the order of the articles.
        self._ledgers = Groups(output.path("edits"), [name for name in EDITS.names if name != "article_id"])
        self._edits_before = np.concatenate([[0], np.cumsum(self.articles["n_edits"].to_numpy(), dtype=np.int64)])
        spun = ds.dataset(output.path("edits")).to_table(filter=pc.starts_with(pc.field("rule"), SPUN_RULES))
        self.spun_edits = spun.sort_by([("confidence", "ascending"), ("article_id", "ascending"), ("seq", "ascending")])

    def row(self, article_id: str) -> int | None:
        """Return the row of an article, None where there is none of that ID."""
        return self._row.get(article_id)

    def has(self, article_id: str) -> bool:
        """Tell whether there is an article of that ID."""
        return article_id in self._row

    def place(self, cluster_id: str) -> int | None:
        """Return the place of a cluster, None where there is none of that ID."""
        return self._cluster.get(cluster_id)

    def story_place(self, story_id: str) -> int | None:
        """Return the place of a story, None where there is none of that ID."""
        return self._story.get(story_id)

    def members(self, place: int) -> np.ndarray:
        """Return the rows of a cluster's articles: its canonical first, then those most like it."""
        rows = self._members[self._starts[place] : self._starts[place + 1]]
        order = np.lexsort((rows, -self.similarity[rows], rows != self.canonical[place]))
        found: np.ndarray = rows[order]
        return found

    def told(self, place: int) -> np.ndarray:
        """Return the rows of a story's articles."""
        return self._told[self._told_from[place] : self._told_from[place + 1]]

    def describe(self, rows: Iterable[int]) -> list[dict[str, Any]]:
        """Return what is known of some articles, but for their texts."""
        described: list[dict[str, Any]] = self.articles.take(pa.array(list(rows), pa.int64())).to_pylist()
        for article in described:
            article["opening"] = opening(article["opening"] or "")
        return described

    def identities(self, rows: Iterable[int]) -> list[str]:
        """Return the IDs of some articles."""
        return [self._ids[row] for row in rows]

    def edges_within(self, rows: np.ndarray) -> np.ndarray:
        """Return the edges whose two articles are both among the rows."""
        touching = _touching(self._by_a, rows)
        within: np.ndarray = touching[np.isin(self.b[touching], rows)]
        return within

    def edges_of(self, rows: np.ndarray) -> np.ndarray:
        """Return the edges of which at least one article is among the rows."""
        return np.unique(np.concatenate([_touching(self._by_a, rows), _touching(self._by_b, rows)]))

    def edge(self, one: int, other: int) -> dict[str, Any] | None:
        """Return the edge between two articles, None where they were never compared; a `story` only where there is no other."""
        found = self.edges_within(np.array([one, other]))
        told = self.edges.take(pa.array(found[self.a[found] != self.b[found]])).to_pylist()
        return min(told, key=lambda edge: bool(edge["relation"] == "story"), default=None)

    def edits(self, row: int) -> list[dict[str, Any]]:
        """Return the ledger of an article, in order."""
        return self.ledgers([row])[0]

    def ledgers(self, rows: Sequence[int]) -> list[list[dict[str, Any]]]:
        """Return the ledgers of some articles, each in order."""
        runs = [range(int(self._edits_before[row]), int(self._edits_before[row + 1])) for row in rows]
        return [
            sorted(({"article_id": self._ids[row], **edit} for edit in ledger), key=lambda edit: int(edit["seq"]))
            for row, ledger in zip(rows, self._ledgers.rows(runs), strict=True)
        ]


def _places(values: pa.ChunkedArray, among: pa.ChunkedArray) -> np.ndarray:
    found: np.ndarray = pc.index_in(values, among.combine_chunks(), skip_nulls=True).fill_null(-1).to_numpy().astype(np.int64)
    return found


def _ordered(ends: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    order = np.argsort(ends, kind="stable")
    return order, ends[order]


def _touching(by_end: tuple[np.ndarray, np.ndarray], rows: np.ndarray) -> np.ndarray:
    order, ends = by_end
    begin, stop = np.searchsorted(ends, rows, "left"), np.searchsorted(ends, rows, "right")
    parts = [order[first:last] for first, last in zip(begin.tolist(), stop.tolist(), strict=True)]
    return np.concatenate(parts) if parts else np.empty(0, np.int64)
