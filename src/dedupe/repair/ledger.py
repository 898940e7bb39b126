"""The ledger: every change to an article's text, in a form that restores the original exactly."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import pairwise
from typing import Any, NamedTuple

# A text of nothing but defects (10 MB of carriage returns) would otherwise take a ledger row for each, and quadratic
# time to undo.
MAX_EDITS_OF_A_RULE = 256

# How far `differences` looks for the next characters that both texts share.
_ANCHOR, _REMOVED, _INSERTED = 4, 96, 32


class Edit(NamedTuple):
    """Record one replacement: `before` stood at `start:end` of the field after the edit before it; now `after` does.

    Offsets are code points, as Python slices count them. `field` is the column that was changed.
    """

    seq: int
    field: str
    rule: str
    start: int
    end: int
    before: str
    after: str
    confidence: float
    evidence: str


class Replacement(NamedTuple):
    """Say what a rule wants to put in place of `start:end` of the text as the rule saw it."""

    start: int
    end: int
    after: str
    confidence: float = 1.0
    evidence: str = ""


class Draft:
    """Hold one article while rules change it, and write down each change as it is made."""

    __slots__ = ("credits", "edits", "fields")

    def __init__(self, text: str, edits: Iterable[Edit] = (), **fields: str | None) -> None:
        self.fields: dict[str, str | None] = {"text": text, **fields}
        self.edits: list[Edit] = list(edits)
        self.credits: list[str] = []

    @property
    def text(self) -> str:
        """The text as it stands now."""
        return self.fields["text"] or ""

    def replace(self, rule: str, replacements: Sequence[Replacement], field: str = "text") -> None:
        """Apply the replacements of one rule, given in order and without overlap, and enter each in the ledger.

        They are entered from the last to the first, so that every offset is the one that the rule saw. Where there are
        more than `MAX_EDITS_OF_A_RULE`, nearest neighbours are joined. Raises ValueError for replacements out of order
        or beyond the text, before anything is changed.
        """
        value = self.fields[field] or ""
        done = 0
        for replacement in replacements:
            if not done <= replacement.start <= replacement.end <= len(value):
                raise ValueError(f"{rule}: {replacement.start}:{replacement.end} overlaps, or is beyond the text")
            done = replacement.end
        wanted = [r for r in replacements if value[r.start : r.end] != r.after]
        if not wanted:
            return
        after = replaced(value, wanted)
        for start, end, put, confidence, evidence in reversed(_joined(value, wanted)):
            edit = Edit(len(self.edits), field, rule, start, end, value[start:end], put, confidence, evidence)
            self.edits.append(edit)
        self.fields[field] = after


def replaced(value: str, replacements: Iterable[Replacement]) -> str:
    """Return the text with the replacements made, which are in order and do not overlap."""
    pieces, done = [], 0
    for replacement in replacements:
        pieces += [value[done : replacement.start], replacement.after]
        done = replacement.end
    return "".join([*pieces, value[done:]])


def differences(
    before: str, after: str, start: int = 0, most: int = 2_000, confidence: float = 1.0, evidence: str = ""
) -> list[Replacement]:
    """Return replacements, small where the texts allow, that turn `before`, which stands at `start`, into `after`.

    For tools that hand back a whole changed text. One pass: at each difference the nearest characters that both share
    again are looked for in a window; where there are none, or after `most` places, the rest is one replacement. Linear
    in time, where a longest common subsequence is not.
    """
    found: list[Replacement] = []
    i = j = 0
    while len(found) < most:
        shared = _shared(before, i, after, j)
        i, j = i + shared, j + shared
        removed, inserted = _next_anchor(before, i, after, j)
        if removed < 0:
            break
        found.append(Replacement(start + i, start + i + removed, after[j : j + inserted], confidence, evidence))
        i, j = i + removed, j + inserted
    shared = _shared(before, i, after, j)
    i, j = i + shared, j + shared
    if i < len(before) or j < len(after):
        tail = _shared(before[i:][::-1], 0, after[j:][::-1], 0)
        end = len(before) - tail
        found.append(Replacement(start + i, start + end, after[j : len(after) - tail], confidence, evidence))
    return found


def _shared(a: str, i: int, b: str, j: int) -> int:
    """Count the characters from a[i] and b[j] on that are the same, by slices that double and then halve."""
    count, step = 0, 16
    while step:
        piece = a[i + count : i + count + step]
        if piece and piece == b[j + count : j + count + step]:
            if len(piece) < step:
                return count + len(piece)
            count += step
            step *= 2
        else:
            step //= 2
    return count


def _next_anchor(before: str, i: int, after: str, j: int) -> tuple[int, int]:
    best = (-1, -1)
    cost = _REMOVED + _INSERTED
    for inserted in range(_INSERTED):
        anchor = after[j + inserted : j + inserted + _ANCHOR]
        if inserted >= cost or len(anchor) < _ANCHOR:
            break
        at = before.find(anchor, i, i + _REMOVED)
        if at >= 0 and at - i + inserted < cost:
            best, cost = (at - i, inserted), at - i + inserted
    return best


def _joined(value: str, replacements: list[Replacement]) -> list[Replacement]:
    """Join replacements across the narrowest gaps until they are few enough."""
    if len(replacements) <= MAX_EDITS_OF_A_RULE:
        return replacements
    gaps = [after.start - before.end for before, after in pairwise(replacements)]
    # A stable sort, so that equal gaps are cut alike on every machine.
    widest = sorted(range(len(gaps)), key=gaps.__getitem__, reverse=True)[: MAX_EDITS_OF_A_RULE - 1]
    bounds = [0, *(gap + 1 for gap in sorted(widest)), len(replacements)]
    groups = [replacements[first:end] for first, end in pairwise(bounds)]
    return [group[0] if len(group) == 1 else _one(value, group) for group in groups]


def _one(value: str, group: list[Replacement]) -> Replacement:
    start, end = group[0].start, group[-1].end
    after = replaced(value[start:end], (r._replace(start=r.start - start, end=r.end - start) for r in group))
    return Replacement(start, end, after, min(r.confidence for r in group), f"{len(group):,} places joined")


def restore(value: str, edits: Iterable[Edit | dict[str, Any]], field: str = "text") -> str:
    """Undo the edits of one field, last first, which gives back exactly what the field held before any repair.

    Takes `Edit`s or rows of edits.parquet, in any order. Raises ValueError where an edit does not fit the text, since then
    text and ledger are not of the same article and version. What an edit has taken out leaves nothing to compare: it fits every
    text that reaches as far.
    """
    rows = [edit if isinstance(edit, Edit) else Edit(**{name: edit[name] for name in Edit._fields}) for edit in edits]
    for edit in sorted((row for row in rows if row.field == field), key=lambda row: row.seq, reverse=True):
        stop = edit.start + len(edit.after)
        if edit.start > len(value) or value[edit.start : stop] != edit.after:
            raise ValueError(f"edit {edit.seq} ({edit.rule}) does not fit this text")
        value = value[: edit.start] + edit.before + value[stop:]
    return value
