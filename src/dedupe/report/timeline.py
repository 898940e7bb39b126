"""When the articles were published: counts by day, week, month, quarter or year, whichever gives a readable number of bars."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

_MOST_BARS = 62
# Dates beyond these quantiles are counted, not drawn: one article dated 1970 would press all others into one bar.
_OUTER = (0.005, 0.995)
_MONDAY = 3  # 1970-01-01 was a Thursday
_DAY_US = 86_400_000_000


class _Unit(NamedTuple):
    name: str
    number: Callable[[np.ndarray], np.ndarray]  # days since 1970 to units since 1970
    start: Callable[[int], date]  # first day of a unit


def _months(days: np.ndarray) -> np.ndarray:
    return days.astype("datetime64[D]").astype("datetime64[M]").astype(np.int64)


def _day(day: int) -> date:
    return date(1970, 1, 1) + timedelta(days=day)


def _first_of(month: int) -> date:
    return date(1970 + month // 12, month % 12 + 1, 1)


_UNITS = (
    _Unit("day", lambda days: days, _day),
    _Unit("week", lambda days: (days + _MONDAY) // 7, lambda n: _day(n * 7 - _MONDAY)),
    _Unit("month", _months, _first_of),
    _Unit("quarter", lambda days: _months(days) // 3, lambda n: _first_of(n * 3)),
    _Unit("year", lambda days: _months(days) // 12, lambda n: _first_of(n * 12)),
)


def timeline(published: pa.ChunkedArray, canonical: np.ndarray) -> dict[str, Any]:
    """Return how many articles, and how many of them copies, were published in each unit of time.

    `published`: timestamps in microseconds, null where not known. `canonical`: (n,) bool.
    """
    dated = pc.is_valid(published).to_numpy()
    days = published.cast(pa.int64()).fill_null(0).to_numpy()[dated] // _DAY_US
    found: dict[str, Any] = {"unit": "day", "bins": [], "undated": int((~dated).sum()), "earlier": 0, "later": 0}
    if not len(days):
        return found
    ordered = np.sort(days)
    low, high = (int(ordered[round(share * (len(ordered) - 1))]) for share in _OUTER)
    for unit in _UNITS:
        first, last = unit.number(np.array([low, high])).tolist()
        if last - first < _MOST_BARS:
            break
    first = max(first, last - _MOST_BARS + 1)  # centuries: the last of them
    number = unit.number(days)
    inside = (number >= first) & (number <= last)
    articles = np.bincount(number[inside] - first, minlength=last - first + 1)
    copies = np.bincount(number[inside & ~canonical[dated]] - first, minlength=last - first + 1)
    return found | {
        "unit": unit.name,
        "bins": [
            {"start": unit.start(first + n).isoformat(), "articles": count, "copies": copied}
            for n, (count, copied) in enumerate(zip(articles.tolist(), copies.tolist(), strict=True))
        ],
        "earlier": int((number < first).sum()),
        "later": int((number > last).sum()),
    }
