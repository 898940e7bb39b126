"""Compare two outputs: settings first, then articles, clusters and canonicals that changed."""

from __future__ import annotations

from typing import Any

import click
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from dedupe.console import one_line
from dedupe.corpus.output import Output
from dedupe.errors import command

_EXAMPLES = 3
_REMOVED = "articles removed"


def compare(old: Output, new: Output) -> dict[str, Any]:
    """Return what differs between two outputs, with counts and a few examples of each; `same` where nothing does."""
    settings = {
        name: [before.get(name), after.get(name)]
        for before, after in [(old.manifest["settings"], new.manifest["settings"])]
        for name in sorted({*before, *after})
        if before.get(name) != after.get(name)
    }
    columns = ["article_id", "cluster_id", "is_canonical", "text_sha256", "title", "source"]
    a, b = old.table("corpus", columns), new.table("corpus", columns)
    place = pc.index_in(a["article_id"], b["article_id"])
    kept = pc.is_valid(place).to_numpy()
    left, right = a.filter(pa.array(kept)), b.take(place.drop_null())
    added = b.filter(pc.invert(pc.is_in(b["article_id"], a["article_id"].combine_chunks())))
    changes = {
        "articles added": added,
        _REMOVED: a.filter(pa.array(~kept)),
        "texts changed": _where(right, left["text_sha256"], right["text_sha256"]),
        "articles moved to another cluster ID": _where(right, left["cluster_id"], right["cluster_id"]),
        "articles whose companions changed": right.filter(pa.array(_regrouped(left["cluster_id"], right["cluster_id"]))),
        "canonicals changed": _where(right, left["is_canonical"], right["is_canonical"]),
    }
    found = {name: _described(table) for name, table in changes.items() if table.num_rows}
    return {"same": not settings and not found, "settings": settings, "changes": found}


def _where(table: pa.Table, before: pa.ChunkedArray, after: pa.ChunkedArray) -> pa.Table:
    return table.filter(pc.not_equal(before, after))


def _regrouped(before: pa.ChunkedArray, after: pa.ChunkedArray) -> np.ndarray:
    # Two groupings agree on an article where its old and its new cluster hold the same articles, whatever they are called.
    old, new = (column.combine_chunks().dictionary_encode().indices.to_numpy().astype(np.int64) for column in (before, after))
    if not len(old):
        return np.zeros(0, bool)
    _, pair, together = np.unique(old << 32 | new, return_inverse=True, return_counts=True)
    sizes = together[pair]
    regrouped: np.ndarray = (sizes != np.bincount(old)[old]) | (sizes != np.bincount(new)[new])
    return regrouped


def _described(table: pa.Table) -> dict[str, Any]:
    rows = table.slice(0, _EXAMPLES).to_pylist()
    examples = [{"article_id": row["article_id"], "source": row["source"], "title": row["title"]} for row in rows]
    return {"count": table.num_rows, "examples": examples}


def show_difference(found: dict[str, Any], old: Output, new: Output) -> None:
    """Print what differs, a line a topic."""
    if found["same"]:
        click.echo(f"{old.folder} and {new.folder} hold the same articles, texts and clusters.")
        return
    for name, (before, after) in found["settings"].items():
        click.echo(f"setting {name}: {before} → {after}")
    if not found["changes"]:
        click.echo("The articles, texts and clusters are the same.")
        return
    for name, change in found["changes"].items():
        click.echo(f"{name}: {change['count']:,}")
        for example in change["examples"]:
            title = one_line(example["title"] or "")
            click.echo(f"  {example['article_id'][:12]}  {one_line(example['source'])}  {title[:80]}")
        if change["count"] > len(change["examples"]):
            click.echo(f"  and {change['count'] - len(change['examples']):,} more")
    name, change = next(iter(found["changes"].items()))
    where = old if name == _REMOVED else new
    click.echo(f"\nnext: {command('explain', change['examples'][0]['article_id'][:12], '-o', where.folder)}")
