"""What residue repair costs an article, and what it takes: `python -m benchmarks.residue ARTICLES.parquet [--read 200]`.

`--read N` prints N removed lines drawn at random, to be judged by a person: the share that were residue is the precision.
"""

from __future__ import annotations

import argparse
import random
import time
from collections import Counter
from collections.abc import Callable
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from dedupe.config import Config
from dedupe.repair import metadata, residue
from dedupe.repair.repetition import LineCounts, RepeatedLines
from dedupe.repair.stages import LocalRepair, RepetitionRepair
from dedupe.schema import ARTICLES

BATCH = 1000
NAMES = {"publisher": "source", "published_at": ""}


def read_batches(path: str) -> list[pa.RecordBatch]:
    table = pq.read_table(path)
    columns = []
    for field in ARTICLES:
        name = NAMES.get(field.name, field.name)
        if field.name == "source":
            columns.append(pa.array([path] * len(table), pa.string()))
        elif field.name == "record":
            columns.append(pa.array(range(1, len(table) + 1), pa.int64()))
        elif name in table.column_names:
            columns.append(table[name].combine_chunks().cast(field.type))
        else:
            columns.append(pa.nulls(len(table), field.type))
    return list(pa.Table.from_arrays(columns, schema=ARTICLES).to_batches(max_chunksize=BATCH))


def best(call: Callable[[], Any], articles: int, repeats: int = 3) -> float:
    """Return microseconds of CPU an article, the least of some repeats."""
    least = float("inf")
    for _ in range(repeats):
        start = time.process_time()
        call()
        least = min(least, time.process_time() - start)
    return least / articles * 1e6


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("articles")
    parser.add_argument("--read", type=int, default=0, metavar="N")
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    batches = read_batches(arguments.articles)
    articles = sum(map(len, batches))
    local = LocalRepair(Config())
    cleaned = [local(batch) for batch in batches]

    def learn() -> pa.Table:
        counts = LineCounts()
        for batch in cleaned:
            counts = counts.merge(LineCounts.of(batch))
        return counts.finish()

    table = learn()
    repeated, lines = RepetitionRepair(Config(), table), RepeatedLines(table)
    done = [repeated(batch) for batch in cleaned]
    costs = {
        "residue screen": lambda: [residue.screen(batch["text"]) for batch in batches],
        "metadata screen": lambda: [metadata.screen(batch) for batch in batches],
        "local repair, encoding included": lambda: [local(batch) for batch in batches],
        "learning": learn,
        "learned screen": lambda: [lines.screen(batch) for batch in cleaned],
        "repair by what was learned": lambda: [repeated(batch) for batch in cleaned],
    }
    for name, call in costs.items():
        print(f"{name}: {best(call, articles):.1f} µs an article")
    rows = [row for batch in done for row in batch["edits"].to_pylist()]
    rules = Counter(rule for edits in rows for rule in {edit["rule"] for edit in edits})
    fired = sum(int(residue.screen(batch["text"]).sum()) for batch in batches)
    touched = sum(any(edit["rule"].startswith(("R1", "R2")) for edit in edits) for edits in rows)
    print(f"residue: screen fires on {fired / articles:.1%}, {touched / articles:.1%} touched; {table.num_rows} lines learned")
    for rule, count in sorted(rules.items()):
        print(f"  {rule}: {count / articles:.2%} of the articles")
    removed = [
        (edit["rule"], edit["before"].strip())
        for edits in rows
        for edit in edits
        if edit["field"] == "text" and edit["rule"] >= "R100"
    ]
    for rule, line in random.Random(arguments.seed).sample(removed, min(arguments.read, len(removed))):
        print(rule, repr(line[:240]))


if __name__ == "__main__":
    main()
