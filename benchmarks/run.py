"""All ratios from one run: whole job, signatures, language, encoding, against the floor and peers; peak memory.

Run `python -m benchmarks.run --articles 30000 [--from FILE] [--peers]`. Ratios mean something only within one run on a
quiet machine, so each figure stands beside its reference, taken minutes apart at most and, for the whole job, in turns.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import shutil
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

import pyarrow as pa

from benchmarks import memory
from benchmarks.corpus import make
from dedupe.config import Config
from dedupe.match.bands import Bands, choose_bands
from dedupe.match.signatures import Signer
from dedupe.repair.encoding import repair, screen
from dedupe.repair.language import LanguageIdentifier
from dedupe.repair.ledger import Draft

PEERS = Path(__file__).with_name("peers.py")
WORKERS = 2
PLAIN = ("--no-stories", "--despin", "off")  # what text-dedup and datatrove do, and repair, languages and reasons besides
RATED = 2_000  # articles for rates of one thread; langdetect takes 6 ms each
RATED_LANGDETECT = 200


@dataclass(frozen=True)
class Row:
    """Hold one line of the table: ours and theirs in `unit`, their ratio, its goal, a most (`<=`) or a least (`>=`).

    A note says what the ratio means, or why there is none.
    """

    name: str
    ours: float | None
    theirs: float | None
    unit: str
    ratio: float | None
    limit: str = ""
    goal: float | None = None
    note: str = ""

    @property
    def verdict(self) -> str:
        """Return ok or MISSED, or nothing where there is no goal or no figure."""
        if self.ratio is None or self.goal is None:
            return ""
        return "ok" if (self.ratio <= self.goal if self.limit == "<=" else self.ratio >= self.goal) else "MISSED"


class CommandError(Exception):
    """Say which command failed and what it wrote last."""


class Bench:
    """Hold one corpus, its scratch folder, and how often each timing is repeated."""

    def __init__(self, corpus: Path, scratch: Path, peers_python: str, repeats: int) -> None:
        self.corpus, self.scratch, self.peers_python, self.repeats = corpus, scratch, peers_python, repeats

    def clean(self, sample: bool = False, options: tuple[str, ...] = ()) -> memory.Finished:
        """Run the whole job into an output that is not there yet. Raises CommandError."""
        out = self.scratch / "output"
        shutil.rmtree(out, ignore_errors=True)
        command = [sys.executable, "-m", "dedupe", "clean", str(self.corpus), "-o", str(out), "--json"]
        return self._done(memory.run([*command, "--workers", str(WORKERS), *options], sample=sample), "dedupe clean")

    def floor(self) -> memory.Finished:
        """Convert the same file to Parquet by pyarrow alone. Raises CommandError."""
        out = self.scratch / "floor.parquet"
        return self._done(memory.run([sys.executable, str(PEERS), "floor", str(self.corpus), str(out)]), "the floor")

    def peer(self, *arguments: str) -> memory.Finished | str:
        """Run a peer by its own Python; where it cannot run, return why, since a missing peer is no fault of ours."""
        finished = memory.run([self.peers_python, str(PEERS), *arguments], cwd=self.scratch)
        return finished.why if finished.status else finished

    @staticmethod
    def _done(finished: memory.Finished, name: str) -> memory.Finished:
        if finished.status:
            raise CommandError(f"{name}: {finished.why}")
        return finished

    def rows(self, peers: bool, fires_goal: bool) -> Iterator[Row]:
        """Measure everything, one row after the other."""
        # Sampling disturbs timing, so the peak has a run of its own, which also compiles kernels and warms caches.
        peak = self.clean(sample=True).peak
        yield Row("peak memory (PSS, all processes)", peak / 1e6, None, "MB", peak / 1e9, "<=", 1.5, "ratio in GB")
        self.floor()
        ours: list[float] = []
        theirs: list[float] = []
        plain: list[float] = []
        for _ in range(self.repeats):
            theirs.append(self.floor().seconds)
            ours.append(self.clean().seconds)
            plain.append(self.clean(options=PLAIN).seconds)
        for what, taken, goal in (("all on", ours, 3), ("no stories, no de-spinning", plain, 4)):
            for name, pick in (("best", min), ("median", statistics.median)):
                yield Row(
                    f"whole job, {what} ({name} of {self.repeats})",
                    pick(taken), pick(theirs), "s", pick(taken) / pick(theirs), "<=", goal, "times the floor",
                )  # fmt: skip
        bands = default_bands()
        if peers:
            yield from self._whole_peers(min(ours), bands)
        yield from self._rates(bands.num_perm, fires_goal)

    def _whole_peers(self, ours: float, bands: Bands) -> Iterator[Row]:
        # datatrove gives each worker files of its own; the split is not on its clock.
        shards = self.scratch / "shards"
        shards.mkdir(exist_ok=True)
        with ExitStack() as stack, self.corpus.open("rb") as lines:
            files = [stack.enter_context((shards / f"{worker}.jsonl").open("wb")) for worker in range(WORKERS)]
            for number, line in enumerate(lines):
                files[number % WORKERS].write(line)
        for name, source in (("text-dedup", self.corpus), ("datatrove", shards)):
            work = self.scratch / name
            done = self.peer(name, str(source), str(work), str(bands.number), str(bands.rows), str(WORKERS))
            theirs = done if isinstance(done, str) else done.seconds
            yield _compared(f"whole job against {name}'s MinHash", ours, theirs, "s", None)
            shutil.rmtree(work, ignore_errors=True)

    def _rates(self, num_perm: int, fires_goal: bool) -> Iterator[Row]:
        texts = first_texts(self.corpus, RATED)
        with one_core():
            rates = {name: rate(work, texts) for name, work in product(num_perm).items()}
            fires = screen_share(texts)
        for library, part, goal in (
            ("rensa", "signatures", 10.0),
            ("datasketch", "signatures", 25.0),
            ("langdetect", "language", 50.0),
            ("ftfy", "encoding", None),
        ):
            count = RATED_LANGDETECT if library == "langdetect" else RATED
            done = self.peer("rate", library, str(self.corpus), str(count), str(num_perm))
            theirs = done if isinstance(done, str) else float(json.loads(done.stdout)["per_second"])
            yield _compared(f"{part} against {library}, one thread", rates[part], theirs, "articles/s", goal)
        most = 2.0 if fires_goal else None
        yield Row("encoding screen fires", fires * 100, None, "% of articles", fires * 100, "<=", most, "ratio in %")


def _compared(name: str, ours: float, theirs: float | str, unit: str, goal: float | None) -> Row:
    if isinstance(theirs, str):
        return Row(name, ours, None, unit, None, ">=", goal, f"not measured: {theirs}")
    return Row(name, ours, theirs, unit, theirs / ours if unit == "s" else ours / theirs, ">=", goal, "times as fast")


@contextmanager
def one_core() -> Iterator[None]:
    """Keep this process on one core, as the peers are kept, so that one thread stands against one."""
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {min(before)})
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


def default_bands() -> Bands:
    """Return the bands that the product chooses by default; the peers get the same."""
    return choose_bands(Config().threshold, Config().recall)


def product(num_perm: int) -> dict[str, Callable[[pa.Array], object]]:
    """Return the product's own work on a column of texts: signatures, language, and encoding with screen and repair."""

    def mend(texts: pa.Array) -> None:
        for row in screen(texts).nonzero()[0].tolist():
            repair(Draft(texts[row].as_py()))

    return {"signatures": Signer(num_perm).sign, "language": LanguageIdentifier().identify, "encoding": mend}


def screen_share(texts: pa.Array) -> float:
    """Return the share of the texts that the encoding screen sends to the slow repair."""
    return float(screen(texts).mean())


def rate(work: Callable[[pa.Array], object], texts: pa.Array) -> float:
    """Return articles a second of CPU time, as the peers are measured, best of five after one that compiles and loads."""
    work(texts)
    best = 0.0
    for _ in range(5):
        started = time.process_time()
        work(texts)
        best = max(best, len(texts) / (time.process_time() - started))
    return best


def first_texts(corpus: Path, count: int) -> pa.Array:
    """Return the texts of the first articles of a JSON Lines file."""
    with corpus.open(encoding="utf-8") as lines:
        return pa.array([json.loads(line)["text"] for _, line in zip(range(count), lines, strict=False)], pa.string())


def print_row(row: Row) -> None:
    """Print one line of the table as soon as it is known, since the whole takes minutes."""
    figures = [f"{value:,.4g}" if value is not None else "-" for value in (row.ours, row.theirs, row.ratio)]
    goal = f"{row.limit} {row.goal:g}" if row.goal is not None else ""
    left = f"{row.name:<48} {figures[0]:>9} {figures[1]:>9} {row.unit:<14} {figures[2]:>8}"
    print(f"{left} {goal:>8} {row.verdict:<7} {row.note}", flush=True)


def main() -> None:
    """Measure from the command line; exit status 1 where a goal is missed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--articles", type=int, default=30_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--from", type=Path, dest="model", help="file of articles whose copies to measure on")
    parser.add_argument("--peers", action="store_true", help="run text-dedup and datatrove on the whole corpus too")
    parser.add_argument("--peers-python", default=sys.executable, help="Python of the environment that holds the peers")
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    rows = []
    with tempfile.TemporaryDirectory(prefix="dedupe-bench-") as folder:
        corpus = Path(folder, "corpus.jsonl")
        make(corpus, given.articles, given.seed, given.model)
        facts = {
            "articles": given.articles,
            "megabytes": round(corpus.stat().st_size / 1e6),
            "cores": len(os.sched_getaffinity(0)),
            "python": platform.python_version(),
            "pyarrow": pa.__version__,
        }
        if not given.json:
            print(", ".join(f"{name} {value}" for name, value in facts.items()))
            print(f"{'':<48} {'ours':>9} {'theirs':>9} {'':<14} {'ratio':>8} {'goal':>8}")
        bench = Bench(corpus, Path(folder), given.peers_python, given.repeats)
        try:
            for row in bench.rows(given.peers, fires_goal=given.model is not None):
                rows.append(row)
                if not given.json:
                    print_row(row)
        except CommandError as error:
            sys.exit(str(error))
    if given.json:
        print(json.dumps({**facts, "rows": [{**asdict(row), "verdict": row.verdict} for row in rows]}, indent=1))
    sys.exit(1 if any(row.verdict == "MISSED" for row in rows) else 0)


if __name__ == "__main__":
    main()
