"""Taking articles out of a corpus for good, as a takedown asks: found by ID, source or address."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click
import pyarrow as pa
import pyarrow.compute as pc

from dedupe.cluster.identity import canonical_url, with_equals
from dedupe.console import one_line
from dedupe.corpus.output import Output
from dedupe.errors import UsageError, command
from dedupe.quantities import amount

_SHOWN = 10


def find(output: Output, ids: Sequence[str], sources: Sequence[str], urls: Sequence[str]) -> list[dict[str, Any]]:
    """Return the articles that are meant, and those equal to them in identity and text: their IDs, sources, records and titles.

    `ids`: beginnings of IDs, each of one article. `sources`: paths as the corpus has them. `urls`: addresses, compared in
    canonical form. Raises UsageError for an ID of none or several, and where nothing is found.
    """
    table = output.table("corpus", ["article_id", "source", "record", "title", "url"])
    wanted = pc.is_in(table["article_id"], pa.array([output.resolve(one) for one in ids], pa.string()))
    wanted = pc.or_(wanted, pc.is_in(table["source"], pa.array(list(sources), pa.string())))
    if urls:
        meant = {canonical_url(url) for url in urls}
        there = [url is not None and canonical_url(url) in meant for url in table["url"].to_pylist()]
        wanted = pc.or_(wanted, pa.chunked_array([pa.array(there)]))
    meant_ids = set(table["article_id"].filter(wanted).to_pylist())
    if not meant_ids:
        raise UsageError(
            f"{output.folder} holds no such article.", "IDs, sources and addresses stand in the columns of corpus.parquet."
        )
    equal = pc.is_in(table["article_id"], pa.array(sorted(with_equals(meant_ids, table["article_id"])), pa.string()))
    found: list[dict[str, Any]] = table.filter(equal).drop_columns("url").to_pylist()
    return found


def confirmed(found: list[dict[str, Any]]) -> bool:
    """Show which articles are about to be forgotten, and ask whether they are meant."""
    for row in found[:_SHOWN]:
        click.echo(_line(row), err=True)
    if len(found) > _SHOWN:
        click.echo(f"and {len(found) - _SHOWN:,} more", err=True)
    return click.confirm(f"Forget {amount(len(found), 'article')} for good?", err=True)


def show_forgotten(found: list[dict[str, Any]], output: Path) -> None:
    """Print which articles were forgotten, and what to look at next."""
    for row in found:
        click.echo(_line(row))
    rest = "its ID stays in id_map.parquet, and the input still holds it"
    rest = rest if len(found) == 1 else "their IDs stay in id_map.parquet, and the input still holds them"
    click.echo(f"\n{amount(len(found), 'article')} forgotten; {rest}.")
    click.echo(f"\nnext: {command('inspect', output, '--check')}")


def _line(row: dict[str, Any]) -> str:
    return f"{row['article_id']}  {one_line(row['source'])}:{row['record']}  {one_line(row['title'] or '')[:60]}".rstrip()
