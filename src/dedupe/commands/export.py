"""The command that hands an output on in other forms."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click


@click.command(short_help="Write the articles for another program.")
@click.argument("output", type=click.Path(path_type=Path))
@click.argument("target", type=click.Path(path_type=Path))
@click.option("--all", "every", is_flag=True, help="Every article, not the canonical ones only.")
@click.option(
    "--format",
    "form",
    type=click.Choice(["parquet", "jsonl", "csv", "text"]),
    help="Form.  [default: as TARGET is named, or parquet]",
)
@click.option("--by", type=click.Choice(["language", "month"]), help="Parquet in a folder for each language or month.")
@click.option("--columns", metavar="NAME,...", help="These columns only, in this order.  [default: all]")
@click.option("--spreadsheet", is_flag=True, help="CSV for people: disarm cells that a spreadsheet would take for formulas.")
@click.option("--force", is_flag=True, help="Replace a file, or a folder that an export wrote.")
@click.option("--json", "as_json", is_flag=True, help="Print as one JSON object.")
@click.option("-q", "--quiet", is_flag=True, help="Show no progress.")
def export(output: Path, target: Path, form: Any, every: bool, by: Any, columns: str | None, **options: Any) -> None:
    """Write the canonical articles of OUTPUT to TARGET for another program.

    TARGET is a file, compressed where its name ends in .gz or .zst; with --by, or as plain text, a folder.
    """
    from dedupe.console import progress_shown, show_json
    from dedupe.corpus.export import export as carry_out
    from dedupe.corpus.output import Output
    from dedupe.quantities import amount, size
    from dedupe.write.place import is_stream

    with progress_shown(options["quiet"]) as progress:
        done = carry_out(
            Output(output),
            target,
            format=form,
            every=every,
            by=by,
            columns=[name.strip() for name in columns.split(",") if name.strip()] if columns is not None else None,
            spreadsheet=options["spreadsheet"],
            force=options["force"],
            progress=progress,
        )
    if options["as_json"]:
        show_json(done.as_dict())
        return
    files = f" in {amount(done.files, 'file')}" if done.by or done.format == "text" else ""
    # Into a pipe it may be what goes there.
    told = is_stream(target)
    click.echo(f"wrote {amount(done.articles, 'article')}{files} ({size(done.bytes)}) to {done.path}", err=told)
    opened = {
        "parquet": f"pandas.read_parquet({done.path!r})",
        "jsonl": f"pandas.read_json({done.path!r}, lines=True)",
        "csv": f"pandas.read_csv({done.path!r})",
    }
    if done.format in opened and not told:
        click.echo(f"open it in Python: {opened[done.format]}")
    if done.format == "csv" and not options["spreadsheet"]:
        from dedupe.console import notice

        notice("Cells are exact. For a spreadsheet write it with --spreadsheet: article text may begin like a formula.")
