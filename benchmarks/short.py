"""A corpus of short articles in which everything happens that groups them: to ask the same of 100,000 as of a hundred.

Run `python -m benchmarks.short --articles 100000 --seed 1 OUT.jsonl`. Of ten articles three have to do with an earlier one: equal
and near copies, copies of copies, cuts, updates in which a number differs, roundups, reports on one event; and some are forms
filled in. Words are those of `benchmarks.corpus`; 100,000 articles take about ten seconds.
"""

from __future__ import annotations

import argparse
import random
import time
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path

from benchmarks.corpus import Article, vocabulary, write

# Shares of what is not new. Forms are few: 2,000 of them are an update of one another in 300,000 pairs, and take most of a run.
KINDS = {"near": 0.10, "equal": 0.04, "cut": 0.05, "update": 0.04, "report": 0.08, "form": 0.005, "roundup": 0.01}
# How far back an earlier article is taken from.
REACH = 20_000
DAYS = 120
_FORM = (
    "Weather for {place}: the day begins with {sky} and {low} degrees, and in the afternoon up to {high} degrees are expected "
    "along the coast and in the valleys. The wind blows at {wind} miles an hour from the {side}. Sailors are asked to heed the "
    "warnings of the harbour office, and drivers to mind wet leaves on the roads. Tomorrow the high moves on to the {side}, and "
    "the nights stay mild for the season, said the office in {place}."
)
_LINES = ("", "", "Advertisement\n", "Follow {} on Facebook and Twitter\n", "Sign up for the {} newsletter\n")


class _Dice:
    """Draw from a seed; a draw of numpy's costs twenty times as much."""

    def __init__(self, seed: int) -> None:
        self._draw = random.Random(seed).random

    def number(self, low: int, high: int) -> int:
        return low + int(self._draw() * (high - low))

    def one(self, things: list[str]) -> str:
        return things[int(self._draw() * len(things))]

    def some(self, things: list[str], count: int) -> list[str]:
        return [self.one(things) for _ in range(count)]

    def chance(self, share: float) -> bool:
        return self._draw() < share

    def kind(self) -> str:
        left = self._draw()
        for kind, share in KINDS.items():
            left -= share
            if left < 0:
                return kind
        return "new"


def short_articles(count: int, seed: int) -> Iterator[Article]:
    """Yield `count` articles of 60 to 120 words; the first ones are the same whatever `count` is."""
    dice = _Dice(seed)
    words, pool = vocabulary("en")
    common = [words[number] for number in pool[:: 2**6].tolist()]
    rare = words[6_000:18_000]
    names = [" ".join(word.capitalize() for word in dice.some(rare, 2)) for _ in range(4_000)]
    publishers = [f"{dice.one(rare).capitalize()} {kind}" for kind in ("Post", "Times", "Wire", "Herald") * 15]

    def fresh(size: int) -> list[str]:
        taken = dice.some(common, size)
        for at in range(0, size, 13):
            taken[at] = taken[at].capitalize()
        for at in range(12, size, 13):
            taken[at] += "."
        taken[7], taken[19] = str(dice.number(2, 900)), dice.one(names)
        return taken

    def event() -> tuple[list[str], list[str], int]:
        return dice.some(names, 5), dice.some(rare, 14), dice.number(0, DAYS)

    events = [event() for _ in range(200)]
    made: list[Article] = []
    for number in range(count):
        kind = dice.kind() if number > 10 else "new"
        day = dice.number(0, DAYS)
        one, two, three = (made[dice.number(max(0, number - REACH), number)] if number else {} for _ in range(3))
        taken = one.get("text", "").split(" ")
        if kind == "new":
            taken = fresh(dice.number(60, 121))
        elif kind == "near":
            for _ in range(dice.number(1, 4)):
                taken[dice.number(0, len(taken))] = dice.one(common)
        elif kind == "cut":
            taken = taken[: len(taken) * dice.number(65, 95) // 100]
        elif kind == "update":
            taken = [str(dice.number(2, 900)) if word.isdigit() else word for word in taken]
        elif kind == "report":
            told = dice.number(0, len(events))
            cast, deeds, day = events[told]
            day += dice.number(0, 3)
            taken = fresh(66)
            for word in [*dice.some(cast, 4), *dice.some(deeds, 10)]:
                taken[dice.number(0, len(taken))] = f"the {word}"
            if dice.chance(0.3):  # each event is told some three times, then another takes its place
                events[told] = event()
        elif kind == "form":
            low = dice.number(2, 15)
            place, sky, side = dice.one(rare).capitalize(), dice.one(["sun", "rain", "fog"]), dice.one(["north", "south"])
            taken = [_FORM.format(place=place, sky=sky, low=low, high=low + 9, wind=dice.number(3, 40), side=side)]
        elif kind == "roundup":
            taken = ["\n".join((one["text"], two["text"], three["text"]))]
        publisher = dice.one(publishers)
        dated = (date(2024, 1, 1) + timedelta(days=day)).isoformat() if dice.chance(0.9) else ""
        if kind in ("near", "equal", "cut", "update") and dice.chance(0.7):
            dated = one["date"]
        text, title = " ".join(taken), " ".join(fresh(20)[:9])
        made.append({"id": f"s{seed}-{number}", "title": title, "text": text, "source": publisher, "url": "", "date": dated})
        # Each publisher has a line of its own, or none.
        line = _LINES[publishers.index(publisher) % len(_LINES)].format(publisher)
        yield {**made[-1], "text": line + text}


def main() -> None:
    """Make a corpus from the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("out", type=Path, help="where to write: .jsonl or .parquet")
    parser.add_argument("--articles", type=int, default=100_000)
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    started = time.perf_counter()
    given.out.parent.mkdir(parents=True, exist_ok=True)
    written = write(short_articles(given.articles, given.seed), given.out)
    size = given.out.stat().st_size / 1e6
    print(f"{written:,} articles, {size:,.0f} MB in {time.perf_counter() - started:.1f} s: {given.out}")


if __name__ == "__main__":
    main()
