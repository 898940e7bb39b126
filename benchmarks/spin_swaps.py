"""Count how many honest pairs pass for one text with words swapped all through it, the sign of a spun copy beside its source.

    python -m benchmarks.spin_swaps --data ../shared/data

Pairs that share text: articles of newspapers, documents in several kinds of English, reports of events, and the rewrites that
benchmarks.rewrites makes of generated and of newspaper articles; beside them real spun articles, and words exchanged at random.
"""

from __future__ import annotations

import argparse
import random
import re
from itertools import pairwise
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from benchmarks.relations import sources
from benchmarks.rewrites import make
from benchmarks.spin_data import read_groups, read_news, read_originals
from dedupe.match.containment import propose_contained
from dedupe.match.signatures import Signer
from dedupe.match.swaps import describe_swaps, swapped_throughout

EACH, EXCHANGED = 80, 150

Pairs = list[tuple[str, str]]


def sharing(texts: list[str]) -> Pairs:
    """Return the pairs of texts that a run would align."""
    rows = np.arange(len(texts))
    a, b = propose_contained(Signer(1)(pa.array(texts, pa.string())).sketches, rows, rows).akin
    return [(texts[one], texts[other]) for one, other in zip(a.tolist(), b.tolist(), strict=True)]


def exchanged(texts: list[str], draw: random.Random) -> Pairs:
    """Put words of another article for words of each, at random."""
    pairs = []
    for text, donor in pairwise(texts):
        spare, share = re.findall(r"\b[a-z]{4,}\b", donor) or ["word"], draw.uniform(0.1, 0.35)
        changed = re.sub(r"\b[a-z]{4,}\b", lambda match: draw.choice(spare) if draw.random() < share else match.group(), text)  # noqa: B023
        pairs.append((text, changed))
    return pairs


def report(name: str, pairs: Pairs) -> None:
    texts = pa.array([text for pair in pairs for text in pair], pa.string())
    one = 2 * np.arange(len(pairs))
    passed = swapped_throughout(one, one + 1, lambda rows: texts.take(pa.array(rows)))
    swaps = describe_swaps(one, one + 1, lambda rows: texts.take(pa.array(rows)))
    nearest = max(range(len(pairs)), key=lambda at: min(swaps.rate[at] / 0.06, swaps.number[at] / 12, swaps.parallel[at] / 0.75))
    shown = ", ".join(f"{field} {column[nearest]:.2f}" for field, column in swaps._asdict().items())
    print(f"{name}: {int(passed.sum())} of {len(pairs)} pairs; the nearest has {shown}", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    given = parser.parse_args()
    news = read_news(given.data)
    groups, originals = read_groups(given.data), read_originals(given.data)
    report("real spun articles and their sources", [(originals[name], groups[name].text) for name in groups])
    report("newspaper articles that share text", sharing(news))
    languages = pq.read_table(given.data / "languages-dev.parquet").to_pylist()
    report("documents in several kinds of English", sharing([row["text"] for row in languages if row["lang"].startswith("eng")]))
    report("reports of events that share text", sharing(pq.read_table(given.data / "stories-dev.parquet")["text"].to_pylist()))
    for path in (None, given.data / "news-dev.parquet"):
        made = make(sources(path, 2), EACH, 2)
        honest = [(made.articles[one], made.articles[other]) for kind, one, other, _ in made.pairs if kind != "words spun"]
        report(f"rewrites of {'newspaper' if path else 'generated'} articles that no spinner made", honest)
    draw = random.Random(1)
    report("words exchanged at random", exchanged(draw.sample(news, EXCHANGED), draw))


if __name__ == "__main__":
    main()
