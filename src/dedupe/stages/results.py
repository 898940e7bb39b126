"""What a run has found, as the tables say it: IDs that last, relations in words, reasons for each canonical."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pyarrow as pa

from dedupe.cluster.canonical import why_canonical
from dedupe.cluster.lasting import Previous, id_map_table, lasting_ids
from dedupe.match.edges import DECIDED, RELATIONS, STORY
from dedupe.match.relations import evidence
from dedupe.pipeline import Matched
from dedupe.schema import FORGOTTEN, ID_MAP
from dedupe.stages.storytelling import Told
from dedupe.write.tables import Clustered, Edge, Storied


class Results(NamedTuple):
    """Hold what the writers of tables take. `reasons`: why each cluster's canonical was chosen."""

    clustered: Clustered
    storied: Storied
    edge: Edge
    reasons: pa.Array
    id_map: pa.Table


def name_results(
    articles: pa.Table, matched: Matched, told: Told, before: Previous | None, forgotten: frozenset[str] = frozenset()
) -> Results:
    """Give clusters and stories their IDs, those of the output `before` where they are the same, and say what was found.

    IDs of `forgotten` articles become tombstones.
    """
    hubs, cluster = np.unique(matched.canonical, return_inverse=True)
    lasting = lasting_ids("cluster", articles["article_id"], cluster, hubs, before)
    clustered = Clustered(lasting.names, cluster, matched.canonical, matched.similarity, _relations(matched), lasting.since)
    story_hubs, story = _numbered(told.leader)
    tales = lasting_ids("story", articles["article_id"], story, story_hubs, before)
    storied = Storied(tales.names, story, story_hubs, tales.since)
    buried = [{"kind": "article", "old_id": one, "new_id": None, "change": FORGOTTEN, "shared": 0} for one in sorted(forgotten)]
    id_map = id_map_table([lasting.changes, tales.changes, pa.Table.from_pylist(buried, ID_MAP)])
    reasons = _reasons(matched, lasting.names, cluster)
    return Results(clustered, storied, _edges(matched, told), reasons, id_map)


def _numbered(leader: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    # The leaders in order of row, and the number of each article's own among them; -1 where it has none.
    hubs, number = np.unique(leader, return_inverse=True)
    alone = int(len(hubs) > 0 and hubs[0] < 0)
    return hubs[alone:], number - alone


def story_pairs(matched: Matched, told: Told) -> np.ndarray:
    """Tell which pairs of the stories are `story` edges: those that have no nearer relation. (n,) bool."""
    # What two articles are to each other stands in one row.
    edges = matched.edges
    return ~np.isin(told.a << 32 | told.b, edges.a << 32 | edges.b)


def _edges(matched: Matched, told: Told) -> Edge:
    edges, honoured = matched.edges, matched.honoured
    deciders = honoured.deciders(np.flatnonzero(matched.relation == DECIDED), matched.canonical) if honoured else {}
    # Of two facts that differ, that of the smaller ID is named first, as its article is in pairs.parquet.
    id_place = matched.preference[-1]
    turned = id_place[edges.a] > id_place[edges.b]
    a, b = np.where(turned, edges.b, edges.a), np.where(turned, edges.a, edges.b)
    words = evidence(a, b, edges.relation, edges.overlap, edges.star, matched.representative, matched.facts, deciders)
    fresh = story_pairs(matched, told)
    words += [said for said, new in zip(told.evidence, fresh.tolist(), strict=True) if new]
    relation = np.array(RELATIONS, object)[np.concatenate([edges.relation, np.full(int(fresh.sum()), STORY)])]
    both = zip(edges.overlap, told.overlap, strict=True)
    size_a, size_b, shared = (np.concatenate([near, story[fresh]]) for near, story in both)
    return Edge(
        np.concatenate([edges.a, told.a[fresh]]),
        np.concatenate([edges.b, told.b[fresh]]),
        pa.array(relation, pa.string()),
        size_a,
        size_b,
        shared,
        pa.array(words, pa.string()),
    )


def _relations(matched: Matched) -> pa.Array:
    names = np.array([*RELATIONS, "canonical"], object)
    return pa.array(names[matched.relation], pa.string())  # -1, an article that is its own canonical, is the last of them


def _reasons(matched: Matched, names: pa.Array, cluster: np.ndarray) -> pa.Array:
    # The runner-up is the next in the order of preference; single articles have none.
    order = np.argsort(matched.rank)
    order = order[np.argsort(cluster[order], kind="stable")]
    starts = np.searchsorted(cluster[order], np.arange(len(names)))
    sizes = np.bincount(cluster, minlength=len(names))
    reasons = np.full(len(names), "it is the only one", object)
    for place in np.flatnonzero(sizes > 1):
        first, second = order[starts[place] : starts[place] + 2]
        reasons[place] = why_canonical(matched.preference, int(first), int(second))
    for row, why in (matched.honoured.why_chosen(matched.canonical) if matched.honoured else {}).items():
        reasons[cluster[row]] = why
    return pa.array(reasons, pa.string())
