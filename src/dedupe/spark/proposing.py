"""Candidates over a whole corpus in Spark: band rows and posting rows, sorted by key, and the pairs of each run of equal keys.

What comes out is never less than the local engine looks at. Pairs of bands are judged by four bits of each value of a signature:
two that agree in a value agree in its bits, so no pair is lost, and whoever verifies a pair looks at the whole signatures again.
"""

from __future__ import annotations

import pickle
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa

from dedupe.engine.spark import runs_of
from dedupe.gather import distinct
from dedupe.match.bands import Bands, band_keys
from dedupe.match.candidates import LARGE_BUCKET
from dedupe.match.containment import LONGEST_POSTING, Sketches, akin_enough, join_sketches, least_shared
from dedupe.match.spun import propose_spun
from dedupe.spark.stages import signed_of, take_sketches

_BITS = 4
_A_WORD = 64 // _BITS

# Of a byte that two articles' digests differ in: how many of its two values are equal.
_EQUAL = np.array([(byte & 15 == 0) + (byte >> 4 == 0) for byte in range(256)], np.uint8)

# Pairs that are made at a time, of buckets of one size.
_PAIRS_AT_ONCE = 1 << 18

PAIR, LARGE, LOOKED_AT = range(3)
LINKS = pa.schema([("a", pa.int64()), ("b", pa.int64()), ("kind", pa.int32())])
# Articles are named by their places in the order of preference here, and pairs by one number: see `_pair`.
POSTINGS = pa.schema([("hash", pa.int64()), ("at", pa.int64())])
# How many hashes two articles share as the less preferred of them counts, and as the more preferred does.
SHARED = pa.schema([("pair", pa.int64()), ("below", pa.int64()), ("above", pa.int64())])
# What an article has met by looking its hashes up.
MET = pa.schema(
    [("row", pa.int32()), ("other", pa.int32()), ("shared", pa.int32()), ("contained", pa.bool_()), ("akin", pa.bool_())]
)

# Places take 31 bits each; above those of a pair stands whether one of the two has a single hash. One number counts long lists.
_PLACE = 31
_SINGLE = 1 << 62
CAPPED = -1


def band_schema(bands: Bands) -> pa.Schema:
    """Return the schema of band rows: key, row of the article, digest of its signature."""
    return pa.schema([("key", pa.int64()), ("row", pa.int64()), *((f"d{n}", pa.int64()) for n in range(_words(bands)))])


def _words(bands: Bands) -> int:
    return -(-bands.num_perm // _A_WORD)


def _digests(signatures: np.ndarray) -> np.ndarray:
    packed = np.zeros((len(signatures), -(-signatures.shape[1] // _A_WORD)), np.uint64)
    for place in range(signatures.shape[1]):
        nibble = (signatures[:, place] & np.uint32(15)).astype(np.uint64)
        packed[:, place // _A_WORD] |= nibble << np.uint64(_BITS * (place % _A_WORD))
    return packed


@dataclass
class BandRows:
    """Write a row for each band of each article that is compared."""

    bands: Bands

    def __call__(self, batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        """Yield band rows; `extra` holds the first row of the piece and which of its articles are compared."""
        schema = band_schema(self.bands)
        for batch in batches:
            for signed, extra in zip(batch["signed"].to_pylist(), batch["extra"].to_pylist(), strict=True):
                first, compared = pickle.loads(extra)  # noqa: S301 - we have packed it
                rows = np.flatnonzero(compared)
                signatures = np.ascontiguousarray(signed_of(signed).signatures[rows])
                digests = _digests(signatures).view(np.int64)
                for band in range(self.bands.number):
                    keys = np.empty(len(rows), np.uint64)
                    band_keys(signatures, band * self.bands.rows, self.bands.rows, keys)
                    columns = [keys.view(np.int64), rows + first, *np.ascontiguousarray(digests.T)]
                    yield pa.RecordBatch.from_arrays([pa.array(column) for column in columns], schema=schema)


@dataclass
class BucketPairs:
    """Write the pairs of each bucket that may reach the threshold; of a large one, its first article with each other."""

    bands: Bands
    least: int

    def __call__(self, batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        """Yield links of band rows that come sorted by key and row, and at the end how many pairs were looked at."""
        from pyspark import TaskContext

        looked = 0
        for table in runs_of(batches, ["key"]):
            keys, rows, *words = (column.to_numpy() for column in table.columns)
            digests = np.stack(words, axis=1)
            starts, sizes = _runs(keys)
            found = []
            for size in np.unique(sizes[(sizes > 1) & (sizes <= LARGE_BUCKET)]).tolist():
                one, other = np.triu_indices(size, 1)
                begins = starts[sizes == size]
                looked += len(begins) * len(one)
                step = max(1, _PAIRS_AT_ONCE // len(one))
                for at in range(0, len(begins), step):
                    a = (begins[at : at + step, None] + one).ravel()
                    b = (begins[at : at + step, None] + other).ravel()
                    found.append(_codes(*(rows[side[self._alike(digests, a, b)]] for side in (a, b))))
            if found:
                yield _links(distinct(np.concatenate(found)), PAIR)
            for start, size in zip(starts[sizes > LARGE_BUCKET].tolist(), sizes[sizes > LARGE_BUCKET].tolist(), strict=True):
                members = rows[start : start + size]
                yield _links(_codes(np.full(size - 1, members[0]), members[1:]), LARGE)
        # Under the number of the partition, so that two that looked at equally many stay two.
        context = TaskContext.get()
        number = context.partitionId() if context else 0
        yield pa.RecordBatch.from_arrays(
            [pa.array([looked], pa.int64()), pa.array([number], pa.int64()), pa.array([LOOKED_AT], pa.int32())], schema=LINKS
        )

    def _alike(self, digests: np.ndarray, a: np.ndarray, b: np.ndarray) -> np.ndarray:
        spare = digests.shape[1] * _A_WORD - self.bands.num_perm
        bytes_apart = (digests[a] ^ digests[b]).view(np.uint8)
        alike: np.ndarray = _EQUAL[bytes_apart].sum(axis=1) - spare >= self.least
        return alike


def _runs(keys: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    starts = np.flatnonzero(np.concatenate([[True], keys[1:] != keys[:-1]]))
    return starts, np.diff(np.concatenate([starts, [len(keys)]]))


def _codes(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    codes: np.ndarray = np.minimum(a, b) << 32 | np.maximum(a, b)
    return codes


def _links(codes: np.ndarray, kind: int) -> pa.RecordBatch:
    columns = [pa.array(codes >> 32), pa.array(codes & 0xFFFFFFFF), pa.array(np.full(len(codes), kind, np.int32))]
    return pa.RecordBatch.from_arrays(columns, schema=LINKS)


@dataclass
class PostingRows:
    """Write a row for each hash of the sketch of each article that is compared."""

    def __call__(self, batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        """Yield posting rows; `extra` holds which articles of the piece are compared, and their ranks."""
        for batch in batches:
            for signed, extra in zip(batch["signed"].to_pylist(), batch["extra"].to_pylist(), strict=True):
                compared, rank = pickle.loads(extra)  # noqa: S301 - we have packed it
                sketches = signed_of(signed).sketches
                sizes = np.diff(sketches.offsets)
                owners = np.repeat(np.arange(len(sizes)), sizes)
                kept = compared[owners]
                at = (rank << 1 | (sizes == 1))[owners[kept]]
                columns = [pa.array(sketches.hashes[kept].view(np.int64)), pa.array(at)]
                yield pa.RecordBatch.from_arrays(columns, schema=POSTINGS)


class PostingPairs:
    """Write, for each posting list, who meets whom: what `match.containment` counts, a hash at a time."""

    def __call__(self, batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        """Yield how many hashes pairs share, of posting rows that come sorted; the pair `CAPPED` counts lists cut short."""
        capped = 0
        for table in runs_of(batches, ["hash"]):
            hashes, at = (column.to_numpy() for column in table.columns)
            starts, lengths = _runs(hashes)
            found, seen = [], []
            for length in np.unique(lengths[lengths > 1]).tolist():
                begins = starts[lengths == length]
                capped += len(begins) * (length > LONGEST_POSTING)
                for one, other in _looked_up(length):
                    step = max(1, _PAIRS_AT_ONCE // len(one))
                    for first in range(0, len(begins), step):
                        # `one` stands before `other` in the list, and among the most preferred, which every article looks at.
                        i, j = ((begins[first : first + step, None] + side).ravel() for side in (one, other))
                        found.append(_pair(at[i], at[j]))
                        seen.append(np.tile(other < LONGEST_POSTING, len(i) // len(one)))
            if found:
                pairs, number = np.unique(np.concatenate(found), return_inverse=True)
                below = np.bincount(number)
                yield _shared(pairs, below, np.bincount(number[np.concatenate(seen)], minlength=len(below)))
        yield _shared(*(np.array([value]) for value in (CAPPED, capped, 0)))


def _pair(one: np.ndarray, other: np.ndarray) -> np.ndarray:
    pairs: np.ndarray = (one >> 1) << _PLACE | (other >> 1)
    pairs[(one | other) & 1 > 0] |= _SINGLE
    return pairs


def may_be_enough(pair: Any, below: Any) -> Any:
    """Tell pairs of which something may become, as a condition on columns: nearly all share one hash by chance.

    One is enough only where an article has no more.
    """
    return (below > 1) | (pair >= _SINGLE) | (pair == CAPPED)


def _looked_up(length: int) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    # Places in a list: all pairs of its most preferred articles, and each of these with all that follow, some at a time.
    if length > 1:
        yield np.triu_indices(min(length, LONGEST_POSTING), 1)
    step = _PAIRS_AT_ONCE // LONGEST_POSTING
    for start in range(LONGEST_POSTING, length, step):
        rest = np.arange(start, min(length, start + step))
        yield np.repeat(np.arange(LONGEST_POSTING), len(rest)), np.tile(rest, LONGEST_POSTING)


def _shared(*columns: np.ndarray) -> pa.RecordBatch:
    return pa.RecordBatch.from_arrays([pa.array(c, f.type) for c, f in zip(columns, SHARED, strict=True)], schema=SHARED)


@dataclass
class EnoughShared:
    """Keep of each pair the article that may lie inside the other, and those that are akin.

    `sizes`: of the sketches, in order of preference.
    """

    sizes: np.ndarray

    def __call__(self, batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        """Yield what articles have met, by their places, with what it is kept for; `CAPPED` as it came."""
        for batch in batches:
            pair, below, above = (column.to_numpy() for column in batch.columns)
            for capped in below[pair == CAPPED].tolist():
                yield _met(*(np.array([value]) for value in (CAPPED, CAPPED, capped, True, False)))
            real = pair != CAPPED
            pair, below, above = pair[real], below[real], above[real]
            high, low = (pair & ~_SINGLE) >> _PLACE, pair & ((1 << _PLACE) - 1)
            for row, other, shared in ((low, high, below), (high, low, above)):
                size, other_size = self.sizes[row], self.sizes[other]
                known, inverse = np.unique(np.minimum(size, other_size), return_inverse=True)
                least = np.fromiter(map(least_shared, known.tolist()), np.int64, len(known))[inverse]
                larger = (other_size > size) | ((other_size == size) & (other > row))
                contained = larger & (shared >= least)
                akin = akin_enough(size, other_size, shared)
                kept = contained | akin
                yield _met(*(column[kept] for column in (row, other, shared, contained, akin)))


def _met(*columns: np.ndarray) -> pa.RecordBatch:
    return pa.RecordBatch.from_arrays([pa.array(c, f.type) for c, f in zip(columns, MET, strict=True)], schema=MET)


@dataclass
class SpunPairs:
    """Write which articles share hashes with an article that is spun, or may be."""

    rows: np.ndarray
    sketches: Sketches

    def __call__(self, batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        """Yield links; `extra` holds the first row of the piece and which of its articles have a word."""
        for batch in batches:
            for signed, extra in zip(batch["signed"].to_pylist(), batch["extra"].to_pylist(), strict=True):
                first, worded = pickle.loads(extra)  # noqa: S301 - we have packed it
                mine = np.flatnonzero(worded & ~np.isin(np.arange(len(worded)) + first, self.rows))
                both = join_sketches([take_sketches(signed_of(signed).sketches, mine), self.sketches])
                numbers = np.concatenate([mine + first, self.rows])
                suspects = np.arange(len(mine), len(numbers))
                a, b = propose_spun(both, np.arange(len(numbers)), suspects)
                yield _links(distinct(_codes(numbers[a], numbers[b])), PAIR)
