"""The fact veto: two texts that are nearly one, and contradict each other in a number, a date or a name.

Only what stands in the same place of both is compared. A fact that one text has in addition contradicts nothing, so a paragraph
more or less, another dateline, other casing and a corrected typo leave two texts what they are: one article. A toll of 12 and one
of 15, or a report filled in anew every day, make two.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import cache
from itertools import pairwise

import numpy as np
import pyarrow as pa

from dedupe.match.relation_facts import Fact, facts_of, unmatched
from dedupe.match.relation_gaps import Gaps, find_gaps
from dedupe.match.relation_words import FACT_WORDS
from dedupe.tokens import Tokens, hash_words, string_buffers, tokenize

TextsOf = Callable[[np.ndarray], pa.Array]

# Texts are tokenized in blocks of pairs, so that memory is that of a block.
_BLOCK_PAIRS = 4096

# Up to so many tokens on the longer side, both sides of a gap are the same place filled differently. Up to more, they are one
# sentence in other words if they share enough of them, and only their numbers are compared: names and days come and go with
# the wording. Beyond, they are different sentences. See docs/relations.md for the sweeps.
SHORT_GAP = 12
LONG_GAP = 30
REWORDED = 0.4

# A gap is the same place in both only where this much, in percent, of the ten words on either side of it is the same.
KEPT_AROUND = 70

# A headline that is rewritten by more than this share says the same in other words, and its capitals are no names.
_HEADLINE_REWRITTEN = 0.4

_DATELINE = re.compile(
    rb"\s*(?:[A-Z\xc3-\xc5][^\s(),]*(?:[ ,][ ]?[A-Za-z0-9.'\x80-\xff]+){0,7},?\s*)?(?:\([^()\n]{2,40}\)\s*)?"
    rb"(?:--+|\xe2\x80[\x93\x94\x95]|-(?=\s)|:(?=\s\xe2\x80))\s*"
)
# Lines that say who made or published an article, and when: no facts of what it reports.
_CREDIT_LINE = re.compile(
    rb"\s*(?:(?:copyright|\xc2\xa9|\(c\))\b.*"
    rb"|(?:published|updated|posted|last updated|first published|reporting by|editing by)\b.*[^.\s]\s*"
    rb"|\(?(?:photo|image|picture|credit)s?\)?(?::| by\b).*"
    rb"|(?i:by) (?:[A-Z][^\s,]*,? ?|and ){1,8}\s*)",
    re.IGNORECASE | re.DOTALL,
)
_CREDIT_BYTES = 160

# When a page was put up or changed, near its top: not when something happened.
_STAMP = re.compile(rb"\b(?:(?i:updated|posted|published|modified)|GMT|UTC|[ECMP][SD]T|ET|PT|IST|BST|CES?T)\b")
_STAMP_BYTES = 300
_STAMP_REACH = 40
_HEADLINE_BYTES = 240
_LINE_BYTES = 4000


@cache
def _fact_hashes() -> np.ndarray:
    return np.sort(hash_words(list(FACT_WORDS)))


def contradictions(a: np.ndarray, b: np.ndarray, texts_of: TextsOf) -> list[str]:
    """Say for each pair `(a[k], b[k])` of rows which fact differs, as `'two-day' against 'six-day'`; empty where none does.

    `texts_of` yields the texts of rows. A pair costs its tokenization and alignment in kernels, some 0.1 ms, and Python only for
    gaps in which both sides hold a digit, a capital or a word for a number or date.
    """
    said: list[str] = []
    for start in range(0, len(a), _BLOCK_PAIRS):
        one, other = a[start : start + _BLOCK_PAIRS], b[start : start + _BLOCK_PAIRS]
        rows = np.unique(np.concatenate([one, other]))
        said += _contradictions(np.searchsorted(rows, one), np.searchsorted(rows, other), texts_of(rows))
    return said


def _contradictions(a: np.ndarray, b: np.ndarray, texts: pa.Array) -> list[str]:
    data, bases = string_buffers(texts)
    tokens = tokenize(texts)
    gaps = find_gaps(a, b, data, bases, tokens, _fact_hashes())
    said = [""] * len(a)
    bounds = np.searchsorted(gaps.pair, np.arange(len(a) + 1)).tolist()
    for pair, (first, last) in enumerate(pairwise(bounds)):
        if first == last:
            continue
        left = _Side(data, bases, tokens, int(a[pair]))
        right = _Side(data, bases, tokens, int(b[pair]))
        for gap in range(first, last):
            sentence = _gap_contradicts(left, right, gaps, gap)
            if sentence:
                said[pair] = sentence
                break
    return said


class _Side:
    """Hold one text of a pair, as bytes, with the places of its tokens."""

    def __init__(self, data: np.ndarray, bases: np.ndarray, tokens: Tokens, row: int) -> None:
        self.text = data[bases[row] : bases[row + 1]].tobytes()
        span = slice(int(tokens.offsets[row]), int(tokens.offsets[row + 1]))
        self.hashes, self.starts, self.ends = tokens.hashes[span], tokens.starts[span], tokens.ends[span]
        # The first line that says anything, where more follows it: the headline, if it is short and no sentence.
        begin = len(self.text) - len(self.text.lstrip()) if self.text[:1].isspace() else 0
        self.headline = self.text.find(b"\n", begin, begin + _HEADLINE_BYTES)
        if self.headline < 0 or self.text[begin : self.headline].rstrip().endswith((b".", b"!", b'."', b".\xe2\x80\x9d")):
            self.headline = -1

    def facts(self, first: int, last: int) -> list[Fact]:
        """Return the facts among tokens `first:last`, with those parts of the words around them that belong to them."""
        text = self.text
        begin, end = int(self.starts[first]), int(self.ends[last - 1])
        line = text.rfind(b"\n", max(0, begin - _LINE_BYTES), begin) + 1
        stop = text.find(b"\n", end, end + _LINE_BYTES)
        stop = len(text) if stop < 0 else stop
        if stop - line < _CREDIT_BYTES and _CREDIT_LINE.fullmatch(text, line, stop):
            return []
        if begin < self.headline and end <= self.headline:
            words = int(np.searchsorted(self.starts, self.headline))
            if last - first > _HEADLINE_REWRITTEN * words:
                return []
        if begin < _STAMP_BYTES and _STAMP.search(text, max(0, begin - _STAMP_REACH), min(len(text), end + _STAMP_REACH)):
            return []
        dateline = _DATELINE.match(text, line, min(stop, line + 100))
        if dateline and begin < dateline.end():
            if end <= dateline.end():
                return []
            begin = dateline.end()
        return facts_of(text, line, begin, end, stop)


def _gap_contradicts(left: _Side, right: _Side, gaps: Gaps, gap: int) -> str:
    a0, a1, b0, b1 = int(gaps.a0[gap]), int(gaps.a1[gap]), int(gaps.b0[gap]), int(gaps.b1[gap])
    length = max(a1 - a0, b1 - b0)
    if length > LONG_GAP or gaps.kept[gap] < KEPT_AROUND:
        return ""
    if length > SHORT_GAP and not _reworded(left.hashes[a0:a1], right.hashes[b0:b1]):
        return ""
    one = left.facts(a0, a1)
    other = right.facts(b0, b1) if one else []
    if not one or not other:
        return ""
    pair = unmatched(one, other, left.text, right.text, numbers_only=length > SHORT_GAP)
    return f"'{pair[0]}' against '{pair[1]}'" if pair else ""


def _reworded(one: np.ndarray, other: np.ndarray) -> bool:
    words, others = set(one.tolist()), set(other.tolist())
    return len(words & others) >= REWORDED * max(len(words), len(others))
