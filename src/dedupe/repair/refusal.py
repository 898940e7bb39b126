"""Edits that a person refused: how one is found again in a later run, and the ledger without it.

An edit is remembered by what stood in its place before any repair, and around it: rules and models change from version to version
and their edits with them, but that wording is the article's own. A place that a person wants kept is kept from every rule of the
same kind, so that what the language model may not do another copy of the article does not do instead.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from dedupe.repair.ledger import Draft, Edit, restore

# Code points remembered on either side of a place; and how many must be there again for it to be the place, since a corrected
# article may differ close by. Two sentences of one article seldom share 16 characters around the same word.
_AROUND, _ENOUGH = 40, 16


class Place(NamedTuple):
    """Point at a place in a field as it was before any repair: code points `start:end`, what stands there and around it."""

    start: int
    end: int
    source: str
    left: str
    right: str


class Refusal(NamedTuple):
    """Name an edit that is not to be made: the field, the rule that made it, and its place as `Place` describes it."""

    field: str
    rule: str
    source: str
    left: str
    right: str


def place_of(value: str, edits: Iterable[Edit | dict[str, Any]], seq: int) -> Place:
    """Return the place of edit `seq` in the field as it was before any repair. `value`: the field as it stands now."""
    rows = [edit if isinstance(edit, Edit) else Edit(**{name: edit[name] for name in Edit._fields}) for edit in edits]
    field = next(edit.field for edit in rows if edit.seq == seq)
    own = sorted((edit for edit in rows if edit.field == field), key=lambda edit: edit.seq)
    decoded = restore(value, own, field)
    start, end = _decoded_range(own, next(at for at, edit in enumerate(own) if edit.seq == seq))
    return Place(start, end, decoded[start:end], decoded[max(0, start - _AROUND) : start], decoded[end : end + _AROUND])


def without_refused(draft: Draft, refusals: Sequence[Refusal]) -> tuple[Draft, list[bool]]:
    """Return the draft as it would be had the refused edits never been made, and which refusals found their place.

    The other edits are made again, in their order. One that changed what a refused edit had written goes with it, unless it took
    the whole passage out. Raises ValueError where a ledger does not fit its field.
    """
    found = [False] * len(refusals)
    kept: list[tuple[int, Edit]] = [(edit.seq, edit) for edit in draft.edits]
    values = dict(draft.fields)
    for field in sorted({refusal.field for refusal in refusals} & set(values)):
        own = sorted((edit for edit in draft.edits if edit.field == field), key=lambda edit: edit.seq)
        decoded = restore(values[field] or "", own, field)
        places = []
        for number, refusal in enumerate(refusals):
            place = _find(decoded, refusal) if refusal.field == field else None
            if place is not None:
                found[number] = True
                places.append((*place, _family(refusal.rule)))
        refused = {at for at, edit in enumerate(own) if places and _is_refused(_decoded_range(own, at), edit.rule, places)}
        if refused:
            values[field], made = _made_again(decoded, own, refused)
            kept = [(seq, edit) for seq, edit in kept if edit.field != field] + made
    edits = [edit._replace(seq=seq) for seq, (_, edit) in enumerate(sorted(kept, key=lambda one: one[0]))]
    result = Draft(values.pop("text") or "", edits, **values)
    result.credits = draft.credits
    return result, found


def _family(rule: str) -> str:
    # Encoding and characters; lines and marks that are taken out, whichever rule does it; the wording of spun text.
    return {"R0": "characters", "R4": "wording"}.get(rule[:2], "lines")


def _is_refused(own: tuple[int, int], rule: str, places: Sequence[tuple[int, int, str]]) -> bool:
    start, end = own
    for first, last, family in places:
        if family != _family(rule):
            continue
        if start == end or first == last:
            if (start, end) == (first, last) or first < start == end < last or start < first == last < end:
                return True
        elif max(start, first) < min(end, last):
            return True
    return False


def _decoded_range(edits: Sequence[Edit], at: int) -> tuple[int, int]:
    # Back through the edits before it, last first: where its place lay before each of them.
    start, end = edits[at].start, edits[at].end
    for edit in reversed(edits[:at]):
        stop, grown = edit.start + len(edit.after), len(edit.before) - len(edit.after)
        # What was taken out at an edge of the place lies outside it; what lies within is covered.
        start = start + grown if start >= stop else min(start, edit.start)
        end = end if end <= edit.start else end + grown if end >= stop else edit.start + len(edit.before)
    return min(start, end), end


def _find(decoded: str, refusal: Refusal) -> tuple[int, int] | None:
    source, left, right = refusal.source, refusal.left, refusal.right
    best, best_score = None, min(_ENOUGH, len(left) + len(right)) - 1
    for start in _starts(decoded, source, left, right):
        end = start + len(source)
        score = _shared_suffix(decoded[max(0, start - _AROUND) : start], left) + _shared_prefix(
            decoded[end : end + _AROUND], right
        )
        if score > best_score:
            best, best_score = (start, end), score
    return best


def _starts(decoded: str, source: str, left: str, right: str) -> list[int]:
    # Where nothing stood, the place is found by what stands beside it.
    if source:
        return _occurrences(decoded, source)
    before, after = left[-_ENOUGH:], right[:_ENOUGH]
    beside = [at + len(before) for at in _occurrences(decoded, before)] + _occurrences(decoded, after)
    return sorted({*beside, 0, len(decoded)})


def _occurrences(decoded: str, wanted: str) -> list[int]:
    found, at = [], decoded.find(wanted) if wanted else -1
    while at >= 0:
        found.append(at)
        at = decoded.find(wanted, at + 1)
    return found


def _shared_prefix(one: str, other: str) -> int:
    return next((at for at, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), min(len(one), len(other)))


def _shared_suffix(one: str, other: str) -> int:
    return _shared_prefix(one[::-1], other[::-1])


class _Apart(NamedTuple):
    # Where the texts with and without the refused edit differ: `start:end` of the former; in the latter it is so much longer.
    start: int
    end: int
    longer: int


def _made_again(decoded: str, edits: Sequence[Edit], refused: set[int]) -> tuple[str, list[tuple[int, Edit]]]:
    value, made = decoded, []
    apart: list[_Apart] = []
    for at, edit in enumerate(edits):
        start, end, grown = edit.start, edit.end, len(edit.after) - (edit.end - edit.start)
        touched = [one for one in apart if _touches(start, end, one)]
        before = [one for one in apart if one not in touched and one.end <= start]
        behind = [one for one in apart if one not in touched and one.end > start]
        shift, within = sum(one.longer for one in before), sum(one.longer for one in touched)
        taken_out = not edit.after and all(start <= one.start and one.end <= end for one in touched)
        if at in refused or (touched and not taken_out):
            low, high = min([start, *(one.start for one in touched)]), max([end, *(one.end for one in touched)])
            here = [_Apart(low, high + grown, within - grown)]
        else:
            here = []
            first, last = start + shift, end + shift + within
            made.append((edit.seq, edit._replace(start=first, end=last, before=value[first:last])))
            value = value[:first] + edit.after + value[last:]
        apart = [*before, *here, *(_Apart(one.start + grown, one.end + grown, one.longer) for one in behind)]
    return value, made


def _touches(start: int, end: int, one: _Apart) -> bool:
    if start == end or one.start == one.end:
        return one.start < start == end < one.end or start < one.start == one.end < end
    return max(start, one.start) < min(end, one.end)
