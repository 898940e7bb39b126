"""Time, peak memory and scratch by the number of articles, and what that says of ten and a hundred million.

Run `python -m benchmarks.scale --articles 10000,100000,1000000`. Articles are generated, of 400 words in the mean. Memory is the
largest sum of PSS over all processes, scratch the largest size of the run's own folder. With `--day 10000` so many new articles
then join each corpus. Options of `dedupe clean` may follow, as `--workers 1`. Exit status 1 where a goal is missed.
"""

from __future__ import annotations

import argparse
import json
import math
import shutil
import sys
import tempfile
import threading
from pathlib import Path
from typing import NamedTuple

from benchmarks import memory
from benchmarks.corpus import make

WORKERS = 2
WORDS = 400.0
# Of a million articles on two cores: seconds, bytes of memory, scratch by the bytes of the input.
GOAL_ARTICLES, GOAL_SECONDS, GOAL_BYTES, GOAL_SCRATCH = 1_000_000, 360.0, 3e9, 2.0
# Of a day's articles that join a million: seconds.
GOAL_DAY, GOAL_DAY_SECONDS = 10_000, 60.0
_EXTRAPOLATED = (10_000_000, 100_000_000)


class Measured(NamedTuple):
    """Hold what one run took: seconds, peak memory and peak scratch in bytes, bytes of its input, seconds by stage."""

    articles: int
    seconds: float
    peak: int
    scratch: int
    input: int
    timings: dict[str, float]


class _Scratch(threading.Thread):
    # Adds up the files of the run's own folder twice a second.
    def __init__(self, output: Path) -> None:
        super().__init__(daemon=True)
        self.runs, self.peak, self.ended = output / ".runs", 0, threading.Event()

    def run(self) -> None:
        while not self.ended.wait(0.5):
            total = 0
            for path in self.runs.glob("*/scratch/**/*"):
                try:
                    total += path.lstat().st_size
                except OSError:
                    continue
            self.peak = max(self.peak, total)


def corpus_of(folder: Path, articles: int, seed: int) -> Path:
    """Return the file of so many articles in a folder, made where it is not there."""
    corpus = folder / f"scale-{seed}-{articles}.jsonl"
    if not corpus.exists():
        made = corpus.with_suffix(".part")
        make(made, articles, seed, words=WORDS)
        made.rename(corpus)
    return corpus


def measure(corpus: Path, output: Path, articles: int, options: list[str]) -> Measured:
    """Clean a corpus once and watch it."""
    watched = _Scratch(output)
    watched.start()
    command = [sys.executable, "-m", "dedupe", "clean", str(corpus), "-o", str(output), "--json", "-q"]
    done = memory.run([*command, "--workers", str(WORKERS), *options], sample=True)
    watched.ended.set()
    if done.status:
        sys.exit(f"dedupe clean: {done.why}")
    timings: dict[str, float] = json.loads(done.stdout)["timings"]
    return Measured(articles, done.seconds, done.peak, watched.peak, corpus.stat().st_size, timings)


def show(one: Measured, what: str) -> None:
    """Print what one run took."""
    stages = ", ".join(f"{stage} {seconds:.1f}" for stage, seconds in one.timings.items() if seconds >= 0.1)
    print(
        f"{one.articles:>11,} articles{what}  {one.seconds:8.1f} s  {one.peak / 1e9:6.2f} GB  scratch"
        f" {one.scratch / one.input:4.2f}x of {one.input / 1e6:,.0f} MB  ({stages})",
        flush=True,
    )


def extrapolate(measured: list[Measured], articles: int) -> tuple[float, float]:
    """Return seconds and bytes of memory for more articles: time as n·log n, memory as a line, both by the two largest runs."""
    large = measured[-1]
    seconds = large.seconds * articles * math.log(articles) / (large.articles * math.log(large.articles))
    if len(measured) < 2:
        return seconds, large.peak * articles / large.articles
    small = measured[-2]
    slope = max(0.0, (large.peak - small.peak) / (large.articles - small.articles))
    return seconds, large.peak + slope * (articles - large.articles)


def main() -> None:
    """Measure from the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--articles", default="10000,100000,1000000", help="numbers of articles, ascending")
    parser.add_argument("--day", type=int, default=0, metavar="ARTICLES", help="new ones that join each corpus")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--folder", type=Path, help="where corpora are made and kept for the next time")
    parser.add_argument("--json", action="store_true")
    given, options = parser.parse_known_args()
    measured: list[Measured] = []
    days: list[Measured] = []
    with tempfile.TemporaryDirectory(prefix="dedupe-scale-") as temporary:
        folder, output = given.folder or Path(temporary), Path(temporary, "output")
        for articles in map(int, given.articles.split(",")):
            shutil.rmtree(output, ignore_errors=True)
            measured.append(measure(corpus_of(folder, articles, given.seed), output, articles, options))
            if not given.json:
                show(measured[-1], "")
            if given.day:
                new = corpus_of(folder, given.day, given.seed + 1)
                days.append(measure(new, output, articles + given.day, ["--previous", str(output), *options]))
                if not given.json:
                    show(days[-1], f", {given.day:,} of them new")
    guesses = {articles: extrapolate(measured, articles) for articles in _EXTRAPOLATED}
    if given.json:
        told = {"measured": [one._asdict() for one in measured], "days": [one._asdict() for one in days]}
        print(json.dumps({**told, "extrapolated": guesses}, indent=1))
    else:
        for articles, (seconds, peak) in guesses.items():
            print(f"{articles:>11,} articles  {seconds / 3600:8.1f} h  {peak / 1e9:6.1f} GB  (extrapolated)")
    judged = [one for one in measured if one.articles == GOAL_ARTICLES]
    missed = [
        name
        for one in judged
        for name, value, most in (
            ("time", one.seconds, GOAL_SECONDS),
            ("memory", one.peak, GOAL_BYTES),
            ("scratch", one.scratch / one.input, GOAL_SCRATCH),
        )
        if value > most
    ]
    joined = [day for day in days if given.day == GOAL_DAY and day.articles - GOAL_DAY == GOAL_ARTICLES]
    missed += ["time of a day" for day in joined if day.seconds > GOAL_DAY_SECONDS]
    if missed:
        print(f"missed at {GOAL_ARTICLES:,}: {', '.join(missed)}", file=sys.stderr)
    sys.exit(1 if missed else 0)


if __name__ == "__main__":
    main()
