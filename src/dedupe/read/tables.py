"""Record batches of any schema to articles, column by column: no Python value is made of a text."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Sequence
from datetime import date, datetime
from itertools import pairwise
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from dedupe import schema
from dedupe.read.columns import Mapped
from dedupe.read.dates import EARLIEST, LATEST
from dedupe.read.decode import decode
from dedupe.read.parts import ReadBatch
from dedupe.read.reasons import BadInputError
from dedupe.read.rows import VISIBLE, Rows, dump_extra, no_text, put_notes
from dedupe.read.streams import refuse_bomb

_MOST_GROWN = 64 << 20
_MOST_IN_ROW = 256 << 20  # a list may repeat one long string as often as it likes
_OBJECT_BYTES = 64
_OUT_OF_RANGE = "<value out of range"
_PER_SECOND = {"s": 1, "ms": 1_000, "us": 1_000_000, "ns": 1_000_000_000}


def unique_names(names: Sequence[str]) -> list[str]:
    """Number repeated column names, so that each can be told from the others: text, text.2, ..."""
    seen: dict[str, int] = {}
    found = []
    for name in names:
        seen[name] = seen.get(name, 0) + 1
        found.append(name if seen[name] == 1 else f"{name}.{seen[name]}")
    return found


def read_table(batch: pa.RecordBatch, first: int, out: Rows) -> Iterator[ReadBatch]:
    """Yield batches of articles from one batch of a table whose first row is record `first` of its part.

    Raises BadInputError: bomb, where the rows of the part so far come to far more bytes than its file has.
    """
    yield from out.take()
    grown = sum((_grown(column) for column in batch.columns), np.zeros(batch.num_rows, np.int64))
    for low, high in _bounded(grown):
        out.unpacked += int(grown[low:high].sum())
        refuse_bomb(out.unpacked, out.size, out.format)
        if grown[low] > _MOST_IN_ROW:
            out.numbered = first + low
            out.reject(first + low, "too_large", f"the row comes to {grown[low]:,} bytes")
            continue
        yield _read_slice(batch.slice(low, high - low), first + low, out)


def _bounded(grown: np.ndarray[Any, Any]) -> Iterator[tuple[int, int]]:
    """Cut a batch so that no piece grows beyond bounds when it is written out: rows may share values."""
    low = 0
    while low < len(grown):
        ends = np.cumsum(grown[low:])
        high = low + max(1, int(np.searchsorted(ends, _MOST_GROWN, "right")))
        yield low, high
        low = high


def _grown(column: pa.Array) -> np.ndarray[Any, Any]:
    """Return how many bytes each row of a column comes to when what is shared between values is written out."""
    kind = column.type
    sizes: np.ndarray[Any, Any]
    if isinstance(column, pa.ExtensionArray):
        return _grown(column.storage)
    if column.null_count == len(column):  # also where there are no rows
        return np.zeros(len(column), np.int64)
    if pa.types.is_dictionary(kind):
        sizes = _grown(column.dictionary)[pc.fill_null(column.indices, 0).to_numpy(zero_copy_only=False)]
        sizes = sizes * column.is_valid().to_numpy(zero_copy_only=False)
        return sizes
    if pa.types.is_run_end_encoded(kind):
        ends = column.run_ends.to_numpy(zero_copy_only=False)
        places = np.searchsorted(ends, np.arange(len(column)) + column.offset, "right")
        sizes = _grown(column.values.slice(places[0], places[-1] - places[0] + 1))
        sizes = sizes[places - places[0]]
        return sizes
    if pa.types.is_string_view(kind) or pa.types.is_binary_view(kind):  # each begins with its length, in 16 bytes
        views = np.frombuffer(column.buffers()[1], np.int32)[4 * column.offset :: 4][: len(column)]
        return np.where(column.is_valid().to_numpy(zero_copy_only=False), views, 0).astype(np.int64)
    if pa.types.is_struct(kind):
        return sum((_grown(column.field(at)) for at in range(kind.num_fields)), np.zeros(len(column), np.int64))
    if pa.types.is_list(kind) or pa.types.is_large_list(kind) or pa.types.is_map(kind):
        offsets = column.offsets.to_numpy(zero_copy_only=False)
        return _added(column.values, offsets[:-1], np.diff(offsets))
    if pa.types.is_list_view(kind) or pa.types.is_large_list_view(kind):
        return _added(column.values, *(part.to_numpy(zero_copy_only=False) for part in (column.offsets, column.sizes)))
    if pa.types.is_fixed_size_list(kind):
        starts = (np.arange(len(column)) + column.offset) * kind.list_size
        return _added(column.values, starts, np.full(len(column), kind.list_size))
    if pa.types.is_string(kind) or pa.types.is_binary(kind) or pa.types.is_large_string(kind) or pa.types.is_large_binary(kind):
        return np.asarray(pc.fill_null(pc.binary_length(column), 0), np.int64)
    return np.full(len(column), kind.byte_width if pa.types.is_fixed_size_binary(kind) else 8)


def _added(values: pa.Array, starts: np.ndarray[Any, Any], counts: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """Return what the values of each list come to, with the Python object that is made of each."""
    low, high = starts.min(), (starts + counts).max()
    ends = np.concatenate([[0], np.cumsum(_grown(values.slice(low, high - low)) + _OBJECT_BYTES)])
    sizes: np.ndarray[Any, Any] = ends[starts + counts - low] - ends[starts - low]
    return sizes


def _read_slice(batch: pa.RecordBatch, first: int, out: Rows) -> ReadBatch:
    names = unique_names(batch.schema.names)
    mapped = out.mapping(tuple(names))
    out.say_mapping(mapped.taken)
    out.numbered = first + batch.num_rows - 1
    articles = _Table(dict(zip(names, batch.columns, strict=True)), batch.num_rows, first, mapped, out).articles()
    return out.hand_on(articles)


class _Table:
    """Hold one batch while its columns become those of articles."""

    def __init__(self, columns: dict[str, pa.Array], rows: int, first: int, mapped: Mapped, out: Rows) -> None:
        self.columns = {name: plain(column) for name, column in columns.items()}
        self.rows, self.first, self.mapped, self.out = rows, first, mapped, out
        self.notes: dict[int, dict[str, Any]] = {}
        self.extras: dict[int, dict[str, Any]] = {}

    def articles(self) -> pa.RecordBatch:
        text, keep = self._text()
        if not keep.all():
            chosen = pa.array(np.flatnonzero(keep))
            text = text.take(chosen)
            self.columns = {name: column.take(chosen) for name, column in self.columns.items()}
            kept = {int(old): new for new, old in enumerate(np.flatnonzero(keep))}
            self.notes = {kept[row]: note for row, note in self.notes.items() if row in kept}
            self.extras = {kept[row]: more for row, more in self.extras.items() if row in kept}
        numbers = np.flatnonzero(keep) + self.first
        rows = len(numbers)
        self._rest()
        found = {target: self._field(target, names, rows) for target, names in self.mapped.fields}
        for row, note in self.notes.items():
            put_notes(self.extras.setdefault(row, {}), note)
        extra = [dump_extra(self.extras[row]) if self.extras.get(row) else None for row in range(rows)]
        made: dict[str, Any] = {
            "source": pa.array([self.out.source] * rows, pa.string()),
            "record": pa.array(numbers, pa.int64()),
            "text": text,
            "raw_sha256": pa.array(_hashes(text), pa.string()),
            "extra": pa.array(extra, pa.string()),
            **found,
        }
        arrays = [made.get(f.name, pa.nulls(rows, f.type)) for f in schema.ARTICLES]
        return pa.RecordBatch.from_arrays(arrays, schema=schema.ARTICLES)

    def _text(self) -> tuple[pa.Array, np.ndarray[Any, Any]]:
        """Return the text of each row and which rows have one that we take; put the others into the rejects."""
        text = pa.nulls(self.rows, pa.string())
        source = np.full(self.rows, -1)
        failed: dict[int, tuple[str, str]] = {}
        for order, name in enumerate(self.mapped.text):
            strings = self._strings(name, failed)
            if strings is None:
                continue
            usable = pc.match_substring_regex(strings, VISIBLE)
            fresh = pc.and_(pc.fill_null(usable, False), text.is_null())
            mask = fresh.to_numpy(zero_copy_only=False)
            source[mask] = order
            text = strings if mask.all() else pc.if_else(fresh, strings, text)
        sizes = pc.fill_null(pc.binary_length(text), 0).to_numpy(zero_copy_only=False)
        most = self.out.config.max_article_bytes
        keep = (source >= 0) & (sizes <= most)
        for row in np.flatnonzero(~keep).tolist():
            record = self.first + row
            if sizes[row] > most:
                self.out.reject(record, "too_large", f"{sizes[row]:,} bytes of text, over {most:,}")
            elif row in failed:
                self.out.reject(record, *failed[row])
            else:
                values = {name: self._value(self.columns[name], row) for name in self.mapped.text}
                named = values or dict.fromkeys(self.columns)
                self.out.reject(record, *no_text(named, self.mapped))
        self._other_texts(source)
        return text, keep

    def _other_texts(self, source: np.ndarray[Any, Any]) -> None:
        for order, name in enumerate(self.mapped.text[1:] if len(self.mapped.text) > 1 else ()):
            column = self.columns[name]
            for row in np.flatnonzero(column.is_valid().to_numpy(zero_copy_only=False) & (source != order + 1)).tolist():
                if (value := self._value(column, row)) not in (None, ""):
                    self.extras.setdefault(row, {})[name] = value
        if len(self.mapped.text) > 1:
            name = self.mapped.text[0]
            for row in np.flatnonzero(source > 0).tolist():
                if (value := self._value(self.columns[name], row)) not in (None, ""):
                    self.extras.setdefault(row, {})[name] = value

    def _strings(self, name: str, failed: dict[int, tuple[str, str]]) -> pa.Array | None:
        """Return a column as valid UTF-8, or None where its type is no string; values that cannot be decoded are null."""
        column = self.columns[name]
        if not _stringy(column.type):
            return None
        try:
            strings = column.cast(pa.string())
            strings.validate(full=True)
        except pa.ArrowInvalid:
            return self._decoded(column, failed)
        return strings

    def _decoded(self, column: pa.Array, failed: dict[int, tuple[str, str]]) -> pa.Array:
        texts: list[str | None] = []
        for row, value in enumerate(_bytes_of(column)):
            try:
                decoded = None if value is None else decode(value)
            except BadInputError as error:
                failed[row] = (error.code, error.detail)
                decoded = None
            if decoded and decoded.event:
                self.out.count(decoded.event)
                self.notes.setdefault(row, {})["decoded_as"] = decoded.decoded_as
            texts.append(decoded.text if decoded else None)
        return pa.array(texts, pa.string())

    def _value(self, column: pa.Array, row: int) -> Any:
        return _pylist(column.slice(row, 1))[0]

    def _rest(self) -> None:
        """Put the columns we do not know into `extra`; nulls are nothing, as they are in JSON."""
        for name in self.mapped.rest:
            if self.columns[name].null_count == len(self.columns[name]):
                continue
            for row, value in enumerate(_pylist(self.columns[name])):
                if value is not None:
                    self.extras.setdefault(row, {})[name] = value

    def _field(self, target: str, names: tuple[str, ...], rows: int) -> pa.Array:
        column = self.columns[names[0]]
        if len(names) == 1 and target == "published_at" and pa.types.is_temporal(column.type):
            instants = self._instants(column)
            if instants is not None:
                return instants
        if len(names) == 1 and target != "published_at" and _stringy(column.type):
            strings = self._strings(names[0], {})
            if strings is not None:
                blank = pc.or_(pc.utf8_is_space(strings), pc.equal(pc.binary_length(strings), 0))
                return pc.if_else(pc.fill_null(blank, False), pa.scalar(None, pa.string()), strings)
        lists = {name: [_json_value(v) for v in _pylist(self.columns[name])] for name in names}
        values = []
        for row in range(rows):
            extra = self.extras.setdefault(row, {})
            values.append(self.out.field(target, names, {name: lists[name][row] for name in names}, extra))
        if target == "published_at":
            return pa.array(values, pa.int64()).cast(schema.TIMESTAMP)
        return pa.array(values, pa.string())

    def _instants(self, column: pa.Array) -> pa.Array | None:
        """Turn timestamps and days of any unit and zone into microseconds of UTC."""
        kind = column.type
        if pa.types.is_date(kind):
            unit, naive = "s" if pa.types.is_date32(kind) else "ms", True
            ticks = column.cast(pa.int32() if pa.types.is_date32(kind) else pa.int64()).cast(pa.int64())
            scale = 86_400 if pa.types.is_date32(kind) else 1
        elif pa.types.is_timestamp(kind):
            unit, naive, scale = kind.unit, kind.tz is None, 1
            ticks = column.cast(pa.int64())
        else:
            return None
        valid = column.is_valid().to_numpy(zero_copy_only=False)
        raw = pc.fill_null(ticks, 0).to_numpy(zero_copy_only=False)
        per = _PER_SECOND[unit]
        low, high = EARLIEST // 1_000_000 * per // scale, LATEST // 1_000_000 * per // scale
        possible = valid & (raw >= low) & (raw <= high)
        kept = np.where(possible, raw, 0) * scale
        micros = kept * (1_000_000 // per) if per <= 1_000_000 else kept // (per // 1_000_000)
        impossible = valid & ~possible
        for event, rows in (
            ("date_impossible", impossible),
            ("date_without_zone", possible if naive else np.array([])),
        ):
            if rows.any():
                self.out.count(event, int(rows.sum()))
        if future := int((possible & (micros > self.out.future_micros)).sum()):
            self.out.count("date_future", future)
        as_given = impossible | (possible & naive)
        if as_given.any():
            words = _as_written(column)
            for row in np.flatnonzero(as_given).tolist():
                self.notes.setdefault(row, {})["published_as_given"] = words[row]
        return pa.array(micros, pa.int64(), mask=~possible).cast(schema.TIMESTAMP)


def plain(column: pa.Array) -> pa.Array:
    """Undo what is only a way of storing: dictionaries, run-end encoding, extension types."""
    if isinstance(column, pa.ExtensionArray):
        column = column.storage
    if pa.types.is_dictionary(column.type):
        # By its values in plain form: polars has dictionaries of views, which cannot be decoded.
        return pa.DictionaryArray.from_arrays(column.indices, plain(column.dictionary)).dictionary_decode()
    if pa.types.is_run_end_encoded(column.type):
        return pc.run_end_decode(column)
    if pa.types.is_string_view(column.type):  # the kernels we need know no views
        return column.cast(pa.large_string())
    if pa.types.is_binary_view(column.type):
        return column.cast(pa.large_binary())
    return column


def _stringy(kind: pa.DataType) -> bool:
    tests: tuple[Callable[[pa.DataType], bool], ...] = (
        pa.types.is_string, pa.types.is_large_string, pa.types.is_binary, pa.types.is_large_binary,
        pa.types.is_fixed_size_binary,
    )  # fmt: skip
    return any(test(kind) for test in tests)


def _bytes_of(column: pa.Array) -> list[bytes | None]:
    if pa.types.is_fixed_size_binary(column.type):
        return column.to_pylist()  # type: ignore[no-any-return]
    wide = pa.types.is_large_string(column.type) or pa.types.is_large_binary(column.type)
    return column.cast(pa.large_binary() if wide else pa.binary()).to_pylist()  # type: ignore[no-any-return]


def _pylist(column: pa.Array) -> list[Any]:
    if pa.types.is_timestamp(column.type) and column.type.unit == "ns":
        column = column.cast(pa.timestamp("us", column.type.tz), safe=False)  # Python knows no nanoseconds
    try:
        values = column.to_pylist()
    except UnicodeDecodeError:
        return [None if v is None else v.decode("utf-8", "backslashreplace") for v in _bytes_of(column)]
    except (ValueError, OverflowError):
        return _as_written(column)
    if pa.types.is_nested(column.type) or not _json_type(column.type):
        return [_json_value(value) for value in values]
    return values  # type: ignore[no-any-return]


def _json_type(kind: pa.DataType) -> bool:
    return bool(
        pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_integer(kind) or pa.types.is_boolean(kind)
    )


def _json_value(value: Any) -> Any:
    """Return what JSON has for a value: times in ISO 8601, bytes as text where they are text and in hex where not."""
    if isinstance(value, bytes):
        try:
            return value.decode()
        except UnicodeDecodeError:
            return value.hex()
    if isinstance(value, datetime | date):
        return value.isoformat()
    if isinstance(value, dict):
        return {str(name): _json_value(item) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return [_json_value(item) for item in value]
    if value is None or isinstance(value, str | int | float | bool):
        return repr(value) if isinstance(value, float) and not np.isfinite(value) else value
    return str(value)


def _as_written(column: pa.Array) -> list[str | None]:
    """Return values as Arrow writes them, and times beyond its calendar as the numbers that they are stored as."""
    if pa.types.is_nested(column.type):
        pieces = (column.slice(row, 1) for row in range(len(column)))
        return [None if piece.null_count else piece.to_string(skip_new_lines=True)[1:-1] for piece in pieces]
    try:
        words = column.cast(pa.string()).to_pylist()
    except (pa.ArrowException, ValueError):
        words = [None if null else _OUT_OF_RANGE for null in column.is_null().to_pylist()]
    if any(word and word.startswith(_OUT_OF_RANGE) for word in words):
        numbers = column.view(pa.int64() if column.type.bit_width == 64 else pa.int32()).to_pylist()
        words = [str(n) if w and w.startswith(_OUT_OF_RANGE) else w for n, w in zip(numbers, words, strict=True)]
    return words  # type: ignore[no-any-return]


def _hashes(text: pa.Array) -> list[str]:
    """Hash each value straight from the column's buffer."""
    if not len(text):
        return []
    _, offsets, data = text.buffers()
    ends = np.frombuffer(offsets, np.int32)[text.offset : text.offset + len(text) + 1].tolist()
    view = memoryview(data) if data is not None else memoryview(b"")
    sha = hashlib.sha256
    return [sha(view[a:b]).hexdigest() for a, b in pairwise(ends)]
