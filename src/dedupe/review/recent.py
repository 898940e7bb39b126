"""The last decisions, in words."""

from __future__ import annotations

from typing import Any

from dedupe.decisions.facts import Batch
from dedupe.review.desk import Desk, Progress
from dedupe.review.rendering import DONE


def told(desk: Desk, progress: Progress) -> list[dict[str, Any]]:
    """Return the last decisions for the page, the latest first."""
    by_uid = {batch.uid: batch for batch in progress.recent}
    rows = []
    for batch in progress.recent:
        meant = by_uid.get(batch.undoes or "", batch)
        words = DONE[batch.act].capitalize()
        if batch.act == "audit":
            words = f"{words}: {'the same' if batch.facts[0].kind == 'must_link' else 'different'}"
        if meant is not batch:
            words = f"{words}: {DONE[meant.act]}"
        rows.append(
            {
                "id": batch.batch_id,
                "words": words,
                "about": _about(desk, meant),
                "who": batch.who,
                "at": batch.at[:16].replace("T", " "),
                "standing": batch.standing,
                "can_undo": batch.standing and batch.act != "undo",
                "cluster": _cluster(desk, meant),
            }
        )
    return rows


def _about(desk: Desk, batch: Batch) -> str:
    if not batch.facts:
        return ""
    if len(batch.facts) > 1:
        return f"{len(batch.facts):,} clusters"
    fact = batch.facts[0]
    if fact.kind == "edit_refused":
        return f"{fact.details['before'].strip()[:40]} for {fact.details['after'].strip()[:40] or 'nothing'}"
    row = desk.catalog.row(fact.groups[0][0])
    if row is None:
        return f"article {fact.groups[0][0][:12]}"
    article = desk.catalog.describe([row])[0]
    return str(article["title"] or article["opening"] or article["source"])


def _cluster(desk: Desk, batch: Batch) -> str | None:
    row = desk.catalog.row(batch.facts[0].groups[0][0]) if len(batch.facts) == 1 else None
    return None if row is None else str(desk.catalog.articles["cluster_id"][row])
