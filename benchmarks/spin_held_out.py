"""Measure the whole product on spun copies among honest articles, where the copies' pairs are partly or wholly unknown to it.

    python -m benchmarks.spin_held_out --data ../shared/data

The rows of the lexicon are dealt by their original; those *held out* are kept from the product, with every other row that repeats
one of their pairs in either direction. The product under test is a copy of the package whose lexicon and gate were made without
them; class key and decoder's table are then built from what is left, as always. Of 4 honest seeds and 200 newspaper articles a
copy is spun until 15 to 30 % of its words are swapped, and `dedupe clean` runs over all of them among 2,000 other articles.

Restored are spans whose every word stands in the copy's final text where the source has it, both texts aligned word by word.
"""

from __future__ import annotations

import argparse
import csv
import json
import os
import random
import re
import shutil
import subprocess
import sys
import tempfile
import zlib
from collections import Counter
from difflib import SequenceMatcher
from pathlib import Path
from typing import Any, NamedTuple

import pyarrow.parquet as pq

import dedupe
from benchmarks.spin_data import read_news
from dedupe.repair.ledger import restore
from dedupe.repair.spin.gate_training import PER_TOKEN, THRESHOLD, gate_weights
from dedupe.repair.spin.language_model import SphinxModel
from dedupe.repair.spin.lexicon import Pair, fold, read_lexicon
from dedupe.repair.spin.spinner import Spinner, build_spinner, spin
from dedupe.repair.spin.stage import SIBLING_RULE
from dedupe.repair.spin.training import Example
from dedupe.repair.spin.vocabulary import Vocabulary

ARTICLES, BACKGROUND = 200, 2_000
LOW, HIGH = 0.15, 0.30
# Copies that the gate of a lexicon is counted from, and honest articles beside them: as for the one that ships, but half as many.
_COUNTED = 600
_OTHER_KINDS = {"science", "science-echo", "style-b"}


class Setting(NamedTuple):
    """Say what a spinner knows that the product does not: one row in `parts` (0: none), and whether it knows the others."""

    name: str
    parts: int
    with_all: bool


SETTINGS = (
    Setting("every pair known", 0, True),
    Setting("all rows, 1 in 5 held out", 5, True),
    Setting("all rows, 1 in 2 held out", 2, True),
    Setting("held-out rows alone, 1 in 2", 2, False),
)


def held_out(pairs: list[Pair], parts: int, fold_number: int = 0) -> tuple[list[Pair], list[Pair]]:
    """Return the pairs that the product may know, and those of the rows that it may not."""

    def dealt(pair: Pair) -> bool:
        return parts > 0 and zlib.crc32(fold(pair.original).encode()) % parts == fold_number

    unknown = [pair for pair in pairs if dealt(pair)]
    ends = {(fold(pair.original), fold(pair.variant)) for pair in unknown}
    ends |= {(variant, original) for original, variant in ends}
    return [pair for pair in pairs if (fold(pair.original), fold(pair.variant)) not in ends], unknown


def build_product(known: list[Pair], honest: list[str], folder: Path) -> None:
    """Copy the package to `folder`, with a lexicon of the known pairs alone and a gate that was counted with them."""
    package = Path(dedupe.__file__).parent
    shutil.copytree(package, folder / "dedupe")
    shutil.copy2(package.parent / "dedupe_command.py", folder)
    tables = folder / "dedupe" / "lexicon" / "en"
    for path in tables.glob("*.tsv"):
        path.unlink()
    by_file: dict[str, list[Pair]] = {}
    for pair in known:
        by_file.setdefault(pair.source, []).append(pair)
    for source, rows in by_file.items():
        with (tables / f"{source.removesuffix('.tsv')}.tsv").open("w", encoding="utf-8", newline="\n") as file:
            file.write("original\tvariants\tbasis\tcondition\n")
            cells: dict[tuple[str, str, str], list[str]] = {}
            for pair in rows:
                basis = f"{pair.basis}:{','.join(sorted(pair.groups))}" if pair.groups else pair.basis
                cells.setdefault((pair.original, basis, pair.condition), []).append(pair.variant)
            file.writelines(f"{o}\t{'|'.join(variants)}\t{basis}\t{asked}\n" for (o, basis, asked), variants in cells.items())
    usable = [pair for pair in known if pair.condition not in _OTHER_KINDS]
    vocabulary = Vocabulary(SphinxModel())
    vocabulary.learn({word for pair in usable for text in (pair.original, pair.variant) for word in fold(text).split(" ")})
    spinner = build_spinner(usable, 4)
    copies = [spin(text, spinner, 0.3, seed).text for seed, text in enumerate(honest[:_COUNTED])]
    with (tables / "gate.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["phrase", "weight"])
        writer.writerows([("#per_token", PER_TOKEN), ("#threshold", THRESHOLD)])
        writer.writerows((phrase, f"{weight:g}") for phrase, weight in gate_weights(honest, copies, usable, vocabulary))


def words_of(text: str) -> list[str]:
    return re.findall(r"[^\W_]+(?:['’][^\W_]+)*", text.lower())


def swapped(text: str, example: Example) -> float:
    """Return the share of the source's words that the copy has otherwise."""
    return sum(len(words_of(span.originals[0])) for span in example.spans) / max(1, len(words_of(text)))


def spin_to(text: str, spinner: Spinner, share: float, seed: int) -> Example:
    """Spin a text so that about this share of its words is swapped, or as much as the spinner can."""
    low, high = 0.0, 1.0
    best = spin(text, spinner, 1.0, seed)
    for _ in range(5):
        rate = (low + high) / 2
        made = spin(text, spinner, rate, seed)
        got = swapped(text, made)
        if abs(got - share) < abs(swapped(text, best) - share):
            best = made
        low, high = (rate, high) if got < share else (low, rate)
    return best


def source_spans(example: Example) -> list[tuple[int, int]]:
    """Return the place of every span in the source: character offsets, in order."""
    spans, moved = [], 0
    for span in example.spans:
        original = span.originals[0]
        start = span.start + moved
        spans.append((start, start + len(original)))
        moved += len(original) - (span.end - span.start)
    return spans


def aligned(one: list[str], other: list[str]) -> dict[int, int]:
    if one == other:
        return {at: at for at in range(len(one))}
    blocks = SequenceMatcher(None, one, other, autojunk=False).get_matching_blocks()
    return {block.a + step: block.b + step for block in blocks for step in range(block.size)}


def restored(source: str, example: Example, clean_source: str, copy: str) -> Counter[str]:
    """Count the spans of a copy, and those whose words stand in the final text where the source has them.

    Spans in what repair took out of the source itself (residue) are left out.
    """
    theirs = words_of(clean_source)
    kept, back = aligned(words_of(source), theirs), aligned(theirs, words_of(copy))
    starts = [match.start() for match in re.finditer(r"[^\W_]+(?:['’][^\W_]+)*", source.lower())]
    counts: Counter[str] = Counter()
    for start, end in source_spans(example):
        places = [at for at, place in enumerate(starts) if start <= place < end]
        if not places or any(at not in kept for at in places):
            continue
        found = [back.get(kept[at], -1) for at in places]
        counts["spans"] += 1
        counts["restored"] += found[0] >= 0 and found == list(range(found[0], found[0] + len(found)))
    return counts


class Result(NamedTuple):
    """Hold what a run made of its articles: rows by input ID, the text before other copies had a say, and the pairs typed."""

    rows: dict[str, dict[str, Any]]
    by_model: dict[str, str]
    relations: dict[tuple[str, str], str]

    def relation(self, one: str, other: str) -> str:
        return self.relations.get((min(one, other), max(one, other)), "no relation")


def run(package: Path, articles: list[dict[str, str]], scratch: Path) -> Result:
    """Run `dedupe clean` of a package over articles, as a process of its own."""
    given, output = scratch / "in.jsonl", scratch / "out"
    given.write_text("".join(json.dumps(article) + "\n" for article in articles), encoding="utf-8")
    command = [sys.executable, "-m", "dedupe", "clean", str(given), "-o", str(output), "--no-stories", "--json"]
    subprocess.run(command, env=os.environ | {"PYTHONPATH": str(package)}, check=True, capture_output=True)
    columns = ["article_id", "input_id", "canonical_id", "relation", "spin_score", "text"]
    rows = {row["input_id"]: row for row in pq.read_table(output / "corpus.parquet", columns=columns).to_pylist()}
    names = {row["article_id"]: name for name, row in rows.items()}
    edits: dict[str, list[dict[str, Any]]] = {}
    for edit in pq.read_table(output / "edits.parquet").to_pylist():
        if edit["rule"] == SIBLING_RULE:
            edits.setdefault(names[edit["article_id"]], []).append(edit)
    by_model = {name: restore(row["text"], edits.get(name, [])) for name, row in rows.items() if name.startswith("copy")}
    relations = {}
    for pair in pq.read_table(output / "pairs.parquet", columns=["a_id", "b_id", "relation"]).to_pylist():
        one, other = sorted((names[pair["a_id"]], names[pair["b_id"]]))
        relations[one, other] = pair["relation"]
    return Result(rows, by_model, relations)


def measure(setting: Setting, texts: list[str], background: list[str], honest: list[str]) -> None:
    known, unknown = held_out(read_lexicon(), setting.parts)
    spinner = build_spinner(read_lexicon(), 4) if setting.with_all else build_spinner(unknown, 99)
    draw = random.Random(11)
    examples = [spin_to(text, spinner, draw.uniform(LOW, HIGH), seed) for seed, text in enumerate(texts)]
    shares = sorted(swapped(text, example) for text, example in zip(texts, examples, strict=True))
    middle = shares[len(shares) // 2]
    print(f"{setting.name}: {shares[0]:.0%} to {shares[-1]:.0%} of the words swapped, half of the copies {middle:.0%} and more")
    articles = [{"id": f"source-{at}", "text": text} for at, text in enumerate(texts)]
    articles += [{"id": f"copy-{at}", "text": example.text} for at, example in enumerate(examples)]
    articles += [{"id": f"other-{at}", "text": text} for at, text in enumerate(background)]
    draw.shuffle(articles)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        package = Path(dedupe.__file__).parent.parent
        if setting.parts:
            package = folder / "product"
            build_product(known, honest, package)
        result = run(package, articles, folder)
    report(result, texts, examples)


def report(result: Result, texts: list[str], examples: list[Example]) -> None:
    """Print what became of the copies, and whether anything else was taken for one."""
    counts: Counter[str] = Counter()
    missed, n = [], len(texts)
    for at, (text, example) in enumerate(zip(texts, examples, strict=True)):
        copy, source = result.rows[f"copy-{at}"], result.rows[f"source-{at}"]
        relation = result.relation(f"copy-{at}", f"source-{at}")
        counts["gate"] += (copy["spin_score"] or -99.0) >= THRESHOLD
        counts["typed"] += relation == "spun"
        counts["canonical"] += copy["relation"] == "spun" and copy["canonical_id"] == source["article_id"]
        counts.update(restored(text, example, source["text"], copy["text"]))
        counts["by model"] += restored(text, example, source["text"], result.by_model[f"copy-{at}"])["restored"]
        if relation != "spun":
            missed.append(f"{relation} at {swapped(text, example):.0%} of {len(words_of(text))} words")
    spun = [pair for pair, relation in result.relations.items() if relation == "spun"]
    honest = [pair for pair in spun if not any(name.startswith("copy") for name in pair)]
    others = [pair for pair in spun if pair not in honest and len({name.split("-")[1] for name in pair}) > 1]
    spans = max(1, counts["spans"])
    print(f"  pass the gate by themselves {counts['gate']} of {n}")
    print(f"  typed spun {counts['typed']} of {n}" + (f"; the others: {', '.join(missed[:8])}" if missed else ""))
    print(f"  the honest one canonical {counts['canonical']} of {n}")
    print(f"  restored {counts['restored']:,} of {spans:,} spans, {counts['restored'] / spans:.1%}", end="; ")
    print(f"by the model before other copies have a say {counts['by model'] / spans:.1%}")
    print(
        f"  typed spun besides: {len(honest)} pairs of honest articles, {len(others)} of a copy with another article", flush=True
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--seeds", type=Path, default=Path("seeds"))
    parser.add_argument("--articles", type=int, default=ARTICLES)
    parser.add_argument("--background", type=int, default=BACKGROUND)
    parser.add_argument("--only", type=int, choices=range(len(SETTINGS)), help="one of the settings, by number")
    given = parser.parse_args()
    news = read_news(given.data)
    draw = random.Random(7)
    order = list(range(1, len(news), 2))  # the gate is counted from the others
    draw.shuffle(order)
    order = [at for at in order if len(news[at].split()) > 150]
    texts = [path.read_text(encoding="utf-8") for path in sorted(given.seeds.glob("*.txt")) if "spun" not in path.name]
    texts += [news[at] for at in order[: given.articles]]
    chosen = set(order[: given.articles])
    background = [text for at, text in enumerate(news) if at not in chosen]
    draw.shuffle(background)
    for number, setting in enumerate(SETTINGS):
        if given.only is None or given.only == number:
            measure(setting, texts, background[: given.background], news[::2])


if __name__ == "__main__":
    main()
