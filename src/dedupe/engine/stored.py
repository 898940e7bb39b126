"""The articles of a run in Arrow files: larger than memory, and mapped only for the moment in which they are looked at."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pyarrow as pa

from dedupe.gather import take_of_parts


class Place(NamedTuple):
    """Name one batch of articles: a file, the number of the batch in it, and how many rows it has."""

    file: Path
    number: int
    rows: int


class Stored:
    """Hold where the articles of a run lie, batch after batch in their order.

    What is read of a mapped file counts as memory of this process until the mapping is let go of. So every method maps the files
    that it needs and keeps none, but for `columns`.
    """

    def __init__(self, places: Sequence[Place]) -> None:
        self.places = list(places)
        self._starts = np.concatenate([[0], np.cumsum([place.rows for place in places], dtype=np.int64)])

    @classmethod
    def of(cls, files: Sequence[Path]) -> Stored:
        """Find the batches of these files."""
        places = []
        for file in files:
            with _opened(file) as reader:
                places += [Place(file, n, reader.get_batch(n).num_rows) for n in range(reader.num_record_batches)]
        return cls(places)

    def __len__(self) -> int:
        """Return the number of articles."""
        return int(self._starts[-1])

    def columns(self, schema: pa.Schema) -> pa.Table:
        """Return all columns, mapped: for those that are small, since what is read of them stays in memory with the table."""
        return pa.Table.from_batches(self.batches(), schema)

    def batches(self) -> Iterator[pa.RecordBatch]:
        """Yield the batches in order; each is mapped until the caller lets go of it."""
        for place in self.places:
            with _opened(place.file) as reader:
                yield reader.get_batch(place.number)

    def take(self, column: str, rows: np.ndarray) -> pa.Array:
        """Return some rows of a column, in the order asked for, mapping only the files that hold them, one after the other."""
        opened = None

        def part_of(number: int) -> pa.Array:
            nonlocal opened
            place = self.places[number]
            if opened is None or opened[0] != place.file:
                opened = place.file, _opened(place.file)
            return opened[1].get_batch(place.number)[column]

        return take_of_parts(part_of, self._starts[1:], rows, pa.string())

    def put(self, rows: np.ndarray, values: dict[str, pa.Array], file: Path) -> Stored:
        """Return the articles with other values in some rows (ascending); the batches that hold them are written to `file`."""
        cuts = np.searchsorted(rows, self._starts)
        changed = np.flatnonzero(np.diff(cuts))
        if not len(changed):
            return self
        places = self.places.copy()
        writer = None
        for number, at in enumerate(changed.tolist()):
            inside = np.arange(cuts[at], cuts[at + 1])
            with _opened(places[at].file) as reader:
                batch = reader.get_batch(places[at].number)
                chosen = np.arange(len(batch))
                chosen[rows[inside] - self._starts[at]] = len(batch) + np.arange(len(inside))
                for name, column in values.items():
                    both = pa.concat_arrays([batch[name], column.take(pa.array(inside))])
                    place = batch.schema.get_field_index(name)
                    batch = batch.set_column(place, batch.schema.field(name), both.take(pa.array(chosen)))
                writer = writer or pa.ipc.new_file(str(file), batch.schema)
                writer.write_batch(batch)
            places[at] = Place(file, number, places[at].rows)
        if writer is not None:
            writer.close()
        return Stored(places)


# Columns as long as the texts: what is read of these must not stay in memory.
_LONG = frozenset(("text", "title", "edits", "extra"))


class Columns:
    """Stand for the table of articles: short columns are held, rows of long ones are taken from the files when asked for."""

    def __init__(self, stored: Stored, table: pa.Table) -> None:
        self._stored = stored
        self._table = table

    def __getitem__(self, name: str) -> pa.ChunkedArray | _Long:
        return _Long(self._stored, name) if name in _LONG else self._table[name]


class _Long:
    def __init__(self, stored: Stored, name: str) -> None:
        self._stored = stored
        self._name = name

    def take_rows(self, rows: np.ndarray) -> pa.Array:
        return self._stored.take(self._name, rows)


def _opened(file: Path) -> pa.ipc.RecordBatchFileReader:
    return pa.ipc.open_file(pa.memory_map(str(file)))
