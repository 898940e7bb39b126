"""Templates, and what they need to show hostile text as text."""

from __future__ import annotations

import re
import unicodedata
from datetime import datetime
from functools import cache
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup, escape

# What would turn the text around it about, or shows nothing where a machine reads something.
_HIDDEN = re.compile(
    "[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069\ufeff\ufff9-\ufffb\U000e0000-\U000e007f]"
)

_SHORT = {
    "\u202a": "LRE", "\u202b": "RLE", "\u202c": "PDF", "\u202d": "LRO", "\u202e": "RLO",
    "\u2066": "LRI", "\u2067": "RLI", "\u2068": "FSI", "\u2069": "PDI", "\ufeff": "BOM",
}  # fmt: skip

# What was done, for each act.
DONE = {
    "accept": "accepted",
    "not_duplicates": "not duplicates",
    "split": "split",
    "merge": "merged",
    "make_canonical": "made canonical",
    "undo_repair": "repair undone",
    "audit": "audited",
    "skip": "skipped",
    "undo": "took back",
}


def shown(text: str | None) -> Markup:
    """Return text escaped, with control characters and bidi overrides as visible signs that do nothing."""
    if not text:
        return Markup()
    if not _HIDDEN.search(text):
        return escape(text)
    parts = []
    done = 0
    for match in _HIDDEN.finditer(text):
        name = _name(match.group())
        sign = Markup('<span class="sign" title="{}">{}</span>').format(unicodedata.name(match.group(), name), name)
        parts += [escape(text[done : match.start()]), sign]
        done = match.end()
    return Markup().join([*parts, escape(text[done:])])


def plain(text: str | None) -> str:
    """Return text for an attribute, with control characters and bidi overrides spelled out."""
    return _HIDDEN.sub(lambda match: f"⟨{_name(match.group())}⟩", text or "")


def _name(char: str) -> str:
    return _SHORT.get(char) or f"U+{ord(char):04X}"


def clipped(text: str | None, length: int) -> str:
    """Return the beginning of a text, with a sign that there is more."""
    text = text or ""
    return text if len(text) <= length else f"{text[:length].rstrip()}…"


def link(url: str | None) -> str | None:
    """Return an address that may be followed: of the web, and of nothing else (`javascript:`, `data:`, `file:`)."""
    return url if url and re.match(r"https?://[^\s]", url, re.IGNORECASE) else None


def day(moment: datetime | None) -> str:
    """Return a date as people read it."""
    return f"{moment.day} {moment:%b %Y}" if moment else ""


def days(first: datetime | None, last: datetime | None) -> str:
    """Return a span of dates, said once where it is one day."""
    if first is None or last is None:
        return ""
    return day(last) if first.date() == last.date() else f"{day(first)} – {day(last)}"


def share(value: float | None) -> str:
    """Return a similarity: two digits, and never 1.00 for what is less than one."""
    if value is None:
        return ""
    return "1.00" if value >= 1 else f"{min(value, 0.99):.2f}"


@cache
def environment() -> Environment:
    """Return the environment of the templates: everything is escaped, and a name that is missing is an error."""
    made = Environment(
        loader=PackageLoader("dedupe.review"), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    made.filters |= {"shown": shown, "plain": plain, "clipped": clipped, "link": link, "day": day, "share": share}
    made.filters["count"] = lambda number: f"{number:,}"
    made.filters["done"] = DONE.__getitem__
    made.globals["days"] = days
    # Now, not with the first page: compiling them takes 0.1 s.
    for name in made.list_templates(extensions=["html"]):
        made.get_template(name)
    return made


def render(template: str, **context: Any) -> str:
    """Return a page."""
    return environment().get_template(template).render(**context)
