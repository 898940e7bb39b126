"""IDs of clusters and stories that last from run to run, and the map that says what became of each."""

from __future__ import annotations

from typing import Literal, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from dedupe.cluster.identity import carry_over, new_group_ids
from dedupe.schema import ID_MAP

Kind = Literal["cluster", "story"]

_CHANGES = pa.array(["kept", "grew", "shrank", "split", "merged", "gone", "new"])
_KEPT, _GREW, _SHRANK, _SPLIT, _MERGED, _GONE, _NEW = range(len(_CHANGES))


class Previous(NamedTuple):
    """Hold what a run needs of the output before it.

    `articles`: article_id, cluster_id, story_id. `since`: for each kind, the columns `id` and `since`: the run in which each ID
    was given. `id_map`: that of the output, tombstones included. `generation`: the number of that run, from 1.
    """

    articles: pa.Table
    since: dict[Kind, pa.Table]
    id_map: pa.Table
    generation: int


class Lasting(NamedTuple):
    """Hold the IDs of a run's groups, the run in which each was given, (groups,) int32, and the rows of id_map.parquet about
    them."""

    names: pa.Array
    since: np.ndarray
    changes: pa.Table


def lasting_ids(
    kind: Kind, article_ids: pa.ChunkedArray, group: np.ndarray, hubs: np.ndarray, previous: Previous | None
) -> Lasting:
    """Give each group an ID: the one it had in the output before, or a new one that no group ever had.

    `group`: (n,) number of each article's group, from 0, or -1 for none. `hubs`: (groups,) row of the article that a new ID is
    made from. See `carry_over` for who inherits. By columns: as Python's strings a million IDs took ten seconds and 0.7 GB.
    """
    hub_ids = article_ids.take(pa.array(hubs)).combine_chunks()
    if previous is None:
        return Lasting(
            new_group_ids(kind, hub_ids, pa.array([], pa.string())), np.ones(len(hubs), np.int32), ID_MAP.empty_table()
        )
    before = previous.articles.select(["article_id", f"{kind}_id"])
    before = before.filter(pc.is_valid(before[f"{kind}_id"]))
    encoded = before[f"{kind}_id"].combine_chunks().dictionary_encode()
    old_names, old_place = encoded.dictionary, encoded.indices.to_numpy().astype(np.int64)
    now, old = _both(article_ids, group, before["article_id"], old_place)
    given = previous.since[kind]
    since = given["since"].take(pc.index_in(old_names, given["id"].combine_chunks())).fill_null(1).to_numpy().astype(np.int64)
    own = previous.id_map.filter(pc.equal(previous.id_map["kind"], kind))
    heirs, inherited = carry_over(now, old, since)
    # The old name of each group, or its place among those that are new.
    place, made = np.full(len(hubs), -1, np.int64), np.full(len(hubs), previous.generation + 1, np.int32)
    place[heirs], made[heirs] = inherited, since[inherited]
    new = np.flatnonzero(place < 0)
    taken = pa.concat_arrays([old_names, own["old_id"].drop_null().combine_chunks()])
    place[new] = len(old_names) + np.arange(len(new))
    names = pa.concat_arrays([old_names, new_group_ids(kind, hub_ids.take(pa.array(new)), taken)]).take(pa.array(place))
    sizes = np.bincount(group[group >= 0], minlength=len(hubs))
    changes = _changes(kind, names, old_names, now, old, sizes, np.bincount(old_place, minlength=len(old_names)))
    # An ID that is no more keeps the row that says what became of it: its tombstone.
    buried = own.filter(pc.and_(pc.is_valid(own["old_id"]), pc.invert(pc.is_in(own["old_id"], old_names))))
    return Lasting(names, made, pa.concat_tables([changes, buried.cast(ID_MAP)]))


def _both(
    article_ids: pa.ChunkedArray, group: np.ndarray, before: pa.ChunkedArray, old_place: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    # The group now and the group then of every article that has one in both runs.
    row = pc.index_in(article_ids, before.combine_chunks())
    both = pc.is_valid(row).to_numpy() & (group >= 0)
    return group[both], old_place[row.filter(pa.array(both)).to_numpy().astype(np.int64)]


def _changes(
    kind: Kind, names: pa.Array, old_names: pa.Array, now: np.ndarray, old: np.ndarray, sizes: np.ndarray, old_sizes: np.ndarray
) -> pa.Table:
    keys, shared = np.unique(now * max(1, len(old_names)) + old, return_counts=True)
    new, was = np.divmod(keys, max(1, len(old_names)))
    heirs, sources = np.bincount(was, minlength=len(old_names)), np.bincount(new, minlength=len(names))
    same = (sizes[new] == shared) & (old_sizes[was] == shared)
    change = np.where(same, _KEPT, np.where(sizes[new] > old_sizes[was], _GREW, _SHRANK))
    change = np.where(sources[new] > 1, _MERGED, np.where(heirs[was] > 1, _SPLIT, change))
    gone, fresh = np.flatnonzero(heirs == 0), np.flatnonzero(sources == 0)
    both, rows = len(keys), len(keys) + len(gone) + len(fresh)
    numbers = np.arange(rows)
    old_rows, new_rows = np.concatenate([was, gone, fresh]), np.concatenate([new, gone, fresh])
    columns = [
        pa.repeat(pa.scalar(kind), rows),
        old_names.take(pa.array(old_rows, mask=numbers >= both + len(gone))),
        names.take(pa.array(new_rows, mask=(numbers >= both) & (numbers < both + len(gone)))),
        _CHANGES.take(pa.array(np.concatenate([change, np.full(len(gone), _GONE), np.full(len(fresh), _NEW)]))),
        pa.array(np.concatenate([shared, np.zeros(rows - both, np.int64)]), pa.int32()),
    ]
    return pa.table(columns, schema=ID_MAP)


def id_map_table(changes: list[pa.Table]) -> pa.Table:
    """Return id_map.parquet, sorted by kind, old and new ID."""
    whole = pa.concat_tables([ID_MAP.empty_table(), *changes])
    keys = pa.table({name: whole[name].fill_null("") for name in ("kind", "old_id", "new_id")})
    return whole.take(pc.sort_indices(keys, [(name, "ascending") for name in keys.column_names])).combine_chunks()
