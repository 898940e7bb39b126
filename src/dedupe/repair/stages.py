"""The map stages of cleaning: a batch in, the same articles out, with their credits and their ledger.

Only the articles on which a screen fires go through Python; the columns of all the others are copied whole, and the lists of
edits are built from offsets, so that an untouched article costs its screens and nothing else.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from dedupe.config import Config
from dedupe.repair import encoding, metadata, residue
from dedupe.repair.ledger import Draft, Edit
from dedupe.repair.repetition import RepeatedLines, owner_names
from dedupe.schema import CLEANED, EDIT, TIMESTAMP

_NAMES = ("title", "author", "publisher")
_FIELDS = (*_NAMES, "published_at")
_REPAIRED = ("text", *_FIELDS)
_CREDITS = CLEANED.field("credits").type


class LocalRepair:
    """Repair each article by what stands in it: encoding, residue, metadata. Maps ARTICLES to CLEANED."""

    def __init__(self, config: Config) -> None:
        self._clean = config.clean
        self._disabled = frozenset(config.no_rules)

    def __call__(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        """Return the batch with its text and metadata repaired, and the columns `credits` and `edits` added."""
        if not self._clean or not len(batch):
            return _assemble(batch, {})
        drafts = _Drafts(batch)
        texts = batch.column("text")
        suspect = encoding.screen(texts)
        named = suspect.copy()
        for name in _NAMES:
            named |= encoding.screen(batch.column(name))
        for row in np.flatnonzero(named).tolist():
            draft = drafts.of(row, *_FIELDS)
            encoding.repair(draft, self._disabled)
            encoding.repair_metadata(draft, self._disabled)
        suspects = residue.Suspects(texts, self._disabled)
        for row in sorted({*suspects.rows, *np.flatnonzero(suspect).tolist()}):
            draft = drafts.of(row)
            # Where the encoding was repaired, the lines stand elsewhere now.
            known = None if any(edit.field == "text" for edit in draft.edits) else suspects.verdicts(row)
            residue.remove(draft, self._disabled, known)
        for row in np.flatnonzero(metadata.screen(batch) | drafts.begin_anew(metadata.screen)).tolist():
            metadata.extract(drafts.of(row, *_FIELDS), self._disabled)
        return _assemble(batch, drafts.drafts)


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
        self._columns = {name: batch.column(name) for name in _REPAIRED}
        self.drafts: dict[int, Draft] = {}

    def of(self, row: int, *fields: str) -> Draft:
        """Return the draft of a row, with its text and at least these fields: most rules ask for the text alone."""
        draft = self.drafts.get(row)
        if draft is None:
            draft = self.drafts[row] = Draft(self._columns["text"][row].as_py() or "")
        for name in fields:
            if name not in draft.fields:
                value = self._columns[name][row].as_py()
                draft.fields[name] = value.isoformat() if isinstance(value, datetime) else value
        return draft

    def begin_anew(self, screen: Callable[[pa.RecordBatch], NDArray[np.bool_]]) -> NDArray[np.bool_]:
        """Screen the articles whose first lines or title are no longer those of the batch."""
        fired = np.zeros(len(self._columns["text"]), np.bool_)
        rows = [row for row, draft in self.drafts.items() if any(edit.start <= metadata.ZONE for edit in draft.edits)]
        if rows:
            begun = [self.of(row, "title").fields for row in rows]
            texts = [(fields["text"] or "")[: metadata.ZONE + 1] for fields in begun]
            titles = [fields["title"] for fields in begun]
            fired[rows] = screen(pa.record_batch({"text": pa.array(texts, pa.string()), "title": pa.array(titles, pa.string())}))
        return fired


def _assemble(batch: pa.RecordBatch, drafts: dict[int, Draft]) -> pa.RecordBatch:
    touched = sorted(row for row, draft in drafts.items() if draft.edits or draft.credits)
    made = [drafts[row] for row in touched]
    changed: dict[str, list[int]] = {name: [] for name in _REPAIRED}
    for row, draft in zip(touched, made, strict=True):
        for name in {edit.field for edit in draft.edits}:
            changed[name].append(row)
    columns: dict[str, pa.Array] = dict(zip(batch.schema.names, batch.columns, strict=True))
    for name, rows in changed.items():
        columns[name] = _put(columns[name], rows, [_value(name, drafts[row]) for row in rows])
    none = pa.array(np.zeros(len(batch) + 1, np.int32))
    had_edits = columns.get("edits", pa.ListArray.from_arrays(none, pa.array([], EDIT)))
    had_credits = columns.get("credits", pa.ListArray.from_arrays(none, pa.array([], pa.string())))
    n_edits = np.array([len(draft.edits) for draft in made], np.int64)
    first = had_edits.value_lengths().fill_null(0).to_numpy(zero_copy_only=False)[touched]
    edits = _edits([edit for draft in made for edit in draft.edits], np.repeat(first, n_edits) + _within(n_edits))
    columns["edits"] = _append(had_edits, touched, n_edits, edits)
    n_credits = np.array([len(draft.credits) for draft in made], np.int64)
    credited = pa.array([name for draft in made for name in draft.credits], pa.string())
    columns["credits"] = _append(had_credits, touched, n_credits, credited)
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


def _edits(edits: list[Edit], seq: NDArray[np.int64]) -> pa.StructArray:
    _, *values = zip(*edits, strict=True) if edits else [()] * len(Edit._fields)
    columns = [pa.array(value, field.type) for value, field in zip([seq, *values], EDIT, strict=True)]
    return pa.StructArray.from_arrays(columns, fields=list(EDIT))


def _append(lists: pa.ListArray, rows: list[int], counts: NDArray[np.int64], values: pa.Array) -> pa.ListArray:
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
