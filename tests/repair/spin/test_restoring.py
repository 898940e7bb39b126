"""Floors under what the shipped lexicon and weights restore. The figures that decide leave each article out: benchmarks.spin."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

import pytest

from dedupe.repair.spin.stage import SURENESS, corrections, load_decoder
from dedupe.repair.spin.training import Example, Rewrite, Span, count_outcomes, truths

EXAMPLE = Example(
    "The White Home stays mum on the go to.",
    (Span(10, 14, ("House",), True), Span(15, 20, ("remains",), False), Span(32, 37, ("visit", "trip"), True)),
)


def outcome(*edits: tuple[int, int, str]) -> Counter[str]:
    return count_outcomes(EXAMPLE, [Rewrite(*edit) for edit in edits])


def test_every_alternative_is_a_truth() -> None:
    assert truths(EXAMPLE, 28, 37) == {"the visit", "the trip"}


def test_a_wrong_original_is_touched_but_not_restored() -> None:
    counts = outcome((10, 14, "House"), (32, 37, "journey"))
    assert (counts["hard"], counts["hard touched"], counts["hard restored"], counts["false"]) == (2, 2, 1, 0)


def test_an_edit_over_more_words_restores_its_span() -> None:
    assert outcome((4, 14, "White House"))["hard restored"] == 1
    assert outcome((4, 14, "white cottage"))["hard restored"] == 0


def test_edits_on_words_that_were_not_spun_are_counted() -> None:
    counts = outcome((21, 24, "silent"), (15, 20, "remains"))
    assert (counts["false"], counts["on soft"], counts["soft restored"], counts["edits"]) == (1, 1, 1, 2)


def groups(data: Path) -> dict[str, list[dict[str, object]]]:
    found: dict[str, list[dict[str, object]]] = {}
    for line in (data / "spin-dev.jsonl").read_text(encoding="utf-8").splitlines():
        row = json.loads(line)
        if row["style"].startswith("A"):
            found.setdefault(row["group"], []).append(row)
    return found


@pytest.mark.slow
def test_what_is_restored_does_not_fall(shared_data: Path) -> None:
    total: Counter[str] = Counter()
    for rows in groups(shared_data).values():
        text, spans = "", []
        for row in rows:
            for edit in row["edits"]:  # type: ignore[attr-defined]
                originals = (edit["original"], *edit.get("alt", ()))
                spans.append(Span(edit["start"] + len(text), edit["end"] + len(text), originals, edit["tier"] == "hard"))
            text += f"{row['text']}\n\n"
        made = corrections(text, load_decoder(), SURENESS)
        total.update(count_outcomes(Example(text, tuple(spans)), [Rewrite(c.start, c.end, c.after) for c in made]))
    assert total["hard restored"] >= 0.85 * total["hard"]
    assert total["false"] <= 0.1 * total["edits"]
