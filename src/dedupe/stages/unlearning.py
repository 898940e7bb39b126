"""Forgetting lines that only forgotten articles had taught: `residue.parquet` shows each as one of its articles has it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from dedupe.repair.repetition import RULE, RepeatedLines, owner_names

_OWNED = ("publisher", "url")


def unlearn(learned: pa.Table, folder: Path, kept: np.ndarray) -> pa.Table:
    """Return the lines `learned` but for those that were taken from no article to be `kept`, each as one of these has it.

    `folder`: the output. `kept`: (articles,) bool, by row of its corpus. Asked for are the lines of the articles that go alone:
    with none, nothing else is read.
    """
    lines = RepeatedLines(learned)
    there = {row for batch in (*_texts(folder, ~kept), *_taken_out(folder, ~kept, None)) for row in lines.held(batch)}
    if not there:
        return learned
    rows = np.array(sorted(there))
    asked = learned.take(pa.array(rows))
    lines, spelled = RepeatedLines(asked), dict[int, str]()
    for batch in _taken_out(folder, kept, asked["publisher"].combine_chunks()):
        for row, line in lines.held(batch).items():
            spelled[row] = min(line, spelled.get(row, line))
    texts, left = learned["line"].to_pylist(), np.ones(len(learned), bool)
    for row, number in enumerate(rows.tolist()):
        texts[number], left[number] = spelled.get(row, ""), row in spelled
    at = learned.schema.get_field_index("line")
    return learned.set_column(at, learned.schema.field(at), pa.array(texts, pa.string())).filter(pa.array(left))


def _texts(folder: Path, wanted: np.ndarray) -> Iterator[pa.RecordBatch]:
    # What is left of the wanted articles: a line stays where nothing else would.
    for batch in _articles(folder, wanted, ["text", *_OWNED]):
        yield _owned(batch["text"], owner_names(batch))


def _taken_out(folder: Path, wanted: np.ndarray, owners: pa.Array | None) -> Iterator[pa.RecordBatch]:
    # The lines that were taken out of the wanted articles, of some publishers only, with what broke them off.
    ids, names = [pa.array([], pa.string())], [pa.array([], pa.string())]
    for batch in _articles(folder, wanted, ["article_id", *_OWNED]):
        found = owner_names(batch)
        theirs = pc.is_in(found, owners) if owners is not None else found.is_valid()
        ids.append(batch["article_id"].filter(theirs))
        names.append(found.filter(theirs))
    known, named = pa.concat_arrays(ids), pa.concat_arrays(names)
    for batch in pq.ParquetFile(folder / "edits.parquet").iter_batches(columns=["article_id", "rule", "before"]):
        batch = batch.filter(pc.equal(batch["rule"], RULE))
        place = pc.index_in(batch["article_id"], known)
        yield _owned(batch["before"].filter(place.is_valid()), named.take(place.drop_null()))


def _articles(folder: Path, wanted: np.ndarray, columns: list[str]) -> Iterator[pa.RecordBatch]:
    file, begin = pq.ParquetFile(folder / "corpus.parquet"), 0
    for number in range(file.num_row_groups):
        rows = wanted[begin : begin + file.metadata.row_group(number).num_rows]
        begin += len(rows)
        if rows.any():
            group = file.read_row_group(number, columns=columns)
            yield from group.filter(pa.array(rows)).combine_chunks().to_batches()


def _owned(texts: pa.Array, names: pa.Array) -> pa.RecordBatch:
    return pa.record_batch({"text": texts, "publisher": names, "url": pa.nulls(len(names), pa.string())})
