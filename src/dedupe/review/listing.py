"""The command that lists decisions, and takes them from one output to another."""

from __future__ import annotations

import sys
from collections import Counter
from pathlib import Path
from typing import Any, TextIO

import click

from dedupe.console import notice
from dedupe.corpus.output import Output
from dedupe.decisions.facts import Batch
from dedupe.decisions.standing import Apart, Chosen, Conflict, Refused, Standing, Together
from dedupe.decisions.store import Decisions
from dedupe.errors import UsageError, command, unwritable
from dedupe.quantities import amount
from dedupe.write.publish import MANIFEST

_LAST = 10


def open_decisions(output: Path) -> Decisions:
    """Open the decisions beside an output. Raises UsageError where there is neither an output nor a decision."""
    decisions = Decisions.open(output)
    if not decisions.path.exists():
        Output(output)
    return decisions


def list_decisions(decisions: Decisions, output: Path) -> dict[str, Any]:
    """Return the numbers of the decisions, and the last ten, the latest first; and whether the output honours all that stands."""
    batches, standing = decisions.batches(), decisions.standing()
    replaced = _replaced(batches, standing)
    return {
        "decisions": len(batches),
        "standing": sum(batch.standing for batch in batches) - len(replaced),
        "conflicts": len(standing.conflicts),
        "honoured": _honoured(output),
        "people": dict(sorted(Counter(batch.who for batch in batches).items())),
        "last": [_told(batch) | {"replaced": batch.batch_id in replaced} for batch in batches[: -_LAST - 1 : -1]],
    }


def _replaced(batches: list[Batch], standing: Standing) -> set[int]:
    # Those of which nothing holds any more, since the same person said otherwise later. To accept an article that is alone, or
    # to skip, says nothing that another word could replace.
    facts: tuple[Together | Apart | Chosen | Refused, ...]
    facts = (*standing.must_links, *standing.cannot_links, *standing.canonicals, *standing.refused)
    held = {one.by.batch_id for one in facts}
    return {
        batch.batch_id
        for batch in batches
        if batch.standing
        and batch.batch_id not in held
        and batch.facts
        and all(fact.kind != "skipped" and len(fact.articles) > 1 for fact in batch.facts)
    }


def _honoured(output: Path) -> bool:
    from dedupe.stages.deciding import take_decisions

    taken, _ = take_decisions(output, None)
    if not (output / MANIFEST).exists():
        return False
    return bool(Output(output).manifest["input"].get("decisions") == (taken.digest if taken else None))


def _told(batch: Batch) -> dict[str, Any]:
    told = {
        name: getattr(batch, name) for name in ("batch_id", "act", "who", "at", "queue", "note", "bulk", "standing", "undoes")
    }
    return told | {
        "facts": len(batch.facts),
        "articles": len({one for fact in batch.facts for one in fact.articles}),
    }


def list_conflicts(decisions: Decisions) -> list[dict[str, Any]]:
    """Return the conflicts, each with the decisions that contradict each other and what holds meanwhile."""
    return [_conflict(conflict) for conflict in decisions.conflicts()]


def _conflict(conflict: Conflict) -> dict[str, Any]:
    origins = [
        {name: getattr(origin, name) for name in ("batch_id", "act", "who", "at", "queue", "note")} for origin in conflict.origins
    ]
    return {"kind": conflict.kind, "articles": list(conflict.articles), "decisions": origins, "holds": conflict.holds}


def export_decisions(decisions: Decisions, target: str) -> int:
    """Write all decisions as JSON Lines to a file, or to standard output for `-`; return how many."""

    def write(file: TextIO) -> int:
        return sum(bool(file.write(line + "\n")) for line in decisions.export_lines())

    if target == "-":
        return write(sys.stdout)
    try:
        with open(target, "w", encoding="utf-8", newline="\n") as file:
            return write(file)
    except OSError as error:
        raise unwritable(target, error) from None


def import_decisions(decisions: Decisions, source: Path) -> int:
    """Add the decisions of an export; return how many were not there yet. Raises UsageError for a file that is none."""
    try:
        with open(source, encoding="utf-8") as file:
            return decisions.import_lines(file)
    except UnicodeDecodeError:
        raise UsageError(f"{source} is no export of decisions: it is not UTF-8.", "Nothing was imported.") from None
    except OSError as error:
        raise UsageError(f"{source} cannot be read: {error.strerror}.", "Nothing was imported.") from None


def show_decisions(found: dict[str, Any], output: Path) -> None:
    """Print the last decisions, a line each."""
    for one in found["last"]:
        about = f"{amount(one['facts'], 'fact')} on {amount(one['articles'], 'article')}" if one["facts"] else ""
        states = (("in bulk", one["bulk"]), ("taken back", not one["standing"]), ("replaced since", one["replaced"]))
        marks = [mark for mark, holds in states if holds]
        words = [one["act"].replace("_", " "), about, *marks, _plain(one["note"])]
        click.echo(f"{one['batch_id']:>6}  {one['at'][:16].replace('T', ' ')}  {one['who']}: {', '.join(filter(None, words))}")
    if not found["decisions"]:
        click.echo(f"Nobody has decided anything about {output} yet.")
        click.echo(f"\nnext: {command('review', output)}")
        return
    people = ", ".join(f"{who} {count:,}" for who, count in found["people"].items())
    left = amount(found["standing"], "stands", "stand")
    click.echo(f"\n{amount(found['decisions'], 'decision')} ({people}), of which {left}.")
    if found["conflicts"]:
        click.echo(f"next: {command('decisions', output, '--conflicts')}   ({amount(found['conflicts'], 'conflict')})")
    elif found["honoured"]:
        click.echo(f"{output} honours them.\nnext: {command('review', output)}")
    else:
        click.echo("next: run `dedupe clean` again, which honours them")


def show_conflicts(found: list[dict[str, Any]]) -> None:
    """Print which decisions contradict each other, and what holds until that is settled."""
    for one in found:
        said = "; ".join(
            f"{by['who']} on {by['at'][:10]} ({by['act'].replace('_', ' ')}, decision {by['batch_id']})"
            for by in one["decisions"]
        )
        click.echo(f"{' and '.join(article[:12] for article in one['articles'])}\n  {said}\n  {one['holds']}")
    if not found:
        click.echo("No decisions contradict one another.")


def show_moved(count: int, verb: str, where: str) -> None:
    """Say how many decisions were exported or imported, beside the output itself."""
    notice(f"{verb} {amount(count, 'decision')} {where}")


def _plain(text: str) -> str:
    return "".join(char if char.isprintable() else " " for char in text)
