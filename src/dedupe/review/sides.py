"""Two articles side by side: where they differ, where they were repaired, and the long runs that are equal folded away."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterable
from itertools import pairwise
from operator import itemgetter
from typing import Any, NamedTuple

from dedupe.repair.ledger import restore
from dedupe.repair.rules import RULES
from dedupe.review.catalog import SPUN_RULES
from dedupe.review.diffing import Match, Tokens, matches, tokens
from dedupe.review.overlay import Piece, overlay

# Beyond this an article is not shown: a page of a megabyte in one line is no article, and a browser would crawl.
SHOWN_CHARACTERS = 200_000

# Words left in sight beside what differs, at the beginning of an article, and the fewest that are worth folding.
_CONTEXT, _LEAD, _FOLDED = 14, 40, 24

# How far a fold gives way to the end of a sentence.
_GIVE = 10
_STOPS = frozenset(".!?。！？؟۔…")

# What these rules change shows nothing: line breaks, control characters, marks without width.
_INVISIBLE = frozenset({"R004", "R005", "R006", "R007", "R008", "R009", "R011"})


class Repair(NamedTuple):
    """Describe a repair for the page: what stood there, the names of its rules, its numbers in the ledger, whether it is of spun
    text (which a person can undo by itself)."""

    before: str
    names: str
    edits: tuple[int, ...]
    spun: bool


class Segment(NamedTuple):
    """Hold a stretch of one side: its text, whether the other side has it, and the repair that made it."""

    text: str
    changed: bool
    repair: Repair | None = None


class Row(NamedTuple):
    """Hold a stretch of both sides; `words` where it is equal and folded, 0 where it is in sight."""

    left: list[Segment]
    right: list[Segment]
    words: int
    repairs: int


class Side(NamedTuple):
    """Hold an article prepared for comparison."""

    text: str
    pieces: list[Piece]
    tokens: Tokens
    left_out: int


class Comparison(NamedTuple):
    """Hold two articles side by side: rows, differences, and how many characters at the end of each are not shown."""

    rows: list[Row]
    changes: int
    left_out: tuple[int, int]


def prepare(text: str, edits: Iterable[dict[str, Any]]) -> Side:
    """Prepare an article: its repaired text and the rows of its ledger."""
    own = [edit for edit in edits if edit["field"] == "text"]
    pieces = [_legible(piece) for piece in overlay(restore(text, own), own)] if own else [Piece(text)]
    shown = text[:SHOWN_CHARACTERS]
    return Side(shown, pieces, tokens(shown), len(text) - len(shown))


def _legible(piece: Piece) -> Piece:
    unseen = piece.before is not None and (
        _INVISIBLE.issuperset(piece.rules) or (not piece.before.strip() and not piece.text.strip())
    )
    return Piece(piece.text) if unseen else piece


def compare(left: Side, right: Side) -> Comparison:
    """Lay two articles side by side."""
    same = matches(left.tokens.keys, right.tokens.keys)
    folds = _folds(same, left, right)
    changes = sum(1 for one, other in pairwise(_bounded(same, left, right)) if _gap(one, other))
    cuts_left, cuts_right = _changed(same, left, 0), _changed(same, right, 1)
    rows: list[Row] = []
    a = b = 0
    for fold in [*folds, Match(len(left.tokens.keys), len(right.tokens.keys), 0)]:
        if fold.a > a or fold.b > b or (not fold.size and not rows):
            rows.append(_row(left, right, (a, fold.a), (b, fold.b), cuts_left, cuts_right, 0))
        a, b = fold.a + fold.size, fold.b + fold.size
        if fold.size:
            rows.append(_row(left, right, (fold.a, a), (fold.b, b), cuts_left, cuts_right, fold.size))
    return Comparison(rows, changes, (left.left_out, right.left_out))


def single(side: Side) -> list[Segment]:
    """Return one article alone, with its repairs."""
    return _segments(side, 0, len(side.text), [])


def _bounded(same: list[Match], left: Side, right: Side) -> list[Match]:
    return [Match(0, 0, 0), *same, Match(len(left.tokens.keys), len(right.tokens.keys), 0)]


def _gap(one: Match, other: Match) -> bool:
    return one.a + one.size < other.a or one.b + one.size < other.b


def _folds(same: list[Match], left: Side, right: Side) -> list[Match]:
    # Runs without difference or repair, less what stays in sight at both ends.
    near_left, near_right = _repaired(left), _repaired(right)
    folds = []
    for match in same:
        stops = {at - match.a for at in near_left if match.a <= at < match.a + match.size}
        stops |= {at - match.b for at in near_right if match.b <= at < match.b + match.size}
        for before, after in pairwise([-1, *sorted(stops), match.size]):
            first, end = before + 1, after
            opens = match.a + first == 0
            closes = match.a + end == len(left.tokens.keys)
            begin = _sentence(left, match.a + first + (_LEAD if opens else _CONTEXT), 1) - match.a
            stop = end if closes else _sentence(left, match.a + end - _CONTEXT, -1) - match.a
            if stop - begin >= _FOLDED:
                folds.append(Match(match.a + begin, match.b + begin, stop - begin))
    return folds


def _sentence(side: Side, at: int, step: int) -> int:
    for place in range(at, at + step * _GIVE, step):
        if 0 < place < len(side.tokens.keys) and side.tokens.keys[place - 1] in _STOPS:
            return place
    return at


def _repaired(side: Side) -> list[int]:
    # Tokens that a repair made, or beside which something was taken out.
    found, at = [], 0
    for piece in side.pieces:
        if piece.before is not None:
            found.append(max(min(bisect_right(side.tokens.ends, at), len(side.tokens.ends) - 1), 0))
        at += len(piece.text)
    return found


def _changed(same: list[Match], side: Side, which: int) -> list[tuple[int, int]]:
    # Character ranges that the other side has not.
    ranges = []
    done = 0
    for match in [*same, Match(len(side.tokens.keys), len(side.tokens.keys), 0)]:
        begin = match[which]
        if begin > done:
            ranges.append((side.tokens.starts[done], _word_end(side, begin - 1)))
        done = begin + match.size
    return ranges


def _word_end(side: Side, number: int) -> int:
    start, end = side.tokens.starts[number], side.tokens.ends[number]
    return start + len(side.text[start:end].rstrip())


def _row(
    left: Side,
    right: Side,
    of_left: tuple[int, int],
    of_right: tuple[int, int],
    cuts_left: list[tuple[int, int]],
    cuts_right: list[tuple[int, int]],
    words: int,
) -> Row:
    sides = [
        _segments(side, _end(side, first) if first else 0, _end(side, end), cuts)
        for side, (first, end), cuts in ((left, of_left, cuts_left), (right, of_right, cuts_right))
    ]
    repairs = sum(1 for side in sides for segment in side if segment.repair)
    return Row(sides[0], sides[1], words, repairs)


def _end(side: Side, number: int) -> int:
    return side.tokens.starts[number] if number < len(side.tokens.starts) else len(side.text)


def _segments(side: Side, begin: int, end: int, changed: list[tuple[int, int]]) -> list[Segment]:
    segments = []
    at = 0
    for piece in side.pieces:
        stop = at + len(piece.text)
        last = stop == end == len(side.text)
        inside = begin <= at < end or (not piece.text and last) if not piece.text else at < end and stop > begin
        if inside and piece.before is not None:
            text = side.text[max(at, begin) : min(stop, end)]
            differs = any(first < stop and at < past for first, past in changed)
            segments.append(Segment(text, differs, _repair(piece)))
        elif inside:
            segments += _cut(side.text, max(at, begin), min(stop, end), changed)
        at = stop
    return segments


def _cut(text: str, begin: int, end: int, changed: list[tuple[int, int]]) -> list[Segment]:
    segments = []
    for first, past in changed[bisect_right(changed, begin, key=itemgetter(1)) :]:
        if first >= end:
            break
        if first > begin:
            segments.append(Segment(text[begin:first], False))
        segments.append(Segment(text[max(first, begin) : min(past, end)], True))
        begin = min(past, end)
    if begin < end:
        segments.append(Segment(text[begin:end], False))
    return segments


def _repair(piece: Piece) -> Repair:
    names = ", ".join(RULES[rule].name if rule in RULES else rule for rule in piece.rules)
    spun = any(rule.startswith(SPUN_RULES) for rule in piece.rules)
    before = piece.before or ""
    said = re.sub(r"\n{2,}", "\n", before).strip() or before
    if not piece.text and said != before:
        # What was taken out stood on lines of its own, and is shown so.
        head, tail = before[: len(before) - len(before.lstrip())], before[len(before.rstrip()) :]
        said = "\n" * ("\n" in head) + said + "\n" * ("\n" in tail)
    return Repair(said, names, piece.edits, spun)
