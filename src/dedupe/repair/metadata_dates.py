"""Read a date that stands in a line of its own, as newsrooms write it; what two countries read in two ways is left."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, timezone, tzinfo

from dedupe.zones import ZONE_NAMES
from dedupe.zones import zone as zone_of

# English, German, French, Spanish; cut to the letters that tell them apart.
_MONTHS = {
    1: "january jan januar jänner janvier enero",
    2: "february feb februar février febrero",
    3: "march mar märz mars marzo",
    4: "april apr avril abril",
    5: "may mai mayo",
    6: "june jun juni juin junio",
    7: "july jul juli juillet julio",
    8: "august aug août agosto",
    9: "september sept sep septembre septiembre",
    10: "october oct oktober octobre octubre",
    11: "november nov novembre noviembre",
    12: "december dec dezember décembre diciembre",
}
MONTHS = {name: number for number, names in _MONTHS.items() for name in names.split()}
_WEEKDAY_NAMES = "monday tuesday wednesday thursday friday saturday sunday mon tue tues wed thu thur thurs fri sat sun"
WEEKDAYS = tuple(_WEEKDAY_NAMES.split(" "))
_MONTH = "|".join(sorted(MONTHS, key=len, reverse=True))
_WEEKDAY = "|".join(sorted(WEEKDAYS, key=len, reverse=True))
_ZONE = "|".join(sorted(ZONE_NAMES, key=len, reverse=True))

DATE = (
    rf"(?:(?:{_WEEKDAY})\.?,? )?(?:(?P<y1>[0-9]{{4}})[-/](?P<m1>[0-9]{{1,2}})[-/](?P<d1>[0-9]{{1,2}})"
    rf"|(?P<m2>{_MONTH})\.? (?P<d2>[0-9]{{1,2}})(?:st|nd|rd|th)?,? (?P<y2>[0-9]{{4}})"
    rf"|(?P<d3>[0-9]{{1,2}})(?:st|nd|rd|th|\.)? (?:de )?(?P<m3>{_MONTH})\.?,? (?:de )?(?P<y3>[0-9]{{4}}))"
)
TIME = (
    r"(?P<hour>[0-9]{1,2})[:.](?P<minute>[0-9][0-9])(?::[0-9][0-9](?:\.[0-9]+)?)?(?: ?(?P<half>[ap])\.?m\.?)?"
    rf"(?: ?\(?(?P<zone>{_ZONE})\b\)?| ?(?P<offset>[+-][0-9][0-9]:?[0-9][0-9]))?"
)
_WHOLE = re.compile(rf"(?:(?:{TIME})[,. ]* ?(?:on )?)?{DATE}", re.IGNORECASE)
_DATE_FIRST = re.compile(rf"{DATE}(?:T|,? (?:at |- |\| |– )?){TIME}", re.IGNORECASE)


def read_date(text: str) -> tuple[datetime, str] | None:
    """Return the first date in a text, in UTC, with what was assumed of its zone; None where there is none or it cannot be."""
    found = _DATE_FIRST.search(text) or _WHOLE.search(text)
    if found is None:
        return None
    part = found.groupdict()
    try:
        month = part["m1"] or part["m2"] or part["m3"]
        number = int(month) if month.isdigit() else MONTHS[month.lower()]
        hour, minute = int(part["hour"] or 0), int(part["minute"] or 0)
        if part["half"]:
            hour = hour % 12 + (12 if part["half"].lower() == "p" else 0)
        day = int(part["d1"] or part["d2"] or part["d3"])
        zone, assumed = _zone(part)
        moment = datetime(int(part["y1"] or part["y2"] or part["y3"]), number, day, hour, minute, tzinfo=zone)
        return (moment.astimezone(UTC), assumed) if 1600 < moment.year < 9000 else None
    except (ValueError, OverflowError):
        return None


def _zone(part: dict[str, str | None]) -> tuple[tzinfo, str]:
    # The zone, and what was assumed of it.
    name, offset = part["zone"], part["offset"]
    if offset:
        minutes = int(offset[1:3]) * 60 + int(offset[-2:])
        return timezone(timedelta(minutes=-minutes if offset[0] == "-" else minutes)), ""
    if not name:
        return UTC, "no zone is given: taken as UTC"
    zone = zone_of(name.lower())
    return zone or UTC, "" if zone else f"{name.upper()} is no zone with one meaning: taken as UTC"
