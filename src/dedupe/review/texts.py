"""Single rows out of tables larger than memory, and the articles whose title or text holds some words."""

from __future__ import annotations

import re
from collections import OrderedDict
from pathlib import Path
from threading import Lock
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from dedupe.gather import take_table

# A row group holds about 32 MB of text and takes 45 ms to read; so many of a table stay in memory.
_GROUPS_KEPT = 8

# Answers of a search that stay in memory: a reviewer comes back to the same words with each page and each decision.
_ANSWERS_KEPT = 32


class Groups:
    """Read single rows of a Parquet table, row group by row group, and keep those that were asked for last."""

    def __init__(self, path: Path, columns: list[str]) -> None:
        self._file = pq.ParquetFile(path, memory_map=True)
        self._columns = columns
        sizes = [self._file.metadata.row_group(group).num_rows for group in range(self._file.num_row_groups)]
        self.starts = np.cumsum([0, *sizes])
        self._kept: OrderedDict[int, pa.Table] = OrderedDict()
        self._lock = Lock()

    def __len__(self) -> int:
        return len(self.starts) - 1

    def read(self, group: int, keep: bool = True) -> pa.Table:
        """Return a row group, from memory where it is there."""
        with self._lock:
            if group in self._kept:
                self._kept.move_to_end(group)
                return self._kept[group]
            table = self._file.read_row_group(group, columns=self._columns)
            if keep:
                self._kept[group] = table
                if len(self._kept) > _GROUPS_KEPT:
                    self._kept.popitem(last=False)
            return table

    def rows(self, wanted: list[int]) -> list[dict[str, Any]]:
        """Return some rows of the table, in the order asked for."""
        groups = np.searchsorted(self.starts, wanted, side="right") - 1
        found: dict[int, dict[str, Any]] = {}
        for group in np.unique(groups).tolist():
            rows = [row for row, own in zip(wanted, groups.tolist(), strict=True) if own == group]
            table = take_table(self.read(group), self._columns, np.array(rows) - self.starts[group])
            found |= zip(rows, table.to_pylist(), strict=True)
        return [found[row] for row in wanted]


class Texts:
    """Read the texts of the articles asked for, and search all of them."""

    def __init__(self, corpus: Path, titles: pa.ChunkedArray) -> None:
        self._groups = Groups(corpus, ["text"])
        self._titles = titles
        self._answers: OrderedDict[str, np.ndarray] = OrderedDict()
        self._lock = Lock()

    def of(self, rows: list[int]) -> list[str]:
        """Return the texts of some rows of the corpus, in the order asked for."""
        return [row["text"] or "" for row in self._groups.rows(rows)]

    def search(self, words: str) -> np.ndarray:
        """Tell which articles hold the words, as they stand but whatever their case, in title or text: (n,) bool.

        A scan, not an index: 10,000 articles take 0.1 s, and an index of a million would take minutes at every start.
        """
        with self._lock:
            if words in self._answers:
                self._answers.move_to_end(words)
                return self._answers[words]
        pattern = f"(?i){re.escape(words)}"
        found = _holds(self._titles, pattern)
        for group in range(len(self._groups)):
            texts = self._groups.read(group, keep=False)["text"]
            found[self._groups.starts[group] : self._groups.starts[group + 1]] |= _holds(texts, pattern)
        with self._lock:
            self._answers[words] = found
            if len(self._answers) > _ANSWERS_KEPT:
                self._answers.popitem(last=False)
        return found


def _holds(column: pa.ChunkedArray, pattern: str) -> np.ndarray:
    held: np.ndarray = pc.match_substring_regex(column, pattern).fill_null(False).to_numpy().astype(bool)
    return held
