"""What people see: progress and notices on stderr, results on stdout, plain where no terminal is."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import click

from dedupe.errors import command
from dedupe.quantities import amount, duration, size

if TYPE_CHECKING:
    from dedupe.engine.timings import Progress
    from dedupe.summary import Summary

_SHOWN = 6
_COLUMNS = 14


def notice(sentence: str) -> None:
    """Tell something beside the result."""
    click.echo(sentence, err=True)


def compile_first(told: bool = True, ours: bool = True) -> None:
    """Compile the kernels where none are kept yet, and say so, since it looks like a hang; `ours`: the process is ours alone."""
    from dedupe.cache import kernels_compiled

    if kernels_compiled():
        return
    if told:
        notice("Compiling for this machine: this happens once and takes about 20 seconds.")
    if ours:
        from dedupe.engine.libraries import start_libraries

        start_libraries()
    from dedupe.stages.kernels import compile_kernels

    compile_kernels()


def show_json(value: Any) -> None:
    """Print a result as one JSON object, sorted by nothing: the order of the fields is that of their meaning.

    On a terminal whatever prints nothing is escaped: a title may hold what moves the cursor or turns the line round.
    """
    shown = json.dumps(_rounded(value), ensure_ascii=False, indent=2, default=str)
    if sys.stdout.isatty():
        shown = "".join(sign if sign.isprintable() or sign == "\n" else json.dumps(sign)[1:-1] for sign in shown)
    click.echo(shown)


def _rounded(value: Any) -> Any:
    # What is 0.8 in a table of float32 would be 0.800000011920929.
    if isinstance(value, float):
        return round(value, 6)
    if isinstance(value, dict):
        return {name: _rounded(one) for name, one in value.items()}
    return [_rounded(one) for one in value] if isinstance(value, list | tuple) else value


@contextmanager
def progress_shown(quiet: bool) -> Iterator[Progress]:
    """Give a function that shows progress on stderr: a bar in a terminal, a line a stage elsewhere."""
    if quiet:
        from dedupe.engine.timings import silent

        yield silent
        return
    if not sys.stderr.isatty():
        finished: set[str] = set()

        def line(stage: str, done: int, total: int) -> None:
            if done >= total and stage not in finished:
                finished.add(stage)
                notice(f"{stage}: done")

        yield line
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    bar = Progress(
        TextColumn("{task.description:<18}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(),
        console=Console(stderr=True), transient=True,
    )  # fmt: skip
    tasks: dict[str, Any] = {}
    with bar:

        def update(stage: str, done: int, total: int) -> None:
            if stage not in tasks:
                tasks[stage] = bar.add_task(stage, total=total)
            bar.update(tasks[stage], completed=done, total=total)

        yield update


def _ranked(counts: dict[str, int], names: dict[str, str] | None = None) -> str:
    items = list(counts.items())
    shown = ", ".join(f"{(names or {}).get(name, name)} {count:,}" for name, count in items[:_SHOWN])
    return shown + (f" and {len(items) - _SHOWN} more" if len(items) > _SHOWN else "")


def _columns(lines: list[str]) -> Iterator[str]:
    # A line a format: where one is cut, it says so.
    taken: dict[str, list[str]] = {}
    for line in lines:
        kind, _, columns = line.partition(": ")
        taken.setdefault(kind, []).append(columns)
    for kind, found in taken.items():
        more = f" and {len(found) - _COLUMNS:,} more" if len(found) > _COLUMNS else ""
        yield f"{kind}: {', '.join(found[:_COLUMNS])}{more}"


def show_summary(summary: Summary) -> None:
    """Print what a run did, a line a topic."""
    from dedupe.repair.rules import RULES

    rows: list[tuple[str, str]] = [
        ("read", f"{amount(summary.read, 'record')} from {amount(summary.files, 'file')} ({size(summary.bytes)})"),
    ]
    if summary.taken_over:
        known = f"; {summary.known:,} of the input were among them" if summary.known else ""
        rows.append(("taken over", f"{amount(summary.taken_over, 'article')} of the previous output{known}"))
    rows += [("columns", line) for line in _columns(summary.columns)]
    rows += [("warning", f"no column {one_line(asked.partition('=')[2])!r} was seen (--field {one_line(asked)})")
             for asked in summary.unseen]  # fmt: skip
    if summary.events:
        # Whole batches are read: what a sample leaves out of one was counted with the rest of it.
        ahead = " (counted before the sample was cut)" if summary.output is None else ""
        rows.append(("assumed", _ranked({name.replace("_", " "): count for name, count in summary.events.items()}) + ahead))
    if summary.skipped:
        rows.append(("skipped", summary.skipped.removeprefix("Skipped ")))
    rejected = sum(summary.rejects.values())
    kept = " (reasons in rejects.parquet)" if summary.output is not None else ""
    rows.append(("rejected", f"{rejected:,}" + (f": {_ranked(summary.rejects)}{kept}" if rejected else "")))
    if summary.why_rejected:
        rows.append(("such as", summary.why_rejected))
    balance = f"{summary.records:,} = {amount(summary.articles, 'article')} + {amount(rejected, 'reject')}"
    rows.append(("in = out", balance))
    rules = {code: rule.name for code, rule in RULES.items()}
    rows.append(("repaired", amount(summary.edits, "edit") + (f": {_ranked(summary.rules, rules)}" if summary.edits else "")))
    if summary.repeated_lines:
        rows.append(("learned", f"{amount(summary.repeated_lines, 'line')} that a publisher repeats"))
    rows.append(("languages", _ranked(summary.languages) or "none"))
    rows.append(
        (
            "matched",
            f"{amount(summary.candidates, 'candidate')}, a pair counted in each band → {summary.verified:,} computed exactly → "
            + ("with those of the previous output " if summary.taken_over and summary.edges else "")
            + (", ".join(f"{count:,} {name}" for name, count in summary.edges.items()) or "none alike")
            + f" (Jaccard ≥ {summary.threshold:g})",
        )
    )
    if summary.large_buckets:
        rows.append(("buckets", f"{summary.large_buckets:,} too large for all pairs: compared with their preferred articles"))
    rows.append(
        (
            "clusters",
            f"{summary.clusters:,}, of which {summary.clusters_of_several:,} hold several articles"
            f" (largest {summary.largest_cluster:,}); {amount(summary.duplicates, 'duplicate')}",
        )
    )
    if summary.stories:
        told = f"{summary.stories:,}, of {amount(summary.articles_in_stories, 'article')} (largest {summary.largest_story:,})"
        rows.append(("stories", f"{told}; {amount(summary.story_pairs, 'story pair')}"))
    if summary.gone:
        rows.append(
            ("gone", f"{summary.gone:,} of the previous output are not in this one; to add to a corpus, name it by --previous")
        )
    if summary.worker_deaths:
        rows.append(("workers", f"{summary.worker_deaths:,} ended before their work did; it was done again"))
    if summary.unrestored:
        rows.append(
            ("kept spun", f"{amount(summary.unrestored, 'article')}: the worker that was to restore the wording ended each time")
        )
    if summary.reused:
        said = (f"{amount(count, 'article')} ({stage})" for stage, count in summary.reused.items())
        rows.append(("taken over", f"from the run that was cut short: {', '.join(said)}"))
    if any(summary.decisions.values()):
        said = (f"{count:,} {name.replace('_', ' ')}" for name, count in summary.decisions.items() if count)
        rows.append(("decisions", ", ".join(said)))
    slowest = sorted(summary.timings.items(), key=lambda item: -item[1])[:3]
    rows.append(
        ("took", duration(summary.seconds) + " (" + ", ".join(f"{name} {duration(took)}" for name, took in slowest) + ")")
    )
    width = max(len(name) for name, _ in rows)
    for name, value in rows:
        click.echo(f"{name:<{width}}  {one_line(value)}")
    for example in summary.examples:
        rule = RULES.get(example["what"])
        click.echo(f"\n{rule.name if rule else example['what']}  {one_line(example['where'])}")
        click.echo(f"  - {one_line(example['before']) or '(nothing)'}\n  + {one_line(example['after']) or '(nothing)'}")
    if summary.output is None:
        click.echo("\nNothing was written. Run the same command without --sample to write the corpus.")
        return
    singles = summary.articles - summary.duplicates
    click.echo(
        f"\nwrote {summary.output}/corpus.parquet ({amount(summary.articles, 'article')}), canonical.parquet ({singles:,})"
        " and report.html.\n"
        f"next: {command('stats', summary.output)}"
    )


def one_line(text: str) -> str:
    """Return what may stand in a line of a terminal: characters that can be printed, and blanks for the others."""
    # Article text is hostile: a terminal must never be sent its control sequences.
    return "".join(char if char.isprintable() else " " for char in text)
