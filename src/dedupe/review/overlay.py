"""A repaired text with its ledger laid over it: what stands there now, and what stood there before."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, NamedTuple


class Piece(NamedTuple):
    """Hold a stretch of the repaired text; `before` and `edits` where it was repaired, `before` None where it was not.

    `text` is empty where something was taken out. `edits` are the numbers in the ledger, `rules` their codes.
    """

    text: str
    before: str | None = None
    rules: tuple[str, ...] = ()
    edits: tuple[int, ...] = ()


def overlay(decoded: str, edits: Iterable[dict[str, Any]]) -> list[Piece]:
    """Carry out a ledger on the text as it was decoded, keeping beside each repair what stood there.

    `edits`: rows of edits.parquet for the field, in order of `seq`. Joined, the pieces' texts are the repaired text. A repair
    that touches an earlier one becomes one piece with it. Raises ValueError where the ledger does not fit.
    """
    pieces = [Piece(decoded)] if decoded else []
    # A rule enters its edits from the last to the first, so the next is near the one before: hundreds of edits of a spun article
    # take time by their number, not by its square.
    first, begin = 0, 0
    for edit in edits:
        start, end = int(edit["start"]), int(edit["end"])
        while first and begin >= start:
            first -= 1
            begin -= len(pieces[first].text)
        while first < len(pieces) and (stop := begin + len(pieces[first].text)) < start:
            first, begin = first + 1, stop
        past, stop = first, begin
        while past < len(pieces) and stop <= end:
            past, stop = past + 1, stop + len(pieces[past].text)
        pieces[first:past] = _carried_out(pieces[first:past], begin, edit)
    return pieces


def _carried_out(pieces: list[Piece], begin: int, edit: dict[str, Any]) -> list[Piece]:
    """Return the pieces from character `begin` on with an edit carried out that touches none before them and none behind."""
    start, end = int(edit["start"]), int(edit["end"])
    left: list[Piece] = []
    right: list[Piece] = []
    touched: list[Piece] = []
    at = begin
    for piece in pieces:
        stop = at + len(piece.text)
        if stop <= start and (stop < start or piece.text):
            left.append(piece)
        elif at >= end and (at > end or piece.text):
            right.append(piece)
        elif piece.before is None:
            cut, rest = max(start - at, 0), min(end, stop) - at
            left += [Piece(piece.text[:cut])] if cut else []
            touched += [Piece(piece.text[cut:rest])] if rest > cut else []
            right += [Piece(piece.text[rest:])] if at + rest < stop else []
        elif start == end or piece.text or start < at < end:
            touched.append(piece)
        else:
            # What was taken out at the very edge of this repair stays a repair of its own.
            (left if at == start else right).append(piece)
        at = stop
    if at < end:
        raise ValueError(f"edit {edit['seq']} is beyond the text")
    return [*left, _joined(touched, edit, start, begin + sum(len(piece.text) for piece in left)), *right]


def _joined(touched: list[Piece], edit: dict[str, Any], start: int, begin: int) -> Piece:
    # Of an earlier repair that reaches out of this one, what it left outside stays as it is.
    whole = "".join(piece.text for piece in touched)
    lead, stop = start - begin, int(edit["end"]) - begin
    if whole[lead:stop] != edit["before"]:
        raise ValueError(f"edit {edit['seq']} ({edit['rule']}) does not fit this text")
    return Piece(
        whole[:lead] + edit["after"] + whole[stop:],
        "".join(piece.text if piece.before is None else piece.before for piece in touched),
        (*dict.fromkeys([*(rule for piece in touched for rule in piece.rules), str(edit["rule"])]),),
        (*(number for piece in touched for number in piece.edits), int(edit["seq"])),
    )
