"""The places of a text where a variant of the lexicon stands, and what speaks for each of its originals there."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dedupe.repair.spin.table import PhraseTable
from dedupe.repair.spin.words import Word

# What only the text shows. `article`: a or an before it fits the original (1) or only the variant (-1), since a spinner leaves
# articles as they are; `agreement`: how much better the original fits at the variant's other places in the text.
TEXT_FEATURES = ("article", "capital", "quoted", "repeats", "opens", "agreement")
ARTICLE, CAPITAL, QUOTED, REPEATS, OPENS, AGREEMENT = range(len(TEXT_FEATURES))

_VOWEL = re.compile(r"[aeiou]|hour|honest|heir|honou?r|[fhlmnrsx]\b", re.IGNORECASE)
_NO_VOWEL = re.compile(r"uni(?!n|m)|use|usu|us\b|euro|one\b|once|u\.", re.IGNORECASE)

# Words that a spinner of another kind leaves ("withinside" for "in"), and how many tortured phrases make a text one of science.
_STYLE_B = frozenset({"withinside", "can also additionally", "with the aid of using", "at the identical time"})
_TORTURED = 2


def takes_an(word: str) -> bool:
    """Tell whether the article before a word is `an`, by its spelling."""
    return bool(_VOWEL.match(word)) and not _NO_VOWEL.match(word)


@dataclass
class Sites:
    """Hold the sites of one text: words `start[s]:end[s]` are a variant; its readings are `row[s]:row[s + 1]`.

    Reading `r` puts pair `pair[r]` in place of site `site[r]`; `text_features` has one row a reading, by TEXT_FEATURES.
    """

    start: NDArray[np.int64]
    end: NDArray[np.int64]
    variant: NDArray[np.int64]
    possessive: NDArray[np.bool_]
    row: NDArray[np.int64]
    site: NDArray[np.int64]
    pair: NDArray[np.int64]
    text_features: NDArray[np.float32]


def find_sites(words: Sequence[Word], text: str, table: PhraseTable) -> Sites:
    """Find every variant, overlapping ones too: which of them was put there is for the decoder to say."""
    found = list(_matches(words, table))
    allowed = _allowed_conditions(words, table, [variant for _, _, variant, _ in found])
    repeats = Counter(variant for _, _, variant, _ in found)
    sites: list[tuple[int, int, int, bool]] = []
    row: list[int] = [0]
    site: list[int] = []
    pairs: list[int] = []
    shown: list[tuple[float, ...]] = []
    for i, j, variant, possessive in found:
        first = words[i]
        raw = text[first.start : words[j - 1].end]
        before = words[i - 1].folded if i and first.joined else ""
        capital = raw[0].isupper()
        fixed = (float(capital and not first.opens), float(first.quoted), min(3.0, repeats[variant] - 1), float(first.opens))
        if raw[0].isdigit() and not _is_count(words, j, raw):
            continue
        count = len(pairs)
        articled = before in {"a", "an"}
        suits = articled and takes_an(first.folded) == (before == "an")
        checked = variant in table.special
        for pair in range(int(table.row[variant]), int(table.row[variant + 1])):
            if checked and (condition := table.conditions[pair]) and not _holds(condition, allowed, words, j, raw):
                continue
            article = float(takes_an(table.folded[pair]) == (before == "an")) - float(suits) if articled else 0.0
            pairs.append(pair)
            site.append(len(sites))
            shown.append((article, *fixed, 0.0))
        if len(pairs) > count:
            sites.append((i, j, variant, possessive))
            row.append(len(pairs))
    columns = list(zip(*sites, strict=True)) if sites else [(), (), (), ()]
    return Sites(
        np.array(columns[0], np.int64),
        np.array(columns[1], np.int64),
        np.array(columns[2], np.int64),
        np.array(columns[3], np.bool_),
        np.array(row, np.int64),
        np.array(site, np.int64),
        np.array(pairs, np.int64),
        np.array(shown, np.float32).reshape(-1, len(TEXT_FEATURES)),
    )


def _matches(words: Sequence[Word], table: PhraseTable) -> list[tuple[int, int, int, bool]]:
    found = []
    variants, longest = table.variants, table.longest
    for i, word in enumerate(words):
        if word.protected:
            continue
        reach = longest.get(word.folded, 0)
        if word.possessive:
            reach = max(reach, longest.get(word.folded[:-2], 0))
        key = ""
        for j in range(i, min(len(words), i + reach)):
            here = words[j]
            if j > i and (not here.joined or here.protected):
                break
            full = f"{key} {here.folded}" if key else here.folded
            variant = variants.get(full)
            if variant is not None:
                found.append((i, j + 1, variant, False))
            elif here.possessive:
                variant = variants.get(full[:-2])
                if variant is not None:
                    found.append((i, j + 1, variant, True))
            key = full
    return found


def _is_count(words: Sequence[Word], j: int, raw: str) -> bool:
    # Numbers of two digits survive a spinner; one that no word follows is a score, a date or money.
    if " " in raw:
        return True
    return len(raw) == 1 and j < len(words) and words[j].joined and words[j].folded.isalpha()


def _allowed_conditions(words: Sequence[Word], table: PhraseTable, variants: Sequence[int]) -> frozenset[str]:
    allowed = {"count", "date", "name"}
    asked = [table.special[variant] for variant in set(variants) if variant in table.special]
    if sum(bool(conditions & {"science", "science-echo"}) for conditions in asked) >= _TORTURED:
        allowed |= {"science", "science-echo"}
    if any("style-b" in conditions for conditions in asked):
        text = " ".join(word.folded for word in words)
        if any(sign in text for sign in _STYLE_B):
            allowed.add("style-b")
    return frozenset(allowed)


def _holds(condition: str, allowed: frozenset[str], words: Sequence[Word], j: int, raw: str) -> bool:
    if condition not in allowed:
        return False
    if condition == "name":
        return raw[0].isupper()
    if condition == "date":
        return raw[0].isupper() and j < len(words) and words[j].joined and words[j].folded[0].isdigit()
    return True
