"""A word diff of two articles, in time that grows with their length: anchors of words that stand once in both, then the gaps."""

from __future__ import annotations

import bisect
import re
import unicodedata
from collections import Counter
from collections.abc import Sequence
from difflib import SequenceMatcher
from itertools import pairwise
from typing import NamedTuple

# Scripts that write no spaces are compared by the character with its marks, as matching does.
_UNSPACED = (
    "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3005-\u3007\u3040-\u30ff"
    "\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"
)
# Marks stay with what they stand on, joiners with what they join: a word is never cut inside a letter.
_MARKS = "\u200c\u200d" + "".join(chr(code) for code in range(0x300, 0x10000) if unicodedata.category(chr(code)).startswith("M"))
_TOKEN = re.compile(rf"[{_UNSPACED}][{_MARKS}]*|(?:[^\W{_UNSPACED}]+[{_MARKS}]*)+|[^\w\s][{_MARKS}]*")

# Typographic and plain quotes and dashes are no difference between two articles.
_ALIKE = str.maketrans("‘’‚‛“”„‟–—‐‑−", "''''\"\"\"\"-----")

# Runs of so many words that stand once in both texts anchor the alignment; in the gaps single words do.
_ANCHORS = (3, 1)

# A gap with so many pairs of words is compared in full (some 10 ms); a larger one without an anchor reads as replaced.
_GAP = 60_000


class Tokens(NamedTuple):
    """Hold the words and signs of a text: where each begins, and what it is compared by.

    `ends`: up to and with the space behind it, so that they cover the text. Two lists and no object for each word: making 10,000
    of those took as long as comparing them.
    """

    starts: list[int]
    ends: list[int]
    keys: list[str]


class Match(NamedTuple):
    """Say that `size` tokens from `a` of the one and from `b` of the other are the same."""

    a: int
    b: int
    size: int


def tokens(text: str) -> Tokens:
    """Cut a text into words and signs; characters of scripts without spaces stand alone."""
    # What is alike is one character for another, so places in the one are places in the other.
    alike = text if text.isascii() else text.translate(_ALIKE)
    starts, keys = [], []
    for match in _TOKEN.finditer(alike):
        starts.append(match.start())
        keys.append(match.group())
    starts[:1] = [0] if starts else []
    return Tokens(starts, [*starts[1:], len(text)] if starts else [], keys)


def matches(one: Sequence[str], other: Sequence[str]) -> list[Match]:
    """Return the stretches that two sequences share, in order, without overlap, each as long as it goes.

    The method of patience diff (Bram Cohen): what stands exactly once in both is matched along the longest increasing run of
    places, and the gaps between are compared in turn. Here runs of three words come first, then single words; what is left is
    compared by difflib where it is small.
    """
    # Numbers for words: a run of three is then one number, and no object that Python's garbage collector goes through.
    numbers: dict[str, int] = {}
    a, b = ([numbers.setdefault(word, len(numbers)) for word in words] for words in (one, other))
    found: list[Match] = []
    waiting = [(0, len(a), 0, len(b), 0)]
    while waiting:
        a0, a1, b0, b1, level = waiting.pop()
        head = 0
        while a0 + head < a1 and b0 + head < b1 and a[a0 + head] == b[b0 + head]:
            head += 1
        if head:
            found.append(Match(a0, b0, head))
        a0, b0 = a0 + head, b0 + head
        tail = 0
        while a1 - tail > a0 and b1 - tail > b0 and a[a1 - tail - 1] == b[b1 - tail - 1]:
            tail += 1
        a1, b1 = a1 - tail, b1 - tail
        if tail:
            found.append(Match(a1, b1, tail))
        if a0 == a1 or b0 == b1:
            continue
        if level == len(_ANCHORS):
            if (a1 - a0) * (b1 - b0) <= _GAP:
                blocks = SequenceMatcher(None, a[a0:a1], b[b0:b1], autojunk=False).get_matching_blocks()
                found += [Match(a0 + block.a, b0 + block.b, block.size) for block in blocks if block.size]
            continue
        anchors = _anchors(_single(a, a0, a1, _ANCHORS[level], len(numbers)), _single(b, b0, b1, _ANCHORS[level], len(numbers)))
        # Ends of the gaps; a gap begins after the first word of its anchor, and the anchor grows from there.
        ends = [(a0, b0), *anchors, (a1, b1)]
        if not anchors:
            waiting.append((a0, a1, b0, b1, level + 1))
            continue
        for (left, down), (right, up) in pairwise(ends):
            waiting.append((left, right, down, up, level + 1 if (left, down) == (a0, b0) else level))
    return _merged(sorted(found))


def _anchors(places_a: dict[int, int], places_b: dict[int, int]) -> list[tuple[int, int]]:
    """Return the places of what stands once in each, increasing in both."""
    pairs = [(place, places_b[run]) for run, place in places_a.items() if run in places_b]
    pairs.sort()
    # Longest increasing run of the second places (patience sorting).
    tops: list[int] = []
    last: list[int] = []
    before = [-1] * len(pairs)
    for number, (_, place) in enumerate(pairs):
        pile = bisect.bisect_left(tops, place)
        if pile == len(tops):
            tops.append(place)
            last.append(number)
        else:
            tops[pile], last[pile] = place, number
        before[number] = last[pile - 1] if pile else -1
    run: list[tuple[int, int]] = []
    at = last[-1] if last else -1
    while at >= 0:
        run.append(pairs[at])
        at = before[at]
    return run[::-1]


def _single(words: Sequence[int], first: int, end: int, width: int, base: int) -> dict[int, int]:
    """Return the runs of `width` numbers below `base` that stand once in a stretch, each as one number, with their places."""
    runs = list(words[first:end])
    for shift in range(1, width):
        runs = [run * base + word for run, word in zip(runs, words[first + shift : end], strict=False)]
    counts = Counter(runs)
    return {run: first + at for at, run in enumerate(runs) if counts[run] == 1}


def _merged(found: list[Match]) -> list[Match]:
    merged: list[Match] = []
    for match in found:
        if merged and merged[-1].a + merged[-1].size == match.a and merged[-1].b + merged[-1].size == match.b:
            merged[-1] = Match(merged[-1].a, merged[-1].b, merged[-1].size + match.size)
        else:
            merged.append(match)
    return merged
