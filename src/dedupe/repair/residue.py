"""Take out the lines that are residue wherever they stand, and the agencies that they credit into a column.

The screen fires exactly where a line begins or ends with a word of a family, which is also the only way for a family to be
tried: so it cannot miss what the rules would change.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from functools import cache, lru_cache
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from dedupe.repair.ledger import Draft, Replacement
from dedupe.repair.line_keys import FoundLines, LineKeys, build_keys, screen_lines
from dedupe.repair.residue_rules import CREDIT, CREDIT_CODE, FAMILIES, TRAILING, TRAILING_CODE, Family

# Canonical names of the agencies, and how lines and datelines name them.
AGENCIES: dict[str, str] = {
    "Associated Press": r"Associated Press|\bAP\b",
    "Reuters": r"Reuters",
    "Agence France-Presse": r"Agence France[- ]Presse|\bAFP\b",
    "dpa": r"\bdpa\b|\bDPA\b|Deutsche Presse-Agentur",
    "PA Media": r"\bPA Media\b|Press Association",
    "Bloomberg": r"\bBloomberg\b",
    "UPI": r"\bUPI\b|United Press International",
    "Xinhua": r"\bXinhua\b",
    "ANSA": r"\bANSA\b",
    "EFE": r"\bEFE\b",
    "Kyodo News": r"\bKyodo\b",
    "TASS": r"\bTASS\b|\bTass\b",
    "CNN Wire": r"\bCNN (?:Newsource|Wire)\b",
    "Canadian Press": r"Canadian Press",
    "Australian Associated Press": r"Australian Associated Press|\bAAP\b",
    "Press Trust of India": r"Press Trust of India|\bPTI\b",
    "Yonhap": r"\bYonhap\b",
    "Interfax": r"\bInterfax\b",
}
_AGENCY = {name: re.compile(pattern) for name, pattern in AGENCIES.items()}
_DATELINE_AGENCY = (
    "Reuters|AP|The Associated Press|AFP|dpa|DPA|Bloomberg|UPI|Xinhua|ANSA|EFE|Kyodo|TASS|Tass|CNN Wire|PTI|Yonhap|Interfax"
)
# "WASHINGTON (Reuters) -", "PARIS, April 3 (AFP) —": a place, an agency in brackets, a dash. RE2 and Python read it alike.
DATELINE = rf"^\s{{0,9}}[^\s()\n\x22][^()\n\x22]{{1,60}}\(({_DATELINE_AGENCY})\)[ \t]{{0,3}}(?:-|–|—)"
_DATELINE = re.compile(DATELINE)
_DATELINE_LENGTH = 80  # the longest blank, place and bracket; few texts have a bracket there

_BREAK = re.compile(r"[ \t\r]*\n(?:[ \t\r]*\n)*")
_ORNAMENT = " \t\r\xa0*•·|»>«[](){}_~#=–—-▶►→‣"
_ALNUM = re.compile(r"[^\W_]")  # as str.isalnum
_TRAILING_LENGTH = 130  # the longest trailing credit, a blank and what stands before it
_ALL = (CREDIT, *FAMILIES, TRAILING)


class Removal(NamedTuple):
    """Name a span of the text that goes, and why."""

    start: int
    end: int
    rule: str
    evidence: str


@cache
def _keys() -> LineKeys:
    return build_keys((key, family.limit, i) for i, family in enumerate(_ALL) for key in family.keys)


class Verdict(NamedTuple):
    """Say that the rule `code` takes `start:end` of the text, and which agencies that line credits."""

    start: int
    end: int
    code: str
    credited: Sequence[str]


class Suspects:
    """Hold what the rules say of each line of a column that the screen found, so that `remove` need not look again."""

    def __init__(self, column: pa.StringArray, disabled: frozenset[str] = frozenset()) -> None:
        self._verdicts: dict[int, list[Verdict]] = {}
        for row, (start, end, askers), line in FoundLines(column, _keys()):
            judge = _judge_again if len(line) <= _SHORT else _judge
            code, first, last, credited = judge(line, askers, disabled)
            if code:
                self._verdicts.setdefault(row, []).append(_verdict(start, end, code, first, last, credited))
        self.rows: set[int] = {*self._verdicts, *np.flatnonzero(_has_dateline(column)).tolist()}

    def verdicts(self, row: int) -> list[Verdict]:
        """Return what goes from the text in that row, in order."""
        return self._verdicts.get(row, [])


def screen(column: pa.StringArray) -> NDArray[np.bool_]:
    """Say for each text whether `remove` may change it or credit an agency (6 µs an article of 5.9 KB).

    It fires on all that a rule could match and on little else; only these articles need go through Python.
    """
    fired: NDArray[np.bool_] = screen_lines(column, _keys()) | _has_dateline(column)
    return fired


def _has_dateline(column: pa.StringArray) -> NDArray[np.bool_]:
    found: NDArray[np.bool_] = pc.match_substring_regex(column, DATELINE).fill_null(False).to_numpy(zero_copy_only=False)
    return found


def remove(draft: Draft, disabled: frozenset[str] = frozenset(), verdicts: Sequence[Verdict] | None = None) -> None:
    """Remove the residue from the draft's text, each line with its line break, and enter it in the ledger.

    `verdicts` are those on this very text, where they are known. A text in which nothing else stands is left as it is: an
    article must not vanish.
    """
    text = draft.text
    if verdicts is None:
        verdicts = Suspects(pa.array([text]), disabled).verdicts(0)
    removals = [Removal(start, end, code, "") for start, end, code, _ in verdicts if code != TRAILING_CODE]
    cuts = [Removal(start, end, code, "") for start, end, code, _ in verdicts if code == TRAILING_CODE]
    remove_lines(draft, removals, cuts)
    credited = [*_dateline_credits(text), *(name for verdict in verdicts for name in verdict.credited)]
    draft.credits += [name for name in dict.fromkeys(credited) if name not in draft.credits]


def _verdict(start: int, end: int, code: str, first: int, last: int, credited: Sequence[str]) -> Verdict:
    return Verdict(start + first, start + last, code, ()) if code == TRAILING_CODE else Verdict(start, end, code, credited)


def _judge(line: str, askers: int, disabled: frozenset[str]) -> tuple[str, int, int, Sequence[str]]:
    """Return the code of the rule for a line (empty where it is text), the span that goes, and the agencies credited."""
    family = _match(line, _asking(askers, disabled))
    if family is not None:
        return family.code, 0, len(line), agencies(line) if family.code == CREDIT_CODE else ()
    if askers >> len(_ALL) - 1 and TRAILING_CODE not in disabled:
        cut = TRAILING.pattern.search(line, max(0, len(line) - _TRAILING_LENGTH))
        if cut:
            return TRAILING_CODE, cut.start(), cut.end(), ()
    return "", 0, 0, ()


# Residue repeats itself: of the lines that the screen finds in newspapers, a third are known by then.
_SHORT = 200
_judge_again = lru_cache(8192)(_judge)


@lru_cache(4096)
def _asking(askers: int, disabled: frozenset[str]) -> list[Family]:
    return [family for i, family in enumerate(_ALL[:-1]) if askers >> i & 1 and family.code not in disabled]


def match_line(line: str) -> Family | None:
    """Return the family that a whole line belongs to by its pattern, or None where it is text."""
    return _match(line, _ALL[:-1])


def _match(line: str, families: Sequence[Family]) -> Family | None:
    if not families:
        return None
    size, core = len(line) if line.isascii() else len(line.encode("utf-8", "surrogatepass")), _core(line)
    for family in families:
        if size <= family.limit and family.pattern.fullmatch(core):
            return family
    return None


@lru_cache(1024)
def agencies(line: str) -> tuple[str, ...]:
    """Return the canonical names of the news agencies that a line names."""
    return tuple(name for name, pattern in _AGENCY.items() if pattern.search(line))


def _dateline_credits(text: str) -> tuple[str, ...]:
    found = _DATELINE.match(text) if "(" in text[:_DATELINE_LENGTH] else None
    return agencies(found[1]) if found else ()


def _core(line: str) -> str:
    core = line.strip(_ORNAMENT)
    if not _ALNUM.search(core):
        return line.strip()
    return " ".join(core.replace("’", "'").split())


def remove_lines(draft: Draft, lines: list[Removal], cuts: Iterable[Removal] = ()) -> None:
    """Remove whole lines (given without their line breaks, in order) and spans within lines from the draft's text.

    Of the line breaks on both sides the larger stays, so that paragraphs remain apart. Does nothing where no
    letter or digit would remain.
    """
    text = draft.text
    spans = sorted([*_with_breaks(text, lines), *cuts])
    if not spans or not _something_remains(text, spans):
        return
    for code in sorted({span.rule for span in spans}):
        gone = [span for span in spans if span.rule == code]
        draft.replace(code, [Replacement(span.start, span.end, "", 1.0, span.evidence) for span in gone])
        if len(gone) == len(spans):
            return
        spans = _moved([span for span in spans if span.rule != code], gone)


def _moved(spans: list[Removal], gone: list[Removal]) -> list[Removal]:
    moved, shift, i = [], 0, 0
    for span in spans:
        while i < len(gone) and gone[i].start < span.start:
            shift += gone[i].end - gone[i].start
            i += 1
        moved.append(Removal(span.start - shift, span.end - shift, span.rule, span.evidence))
    return moved


def _with_breaks(text: str, lines: list[Removal]) -> list[Removal]:
    spans: list[Removal] = []
    block: list[Removal] = []
    for line in lines:
        if block and text[block[-1].end : line.start].strip(" \t\r\n"):
            spans += _block_spans(text, block)
            block = []
        block.append(line)
    return spans + (_block_spans(text, block) if block else [])


def _block_spans(text: str, block: list[Removal]) -> list[Removal]:
    first, last = block[0].start, block[-1].end
    while first and text[first - 1] in " \t\r":
        first -= 1
    before = first
    while before and text[before - 1] in " \t\r\n":
        before -= 1
    # An indent of the first line belongs to no break.
    after = _BREAK.match(text, last)
    stop = after.end() if after else len(text) if not text[last:].strip(" \t\r") else last
    keep_before = before > 0 and stop < len(text) and text.count("\n", before, first) >= text.count("\n", last, stop)
    starts = [first if keep_before or before == 0 else before, *(line.start for line in block[1:])]
    if before == 0:
        starts[0] = 0
    ends = [*starts[1:], stop if keep_before or before == 0 or stop == len(text) else last]
    return [Removal(start, end, *line[2:]) for line, start, end in zip(block, starts, ends, strict=True)]


def _something_remains(text: str, spans: list[Removal]) -> bool:
    done = 0
    for span in spans:
        if _ALNUM.search(text, done, span.start):
            return True
        done = span.end
    return _ALNUM.search(text, done) is not None
