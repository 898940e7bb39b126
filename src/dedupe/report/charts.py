"""The geometry of charts: shares, places and ticks, which the templates draw.

Places across are percentages and places down are pixels, so that a chart fills any width and its letters keep their size.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, NamedTuple

# A bar so many times as high as the next one is cut, with its number on it: 2,000 exact copies hide 40 near ones.
_CUT_FROM = 4.0
_HEIGHT = 168
_TICKS = 3
_WIDEST = 8.0  # percent: a corpus of one day is a bar, not a wall


class Bar(NamedTuple):
    """Place a horizontal bar: `top` in pixels, `width` in percent."""

    label: str
    value: float
    top: int
    width: float


class Column(NamedTuple):
    """Place a column of a histogram: `left` and `width` in percent, `top` and `height` in pixels, `cut` where it is too high.

    `part` is the height of the part that is drawn apart, at the foot.
    """

    left: float
    width: float
    top: float
    height: float
    part: float
    cut: bool


class Axis(NamedTuple):
    """Say how high a chart goes, and where its lines are: pairs of value and place in pixels."""

    most: float
    lines: list[tuple[int, float]]


class Cell(NamedTuple):
    """Place a cell of a grid, with how dark it is: 0 (nothing) to 9."""

    left: float
    top: int
    value: int
    shade: int


def bars(rows: Sequence[tuple[str, float]], step: int = 34) -> list[Bar]:
    """Lay out rows of label and value, the longest bar the whole width."""
    most = max((value for _, value in rows), default=0) or 1
    return [Bar(label, value, place * step, round(100 * value / most, 2)) for place, (label, value) in enumerate(rows)]


def axis(totals: Sequence[int], height: int = _HEIGHT) -> Axis:
    """Choose the top of a chart and a few round lines below it."""
    ordered = sorted(totals)[-2:] or [0]
    most = ordered[-1]
    if len(ordered) == 2 and ordered[0] and most > _CUT_FROM * ordered[0]:
        most = math.ceil(ordered[0] * 1.5)
    if not most:
        return Axis(1, [])
    rough = most / _TICKS
    power = 10 ** math.floor(math.log10(rough)) if rough >= 1 else 1
    step = next(int(power * factor) for factor in (1, 2, 5, 10) if power * factor >= rough)
    lines = [(value, round(height - height * value / most, 1)) for value in range(step, most + 1, step)]
    return Axis(most, lines)


def columns(totals: Sequence[int], parts: Sequence[int], top: float, height: int = _HEIGHT) -> list[Column]:
    """Lay out a histogram whose columns have a part at the foot that is drawn apart."""
    wide = 100 / max(1, len(totals))
    bar = min(0.84 * wide, _WIDEST)
    found = []
    for place, (total, part) in enumerate(zip(totals, parts, strict=True)):
        # What is not nothing can be seen.
        high = max(1.5, height * min(total, top) / top) if total else 0.0
        foot = max(1.5, height * min(part, top) / top) if part else 0.0
        left = round(place * wide + (wide - bar) / 2, 3)
        found.append(Column(left, round(bar, 3), round(height - high, 1), round(high, 1), round(foot, 1), total > top))
    return found


def heat(matrix: Sequence[Sequence[int]], left: float, step: int) -> list[Cell]:
    """Lay out a grid of counts to the right of `left` percent, darker with the logarithm of the count."""
    most = math.log1p(max((value for row in matrix for value in row), default=0)) or 1.0
    wide = (100 - left) / max(1, len(matrix))
    return [
        Cell(round(left + n * wide, 3), m * step, value, math.ceil(9 * math.log1p(value) / most) if value else 0)
        for m, row in enumerate(matrix)
        for n, value in enumerate(row)
    ]


def curve(points: Sequence[Sequence[float]]) -> str:
    """Return points of 0 to 1 each way as those of a polyline in a square of 100 by 100."""
    return " ".join(f"{100 * x:g},{100 - 100 * y:.2f}" for x, y in points)


def marks(bins: Sequence[dict[str, Any]], unit: str, wanted: int = 4) -> list[tuple[float, str]]:
    """Choose a few bins of a timeline to name: pairs of the middle of the bin in percent and the name."""
    step = max(1, math.ceil(len(bins) / wanted))
    letters = {"year": 4, "quarter": 7, "month": 7}.get(unit)
    return [(round(100 * (n + 0.5) / len(bins), 3), str(bins[n]["start"])[:letters]) for n in range(0, len(bins), step)]
