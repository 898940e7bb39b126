"""How long it takes to say what a new article is to an existing corpus: loading once, then article by article.

`python -m benchmarks.lookup --articles 100000` makes a corpus and cleans it, or with `--output FOLDER` takes one that is there.
The new articles are articles of the corpus as they are, cut to half, with a number changed, with words spun, and strangers.
"""

from __future__ import annotations

import argparse
import random
import re
import statistics
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from benchmarks.corpus import make, vocabulary
from benchmarks.rewrites import Lexicon
from benchmarks.templates import Prose
from dedupe import job
from dedupe.corpus.lookup import Lookup
from dedupe.corpus.output import Output
from dedupe.schema import ARTICLES

GOAL_SECONDS = 1.0


def queries(output: Output, each: int, seed: int) -> list[tuple[str, str]]:
    """Return new articles with their kind, made from articles drawn of the corpus."""
    rng = random.Random(seed)
    prose, lexicon = Prose(vocabulary("en")[0], rng), Lexicon(rng)
    rows = output.table("corpus", ["article_id", "n_words"])
    ids = rows["article_id"].filter(pa.array(rows["n_words"].to_numpy() >= 200)).to_pylist()
    taken = output.select("corpus", "article_id", rng.sample(ids, each), ["article_id", "text"])
    texts = [row["text"] for row in sorted(taken, key=lambda row: row["article_id"])]
    made = []
    for text in texts:
        words = text.split(" ")
        made += [
            ("as it is", text),
            ("cut to half", " ".join(words[: len(words) // 2])),
            ("number changed", re.sub(r"\d+", lambda match: str(int(match.group()) % 89 + 3), text, count=1)),
            ("words spun", lexicon.spin(text, 0.8)),
            ("stranger", prose.article(len(words))),
        ]
    return made


def batch(text: str) -> pa.RecordBatch:
    """Return an article as it is read."""
    row: dict[str, Any] = dict.fromkeys(ARTICLES.names) | {"source": "new.txt", "record": 1, "text": text}
    return pa.RecordBatch.from_pylist([row], schema=ARTICLES)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--articles", type=int, default=100_000)
    parser.add_argument("--words", type=float, default=400, help="mean length of the articles made (default 400)")
    parser.add_argument("--output", type=Path, metavar="FOLDER", help="look in this output instead")
    parser.add_argument("--each", type=int, default=20, help="new articles of every kind (default 20)")
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="dedupe-") as scratch:
        folder = given.output or Path(scratch) / "output"
        if not given.output:
            make(Path(scratch) / "in.parquet", given.articles, given.seed, words=given.words)
            job.clean([Path(scratch) / "in.parquet"], folder)
        output = Output(folder)
        new = queries(output, given.each, given.seed)
        begin = time.perf_counter()
        lookup = Lookup(output)
        list(lookup.match(batch(new[0][1])))
        print(f"{lookup.ids.num_rows:,} articles; loaded, and the first one told, in {time.perf_counter() - begin:.2f} s")
        seconds: dict[str, list[float]] = {}
        busy: dict[str, list[float]] = {}
        told: dict[str, Counter[str]] = {}
        for kind, text in new:
            begin, begin_busy = time.perf_counter(), time.process_time()
            [matches] = lookup.match(batch(text))
            seconds.setdefault(kind, []).append(time.perf_counter() - begin)
            busy.setdefault(kind, []).append(time.process_time() - begin_busy)
            told.setdefault(kind, Counter())[matches[0]["relation"] if matches else "nothing"] += 1
        for kind, times in seconds.items():
            said = ", ".join(f"{count} {relation}" for relation, count in told[kind].most_common())
            median, longest, of_cpu = (
                f"{value * 1e3:5.0f} ms" for value in (statistics.median(times), max(times), max(busy[kind]))
            )
            print(f"{kind:16} median {median}, longest {longest}, in CPU time {of_cpu}: {said}")
        longest = max(np.concatenate(list(seconds.values())))
        print(f"longest {longest:.2f} s (goal: under {GOAL_SECONDS:g} s)")
        del lookup  # Windows removes no file that is mapped
    sys.exit(0 if longest < GOAL_SECONDS else 1)


if __name__ == "__main__":
    main()
