"""The pages of stories: different articles on one event, which no cluster joins."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
from starlette.requests import Request
from starlette.responses import Response

from dedupe.review.desk import Desk
from dedupe.review.pages import MEMBERS, found, number, page
from dedupe.review.queues import PAGE


def stories(request: Request) -> Response:
    """Show the stories, those of most articles first: the larger, the likelier that two events were taken for one."""
    desk: Desk = request.state.desk
    catalog = desk.catalog
    order = np.argsort(-catalog.stories["size"].to_numpy(), kind="stable")
    q = request.query_params.get("q", "").strip()[:200]
    if q:
        holding = catalog.articles["story_id"].filter(pa.array(catalog.texts.search(q))).drop_null().unique().to_pylist()
        places = {catalog.story_place(story) for story in holding}
        order = order[np.isin(order, [place for place in places if place is not None])]
    pages = max(1, -(-len(order) // PAGE))
    at = min(number(request), pages)
    shown = catalog.stories.take(pa.array(order[(at - 1) * PAGE : at * PAGE])).to_pylist()
    articles = catalog.describe([found(catalog.row(story["canonical_id"])) for story in shown])
    rows = [{**story, "article": article} for story, article in zip(shown, articles, strict=True)]
    return page(request, "stories.html", "stories", rows=rows, total=len(order), at=at, pages=pages, q=q, first=(at - 1) * PAGE)


def story(request: Request) -> Response:
    """Show one story: its articles in order of time, one for each cluster, and what ties them."""
    desk: Desk = request.state.desk
    catalog = desk.catalog
    place = found(catalog.story_place(request.path_params["story"]))
    row = catalog.stories.slice(place, 1).to_pylist()[0]
    told = np.flatnonzero(catalog.in_story == place)
    articles = sorted(
        (article for article in catalog.describe(told.tolist()) if article["is_canonical"]),
        key=lambda article: (article["published_at"] is None, article["published_at"], article["article_id"]),
    )
    shown, left_out = articles[:MEMBERS], len(articles[MEMBERS:])
    edges = catalog.edges_within(told)
    ties = catalog.edges.take(pa.array(edges)).to_pylist()
    of = {
        article["article_id"]: max(
            (tie for tie in ties if article["article_id"] in (tie["a_id"], tie["b_id"]) and tie["relation"] == "story"),
            key=lambda tie: tie["jaccard"],
            default=None,
        )
        for article in shown
    }
    return page(request, "story.html", "stories", story=row, articles=shown, ties=of, left_out=left_out)
