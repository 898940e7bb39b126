"""The tables of an output, built from what matching and clustering found."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from dedupe.schema import CLUSTERS, CORPUS, EDITS, ID_MAP, PAIRS, REJECTS, RESIDUE, STORIES, TIMESTAMP
from dedupe.write.articles import write_articles
from dedupe.write.parquet import write_table
from dedupe.write.splice import Reused


class Clustered(NamedTuple):
    """Hold the clusters of a run: `names` one ID a cluster; `cluster` the place of each article's cluster in them; `canonical`
    the row of each article's canonical; `similarity` of each article with it; `relation` to it, in words; `since` the run that
    gave each ID."""

    names: pa.Array
    cluster: np.ndarray
    canonical: np.ndarray
    similarity: np.ndarray
    relation: pa.Array
    since: np.ndarray


class Storied(NamedTuple):
    """Hold the stories of a run: `names` one ID a story; `story` the place of each article's story in them, -1 for none; `hubs`
    the row of the article that stands for each; `since` the run that gave each ID."""

    names: pa.Array
    story: np.ndarray
    hubs: np.ndarray
    since: np.ndarray


class Edge(NamedTuple):
    """Hold verified edges as columns: rows of the two articles, the relation, the overlap it rests on, the evidence in words."""

    a: np.ndarray
    b: np.ndarray
    relation: pa.Array
    size_a: np.ndarray
    size_b: np.ndarray
    shared: np.ndarray
    evidence: pa.Array


# Opens the batches of all articles anew, in order: each is mapped until it is let go of.
BatchesOf = Callable[[], Iterator[pa.RecordBatch]]


def corpus_batches(
    batches: Iterable[pa.RecordBatch], ids: pa.Array, clustered: Clustered, storied: Storied
) -> Iterator[pa.RecordBatch]:
    """Yield the rows of corpus.parquet, in the order of the articles, whose `ids` are given."""
    place = placing(ids, clustered, storied)
    start = 0
    for batch in batches:
        yield corpus_batch(batch, place(slice(start, start + len(batch))))
        start += len(batch)


def placing(ids: pa.Array, clustered: Clustered, storied: Storied) -> Callable[[slice], dict[str, pa.Array]]:
    """Return what tells, of some rows, the columns of corpus.parquet that say where an article belongs."""
    sizes = np.bincount(clustered.cluster, minlength=len(clustered.names)).astype(np.int32)

    def place(rows: slice) -> dict[str, pa.Array]:
        cluster, canonical = clustered.cluster[rows], clustered.canonical[rows]
        return {
            "cluster_id": clustered.names.take(pa.array(cluster)),
            "story_id": storied.names.take(pa.array(storied.story[rows], mask=storied.story[rows] < 0)),
            "is_canonical": pa.array(canonical == np.arange(rows.start, rows.stop)),
            "canonical_id": ids.take(pa.array(canonical)),
            "relation": clustered.relation.slice(rows.start, rows.stop - rows.start),
            "similarity": pa.array(clustered.similarity[rows].astype(np.float32)),
            "cluster_size": pa.array(sizes[cluster]),
        }

    return place


def corpus_batch(batch: pa.RecordBatch, placed: dict[str, pa.Array]) -> pa.RecordBatch:
    """Return the rows of corpus.parquet for a batch of articles, with what `placing` tells of them."""
    return pa.RecordBatch.from_arrays([placed[name] if name in placed else batch[name] for name in CORPUS.names], schema=CORPUS)


def edit_batches(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    """Yield the rows of edits.parquet: the ledgers of all articles, in their order."""
    for batch in batches:
        edits = batch["edits"]
        rows = pc.list_parent_indices(edits)
        fields = dict(zip(EDITS.names[1:], edits.flatten().flatten(), strict=True))
        columns = [batch["article_id"].take(rows), *(fields[name] for name in EDITS.names[1:])]
        yield pa.RecordBatch.from_arrays(columns, schema=EDITS)


def pair_table(articles: pa.Table, edge: Edge) -> pa.Table:
    """Return pairs.parquet: each edge once, the smaller ID first, sorted by both."""
    ids = articles["article_id"].combine_chunks()
    a_id, b_id = ids.take(pa.array(edge.a)), ids.take(pa.array(edge.b))
    swap = pc.greater(a_id, b_id)
    turned = swap.to_numpy(zero_copy_only=False)
    size_a, size_b = np.where(turned, edge.size_b, edge.size_a), np.where(turned, edge.size_a, edge.size_b)
    union = size_a + size_b - edge.shared
    # Two texts without a word that are equal byte for byte share no shingle, and are the same all the same.
    jaccard = np.where(union > 0, edge.shared / np.maximum(union, 1), 1.0)
    table = pa.table(
        [
            pc.if_else(swap, b_id, a_id),
            pc.if_else(swap, a_id, b_id),
            edge.relation,
            jaccard.astype(np.float32),
            np.where(size_a > 0, edge.shared / np.maximum(size_a, 1), 1.0).astype(np.float32),
            np.where(size_b > 0, edge.shared / np.maximum(size_b, 1), 1.0).astype(np.float32),
            edge.shared.astype(np.int32),
            edge.evidence,
        ],
        schema=PAIRS,
    )
    return table.sort_by([("a_id", "ascending"), ("b_id", "ascending"), ("relation", "ascending")])


def cluster_table(articles: pa.Table, clustered: Clustered, reasons: pa.Array) -> pa.Table:
    """Return clusters.parquet, one row a cluster, in the order of its canonical. `reasons`: why each canonical was chosen."""
    cluster, similarity = clustered.cluster, clustered.similarity
    n = len(clustered.names)
    ids = articles["article_id"].combine_chunks()
    # Of equals the lowest ID that is not the canonical's own: the order of the input is to change nothing.
    by_id = np.empty(len(cluster), np.int64)
    by_id[pc.sort_indices(ids).to_numpy()] = np.arange(len(cluster))
    order = np.lexsort((by_id, clustered.canonical == np.arange(len(cluster)), similarity, cluster))
    weakest = order[np.searchsorted(cluster[order], np.arange(n))]
    alone = np.bincount(cluster, minlength=n) == 1
    canonical = np.zeros(n, np.int64)
    canonical[cluster] = clustered.canonical
    columns = {
        "cluster_id": clustered.names,
        "canonical_id": ids.take(pa.array(canonical)),
        "why_canonical": reasons,
        "weakest_similarity": pa.array(similarity[weakest].astype(np.float32), mask=alone),
        "weakest_id": pc.if_else(pa.array(alone), pa.scalar(None, pa.string()), ids.take(pa.array(weakest))),
        "since": pa.array(clustered.since, pa.int32()),
        **_members(articles, cluster, n),
    }
    return pa.table([columns[name] for name in CLUSTERS.names], schema=CLUSTERS)


def story_table(articles: pa.Table, storied: Storied) -> pa.Table:
    """Return stories.parquet, one row a story."""
    inside = np.flatnonzero(storied.story >= 0)
    columns = {
        "story_id": storied.names,
        "canonical_id": articles["article_id"].take(pa.array(storied.hubs)).combine_chunks(),
        "since": pa.array(storied.since, pa.int32()),
        **_members(
            articles.select(["published_at", "language"]).take(pa.array(inside)), storied.story[inside], len(storied.names)
        ),
    }
    return pa.table([columns[name] for name in STORIES.names], schema=STORIES)


def _members(articles: pa.Table, group: np.ndarray, n: int) -> dict[str, pa.Array]:
    # What clusters and stories tell of their members alike.
    dates = articles["published_at"]
    seconds = dates.cast(pa.int64()).fill_null(0).to_numpy()
    dated = pc.is_valid(dates).to_numpy()
    low, high = np.full(n, np.iinfo(np.int64).max), np.full(n, np.iinfo(np.int64).min)
    np.minimum.at(low, group[dated], seconds[dated])
    np.maximum.at(high, group[dated], seconds[dated])
    undated = low > high
    return {
        "size": pa.array(np.bincount(group, minlength=n), pa.int32()),
        "languages": _languages(articles["language"].combine_chunks(), group, n),
        "first_published_at": pa.array(low, mask=undated).cast(TIMESTAMP),
        "last_published_at": pa.array(high, mask=undated).cast(TIMESTAMP),
    }


def _languages(languages: pa.Array, cluster: np.ndarray, n: int) -> pa.Array:
    encoded = languages.dictionary_encode()
    codes = encoded.indices.to_numpy().astype(np.int64)
    names = np.array(encoded.dictionary.to_pylist() or [""], object)
    alphabetical = np.argsort(np.argsort(names.astype(str), kind="stable"), kind="stable")
    pairs, counts = np.unique(cluster * len(names) + codes, return_counts=True)
    group, code = np.divmod(pairs, len(names))
    order = np.lexsort((alphabetical[code], -counts, group))
    offsets = np.searchsorted(group[order], np.arange(n + 1)).astype(np.int32)
    return pa.ListArray.from_arrays(pa.array(offsets), pa.array(names[code[order]], pa.string()))


def write_tables(
    folder: Path,
    articles: pa.Table,
    batches_of: BatchesOf,
    clustered: Clustered,
    storied: Storied,
    edge: Edge,
    reasons: pa.Array,
    rejects: pa.Table,
    residue: pa.Table,
    id_map: pa.Table,
    facts: dict[str, Any],
    threads: int,
    joined: Path | None,
    meanwhile: Callable[[], None],
) -> dict[str, int]:
    """Write every table of an output into `folder` and return their numbers of rows.

    `articles`: all of them, for the columns that are small. `joined`: an output that these articles have joined, of which
    unchanged parts are copied. `meanwhile` is called while the articles are written, when all other tables are.
    """

    ids = articles["article_id"].combine_chunks()

    def small() -> dict[str, int]:
        tables = {
            "pairs": (PAIRS, pair_table(articles, edge)),
            "clusters": (CLUSTERS, cluster_table(articles, clustered, reasons)),
            "stories": (STORIES, story_table(articles, storied)),
            "rejects": (REJECTS, rejects),
            "residue": (RESIDUE, residue),
            "id_map": (ID_MAP, id_map),
        }
        rows = {
            name: write_table(folder / f"{name}.parquet", schema, table.to_batches(), facts)
            for name, (schema, table) in tables.items()
        }
        edits = edit_batches(batches_of())
        reused = Reused(joined / "edits.parquet", {}) if joined else None
        rows["edits"] = write_table(folder / "edits.parquet", EDITS, edits, facts, reused)
        meanwhile()
        return rows

    # With a thread more the other tables are done when these two are, which are nine tenths of the work.
    with ThreadPoolExecutor(threads + 1 if threads > 1 else 1) as pool:
        others = pool.submit(small)
        rows = write_articles(folder, corpus_batches(batches_of(), ids, clustered, storied), facts, pool, threads, joined)
        return rows | others.result()
