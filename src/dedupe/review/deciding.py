"""What the buttons do: each act becomes facts about articles, and leads to the next thing to decide."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qs

import numpy as np
import pyarrow as pa
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from dedupe.decisions.audit import AUDIT
from dedupe.decisions.facts import (
    Act,
    Fact,
    accepted,
    cannot_link,
    canonical,
    edit_refused,
    members_digest,
    must_link,
    skipped,
)
from dedupe.errors import DedupeError, UsageError
from dedupe.review.audit_pages import drawn, next_open
from dedupe.review.desk import STORIES, Desk
from dedupe.review.pages import found, number, page, place_in
from dedupe.review.queues import View, view_of

# A form with ten thousand ticks is 400 KB.
_LARGEST_FORM = 2_000_000
_TITLES_SHOWN = 12
_CANDIDATES = 30


class Form(dict[str, list[str]]):
    """Hold the fields of a form as sent."""

    def one(self, name: str) -> str:
        """Return the only or first value of a field, empty where there is none."""
        return self.get(name, [""])[0]


class ChangedError(DedupeError):
    """Report that what is to be decided is no longer what the page showed."""


def posted(handler: Callable[[Request, Form], Response]) -> Callable[[Request], Any]:
    """Make an endpoint that reads a form, within bounds, and hands it to `handler` in a thread."""

    async def endpoint(request: Request) -> Response:
        body = b""
        async for chunk in request.stream():
            body += chunk
            if len(body) > _LARGEST_FORM:
                return Response("The form is too large.", 413)
        try:
            form = Form(parse_qs(body.decode(), keep_blank_values=True, max_num_fields=100_000))
        except (UnicodeDecodeError, ValueError):
            return Response("This is no form.", 400)
        return await run_in_threadpool(handler, request, form)

    return endpoint


def _decided(desk: Desk, act: Act, facts: list[Fact], queue: str, form: Form, bulk: bool = False) -> Response:
    articles = desk.references.of(article for fact in facts for article in fact.articles)
    batch = desk.decisions.record(act, facts, who=desk.who, queue=queue, articles=articles, bulk=bulk)
    desk.decided(batch, act, facts, queue, bulk)
    return _onward(form.one("next") or "/clusters", batch)


def _onward(target: str, batch: int | None) -> Response:
    # Only to a page of ours: an address that begins with two slashes is another site's.
    target = target if target.startswith("/") and not target.startswith(("//", "/\\")) else "/clusters"
    mark = "" if batch is None else f"{'&' if '?' in target else '?'}done={batch}"
    return RedirectResponse(target + mark, status_code=303)


def _members(desk: Desk, cluster_id: str, form: Form) -> list[str]:
    members = desk.catalog.identities(desk.catalog.members(found(desk.catalog.place(cluster_id))))
    if form.one("digest") != members_digest(members):
        raise ChangedError("The cluster has changed since the page was opened.", "Look at it again; nothing was decided.")
    return members


def decide_cluster(request: Request, form: Form) -> Response:
    """Decide about a cluster: accept, not duplicates, split, make canonical, skip."""
    desk: Desk = request.state.desk
    act, members = form.one("act"), _members(desk, request.path_params["cluster"], form)
    inside = set(members)
    ticked = [article for article in dict.fromkeys(form.get("ticked", [])) if article in inside]
    if act == "accept":
        return _decided(desk, "accept", [accepted(members)], "clusters", form)
    if act == "not_duplicates":
        return _decided(desk, "not_duplicates", [cannot_link([article] for article in members)], "clusters", form)
    if act == "split":
        rest = [article for article in members if article not in set(ticked)]
        if not ticked or not rest:
            raise UsageError("Split takes some of the articles, not none and not all.", "Tick those to split off.")
        return _decided(desk, "split", [cannot_link([ticked, rest])], "clusters", form)
    if act == "make_canonical":
        chosen = form.one("compared")
        if chosen not in inside:
            raise UsageError("No article is chosen to be the canonical.", "Open it beside the canonical first.")
        return _decided(desk, "make_canonical", [canonical(chosen, members)], "clusters", form)
    if act == "skip":
        return _decided(desk, "skip", [skipped(members)], "clusters", form)
    raise UsageError("This is nothing that one can do with a cluster.")


def decide_pair(request: Request, form: Form) -> Response:
    """Decide about two articles that a differing fact keeps apart: they stay apart, or are one."""
    desk: Desk = request.state.desk
    catalog = desk.catalog
    places = [found(catalog.row(request.path_params[name])) for name in ("a", "b")]
    one, other = (catalog.identities(catalog.members(int(catalog.cluster[row]))) for row in places)
    if set(one) == set(other):
        raise UsageError("The two are in one cluster.", "Decide about the cluster.")
    if form.one("act") == "not_duplicates":
        return _decided(desk, "not_duplicates", [cannot_link([one, other])], "updates", form)
    if form.one("act") == "merge":
        return _decided(desk, "merge", [must_link([*one, *other])], "updates", form)
    raise UsageError("This is nothing that one can do with a pair.")


def merge(request: Request) -> Response:
    """Show what a cluster could be merged with: what is tied to it, or what a search finds."""
    desk: Desk = request.state.desk
    catalog = desk.catalog
    place = found(catalog.place(request.path_params["cluster"]))
    rows = catalog.members(place)
    q = request.query_params.get("q", "").strip()[:200]
    if q:
        hits = catalog.cluster[catalog.texts.search(q)]
        near = [int(one) for one in dict.fromkeys(hits.tolist()) if one != place]
        ties: dict[int, str] = {}
    else:
        ties = {}
        edges = catalog.edges_of(rows)
        told = catalog.edges.take(pa.array(edges)).to_pylist()
        for edge, words in sorted(zip(edges.tolist(), told, strict=True), key=lambda pair: -float(pair[1]["jaccard"])):
            for end in (int(catalog.cluster[catalog.a[edge]]), int(catalog.cluster[catalog.b[edge]])):
                if end != place:
                    ties.setdefault(end, f"{words['relation']}: {words['evidence']}")
        near = list(ties)
    near, found_all = near[:_CANDIDATES], len(near)
    candidates = [
        {**article, "tie": ties.get(one, "")}
        for one, article in zip(near, catalog.describe(catalog.canonical[near].tolist() if near else []), strict=True)
    ]
    return page(
        request, "merge.html", "clusters", cluster=catalog.clusters.slice(place, 1).to_pylist()[0], candidates=candidates, q=q,
        found_all=found_all, canonical=catalog.describe([int(rows[0])])[0], digest=members_digest(catalog.identities(rows)),
    )  # fmt: skip


def decide_merge(request: Request, form: Form) -> Response:
    """Merge a cluster with those chosen."""
    desk: Desk = request.state.desk
    members = _members(desk, request.path_params["cluster"], form)
    others = [found(desk.catalog.place(cluster)) for cluster in dict.fromkeys(form.get("with", []))]
    joined = dict.fromkeys(
        [*members, *(one for place in others for one in desk.catalog.identities(desk.catalog.members(place).tolist()))]
    )
    if len(joined) == len(members):
        raise UsageError("Nothing is chosen to merge with.", "Choose a cluster of the list, or search for one.")
    return _decided(desk, "merge", [must_link(joined)], "clusters", form)


def decide_story(request: Request, form: Form) -> Response:
    """Merge those clusters of a story that are ticked, or note that it was looked at as it is."""
    desk: Desk = request.state.desk
    catalog = desk.catalog
    told = catalog.identities(catalog.told(found(catalog.story_place(request.path_params["story"]))).tolist())
    if form.one("digest") != members_digest(told):
        raise ChangedError("The story has changed since the page was opened.", "Look at it again; nothing was decided.")
    if form.one("act") == "skip":
        return _decided(desk, "skip", [skipped(told)], STORIES, form)
    if form.one("act") != "merge":
        raise UsageError("This is nothing that one can do with a story.")
    inside = set(told)
    ticked = [found(catalog.row(article)) for article in dict.fromkeys(form.get("ticked", [])) if article in inside]
    places = dict.fromkeys(catalog.cluster[ticked].tolist())
    if len(places) < 2:
        raise UsageError("Merging takes two articles or more.", "Tick those that are one article.")
    joined = [article for place in places for article in catalog.identities(catalog.members(place).tolist())]
    return _decided(desk, "merge", [must_link(joined)], STORIES, form)


def undo_repair(request: Request, form: Form) -> Response:
    """Refuse an edit: the field keeps its wording there in every later run."""
    desk: Desk = request.state.desk
    catalog = desk.catalog
    article, given = form.one("article"), form.one("seq")
    row = found(catalog.row(article))
    edits = catalog.edits(row)
    seq = int(given) if given.isascii() and given.isdigit() else -1
    edit = next((one for one in edits if one["seq"] == seq), None)
    if edit is None:
        raise ChangedError("The article has no such repair.", "Look at it again; nothing was decided.")
    place = place_in(desk, edit)
    told = (edit["field"], edit["rule"], edit["before"], edit["after"], place.source, place.left, place.right)
    return _decided(desk, "undo_repair", [edit_refused(article, *told)], "repairs", form)


def decide_audit(request: Request, form: Form) -> Response:
    """Say of an edge of the sample whether it is right."""
    desk: Desk = request.state.desk
    size, seed = drawn(request.query_params)
    rows, at = desk.sample(size, seed), number(request, "at") - 1
    if at >= len(rows) or form.one("act") not in ("same", "different"):
        raise UsageError("This is nothing that one can say of an edge.")
    article = desk.catalog.describe([rows[at]])[0]
    ends, edge = [article["article_id"], article["canonical_id"]], (article["relation"], float(article["similarity"]))
    fact = must_link(ends, *edge) if form.one("act") == "same" else cannot_link([[end] for end in ends], *edge)
    references = desk.references.of(fact.articles)
    batch = desk.decisions.record("audit", [fact], who=desk.who, queue=AUDIT, articles=references)
    desk.decided(batch, "audit", [fact], AUDIT, bulk=False)
    behind = next_open(desk, rows, at)
    same = f"size={size}&seed={seed}"
    return _onward(f"/audit?{same}" if behind is None else f"/audit/edge?{same}&at={behind + 1}", batch)


def bulk(request: Request) -> Response:
    """Show what accepting all that a filter shows would accept."""
    desk: Desk = request.state.desk
    view, progress = view_of(request.query_params), desk.progress()
    selected = _bulk(desk, view)
    rows = desk.queue.about(selected[:_TITLES_SHOWN])
    facets = desk.queue.facets(view, progress.states)
    return page(
        request, "bulk.html", "clusters", view=view, total=len(selected), rows=rows, facets=facets,
        articles=int(desk.catalog.sizes[selected].sum()), shown=_TITLES_SHOWN,
    )  # fmt: skip


def _bulk(desk: Desk, view: View) -> np.ndarray:
    # What was decided or is a single article has nothing to accept.
    progress = desk.progress()
    todo = view._replace(state="again" if view.state == "again" else "todo")
    selected = desk.queue.select(todo, progress.states, progress.skipped)
    several: np.ndarray = selected[desk.catalog.sizes[selected] > 1]
    return several


def decide_bulk(request: Request, form: Form) -> Response:
    """Accept all clusters that a filter shows, as one act."""
    desk: Desk = request.state.desk
    view = view_of(request.query_params)
    selected = _bulk(desk, view)
    if form.one("total") != str(len(selected)) or not len(selected):
        raise ChangedError(
            f"The filter shows {len(selected):,} clusters now, not {form.one('total') or 'those'} that you were asked about.",
            "Look at the preview again; nothing was accepted.",
        )
    facts = [accepted(desk.catalog.identities(desk.catalog.members(place).tolist())) for place in selected.tolist()]
    return _decided(desk, "accept", facts, "clusters", form, bulk=True)


def undo(request: Request, form: Form) -> Response:
    """Take back a decision: the one named, or the reviewer's last."""
    desk: Desk = request.state.desk
    given = form.one("batch")
    own = (one.batch_id for one in desk.progress().recent if one.standing and one.who == desk.who and one.act != "undo")
    target = int(given) if given.isascii() and given.isdigit() else next(own, None)
    batch = desk.decisions.undo(target, who=desk.who)
    if batch is not None and target is not None:
        desk.undone(batch, target)
    return _onward(form.one("next"), batch)
