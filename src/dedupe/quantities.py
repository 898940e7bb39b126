"""Numbers as people read them: with separators, units and as many digits as they deserve."""

from __future__ import annotations


def amount(count: int, unit: str, plural: str | None = None) -> str:
    """Return a number with separators and its unit: `1 article`, `12,345 articles`."""
    return f"{count:,} {unit if count == 1 else plural or unit + 's'}"


def size(count: int) -> str:
    """Return bytes in the unit that reads best."""
    value = float(count)
    for unit in ("bytes", "KB", "MB", "GB"):
        if value < 1000 or unit == "GB":
            return f"{value:,.0f} {unit}" if unit == "bytes" else f"{value:,.1f} {unit}"
        value /= 1000
    raise AssertionError


def duration(seconds: float) -> str:
    """Return seconds as people say them."""
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes:02} min" if hours else f"{minutes} min {rest:02} s"
