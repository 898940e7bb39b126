"""Matching in Spark: components of what may be alike go to tasks whole, and each task decides as the local engine does.

A component of candidates holds all that its articles' relations, clusters and canonicals depend on. Many small components make a
bin, which is what one task holds: the texts and signatures of its articles, and of no other.
"""

from __future__ import annotations

import pickle
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import groupby
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa

from dedupe.cluster.canonical import preference_of
from dedupe.config import Config
from dedupe.engine.timings import Timings, silent
from dedupe.gather import take_rows
from dedupe.match.containment import Proposed, join_sketches
from dedupe.match.edges import Edges, joined
from dedupe.match.signatures import Signed
from dedupe.pipeline import Matched, Similar, Standing, decide, stand
from dedupe.spark.stages import pack_table, signed_of, take_sketches, unpack_table
from dedupe.stages.deciding import Honoured

# Words of the articles of a bin, at some 50 bytes of text, shingles and signature each: 200 MB a task.
BIN_WORDS = 4_000_000

BINS = pa.schema([("bin", pa.int32()), ("first", pa.int64()), ("blob", pa.binary())])
DECIDED = pa.schema([("bin", pa.int32()), ("blob", pa.binary())])

# What deciding reads of an article, beside what is known of all.
_COLUMNS = ("text", "title", "author", "publisher", "published_at", "spin_score", "n_words", "n_edits")


class Members(NamedTuple):
    """Hold what is asked of a piece: which of its articles go to which bins, and what is known of them by now."""

    places: np.ndarray
    rows: np.ndarray
    bins: np.ndarray
    article_ids: list[str]
    spun: np.ndarray


class GatherMembers:
    """Write the articles that stand in some component, for the task that decides on it."""

    def __call__(self, batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        """Yield for each piece and bin the articles that they share; `extra` holds `Members`."""
        for batch in batches:
            for row in batch.to_pylist():
                members: Members = pickle.loads(row["extra"])  # noqa: S301 - we have packed it
                table = unpack_table(row["articles"]).select(_COLUMNS).take(pa.array(members.places))
                table = table.append_column("article_id", pa.array(members.article_ids, pa.string()))
                table = table.append_column("is_spun", pa.array(members.spun))
                signed = signed_of(row["signed"])
                for number in np.unique(members.bins).tolist():
                    inside = np.flatnonzero(members.bins == number)
                    places = members.places[inside]
                    arrays = (signed.signatures[places], signed.keys[places], signed.n_tokens[places])
                    part = Signed(*arrays, take_sketches(signed.sketches, places))
                    blob = (members.rows[inside], pack_table(table.take(pa.array(inside))), part)
                    yield _batch(BINS, [number], [int(members.rows[inside[0]])], [pickle.dumps(blob)])


@dataclass
class DecideBins:
    """Decide on the articles of each bin: `decide` of the pipeline, on them alone.

    A bin comes as rows sorted by `first`; the one of -1 holds its pairs that were proposed as contained, and what people decided
    of its articles.
    """

    config: Config

    def __call__(self, batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        """Yield what was decided on each bin."""
        rows = ((n.as_py(), blob) for batch in batches for n, blob in zip(batch["bin"], batch["blob"], strict=True))
        for number, group in groupby(rows, key=lambda row: row[0]):
            parts = [pickle.loads(blob.as_buffer()) for _, blob in group]  # noqa: S301 - we have packed it
            yield _batch(DECIDED, [number], [pickle.dumps(self._decided(parts[0], parts[1:]))])

    def _decided(self, asked: tuple[np.ndarray, np.ndarray, Honoured | None], parts: list[Any]) -> tuple[np.ndarray, Matched]:
        small, large, honoured = asked
        rows = np.concatenate([part[0] for part in parts])
        order = np.argsort(rows, kind="stable")
        rows = rows[order]
        articles = pa.concat_tables(unpack_table(part[1]) for part in parts).take(pa.array(order)).combine_chunks()
        pieces = [part[2] for part in parts]
        signatures, keys, n_tokens = (np.concatenate(arrays)[order] for arrays in zip(*(p[:3] for p in pieces), strict=True))
        sketches = take_sketches(join_sketches([piece.sketches for piece in pieces]), order)
        signed = Signed(signatures, keys, n_tokens, sketches)
        small, large = (np.searchsorted(rows, side) for side in (small, large))
        spun = articles["is_spun"].to_numpy()
        known = stand(preference_of(articles), spun, signed.keys, signed.n_tokens, self.config, honoured)
        similar = Similar(lambda wanted: take_rows(articles["text"], wanted), 1, signed.n_tokens)
        proposed = Proposed(small, large, 0, 0, (np.empty(0, np.int64), np.empty(0, np.int64)))
        matched = decide(signed, spun, known, proposed, similar, self.config, silent, Timings(), honoured)
        # What is known of all articles anyway stays here.
        nothing = np.empty(0, np.int64)
        matched.preference, matched.rank, matched.representative = [], nothing, nothing
        return rows, matched


def _batch(schema: pa.Schema, *columns: list[Any]) -> pa.RecordBatch:
    return pa.RecordBatch.from_arrays([pa.array(c, f.type) for c, f in zip(columns, schema, strict=True)], schema=schema)


def bins_of(labels: np.ndarray, words: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Put components into bins: the rows of components of several articles, and the bin of each.

    `labels`: (n,) lowest row of each article's component. `words`: (n,) their sizes. A component is never cut.
    """
    sizes = np.bincount(labels, minlength=len(labels))
    rows = np.flatnonzero(sizes[labels] > 1)
    known, place = np.unique(labels[rows], return_inverse=True)
    weight = np.bincount(place, words[rows], len(known))
    return rows, (np.cumsum(weight) - weight).astype(np.int64)[place] // BIN_WORDS


def joined_up(
    known: Standing,
    decided: list[tuple[np.ndarray, Matched]],
    bands: Any,
    candidates: int,
    capped: int,
    honoured: Honoured | None,
) -> Matched:
    """Join what was decided on the bins into what the local engine holds of a run."""
    n = len(known.rank)
    canonical, similarity, relation = np.arange(n), np.ones(n), np.full(n, -1, np.int8)
    parts: list[Edges] = []
    facts: dict[int, str] = {}
    for rows, part in decided:
        canonical[rows], similarity[rows], relation[rows] = rows[part.canonical], part.similarity, part.relation
        # Rows of a bin are in the order of all rows, so that the lower of two stays the lower.
        edges = part.edges
        parts.append(Edges(rows[edges.a], rows[edges.b], edges.relation, edges.overlap, edges.star))
        for key, said in part.facts.items():
            facts[int(rows[key >> 32]) << 32 | int(rows[key & 0xFFFFFFFF])] = said
    verified = sum(part.verified for _, part in decided)
    large = sum(part.large_buckets for _, part in decided)
    if honoured:
        honoured.outvoted = sum(part.honoured.outvoted for _, part in decided if part.honoured)
    return Matched(
        bands, known.preference, known.rank, canonical, similarity, relation, known.representative,
        joined(parts), facts, candidates, verified, large, capped, honoured,
    )  # fmt: skip
