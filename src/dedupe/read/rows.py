"""Records to rows: fields are found by name, checked, counted, and gathered into Arrow batches."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import numpy as np
import orjson
import pyarrow as pa

from dedupe import schema
from dedupe.config import Config
from dedupe.read.columns import Mapped, check_fields, map_columns
from dedupe.read.dates import FUTURE_MICROS, NONE, parse_date
from dedupe.read.parts import BATCH_ROWS, BATCH_TEXT_BYTES, FilePart, ReadBatch, ReadReport
from dedupe.read.reasons import sentence

# Files of foreign records have as many sets of keys as records: mappings are kept for so many sets.
_MOST_MAPPINGS = 4_096
_FLOAT_EXACT = 2**53

# What nobody sees is no text: white space, control characters, zero-width characters and byte order marks. For Python and Arrow.
VISIBLE = (
    r"[^\x00-\x20\x7f-\xa0\xad"
    "\u1680\u180e\u2000-\u200f\u2028-\u202f\u205f-\u2064\u2066-\u206f\u3000\ufeff]"
)
_visible = re.compile(VISIBLE).search

_HOW_TO_NAME = "name yours with --field text=COLUMN, in Python with fields={'text': COLUMN}"

_INDEX = {name: index for index, name in enumerate(schema.ARTICLES.names)}
_EMPTY_ROW: list[Any] = [None] * len(schema.ARTICLES)

_TYPE_NAMES = {
    dict: "an object",
    list: "a list",
    bool: "true or false",
    int: "a number",
    float: "a number",
    str: "a string",
}


def type_name(value: object) -> str:
    """Say what a JSON value is, in words."""
    return "null" if value is None else _TYPE_NAMES.get(type(value), type(value).__name__)


def dump_extra(values: Mapping[str, Any]) -> str:
    """Write an object as compact JSON with sorted keys; nested values stay JSON."""
    try:
        return orjson.dumps(values, option=orjson.OPT_SORT_KEYS).decode()
    except (orjson.JSONEncodeError, TypeError):  # integers over 64 bits, nesting over 254
        return json.dumps(values, ensure_ascii=False, sort_keys=True, separators=(",", ":"), default=str)


class Rows:
    """Gather the rows and rejects of one shard, in input order, and hand them out in batches of bounded size."""

    def __init__(self, config: Config, now: datetime | None = None) -> None:
        self.config = config
        self.overrides = check_fields(config.fields)
        self._most = config.max_article_bytes
        self._future = int((now or datetime.now(UTC)).timestamp() * 1_000_000) + FUTURE_MICROS
        self._mappings: dict[tuple[str, ...], Mapped] = {}
        self._said: set[str] = set()
        self._mapped: Mapped | None = None
        self._clear()
        self.position = -1
        self.numbered = 0
        self.format = ""
        self.source = ""
        self.size = 0
        self.unpacked = 0  # by readers of tables: what the values of the part at hand came to so far
        self._first = False
        self.raw: bytes | None = None  # the JSON of the record at hand, where the reader has it

    def _clear(self) -> None:
        self._rows: list[list[Any]] = []
        self._rejects: list[tuple[str, int, str, str]] = []
        self._bytes = 0
        self._raw_is_text = True
        self._counts: dict[int, int] = {}
        self.report = ReadReport()

    def begin(self, position: int, part: FilePart) -> None:
        """Turn to the next part of the shard; record numbers start anew."""
        self._close_part()
        self.position, self.numbered = position, 0
        self._handed = 0
        self.source, self.format = part.source, part.format
        self.size, self.unpacked = part.size, 0
        self._first = part.index == 0
        self._said, self._mapped = set(), None

    def _close_part(self) -> None:
        if self.position >= 0 and self.numbered > self._handed:
            self._counts[self.position] = self._counts.get(self.position, 0) + self.numbered - self._handed
            self._handed = self.numbered

    @property
    def full(self) -> bool:
        """Tell whether it is time to hand a batch on."""
        return len(self._rows) + len(self._rejects) >= BATCH_ROWS or self._bytes >= BATCH_TEXT_BYTES

    def take(self) -> Iterator[ReadBatch]:
        """Yield what was gathered as one batch, or nothing where there is nothing."""
        self._close_part()
        rows, rejects = len(self._rows), len(self._rejects)
        if not (rows or rejects or self._counts or self.report.events or self.report.columns):
            return
        columns = list(zip(*self._rows, strict=True)) or [()] * len(schema.ARTICLES)
        arrays = [_array(field, values) for field, values in zip(schema.ARTICLES, columns, strict=True)]
        articles = pa.RecordBatch.from_arrays(arrays, schema=schema.ARTICLES)
        refused = reject_batch(self._rejects)
        batch = ReadBatch(articles, refused, rows + rejects, self._counts, self.report, self._raw_is_text)
        self._clear()
        yield batch

    def hand_on(self, articles: pa.RecordBatch) -> ReadBatch:
        """Make one batch of articles that a reader of tables has built, and of the rejects gathered since `take`."""
        self._close_part()
        rejects = reject_batch(self._rejects)
        batch = ReadBatch(articles, rejects, articles.num_rows + rejects.num_rows, self._counts, self.report, True)
        self._clear()
        return batch

    def count(self, event: str, times: int = 1) -> None:
        """Count something that was assumed or seen."""
        self.report.events[event] += times

    def reject(self, record: int, code: str, detail: str) -> None:
        """Put one input into the rejects. `record` 0 means the whole file."""
        self._rejects.append((self.source, record, code, sentence(code, detail)))

    def say_mapping(self, taken: Iterable[str]) -> None:
        """Count once a file which columns were taken for which fields; what only a later part holds is named, not counted."""
        for line in taken:
            if line not in self._said:
                self._said.add(line)
                self.report.columns[(self.format, line)] += self._first

    def mapping(self, names: tuple[str, ...]) -> Mapped:
        """Return the mapping for a set of columns, made once."""
        mapped = self._mappings.get(names)
        if mapped is None:
            if len(self._mappings) >= _MOST_MAPPINGS:
                self._mappings.clear()
            mapped = self._mappings[names] = map_columns(names, self.overrides)
        return mapped

    def add_record(self, record: int, values: Any, notes: dict[str, Any] | None = None) -> None:
        """Make a row, or a reject, of one record of named values. `notes` says what was assumed in reading it."""
        if type(values) is not dict:
            self.reject(record, "wrong_type", f"the record is {type_name(values)}, not an object")
            return
        mapped = self.mapping(tuple(values))
        if mapped is not self._mapped:  # most records are like the one before
            self._mapped = mapped
            self.say_mapping(mapped.taken)
        text, text_name = filled_text(values, mapped)
        if text_name is None:
            self.reject(record, *no_text(values, mapped))
            return
        data = text.encode()
        if len(data) > self._most:
            self.reject(record, "too_large", f"{len(data):,} bytes of text, over {self._most:,}")
            return
        extra = {name: values[name] for name in mapped.rest if values[name] is not None}
        if len(mapped.text) > 1:
            extra.update((n, values[n]) for n in mapped.text if n != text_name and values[n] not in (None, ""))
        row = _EMPTY_ROW.copy()
        for target, names in mapped.fields:
            value = values[names[0]]
            if len(names) == 1 and type(value) is str and target != "published_at":  # nearly all: spares a call
                row[_INDEX[target]] = value if value and not value.isspace() else None
            else:
                row[_INDEX[target]] = self.field(target, names, values, extra)
        if notes:
            put_notes(extra, notes)
        self._append(record, data, hashlib.sha256(data).hexdigest(), row, extra)

    def add_text(self, record: int, text: str, raw_sha256: str | None, values: Mapping[str, Any], extra: dict[str, Any]) -> None:
        """Make a row of an article whose fields are known by our own names (title, url, published_at, ...)."""
        if not _visible(text):
            self.reject(record, "empty", "nothing but white space")
            return
        data = text.encode()
        if len(data) > self._most:
            self.reject(record, "too_large", f"{len(data):,} bytes of text, over {self._most:,}")
            return
        row = _EMPTY_ROW.copy()
        for name in values:
            row[_INDEX[name]] = self.field(name, (name,), values, extra)
        self._raw_is_text &= raw_sha256 is None
        self._append(record, data, raw_sha256 or hashlib.sha256(data).hexdigest(), row, extra)

    def _append(self, record: int, data: bytes, sha: str, row: list[Any], extra: dict[str, Any]) -> None:
        row[:4] = self.source, record, data, sha
        row[-1] = dump_extra(extra) if extra else None
        self._rows.append(row)
        self._bytes += len(data)

    def field(self, target: str, names: tuple[str, ...], values: Mapping[str, Any], extra: dict[str, Any]) -> Any:
        """Return the first filled value of a field; what else these names hold goes to `extra`."""
        taken: Any = None
        for name in names:
            value = values[name]
            if value is None or value == "":
                continue
            if taken is not None:
                extra[name] = value
                continue
            if target == "published_at":
                taken = self._date(value, extra)
                continue
            if target == "input_id" and type(value) is float and abs(value) >= _FLOAT_EXACT:
                value = self._exact(name, value)
            words, whole = as_string(value)
            if not whole:
                extra[name] = value
                if words is None:
                    self.count(f"wrong_type:{target}")
            taken = words
        return taken

    def _exact(self, name: str, rounded: float) -> Any:
        """Read a number of more than 64 bits again: orjson has rounded it, and an ID must not be."""
        if not self.raw:
            self.count("id_rounded")
            return rounded
        return json.loads(self.raw)[name]

    def _date(self, value: object, extra: dict[str, Any]) -> int | None:
        parsed = parse_date(value)
        if parsed is NONE:
            return None
        micros, events, keep = parsed
        for event in events:
            self.count(event)
        if keep and extra.get("published_as_given") != value:
            put_notes(extra, {"published_as_given": value})
        if micros is not None and micros > self._future:
            self.count("date_future")
        return micros

    @property
    def future_micros(self) -> int:
        """Return the microsecond of UTC after which a date counts as future."""
        return self._future


def _array(field: pa.Field, values: Sequence[Any]) -> pa.Array:
    if field.name == "text":  # UTF-8 already, for its hash: it is copied once, where a builder of arrays copies as it grows
        offsets = pa.array(np.concatenate([[0], np.cumsum(list(map(len, values)), dtype=np.int64)])).cast(pa.int32())
        return pa.StringArray.from_buffers(len(values), offsets.buffers()[1], pa.py_buffer(b"".join(values)))
    if field.name == "published_at":
        return pa.array(values, pa.int64()).cast(field.type)
    return pa.array(values, field.type)


def filled_text(values: Mapping[str, Any], mapped: Mapped) -> tuple[str, str | None]:
    """Return the first text of which something can be seen, and the name it stands under (None where there is none)."""
    for name in mapped.text:
        value = values[name]
        if type(value) is str and _visible(value):
            return value, name
    return "", None


def no_text(values: Mapping[str, Any], mapped: Mapped) -> tuple[str, str]:
    """Say why a record gives no text, as (code, detail)."""
    if not mapped.text:
        names = ", ".join(list(values)[:8]) or "none"
        return "empty", f"no column holds the text; columns are {names}; {_HOW_TO_NAME}"
    for name in mapped.text:
        if values[name] is not None and not isinstance(values[name], str):
            return "wrong_type", f"{name} is {type_name(values[name])}, not a string"
    given = "null" if values[mapped.text[0]] is None else "blank"
    return "empty", f"{mapped.text[0]} is {given}"


def as_string(value: object) -> tuple[str | None, bool]:
    """Return what a field's value is as one string, and whether that says all of it.

    People write authors as lists and publishers as objects with a name (schema.org, NewsAPI): the names are taken.
    """
    if isinstance(value, str):
        return (None, True) if value.isspace() else (value, True)
    if isinstance(value, bool):
        return None, False
    if isinstance(value, int):
        return str(value), True
    if isinstance(value, float):
        return (str(int(value)) if value.is_integer() and abs(value) < _FLOAT_EXACT else repr(value)), True
    if isinstance(value, dict):
        name = value.get("name")
        return (name if isinstance(name, str) and name.strip() else None), False
    if isinstance(value, list):
        names = [as_string(item)[0] for item in value]
        return (", ".join(n for n in names if n) or None), len(value) == 1 and isinstance(value[0], str)
    return None, False


def put_notes(extra: dict[str, Any], notes: Mapping[str, Any]) -> None:
    """Add what was assumed; an input column that has the same name keeps its own."""
    for name, value in notes.items():
        extra[f"dedupe:{name}" if name in extra else name] = value


def reject_batch(rejects: list[tuple[str, int, str, str]]) -> pa.RecordBatch:
    """Make the Arrow batch of (path, record, code, sentence) rows."""
    columns = list(zip(*rejects, strict=True)) or [(), (), (), ()]
    arrays = [pa.array(values, f.type) for values, f in zip(columns, schema.REJECTS, strict=True)]
    return pa.RecordBatch.from_arrays(arrays, schema=schema.REJECTS)
