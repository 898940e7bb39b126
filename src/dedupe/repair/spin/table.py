"""The lexicon as the decoder looks it up: every variant with the originals it may stand for, each described by features."""

from __future__ import annotations

import csv
import hashlib
import json
import math
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from importlib import resources
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from dedupe.cache import cached_arrays
from dedupe.repair.spin.kernel import rescore
from dedupe.repair.spin.language_model import LanguageModel
from dedupe.repair.spin.lexicon import Pair, lexicon_version, read_lexicon
from dedupe.repair.spin.vocabulary import Vocabulary
from dedupe.repair.spin.words import read_words

_TEXTS = ("variants", "originals", "folded", "conditions")

# To be raised whenever what is built from the same lexicon would differ.
_BUILD = 2

# What is known of a pair before any text is seen. `rank`: place in its row; `fan`: originals of the variant; `seen`,
# `seen_widely`: met in spun text, in two articles or more; `later`: only in the supplementary tables; `expected`: how much more
# often the variant is to be expected in spun than in honest text; `habit_*`: whether spun text was seen to replace or keep it.
PAIR_FEATURES = (
    "bias", "rank", "fan", "seen", "seen_widely", "phrases", "names", "later", "tables", "signal", "length", "rarity",
    "long_variant", "variant_is_original", "endings", "function_words", "expected", "variant_frequency", "original_frequency",
    "drops_words", "adds_words", "digit", "mutual", "habit_original", "habit_variant",
)  # fmt: skip
FEATURE = {name: place for place, name in enumerate(PAIR_FEATURES)}

_FUNCTION_WORDS = frozenset(
    (
        "a an the of to in on for by with at from as is are was were be been being it its this that these those and or "
        "but if than then so not no do does did has have had will would can could may might must should he she they we "
        "you i his her their our your my which who whom what when where there here also"
    ).split()
)
_ENDINGS = ("ing", "ed", "ly", "s")


class Habits(NamedTuple):
    """Count, for a folded word or phrase, how often spun articles were seen to replace it and to keep it."""

    spun: Mapping[str, int]
    kept: Mapping[str, int]

    def odds(self, phrase: str) -> float:
        """Return the log-odds of replacing over keeping; 0 for what was not seen."""
        return math.log((self.spun.get(phrase, 0) + 0.5) / (self.kept.get(phrase, 0) + 0.5))


def read_habits(language: str = "en") -> Habits:
    """Read `habits.csv` of a language: phrase, times replaced, times kept."""
    entry = resources.files("dedupe") / "lexicon" / language / "habits.csv"
    rows = list(csv.DictReader(entry.read_text(encoding="utf-8").splitlines())) if entry.is_file() else []
    return Habits({r["phrase"]: int(r["spun"]) for r in rows}, {r["phrase"]: int(r["kept"]) for r in rows})


@dataclass(frozen=True)
class PhraseTable:
    """Hold the lexicon by variant: pairs `row[v]:row[v + 1]` are the originals of variant `v`.

    `features` has one row a pair, shape (pairs, len(PAIR_FEATURES)); `words[word_row[p]:word_row[p + 1]]` are the numbers of the
    original's words; `conditions[p]` is what the pair asks for ("" for nothing but spun text).
    """

    variants: dict[str, int]
    row: NDArray[np.int64]
    originals: list[str]
    folded: list[str]
    conditions: list[str]
    features: NDArray[np.float32]
    vocabulary: Vocabulary
    longest: dict[str, int] = field(default_factory=dict)
    special: dict[int, set[str]] = field(default_factory=dict)
    """The conditions of the variants that have pairs with any."""

    @cached_property
    def known_words(self) -> frozenset[str]:
        """The words that stand in any variant."""
        return frozenset(word for variant in self.variants for word in variant.split(" "))

    def __post_init__(self) -> None:
        owner = np.repeat(np.arange(len(self.variants)), np.diff(self.row)).tolist()
        for pair, condition in enumerate(self.conditions):
            if condition:
                self.special.setdefault(owner[pair], set()).add(condition)
        for variant in self.variants:
            first, _, rest = variant.partition(" ")
            self.longest[first] = max(self.longest.get(first, 0), 1 + rest.count(" ") + (1 if rest else 0))


def _ending(word: str) -> str:
    return next((e for e in _ENDINGS if word.endswith(e) and len(word) > len(e) + 2), "")


def _phrase(text: str) -> tuple[str, ...]:
    return tuple(word.folded for word in read_words(text))


def build_table(pairs: Sequence[Pair], vocabulary: Vocabulary, habits: Habits) -> PhraseTable:
    """Arrange a lexicon by variant and describe every pair.

    The language model's probability of a phrase stands for its frequency in honest text; a pair's share in producing its variant
    is taken as that of its original over one plus the variant's rank.
    """
    by_variant: dict[tuple[str, ...], dict[tuple[str, ...], list[Pair]]] = defaultdict(dict)
    phrases: dict[str, tuple[str, ...]] = {}
    for pair in pairs:
        for text in (pair.original, pair.variant):
            if text not in phrases:
                phrases[text] = _phrase(text)
        variant, original = phrases[pair.variant], phrases[pair.original]
        if variant and original and variant != original:
            by_variant[variant].setdefault(original, []).append(pair)
    names = {
        " ".join(phrases[pair.original]): pair.original
        for pair in pairs
        if pair.source.startswith("names")
        and " " in pair.original
        and all(w[0].isupper() or w in _FUNCTION_WORDS for w in pair.original.split())
    }
    vocabulary.learn({word for phrase in phrases.values() for word in phrase})
    originals = {original for found in by_variant.values() for original in found}
    known = list({*by_variant, *originals})
    chance = dict(zip(known, phrase_scores(known, vocabulary), strict=True))
    single = {phrase: vocabulary.unigram(n for word in phrase for n in vocabulary.of(word)) for phrase in known}
    length = {phrase: sum(len(vocabulary.of(word)) for word in phrase) for phrase in known}
    capitals = {text: sum(map(str.isupper, text)) for text in phrases}
    row, texts, folded, conditions, features = [0], [], [], [], []
    for variant, found in by_variant.items():
        ranks = {original: min(pair.rank for pair in rows) for original, rows in found.items()}
        rate = math.log(sum(math.exp(chance[o]) / (2 + rank) for o, rank in ranks.items()) + 1e-12)
        shared = {
            "fan": math.log(len(found)),
            "long_variant": len(variant) > 1,
            "variant_is_original": variant in originals,
            "function_words": all(word in _FUNCTION_WORDS for word in variant),
            "expected": max(-6.0, min(6.0, rate - chance[variant])),
            "variant_frequency": single[variant] / len(variant),
            "digit": variant[0][0].isdigit(),
            "habit_variant": habits.odds(" ".join(variant)),
        }
        for original, rows in found.items():
            name = " ".join(original)
            sources = {pair.source for pair in rows}
            ends = _ending(variant[-1]), _ending(original[-1])
            values = shared | {
                "bias": 1,
                "rank": math.log1p(ranks[original]),
                "seen": any(pair.basis == "seen" for pair in rows),
                "seen_widely": max(len(pair.groups) for pair in rows) > 1,
                "phrases": any(source.startswith("phrases") for source in sources),
                "names": any(source.startswith(("domain", "names")) for source in sources),
                "later": all("_more" in source for source in sources),
                "tables": len(rows) > 1,
                "signal": any(pair.condition == "signal" for pair in rows),
                "length": length[original] - length[variant],
                "rarity": single[original] - single[variant],
                "endings": 1 if ends[0] and ends[0] == ends[1] else -1 if ends[0] != ends[1] else 0,
                "original_frequency": single[original] / len(original),
                "drops_words": set(original) < set(variant),
                "adds_words": set(variant) < set(original),
                "mutual": variant in by_variant.get(original, {}),
                "habit_original": habits.odds(name),
            }
            # The spelling with the fewest capitals: phrases written as headlines are phrases all the same, names are not.
            fewest = min((pair.original for pair in rows), key=lambda text: (capitals[text], text))
            texts.append(names.get(name, fewest))
            folded.append(name)
            asked = {pair.condition for pair in rows} - {"spun", "context", "always", "signal"}
            conditions.append(min(asked) if asked and all(pair.condition in asked for pair in rows) else "")
            features.append([values[key] for key in PAIR_FEATURES])
        row.append(len(texts))
    return PhraseTable(
        {" ".join(variant): i for i, variant in enumerate(by_variant)},
        np.array(row, np.int64),
        texts,
        folded,
        conditions,
        np.array(features, np.float32).reshape(-1, len(PAIR_FEATURES)),
        vocabulary,
    )


def phrase_scores(phrases: Sequence[tuple[str, ...]], vocabulary: Vocabulary) -> list[float]:
    """Return the log-probability of each phrase, standing anywhere, under the language model."""
    numbers = [[n for word in phrase for n in vocabulary.of(word)] for phrase in phrases]
    starts = np.cumsum([0, *map(len, numbers)]).astype(np.int64)
    flat = np.array([n for phrase in numbers for n in phrase], np.int64)
    unknown = vocabulary.of("\0unknown")[0]
    context = np.array([[unknown, unknown, -1, -1]], np.int64)
    scores = np.zeros(len(phrases))
    rescore(np.zeros(len(phrases), np.int64), context, starts, flat, *vocabulary.arrays(), scores)
    return [float(score) for score in scores]


def load_table(model: LanguageModel, language: str = "en") -> PhraseTable:
    """Return the table of a language's whole lexicon, from the cache where it was built before (which takes some seconds)."""
    habits = read_habits(language)
    vocabulary = Vocabulary(model)
    stamp = json.dumps(
        [_BUILD, lexicon_version(language), model.version, sorted(habits.spun.items()), sorted(habits.kept.items())]
    )

    def build() -> list[NDArray[np.generic]]:
        table = build_table(read_lexicon(language), vocabulary, habits)
        texts = ["\n".join(getattr(table, name)) for name in _TEXTS]
        texts.append(json.dumps(table.vocabulary.extra))
        return [table.row, table.features, *(np.frombuffer(text.encode(), np.uint8).copy() for text in texts)]

    row, features, *stored = cached_arrays(f"spin-table-{hashlib.sha256(stamp.encode()).hexdigest()[:16]}", build)
    *texts, extra = (array.tobytes().decode() for array in stored)
    variants, originals, folded, conditions = (text.split("\n") for text in texts)
    vocabulary.add(json.loads(extra))
    places = {variant: i for i, variant in enumerate(variants)}
    return PhraseTable(places, row, originals, folded, conditions, features, vocabulary)
