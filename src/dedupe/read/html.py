"""HTML pages: decode, refuse what would bring a parser down, extract the article, hash the page."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from typing import Any

from dedupe.read.decode import decode
from dedupe.read.parts import FilePart, ReadBatch
from dedupe.read.reasons import BadInputError
from dedupe.read.rows import Rows, put_notes
from dedupe.read.text import read_whole

# Bounds on a page, from what parsers do beyond them. News pages have up to some 10,000 tags, 500 levels (unclosed elements
# counted) and 30 attributes to a tag. At 10,000 levels resiliparse takes 2 s and at 100,000 minutes; lxml takes 20 s for one tag
# of 200,000 attributes.
MOST_TAGS = 500_000
MOST_DEPTH = 3_000
MOST_ATTRIBUTES = 2_000

_TAG = re.compile(r"<(/?)([A-Za-z][A-Za-z0-9:\-]*)")
_LONG_TAG = re.compile(rf"<[A-Za-z][^<>]{{{2 * MOST_ATTRIBUTES},}}")
_QUOTED = re.compile(r""""[^"]*"|'[^']*'""")
_GAP = re.compile(r"[\s/]+")
# Elements that have no end tag, or whose end tag people leave out.
_UNCLOSED = frozenset(
    [
        *("area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "track", "wbr", "param"),
        *("p", "li", "dt", "dd", "option", "tr", "td", "th", "thead", "tbody", "tfoot"),
    ]
)


def read_html(part: FilePart, out: Rows) -> Iterator[ReadBatch]:
    """Read one page as one article. Raises BadInputError as `read_text` does, and for pages no parser should be given."""
    data, problem = read_whole(part, out.config.max_article_bytes)
    if not data:
        raise problem or BadInputError("empty", "the file has no bytes" if not part.size else "it unpacks to nothing")
    out.numbered = 1
    extra = {"truncated": True} if problem else {}
    add_page(data, 1, out, url=None, declared=None, extra=extra, cut=problem is not None)
    if problem:
        out.reject(1, problem.code, problem.detail)
    yield from ()


def add_page(
    data: bytes, record: int, out: Rows, url: str | None, declared: str | None, extra: dict[str, Any], cut: bool = False
) -> None:
    """Make a row, or a reject, of one page. `declared` is the charset of an HTTP header, `url` the address it came from."""
    from dedupe.read.extraction import extract

    try:
        decoded = decode(data, declared, markup=True, cut=cut)
        check_page(decoded.text)
        page = extract(decoded.text, out.config.html)
    except BadInputError as error:
        out.reject(record, error.code, error.detail)
        return
    if decoded.event:
        out.count(decoded.event)
        put_notes(extra, {"decoded_as": decoded.decoded_as})
    for event in page.events:
        out.count(event)
    if not page.text.strip():
        out.reject(record, "empty", "no article was found in the page")
        return
    values = {
        "title": page.title,
        "published_at": page.date,
        "author": page.author,
        "publisher": page.site,
        "url": url or page.url,
    }
    out.add_text(record, page.text, hashlib.sha256(data).hexdigest(), values, {**extra, **page.notes})


def check_page(html: str) -> None:
    """Refuse pages that parsers cannot take in bounded time. Raises BadInputError: empty, unreadable."""
    if not html.strip():
        raise BadInputError("empty", "the page has no characters")
    tags = html.count("<")
    if tags > MOST_TAGS:
        raise BadInputError("unreadable", f"the page has {tags:,} tags, over {MOST_TAGS:,}")
    for match in _LONG_TAG.finditer(html):
        attributes = len(_GAP.findall(_QUOTED.sub("", match.group())))
        if attributes > MOST_ATTRIBUTES:
            raise BadInputError("unreadable", f"a tag of the page has {attributes:,} attributes, over {MOST_ATTRIBUTES:,}")
    if tags > MOST_DEPTH and _depth(html) > MOST_DEPTH:
        raise BadInputError("unreadable", f"the page is nested over {MOST_DEPTH:,} levels deep")


def _depth(html: str) -> int:
    """Return an upper bound of how deep elements are nested, taking every end tag to close one."""
    depth = deepest = 0
    for end, name in _TAG.findall(html):
        if name.lower() in _UNCLOSED:
            continue
        if end:
            depth -= depth > 0
        else:
            depth += 1
            deepest = max(deepest, depth)
    return deepest
