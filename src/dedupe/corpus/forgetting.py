"""Taking articles out of a corpus for good, as a takedown asks: found by ID, source or address."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click
import pyarrow as pa
import pyarrow.compute as pc

from dedupe import job
from dedupe.cluster.identity import canonical_url
from dedupe.console import one_line
from dedupe.corpus.output import Output
from dedupe.engine.local import Pool
from dedupe.engine.timings import Progress, silent
from dedupe.errors import ConditionError, command
from dedupe.quantities import amount


def find(output: Output, ids: Sequence[str], sources: Sequence[str], urls: Sequence[str]) -> list[dict[str, Any]]:
    """Return the articles that are meant: their IDs, sources, records and titles.

    `ids`: beginnings of IDs, each of one article. `sources`: paths as the corpus has them. `urls`: addresses, compared in
    canonical form. Raises UsageError for an ID of none or several, ConditionError where nothing is found.
    """
    table = output.table("corpus", ["article_id", "source", "record", "title", "url"])
    wanted = pc.is_in(table["article_id"], pa.array([output.resolve(one) for one in ids], pa.string()))
    wanted = pc.or_(wanted, pc.is_in(table["source"], pa.array(list(sources), pa.string())))
    if urls:
        meant = {canonical_url(url) for url in urls}
        there = [url is not None and canonical_url(url) in meant for url in table["url"].to_pylist()]
        wanted = pc.or_(wanted, pa.chunked_array([pa.array(there)]))
    found: list[dict[str, Any]] = table.filter(wanted).drop_columns("url").to_pylist()
    if not found:
        raise ConditionError(
            f"{output.folder} holds no such article.", "IDs, sources and addresses stand in the columns of corpus.parquet."
        )
    return found


def forget(
    output: Path,
    ids: Sequence[str] = (),
    sources: Sequence[str] = (),
    urls: Sequence[str] = (),
    *,
    workers: int | Pool | None = None,
    progress: Progress = silent,
) -> list[dict[str, Any]]:
    """Take these articles out of an output, and return them: see `find` for what names them, `job.forget` for what happens."""
    found = find(Output(output), ids, sources, urls)
    job.forget(output, {row["article_id"] for row in found}, workers=workers, progress=progress)
    return found


def show_forgotten(found: list[dict[str, Any]], output: Path) -> None:
    """Print which articles were forgotten, and what to look at next."""
    for row in found:
        click.echo(f"{row['article_id']}  {one_line(row['source'])}:{row['record']}")
    click.echo(f"\n{amount(len(found), 'article')} forgotten; their IDs stay in id_map.parquet. The input still holds them.")
    click.echo(f"\nnext: {command('inspect', output, '--check')}")
