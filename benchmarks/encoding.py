"""Time the encoding screen and repair against plain ftfy on the same articles in the same run, one thread each.

Run `python -m benchmarks.encoding`, or `--input FILE.parquet` for articles of your own in a column `text`. Plain ftfy is
`fix_text` with its defaults, which also rewrites quotes and full-width punctuation; the share of articles that it would
change is given with these left alone.
"""

from __future__ import annotations

import argparse
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import ftfy
import pyarrow as pa
import pyarrow.parquet as pq

from benchmarks.corpus import generate
from dedupe.repair.encoding import repair, screen
from dedupe.repair.ledger import Draft
from dedupe.repair.rules import RULES

# The same things left alone as by our rules.
CAREFUL = ftfy.TextFixerConfig(uncurl_quotes=False, fix_character_width=False, fix_latin_ligatures=False)


@dataclass(frozen=True)
class Figures:
    """Hold what one run measured; times are microseconds an article, the best of the repeats."""

    articles: int
    mean_bytes: float
    screen_us: float
    repair_us: float  # screen and repair together
    ftfy_us: float
    fired: int
    changed: int
    changed_by_ftfy: int
    missed: int  # changed by ftfy, though the screen did not fire
    by_rule: dict[str, int]


def measure(column: pa.StringArray, ftfy_articles: int = 1_000, repeats: int = 3) -> Figures:
    """Measure on a column of texts; plain ftfy on its first `ftfy_articles` only, since it takes a second for 800."""
    texts = column.to_pylist()
    found = screen(column)  # compiles

    def both() -> list[Draft]:
        drafts = [Draft(texts[row]) for row in screen(column).nonzero()[0]]
        for draft in drafts:
            repair(draft)
        return drafts

    few = texts[:ftfy_articles]
    drafts = both()
    careful = [ftfy.fix_text(text, CAREFUL) != text for text in few]
    return Figures(
        articles=len(texts),
        mean_bytes=sum(len(text.encode()) for text in texts) / len(texts),
        screen_us=_best(lambda: screen(column), repeats) / len(texts),
        repair_us=_best(both, repeats) / len(texts),
        ftfy_us=_best(lambda: [ftfy.fix_text(text) for text in few], 1) / len(few),
        fired=int(found.sum()),
        changed=sum(bool(draft.edits) for draft in drafts),
        changed_by_ftfy=sum(careful),
        missed=sum(1 for changed, fired in zip(careful, found, strict=False) if changed and not fired),
        by_rule=dict(sorted(Counter(rule for draft in drafts for rule in {edit.rule for edit in draft.edits}).items())),
    )


def _best(work: Callable[[], object], repeats: int) -> float:
    """Return the least CPU time of several runs in microseconds: what else the machine does only ever adds."""
    times = []
    for _ in range(repeats):
        begun = time.process_time()
        work()
        times.append(time.process_time() - begun)
    return min(times) * 1e6


def damaged(texts: list[str]) -> list[str]:
    """Break one text in a hundred as scrapers do: one by a wrong decoding, the next by soft hyphens, in turns."""
    broken = list(texts)
    for row in range(0, len(texts), 200):
        broken[row] = f"“{texts[row]}” – café’s".encode().decode("sloppy-windows-1252")
    for row in range(100, len(texts), 200):
        broken[row] = texts[row].replace("ing ", "\u00ading ")
    return broken


def _articles(path: Path | None, count: int) -> pa.StringArray:
    if path is None:
        return pa.array(damaged([article["text"] for article in generate(count, seed=1)]))
    column = pq.read_table(path, columns=["text"])["text"].cast(pa.string()).drop_null().slice(0, count)
    return pa.concat_arrays(column.chunks) if column.num_chunks else pa.array([], pa.string())


def main() -> None:
    """Print the figures of one run."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--input", type=Path, help="Parquet file with a column text; a generated corpus otherwise")
    parser.add_argument("--articles", type=int, default=6_000, help="at most so many")
    parser.add_argument("--ftfy-articles", type=int, default=1_000, help="so many of them for plain ftfy")
    args = parser.parse_args()
    figures = measure(_articles(args.input, args.articles), args.ftfy_articles)
    n = figures.articles
    few = min(n, args.ftfy_articles)
    print(f"{n:,} articles of {figures.mean_bytes:,.0f} bytes")
    print(f"screen               {figures.screen_us:9.1f} µs an article")
    print(f"screen and repair    {figures.repair_us:9.1f} µs an article")
    print(f"plain ftfy.fix_text  {figures.ftfy_us:9.1f} µs an article = {figures.ftfy_us / figures.repair_us:.0f} times as much")
    print(f"fired on             {figures.fired / n:9.2%}")
    print(f"changed              {figures.changed / n:9.2%}")
    print(f"ftfy would change    {figures.changed_by_ftfy / few:9.2%} of {few:,}, of which the screen missed {figures.missed}")
    for rule, articles in figures.by_rule.items():
        print(f"  {rule} {RULES[rule].name:24} {articles / n:9.2%}")


if __name__ == "__main__":
    main()
