"""Decisions in Spark: their articles are found among all pieces, and refused edits are taken back in those that hold them."""

from __future__ import annotations

import pickle
import tempfile
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from dedupe.config import Config
from dedupe.decisions.facts import Reference
from dedupe.match.signatures import Signer
from dedupe.spark.articles import FarArticles, Pieces
from dedupe.spark.stages import HELD, TAKEN, Signs, pack_table, put_values, rows_in, rows_of, signed_of, unpack_table
from dedupe.stages.deciding import Honoured, Likely, Taken, find_rows, honour, likely_rows, rewrite, sign_again


@dataclass
class FindLikely:
    """Find the rows that may hold an article that was decided about, and corrected since."""

    missing: list[Reference]

    def __call__(self, batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        """Yield what was found in each piece, pickled; `extra` holds the first row of the piece."""
        for row in rows_in(batches):
            first = pickle.loads(row["extra"])  # noqa: S301 - we have packed it
            met = likely_rows(self.missing, unpack_table(row["articles"]), signed_of(row["signed"]).sketches)
            if met:
                found = [one._replace(row=one.row + first) for one in met]
                yield rows_of(TAKEN, [(row["shard"], row["seq"], pickle.dumps(found))])


@dataclass
class Rewrite:
    """Put other texts in the place of some, and sign them again."""

    seed: int

    def __call__(self, batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        """Yield each piece as it is then; `extra` holds places in it, ascending, and a packed table of their values."""
        for row in rows_in(batches):
            places, packed = pickle.loads(row["extra"])  # noqa: S301 - we have packed it
            table = unpack_table(packed).combine_chunks()
            values = {name: table[name].combine_chunks() for name in table.column_names}
            articles = put_values(unpack_table(row["articles"]).combine_chunks(), places, values)
            with tempfile.TemporaryDirectory(prefix="dedupe-") as folder:
                index = Path(folder)
                for name, data in pickle.loads(row["signed"]).items():  # noqa: S301 - we have packed it
                    (index / name.removeprefix(".")).write_bytes(data)
                sign_again(index, places, values["text"], self.seed)
                signed = pickle.dumps({f".{path.name}": path.read_bytes() for path in sorted(index.iterdir())})
            yield rows_of(HELD, [(row["shard"], row["seq"], pack_table(articles), signed, row["terms"])])


def find_decided(
    pieces: Pieces, far: FarArticles, taken: Taken, signs: Signs, num_perm: int, config: Config
) -> tuple[Honoured, Counter[str]]:
    """Find the articles of all decisions, and take refused edits back before anything is compared, as the local engine does.

    Returns also how many edits went, by rule. `signs` change in place.
    """

    def likely(missing: Sequence[Reference]) -> Iterator[Likely]:
        found = pieces.run(["articles", "signed"], FindLikely(list(missing)), TAKEN, lambda rows: rows.start).toArrow()
        for blob in found["blob"].to_pylist():
            yield from pickle.loads(blob)  # noqa: S301 - our own workers have packed it

    honoured = honour(taken, find_rows(taken.references, far.light["article_id"], likely))
    if not honoured.refusals:
        return honoured, Counter()
    table: Any = far
    rows, values, gone = rewrite(honoured, table)
    if len(rows):
        _put(pieces, rows, values, config.seed)
        far.put(rows, values)
        for column, again in zip(signs, Signs.of(Signer(num_perm, config.seed)(values["text"])), strict=True):
            column[rows] = again
    return honoured, gone


def _put(pieces: Pieces, rows: np.ndarray, values: dict[str, pa.Array], seed: int) -> None:
    table = pa.table(values)

    def told(piece: slice) -> tuple[np.ndarray, bytes] | None:
        first, stop = np.searchsorted(rows, [piece.start, piece.stop])
        return (rows[first:stop] - piece.start, pack_table(table.slice(first, stop - first))) if stop > first else None

    pieces.change(Rewrite(seed), told)
