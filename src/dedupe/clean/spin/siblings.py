"""Siblings decide: where another copy of the same passage is at hand, a spun text takes its wording over any model's."""

from __future__ import annotations

import re
from collections.abc import Sequence
from difflib import SequenceMatcher
from itertools import pairwise
from typing import NamedTuple

from dedupe.clean.ledger import Replacement
from dedupe.clean.spin.table import PhraseTable
from dedupe.clean.spin.words import Word, read_words

# A passage is the same where the two copies have this many words in a row alike on both sides of what differs; the window in which
# they must agree for the most part; and the longest difference that is a matter of wording.
_ANCHOR = 2
_WINDOW = 12
_AGREE = 0.4
_LONGEST = 12

# Alignment takes time in proportion to the product of the lengths.
_MOST_WORDS = 4_000

_NUMBERS = frozenset(
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen eighteen nineteen "
    "twenty thirty forty fifty sixty seventy eighty ninety hundred thousand million billion trillion dozen half first second third "
    "no not never none without".split()
)


class Sibling(NamedTuple):
    """Hold another copy: its text, whether it passed the gate itself, and a name for the evidence."""

    text: str
    spun: bool
    name: str


def sibling_replacements(text: str, siblings: Sequence[Sibling], table: PhraseTable) -> list[Replacement]:
    """Return what siblings put in place of parts of a spun text, in order; honest siblings go first, then in the order given.

    Words are aligned; between two anchors the sibling's wording is taken. An honest sibling is believed on any wording, but for
    numbers, negations and names, which are facts; one that is spun itself only where the lexicon holds its wording as an original of ours.
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
    """Return the ranges of words that differ between anchors of the same passage."""
    matcher = SequenceMatcher(None, [w.folded for w in ours], [w.folded for w in theirs], autojunk=False)
    blocks = [block for block in matcher.get_matching_blocks() if block.size >= _ANCHOR or block.size == 0]
    alike = [False] * len(ours)
    for block in blocks:
        alike[block.a : block.a + block.size] = [True] * block.size
    found = []
    for before, after in pairwise(blocks):
        i, j, k, m = before.a + before.size, after.a, before.b + before.size, after.b
        if not (0 < j - i <= _LONGEST and 0 < m - k <= _LONGEST) or after.size == 0:
            continue
        low, high = max(0, i - _WINDOW), min(len(ours), j + _WINDOW)
        around = high - low - (j - i)
        if around and sum(alike[low:i]) + sum(alike[j:high]) >= _AGREE * around:
            found.extend(_split(ours, theirs, i, j, k, m))
    return found


def _split(ours: Sequence[Word], theirs: Sequence[Word], i: int, j: int, k: int, m: int) -> list[tuple[int, int, int, int]]:
    """Leave out the single words within a difference that both have, so that an edit holds no more than what changes."""
    matcher = SequenceMatcher(None, [w.folded for w in ours[i:j]], [w.folded for w in theirs[k:m]], autojunk=False)
    parts = []
    at, there = 0, 0
    for block in matcher.get_matching_blocks():
        if block.a > at and block.b > there:
            parts.append((i + at, i + block.a, k + there, k + block.b))
        elif block.a > at or block.b > there:
            # Something is only added or dropped: the word beside it belongs to the difference.
            return [(i, j, k, m)]
        at, there = block.a + block.size, block.b + block.size
    return parts


def _is_wording(ours: Sequence[Word], theirs: Sequence[Word], sibling: Sibling, table: PhraseTable) -> bool:
    if any(word.protected for word in (*ours, *theirs)):
        return False
    if not all(word.joined for word in (*ours[1:], *theirs[1:])):
        return False
    ours_read, theirs_read = " ".join(w.folded for w in ours), " ".join(w.folded for w in theirs)
    variant = table.variants.get(ours_read)
    if variant is not None and theirs_read in table.folded[table.row[variant] : table.row[variant + 1]]:
        return True
    if sibling.spun:
        return False
    differing = {w.folded for w in ours} ^ {w.folded for w in theirs}
    if any(word in _NUMBERS or any(c.isdigit() for c in word) for word in differing):
        return False
    # A name is no matter of wording. What the lexicon knows is a word, capital or not.
    raw = sibling.text
    named = any(raw[w.start].isupper() and not w.opens for w in theirs)
    return not named or all(part in table.longest for w in ours for part in re.split(r"['’]", w.folded)[:1])


def _fit_case(after: str, before: str, ours: Word, theirs: Word) -> str:
    if ours.opens and before[0].isupper():
        return after[0].upper() + after[1:]
    if theirs.opens and not ours.opens and before[0].islower():
        return after[0].lower() + after[1:]
    return after
