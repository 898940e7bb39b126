"""Cluster IDs that last from run to run, and the map that says what became of each."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from dedupe.cluster.identity import carry_over, new_cluster_id
from dedupe.schema import ID_MAP


class Previous(NamedTuple):
    """Hold what a run needs of the output before it: which article was in which cluster, and its ID map."""

    articles: pa.Table
    id_map: pa.Table


def cluster_ids(
    article_ids: pa.ChunkedArray, canonical: np.ndarray, previous: Previous | None
) -> tuple[pa.Array, np.ndarray, pa.Table]:
    """Return an ID for each cluster, the cluster of each article as a place in these IDs, and the rows of id_map.parquet.

    An ID is carried over by the largest number of shared members, so a cluster that neither gained nor lost one keeps it. IDs
    that are gone stay in the map as tombstones, and no new cluster gets one of them.
    """
    hubs, cluster = np.unique(canonical, return_inverse=True)
    hub_ids = article_ids.take(pa.array(hubs)).to_pylist()
    if previous is None:
        taken: set[str] = set()
        return pa.array([new_cluster_id(one, taken) for one in hub_ids], pa.string()), cluster, ID_MAP.empty_table()
    old_ids = pc.unique(previous.articles["cluster_id"])
    row = pc.index_in(article_ids, previous.articles["article_id"])
    both = pc.is_valid(row).to_numpy()
    old_place = pc.index_in(previous.articles["cluster_id"], old_ids).to_numpy()
    old = old_place[row.drop_null().to_numpy()]
    now = cluster[both]
    tombstones = set(pc.unique(previous.id_map["old_id"]).to_pylist())
    taken = set(old_ids.to_pylist()) | tombstones
    names: list[str | None] = [None] * len(hubs)
    for new, was, _ in carry_over(now, old):
        names[new] = old_ids[was].as_py()
    for place, name in enumerate(names):
        if name is None:
            names[place] = new_cluster_id(hub_ids[place], taken)
    sizes_now, sizes_old = np.bincount(cluster, minlength=len(hubs)), np.bincount(old_place, minlength=len(old_ids))
    return pa.array(names, pa.string()), cluster, _id_map(names, old_ids.to_pylist(), now, old, sizes_now, sizes_old, previous)


def _id_map(
    names: list[str | None],
    old_names: list[str],
    now: np.ndarray,
    old: np.ndarray,
    sizes_now: np.ndarray,
    sizes_old: np.ndarray,
    previous: Previous,
) -> pa.Table:
    pairs, shared = np.unique(np.stack([now, old], axis=1), axis=0, return_counts=True)
    heirs = np.bincount(pairs[:, 1], minlength=len(old_names))
    sources = np.bincount(pairs[:, 0], minlength=len(names))
    rows: list[tuple[str, str | None, str | None, str, int]] = []
    for (new, was), count in zip(pairs.tolist(), shared.tolist(), strict=True):
        if sources[new] > 1:
            change = "merged"
        elif heirs[was] > 1:
            change = "split"
        elif sizes_now[new] == sizes_old[was] == count:
            change = "kept"
        else:
            change = "grew" if sizes_now[new] > sizes_old[was] else "shrank"
        rows.append(("cluster", old_names[was], names[new], change, count))
    rows += [("cluster", old_names[was], None, "gone", 0) for was in np.flatnonzero(heirs == 0).tolist()]
    rows += [("cluster", None, names[new], "new", 0) for new in np.flatnonzero(sources == 0).tolist()]
    gone = previous.id_map.filter(pc.equal(previous.id_map["change"], "gone"))
    known = {row[1] for row in rows}
    rows += [tuple(row.values()) for row in gone.to_pylist() if row["old_id"] not in known]
    rows.sort(key=lambda row: (row[0], row[1] or "", row[2] or ""))
    columns: list[Any] = [list(column) for column in zip(*rows, strict=True)] if rows else [[]] * len(ID_MAP)
    return pa.table(columns, schema=ID_MAP)
