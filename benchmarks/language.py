"""Time the language kernel against langdetect on the same articles in the same run, one thread each.

Run `python -m benchmarks.language`, or `--input FILE.parquet` for articles of your own in a column `text`.
"""

from __future__ import annotations

import argparse
import random
import time
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
from langdetect import DetectorFactory, LangDetectException, detect_langs

from dedupe.repair.language import LanguageIdentifier

ARTICLE_BYTES = 5_900  # mean of 6,000 scraped news articles
REPEATS = 7
LANGDETECT_REPEATS = 3

# News in manner, written for this benchmark.
SENTENCES = (
    "The council will decide on Tuesday whether the old library can be kept open for another year.",
    "Police said two men were taken to hospital after a fire broke out in a warehouse near the river.",
    "Prices rose more slowly in March than economists had expected, and the bank left its rate unchanged.",
    "Most of the passengers had already left the ferry when the storm reached the harbour shortly before noon.",
    "Her lawyer told reporters that the company knew about the fault and had done nothing to repair it.",
    "Teachers and parents have asked the ministry to explain why the new school will not be ready in autumn.",
    "The visitors scored twice in the last ten minutes and now need only a draw to win the championship.",
    "Scientists who studied the lake for twelve years found fewer fish and much warmer water than before.",
    "A spokesman for the governor refused to say how many workers would lose their jobs in the region.",
    "Farmers in the valley worry that a third dry summer could leave thousands of cattle without feed.",
)


def generate(articles: int, seed: int) -> pa.Array:
    """Return articles of about 5.9 KB: sentences in random order, every tenth word of them replaced by another's."""
    choose = random.Random(seed)
    words = [word for sentence in SENTENCES for word in sentence.split()]
    texts = []
    for _ in range(articles):
        parts: list[str] = []
        size = 0
        while size < ARTICLE_BYTES:
            sentence = [choose.choice(words) if choose.random() < 0.1 else w for w in choose.choice(SENTENCES).split()]
            parts.append(" ".join(sentence))
            size += len(parts[-1]) + 1
        texts.append("\n".join(parts))
    return pa.array(texts, pa.string())


def read(path: Path, articles: int) -> pa.Array:
    """Return the first `articles` values of the file's column `text`, nulls left out."""
    column = pq.read_table(path, columns=["text"])["text"].cast(pa.string()).drop_null().slice(0, articles)
    return pa.concat_arrays(column.chunks) if column.num_chunks else pa.array([], pa.string())


def fastest(run: Callable[[], object], repeats: int) -> float:
    """Return the least CPU time of several runs in seconds: what else the machine does only ever adds."""
    times = []
    for _ in range(repeats):
        start = time.process_time()
        run()
        times.append(time.process_time() - start)
    return min(times)


def by_langdetect(texts: list[str]) -> list[str]:
    """Return langdetect's answer for every text, `unknown` where it gives none."""
    answers = []
    for text in texts:
        try:
            answers.append(str(detect_langs(text)[0].lang))
        except LangDetectException:
            answers.append("unknown")
    return answers


def main() -> None:
    """Print the cost of an article both ways and the ratio."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--input", type=Path, help="Parquet file with a column `text` (default: text of our own)")
    parser.add_argument("--articles", type=int, default=1_000, help="articles for the kernel (default 1000)")
    parser.add_argument("--langdetect-articles", type=int, default=60, help="articles for langdetect (default 60)")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()

    column = read(options.input, options.articles) if options.input else generate(options.articles, options.seed)
    if not len(column):
        parser.error("no articles: the column `text` is empty")
    few = column.slice(0, options.langdetect_articles).to_pylist()
    DetectorFactory.seed = options.seed

    start = time.perf_counter()
    identifier = LanguageIdentifier()
    loading = time.perf_counter() - start
    start = time.perf_counter()
    identifier.identify(column.slice(0, 1))
    compiling = time.perf_counter() - start
    by_langdetect(few[:1])

    ours = fastest(lambda: identifier.identify(column), REPEATS) / len(column) * 1e6
    theirs = fastest(lambda: by_langdetect(few), LANGDETECT_REPEATS) / len(few) * 1e6
    answers = identifier.identify(column.slice(0, len(few)))[0].to_pylist()
    same = sum(a.split("-")[0] == b.split("-")[0] for a, b in zip(answers, by_langdetect(few), strict=True))

    size = sum(len(text.encode()) for text in few) / len(few)
    print(f"articles     {len(column):>10,}  (langdetect: {len(few)}), {size:,.0f} bytes each")
    print(f"load         {loading * 1e3:>10.1f} ms, first call {compiling * 1e3:,.0f} ms")
    print(f"dedupe       {ours:>10.1f} µs an article")
    print(f"langdetect   {theirs:>10.1f} µs an article")
    print(f"ratio        {theirs / ours:>10.1f} x")
    print(f"same answer  {same:>10} of {len(few)}")


if __name__ == "__main__":
    main()
