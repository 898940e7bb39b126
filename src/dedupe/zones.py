"""Names of time zones: one table, so that a date in a column and a date line of a text are read alike, or not at all."""

from __future__ import annotations

from datetime import timedelta, timezone, tzinfo
from zoneinfo import ZoneInfo

# Names with one meaning, in hours east of UTC: those of RFC 5322, section 4.3, and those of Central Europe.
_HOURS = {
    "z": 0, "utc": 0, "gmt": 0, "ut": 0,
    "est": -5, "edt": -4, "cst": -6, "cdt": -5, "mst": -7, "mdt": -6, "pst": -8, "pdt": -7,
    "cet": 1, "cest": 2, "mez": 1, "mesz": 2,
}  # fmt: skip

# What American newsrooms write in summer and winter alike.
_PLACES = {"et": "America/New_York", "ct": "America/Chicago", "mt": "America/Denver", "pt": "America/Los_Angeles"}

# British, Bangladesh or Bougainville time; Indian, Israeli or Irish time.
_AMBIGUOUS = ("bst", "ist")

ZONE_NAMES = (*_HOURS, *_PLACES, *_AMBIGUOUS)


def zone(name: str) -> tzinfo | None:
    """Return the zone of a name in lower case; None where it has several meanings, or none that is known."""
    if name in _PLACES:
        return ZoneInfo(_PLACES[name])
    hours = _HOURS.get(name)
    return None if hours is None else timezone(timedelta(hours=hours))
