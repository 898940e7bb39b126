"""The command line: parse, call, hand over. What a command does lives in the module that it imports when it runs."""

from __future__ import annotations

import atexit
import io
import os
import sys
from pathlib import Path
from typing import Any

import click

from dedupe import __version__
from dedupe.commands.export import export
from dedupe.commands.people import decisions, forget, review
from dedupe.commands.setup import completion, doctor, init
from dedupe.console import one_line
from dedupe.errors import ConditionError, DedupeError, UsageError
from dedupe.quantities import amount

_CONTEXT = {"help_option_names": ["-h", "--help"], "max_content_width": 110}


@click.group(context_settings=_CONTEXT)
@click.version_option(__version__, prog_name="dedupe")
def cli() -> None:
    """Turn a heap of scraped news into a corpus one can trust.

    Start with: dedupe clean FOLDER
    """


def _pairs(_: click.Context, __: click.Parameter, values: tuple[str, ...]) -> dict[str, str]:
    wrong = [value for value in values if not all(part.strip() for part in value.partition("=")[::2])]
    if wrong:
        raise UsageError(f"--field {wrong[0]} names no column.", "Write it as --field text=body: ours, then yours.")
    given: dict[str, str] = {}
    for name, column in ((part.strip() for part in value.split("=", 1)) for value in values):
        if name in given:
            raise UsageError(f"--field names two columns for {name}: {given[name]} and {column}.", "Give one of them.")
        given[name] = column
    return given


@cli.command(short_help="Repair and deduplicate articles into a Parquet corpus.")
@click.argument("paths", nargs=-1, required=True, metavar="PATH...")
@click.option("-o", "--output", default="output", show_default=True, help="Folder for the corpus; replaced whole at the end.")
@click.option("--config", "config_file", type=click.Path(path_type=Path), help="Settings in TOML; options given here win.")
@click.option("--field", "fields", multiple=True, callback=_pairs, metavar="OURS=YOURS", help="Take a column as ours: text=body.")
@click.option("--html", type=click.Choice(["best", "fast"]), help="How to find the article in a page.  [default: best]")
@click.option("--max-article-bytes", type=int, help="Reject longer articles.  [default: 10000000]")
@click.option(
    "--no-rule", "no_rules", multiple=True, metavar="RULE", help="Switch a cleaning rule off: picture-credits, or its code R109."
)
@click.option("--no-clean", is_flag=True, help="Repair nothing.")
@click.option(
    "--despin", type=click.Choice(["fix", "flag", "off"]), help="Spun articles: restore, only score, or ignore.  [default: fix]"
)
@click.option("--threshold", type=float, help="Jaccard similarity from which two articles are near-duplicates.  [default: 0.5]")
@click.option("--recall", type=float, help="Share of the pairs at the threshold to find.  [default: 0.995]")
@click.option("--exact-only", is_flag=True, help="Match equal texts only.")
@click.option("--no-stories", is_flag=True, help="Do not look for stories: different articles on one event.")
@click.option("--seed", type=int, help="Seed of the permutations.  [default: 1]")
@click.option(
    "--engine", type=click.Choice(["local", "spark"]), default="local", help="Where the work is done.  [default: local]"
)
@click.option("--workers", type=int, help="Worker processes.  [default: one a core]")
@click.option("--memory", metavar="SIZE", help="Memory to get by with: 3GB.  [default: half of what there is]")
@click.option(
    "--previous", type=click.Path(path_type=Path), help="Output that hands on its IDs; if it is -o itself, articles join it."
)
@click.option("--relearn", is_flag=True, help="With --previous: learn repeated lines anew, and read all the input.")
@click.option("--fresh", is_flag=True, help="Give new cluster IDs, whatever output is in place.")
@click.option("--sample", type=click.IntRange(min=1), metavar="N", help="Show what N records would give, and write nothing.")
@click.option("--json", "as_json", is_flag=True, help="Print the summary as one JSON object.")
@click.option("-q", "--quiet", is_flag=True, help="Show no progress.")
def clean(paths: tuple[str, ...], output: str, config_file: Path | None, **options: Any) -> None:
    """Repair and deduplicate articles into a canonical Parquet corpus.

    PATH is a file, a folder, a pattern, or - for standard input: text, Markdown, HTML, JSON, JSON Lines, CSV, TSV, Parquet,
    Arrow, WARC, each also compressed.
    """
    from dedupe.console import compile_first, progress_shown, show_json, show_summary
    from dedupe.engine import memory
    from dedupe.engine.libraries import start_libraries
    from dedupe.engine.local import Pool, useful_workers
    from dedupe.settings import check_output, check_previous, load_settings

    check_output(output)
    check_previous(options["previous"], options["fresh"], options["relearn"])
    if options["sample"] and (options["previous"] or options["fresh"]):
        raise UsageError("--sample shows the texts alone, and takes no IDs over.", "Leave --previous and --fresh out.")
    given = {name: options[name] for name in ("html", "max_article_bytes", "despin", "threshold", "recall", "seed")}
    settings: dict[str, Any] = {name: value for name, value in given.items() if value is not None}
    settings |= {"fields": options["fields"]} if options["fields"] else {}
    settings |= {"no_rules": options["no_rules"]} if options["no_rules"] else {}
    settings |= {"clean": False} if options["no_clean"] else {}
    settings |= {"exact_only": True} if options["exact_only"] else {}
    settings |= {"stories": False} if options["no_stories"] else {}
    config = load_settings(config_file, settings)

    if options["engine"] == "spark":
        if options["sample"]:
            raise UsageError("--sample shows a few records and needs no Spark.", "Leave --engine spark out.")
        from dedupe.spark.paths import clean_paths

        carried = {name: options[name] for name in ("workers", "fresh", "previous", "relearn")}
        with progress_shown(options["quiet"]) as progress:
            summary = clean_paths(paths, output, config, progress=progress, **carried)
        show_json(summary.as_dict()) if options["as_json"] else show_summary(summary)
        return
    given_memory = (memory.total() or 0) // 2 or None
    if options["memory"]:
        given_memory = memory.parse(options["memory"])
        memory.check_least(given_memory)
    compile_first()
    # Workers start first: they import what they need while this process imports the same.
    workers = 1 if options["sample"] else useful_workers(paths, options["workers"])
    if given_memory is not None and workers > 1:
        workers = memory.fitting_workers(given_memory, workers)
    with Pool(workers, "dedupe.stages.warmed", given_memory) as pool:
        start_libraries()
        from dedupe import job

        if options["sample"]:
            with progress_shown(options["quiet"]) as progress:
                summary = job.sample(paths, config, limit=options["sample"], progress=progress)
        else:
            with progress_shown(options["quiet"]) as progress:
                summary = job.clean(
                    paths,
                    output,
                    config,
                    workers=pool,
                    fresh=options["fresh"],
                    previous=options["previous"],
                    relearn=options["relearn"],
                    progress=progress,
                )
    if options["as_json"]:
        show_json(summary.as_dict())
    else:
        show_summary(summary)


@cli.command(short_help="Show what an output holds, in numbers.")
@click.argument("output", type=click.Path(path_type=Path), default="output")
@click.option("--json", "as_json", is_flag=True, help="Print as one JSON object.")
def stats(output: Path, as_json: bool) -> None:
    """Show what an output holds: articles, clusters, languages, publishers, repairs."""
    from dedupe.console import show_json
    from dedupe.corpus.inspect import show_stats, statistics

    found = statistics(output)
    if as_json:
        show_json(found)
    else:
        show_stats(found, output)


@cli.command(short_help="Write the report of an output again.")
@click.argument("output", type=click.Path(path_type=Path), default="output")
@click.option("-o", "--to", "path", type=click.Path(path_type=Path), help="File to write.  [default: report.html of the output]")
@click.option("--json", "as_json", is_flag=True, help="Print the figures as one JSON object, and write nothing.")
def report(output: Path, path: Path | None, as_json: bool) -> None:
    """Write the report of an output again: one HTML file to look at and to send."""
    from dedupe.console import show_json
    from dedupe.corpus.output import Output
    from dedupe.report.figures import figures
    from dedupe.report.page import write_report
    from dedupe.write.place import is_stream

    opened = Output(output)
    found = figures(output, opened.manifest)
    if as_json:
        show_json(found)
    else:
        written = write_report(output, found, path)
        click.echo(f"wrote {written}", err=is_stream(written))  # into a pipe it may be the report that goes there


@cli.command(short_help="Show the tables of an output, and check them.")
@click.argument("output", type=click.Path(path_type=Path), default="output")
@click.option("--check", is_flag=True, help="Check schemas, counts, IDs, references and hashes; exit 1 where one is wrong.")
@click.option("--json", "as_json", is_flag=True, help="Print as one JSON object.")
def inspect(output: Path, check: bool, as_json: bool) -> None:
    """Show the tables of an output, and check that they hold together."""
    from dedupe.console import show_json
    from dedupe.corpus.inspect import advice, check_output, describe, show_tables

    tables = describe(output, readable=check)
    problems = check_output(output) if check else None
    if as_json:
        show_json({"tables": tables, **({} if problems is None else {"problems": problems})})
    else:
        show_tables(tables, problems, output)
    if problems:
        raise ConditionError(f"{amount(len(problems), 'check')} failed.", advice(problems, output))


@cli.command(short_help="Compare two outputs.")
@click.argument("old", type=click.Path(path_type=Path))
@click.argument("new", type=click.Path(path_type=Path))
@click.option("--json", "as_json", is_flag=True, help="Print as one JSON object.")
def diff(old: Path, new: Path, as_json: bool) -> None:
    """Compare two outputs: settings, then articles, clusters and canonicals; exit 1 where they differ."""
    from dedupe.console import show_json
    from dedupe.corpus.diff import compare, show_difference
    from dedupe.corpus.output import Output

    before, after = Output(old), Output(new)
    found = compare(before, after)
    if as_json:
        show_json(found)
    else:
        show_difference(found, before, after)
    if not found["same"]:
        sys.exit(1)


@cli.command(short_help="Say why an article is in its cluster, or two are not.")
@click.argument("ids", nargs=-1, required=True, metavar="ID [ID]")
@click.option(
    "-o", "--output", type=click.Path(path_type=Path), default="output", show_default=True, help="The output to look into."
)
@click.option("--json", "as_json", is_flag=True, help="Print as one JSON object.")
def explain(ids: tuple[str, ...], output: Path, as_json: bool) -> None:
    """Say what was repaired in an article and why it is in its cluster; of two articles, why they are together or not.

    ID is an article_id or its beginning; a cluster_id stands for its canonical article.
    """
    from dedupe.console import show_json
    from dedupe.corpus.explain import explain_article, explain_pair, show_article, show_pair
    from dedupe.corpus.output import Output

    if len(ids) > 2:
        raise UsageError(f"{len(ids)} IDs were given.", "Give one article, or two to compare.")
    opened = Output(output)
    whole = [opened.resolve(given, clusters=True) for given in ids]
    if len(whole) == 2:
        pair = explain_pair(opened, *whole)
        show_json(pair) if as_json else show_pair(pair)
    else:
        article = explain_article(opened, whole[0])
        show_json(article) if as_json else show_article(article, opened)


@cli.command(short_help="Tell what new articles are to an existing corpus.")
@click.argument("paths", nargs=-1, required=True, metavar="FILE...")
@click.option(
    "--in", "output", type=click.Path(path_type=Path), default="output", show_default=True, help="The corpus to look in."
)
@click.option("--json", "as_json", is_flag=True, help="Print as a JSON array.")
@click.option("-q", "--quiet", is_flag=True, help="Show no progress.")
def match(paths: tuple[str, ...], output: Path, as_json: bool, quiet: bool) -> None:
    """Tell what new articles are to an existing corpus, without running it again."""
    from dedupe.engine.libraries import start_libraries

    start_libraries()
    from dedupe.console import compile_first, progress_shown, show_json
    from dedupe.corpus.output import Output
    from dedupe.engine.local import beside
    from dedupe.write.index import read_index

    opened = Output(output)
    with beside(read_index, opened.folder, opened.manifest) as index:
        compile_first()
        from dedupe.corpus.lookup import Lookup, match_files, show_matches

        lookup = Lookup(opened, index.result())
    with progress_shown(quiet) as progress:
        results = match_files(lookup, paths, progress)
    show_json(results) if as_json else show_matches(results, opened)


for command in (review, decisions, forget, export, doctor, init, completion):
    cli.add_command(command)


# What a shell says of a command whose reader has gone before it had written all: 128 and the number of the signal.
_READER_GONE = 141


def main() -> None:
    """Run the command line and exit with its status: 0 done, 1 a condition holds, 2 wrong use, 3 failed, 130 interrupted."""
    for stream in (sys.stdout, sys.stderr):
        # A path that is no Unicode, or a terminal that knows few characters, is no reason to lose what is told.
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    out = sys.stdout
    try:
        cli.main(standalone_mode=False)
    except click.exceptions.Abort:
        click.echo("Interrupted. Run the same command again.", err=True)
        sys.exit(130)
    except KeyboardInterrupt:
        click.echo("Interrupted. Run the same command again.", err=True)
        sys.exit(130)
    except click.ClickException as error:
        error.show()
        sys.exit(2)
    except DedupeError as error:
        # Names of files stand in both, and whoever names files writes to this terminal.
        click.echo(f"dedupe: {one_line(error.sentence)}", err=True)
        if error.hint:
            click.echo("\n".join(f"  {one_line(line)}" for line in error.hint.split("\n")), err=True)
        sys.exit(error.exit_status)
    except SystemExit:
        # Where the reader of our output has gone (`| head`) click puts another stream in its place and ends with 1, which is said
        # of conditions that hold.
        if sys.stdout is not out:
            sys.exit(_READER_GONE)
        raise
    except BrokenPipeError:
        sys.stderr.close()
        sys.exit(_READER_GONE)
    except OSError as error:
        if error.errno is None:
            _end_unreadable(error)
        where = f" ({error.filename})" if error.filename else ""
        click.echo(
            f"dedupe: {error.strerror or error}{where}.\n  Nothing was published; mend this and run the same command again.",
            err=True,
        )
        sys.exit(3)
    except MemoryError:
        click.echo(
            "dedupe: memory ran out.\n  Run the same command with --workers 1, or on a machine with more memory.", err=True
        )
        sys.exit(3)
    except Exception as error:
        if not type(error).__module__.startswith("pyarrow"):
            raise
        _end_unreadable(error)


def _end_unreadable(error: Exception) -> None:
    # What Arrow says of a table that is damaged, and nobody has put better.
    said = "".join(char if char.isprintable() else " " for char in str(error).partition("\n")[0])
    click.echo(
        f"dedupe: a file cannot be read: {said.strip().rstrip('.')}.\n"
        "  Of an output, `dedupe inspect OUTPUT --check` tells what is damaged, and `dedupe clean` makes it again.",
        err=True,
    )
    sys.exit(3)


def run() -> None:
    """Run the command line as a process of its own: as `main`, but leave without taking the interpreter apart.

    To take numba's compiled code apart costs 0.5 s of each run, and gives nothing back that the system would not take.
    """
    main()
    if "numba" in sys.modules:
        atexit._run_exitfuncs()
        try:
            for stream in filter(None, (sys.stdout, sys.stderr)):  # a stream that was closed before we began is none
                stream.flush()
        except BrokenPipeError:
            os._exit(_READER_GONE)
        os._exit(0)
