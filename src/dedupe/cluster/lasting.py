"""IDs of clusters and stories that last from run to run, and the map that says what became of each."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from dedupe.cluster.identity import carry_over, new_group_id
from dedupe.schema import ID_MAP

Kind = Literal["cluster", "story"]


class Previous(NamedTuple):
    """Hold what a run needs of the output before it.

    `articles`: article_id, cluster_id, story_id. `since`: for each kind, the run in which each ID was given. `id_map`: that of
    the output, tombstones included. `generation`: the number of that run, from 1.
    """

    articles: pa.Table
    since: dict[Kind, dict[str, int]]
    id_map: pa.Table
    generation: int


class Lasting(NamedTuple):
    """Hold the IDs of a run's groups, the run in which each was given, and the rows of id_map.parquet about them."""

    names: list[str]
    since: list[int]
    changes: list[tuple[Kind, str | None, str | None, str, int]]


def lasting_ids(
    kind: Kind, article_ids: pa.ChunkedArray, group: np.ndarray, hubs: np.ndarray, previous: Previous | None
) -> Lasting:
    """Give each group an ID: the one it had in the output before, or a new one that no group ever had.

    `group`: (n,) number of each article's group, from 0, or -1 for none. `hubs`: (groups,) row of the article that a new ID is
    made from. See `carry_over` for who inherits.
    """
    hub_ids = article_ids.take(pa.array(hubs)).to_pylist()
    if previous is None:
        return Lasting(_new_ids(kind, hub_ids, set()), [1] * len(hubs), [])
    before = previous.articles.filter(pc.is_valid(previous.articles[f"{kind}_id"]))
    old_ids = pc.unique(before[f"{kind}_id"])
    old_names = old_ids.to_pylist()
    old_place = pc.index_in(before[f"{kind}_id"], old_ids).to_numpy().astype(np.int64)
    row = pc.index_in(article_ids, before["article_id"])
    both = pc.is_valid(row).to_numpy() & (group >= 0)
    now = group[both]
    old = old_place[row.filter(pa.array(both)).to_numpy().astype(np.int64)]
    since = np.array([previous.since[kind].get(name, 1) for name in old_names], np.int64)
    own = previous.id_map.filter(pc.equal(previous.id_map["kind"], kind))
    taken = {*old_names, *own["old_id"].to_pylist()}
    names: list[str | None] = [None] * len(hubs)
    given = [previous.generation + 1] * len(hubs)
    for new, was in carry_over(now, old, since):
        names[new], given[new] = old_names[was], int(since[was])
    fresh = iter(_new_ids(kind, [one for one, name in zip(hub_ids, names, strict=True) if name is None], taken))
    whole = [name or next(fresh) for name in names]
    changes = _changes(
        kind, whole, old_names, now, old, np.bincount(group[group >= 0], minlength=len(hubs)), np.bincount(old_place)
    )
    # An ID that is no more keeps the row that says what became of it: its tombstone.
    live = set(old_names)
    changes += [tuple(buried.values()) for buried in own.to_pylist() if buried["old_id"] and buried["old_id"] not in live]
    return Lasting(whole, given, changes)


def _new_ids(kind: Kind, hub_ids: list[str], taken: set[str]) -> list[str]:
    names = []
    for one in hub_ids:
        names.append(new_group_id(kind, one, taken))
        taken.add(names[-1])
    return names


def _changes(
    kind: Kind, names: list[str], old_names: list[str], now: np.ndarray, old: np.ndarray, sizes: np.ndarray, old_sizes: np.ndarray
) -> list[tuple[Kind, str | None, str | None, str, int]]:
    pairs, shared = np.unique(np.stack([now, old], axis=1), axis=0, return_counts=True)
    heirs = np.bincount(pairs[:, 1], minlength=len(old_names))
    sources = np.bincount(pairs[:, 0], minlength=len(names))
    rows: list[tuple[Kind, str | None, str | None, str, int]] = []
    for (new, was), count in zip(pairs.tolist(), shared.tolist(), strict=True):
        if sources[new] > 1:
            change = "merged"
        elif heirs[was] > 1:
            change = "split"
        elif sizes[new] == old_sizes[was] == count:
            change = "kept"
        else:
            change = "grew" if sizes[new] > old_sizes[was] else "shrank"
        rows.append((kind, old_names[was], names[new], change, count))
    rows += [(kind, old_names[was], None, "gone", 0) for was in np.flatnonzero(heirs == 0).tolist()]
    rows += [(kind, None, names[new], "new", 0) for new in np.flatnonzero(sources == 0).tolist()]
    return rows


def id_map_table(changes: Sequence[tuple[Any, ...]]) -> pa.Table:
    """Return id_map.parquet, sorted by kind, old and new ID."""
    ordered = sorted(changes, key=lambda row: (row[0], row[1] or "", row[2] or ""))
    columns: list[Any] = [list(column) for column in zip(*ordered, strict=True)] if ordered else [[]] * len(ID_MAP)
    return pa.table(columns, schema=ID_MAP)
