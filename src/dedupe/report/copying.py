"""Who copies whom: copies by publisher, the articles with most copies, the stories with most articles."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from dedupe.report.rows import Quoted, columns_of, labels

_PAIRS = 40
_ACROSS = 10
_LISTED = 10
UNKNOWN = "not known"


def publishers_of(corpus: pa.Table) -> pa.DictionaryArray:
    """Return who published each article: its publisher, else the host of its URL, else `not known`."""
    from dedupe.repair.repetition import owner_names

    if not corpus.num_rows:
        return pa.array([], pa.string()).dictionary_encode()
    names = owner_names(corpus.select(["publisher", "url"]).combine_chunks().to_batches()[0])
    return pc.if_else(pc.equal(names, ""), UNKNOWN, names).dictionary_encode()


def copied(corpus: pa.Table, publishers: pa.DictionaryArray, quoted: Quoted, folder: Path) -> dict[str, Any]:
    """Return `publishers` (who copies whom), `most_copied` and `stories`."""
    canonical = corpus["is_canonical"].to_numpy()
    cluster = _codes(corpus["cluster_id"])
    names = publishers.dictionary.to_pylist()
    who = publishers.indices.to_numpy().astype(np.int64)
    hub = np.zeros(int(cluster.max(initial=-1)) + 1, np.int64)
    hub[cluster[canonical]] = np.flatnonzero(canonical)
    copies = np.flatnonzero(~canonical)
    taken = hub[cluster[copies]]
    return {
        "publishers": _publishers(who[copies], who[taken], names),
        "most_copied": _most_copied(corpus, cluster, hub, who, quoted),
        "stories": _stories(corpus, canonical, who, quoted, folder),
    }


def _codes(column: pa.ChunkedArray) -> np.ndarray:
    codes: np.ndarray = column.combine_chunks().dictionary_encode().indices.fill_null(-1).to_numpy(zero_copy_only=False)
    return codes.astype(np.int64)


def _publishers(copy: np.ndarray, canonical: np.ndarray, names: list[str]) -> dict[str, Any]:
    pairs, counts = np.unique(copy * max(1, len(names)) + canonical, return_counts=True)
    found = [
        {"copy": names[pair // len(names)], "canonical": names[pair % len(names)], "articles": count}
        for pair, count in zip(pairs.tolist(), counts.tolist(), strict=True)
    ]
    found.sort(key=lambda row: (-row["articles"], row["copy"], row["canonical"]))
    weight: dict[str, int] = {}
    for row in found:
        for name in {row["copy"], row["canonical"]}:
            weight[name] = weight.get(name, 0) + row["articles"]
    across = sorted(weight, key=lambda name: (-weight[name], name))[:_ACROSS]
    cells = {(row["copy"], row["canonical"]): row["articles"] for row in found}
    return {
        "known": len(names) - (UNKNOWN in names),
        "pairs": found[:_PAIRS],
        "more_pairs": max(0, len(found) - _PAIRS),
        "across": across,
        "matrix": [[cells.get((row, column), 0) for column in across] for row in across],
        "within": sum(row["articles"] for row in found if row["copy"] == row["canonical"]),
        "between": sum(row["articles"] for row in found if row["copy"] != row["canonical"]),
    }


def _most_copied(corpus: pa.Table, cluster: np.ndarray, hub: np.ndarray, who: np.ndarray, quoted: Quoted) -> list[dict[str, Any]]:
    sizes = np.bincount(cluster, minlength=len(hub))
    order = np.lexsort((hub, -sizes))[:_LISTED]
    order = order[sizes[order] > 1]
    similarity = corpus["similarity"].to_numpy()
    rows = []
    for group, label in zip(order.tolist(), labels(quoted, hub[order].tolist()), strict=True):
        members = cluster == group
        least = round(float(similarity[members].min()), 4)
        rows.append({**label, "articles": int(sizes[group]), "publishers": len(np.unique(who[members])), "least": least})
    return rows


def _stories(corpus: pa.Table, canonical: np.ndarray, who: np.ndarray, quoted: Quoted, folder: Path) -> list[dict[str, Any]]:
    columns = ["story_id", "size", "canonical_id", "first_published_at", "last_published_at"]
    stories = columns_of(folder, "stories", columns)
    order = pc.sort_indices(stories, [("size", "descending"), ("story_id", "ascending")])[:_LISTED]
    chosen = stories.take(order).to_pylist()
    hubs = pa.array([story["canonical_id"] for story in chosen], pa.string())
    named = labels(quoted, pc.index_in(hubs, corpus["article_id"].combine_chunks()).to_pylist())
    ids = pa.array([story["story_id"] for story in chosen], pa.string())
    place = pc.index_in(corpus["story_id"], ids).fill_null(-1).to_numpy()
    rows = []
    for number, (story, label) in enumerate(zip(chosen, named, strict=True)):
        members = place == number
        days = [story[name].date().isoformat() if story[name] else None for name in columns[-2:]]
        rows.append(
            {
                **label,
                "articles": story["size"],
                "clusters": int((members & canonical).sum()),
                "publishers": len(np.unique(who[members])),
                "first": days[0],
                "last": days[1],
            }
        )
    return rows
