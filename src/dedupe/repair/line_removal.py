"""Take lines out of texts so that paragraphs stay apart and nothing vanishes whole, for a column at once.

What goes with a line: its own line break, and of the breaks on both sides of a block of such lines the smaller.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numba import njit
from numpy.typing import NDArray

from dedupe.repair.ledger import Draft, Replacement
from dedupe.repair.line_keys import code_points
from dedupe.tokens import string_buffers

_ALNUM = re.compile(r"[^\W_]")  # as str.isalnum


class Removal(NamedTuple):
    """Name a line of a text, by code points and without its line break, that goes, and why."""

    start: int
    end: int
    rule: str
    evidence: str


class Found(NamedTuple):
    """Hold what goes from the texts of a column, in order.

    `rows`: (n,) the text. `spans`: (n, 2) bytes of the column's data. `whole`: (n,) whether that is a line, or a part
    of one. `rules`: (n,) numbers of rules, as which their codes sort.
    """

    rows: NDArray[np.int64]
    spans: NDArray[np.int64]
    whole: NDArray[np.bool_]
    rules: NDArray[np.int64]


class Stretches(NamedTuple):
    """Hold what is taken out, in order: (n,) rows and rules, (n, 2) bytes of the column's data as `spans`.

    `starts` and `sizes` are code points of the text from which the rules of lower numbers have taken theirs.
    """

    rows: NDArray[np.int64]
    spans: NDArray[np.int64]
    rules: NDArray[np.int64]
    starts: NDArray[np.int64]
    sizes: NDArray[np.int64]

    def only(self, chosen: NDArray[np.bool_]) -> Stretches:
        """Return some of them."""
        return Stretches._make(column[chosen] for column in self)


def stretches(data: NDArray[np.uint8], offsets: NDArray[np.int64], found: Found) -> Stretches:
    """Say what goes with the lines found: line breaks too, and nothing at all where no letter or digit would remain.

    `data` and `offsets` are those of the column, as `string_buffers` returns them.
    """
    spans, points = np.empty_like(found.spans), np.empty_like(found.spans)
    remains = np.zeros(len(offsets) - 1, np.bool_)
    removed = np.zeros(int(found.rules.max(initial=0)) + 1, np.int64)
    _stretch(data, offsets, *found, spans, points, removed, remains)
    made = Stretches(found.rows, spans, found.rules, points[:, 0], points[:, 1])
    open_rows = dict.fromkeys(found.rows[~remains[found.rows]].tolist())
    vain = [row for row in open_rows if not _remains(data, offsets, made, row)]
    return made.only(~np.isin(found.rows, vain)) if vain else made


def _remains(data: NDArray[np.uint8], offsets: NDArray[np.int64], made: Stretches, row: int) -> bool:
    # The kernel knows letters and digits of ASCII alone.
    done = int(offsets[row])
    for begin, end in [*made.spans[made.rows == row].tolist(), [int(offsets[row + 1])] * 2]:
        if _ALNUM.search(data[done:begin].tobytes().decode("utf-8", "surrogatepass")):
            return True
        done = end
    return False


@njit(cache=True, nogil=True, inline="always")
def _is_blank(byte):  # type: ignore[no-untyped-def]
    return byte == 0x20 or byte == 0x09 or byte == 0x0D


@njit(cache=True, nogil=True)
def _stretch(data, offsets, rows, lines, whole, rules, spans, points, removed, remains):  # type: ignore[no-untyped-def]
    at = 0
    while at < len(rows):
        row = rows[at]
        begin, end = offsets[row], offsets[row + 1]
        stop = at
        while stop < len(rows) and rows[stop] == row:
            stop += 1
        first = at
        while first < stop:
            if not whole[first]:
                spans[first, 0], spans[first, 1] = lines[first, 0], lines[first, 1]
                first += 1
                continue
            last = first
            while last + 1 < stop and whole[last + 1]:
                p = lines[last, 1]
                while p < lines[last + 1, 0] and (_is_blank(data[p]) or data[p] == 0x0A):
                    p += 1
                if p < lines[last + 1, 0]:
                    break
                last += 1
            left = lines[first, 0]
            while left > begin and _is_blank(data[left - 1]):
                left -= 1
            before, breaks_before = left, 0
            while before > begin and (_is_blank(data[before - 1]) or data[before - 1] == 0x0A):
                before -= 1
                breaks_before += data[before] == 0x0A
            # An indent of the line behind the block belongs to no break.
            p = behind = lines[last, 1]
            breaks_behind = 0
            while p < end and (_is_blank(data[p]) or data[p] == 0x0A):
                p += 1
                if data[p - 1] == 0x0A:
                    behind = p
                    breaks_behind += 1
            if p == end and breaks_behind == 0:
                behind = end
            keep_before = before > begin and behind < end and breaks_before >= breaks_behind
            spans[first, 0] = begin if before == begin else left if keep_before else before
            for line in range(first + 1, last + 1):
                spans[line - 1, 1] = spans[line, 0] = lines[line, 0]
            spans[last, 1] = behind if keep_before or before == begin or behind == end else lines[last, 1]
            first = last + 1
        removed[:] = 0
        p, point = begin, 0
        for line in range(at, stop + 1):
            until = spans[line, 0] if line < stop else end
            q = p
            while q < until and not remains[row]:
                byte = data[q] | 0x20
                remains[row] = 0x61 <= byte <= 0x7A or 0x30 <= data[q] <= 0x39
                q += 1
            if line == stop:
                break
            point += code_points(data, p, until)
            size = code_points(data, until, spans[line, 1])
            points[line, 0], points[line, 1] = point, size
            for rule in range(rules[line]):
                points[line, 0] -= removed[rule]
            removed[rules[line]] += size
            point += size
            p = spans[line, 1]
        at = stop


def taken_out(column: pa.StringArray, made: Stretches) -> pa.StringArray:
    """Return the column without the stretches: it is copied once, and no text becomes an object."""
    data, offsets = string_buffers(column)
    view, pieces, done = data.data, [], int(offsets[0])
    for begin, end in made.spans.tolist():
        pieces.append(view[done:begin])
        done = end
    gone = np.bincount(made.rows, np.diff(made.spans, axis=1)[:, 0], len(column)).astype(np.int64)
    left = strings([*pieces, view[done : int(offsets[-1])]], np.diff(offsets) - gone)
    return pc.if_else(column.is_valid(), left, None) if column.null_count else left


def strings(pieces: Iterable[memoryview], sizes: NDArray[np.int64]) -> pa.StringArray:
    """Return the strings of these sizes in bytes that the pieces of UTF-8 make one after the other."""
    offsets = pa.array(np.concatenate([[0], np.cumsum(sizes)])).cast(pa.int32())
    return pa.StringArray.from_buffers(len(sizes), offsets.buffers()[1], pa.py_buffer(b"".join(pieces)))


def enter(draft: Draft, made: Stretches, codes: Sequence[str], evidence: Sequence[str]) -> None:
    """Take the stretches of one text out of the draft's, rule by rule in the order of the codes, and enter them in its ledger."""
    spans = list(zip(made.rules.tolist(), made.starts.tolist(), made.sizes.tolist(), evidence, strict=True))
    for rule in sorted({rule for rule, *_ in spans}):
        gone = [Replacement(start, start + size, "", 1.0, why) for one, start, size, why in spans if one == rule]
        draft.replace(codes[rule], gone)


def remove_lines(draft: Draft, lines: list[Removal]) -> None:
    """Remove whole lines, given in order, from the draft's text.

    Of the line breaks on both sides the larger stays, so that paragraphs remain apart. Does nothing where no letter or digit
    would remain.
    """
    if not lines:
        return
    text, codes = draft.text, sorted({line.rule for line in lines})
    blob, sizes, done = text.encode("utf-8", "surrogatepass"), [], 0
    for point in (point for line in lines for point in line[:2]):
        sizes.append(len(text[done:point].encode("utf-8", "surrogatepass")))
        done = point
    rules = np.array([codes.index(line.rule) for line in lines])
    remove_spans(draft, blob, np.cumsum(sizes).reshape(-1, 2), rules, codes, [line.evidence for line in lines])


def remove_spans(
    draft: Draft,
    blob: bytes,
    spans: NDArray[np.int64],
    rules: NDArray[np.int64],
    codes: Sequence[str],
    evidence: Sequence[str],
) -> None:
    """Do what `remove_lines` does, for lines given by their bytes in `blob`, the draft's text in UTF-8."""
    rows = np.zeros(len(spans), np.int64)
    made = stretches(np.frombuffer(blob, np.uint8), np.array([0, len(blob)]), Found(rows, spans, rows == 0, rules))
    if len(made.rows):
        enter(draft, made, codes, evidence)
