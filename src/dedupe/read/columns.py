"""Which column of an input is which field of an article, by the names that people use."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from dedupe.errors import UsageError

# In order of preference: where two are there, the first that is filled is taken and the other goes to `extra`.
NAMES: dict[str, tuple[str, ...]] = {
    "text": ("text", "body", "content", "article", "article_body", "articlebody", "article_text", "full_text", "fulltext",
             "main_text", "maintext", "body_text", "bodytext", "content_text", "plain_text", "story"),
    "title": ("title", "headline", "article_title", "heading"),
    "url": ("url", "link", "article_url", "page_url", "canonical_url", "uri"),
    "published_at": ("published_at", "publishedat", "published", "pub_date", "pubdate", "publish_date", "published_date",
                     "publication_date", "date_published", "datepublished", "date_publish", "date", "datetime", "timestamp"),
    "author": ("author", "authors", "byline", "creator"),
    "publisher": ("publisher", "source", "site", "site_name", "sitename", "source_name", "publication", "outlet"),
    "input_id": ("input_id", "id", "_id", "article_id", "doc_id", "guid", "uuid"),
}  # fmt: skip

TEXT_NAMES = frozenset(NAMES["text"])

# What people may write before the = of --field, beside our own names.
_ALIASES = {name: target for target, names in NAMES.items() for name in names}

_JOINTS = re.compile(r"[\s\-.]+")


def fold(name: str) -> str:
    """Bring a column's name to the form in which names are compared: `Pub-Date` is `pub_date`."""
    return _JOINTS.sub("_", name.strip().casefold())


@dataclass(frozen=True, slots=True)
class Mapped:
    """Say which names of a record may give each field, best first, and which are left for `extra`."""

    text: tuple[str, ...]
    fields: tuple[tuple[str, tuple[str, ...]], ...]
    rest: tuple[str, ...]
    taken: tuple[str, ...]

    @property
    def known(self) -> tuple[str, ...]:
        """Return every name that may be read as a field."""
        return self.text + tuple(name for _, names in self.fields for name in names)


def check_fields(fields: Mapping[str, str]) -> dict[str, str]:
    """Return the overrides of --field under our own names. Raises UsageError for a field we do not know."""
    checked: dict[str, str] = {}
    for given, column in fields.items():
        target = _ALIASES.get(fold(given))
        if target is None:
            raise UsageError(
                f"{given!r} is no field of an article.", "Fields are: text, title, url, date, author, publisher and id."
            )
        if target in checked:
            raise UsageError(f"Two columns are given for {target}: {checked[target]} and {column}.", "Give one of them.")
        checked[target] = column
    return checked


def map_columns(names: Iterable[str], overrides: Mapping[str, str]) -> Mapped:
    """Find the columns of a record or table. An override stands alone for its field and is taken from no other."""
    present = list(names)
    folded: dict[str, list[str]] = {}
    for name in present:
        folded.setdefault(fold(name), []).append(name)
    claimed: set[str] = set()
    found: dict[str, tuple[str, ...]] = {}
    for target, column in overrides.items():
        hits = (column,) if column in present else tuple(folded.get(fold(column), ())[:1])
        found[target] = hits
        claimed.update(hits)
    for target, wanted in NAMES.items():
        if target not in overrides:
            found[target] = tuple(n for want in wanted for n in folded.get(want, ()) if n not in claimed)
    known = {name for hits in found.values() for name in hits}
    return Mapped(
        text=found["text"],
        fields=tuple((target, hits) for target, hits in found.items() if target != "text" and hits),
        rest=tuple(name for name in present if name not in known),
        taken=tuple(f"{target} <- {hits[0]}" for target, hits in found.items() if hits),
    )
