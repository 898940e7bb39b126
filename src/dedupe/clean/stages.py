"""The map stages of cleaning: a batch in, the same articles out, with their credits and their ledger.

Only the articles on which a screen fires go through Python; the columns of all the others are copied whole, and the lists of
edits are built from offsets, so that an untouched article costs its screens and nothing else.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from dedupe.clean import encoding, metadata, residue
from dedupe.clean.ledger import Draft, Edit
from dedupe.clean.repetition import RepeatedLines, owner_names
from dedupe.config import Config
from dedupe.schema import CLEANED, EDIT, TIMESTAMP

_FIELDS = ("title", "author", "publisher", "published_at")
_REPAIRED = ("text", *_FIELDS)
_CREDITS = CLEANED.field("credits").type


class LocalRepair:
    """Repair each article by what stands in it: encoding, residue, metadata. Maps ARTICLES to CLEANED."""

    def __init__(self, config: Config) -> None:
        self._clean = config.clean
        self._disabled = config.no_rules

    def __call__(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        """Return the batch with its text and metadata repaired, and the columns `credits` and `edits` added."""
        if not self._clean or not len(batch):
            return _assemble(batch, {})
        drafts = _Drafts(batch)
        texts = batch.column("text")
        suspect = encoding.screen(texts)
        named = suspect.copy()
        for name in ("title", "author", "publisher"):
            named |= encoding.screen(batch.column(name))
        drafts.each(named, self._repair_encoding)
        suspects = residue.Suspects(texts)
        for row in np.flatnonzero(suspects.fired | suspect).tolist():
            draft = drafts.of(row)
            # Where the encoding was repaired, the lines stand elsewhere now.
            lines = None if any(edit.field == "text" for edit in draft.edits) else suspects.lines(row)
            residue.remove(draft, self._disabled, lines)
        drafts.each(
            metadata.screen(batch) | drafts.changed(metadata.screen),
            lambda draft: metadata.extract(draft, self._disabled),
        )
        return _assemble(batch, drafts.drafts)

    def _repair_encoding(self, draft: Draft) -> None:
        encoding.repair(draft, self._disabled)
        encoding.repair_metadata(draft, self._disabled)


class RepetitionRepair:
    """Remove the lines that one publisher repeats, as learned from the run. Maps CLEANED to CLEANED."""

    def __init__(self, config: Config, table: pa.Table) -> None:
        self._lines = RepeatedLines(table) if config.clean and "R200" not in config.no_rules else None

    def __call__(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        """Return the batch without those lines, and with their edits behind those it had."""
        if self._lines is None or not len(batch):
            return batch
        fired = self._lines.screen(batch)
        drafts = _Drafts(batch)
        owners = owner_names(batch)
        for row in np.flatnonzero(fired).tolist():
            self._lines.remove(drafts.of(row), owners[row].as_py())
        return _assemble(batch, drafts.drafts)


class _Drafts:
    """Hold the drafts of the articles of a batch that need one, by row."""

    def __init__(self, batch: pa.RecordBatch) -> None:
        self._batch = batch
        self.drafts: dict[int, Draft] = {}

    def of(self, row: int) -> Draft:
        draft = self.drafts.get(row)
        if draft is None:
            values = {name: self._batch.column(name)[row].as_py() for name in ("text", "title", "author", "publisher")}
            moment = self._batch.column("published_at")[row]
            values["published_at"] = moment.as_py().isoformat() if moment.is_valid else None
            draft = self.drafts[row] = Draft(values.pop("text") or "", **values)
        return draft

    def each(self, fired: NDArray[np.bool_], change: Callable[[Draft], None]) -> None:
        for row in np.flatnonzero(fired).tolist():
            change(self.of(row))

    def changed(self, screen: Callable[[pa.RecordBatch], NDArray[np.bool_]]) -> NDArray[np.bool_]:
        """Screen the articles whose text is no longer that of the batch."""
        fired = np.zeros(len(self._batch), np.bool_)
        rows = [row for row, draft in self.drafts.items() if draft.edits]
        if rows:
            values = {name: pa.array([self.drafts[row].fields[name] for row in rows], pa.string()) for name in ("text", "title")}
            fired[rows] = screen(pa.record_batch(values))
        return fired


def _assemble(batch: pa.RecordBatch, drafts: dict[int, Draft]) -> pa.RecordBatch:
    touched = sorted(row for row, draft in drafts.items() if draft.edits or draft.credits)
    columns: dict[str, pa.Array] = dict(zip(batch.schema.names, batch.columns, strict=True))
    for name in _REPAIRED:
        rows = [row for row in touched if any(edit.field == name for edit in drafts[row].edits)]
        columns[name] = _put(columns[name], rows, [_value(name, drafts[row]) for row in rows])
    empty = np.zeros(len(batch) + 1, np.int32)
    had_edits = columns.get("edits", pa.ListArray.from_arrays(pa.array(empty), pa.array([], EDIT)))
    had_credits = columns.get("credits", pa.ListArray.from_arrays(pa.array(empty), pa.array([], pa.string())))
    lengths = had_edits.value_lengths().fill_null(0).to_numpy(zero_copy_only=False)
    made = [[edit._replace(seq=edit.seq + int(lengths[row])) for edit in drafts[row].edits] for row in touched]
    columns["edits"] = _append(had_edits, touched, [len(edits) for edits in made], _edits(e for edits in made for e in edits))
    credited = [drafts[row].credits for row in touched]
    columns["credits"] = _append(
        had_credits, touched, [len(names) for names in credited], pa.array([n for names in credited for n in names], pa.string())
    )
    return pa.RecordBatch.from_arrays([columns[name].cast(CLEANED.field(name).type) for name in CLEANED.names], schema=CLEANED)


def _value(name: str, draft: Draft) -> Any:
    value = draft.fields[name]
    if name != "published_at" or not value:
        return value
    moment = datetime.fromisoformat(value)
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _put(column: pa.Array, rows: list[int], values: list[Any]) -> pa.Array:
    # Slices of the old column between the new values: everything is copied once.
    if not rows:
        return column
    kind = TIMESTAMP if pa.types.is_timestamp(column.type) else column.type
    made = pa.array(values, kind)
    pieces, done = [], 0
    for i, row in enumerate(rows):
        pieces += [column.slice(done, row - done), made.slice(i, 1)] if row > done else [made.slice(i, 1)]
        done = row + 1
    return pa.concat_arrays([*pieces, column.slice(done)])


def _edits(edits: Iterable[Edit]) -> pa.StructArray:
    rows = list(edits)
    values = list(zip(*rows, strict=True)) or [()] * len(Edit._fields)
    return pa.StructArray.from_arrays(
        [pa.array(value, field.type) for value, field in zip(values, EDIT, strict=True)], fields=list(EDIT)
    )


def _append(lists: pa.ListArray, rows: list[int], counts: list[int], values: pa.Array) -> pa.ListArray:
    """Add `counts[i]` of the values, in order, to the list of row `rows[i]`."""
    had = lists.value_lengths().fill_null(0).to_numpy(zero_copy_only=False).astype(np.int64)
    more = np.zeros(len(lists), np.int64)
    more[rows] = counts
    offsets = np.zeros(len(lists) + 1, np.int32)
    np.cumsum(had + more, out=offsets[1:])
    old = lists.flatten()
    chosen = np.empty(offsets[-1], np.int64)
    is_new = np.zeros(offsets[-1], np.bool_)
    is_new[np.repeat(offsets[:-1] + had, more) + _within(more)] = True
    chosen[~is_new] = np.arange(len(old))
    chosen[is_new] = len(old) + np.arange(len(values))
    return pa.ListArray.from_arrays(pa.array(offsets), pa.concat_arrays([old, values.cast(old.type)]).take(pa.array(chosen)))


def _within(counts: NDArray[np.int64]) -> NDArray[np.int64]:
    """Count up from 0 within each group: 2, 0, 3 gives 0 1 0 1 2."""
    ends = np.cumsum(counts)
    return np.arange(ends[-1] if len(ends) else 0) - np.repeat(ends - counts, counts)
