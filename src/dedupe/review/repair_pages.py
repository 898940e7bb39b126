"""The queue of repairs: what was put into spun texts, the most doubtful first, with its context."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from starlette.requests import Request
from starlette.responses import Response

from dedupe.repair.ledger import restore
from dedupe.repair.rules import RULES
from dedupe.review.desk import Desk
from dedupe.review.overlay import Piece, overlay
from dedupe.review.pages import found, number, page, refused_by

_ON_A_PAGE = 20
_CONTEXT = 90


def repairs(request: Request) -> Response:
    """Show the repairs of spun texts, the least sure first."""
    desk: Desk = request.state.desk
    edits = desk.catalog.spun_edits
    q, rule = (request.query_params.get(name, "").strip()[:200] for name in ("q", "rule"))
    kept = _holding(edits, q) if q else np.ones(edits.num_rows, bool)
    counts = dict.fromkeys(sorted(edits["rule"].unique().to_pylist()), 0)
    counts |= {entry["values"]: entry["counts"] for entry in pc.value_counts(edits["rule"].filter(pa.array(kept))).to_pylist()}
    if rule:
        kept &= pc.equal(edits["rule"], rule).to_numpy()
    places = np.flatnonzero(kept)
    pages = max(1, -(-len(places) // _ON_A_PAGE))
    at = min(number(request), pages)
    shown = edits.take(places[(at - 1) * _ON_A_PAGE : at * _ON_A_PAGE]).to_pylist()
    # A spun article has hundreds of repairs: its ledger is laid over it once.
    laid = _laid(desk, [*dict.fromkeys(edit["article_id"] for edit in shown)])
    rows = [_in_context(desk, edit, *laid[edit["article_id"]]) for edit in shown]
    rules = [{"code": code, "name": RULES[code].name if code in RULES else code, "count": n} for code, n in counts.items()]
    return page(
        request, "repairs.html", "repairs", rows=rows, total=len(places), at=at, pages=pages, q=q, rule=rule, rules=rules,
        first=(at - 1) * _ON_A_PAGE,
    )  # fmt: skip


def _holding(edits: pa.Table, words: str) -> np.ndarray:
    held = np.zeros(edits.num_rows, bool)
    for column in ("before", "after"):
        held |= pc.match_substring(edits[column], words, ignore_case=True).fill_null(False).to_numpy()
    return held


def _laid(desk: Desk, ids: list[str]) -> dict[str, tuple[dict[str, Any], list[Piece]]]:
    catalog = desk.catalog
    rows = [found(catalog.row(article)) for article in ids]
    pieces = []
    for text, ledger in zip(catalog.texts.of(rows), catalog.ledgers(rows), strict=True):
        own = [edit for edit in ledger if edit["field"] == "text"]
        pieces.append(overlay(restore(text, own), own))
    return dict(zip(ids, zip(catalog.describe(rows), pieces, strict=True), strict=True))


def _in_context(desk: Desk, edit: dict[str, Any], article: dict[str, Any], pieces: list[Piece]) -> dict[str, Any]:
    left, right, at = _around(pieces if edit["field"] == "text" else [], edit["seq"])
    return {
        "edit": edit,
        "article": article,
        "left": left,
        "right": right,
        "piece": at,
        "refused": refused_by(desk, edit),
        "name": _rule_name(edit["rule"]),
    }


def _rule_name(code: str) -> str:
    return RULES[code].name if code in RULES else code


def _around(pieces: list[Piece], number_in_ledger: int) -> tuple[str, str, Piece | None]:
    at = next((place for place, piece in enumerate(pieces) if number_in_ledger in piece.edits), None)
    if at is None:
        return "", "", None
    left = "".join(piece.text for piece in pieces[:at])[-_CONTEXT:]
    right = "".join(piece.text for piece in pieces[at + 1 :])[:_CONTEXT]
    # Cut at a word, not inside one, where there are spaces.
    if len(left) == _CONTEXT:
        left = left[left.find(" ") + 1 :]
    if len(right) == _CONTEXT and " " in right.strip():
        right = right[: right.rindex(" ")]
    return left, right, pieces[at]
