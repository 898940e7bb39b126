"""Single rows out of tables larger than memory, and the articles whose title or text holds some words."""

from __future__ import annotations

import re
from collections import OrderedDict
from collections.abc import Iterable, Sequence
from pathlib import Path
from threading import Lock
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from dedupe.review.excerpts import Excerpts
from dedupe.write.manifest import damaged

# Articles whose rows stay in memory: the canonical is asked for again with every member that is laid beside it.
_KEPT = 64

# Characters of a text that are enough to name it by, with whatever spaces are among them.
_OPENING = 200

# Answers of a search that stay in memory: a reviewer comes back to the same words with each page and each decision.
_ANSWERS_KEPT = 32


class Groups:
    """Read single rows of a Parquet table, decoding of each column the pages that hold them and no more."""

    def __init__(self, path: Path, columns: list[str]) -> None:
        self._file = pq.ParquetFile(path, memory_map=True, pre_buffer=False)
        self._excerpts = Excerpts(path)
        self._path = path
        self._columns = columns
        self.starts = self._excerpts.starts
        self._kept: OrderedDict[range, list[dict[str, Any]]] = OrderedDict()
        self._lock = Lock()

    def __len__(self) -> int:
        return len(self.starts) - 1

    def read(self, group: int) -> pa.Table:
        """Return a whole row group."""
        with self._lock:
            return self._file.read_row_group(group, columns=self._columns)

    def rows(self, wanted: Sequence[range]) -> list[list[dict[str, Any]]]:
        """Return some runs of rows of the table, in the order asked for: an article's text is one row, its ledger is many."""
        with self._lock:
            found = {run: self._kept[run] for run in wanted if run in self._kept}
            missing = [run for run in wanted if run not in found]
            rows = self._decoded(np.unique(np.concatenate([np.arange(0), *(np.array(run, np.int64) for run in missing)])))
            found |= {run: [rows[row] for row in run] for run in missing}
            for run in wanted:
                self._kept[run] = found[run]
                self._kept.move_to_end(run)
            while len(self._kept) > _KEPT:
                self._kept.popitem(last=False)
        return [found[run] for run in wanted]

    def _decoded(self, rows: np.ndarray) -> dict[int, dict[str, Any]]:
        found: dict[int, dict[str, Any]] = {}
        groups = np.searchsorted(self.starts, rows, side="right") - 1
        for group in np.unique(groups).tolist():
            wanted = rows[groups == group]
            try:
                columns = [self._excerpts.values(group, name, wanted - self.starts[group]) for name in self._columns]
            except (pa.ArrowException, ValueError, LookupError, OSError) as error:
                raise damaged(self._path.parent, self._path.name, error) from error
            for row, values in zip(wanted.tolist(), zip(*columns, strict=True), strict=True):
                found[row] = dict(zip(self._columns, values, strict=True))
        return found


class Texts:
    """Read the texts of the articles asked for, and search all of them."""

    def __init__(self, corpus: Path, titles: pa.ChunkedArray) -> None:
        self._groups = Groups(corpus, ["text"])
        self._titles = titles
        self._answers: OrderedDict[str, np.ndarray] = OrderedDict()
        self._lock = Lock()

    def of(self, rows: Iterable[int]) -> list[str]:
        """Return the texts of some rows of the corpus, in the order asked for."""
        return [run[0]["text"] or "" for run in self._groups.rows([range(row, row + 1) for row in rows])]

    def openings(self) -> pa.Array:
        """Return the first characters of each article that has no title, null for the others: a list names it by them.

        Reads only row groups that hold such an article, 20 ms each.
        """
        untitled = pc.equal(pc.utf8_length(self._titles.fill_null("")), 0).to_numpy()
        parts = [pa.nulls(0, pa.string())]
        for group in range(len(self._groups)):
            wanted = pa.array(untitled[self._groups.starts[group] : self._groups.starts[group + 1]])
            if wanted.true_count:
                texts = pc.if_else(wanted, self._groups.read(group)["text"].combine_chunks(), None)
                parts.append(pc.utf8_slice_codeunits(texts, 0, _OPENING))
            else:
                parts.append(pa.nulls(len(wanted), pa.string()))
        return pa.concat_arrays(parts)

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
            texts = self._groups.read(group)["text"]
            found[self._groups.starts[group] : self._groups.starts[group + 1]] |= _holds(texts, pattern)
        with self._lock:
            self._answers[words] = found
            if len(self._answers) > _ANSWERS_KEPT:
                self._answers.popitem(last=False)
        return found


def _holds(column: pa.ChunkedArray, pattern: str) -> np.ndarray:
    held: np.ndarray = pc.match_substring_regex(column, pattern).fill_null(False).to_numpy().astype(bool)
    return held
