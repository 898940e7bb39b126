"""Recall and precision of the matching, on clusters of copies whose exact similarity is known by brute force.

Run `python -m benchmarks.matching` for the figures at one threshold, `--sweep` for thresholds from 0.3 to 0.9,
`--generate DIR` to write the articles and the true pairs only. The truth owes nothing to the product: plain Python sets
of word shingles.
"""

from __future__ import annotations

import argparse
import itertools
import json
import os
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq

from benchmarks.corpus import jaccard, vocabulary, word_shingles

# How many clusters of each size every step of 0.05 of Jaccard gets: some 660 pairs a step, no size ruling the sum.
CLUSTERS = {2: 100, 3: 30, 5: 10, 8: 4, 12: 2, 20: 1}
LARGE = 50  # one such cluster of 1,225 pairs in every third step
STEPS = np.arange(0.275, 1.0, 0.05)
LOWEST = 0.3
DEFAULT_THRESHOLD = 0.5
RECALL_GOAL = 0.99
PLANTED = Path("../shared/data/planted-copies.parquet")

Paragraphs = list[list[str]]
Pair = tuple[str, str]


@dataclass(frozen=True)
class Truth:
    """Hold the generated articles by ID, and the exact Jaccard of every pair from 0.3 up, the smaller ID first."""

    texts: dict[str, str]
    pairs: dict[Pair, float]


class Generator:
    """Make articles of plain ASCII words, so that no question of folding blurs the truth, and edited copies of them."""

    def __init__(self, seed: int) -> None:
        words, pool = vocabulary("en")
        self._words, self._pool = np.array(words, dtype=object), pool
        self._rng = np.random.default_rng([seed, 23])

    def article(self) -> Paragraphs:
        """Return an article of 120 to 1,500 words, 350 in the middle, in paragraphs of 20 to 70."""
        length = int(np.clip(self._rng.lognormal(np.log(350), 0.5), 120, 1500))
        made: Paragraphs = []
        while length > 0:
            made.append(self._paragraph(min(length, int(self._rng.integers(20, 71)))))
            length -= len(made[-1])
        return made

    def _paragraph(self, count: int) -> list[str]:
        chosen: list[str] = self._words[self._pool[self._rng.integers(0, len(self._pool), count)]].tolist()
        return chosen

    def copy(self, original: Paragraphs, target: float) -> Paragraphs:
        """Return an edited copy which, against another copy made so, has about the Jaccard asked for.

        How far each kind of edit goes is drawn for each copy: words changed, a stretch cut at one end or in the middle,
        paragraphs inserted; and in every second copy two paragraphs change places.
        """
        rng = self._rng
        shares = rng.dirichlet([0.6, 0.6, 0.6])
        changed, cut, inserted = shares * _strength(shares, target)
        paragraphs = [list(paragraph) for paragraph in original]
        length = sum(map(len, paragraphs))
        paragraphs = self._cut(paragraphs, round(length * cut))
        for paragraph in paragraphs:
            for at in np.flatnonzero(rng.random(len(paragraph)) < changed).tolist():
                paragraph[at] = str(self._words[int(rng.integers(0, len(self._words)))])
        if rng.random() < 0.5 and len(paragraphs) > 2:
            one, two = rng.choice(len(paragraphs), 2, replace=False).tolist()
            paragraphs[one], paragraphs[two] = paragraphs[two], paragraphs[one]
        missing = round(length * inserted)
        while missing > 0:
            made = self._paragraph(min(missing, int(rng.integers(20, 71))))
            paragraphs.insert(int(rng.integers(0, len(paragraphs) + 1)), made)
            missing -= len(made)
        return paragraphs

    def _cut(self, paragraphs: Paragraphs, count: int) -> Paragraphs:
        words = [(number, word) for number, paragraph in enumerate(paragraphs) for word in paragraph]
        left = len(words) - count
        start = (0, left, int(self._rng.integers(0, left + 1)))[int(self._rng.integers(0, 3))]
        kept = words[:start] + words[start + count :]
        return [[word for _, word in group] for _, group in itertools.groupby(kept, key=lambda pair: pair[0])]


def _strength(shares: np.ndarray, target: float) -> float:
    # Two copies share the square of the part of the shingles that one keeps; it falls steadily, so halving finds it.
    changed, cut, inserted = shares.tolist()
    low, high = 0.0, 0.9 / max(changed, cut)
    for _ in range(40):
        middle = (low + high) / 2
        kept = (1 - changed * middle) ** 3 * (1 - cut * middle)
        length = 1 - cut * middle + inserted * middle
        low, high = (middle, high) if kept**2 / (2 * length - kept**2) > target else (low, middle)
    return low


def render(paragraphs: Paragraphs) -> str:
    """Return the text of an article: every paragraph a line that starts with a capital and ends with a full stop."""
    return "\n\n".join(" ".join(paragraph).capitalize() + "." for paragraph in paragraphs if paragraph)


def generate(seed: int = 1, others: int = 20_000, scale: float = 1.0) -> Truth:
    """Make clusters of 2 to 50 copies at every similarity from 0.3 up, among other articles, and find their true pairs.

    `scale` makes fewer clusters, for a quick look. One member in two clusters is the original itself.
    """
    maker = Generator(seed)
    rng = np.random.default_rng([seed, 29])
    texts: dict[str, str] = {}
    pairs: dict[Pair, float] = {}
    plan = [(size, step) for step in STEPS for size, count in CLUSTERS.items() for _ in range(round(count * scale))]
    plan += [(LARGE, step) for step in STEPS[1::3]]
    for number, (size, step) in enumerate(plan):
        original = maker.article()
        target = float(np.clip(step + rng.uniform(-0.025, 0.025), 0.2, 0.999))
        members = [maker.copy(original, target) for _ in range(size)]
        if rng.random() < 0.5:
            members[0] = original
        made = {f"c{number}-{member}": render(paragraphs) for member, paragraphs in enumerate(members)}
        texts |= made
        pairs |= true_pairs(made)
    texts |= {f"o{number}": render(maker.article()) for number in range(others)}
    order = rng.permutation(len(texts)).tolist()
    names = list(texts)
    return Truth({names[at]: texts[names[at]] for at in order}, pairs)


def true_pairs(texts: dict[str, str], lowest: float = LOWEST) -> dict[Pair, float]:
    """Compare all texts with all others and return the exact Jaccard of the pairs from `lowest` up."""
    shingles = {name: word_shingles(text) for name, text in texts.items()}
    found = {}
    for one, two in itertools.combinations(sorted(shingles), 2):
        exact = jaccard(shingles[one], shingles[two])
        if exact >= lowest:
            found[one, two] = exact
    return found


def write_articles(texts: dict[str, str], path: Path) -> None:
    """Write articles as JSON Lines with an ID and a text only: no publisher whose lines could be learned."""
    with path.open("w", encoding="utf-8", newline="\n") as file:
        for name, text in texts.items():
            file.write(json.dumps({"id": name, "text": text}) + "\n")


@dataclass(frozen=True)
class Result:
    """Hold what a run of the product found, by input ID.

    `edges` give relation and stated Jaccard; `canonicals` are (article, canonical, relation, stated similarity).
    """

    edges: dict[Pair, tuple[str, float]]
    canonicals: list[tuple[str, str, str, float]]
    candidates: int
    seconds: float


def run_product(articles: Path, threshold: float, workers: int = 2) -> Result:
    """Run `dedupe clean` as a process on a file, repair off so that matching alone is measured; read its tables.

    Raises RuntimeError with what the command said if it failed.
    """
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "out"
        command = [sys.executable, "-m", "dedupe", "clean", str(articles), "-o", str(out), "--json", "--no-clean"]
        command += ["--threshold", str(threshold), "--workers", str(workers)]
        started = time.perf_counter()
        done = subprocess.run(command, capture_output=True, text=True, check=False, env=os.environ)
        seconds = time.perf_counter() - started
        if done.returncode:
            raise RuntimeError(f"{' '.join(command)} failed:\n{done.stderr[-2000:]}")
        return read_result(out, int(figure(json.loads(done.stdout), "candidates") or 0), seconds)


def read_result(out: Path, candidates: int = 0, seconds: float = 0.0) -> Result:
    """Read an output folder, with the product's IDs turned back into those of the input."""
    columns = ["article_id", "input_id", "canonical_id", "relation", "similarity"]
    rows = pq.read_table(out / "corpus.parquet", columns=columns).to_pylist()
    names = {row["article_id"]: row["input_id"] for row in rows}
    edges = {}
    for row in pq.read_table(out / "pairs.parquet", columns=["a_id", "b_id", "relation", "jaccard"]).to_pylist():
        if row["relation"] in {"story", "part_of"}:
            continue  # neither says that the two are one article
        one, two = sorted((names[row["a_id"]], names[row["b_id"]]))
        edges[one, two] = (row["relation"], row["jaccard"])
    members = [(row["input_id"], names[row["canonical_id"]], row["relation"], row["similarity"]) for row in rows]
    return Result(edges, members, candidates, seconds)


def figure(summary: object, name: str) -> float | None:
    """Find a figure by its name anywhere in a nested summary."""
    if isinstance(summary, dict):
        for key, value in summary.items():
            if key == name and isinstance(value, int | float):
                return value
            inner = figure(value, name)
            if inner is not None:
                return inner
    return None


def judge(truth: Truth, result: Result, threshold: float) -> dict[str, float]:
    """Compare a run with the truth; shares are 1 where there is nothing to find.

    `below` counts edges that claim copies yet lie below the threshold by the oracle (a contained article has another
    ground than its Jaccard and is not counted), `members_below` members so far from their canonical, `worst_error` the
    largest difference between a stated Jaccard and the oracle's.
    """
    wanted = {pair for pair, exact in truth.pairs.items() if exact >= threshold}
    close = {pair for pair in wanted if truth.pairs[pair] <= threshold + 0.05}
    # Every step of 0.05 counts alike here, however many pairs it holds.
    by_step: dict[int, list[bool]] = defaultdict(list)
    for pair in wanted:
        by_step[int((truth.pairs[pair] - threshold) / 0.05)].append(pair in result.edges)
    copies = {pair: stated for pair, (relation, stated) in result.edges.items() if relation in ("exact", "near")}
    exact_of = {pair: _exact(truth, pair) for pair in copies}
    loose = [(one, two) for one, two, relation, _ in result.canonicals if one != two and relation in ("exact", "near")]
    return {
        "threshold": threshold,
        "pairs": len(wanted),
        "recall": len(wanted & result.edges.keys()) / len(wanted) if wanted else 1.0,
        "recall_even": float(np.mean([np.mean(found) for found in by_step.values()])) if by_step else 1.0,
        "close_pairs": len(close),
        "recall_close": len(close & result.edges.keys()) / len(close) if close else 1.0,
        "edges": len(result.edges),
        "candidates": result.candidates,
        "below": sum(exact < threshold for exact in exact_of.values()),
        "members_below": sum(_exact(truth, (min(pair), max(pair))) < threshold for pair in loose),
        "worst_error": max((abs(stated - exact_of[pair]) for pair, stated in copies.items()), default=0.0),
        "seconds": round(result.seconds, 2),
    }


def _exact(truth: Truth, pair: Pair) -> float:
    if pair in truth.pairs:
        return truth.pairs[pair]
    return jaccard(word_shingles(truth.texts[pair[0]]), word_shingles(truth.texts[pair[1]]))


def recall_by_size(truth: Truth, result: Result, threshold: float) -> Iterator[tuple[str, int, float]]:
    """Yield the recall in clusters of each size, by the copies generated: the size, its pairs, the share found."""
    sizes: dict[str, int] = defaultdict(int)
    for name in truth.texts:
        sizes[name.split("-")[0]] += 1
    found: dict[int, list[bool]] = defaultdict(list)
    for pair, exact in truth.pairs.items():
        if exact >= threshold:
            found[sizes[pair[0].split("-")[0]]].append(pair in result.edges)
    for size, hits in sorted(found.items()):
        yield f"{size} copies", len(hits), sum(hits) / len(hits)


def planted(threshold: float, folder: Path = PLANTED.parent) -> str:
    """Run the product on ten planted copies among 1,000 news texts; say what it found, with `ok` or `MISSED`."""
    table = pq.read_table(folder / PLANTED.name)
    true = {tuple(sorted(pair)) for pair in json.loads((folder / f"{PLANTED.stem}.pairs.json").read_text())}
    with tempfile.TemporaryDirectory() as scratch:
        articles = Path(scratch) / "planted.jsonl"
        write_articles(dict(zip(table["id"].to_pylist(), table["text"].to_pylist(), strict=True)), articles)
        edges = set(run_product(articles, threshold).edges)
    verdict = "ok" if edges == true else "MISSED"
    return f"{len(true & edges)} of {len(true)} planted pairs, {len(edges - true)} others  {verdict}"


def main() -> None:
    """Measure from the command line; exit status 1 where a goal is missed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--threshold", type=float, default=DEFAULT_THRESHOLD)
    parser.add_argument("--sweep", action="store_true", help="thresholds from 0.3 to 0.9 instead of one")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--others", type=int, default=20_000)
    parser.add_argument("--generate", type=Path, help="write articles.jsonl and pairs.jsonl into this folder and stop")
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    truth = generate(given.seed, given.others)
    folder = given.generate or Path(tempfile.mkdtemp())
    folder.mkdir(parents=True, exist_ok=True)
    write_articles(truth.texts, folder / "articles.jsonl")
    with (folder / "pairs.jsonl").open("w") as file:
        file.writelines(json.dumps({"a": a, "b": b, "jaccard": exact}) + "\n" for (a, b), exact in truth.pairs.items())
    histogram = np.histogram(list(truth.pairs.values()), np.append(np.arange(LOWEST, 0.99, 0.05), 1.001))[0]
    if not given.json:
        print(f"{len(truth.texts):,} articles, {len(truth.pairs):,} true pairs")
        print(f"by steps of 0.05 of Jaccard from {LOWEST}: {histogram.tolist()}")
    if given.generate:
        return
    thresholds = np.arange(0.3, 0.95, 0.1).round(2).tolist() if given.sweep else [given.threshold]
    judged = []
    for threshold in thresholds:
        result = run_product(folder / "articles.jsonl", threshold)
        judged.append(judge(truth, result, threshold))
        if not given.json:
            print(_line(judged[-1]))
            for size, pairs, share in [] if given.sweep else recall_by_size(truth, result, threshold):
                print(f"  {size:>10}: {share:.4f} of {pairs:,} pairs")
    if given.json:
        print(json.dumps({"histogram": histogram.tolist(), "thresholds": judged}, indent=1))
    elif PLANTED.exists():
        print(planted(given.threshold))
    sys.exit(0 if all(map(_good, judged)) else 1)


def _good(figures: dict[str, float]) -> bool:
    recalls = (figures["recall"], figures["recall_even"], figures["recall_close"])
    return min(recalls) >= RECALL_GOAL and not figures["below"] and not figures["members_below"]


def _line(figures: dict[str, float]) -> str:
    parts = (
        f"t={figures['threshold']:.2f}  recall {figures['recall']:.4f} of {figures['pairs']:,.0f}",
        f"steps alike {figures['recall_even']:.4f}",
        f"within t+0.05 {figures['recall_close']:.4f} of {figures['close_pairs']:,.0f}",
        f"candidates {figures['candidates']:,.0f}",
        f"edges {figures['edges']:,.0f}, {figures['below']:.0f} below t",
        f"members below t {figures['members_below']:.0f}",
        f"Jaccard off by {figures['worst_error']:.1e}",
        f"{figures['seconds']:.1f} s",
    )
    return f"{'; '.join(parts)}  {'ok' if _good(figures) else 'MISSED'}"


if __name__ == "__main__":
    main()
