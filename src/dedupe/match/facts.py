"""The fact veto: two texts that are nearly one, and contradict each other in a number, a date or a name.

Only what stands in the same place of both is compared. A fact that one text has in addition contradicts nothing, so a paragraph
more or less, another dateline, other casing and a corrected typo leave two texts what they are: one article. A toll of 12 and one
of 15, or a report filled in anew every day, make two.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import cache

import numpy as np
import pyarrow as pa

from dedupe.gather import distinct
from dedupe.match.relation_facts import SENTENCE_ENDS, Fact, facts_of, title_case, unmatched
from dedupe.match.relation_gaps import Gaps, find_gaps
from dedupe.match.relation_words import FACT_WORDS
from dedupe.tokens import hash_words, string_buffers

TextsOf = Callable[[np.ndarray], pa.Array]

# Pairs are aligned in blocks, so that memory is that of a block.
_BLOCK_PAIRS = 4096

# So many of them are aligned in a thread while the facts of those before them are read.
_ALIGNED_PAIRS = 256

# Up to so many tokens on the longer side, both sides of a gap are the same place filled differently; of whole sentences up to
# fewer. Up to more, they are one sentence in other words if they share this much of them, in percent, and only their numbers are
# compared: names and days come and go with the wording. Beyond, they are different sentences. docs/relations.md has the sweeps.
SHORT_GAP = 12
SHORT_SENTENCE = 3
LONG_GAP = 30
REWORDED = 40

# A gap is the same place in both only where this much, in percent, of the ten words on either side of it is the same, and this
# much of the rest of its line.
KEPT_AROUND = 70
KEPT_OF_LINE = 50

# A headline that is rewritten by more than this share says the same in other words, and its capitals are no names.
_HEADLINE_REWRITTEN = 0.4
_HEADLINE_BYTES = 240

# Where a report comes from: names, days and numbers before a dash, near the top; further down only with an agency or in capitals.
_WORD_OF_PLACE = rb"(?:[A-Z0-9\xc3-\xc5][A-Za-z0-9.'\x80-\xff]*|d[aei]l?|l[ae]s?|of|the|on|am|upon|den|der|het)"
_DATELINE = re.compile(
    rb"\s*(?P<place>[A-Z\xc3-\xc5][^\s(),]*(?:[ ,][ ]?" + _WORD_OF_PLACE + rb"){0,7},?\s*)?(?P<agency>\([^()\n]{2,40}\)\s*)?"
    rb"(?:--+|\xe2\x80[\x93\x94\x95]|-(?=\s)|:(?=\s\xe2\x80))\s*"
)
_DATELINE_TOP = 1000
_DATELINE_BYTES = 100

# Lines that say who made or published an article, and when: no facts of what it reports.
_CREDIT_LINE = re.compile(
    rb"\s*(?:(?i:copyright|\xc2\xa9|\(c\))\b.*"
    rb"|(?i:published|updated|posted|last updated|first published|reporting by|editing by)\b.*[^.\s]\s*"
    rb"|(?i:\(?(?:photo|image|picture|credit)s?\)?(?::| by\b)).*"
    rb"|(?i:by) (?:[A-Z\xc3-\xc5][^\s,]*,? ?|(?:and|of|for|the|de|van|von) ){1,8}\s*)",
    re.DOTALL,
)
_CREDIT_BYTES = 160

# When a page was put up or changed, near its top: not when something happened. "A survey published Monday" is no stamp.
_STAMP = re.compile(
    rb"\b(?:(?:Updated|UPDATED|Posted|POSTED|Published|PUBLISHED|Modified)|GMT|UTC|[ECMP][SD]T|ET|PT|IST|BST|CES?T)\b"
)
_SMALL_STAMP = re.compile(rb"\b(?:updated|posted|published|modified)\b")
_STAMP_BYTES = 300
_STAMP_REACH = 40
_STAMP_LINE = 120
_LINE_BYTES = 4000


@cache
def _fact_hashes() -> np.ndarray:
    return np.sort(hash_words(list(FACT_WORDS)))


def contradictions(a: np.ndarray, b: np.ndarray, texts_of: TextsOf) -> list[str]:
    """Say for each pair `(a[k], b[k])` of rows which fact differs, as `'two-day' against 'six-day'`; empty where none does.

    `texts_of` yields the texts of rows. A pair costs the alignment of what differs in a kernel, some 20 µs, and Python only for
    gaps in which both sides hold a digit, a capital or a word for a number or date.
    """
    said: list[str] = []
    for start in range(0, len(a), _BLOCK_PAIRS):
        one, other = a[start : start + _BLOCK_PAIRS], b[start : start + _BLOCK_PAIRS]
        rows = distinct(np.concatenate([one, other]))
        said += _contradictions(np.searchsorted(rows, one), np.searchsorted(rows, other), texts_of(rows))
    return said


def _contradictions(a: np.ndarray, b: np.ndarray, texts: pa.Array) -> list[str]:
    data, bases = string_buffers(texts)
    said = [""] * len(a)
    # Articles of a farm stand in hundreds of pairs and differ in the same few places, so what is read of each is kept.
    sides: dict[int, _Side] = {}
    for pair, a0, a1, b0, b1, length in _places(a, b, data, bases):
        if said[pair]:
            continue
        left, right = (
            sides.get(row) or sides.setdefault(row, _Side(data[bases[row] : bases[row + 1]].tobytes()))
            for row in (int(a[pair]), int(b[pair]))
        )
        one = left.facts(a0, a1)
        other = right.facts(b0, b1) if one else []
        lines = b"\n" in left.text[a0:a1] or b"\n" in right.text[b0:b1]
        reworded = length > SHORT_GAP
        differing = one and other and unmatched(one, other, left.text, right.text, numbers_only=reworded, lines=lines)
        if differing:
            said[pair] = f"'{differing[0]}' against '{differing[1]}'"
    return said


def _places(a: np.ndarray, b: np.ndarray, data: np.ndarray, bases: np.ndarray) -> Iterator[tuple[int, ...]]:
    # The places that both texts of a pair fill, each in its own way: pair, begin and end in either, and tokens.
    def aligned(start: int) -> Gaps:
        return find_gaps(a[start : start + _ALIGNED_PAIRS], b[start : start + _ALIGNED_PAIRS], data, bases, _fact_hashes())

    starts = range(0, len(a), _ALIGNED_PAIRS)
    with ThreadPoolExecutor(1) as ahead:
        for start, gaps in zip(starts, ahead.map(aligned, starts), strict=True):
            # What is another sentence or another paragraph is left out before Python sees it.
            same = (gaps.kept >= KEPT_AROUND) & (gaps.line >= KEPT_OF_LINE)
            same &= (gaps.length <= np.where(gaps.whole, SHORT_SENTENCE, SHORT_GAP)) | (
                (gaps.length <= LONG_GAP) & (gaps.alike >= REWORDED)
            )
            for pair, *place in zip(*(column[same].tolist() for column in gaps[:6]), strict=True):
                yield start + pair, *place


class _Line:
    """Hold one line of a text, `begin:end`, and what it says about its own facts."""

    def __init__(self, text: bytes, begin: int, end: int) -> None:
        self.begin, self.end = begin, end
        self.is_credit = end - begin < _CREDIT_BYTES and bool(_CREDIT_LINE.fullmatch(text, begin, end))
        self.is_stamp = end - begin < _STAMP_LINE and not text[begin:end].rstrip().endswith(SENTENCE_ENDS)
        dateline = _DATELINE.match(text, begin, min(end, begin + _DATELINE_BYTES))
        stands = dateline and (begin < _DATELINE_TOP or dateline["agency"] or (dateline["place"] or b"a").isupper())
        self.dateline = dateline.end() if dateline and stands else begin
        self._names: bool | None = None

    def has_names(self, text: bytes) -> bool:
        """Tell whether a capital makes a name in this line."""
        if self._names is None:
            self._names = not title_case(text, self.begin, self.end)
        return self._names


class _Side:
    """Hold one text, as bytes, and what has been read of it."""

    def __init__(self, text: bytes) -> None:
        self.text = text
        # The first line that says anything, where more follows it: the headline, if it is short and no sentence.
        begin = len(text) - len(text.lstrip()) if text[:1].isspace() else 0
        self.headline = text.find(b"\n", begin, begin + _HEADLINE_BYTES)
        if self.headline >= 0 and text[begin : self.headline].rstrip().endswith((b".", b"!", b'."', b".\xe2\x80\x9d")):
            self.headline = -1
        self._facts: dict[tuple[int, int], list[Fact]] = {}
        self._lines: dict[tuple[int, int], _Line] = {}

    def facts(self, begin: int, end: int) -> list[Fact]:
        """Return the facts in the bytes `begin:end`, with those parts of the words around them that belong to them."""
        found = self._facts.get((begin, end))
        if found is None:
            found = self._facts[begin, end] = self._read(begin, end)
        return found

    def _read(self, begin: int, end: int) -> list[Fact]:
        text = self.text
        first = text.rfind(b"\n", max(0, begin - _LINE_BYTES), begin) + 1
        stop = text.find(b"\n", end, end + _LINE_BYTES)
        stop = len(text) if stop < 0 else stop
        line = self._lines.get((first, stop)) or self._lines.setdefault((first, stop), _Line(text, first, stop))
        if line.is_credit or end <= line.dateline:
            return []
        if end <= self.headline:
            words = len(text[: self.headline].split())
            if len(text[begin:end].split()) > _HEADLINE_REWRITTEN * words:
                return []
        if begin < _STAMP_BYTES and self._is_stamp(line, begin, end):
            return []
        return facts_of(text, line.begin, max(begin, line.dateline), end, line.end, line.has_names)

    def _is_stamp(self, line: _Line, begin: int, end: int) -> bool:
        low, high = max(0, begin - _STAMP_REACH), end + _STAMP_REACH
        if line.is_stamp:
            return bool(_STAMP.search(self.text, low, high) or _SMALL_STAMP.search(self.text, low, high))
        return bool(_STAMP.search(self.text, max(low, line.begin), min(high, line.end)))
