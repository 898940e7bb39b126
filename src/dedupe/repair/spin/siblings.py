"""Siblings decide: where another copy of the same passage is at hand, a spun text takes its wording over any model's."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple

import numpy as np
from numba import njit

from dedupe.repair.ledger import Replacement
from dedupe.repair.spin.table import PhraseTable
from dedupe.repair.spin.words import Word, read_words

# Two copies are the same passage where this share of the words in a window around a difference is alike; a longer difference
# than this many words is no matter of wording.
_WINDOW = 12
_AGREE = 0.4
_LONGEST = 8

_BOTH, _OURS, _THEIRS = range(3)

# Alignment takes time in proportion to the product of the lengths.
_MOST_WORDS = 8_000

_NUMBERS = frozenset(
    (
        "zero two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen "
        "eighteen nineteen twenty thirty forty fifty sixty seventy eighty ninety hundred thousand million billion "
        "trillion dozen half second third"
    ).split()
)
_NEGATIONS = frozenset(
    ("no not never none nothing nobody neither nor without cannot isn't wasn't don't didn't doesn't won't").split()
)


class Sibling(NamedTuple):
    """Hold another copy: its text, whether it passed the gate itself, and a name for the evidence."""

    text: str
    spun: bool
    name: str


def sibling_replacements(text: str, siblings: Sequence[Sibling], table: PhraseTable) -> list[Replacement]:
    """Return what siblings put in place of parts of a spun text, in order; honest siblings go first, then in the order given.

    Words are aligned; where the words around are alike the sibling's wording is taken. An honest sibling is believed on any
    wording, but for numbers, negations and names, which are facts; one that is spun itself only where the lexicon holds its
    wording as an original of ours.
    """
    words = read_words(text)
    if len(words) > _MOST_WORDS:
        return []
    decided = [False] * len(words)
    found: list[Replacement] = []
    for sibling in sorted(siblings, key=lambda s: s.spun):
        theirs = read_words(sibling.text)
        if len(theirs) > _MOST_WORDS:
            continue
        for i, j, k, m in _differences(words, theirs):
            if any(decided[i:j]) or not _is_wording(words[i:j], theirs[k:m], sibling, table):
                continue
            start, end = words[i].start, words[j - 1].end
            after = sibling.text[theirs[k].start : theirs[m - 1].end]
            if "\n" in after or "\n" in text[start:end]:
                continue
            decided[i:j] = [True] * (j - i)
            after = _fit_case(after, text[start:end], words[i], theirs[k])
            kind = "is spun otherwise" if sibling.spun else "is not spun"
            found.append(Replacement(start, end, after, 0.9 if sibling.spun else 0.99, f"so in {sibling.name}, which {kind}"))
    return sorted(found)


def _differences(ours: Sequence[Word], theirs: Sequence[Word]) -> list[tuple[int, int, int, int]]:
    """Return the ranges of words that differ within the same passage, in order and apart; none is empty on either side."""
    blocks = matching_blocks(ours, theirs)
    alike = np.zeros(len(ours) + 1, np.int64)
    for block in blocks:
        alike[block[0] + 1 : block[0] + block[2] + 1] = 1
    alike = np.cumsum(alike)
    found: list[tuple[int, int, int, int]] = []
    done = 0
    for before, after in pairwise(blocks):
        i, j, k, m = before[0] + before[2], after[0], before[1] + before[2], after[1]
        if j - i > _LONGEST or m - k > _LONGEST:
            continue
        low, high = max(0, i - _WINDOW), min(len(ours), j + _WINDOW)
        around = high - low - (j - i)
        if alike[high] - alike[low] < _AGREE * around:
            continue
        if i == j or k == m:
            # Something was only added or dropped: a word that both have beside it belongs to the difference.
            if i > done and _hang_together(ours[i - 1 : j], theirs[k - 1 : m]):
                i, k = i - 1, k - 1
            elif _hang_together(ours[i : j + 1], theirs[k : m + 1]):
                j, m = j + 1, m + 1
            else:
                continue
        found.extend(_by_clause(ours, theirs, i, j, k, m))
        done = j
    return found


def _by_clause(ours: Sequence[Word], theirs: Sequence[Word], i: int, j: int, k: int, m: int) -> list[tuple[int, int, int, int]]:
    """Cut a difference that reaches over punctuation at each mark, where both have as many."""
    cuts = [i, *(at for at in range(i + 1, j) if not ours[at].joined), j]
    others = [k, *(at for at in range(k + 1, m) if not theirs[at].joined), m]
    if len(cuts) != len(others):
        return [(i, j, k, m)]
    return [(*mine, *other) for mine, other in zip(pairwise(cuts), pairwise(others), strict=True)]


def matching_blocks(ours: Sequence[Word], theirs: Sequence[Word]) -> list[tuple[int, int, int]]:
    """Return the runs of words that a global alignment finds alike: place in ours, in theirs, length."""
    numbers: dict[str, int] = {}
    one, other = (np.array([numbers.setdefault(w.folded, len(numbers)) for w in words], np.int32) for words in (ours, theirs))
    steps = np.zeros((len(one) + 1, len(other) + 1), np.uint8)
    _align(one, other, steps)
    blocks: list[tuple[int, int, int]] = []
    i, j = len(one), len(other)
    while i and j:
        step = steps[i, j]
        if step == _BOTH and one[i - 1] == other[j - 1]:
            last = blocks[-1] if blocks else (-1, -1, 0)
            blocks[-1:] = [(i - 1, j - 1, last[2] + 1)] if last[:2] == (i, j) else [*blocks[-1:], (i - 1, j - 1, 1)]
        i -= step != _THEIRS
        j -= step != _OURS
    return blocks[::-1]


@njit(cache=True, nogil=True)
def _align(one, other, steps):  # type: ignore[no-untyped-def]
    # Needleman and Wunsch: 2 for equal words, -1 for any other step. 1,000 words against as many take 3 ms.
    scores = -np.arange(len(other) + 1)
    for i in range(1, len(one) + 1):
        corner = scores[0]
        scores[0] = -i
        for j in range(1, len(other) + 1):
            best = corner + (2 if one[i - 1] == other[j - 1] else -1)
            step = np.uint8(_BOTH)
            if scores[j] - 1 > best:
                best, step = scores[j] - 1, np.uint8(_OURS)
            if scores[j - 1] - 1 > best:
                best, step = scores[j - 1] - 1, np.uint8(_THEIRS)
            corner = scores[j]
            scores[j] = best
            steps[i, j] = step


def _hang_together(ours: Sequence[Word], theirs: Sequence[Word]) -> bool:
    """Tell whether words stand in a row with nothing but spaces between."""
    return all(word.joined for word in (*ours[1:], *theirs[1:]))


def _is_wording(ours: Sequence[Word], theirs: Sequence[Word], sibling: Sibling, table: PhraseTable) -> bool:
    if any(word.protected for word in (*ours, *theirs)):
        return False
    if not _hang_together(ours, theirs):
        return False
    ours_read, theirs_read = " ".join(w.folded for w in ours), " ".join(w.folded for w in theirs)
    variant = table.variants.get(ours_read)
    if variant is not None and theirs_read in table.folded[table.row[variant] : table.row[variant + 1]]:
        return True
    if sibling.spun:
        return False
    mine, other = {w.folded for w in ours}, {w.folded for w in theirs}
    if any(word in _NUMBERS or any(c.isdigit() for c in word) for word in mine ^ other):
        return False
    if bool(mine & _NEGATIONS) != bool(other & _NEGATIONS):
        return False
    # A name is no matter of wording. What the lexicon knows is a word, capital or not.
    raw = sibling.text
    named = any(raw[w.start].isupper() and not w.opens for w in theirs)
    return not named or all(w.folded.removesuffix("'s") in table.known_words for w in ours)


def _fit_case(after: str, before: str, ours: Word, theirs: Word) -> str:
    if ours.opens and before[0].isupper():
        return after[0].upper() + after[1:]
    if theirs.opens and not ours.opens and before[0].islower():
        return after[0].lower() + after[1:]
    return after
