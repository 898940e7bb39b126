"""A few articles and edits of an output, to be quoted: from the articles of the run that writes it, else from its tables."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from dedupe.gather import take_rows, take_table

Row = dict[str, Any]


class Quoted(Protocol):
    """Give some rows of the corpus and of its ledger, in the order asked for."""

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

    def articles(self, columns: list[str], rows: Sequence[int]) -> list[Row]:
        """Return some columns of some rows of corpus.parquet."""
        return table_rows(self._folder / "corpus.parquet", columns, rows)

    def edits(self, rows: Sequence[int]) -> list[Row]:
        """Return some rows of edits.parquet, less their article_id."""
        path = self._folder / "edits.parquet"
        return table_rows(path, [name for name in pq.read_schema(path).names if name != "article_id"], rows)


class OfRun:
    """Quote a run from the articles that it has mapped, each with its own ledger in the column `edits`."""

    def __init__(self, table: pa.Table) -> None:
        self._table = table
        n_edits = table["n_edits"].to_numpy()
        self._ends = np.cumsum(n_edits, dtype=np.int64)
        self._starts = self._ends - n_edits

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


def table_rows(path: Path, columns: list[str], rows: Sequence[int]) -> list[Row]:
    """Return some rows of a Parquet file, decoding only the row groups that hold them."""
    if not len(rows):
        return []
    with pq.ParquetFile(path) as file:
        sizes = [file.metadata.row_group(n).num_rows for n in range(file.metadata.num_row_groups)]
        starts = np.cumsum([0, *sizes])
        groups, place = np.unique(np.searchsorted(starts, rows, side="right") - 1, return_inverse=True)
        read = np.cumsum([0, *(sizes[group] for group in groups)])
        table = file.read_row_groups(groups.tolist(), columns=columns)
        found: list[Row] = table.take(pa.array(np.array(rows) - starts[groups[place]] + read[place])).to_pylist()
        return found


def labels(quoted: Quoted, rows: Sequence[int]) -> list[Row]:
    """Return by what a reader knows some articles: ID, title, publisher, day and place in the input."""
    found = quoted.articles(["article_id", "title", "publisher", "published_at", "source", "record"], rows)
    for label in found:
        published = label.pop("published_at")
        label["title"] = label["title"] or f"{label['source']}:{label['record']}"
        label["day"] = published.date().isoformat() if published else None
    return found
