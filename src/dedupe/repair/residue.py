"""Take out the lines that are residue wherever they stand, and the agencies that they credit into a column.

The screen fires exactly where a line begins or ends with a word of a family, which is also the only way for a family to be
tried: so it cannot miss what the rules would change.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cache, lru_cache

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from dedupe.repair.line_keys import LineKeys, build_keys, find_lines, screen_lines
from dedupe.repair.line_removal import Found
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

_ORNAMENT = " \t\r\xa0*•·|»>«[](){}_~#=–—-▶►→‣"
_ALNUM = re.compile(r"[^\W_]")  # as str.isalnum
_TRAILING_LENGTH = 130  # the longest trailing credit, a blank and what stands before it
_ALL = (CREDIT, *FAMILIES, TRAILING)


@cache
def _keys() -> LineKeys:
    return build_keys((key, family.limit, i) for i, family in enumerate(_ALL) for key in family.keys)


# The codes of the rules in order, and the number of each.
CODES = sorted({family.code for family in _ALL})
_NUMBER = {code: number for number, code in enumerate(CODES)}


class Suspects:
    """Hold what the rules say of each line of a column that the screen found.

    `found`: what goes, with rules that are places in `CODES`. `credits`: the agencies that lines and datelines of a text name, by
    row, in order.
    """

    def __init__(self, column: pa.StringArray, disabled: frozenset[str] = frozenset()) -> None:
        going: list[tuple[int, int, int, bool, int]] = []
        named = {row: list(_dateline_credits(column[row].as_py())) for row in np.flatnonzero(_has_dateline(column)).tolist()}
        for row, begin, end, askers, line in find_lines(column, _keys()):
            judge = _judge_again if len(line) <= _SHORT else _judge
            code, first, last, credited = judge(line, askers, disabled)
            if code == TRAILING_CODE:
                begin, end = begin + len(line[:first].encode()), begin + len(line[:last].encode())
            if code:
                going.append((row, begin, end, code != TRAILING_CODE, _NUMBER[code]))
            if credited:
                named.setdefault(row, []).extend(credited)
        rows, begins, ends, whole, rules = np.array(going, np.int64).reshape(-1, 5).T.copy()
        self.found = Found(rows, np.stack([begins, ends], axis=1), whole == 1, rules)
        self.credits = {row: list(dict.fromkeys(names)) for row, names in sorted(named.items()) if names}


def screen(column: pa.StringArray) -> NDArray[np.bool_]:
    """Say for each text whether a rule may take something out of it or credit an agency (6 µs an article of 5.9 KB).

    It fires on all that a rule could match and on little else; only these articles need go through Python.
    """
    fired: NDArray[np.bool_] = screen_lines(column, _keys()) | _has_dateline(column)
    return fired


def _has_dateline(column: pa.StringArray) -> NDArray[np.bool_]:
    found: NDArray[np.bool_] = pc.match_substring_regex(column, DATELINE).fill_null(False).to_numpy(zero_copy_only=False)
    return found


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
