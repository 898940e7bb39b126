"""Time, peak memory and scratch by the number of articles, and what that says of ten and a hundred million.

Run `python -m benchmarks.scale --articles 10000,100000,1000000`. Articles are generated, of 400 words in the mean. Memory is the
largest sum of PSS over all processes, scratch the largest size of the run's own folder. Exit status 1 where a goal is missed.
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
    shutil.rmtree(output, ignore_errors=True)
    watched = _Scratch(output)
    watched.start()
    command = [sys.executable, "-m", "dedupe", "clean", str(corpus), "-o", str(output), "--json", "-q"]
    done = memory.run([*command, "--workers", str(WORKERS), *options], sample=True)
    watched.ended.set()
    if done.status:
        sys.exit(f"dedupe clean: {done.why}")
    timings: dict[str, float] = json.loads(done.stdout)["timings"]
    return Measured(articles, done.seconds, done.peak, watched.peak, corpus.stat().st_size, timings)


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
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--folder", type=Path, help="where corpora are made and kept for the next time")
    parser.add_argument("--json", action="store_true")
    given, options = parser.parse_known_args()
    measured = []
    with tempfile.TemporaryDirectory(prefix="dedupe-scale-") as temporary:
        folder = given.folder or Path(temporary)
        for articles in map(int, given.articles.split(",")):
            corpus = corpus_of(folder, articles, given.seed)
            measured.append(measure(corpus, Path(temporary, "output"), articles, options))
            one = measured[-1]
            if not given.json:
                stages = ", ".join(f"{stage} {seconds:.1f}" for stage, seconds in one.timings.items() if seconds >= 0.1)
                print(
                    f"{articles:>11,} articles  {one.seconds:8.1f} s  {one.peak / 1e9:6.2f} GB  scratch"
                    f" {one.scratch / one.input:4.2f}x of {one.input / 1e6:,.0f} MB  ({stages})",
                    flush=True,
                )
    guesses = {articles: extrapolate(measured, articles) for articles in _EXTRAPOLATED}
    if given.json:
        print(json.dumps({"measured": [one._asdict() for one in measured], "extrapolated": guesses}, indent=1))
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
    if missed:
        print(f"missed at {GOAL_ARTICLES:,}: {', '.join(missed)}", file=sys.stderr)
    sys.exit(1 if missed else 0)


if __name__ == "__main__":
    main()
