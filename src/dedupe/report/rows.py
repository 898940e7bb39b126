"""A few articles and edits of an output, to be quoted: from the articles of the run that writes it, else from its tables."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from dedupe.engine.stored import Columns
from dedupe.gather import take_rows, take_table
from dedupe.write.manifest import reading

Row = dict[str, Any]

# Characters by which an article without a title is named.
_OPENING = 100


class Quoted(Protocol):
    """Give columns of the corpus, and some rows of it and of its ledger, in the order asked for."""

    def columns(self, names: list[str]) -> pa.Table:
        """Return some columns of corpus.parquet."""
        ...

    def articles(self, columns: list[str], rows: Sequence[int]) -> list[Row]:
        """Return some columns of some rows of corpus.parquet."""
        ...

    def edits(self, rows: Sequence[int]) -> list[Row]:
        """Return some rows of edits.parquet, less their article_id."""
        ...


class OnDisk:
    """Quote an output from its tables."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def columns(self, names: list[str]) -> pa.Table:
        """Return some columns of corpus.parquet."""
        return columns_of(self._folder, "corpus", names)

    def articles(self, columns: list[str], rows: Sequence[int]) -> list[Row]:
        """Return some columns of some rows of corpus.parquet."""
        return table_rows(self._folder / "corpus.parquet", columns, rows)

    def edits(self, rows: Sequence[int]) -> list[Row]:
        """Return some rows of edits.parquet, less their article_id."""
        path = self._folder / "edits.parquet"
        return table_rows(path, [name for name in pq.read_schema(path).names if name != "article_id"], rows)


class OfRun:
    """Quote a run from its own articles, each with its ledger in the column `edits`, while it writes them.

    `placed`: the columns of corpus.parquet that say where an article belongs.
    """

    def __init__(self, table: Columns, placed: Mapping[str, pa.Array]) -> None:
        self._table, self._placed = table, placed
        n_edits = self.columns(["n_edits"])["n_edits"].to_numpy()
        self._ends = np.cumsum(n_edits, dtype=np.int64)
        self._starts = self._ends - n_edits

    def columns(self, names: list[str]) -> pa.Table:
        """Return some columns of corpus.parquet."""
        return pa.table({name: self._placed[name] if name in self._placed else self._table[name] for name in names})

    def articles(self, columns: list[str], rows: Sequence[int]) -> list[Row]:
        """Return some columns of some rows of corpus.parquet."""
        found: list[Row] = take_table(self._table, columns, np.array(rows, np.int64)).to_pylist()
        return found

    def edits(self, rows: Sequence[int]) -> list[Row]:
        """Return some rows of edits.parquet, less their article_id."""
        if not len(rows):
            return []
        wanted = np.array(rows, np.int64)
        owners, place = np.unique(np.searchsorted(self._ends, wanted, side="right"), return_inverse=True)
        ledgers = take_rows(self._table["edits"], owners)
        offsets = ledgers.offsets.to_numpy() - ledgers.offsets.to_numpy()[0]
        found: list[Row] = ledgers.flatten().take(pa.array(wanted - self._starts[owners][place] + offsets[place])).to_pylist()
        return found


def columns_of(folder: Path, table: str, columns: list[str], coded: str | None = None) -> pa.Table:
    """Read some columns of a table of an output, one of them as a dictionary. Raises OutputError where it is damaged."""
    with reading(folder, f"{table}.parquet"):
        return pq.read_table(folder / f"{table}.parquet", columns=columns, read_dictionary=[coded] if coded else None)


def table_rows(path: Path, columns: list[str], rows: Sequence[int]) -> list[Row]:
    """Return some rows of a Parquet file, decoding only the row groups that hold them, one at a time: each is 32 MB of text."""
    wanted, found = np.array(rows, np.int64), dict[int, Row]()
    with reading(path.parent, path.name), pq.ParquetFile(path) as file:
        starts = np.cumsum([0, *(file.metadata.row_group(n).num_rows for n in range(file.metadata.num_row_groups))])
        groups = np.searchsorted(starts, wanted, side="right") - 1
        for group in np.unique(groups).tolist():
            own = wanted[groups == group]
            table = take_table(file.read_row_group(group, columns=columns), columns, own - starts[group])
            found |= zip(own.tolist(), table.to_pylist(), strict=True)
    return [found[row] for row in wanted.tolist()]


def labels(quoted: Quoted, rows: Sequence[int]) -> list[Row]:
    """Return by what a reader knows some articles: ID, title or how the text begins, publisher, day and place in the input."""
    found = quoted.articles(["article_id", "title", "publisher", "published_at", "source", "record"], rows)
    untitled = [row for row, label in zip(rows, found, strict=True) if not label["title"]]
    openings = iter(quoted.articles(["text"], untitled))
    for label in found:
        published = label.pop("published_at")
        label["title"] = label["title"] or opening(next(openings)["text"] or "") or f"{label['source']}:{label['record']}"
        label["day"] = published.date().isoformat() if published else None
    return found


def opening(text: str) -> str:
    """Return how a text begins, in one line, for a list to name an article without a title."""
    begun = " ".join(text[: 3 * _OPENING].split())
    return begun if len(begun) <= _OPENING else f"{begun[: _OPENING - 20]}{begun[_OPENING - 20 : _OPENING].rpartition(' ')[0]} …"
