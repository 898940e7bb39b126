"""Where the edits of an article stand in its repaired text, so that a passage can show what was there before."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

Part = tuple[str, str]  # "same", "gone" (stood there), "put" (stands there now) or "more" (left out), and its text

_TO_A_WORD = 30


class Mark(NamedTuple):
    """Say that `start:end` of the repaired text stands where `before` stood, by these rules."""

    start: int
    end: int
    before: str
    rules: frozenset[str]


class _Open(NamedTuple):
    # A mark while edits are still being undone: its place in the repaired text, and in the text as it is undone so far.
    start: int
    end: int
    begin: int
    stop: int
    rules: frozenset[str]


def marks_of(text: str, edits: Iterable[dict[str, Any]]) -> list[Mark]:
    """Return where the edits of one article's text stand in the repaired text, in order of place.

    Undoes them last first, as `restore` does; edits that touch what a later one has changed become one mark with it. Putting
    every `before` in its place gives the decoded text. Raises ValueError where an edit does not fit the text.
    """
    undone, marks = text, list[_Open]()
    for edit in sorted((edit for edit in edits if edit["field"] == "text"), key=lambda edit: -int(edit["seq"])):
        begin, stop = edit["start"], edit["start"] + len(edit["after"])
        if undone[begin:stop] != edit["after"]:
            raise ValueError(f"edit {edit['seq']} ({edit['rule']}) does not fit this text")
        grown = len(edit["before"]) - len(edit["after"])
        left = [mark for mark in marks if mark.stop <= begin and mark.begin < begin]
        right = [mark for mark in marks[len(left) :] if mark.begin >= stop]
        inside = marks[len(left) : len(marks) - len(right)]
        first, last = min([begin, *(mark.begin for mark in inside)]), max([stop, *(mark.stop for mark in inside)])
        moved = sum(mark.stop - mark.begin - (mark.end - mark.start) for mark in left)
        wider = sum(mark.stop - mark.begin - (mark.end - mark.start) for mark in inside)
        whole = _Open(
            first - moved,
            last - moved - wider,
            first,
            last + grown,
            frozenset({edit["rule"]}).union(*(mark.rules for mark in inside)),
        )
        undone = undone[:begin] + edit["before"] + undone[stop:]
        marks = [*left, whole, *(mark._replace(begin=mark.begin + grown, stop=mark.stop + grown) for mark in right)]
    return [Mark(mark.start, mark.end, undone[mark.begin : mark.stop], mark.rules) for mark in marks]


def densest(marks: list[Mark], width: int) -> int:
    """Return the start of the window of `width` code points in which most marks begin, the first of equals."""
    best, start, first = 0, 0, 0
    for last, mark in enumerate(marks):
        while mark.start - marks[first].start > width:
            first += 1
        if last - first + 1 > best:
            best, start = last - first + 1, marks[first].start
    return start


def passage(text: str, marks: list[Mark], start: int, stop: int) -> list[Part]:
    """Return a passage of the repaired text, widened or narrowed to whole words, with what stood there before."""
    touched = [mark for mark in marks if mark.start >= start and mark.end <= stop]
    start, stop = _word_after(text, start, touched), _word_before(text, stop, touched)
    return list(_parts(text, touched, start, stop))


def _word_after(text: str, start: int, marks: list[Mark]) -> int:
    if start <= 0:
        return 0
    space = text.find(" ", start, start + _TO_A_WORD)
    return start if space < 0 or any(mark.start <= space for mark in marks) else space + 1


def _word_before(text: str, stop: int, marks: list[Mark]) -> int:
    if stop >= len(text):
        return len(text)
    space = text.rfind(" ", max(0, stop - _TO_A_WORD), stop)
    return stop if space < 0 or any(mark.end > space for mark in marks) else space


def _parts(text: str, marks: list[Mark], start: int, stop: int) -> Iterator[Part]:
    if start > 0:
        yield "more", "… "
    for mark in marks:
        if mark.start > start:
            yield "same", text[start : mark.start]
        if mark.before:
            yield "gone", mark.before
        if mark.end > mark.start:
            yield "put", text[mark.start : mark.end]
        start = mark.end
    if stop > start:
        yield "same", text[start:stop]
    if stop < len(text):
        yield "more", " …"
