"""The queue of stories: different articles on one event, which no cluster joins."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
from starlette.requests import Request
from starlette.responses import Response

from dedupe.decisions.facts import members_digest
from dedupe.review.desk import Desk
from dedupe.review.pages import MEMBERS, found, number, page
from dedupe.review.queues import PAGE


def stories(request: Request) -> Response:
    """Show the queue of stories, or those that somebody has looked at, the ones of most different articles first."""
    desk: Desk = request.state.desk
    catalog, seen = desk.catalog, desk.progress().seen
    state = request.query_params.get("state", "todo")
    order = _ordered(desk)
    q = request.query_params.get("q", "").strip()[:200]
    if q:
        order = order[np.isin(order, catalog.in_story[catalog.texts.search(q)])]
    numbers = {"todo": int((~seen[order]).sum()), "seen": int(seen[order].sum())}
    order = order[seen[order] == (state == "seen")]
    pages = max(1, -(-len(order) // PAGE))
    at = min(number(request), pages)
    shown = order[(at - 1) * PAGE : at * PAGE]
    told = catalog.stories.take(pa.array(shown)).to_pylist()
    articles = catalog.describe([found(catalog.row(story["canonical_id"])) for story in told])
    rows = [
        {**story, "article": article, "versions": int(catalog.versions[place])}
        for story, article, place in zip(told, articles, shown.tolist(), strict=True)
    ]
    return page(
        request, "stories.html", "stories", rows=rows, total=len(order), at=at, pages=pages, q=q, state=state, numbers=numbers,
        first=(at - 1) * PAGE,
    )  # fmt: skip


def story(request: Request) -> Response:
    """Show one story: its articles in order of time, one for each cluster, and what ties them."""
    desk: Desk = request.state.desk
    catalog, seen = desk.catalog, desk.progress().seen
    place = found(catalog.story_place(request.path_params["story"]))
    told = catalog.told(place)
    articles = sorted(
        (article for article in catalog.describe(told.tolist()) if article["is_canonical"]),
        key=lambda article: (article["published_at"] is None, article["published_at"], article["article_id"]),
    )
    pages = max(1, -(-len(articles) // MEMBERS))
    at = min(number(request), pages)
    shown = articles[(at - 1) * MEMBERS : at * MEMBERS]
    order = _ordered(desk)
    here = int(np.flatnonzero(order == place)[0])
    waiting = np.concatenate([order[here + 1 :], order[:here]])
    waiting = waiting[~seen[waiting]]
    return page(
        request, "story.html", "stories", story=catalog.stories.slice(place, 1).to_pylist()[0], articles=shown,
        ties=_ties(desk, told), at=at, pages=pages, first=(at - 1) * MEMBERS, versions=int(catalog.versions[place]),
        digest=members_digest(catalog.identities(told.tolist())), seen=bool(seen[place]),
        behind=catalog.stories["story_id"][int(waiting[0])].as_py() if len(waiting) else None,
    )  # fmt: skip


def _ordered(desk: Desk) -> np.ndarray:
    # The more articles, the likelier that two of them are copies, or that two events were taken for one.
    order: np.ndarray = np.argsort(-desk.catalog.versions, kind="stable")
    return order


def _ties(desk: Desk, told: np.ndarray) -> dict[str, dict[str, object]]:
    """Return for each article of a story its strongest tie to another."""
    catalog = desk.catalog
    ties = [tie for tie in catalog.edges.take(pa.array(catalog.edges_within(told))).to_pylist() if tie["relation"] == "story"]
    strongest: dict[str, dict[str, object]] = {}
    for tie in sorted(ties, key=lambda tie: float(tie["jaccard"])):
        strongest |= {tie["a_id"]: tie, tie["b_id"]: tie}
    return strongest
