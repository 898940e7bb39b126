"""JSON documents: one object, an array, an object that holds an array of articles, or several of these in a row."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import chain
from typing import Any

import orjson

from dedupe.read.decode import decode
from dedupe.read.extraction import SHORT
from dedupe.read.jsonlines import line_limit, patient_loads
from dedupe.read.parts import FilePart, ReadBatch
from dedupe.read.reasons import BadInputError
from dedupe.read.rows import Rows, filled_text
from dedupe.read.streams import chunks

# Up to this size a document is parsed at once (orjson takes about 5 times its size); above it, value by value.
WHOLE_BYTES = 64 << 20

_BETWEEN = re.compile(rb"""[^\s,]""")
_OUTSIDE = re.compile(rb"""["{}\[\]]""")
_INSIDE = re.compile(rb"""["\\]""")
_OBJECT = re.compile(rb"""\{\s*["}]|\[\s*[\["{]""")
_MOST_HELD = 10_000
_LONGEST_HELD = 1_000
# How deep an array of articles may lie in an envelope: {"response": {"docs": [...]}}.
_ENVELOPE_DEPTH = 3


def read_json(part: FilePart, out: Rows) -> Iterator[ReadBatch]:
    """Read a document as one article or as many. What precedes damage is kept. Raises BadInputError."""
    stream = chunks(part)
    data, problem, more = _first_bytes(stream)
    if not data.strip():
        raise problem or BadInputError("empty", "the file has no bytes" if not part.size else "nothing but white space")
    notes: dict[str, Any] | None = None
    if not more and problem is None:
        try:
            values = orjson.loads(data)
        except orjson.JSONDecodeError:
            data, notes = _as_utf8(data, out)
        else:
            yield from _emit(values if isinstance(values, list) else [values], out, None)
            return
    yield from _emit_split(chain([data], stream if more else ()), out, notes)
    if problem:
        raise problem


def _first_bytes(stream: Iterator[bytes]) -> tuple[bytes, BadInputError | None, bool]:
    """Return up to WHOLE_BYTES, what broke the stream, and whether there is more."""
    found = bytearray()
    try:
        for data in stream:
            found += data
            if len(found) >= WHOLE_BYTES:
                return bytes(found), None, True
    except BadInputError as error:
        if not found:
            raise
        return bytes(found).removeprefix(b"\xef\xbb\xbf"), error, False
    return bytes(found).removeprefix(b"\xef\xbb\xbf"), None, False


def _as_utf8(data: bytes, out: Rows) -> tuple[bytes, dict[str, Any] | None]:
    """Bring a whole document to UTF-8 where it is in another charset. Raises BadInputError."""
    decoded = decode(data)
    if decoded.event is None:
        return data, None
    out.count(decoded.event)
    return decoded.text.encode("utf-8", "replace"), {"decoded_as": decoded.decoded_as}


def _emit(values: list[Any], out: Rows, notes: dict[str, Any] | None) -> Iterator[ReadBatch]:
    """Add what each value holds: an article, or an envelope or a list of some."""
    if not values:
        raise BadInputError("empty", "the array has no articles")
    for value in values:
        for record in _records(value, out):
            out.numbered += 1
            out.raw = None
            out.add_record(out.numbered, record, notes)
            if out.full:
                yield from out.take()


def _records(value: Any, out: Rows) -> list[Any]:
    found: list[Any] = []
    if isinstance(value, dict) and not _has_text(value, out):
        found, others = _enclosed(value, out, _ENVELOPE_DEPTH)
        if found and found[0] is not value:
            out.count("json_envelope")
            out.count("json_without_text", others)
    elif isinstance(value, list):
        found, _ = _listed(value, out, _ENVELOPE_DEPTH)
    return found or [value]


def _enclosed(values: dict[str, Any], out: Rows, depth: int) -> tuple[list[Any], int]:
    """Return the articles in an object that is none itself, in their order, and how many other objects its lists hold.

    A list is one of articles where any of its objects names a text, or has a title and a string as long as texts are; then each
    of them is a record, with a text or without. Any other list (authors, images, links) describes the articles: its objects are
    counted, as rejects of them would bury those of articles. An object that stands alone must have a title and a text. An object
    with a title whose texts have none is no envelope, but an article in parts or with comments: it is the record, and a reject,
    as its shape is not known.
    """
    found: list[Any] = []
    others = 0
    for value in values.values() if depth else ():
        inner: list[Any] = []
        more = 0
        if isinstance(value, list):
            inner, more = _listed(value, out, depth - 1)
        elif isinstance(value, dict):
            if not _has_text(value, out):
                inner, more = _enclosed(value, out, depth - 1)
            elif _has_title(value, out):
                inner = [value]
        found += inner
        others += more
    if found and _has_title(values, out) and not any(_has_title(record, out) for record in found):
        return [values], 0
    return found, others


def _listed(items: list[Any], out: Rows, depth: int) -> tuple[list[Any], int]:
    found: list[Any] = []
    others = 0
    articles = any(_is_record(item, out) for item in items)
    for item in items:
        inner: list[Any] = []
        if isinstance(item, list) and depth:
            inner, more = _listed(item, out, depth - 1)
            others += more
        elif isinstance(item, dict) and not _has_text(item, out):
            inner, more = _enclosed(item, out, depth)
            others += more + (not inner and not articles)
        found += inner or ([item] if articles else [])
    return found, others


def _is_record(item: Any, out: Rows) -> bool:
    if not isinstance(item, dict):
        return False
    if out.mapping(tuple(item)).text:
        return True
    return _has_title(item, out) and any(isinstance(value, str) and len(value) >= SHORT for value in item.values())


def _has_text(values: dict[str, Any], out: Rows) -> bool:
    return filled_text(values, out.mapping(tuple(values)))[1] is not None


def _has_title(values: Any, out: Rows) -> bool:
    if not isinstance(values, dict):
        return False
    titles = dict(out.mapping(tuple(values)).fields).get("title", ())
    return any(isinstance(values[name], str) and values[name].strip() for name in titles)


def _emit_split(data: Iterator[bytes], out: Rows, notes: dict[str, Any] | None) -> Iterator[ReadBatch]:
    most = line_limit(out.config.max_article_bytes)
    for kind, piece in _of_json(_Splitter(most).split(data)):
        if kind == "value":
            try:
                values, seen = _loads(piece, out)
            except BadInputError as error:
                out.numbered += 1
                out.reject(out.numbered, error.code, error.detail)
                continue
            yield from _emit([values], out, {**(notes or {}), **seen} or None)
        else:
            out.numbered += 1
            if kind == "too_large":
                out.reject(out.numbered, "too_large", f"a value of over {most:,} bytes; write such files as JSON lines")
            else:
                out.reject(out.numbered, "malformed", piece.decode())
        if out.full:
            yield from out.take()
    if not out.numbered:
        raise BadInputError("empty", "the document has no articles")


def _of_json(pieces: Iterator[tuple[str, bytes]]) -> Iterator[tuple[str, bytes]]:
    """Pass on what a splitter finds, but of what is no JSON at all one fault alone: it would find one in every other word."""
    held: list[tuple[str, bytes]] = []
    for kind, piece in pieces:
        strange = kind == "malformed" or (kind == "value" and len(piece) <= _LONGEST_HELD and not _OBJECT.match(piece))
        held.append((kind, piece))
        if not strange or len(held) > _MOST_HELD:
            yield from held
            yield from pieces
            return
    yield from held if len(held) < 2 else [("malformed", b"it holds no JSON object")]


def _loads(piece: bytes, out: Rows) -> tuple[Any, dict[str, Any]]:
    try:
        return orjson.loads(piece), {}
    except orjson.JSONDecodeError:
        return patient_loads(piece, out)


class _Splitter:
    """Cut a stream into the objects that stand at its top or in its top-level arrays, holding one of them at a time."""

    def __init__(self, most: int) -> None:
        self.most = most
        self.depth = 0
        self.in_array = False
        self.in_string = False
        self.held = bytearray()
        self.over = False
        self.skip = False  # a backslash was the last byte of the previous chunk

    def split(self, data: Iterator[bytes]) -> Iterator[tuple[str, bytes]]:
        """Yield ("value", JSON), ("too_large", b"") or ("malformed", reason)."""
        for chunk in data:
            yield from self._scan(chunk)
        if self.depth or self.in_string:
            yield "malformed", b"the document ends inside a value"
        elif self.in_array:
            yield "malformed", b"the document ends inside an array"

    def _scan(self, chunk: bytes) -> Iterator[tuple[str, bytes]]:
        position = int(self.skip)
        start = 0
        self.skip = False
        while True:
            if self.in_string:
                match = _INSIDE.search(chunk, position)
                if not match:
                    break
                position = match.end()
                if match.group() == b'"':
                    self.in_string = False
                elif position == len(chunk):  # the escaped character is in the next chunk
                    self.skip = True
                    break
                else:
                    position += 1
                continue
            match = _OUTSIDE.search(chunk, position)
            if not self.depth:
                between = chunk[position : match.start() if match else len(chunk)]
                if _BETWEEN.search(between):
                    yield "malformed", b"there is something between the values that is no JSON object"
            if not match:
                break
            token, position = match.group(), match.end()
            if token == b'"':
                self.in_string = True
                if not self.depth:
                    yield "malformed", b"a string stands where an object should"
            elif token in b"{[":
                if token == b"[" and not self.depth and not self.in_array:
                    self.in_array = True
                    continue
                if not self.depth:
                    start = match.start()
                self.depth += 1
            elif self.depth:
                self.depth -= 1
                if not self.depth:
                    self._hold(chunk[start:position])
                    yield ("too_large", b"") if self.over else ("value", bytes(self.held))
                    self.held, self.over = bytearray(), False
                    start = position
            elif token == b"]" and self.in_array:
                self.in_array = False
            else:
                yield "malformed", b"a bracket closes what was never opened"
        if self.depth:
            self._hold(chunk[start:])

    def _hold(self, piece: bytes) -> None:
        if len(self.held) + len(piece) > self.most:
            self.over = True
            self.held.clear()
        if not self.over:
            self.held += piece
