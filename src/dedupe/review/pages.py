"""The pages that are read: the queue, a cluster, a pair of articles, stories."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import numpy as np
import pyarrow as pa
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from dedupe.decisions.facts import members_digest
from dedupe.repair.refusal import Place, place_of
from dedupe.review.desk import Desk
from dedupe.review.doubts import REASONS
from dedupe.review.graph import draw
from dedupe.review.queues import PAGE, View, view_of
from dedupe.review.recent import told
from dedupe.review.rendering import render
from dedupe.review.sides import compare, prepare, single

# Members of a cluster on one page of it; larger ones are paged.
MEMBERS = 100

# Words of `why` on the chips of the queue.
REASON_WORDS = {reason.name: reason.words for reason in REASONS}


def page(request: Request, template: str, tab: str, status: int = 200, **context: Any) -> Response:
    """Return a page with what stands on every page: the queues with their counts, and the last decisions."""
    desk: Desk = request.state.desk
    progress = desk.progress()
    todo = desk.queue.select(View(), progress.states, progress.skipped)
    frame = {
        "tab": tab,
        "who": desk.who,
        "folder": desk.output.folder.name,
        "counts": {
            "clusters": len(todo),
            "updates": int((~progress.pairs).sum()),
            "stories": int((~progress.seen).sum()),
            "repairs": desk.catalog.spun_edits.num_rows,
        },
        "recent": told(desk, progress),
        "conflicts": len(progress.standing.conflicts),
        "done": request.query_params.get("done", ""),
        "here": request.url.path + (f"?{request.url.query}" if request.url.query else ""),
        "fresh": request.state.fresh,
    }
    return HTMLResponse(render(template, **frame, **context), status_code=status)


def home(_: Request) -> Response:
    """Lead to the queue of clusters."""
    return RedirectResponse("/clusters", status_code=303)


def number(request: Request, name: str = "page") -> int:
    """Return a number out of the address, 1 where there is none."""
    given = request.query_params.get(name, "1")
    return min(max(1, int(given)), 10**9) if given.isascii() and given.isdigit() and len(given) < 12 else 1


def clusters(request: Request) -> Response:
    """Show the queue of clusters."""
    desk: Desk = request.state.desk
    view, progress = view_of(request.query_params), desk.progress()
    selected = desk.queue.select(view, progress.states, progress.skipped)
    pages = max(1, -(-len(selected) // PAGE))
    at = min(number(request), pages)
    rows = desk.queue.about(selected[(at - 1) * PAGE : at * PAGE])
    for row in rows:
        row["verdict"] = progress.verdicts.get(int(row["place"]))
        row["passed"] = bool(progress.skipped[row["place"]])
    facets = desk.queue.facets(view, progress.states)
    return page(
        request, "queue.html", "clusters", view=view, rows=rows, facets=facets, total=len(selected), at=at, pages=pages,
        first=(at - 1) * PAGE, words=REASON_WORDS, copies=bool((desk.catalog.sizes > 1).any()),
    )  # fmt: skip


def cluster(request: Request) -> Response:
    """Show one cluster: its members, how they hang together, and one of them beside the canonical."""
    desk: Desk = request.state.desk
    catalog, progress = desk.catalog, desk.progress()
    place = found(catalog.place(request.path_params["cluster"]))
    view = view_of(request.query_params)
    selected = desk.queue.select(view, progress.states, progress.skipped)
    around = desk.queue.around(selected, place)
    rows = catalog.members(place)
    pages = max(1, -(-len(rows) // MEMBERS))
    at = min(number(request, "members"), pages)
    shown = rows[(at - 1) * MEMBERS : at * MEMBERS]
    with_row = catalog.row(request.query_params.get("with", ""))
    if with_row is None or with_row not in rows[1:]:
        # The weakest of those in sight is the one to look at first.
        with_row = int(shown[-1]) if len(shown) and shown[-1] != rows[0] else None
    edges = _edges_to(desk, int(rows[0]), shown)
    bridges = set(rows[desk.bridges[rows]].tolist())
    told = catalog.describe(shown.tolist())
    members = [
        {**article, "row": int(row), "number": first, "edge": edges.get(int(row)), "bridge": int(row) in bridges}
        for first, (row, article) in enumerate(zip(shown, told, strict=True), start=(at - 1) * MEMBERS + 1)
    ]
    names = [catalog.clusters["cluster_id"][near].as_py() if near is not None else None for near in around[1:]]
    query = f"?{view.query()}" if view.query() else ""
    onward = f"/clusters{query}" if names[1] is None else f"/cluster/{names[1]}{query}"
    return page(
        request, "cluster.html", "clusters", digest=members_digest(catalog.identities(rows)), onward=onward,
        view=view, cluster=catalog.clusters.slice(place, 1).to_pylist()[0], members=members, at=at, pages=pages,
        position=around.at, total=len(selected), before=names[0],
        reasons=desk.queue.reasons(place), words=REASON_WORDS, verdict=progress.verdicts.get(place),
        passed=bool(progress.skipped[place]),
        canonical=catalog.describe([int(rows[0])])[0],
        compared=beside(desk, int(rows[0]), with_row) if with_row is not None else alone(desk, int(rows[0])),
        graph=draw(catalog, rows, bridges, with_row) if len(rows) > 3 else None,
    )  # fmt: skip


def _edges_to(desk: Desk, canonical: int, rows: np.ndarray) -> dict[int, dict[str, Any]]:
    catalog = desk.catalog
    edges = catalog.edges_within(np.union1d(rows, [canonical]))
    edges = edges[(catalog.a[edges] == canonical) | (catalog.b[edges] == canonical)]
    others = catalog.a[edges] + catalog.b[edges] - canonical
    return dict(zip(others.tolist(), catalog.edges.take(pa.array(edges)).to_pylist(), strict=True))


def beside(desk: Desk, left: int, right: int) -> dict[str, Any]:
    """Return two articles side by side, with the edge between them and the repairs of both."""
    catalog = desk.catalog
    texts = catalog.texts.of([left, right])
    ledgers = catalog.ledgers([left, right])
    sides = [prepare(text, ledger) for text, ledger in zip(texts, ledgers, strict=True)]
    articles = catalog.describe([left, right])
    return {
        "left": articles[0],
        "right": articles[1],
        "edge": catalog.edge(left, right),
        "comparison": compare(*sides),
        "ledgers": [_ledger(desk, article, ledger) for article, ledger in zip(articles, ledgers, strict=True)],
    }


def alone(desk: Desk, row: int) -> dict[str, Any]:
    """Return one article with its repairs."""
    side = prepare(desk.catalog.texts.of([row])[0], ledger := desk.catalog.edits(row))
    article = desk.catalog.describe([row])[0]
    return {
        "left": article,
        "right": None,
        "segments": single(side),
        "left_out": side.left_out,
        "ledgers": [_ledger(desk, article, ledger)],
    }


def _ledger(desk: Desk, article: dict[str, Any], ledger: list[dict[str, Any]]) -> dict[str, Any]:
    return {"article": article, "edits": [{**edit, "refused": refused_by(desk, edit)} for edit in ledger]}


def refused_by(desk: Desk, edit: dict[str, Any]) -> str | None:
    """Say who refused an edit that the next run will therefore not make, None where nobody did."""
    told = ("field", "rule", "before", "after")
    alike = [
        one
        for one in desk.progress().standing.refused
        if one.article == edit["article_id"] and all(one.details[name] == edit[name] for name in told)
    ]
    if not alike:
        return None
    # The same words may have been put in at several places of an article.
    place = place_in(desk, edit)
    here = (place.source, place.left, place.right)
    by = (str(one.by) for one in alike if tuple(one.details[name] for name in ("source", "left", "right")) == here)
    return next(by, None)


def place_in(desk: Desk, edit: dict[str, Any]) -> Place:
    """Return where an edit stands in its field as it was before any repair."""
    row = found(desk.catalog.row(edit["article_id"]))
    field = edit["field"]
    value = desk.catalog.texts.of([row])[0] if field == "text" else desk.catalog.describe([row])[0][field]
    if isinstance(value, datetime):
        value = value.isoformat()
    return place_of(value or "", desk.catalog.edits(row), edit["seq"])


def updates(request: Request) -> Response:
    """Show the queue of pairs that a differing fact keeps apart."""
    desk: Desk = request.state.desk
    catalog, progress = desk.catalog, desk.progress()
    state = request.query_params.get("state", "todo")
    q = request.query_params.get("q", "").strip()[:200]
    holding = np.ones(len(desk.flagged), bool)
    if q:
        hit = catalog.texts.search(q)
        holding = hit[catalog.a[desk.flagged]] | hit[catalog.b[desk.flagged]]
    numbers = {"todo": int((holding & ~progress.pairs).sum()), "decided": int((holding & progress.pairs).sum())}
    kept = desk.flagged[holding & (progress.pairs if state == "decided" else ~progress.pairs)]
    pages = max(1, -(-len(kept) // PAGE))
    at = min(number(request), pages)
    shown = kept[(at - 1) * PAGE : at * PAGE]
    edges = catalog.edges.take(pa.array(shown)).to_pylist()
    ends = [catalog.describe(ends[shown].tolist()) for ends in (catalog.a, catalog.b)]
    rows = [{"edge": edge, "a": a, "b": b} for edge, a, b in zip(edges, *ends, strict=True)]
    return page(
        request, "updates.html", "updates", rows=rows, total=len(kept), at=at, pages=pages, q=q, state=state, numbers=numbers,
        first=(at - 1) * PAGE,
    )  # fmt: skip


def pair(request: Request) -> Response:
    """Show two articles side by side."""
    desk: Desk = request.state.desk
    catalog = desk.catalog
    left, right = (found(catalog.row(request.path_params[name])) for name in ("a", "b"))
    if left == right:
        raise HTTPException(404)
    flagged, progress = desk.flagged, desk.progress()
    here = np.flatnonzero(np.isin(catalog.a[flagged], [left, right]) & np.isin(catalog.b[flagged], [left, right]))
    behind = None
    if len(here):
        rest = np.flatnonzero(~progress.pairs)
        later = np.concatenate([rest[rest > here[0]], rest[rest < here[0]]])
        behind = catalog.edges.slice(int(flagged[later[0]]), 1).to_pylist()[0] if len(later) else None
    return page(
        request, "pair.html", "updates", compared=beside(desk, left, right), flagged=bool(len(here)),
        settled=bool(len(here) and progress.pairs[here[0]]),
        together=catalog.cluster[left] == catalog.cluster[right], behind=behind,
    )  # fmt: skip


def found(place: int | None) -> int:
    """Return a place that is there. Raises a 404 for one that is not."""
    if place is None:
        raise HTTPException(404)
    return place


def keys(request: Request) -> Response:
    """Show what the keys do, for browsers without scripts and for printing."""
    return page(request, "keys.html", "")


def conflicts(request: Request) -> Response:
    """Show where reviewers decided differently: nothing is overwritten, they settle it."""
    desk: Desk = request.state.desk
    rows = []
    for conflict in desk.reckon().standing.conflicts:
        here = [row for article in conflict.articles if (row := desk.catalog.row(article)) is not None]
        rows.append({"conflict": conflict, "articles": desk.catalog.describe(here[:MEMBERS]), "more": len(here[MEMBERS:])})
    return page(request, "conflicts.html", "conflicts", rows=rows)
