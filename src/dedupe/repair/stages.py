"""The map stages of cleaning: a batch in, the same articles out, with their credits and their ledger.

Only the articles on which a screen fires go through Python, one step after the other: characters, residue, metadata. The columns
of all the others are copied whole, and the lists of edits are built from offsets, so that an untouched article costs its screens
and nothing else.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from dedupe.config import Config
from dedupe.repair import encoding, metadata, residue
from dedupe.repair.ledger import MAX_EDITS_OF_A_RULE, Draft, Edit
from dedupe.repair.line_removal import Stretches, enter, stretches, strings, taken_out
from dedupe.repair.repetition import RepeatedLines, owner_names
from dedupe.schema import CLEANED, EDIT, TIMESTAMP
from dedupe.tokens import string_buffers

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
        return self._move_metadata(self._remove_residue(self._decode(batch)))

    def _decode(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        drafts = _Drafts(batch)
        fired = encoding.screen(batch.column("text"))
        for name in _NAMES:
            fired |= encoding.screen(batch.column(name))
        for row in np.flatnonzero(fired).tolist():
            draft = drafts.of(row, *_FIELDS)
            encoding.repair(draft, self._disabled)
            encoding.repair_metadata(draft, self._disabled)
        return _assemble(batch, drafts.drafts)

    def _remove_residue(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        # Half of the articles hold residue, so that it leaves them without a draft: offsets and bytes say it all.
        texts = batch.column("text")
        suspects = residue.Suspects(texts, self._disabled)
        going = stretches(*string_buffers(texts), suspects.found)
        crowded = np.bincount(going.rows, minlength=len(batch)) > MAX_EDITS_OF_A_RULE
        few = going.only(~crowded[going.rows])
        drafts = _Drafts(batch)
        for row in np.flatnonzero(crowded).tolist():
            made = going.only(going.rows == row)
            enter(drafts.of(row), made, residue.CODES, [""] * len(made.rows))
        rows = [row for row, names in suspects.credits.items() for _ in names]
        named = pa.array([name for names in suspects.credits.values() for name in names], pa.string())
        columns: dict[str, pa.Array] = dict(zip(batch.schema.names, batch.columns, strict=True))
        columns["credits"] = _append(columns["credits"], _per_row(np.array(rows, np.int64), batch), named)
        if len(few.rows):
            had = columns["edits"].value_lengths().to_numpy(zero_copy_only=False)
            columns["edits"] = _append(columns["edits"], _per_row(few.rows, batch), _removals(texts, few, had))
            columns["text"] = taken_out(texts, few)
        return _assemble(pa.RecordBatch.from_arrays(list(columns.values()), schema=CLEANED), drafts.drafts)

    def _move_metadata(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        drafts = _Drafts(batch)
        for row in np.flatnonzero(metadata.screen(batch)).tolist():
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
        self._columns = {name: batch.column(name) for name in (*_REPAIRED, "credits") if name in batch.schema.names}
        self.drafts: dict[int, Draft] = {}

    def of(self, row: int, *fields: str) -> Draft:
        """Return the draft of a row, with its text and at least these fields: most rules ask for the text alone."""
        draft = self.drafts.get(row)
        if draft is None:
            draft = self.drafts[row] = Draft(self._columns["text"][row].as_py() or "")
            draft.credits += self._columns["credits"][row].as_py() if "credits" in self._columns else ()
        for name in fields:
            if name not in draft.fields:
                value = self._columns[name][row].as_py()
                draft.fields[name] = value.isoformat() if isinstance(value, datetime) else value
        return draft


def _assemble(batch: pa.RecordBatch, drafts: dict[int, Draft]) -> pa.RecordBatch:
    columns: dict[str, pa.Array] = dict(zip(batch.schema.names, batch.columns, strict=True))
    none = pa.array(np.zeros(len(batch) + 1, np.int32))
    columns.setdefault("edits", pa.ListArray.from_arrays(none, pa.array([], EDIT)))
    columns.setdefault("credits", pa.ListArray.from_arrays(none, pa.array([], pa.string())))
    touched = sorted(row for row, draft in drafts.items() if draft.edits or draft.credits)
    if touched:
        made = [drafts[row] for row in touched]
        changed: dict[str, list[int]] = {name: [] for name in _REPAIRED}
        for row, draft in zip(touched, made, strict=True):
            for name in {edit.field for edit in draft.edits}:
                changed[name].append(row)
        for name, rows in changed.items():
            columns[name] = _put(columns[name], rows, [_value(name, drafts[row]) for row in rows])
        n_edits, n_credits = np.zeros(len(batch), np.int64), np.zeros(len(batch), np.int64)
        n_edits[touched] = [len(draft.edits) for draft in made]
        first = columns["edits"].value_lengths().fill_null(0).to_numpy(zero_copy_only=False)
        edits = _edits([edit for draft in made for edit in draft.edits], np.repeat(first, n_edits) + _within(n_edits))
        columns["edits"] = _append(columns["edits"], n_edits, edits)
        had = columns["credits"].value_lengths().fill_null(0).to_numpy(zero_copy_only=False)[touched].tolist()
        credited = [draft.credits[before:] for draft, before in zip(made, had, strict=True)]
        n_credits[touched] = list(map(len, credited))
        names = pa.array([name for one in credited for name in one], pa.string())
        columns["credits"] = _append(columns["credits"], n_credits, names)
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


def _removals(texts: pa.StringArray, made: Stretches, had: NDArray[np.int32]) -> pa.StructArray:
    """Return the edits by which stretches leave their texts, which have had some before: rule by rule, from the last place on."""
    order = np.lexsort((-np.arange(len(made.rows)), made.rules, made.rows))
    rows, spans, rules, starts, sizes = (column[order] for column in made)
    view = string_buffers(texts)[0].data
    nothing = pa.array([""] * len(rows), pa.string())
    columns = {
        "seq": had[rows] + _within(np.unique(rows, return_counts=True)[1]),
        "field": pa.array(["text"] * len(rows)),
        "rule": pa.array(residue.CODES).take(pa.array(rules)),
        "start": starts,
        "end": starts + sizes,
        "before": strings((view[begin:end] for begin, end in spans.tolist()), np.diff(spans, axis=1)[:, 0]),
        "after": nothing,
        "confidence": np.ones(len(rows)),
        "evidence": nothing,
    }
    return pa.StructArray.from_arrays([pa.array(columns[field.name]).cast(field.type) for field in EDIT], fields=list(EDIT))


def _per_row(rows: NDArray[np.int64], batch: pa.RecordBatch) -> NDArray[np.int64]:
    return np.bincount(rows, minlength=len(batch))


def _append(lists: pa.ListArray, more: NDArray[np.int64], values: pa.Array) -> pa.ListArray:
    """Add the values, in order, to the lists: `more[i]` of them to list `i`."""
    if not len(values):
        return lists
    had = lists.value_lengths().fill_null(0).to_numpy(zero_copy_only=False).astype(np.int64)
    offsets = np.zeros(len(lists) + 1, np.int32)
    np.cumsum(had + more, out=offsets[1:])
    old = lists.flatten()
    if not len(old):
        return pa.ListArray.from_arrays(pa.array(offsets), values.cast(old.type))
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
