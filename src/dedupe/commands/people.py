"""The commands by which people have their say: review, decisions, and takedowns."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from dedupe.errors import ConditionError, UsageError, command
from dedupe.quantities import amount


@click.command(short_help="Look at the clusters, and decide about them.")
@click.argument("output", type=click.Path(path_type=Path), default="output")
@click.option("--port", type=click.IntRange(1, 65535), help="Port to serve on.  [default: 8765, or a free one]")
@click.option("--no-browser", is_flag=True, help="Open no browser; only print the address.")
@click.option("--who", help="Name to keep your decisions under.  [default: your account's]")
def review(output: Path, port: int | None, no_browser: bool, who: str | None) -> None:
    """Look at the clusters of an output and decide about them, on a page that this machine alone can open.

    Decisions are kept beside the output, and every later run honours them. Ctrl-C ends it.
    """
    from dedupe.review.server import serve

    serve(output, port=port, browser=not no_browser, who=who)


@click.command(short_help="List what people decided, and move it elsewhere.")
@click.argument("output", type=click.Path(path_type=Path), default="output")
@click.option("--conflicts", is_flag=True, help="List decisions that contradict one another; exit 1 where there are any.")
@click.option(
    "--export",
    "target",
    metavar="FILE",
    help="Write all decisions as JSON Lines; - prints them, in place of --json.",
)
@click.option("--import", "source", type=click.Path(path_type=Path), metavar="FILE", help="Add the decisions of an export.")
@click.option("--json", "as_json", is_flag=True, help="Print as JSON: a list of decisions or conflicts, or what was moved.")
def decisions(output: Path, conflicts: bool, target: str | None, source: Path | None, as_json: bool) -> None:
    """List what people decided about an output, and take it from one output to another."""
    from dedupe.console import show_json
    from dedupe.review import listing

    if sum((conflicts, target is not None, source is not None)) > 1:
        raise UsageError("--conflicts, --export and --import are three commands.", "Give one of them.")
    opened = listing.open_decisions(output)
    if target is not None or source is not None:
        moved = listing.import_decisions(opened, source) if source is not None else listing.export_decisions(opened, target or "")
        if as_json and target != "-":
            show_json({"exported" if target else "imported": moved})
        else:
            listing.show_moved(moved, "exported" if target else "imported", f"{'to' if target else 'from'} {target or source}.")
    elif conflicts:
        found = listing.list_conflicts(opened)
        show_json(found) if as_json else listing.show_conflicts(found)
        if found:
            raise ConditionError(
                f"{amount(len(found), 'conflict is', 'conflicts are')} not settled.",
                f"Take one of each back in: {command('review', output)}",
            )
    else:
        listed = listing.list_decisions(opened, output)
        show_json(listed) if as_json else listing.show_decisions(listed, output)


@click.command(short_help="Take articles out of a corpus for good.")
@click.argument("output", type=click.Path(path_type=Path))
@click.option("--id", "ids", multiple=True, metavar="ID", help="An article, by its ID or the beginning of it.")
@click.option("--source", "sources", multiple=True, metavar="PATH", help="All articles of a file, by its path in the corpus.")
@click.option("--url", "urls", multiple=True, metavar="URL", help="The articles at an address.")
@click.option("--yes", is_flag=True, help="Do not ask; where no terminal is, nobody is asked anyway.")
@click.option("--json", "as_json", is_flag=True, help="Print what was forgotten as a JSON array.")
@click.option("-q", "--quiet", is_flag=True, help="Show no progress.")
def forget(
    output: Path, ids: tuple[str, ...], sources: tuple[str, ...], urls: tuple[str, ...], yes: bool, as_json: bool, quiet: bool
) -> None:
    """Take articles out of a corpus for good, as a takedown asks.

    They go from every table, the index, the report and the decisions. A tombstone of each ID stays, so that later runs reject the
    article when they read it again; articles equal in identity and text go together. In a terminal they are shown first, and you
    are asked; exit 1 where you say no.
    """
    if not (ids or sources or urls):
        raise UsageError("Nothing to forget was named.", "Give --id, --source or --url.")
    from dedupe.console import progress_shown, show_json
    from dedupe.engine.libraries import start_libraries
    from dedupe.engine.local import Pool

    start_libraries()
    from dedupe import job
    from dedupe.corpus.forgetting import confirmed, find, show_forgotten
    from dedupe.corpus.output import Output

    found = find(Output(output), ids, sources, urls)
    if not yes and sys.stdin.isatty() and sys.stderr.isatty() and not confirmed(found):
        raise ConditionError("Nothing was forgotten.")
    with Pool(1) as pool, progress_shown(quiet) as progress:
        job.forget(output, {row["article_id"] for row in found}, workers=pool, progress=progress)
    show_json(found) if as_json else show_forgotten(found, output)
