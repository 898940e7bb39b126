"""Plain text and Markdown: one file is one article, its text as it is; YAML front matter gives fields, not text."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from dedupe.read.columns import map_columns
from dedupe.read.decode import decode
from dedupe.read.parts import FilePart, ReadBatch
from dedupe.read.reasons import BadInputError
from dedupe.read.rows import Rows, put_notes
from dedupe.read.streams import WHOLE_BOMB_RATIO, chunks

_FRONT = re.compile(r"---[ \t]*\r?\n(?P<body>(?:(?!---|\.\.\.).*\r?\n)*?)(?:---|\.\.\.)[ \t]*(?:\r?\n|\Z)")
_LINE = re.compile(r"(?P<key>[A-Za-z_][\w \-]{0,60}?)\s*:(?:\s+(?P<value>.*))?")
_QUOTED = re.compile(r"""(?P<quote>["'])(?P<inside>.*)(?P=quote)""")


def read_text(part: FilePart, out: Rows) -> Iterator[ReadBatch]:
    """Read one file as one article. Raises BadInputError; after a cut, what came before is a row and the cut is a reject."""
    data, problem = read_whole(part, out.config.max_article_bytes)
    if not data:
        raise problem or BadInputError("empty", "the file has no bytes" if not part.size else "it unpacks to nothing")
    decoded = decode(data, cut=problem is not None)
    if decoded.event:
        out.count(decoded.event)
    text = decoded.text
    values: dict[str, Any] = {}
    extra: dict[str, Any] = {}
    if part.format == "md":
        text, values, extra = _front_matter(text, out)
    if decoded.decoded_as:
        put_notes(extra, {"decoded_as": decoded.decoded_as})
    if problem:
        put_notes(extra, {"truncated": True})
    out.numbered = 1
    out.add_text(1, text, None, values, extra)
    if problem:
        out.reject(1, problem.code, problem.detail)
    yield from ()


def read_whole(part: FilePart, most: int) -> tuple[bytes, BadInputError | None]:
    """Return the bytes of a whole file, and what ended it early. Raises BadInputError: unreadable, too_large, bomb."""
    if part.compression is None and part.size > most:
        raise BadInputError("too_large", f"{part.size:,} bytes, over {most:,}")
    found = bytearray()
    try:
        for data in chunks(part):
            found += data
            if len(found) > most:
                if len(found) > WHOLE_BOMB_RATIO * max(part.size, 1):
                    raise BadInputError("bomb", f"over {len(found):,} bytes from {part.size:,} ({part.compression})")
                raise BadInputError("too_large", f"over {most:,} bytes")
    except BadInputError as error:
        if error.code == "truncated" or (error.code == "unreadable" and found):
            return bytes(found), error
        raise
    return bytes(found), None


def _front_matter(text: str, out: Rows) -> tuple[str, dict[str, Any], dict[str, Any]]:
    """Split YAML front matter off; only its plain `key: value` lines are understood, all of it is kept in `extra`."""
    match = _FRONT.match(text)
    if not match:
        return text, {}, {}
    found: dict[str, str] = {}
    for line in match["body"].splitlines():
        pair = _LINE.fullmatch(line.rstrip())
        if pair and pair["value"]:
            quoted = _QUOTED.fullmatch(pair["value"].strip())
            found[pair["key"]] = quoted["inside"] if quoted else pair["value"].strip()
    if not found and match["body"].strip():
        return text, {}, {}  # a text that starts with a rule, not front matter
    overrides = {target: name for target, name in out.overrides.items() if target != "text"}
    mapped = map_columns(found, overrides)
    out.say_mapping(line for line in mapped.taken if not line.startswith("text "))
    values = {target: found[names[0]] for target, names in mapped.fields}
    return text[match.end() :], values, {"front_matter": match["body"]}
