"""Spun and honest text for the de-spinner's measurements, and decoders that know nothing of one article."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Mapping
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq

from dedupe.repair.spin.decoder import WEIGHT_NAMES, Decoder
from dedupe.repair.spin.language_model import SphinxModel
from dedupe.repair.spin.lexicon import Pair, fold, read_lexicon
from dedupe.repair.spin.table import Habits, build_table
from dedupe.repair.spin.training import Example, Span
from dedupe.repair.spin.vocabulary import Vocabulary
from dedupe.repair.spin.words import read_words


def read_groups(data: Path, style: str = "A") -> dict[str, Example]:
    """Join the passages of each spun article, in the file's order."""
    groups: dict[str, Example] = {}
    for line in (data / "spin-dev.jsonl").read_text(encoding="utf-8").splitlines():
        row = json.loads(line)
        if not row["style"].startswith(style):
            continue
        before = groups.get(row["group"], Example("", ()))
        at = len(before.text)
        spans = tuple(
            Span(edit["start"] + at, edit["end"] + at, (edit["original"], *edit.get("alt", ())), edit["tier"] == "hard")
            for edit in row["edits"]
        )
        groups[row["group"]] = Example(before.text + row["text"] + "\n\n", before.spans + spans)
    return groups


def read_originals(data: Path, style: str = "A") -> dict[str, str]:
    """Join the passages of each spun article as they read before."""
    groups: dict[str, str] = {}
    for line in (data / "spin-dev.jsonl").read_text(encoding="utf-8").splitlines():
        row = json.loads(line)
        if row["style"].startswith(style):
            groups[row["group"]] = groups.get(row["group"], "") + (row["clean_text"] or row["text"]) + "\n\n"
    return groups


def read_clean(data: Path) -> list[str]:
    rows = [json.loads(line) for line in (data / "spin-dev.jsonl").read_text(encoding="utf-8").splitlines()]
    return [row["text"] for row in rows if row["kind"] == "clean"]


def read_news(data: Path) -> list[str]:
    texts: list[str] = pq.read_table(data / "news-dev.parquet")["text"].to_pylist()
    return texts


def count_habits(examples: Iterable[Example]) -> Habits:
    """Count which words spun articles had replaced, and which they kept."""
    spun: Counter[str] = Counter()
    kept: Counter[str] = Counter()
    for example in examples:
        spun.update(fold(span.originals[0]) for span in example.spans)
        kept.update(
            word.folded
            for word in read_words(example.text)
            if not any(span.start < word.end and span.end > word.start for span in example.spans)
        )
    return Habits(spun, kept)


def without(pairs: Iterable[Pair], group: str) -> list[Pair]:
    """Leave out the pairs that rest on one article alone, and the article from those that rest on others too."""
    return [
        pair._replace(groups=pair.groups - {group}) if group in pair.groups else pair
        for pair in pairs
        if not (pair.groups and pair.groups <= {group})
    ]


def blind_decoders(groups: Mapping[str, Example], plain: bool = False) -> dict[str, Decoder]:
    """Build for each article a decoder without the rows and habits that rest on it, still without weights.

    With `plain`, the written rows that repeat a pair seen in that article alone are left out as well.
    """
    model, pairs = SphinxModel(), read_lexicon()
    decoders = {}
    for group in groups:
        kept = without(pairs, group)
        if plain:
            alone = {(fold(p.original), fold(p.variant)) for p in pairs if p.groups == {group}}
            kept = [pair for pair in kept if (fold(pair.original), fold(pair.variant)) not in alone]
        habits = count_habits(example for name, example in groups.items() if name != group)
        decoders[group] = Decoder(build_table(kept, Vocabulary(model), habits), np.zeros(len(WEIGHT_NAMES)))
    return decoders
