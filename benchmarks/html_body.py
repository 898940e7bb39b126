"""Measure how well articles are taken out of pages: `python benchmarks/html_body.py --input pages.parquet`.

The input has the columns `html` and `text` (the body, made by hand). The measure is that of article-extraction-benchmark: for
each page the multisets of 4-word shingles of the true and the extracted body (a body of fewer than four words is one shingle)
give precision (1 where both are empty, 0 where nothing true was found) and recall; both are averaged over the pages, and F1 is
the harmonic mean of the two averages.
"""

from __future__ import annotations

import argparse
import re
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import pyarrow.parquet as pq

from dedupe.config import HtmlExtractor
from dedupe.read.extraction import extract

_WORD = re.compile(r"\w+")
_SIZE = 4
DEFAULT_INPUT = Path(__file__).resolve().parents[2] / "shared" / "data" / "html-dev.parquet"


def shingles(text: str) -> Counter[tuple[str, ...]]:
    """Return the multiset of 4-word shingles."""
    words = _WORD.findall(text)
    if not words:
        return Counter()
    return Counter(tuple(words[i : i + _SIZE]) for i in range(max(1, len(words) - _SIZE + 1)))


def page_score(truth: str, found: str) -> tuple[float, float]:
    """Return precision and recall of one page."""
    a, b = shingles(truth), shingles(found)
    hit = (a & b).total()
    extra, lost = b.total() - hit, a.total() - hit
    if not extra and not lost:
        return 1.0, 1.0
    return (hit / (hit + extra) if hit else 0.0), (hit / (hit + lost) if hit else 0.0)


def score(truths: Sequence[str], found: Sequence[str]) -> tuple[float, float, float]:
    """Return (F1, precision, recall) over pages."""
    pages = [page_score(truth, text) for truth, text in zip(truths, found, strict=True)]
    precision = sum(p for p, _ in pages) / len(pages)
    recall = sum(r for _, r in pages) / len(pages)
    return 2 * precision * recall / ((precision + recall) or 1.0), precision, recall


def measure(pages: Sequence[str], how: HtmlExtractor) -> tuple[list[str], float]:
    """Return the bodies and the milliseconds a page."""
    extract(pages[0], how)  # loads the library
    start = time.perf_counter()
    found = [extract(page, how).text for page in pages]
    return found, (time.perf_counter() - start) * 1_000 / len(pages)


def main() -> None:
    """Print one line for each extractor."""
    parser = argparse.ArgumentParser(description="Body F1 of both extractors on hand-made bodies.")
    parser.add_argument("--input", type=Path, default=DEFAULT_INPUT)
    table = pq.read_table(parser.parse_args().input, columns=["html", "text"])
    pages, truths = table["html"].to_pylist(), table["text"].to_pylist()
    print(f"{len(pages)} pages")
    choices: tuple[HtmlExtractor, ...] = ("best", "fast")
    for how in choices:
        found, cost = measure(pages, how)
        f1, precision, recall = score(truths, found)
        print(f"{how:5} F1 {f1:.4f}  precision {precision:.4f}  recall {recall:.4f}  {cost:6.1f} ms a page")


if __name__ == "__main__":
    main()
