"""Dates as people and machines write them, to microseconds of UTC; what was assumed or refused is said, never silent."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from functools import lru_cache
from typing import NamedTuple

from dedupe.zones import zone as zone_of

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
EARLIEST = int(datetime(1700, 1, 1, tzinfo=UTC).timestamp()) * 1_000_000
LATEST = int(datetime(9999, 12, 31, tzinfo=UTC).timestamp()) * 1_000_000
FUTURE_MICROS = 2 * 86_400 * 1_000_000

_MICROSECOND = timedelta(microseconds=1)

_MONTHS = {
    name: number
    for number, names in enumerate(
        ("jan january", "feb february", "mar march", "apr april", "may", "jun june", "jul july", "aug august",
         "sep sept september", "oct october", "nov november", "dec december"), 1)
    for name in names.split()
}  # fmt: skip

_WEEKDAY = r"(?:(?:mon|tues?|wed(?:nes)?|thu(?:rs)?|fri|sat(?:ur)?|sun)(?:day)?\.?,?\s+)?"
_CLOCK = (
    r"(?:[\s,T]+(?:at\s+)?(?P<hour>\d{1,2})(?::(?P<minute>\d{2}))?(?::(?P<second>\d{2})(?:[.,](?P<part>\d{1,9}))?)?"
    r"\s*(?P<half>[ap]\.?m\.?)?\s*(?P<zone>z|(?:gmt|utc)?[+-]\d{2}:?\d{2}|[a-z]{2,5})?(?:\s*\([^()]{1,40}\))?(?:\s+(?P<zone2>utc|gmt))?)?"
)
_MONTH_NAME = r"(?P<name>[a-z]{3,9})\.?"
_DAY = r"(?P<day>\d{1,2})(?:st|nd|rd|th)?"
_FORMS = tuple(
    re.compile(_WEEKDAY + form + _CLOCK, re.I | re.A)
    for form in (
        rf"{_DAY}[\s\-]+(?:of\s+)?{_MONTH_NAME}[\s\-,]+(?P<year>\d{{4}})",
        rf"{_MONTH_NAME}\s+{_DAY},?\s+(?P<year>\d{{4}})",
        r"(?P<year>\d{4})(?P<joint>[/.\-])(?P<month>\d{1,2})(?P=joint)(?P<day>\d{1,2})",
        r"(?P<a>\d{1,2})(?P<joint>[/.\-])(?P<b>\d{1,2})(?P=joint)(?P<year>\d{4})",
        r"(?P<a>\d{1,2})(?P<joint>[/.\-])(?P<b>\d{1,2})(?P=joint)(?P<short>\d{2})",
    )
)
# What Unix and Twitter write: Thu Apr 03 10:00:00 +0000 2025.
_YEAR_LAST = re.compile(
    r"(?P<weekday>[a-z]{3})\s+(?P<name>[a-z]{3})\s+(?P<day>\d{1,2})\s+(?P<clock>[\d:]{8})\s+(?P<zone>\S+\s+)?(?P<year>\d{4})",
    re.I,
)
_NUMBER = re.compile(r"-?\d{9,16}(?:\.\d{1,9})?", re.A)
# Days with a time in digits alone, to hours, minutes, seconds or parts of them: 20250403100000. As numbers since 1970 they would
# be dates of 1976 (to minutes), from 2508 on (to seconds) or, where the first year is 1970, from June 2032 on (to hours). One
# number in 179 looks like a day with hours and minutes by chance, one in 108 like a day with hours.
_COMPACT = re.compile(
    r"(?!19[0-6]\d{7}$)(?P<year>(?:19|20)\d\d)(?P<month>0[1-9]|1[0-2])(?P<day>0[1-9]|[12]\d|3[01])(?P<hour>[01]\d|2[0-4])"
    r"(?:(?P<minute>[0-5]\d)(?:(?P<second>[0-5]\d|60)(?P<part>\d{3}|\d{6})?)?)?(?:\s*(?P<zone>z|[+-]\d{2}:?\d{2}))?",
    re.I | re.A,
)
_COMPACT_DIGITS = (10, 12, 14, 17)
_LONGEST = 100


class ParsedDate(NamedTuple):
    """Hold microseconds since 1970 UTC or None, the events to count, and whether the original must be kept."""

    micros: int | None
    events: tuple[str, ...] = ()
    keep: bool = False


NONE = ParsedDate(None)
_UNKNOWN = ParsedDate(None, ("date_unknown",), True)
_IMPOSSIBLE = ParsedDate(None, ("date_impossible",), True)
_AMBIGUOUS = ParsedDate(None, ("date_ambiguous",), True)
_PARTIAL = ParsedDate(None, ("date_partial",), True)


def parse_date(value: object) -> ParsedDate:
    """Read a date of any JSON type.

    Numbers are seconds since 1970, or milliseconds, microseconds or nanoseconds where they are too large for that, unless their
    digits are those of a day and a time. 03/04/2025 is read only where one of its readings is impossible or both are the same
    day.
    """
    if value is None or value == "":
        return NONE
    if isinstance(value, str):
        return _parse_text(value) if len(value) <= _LONGEST else _UNKNOWN
    if isinstance(value, bool) or not isinstance(value, int | float):
        return _UNKNOWN
    return _parse_number(value)


@lru_cache(maxsize=1 << 16)
def _parse_text(given: str) -> ParsedDate:
    text = given.strip()
    if not text:
        return NONE
    if compact := _COMPACT.fullmatch(text):
        return _from_match({**compact.groupdict(), "minute": compact["minute"] or "00"})
    if _NUMBER.fullmatch(text):
        return _parse_number(float(text) if "." in text else int(text))
    if len(text) == 4 and text.isdecimal():
        return _PARTIAL
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return _parse_form(text)
    return _from_moment(moment)


def _parse_number(number: float) -> ParsedDate:
    size = abs(number)
    if not size < 1e19:  # also NaN
        return _UNKNOWN
    if 17_000_101 <= number <= 99_991_231 and number == int(number):
        found = _parse_text(f"{int(number)}")  # 20250403
        return found if found.micros is not None else _UNKNOWN
    digits = str(int(number))
    if len(digits) in _COMPACT_DIGITS and number == int(number) and _COMPACT.fullmatch(digits):
        return _parse_text(digits)
    if 1700 <= number <= 2200:
        return _PARTIAL
    if size < 1e8:  # before March 1973 if it were seconds; far more often a number of days, or 0 for "not known"
        return _UNKNOWN
    for limit, per_second in ((1e11, 1), (1e14, 1_000), (1e17, 1_000_000), (1e19, 1_000_000_000)):
        if size < limit:
            scaled = number * 1_000_000
            micros = int(scaled // per_second) if isinstance(number, int) else round(scaled / per_second)
            return ParsedDate(micros) if EARLIEST <= micros <= LATEST else _IMPOSSIBLE
    return _UNKNOWN


def _from_moment(moment: datetime, zone_known: bool = True) -> ParsedDate:
    events: tuple[str, ...] = ()
    if moment.tzinfo is None:
        events = ("date_without_zone",) if zone_known else ("date_zone_unknown",)
        moment = moment.replace(tzinfo=UTC)
    micros = (moment - EPOCH) // _MICROSECOND
    if not EARLIEST <= micros <= LATEST:
        return _IMPOSSIBLE
    return ParsedDate(micros, events, bool(events))


def _parse_form(text: str) -> ParsedDate:
    last = _YEAR_LAST.fullmatch(text)
    if last:
        zone = (last["zone"] or "").strip()
        text = f"{last['day']} {last['name']} {last['year']} {last['clock']} {zone}".strip()
    for form in _FORMS:
        match = form.fullmatch(text)
        if match:
            return _from_match(match.groupdict())
    if re.fullmatch(r"\d{4}[-/]\d{1,2}|[a-z]{3,9}\.?,?\s+\d{4}", text, re.I | re.A):
        return _PARTIAL
    # fromisoformat refused it, yet it has the shape of a full date: 2025-02-30T10:00:00Z.
    return _IMPOSSIBLE if re.match(r"\d{4}-\d\d-\d\dT\d\d:\d\d", text, re.A) else _UNKNOWN


def _from_match(found: dict[str, str | None]) -> ParsedDate:
    if found.get("short"):
        return _AMBIGUOUS
    year = int(found["year"] or 0)
    if name := found.get("name"):
        if name.lower() not in _MONTHS:
            return _UNKNOWN
        month, day = _MONTHS[name.lower()], int(found["day"] or 0)
    elif found.get("a"):
        a, b = int(found["a"] or 0), int(found["b"] or 0)
        if a <= 12 and b <= 12 and a != b:
            return _AMBIGUOUS
        month, day = (a, b) if a <= 12 else (b, a)
    else:
        month, day = int(found["month"] or 0), int(found["day"] or 0)
    hour = int(found.get("hour") or 0)
    if half := found.get("half"):
        if not 1 <= hour <= 12:
            return _IMPOSSIBLE
        hour = hour % 12 + (12 if half[0] in "pP" else 0)
    elif found.get("hour") and not found.get("minute"):
        return _UNKNOWN  # "April 3, 2025 10": no form that anyone writes
    zone, zone_known = _zone(found.get("zone") or found.get("zone2"))
    micros = int((found.get("part") or "0").ljust(6, "0")[:6])
    try:
        moment = datetime(year, month, day, hour, int(found.get("minute") or 0), int(found.get("second") or 0), micros, zone)
    except ValueError:
        return _IMPOSSIBLE
    return _from_moment(moment, zone_known)


def _zone(text: str | None) -> tuple[tzinfo | None, bool]:
    """Return a zone, or None for none, and whether what was written (or not) is understood."""
    if not text:
        return None, True
    text = text.lower()
    if text[:3] in ("gmt", "utc") and len(text) > 3:
        text = text[3:]
    if text[0] in "+-":
        digits = text[1:].replace(":", "")
        offset = timedelta(hours=int(digits[:2]), minutes=int(digits[2:]))
        if offset >= timedelta(days=1):
            return None, False
        return timezone(-offset if text[0] == "-" else offset), True
    zone = zone_of(text)
    return zone, zone is not None
