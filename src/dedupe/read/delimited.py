"""CSV and TSV: quoted newlines, any usual delimiter, every row as long as the header."""

from __future__ import annotations

import codecs
import csv
from collections.abc import Iterator
from itertools import chain
from typing import Any

from dedupe.quantities import amount
from dedupe.read.columns import TEXT_NAMES, fold
from dedupe.read.decode import decode
from dedupe.read.jsonlines import line_limit
from dedupe.read.parts import FilePart, ReadBatch
from dedupe.read.reasons import BadInputError
from dedupe.read.rows import Rows
from dedupe.read.streams import chunks, lines
from dedupe.read.tables import unique_names

# The charset of a file is decided on its beginning; rows further down that do not fit are decoded one by one.
_SAMPLE = 256 << 10
_DELIMITERS = {"csv": ",;\t|", "tsv": "\t,;|"}


def read_delimited(part: FilePart, out: Rows) -> Iterator[ReadBatch]:
    """Read the rows under a header. Rows are numbered from 1, the header not counted. Raises BadInputError."""
    most = line_limit(out.config.max_article_bytes)
    csv.field_size_limit(most)
    source = _Lines(part, out, most)
    first = next(iter(source), None)
    while first is not None and not first.strip():
        first = next(source, None)
    if first is None:
        raise BadInputError("empty", "the file has no rows")
    delimiter = _delimiter(first, part.format)
    rows = csv.reader(chain([first], source), delimiter=delimiter, strict=True)
    try:
        header = unique_names([name.strip() for name in next(rows)])
    except csv.Error as error:
        raise BadInputError("malformed", f"the header cannot be read ({error})") from error
    yield from _read_rows(rows, header, delimiter, source, out)
    if not out.numbered:
        raise BadInputError("empty", "the file has a header and no rows")


def _read_rows(rows: Any, header: list[str], delimiter: str, source: _Lines, out: Rows) -> Iterator[ReadBatch]:
    width = len(header)
    line = rows.line_num
    while True:
        try:
            row = next(rows)
        except StopIteration:
            return
        except csv.Error as error:
            out.numbered += 1
            row = _loose(source.last, delimiter, width) if rows.line_num == line + 1 else None
            if row is None:
                out.reject(out.numbered, "malformed", f"row {out.numbered:,}, at line {line + 2:,} of the file: {error}")
                line = rows.line_num
                continue
            out.count("csv_loose_quotes")
            out.numbered -= 1
        line = rows.line_num
        if not row:
            continue
        out.numbered += 1
        if source.take_overlong():
            out.reject(out.numbered, "too_large", "one of its lines is longer than a record may be")
        elif len(row) != width and (len(row) < width or any(row[width:])):
            out.reject(out.numbered, "malformed", f"the row has {amount(len(row), 'field')}, the header has {width:,}")
        else:
            _add(row, header, source, out)
        if out.full:
            yield from out.take()


def _add(row: list[str], header: list[str], source: _Lines, out: Rows) -> None:
    notes = dict(source.notes)
    values: dict[str, Any] = {}
    try:
        for name, value in zip(header, row, strict=False):
            if value:
                values[name] = value if value.isascii() else _mended(value, notes, out)
            elif fold(name) in TEXT_NAMES or name in out.config.fields.values():
                values[name] = None
    except BadInputError as error:
        out.reject(out.numbered, error.code, error.detail)
        return
    out.add_record(out.numbered, values, notes or None)


def _mended(value: str, notes: dict[str, Any], out: Rows) -> str:
    """Decode a field again whose bytes did not fit the charset of the file."""
    try:
        value.encode()
    except UnicodeEncodeError:
        decoded = decode(value.encode("utf-8", "surrogateescape"))
        if decoded.event:
            out.count(decoded.event)
            notes["decoded_as"] = decoded.decoded_as
        return decoded.text
    return value


def _loose(line: str, delimiter: str, width: int) -> list[str] | None:
    """Read one line that has text after a closing quote, where it still has all its fields."""
    try:
        row = next(csv.reader([line], delimiter=delimiter, strict=False), [])
    except csv.Error:
        return None
    unclosed = line.count('"') % 2
    return row if len(row) == width and not unclosed else None


def _delimiter(header: str, kind: str) -> str:
    """Choose the delimiter under which the header names a text column, then the one that gives most columns."""

    def merit(delimiter: str) -> tuple[bool, int]:
        try:
            cells = next(csv.reader([header], delimiter=delimiter), [])
        except csv.Error:
            return False, 0
        return any(fold(cell) in TEXT_NAMES for cell in cells) and len(cells) > 1, len(cells)

    return max(_DELIMITERS[kind], key=merit)  # the first of equals: the extension's own


class _Lines:
    """Give the csv module decoded lines with their newline, remembering the last one and any that was too long."""

    def __init__(self, part: FilePart, out: Rows, most: int) -> None:
        self.notes: dict[str, Any] = {}
        self.last = ""
        self._overlong = False
        data = chunks(part)
        sample, problem = _sample(data)
        if not sample:
            raise problem or BadInputError("empty", "the file has no bytes" if not part.size else "it unpacks to nothing")
        codec = self._codec(sample, out)
        newline = "\r" if b"\r" in sample and b"\n" not in sample else "\n"
        self._newline = newline
        stream = _raising(sample, data, problem)
        self._lines = lines(_recoded(stream, codec), most, newline.encode())
        self._first = True

    def _codec(self, sample: bytes, out: Rows) -> str:
        decoded = decode(sample, cut=True)
        if decoded.event:
            out.count(decoded.event)
        if decoded.decoded_as and decoded.decoded_as != "utf-8-sig":
            self.notes["decoded_as"] = decoded.decoded_as
            return decoded.decoded_as
        return "utf-8"

    def take_overlong(self) -> bool:
        """Tell whether a line since the last call was too long to be held."""
        was, self._overlong = self._overlong, False
        return was

    def __iter__(self) -> _Lines:
        return self

    def __next__(self) -> str:
        line = next(self._lines)
        if line is None:
            self._overlong = True
            self.last = "\0\n"  # a row of its own, which is then rejected, or a piece of a quoted field
            return self.last
        text = line.decode("utf-8", "surrogateescape")
        if self._first:
            self._first = False
            text = text.lstrip("\ufeff")  # two, where a file with a mark was given another
        self.last = text + "\n"
        return self.last


def _sample(data: Iterator[bytes]) -> tuple[bytes, BadInputError | None]:
    found = bytearray()
    try:
        for chunk in data:
            found += chunk
            if len(found) >= _SAMPLE:
                break
    except BadInputError as error:
        return bytes(found), error
    return bytes(found), None


def _raising(sample: bytes, data: Iterator[bytes], problem: BadInputError | None) -> Iterator[bytes]:
    yield sample
    if problem:
        raise problem
    yield from data


def _recoded(data: Iterator[bytes], codec: str) -> Iterator[bytes]:
    """Bring a stream to UTF-8, so that lines can be found; bytes that do not fit the codec become U+FFFD."""
    if codec == "utf-8":
        yield from data
        return
    decoder = codecs.getincrementaldecoder(codec)("replace")
    for chunk in data:
        yield decoder.decode(chunk).encode("utf-8", "surrogatepass")
