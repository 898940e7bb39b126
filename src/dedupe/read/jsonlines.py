"""JSON Lines: one object a line, read by byte range; whatever orjson refuses gets a second, more patient reading."""

from __future__ import annotations

import json
import math
import sys
from collections.abc import Callable, Generator, Iterator
from functools import cache
from typing import Any

import orjson

from dedupe.read.decode import charset_of_lines, decode, magic_kind, replace_surrogates, wide_kind
from dedupe.read.parts import FilePart, ReadBatch
from dedupe.read.reasons import BadInputError
from dedupe.read.rows import Rows
from dedupe.read.streams import chunks, head, lines, range_chunks

# The charset of a file is looked for in its beginning.
_SAMPLE = 64 << 10
_GUESSED_ON = 1 << 20
_MARKED = ("utf-16", "utf-32")

Likely = Callable[[], str | None]

# A line holds more than the text: markup, embeddings, and six bytes of escapes for two of Cyrillic.
LINE_FACTOR = 8
_LEAST_LINE = 1 << 20


def line_limit(max_article_bytes: int) -> int:
    """Return how many bytes of one record are held at most."""
    return max(_LEAST_LINE, LINE_FACTOR * max_article_bytes)


def read_json_lines(part: FilePart, out: Rows) -> Iterator[ReadBatch]:
    """Read the lines that start within the part. Records are numbered as lines, blank ones included."""
    most = line_limit(out.config.max_article_bytes)
    wide = None if part.start else wide_codec(part)
    found = False
    if wide:
        out.count(f"charset_{'marked' if wide in _MARKED else 'guessed'}:{wide}")
        found = yield from _read_lines(_recoded(part, wide), most, out, {"decoded_as": wide})
    else:
        data = chunks(part) if part.compression else range_chunks(part, most)
        found = yield from _read_lines(data, most, out, None, cache(lambda: _likely_charset(part)))
    if not found and part.index == 0 and part.stop is None:
        out.reject(0, "empty", "the file has only blank lines" if out.numbered else "the file has no lines")


def can_be_cut(part: FilePart) -> bool:
    """Tell whether lines can be found from the middle of the file: not in UTF-16, and not in what is no text at all."""
    try:
        return wide_codec(part) is None
    except BadInputError:
        return False


def wide_codec(part: FilePart) -> str | None:
    """Return the codec of a file in UTF-16 or UTF-32, with a mark or without. Raises BadInputError: binary."""
    try:
        mark = head(part.path, part.compression, _SAMPLE)
    except OSError:
        return None
    if mark[:4] in (b"\xff\xfe\x00\x00", b"\x00\x00\xfe\xff"):
        return "utf-32"
    if kind := magic_kind(mark):
        raise BadInputError("binary", kind)
    return "utf-16" if mark[:2] in (b"\xff\xfe", b"\xfe\xff") else wide_kind(mark)


def _recoded(part: FilePart, codec: str) -> Iterator[bytes]:
    import codecs

    decoder = codecs.getincrementaldecoder(codec)("replace")
    for data in chunks(part):
        yield decoder.decode(data).encode("utf-8", "replace")


def _likely_charset(part: FilePart) -> str | None:
    """Guess the charset of the lines that are no UTF-8 by those in the beginning of the file, whichever part of it is read."""
    try:
        data = head(part.path, part.compression, _GUESSED_ON)
    except OSError:
        return None
    return charset_of_lines(data if len(data) < _GUESSED_ON else data[: data.rfind(b"\n") + 1])


def _read_lines(
    data: Iterator[bytes], most: int, out: Rows, notes: dict[str, Any] | None, likely: Likely | None = None
) -> Generator[ReadBatch, None, bool]:
    """Add the records; return whether there was any line that is not blank."""
    loads = orjson.loads
    number = 0
    found = False
    for line in lines(data, most):
        number += 1
        out.numbered = number
        if line is None:
            found = True
            out.reject(number, "too_large", f"the line has over {most:,} bytes")
            continue
        if not line or line.isspace():
            continue
        found = True
        try:
            values = loads(line)
        except orjson.JSONDecodeError:
            _patient(line, number, out, notes, likely)
        else:
            out.raw = line
            out.add_record(number, values, notes)
        if out.full:
            yield from out.take()
    return found


def _patient(line: bytes, number: int, out: Rows, notes: dict[str, Any] | None, likely: Likely | None) -> None:
    try:
        values, seen = patient_loads(line, out, likely)
    except BadInputError as error:
        out.reject(number, error.code, error.detail)
        return
    out.raw = None
    out.add_record(number, values, {**(notes or {}), **seen} or None)


def patient_loads(data: bytes, out: Rows, likely: Likely | None = None) -> tuple[Any, dict[str, Any]]:
    """Parse JSON that is not strict: other charsets, NaN, escapes of lone surrogates; return it with what was mended.

    Of equal keys in an object the last one counts, as with orjson. Raises BadInputError.
    """
    decoded = decode(data, likely=likely)
    notes: dict[str, Any] = {}
    if decoded.event:
        out.count(decoded.event)
    if decoded.decoded_as and decoded.decoded_as != "utf-8-sig":
        notes["decoded_as"] = decoded.decoded_as
    if decoded.text.isspace() or not decoded.text:
        raise BadInputError("empty", "nothing but a byte order mark")
    try:
        values = json.loads(decoded.text)
    except json.JSONDecodeError as error:
        raise BadInputError(
            "malformed", f"{error.msg.removesuffix(' at')} at character {error.pos + 1:,} of the record"
        ) from error
    except RecursionError as error:
        raise BadInputError("malformed", "it is nested too deep") from error
    except ValueError as error:
        raise BadInputError("malformed", f"it has a number of more than {sys.get_int_max_str_digits():,} digits") from error
    mender = _Mender()
    try:
        values = mender.mend(values)
    except RecursionError as error:
        raise BadInputError("malformed", "it is nested too deep") from error
    if mender.lone:
        out.count("lone_surrogate", mender.lone)
        notes["lone_surrogates_replaced"] = mender.lone
    if mender.not_finite:
        out.count("number_not_finite", mender.not_finite)
    return values, notes


class _Mender:
    """Make values that Arrow and JSON can hold: no lone surrogates, NaN and Infinity as words."""

    def __init__(self) -> None:
        self.lone = 0
        self.not_finite = 0

    def mend(self, value: Any) -> Any:
        if isinstance(value, str):
            mended, lone = replace_surrogates(value)
            self.lone += lone
            return mended
        if isinstance(value, float) and not math.isfinite(value):
            self.not_finite += 1
            return repr(value)
        if isinstance(value, list):
            return [self.mend(item) for item in value]
        if isinstance(value, dict):
            return {self.mend(name): self.mend(item) for name, item in value.items()}
        return value
