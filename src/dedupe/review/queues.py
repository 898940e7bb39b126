"""The queue of clusters: in the order of doubt, filtered by the address, counted by filter, cut into pages."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple
from urllib.parse import urlencode

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from dedupe.review.catalog import Catalog
from dedupe.review.doubts import REASONS, Doubts

PAGE = 50

# What a cluster is to the reviewers.
OPEN, DECIDED, AGAIN = range(3)

_SIZES = {"several": (2, None), "1": (1, 1), "2": (2, 2), "3-5": (3, 5), "6-49": (6, 49), "50+": (50, None)}
_NO_REASON = "none"
_LANGUAGES_SHOWN = 8


class View(NamedTuple):
    """Hold the filters of the queue as the address has them; empty means all."""

    q: str = ""
    reason: str = ""
    language: str = ""
    size: str = "several"
    state: str = "todo"

    def query(self, **changes: str | int) -> str:
        """Return the address's query with some filters changed, without those that say nothing."""
        told = {**self._asdict(), **changes}
        return urlencode({name: value for name, value in told.items() if value not in ("", View._field_defaults.get(name))})


class Facet(NamedTuple):
    """Hold one choice of a filter and how many clusters it would show."""

    value: str
    words: str
    number: int


class Around(NamedTuple):
    """Say at which position of a selection a cluster stands, from 0, and the places before and behind it."""

    at: int | None
    before: int | None
    behind: int | None


def view_of(query: Mapping[str, str]) -> View:
    """Read the filters out of an address; what is no filter of ours shows all."""
    view = View(**{name: query[name][:200].strip() for name in View._fields if name in query})
    return view._replace(
        size=view.size if view.size in _SIZES else "several", state=view.state if view.state in _STATES else "todo"
    )


_STATES = {"todo": (OPEN, AGAIN), "again": (AGAIN,), "decided": (DECIDED,), "all": (OPEN, DECIDED, AGAIN)}
_STATE_WORDS = {"todo": "to do", "again": "opened again", "decided": "decided", "all": "all"}
_SIZE_WORDS = {"several": "two or more", "1": "single", "2": "2", "3-5": "3 to 5", "6-49": "6 to 49", "50+": "50 or more"}


class Queue:
    """Cut the queue of clusters: all that filters need is computed once."""

    def __init__(self, catalog: Catalog, doubts: Doubts) -> None:
        self._catalog, self._doubts = catalog, doubts
        # Ties in the order of the output, so that the order never depends on anything else.
        self._order = np.lexsort((np.arange(len(doubts.score)), -doubts.score))
        self._rank = np.empty_like(self._order)
        self._rank[self._order] = np.arange(len(self._order))
        lists = catalog.clusters["languages"].combine_chunks()
        encoded = lists.flatten().dictionary_encode()
        self._parents = pc.list_parent_indices(lists).to_numpy()
        self._spoken = encoded.indices.to_numpy()
        self._languages: list[str] = encoded.dictionary.to_pylist()

    def select(self, view: View, states: np.ndarray, skipped: np.ndarray) -> np.ndarray:
        """Return the places of the clusters that a view shows: those that most need eyes first, those passed over last."""
        kept = np.logical_and.reduce(list(self._masks(view, states).values()))
        selected = self._order[kept[self._order]]
        return np.concatenate([selected[~skipped[selected]], selected[skipped[selected]]])

    def around(self, selected: np.ndarray, place: int) -> Around:
        """Return where a cluster stands in a selection, and its neighbours there.

        One that is not in the selection, as one just decided, has the neighbours of the place where it would stand.
        """
        inside = np.flatnonzero(selected == place)
        if len(inside):
            at = int(inside[0])
            before, behind = at - 1, at + 1
        else:
            at = -1
            ranks = self._rank[selected]
            behind = int(np.argmax(ranks > self._rank[place])) if (ranks > self._rank[place]).any() else 0
            before = behind - 1
        return Around(
            at if len(inside) else None,
            int(selected[before]) if before >= 0 else None,
            int(selected[behind]) if behind < len(selected) else None,
        )

    def facets(self, view: View, states: np.ndarray) -> dict[str, list[Facet]]:
        """Return the choices of each filter, with what each would show beside the other filters."""
        masks = self._masks(view, states)

        def beside(name: str) -> np.ndarray:
            all_masks = [mask for other, mask in masks.items() if other != name]
            beside_mask: np.ndarray = np.logical_and.reduce(all_masks)
            return beside_mask

        kept, reasons, sizes = beside("state"), self._doubts.reasons, self._catalog.sizes
        found = {
            "state": [Facet(n, _STATE_WORDS[n], int((kept & _is_in(states, n)).sum())) for n in _STATES],
        }
        kept = beside("reason")
        counted = [Facet(reason.name, reason.words, int((kept & reasons[:, at]).sum())) for at, reason in enumerate(REASONS)]
        plain = Facet(_NO_REASON, "nothing speaks against it", int((kept & ~reasons.any(axis=1)).sum()))
        found["reason"] = [Facet("", "all", int(kept.sum())), *(facet for facet in [*counted, plain] if facet.number)]
        kept = beside("size")
        found["size"] = [
            Facet(name, _SIZE_WORDS[name], count)
            for name, (low, high) in _SIZES.items()
            if (count := int((kept & (sizes >= low) & (sizes <= (high or sizes.max(initial=0)))).sum())) or name == view.size
        ]
        kept = beside("language")
        counts = np.bincount(self._spoken[kept[self._parents]], minlength=len(self._languages))
        most = np.argsort(-counts, kind="stable")[:_LANGUAGES_SHOWN]
        spoken = [Facet(self._languages[at], self._languages[at], int(counts[at])) for at in most.tolist() if counts[at]]
        found["language"] = [Facet("", "all", int(kept.sum())), *spoken]
        return found

    def _masks(self, view: View, states: np.ndarray) -> dict[str, np.ndarray]:
        low, high = _SIZES[view.size]
        sizes = self._catalog.sizes
        masks = {
            "state": _is_in(states, view.state),
            "size": (sizes >= low) & (sizes <= (high or sizes.max(initial=0))),
        }
        if view.reason == _NO_REASON:
            masks["reason"] = ~self._doubts.reasons.any(axis=1)
        elif view.reason:
            names = [reason.name for reason in REASONS]
            known = view.reason in names
            masks["reason"] = self._doubts.reasons[:, names.index(view.reason)] if known else np.zeros(len(sizes), bool)
        if view.language:
            code = self._languages.index(view.language) if view.language in self._languages else -1
            masks["language"] = np.zeros(len(sizes), bool)
            masks["language"][self._parents[self._spoken == code]] = True
        if view.q:
            masks["q"] = np.zeros(len(sizes), bool)
            masks["q"][self._catalog.cluster[self._catalog.texts.search(view.q)]] = True
        return masks

    def reasons(self, place: int) -> list[str]:
        """Return the names of the reasons to look at a cluster."""
        return [reason.name for reason, has in zip(REASONS, self._doubts.reasons[place].tolist(), strict=True) if has]

    def about(self, places: np.ndarray) -> list[dict[str, Any]]:
        """Return what the list of the queue tells of some clusters."""
        catalog = self._catalog
        clusters = catalog.clusters.take(pa.array(places, pa.int64())).to_pylist()
        canonicals = catalog.describe(catalog.canonical[places].tolist())
        return [
            {**cluster, "place": int(place), "article": article, "reasons": self.reasons(int(place))}
            for place, cluster, article in zip(places, clusters, canonicals, strict=True)
        ]


def _is_in(states: np.ndarray, name: str) -> np.ndarray:
    chosen = np.zeros(3, bool)
    chosen[list(_STATES[name])] = True
    among: np.ndarray = chosen[states]
    return among
