"""The audit: edges drawn by lot and judged one by one, and what that says of the tool."""

from __future__ import annotations

from collections.abc import Mapping

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from dedupe.decisions.audit import needed_threshold, precision_by_relation
from dedupe.review.desk import Desk
from dedupe.review.pages import beside, found, number, page

SIZE, SEED = 100, 1
_LARGEST = 10_000

# The share of right edges for which the threshold is sought.
_WANTED = 0.98


def drawn(query: Mapping[str, str]) -> tuple[int, int]:
    """Return the size and the seed of the sample that an address names."""
    told = {name: query.get(name, "") for name in ("size", "seed")}
    known = {name: int(one) for name, one in told.items() if one.isascii() and one.isdigit() and len(one) < 10}
    return min(max(known.get("size", SIZE), 1), _LARGEST), known.get("seed", SEED)


def judged_by(desk: Desk, who: str) -> dict[tuple[str, str], bool]:
    """Return what a person said of edges, by their two articles in order of ID."""
    return {(one.a_id, one.b_id): one.right for one in desk.progress().judged if one.who == who}


def _ends(desk: Desk, row: int) -> tuple[str, str]:
    articles = desk.catalog.articles
    one, other = sorted(articles[name][row].as_py() for name in ("article_id", "canonical_id"))
    return one, other


def next_open(desk: Desk, rows: list[int], after: int) -> int | None:
    """Return the place of the next edge of the sample that this reviewer has not judged, None where all are."""
    said = judged_by(desk, desk.who)
    places = [*range(after + 1, len(rows)), *range(min(after + 1, len(rows)))]
    return next((place for place in places if _ends(desk, rows[place]) not in said), None)


def audit(request: Request) -> Response:
    """Show how far the audit is and what it says."""
    desk: Desk = request.state.desk
    size, seed = drawn(request.query_params)
    rows = desk.sample(size, seed)
    progress = desk.progress()
    said = judged_by(desk, desk.who)
    judged = sum(_ends(desk, row) in said for row in rows)
    return page(
        request, "audit.html", "audit", size=size, seed=seed, drawn=len(rows), judged=judged,
        open_at=next_open(desk, rows, -1), precisions=precision_by_relation(progress.judged), wanted=_WANTED,
        needed=needed_threshold(progress.judged, _WANTED), tallies=progress.tallies, threshold=desk.catalog.threshold,
        near=sum(one.relation == "near" for one in progress.judged),
    )  # fmt: skip


def audit_edge(request: Request) -> Response:
    """Show one edge of the sample, without what the tool says of it: that would lead the judgement."""
    desk: Desk = request.state.desk
    size, seed = drawn(request.query_params)
    rows = desk.sample(size, seed)
    at = number(request, "at") - 1
    if at >= len(rows):
        return RedirectResponse(f"/audit?size={size}&seed={seed}", status_code=303)
    row = rows[at]
    canonical = found(desk.catalog.row(desk.catalog.articles["canonical_id"][row].as_py()))
    said = judged_by(desk, desk.who).get(_ends(desk, row))
    compared = beside(desk, canonical, row)
    return page(
        request, "audit_edge.html", "audit", size=size, seed=seed, position=at, drawn=len(rows), compared=compared, said=said
    )
