"""MinHash signatures of a text column, in one pass over its UTF-8 bytes.

Tokenise, hash, shingle and permute happen in one kernel, so that no token is ever a Python object. The rows are bit-identical to
`datasketch.MinHash(scheme="affine32")` fed with the same 32-bit shingle hashes, hence usable in its LSH, LSH Forest and storage.
"""

from __future__ import annotations

from functools import cache
from typing import NamedTuple

import numpy as np
import pyarrow as pa
from numba import njit

from dedupe.cache import cached_arrays
from dedupe.match.containment import BOUND, Sketches, keep_low
from dedupe.tokens import fold_table, shingle_tokens, string_buffers, tokenize_bytes

EMPTY = np.uint32(0xFFFFFFFF)

_FMIX_1 = np.uint32(0x85EBCA6B)
_FMIX_2 = np.uint32(0xC2B2AE35)
_KEY_1 = np.uint64(0x9E3779B97F4A7C15)
_KEY_2 = np.uint64(0xD6E8FEB86659FD93)
_32 = np.uint64(32)


class Signed(NamedTuple):
    """Hold what matching needs to know of a column.

    `signatures`: (n, num_perm) uint32, all ones where an article has no token. `keys`: (n, 2) uint64, equal for two articles
    exactly when their folded tokens are equal (128 bits; of the bytes where there is no token). `n_tokens`: (n,) int32.
    `sketches`: what containment is seen by.
    """

    signatures: np.ndarray
    keys: np.ndarray
    n_tokens: np.ndarray
    sketches: Sketches


@cache
def permutations(num_perm: int, seed: int) -> np.ndarray:
    """Return datasketch's own affine32 parameters, shape (2, num_perm), uint32.

    They are asked of datasketch once and then kept in the cache folder, since importing it brings scipy and takes a second.
    """

    def ask() -> list[np.ndarray]:
        from datasketch import MinHash

        return [np.ascontiguousarray(MinHash(num_perm=num_perm, seed=seed, scheme="affine32").permutations, dtype=np.uint32)]

    (table,) = cached_arrays(f"affine32-{num_perm}-{seed}", ask)
    return table


@njit(cache=True, nogil=True, inline="always")
def _premixed(shingle):  # type: ignore[no-untyped-def]
    # The 32-bit hash of a shingle is the upper half of its 64 bits; datasketch premixes it by MurmurHash3's finalizer.
    value = np.uint32(shingle >> _32)
    value = np.uint32(np.uint32(value ^ (value >> np.uint32(16))) * _FMIX_1)
    value = np.uint32(np.uint32(value ^ (value >> np.uint32(13))) * _FMIX_2)
    return np.uint32(value ^ (value >> np.uint32(16)))


@njit(cache=True, nogil=True)
def _permute(shingles, count, factors, addends, signature):  # type: ignore[no-untyped-def]
    signature[:] = EMPTY
    if count == 0:
        return
    # Four shingles a pass: the parameters and the signature are then read a quarter as often. The last pass repeats a shingle.
    for at in range(0, count, 4):
        one = _premixed(shingles[at])
        two = _premixed(shingles[min(at + 1, count - 1)])
        three = _premixed(shingles[min(at + 2, count - 1)])
        four = _premixed(shingles[min(at + 3, count - 1)])
        for place in range(len(factors)):
            factor, addend = factors[place], addends[place]
            left = min(np.uint32(np.uint32(factor * one) + addend), np.uint32(np.uint32(factor * two) + addend))
            right = min(np.uint32(np.uint32(factor * three) + addend), np.uint32(np.uint32(factor * four) + addend))
            signature[place] = min(signature[place], min(left, right))


@njit(cache=True, nogil=True)
def _key_of(hashes, count, key):  # type: ignore[no-untyped-def]
    first, second = _KEY_1, _KEY_2
    for at in range(count):
        first = (first ^ hashes[at]) * _KEY_2
        first ^= first >> _32
        second = (second + hashes[at]) * _KEY_1
        second ^= second >> _32
    key[0], key[1] = first, second


@njit(cache=True, nogil=True)
def _sign_column(  # type: ignore[no-untyped-def]
    data, offsets, fold, factors, addends, bound, signatures, keys, n_tokens, sketches, counts, leads, lead_counts
):
    longest = 0
    for row in range(len(offsets) - 1):
        longest = max(longest, offsets[row + 1] - offsets[row])
    hashes = np.empty(longest // 2 + 1, np.uint64)
    shingles = np.empty(longest // 2 + 1, np.uint64)
    nowhere = np.empty(0, np.int32)
    most = len(leads) // max(1, len(offsets) - 1)
    total = 0
    for row in range(len(offsets) - 1):
        begin, end = offsets[row], offsets[row + 1]
        count = tokenize_bytes(data, begin, end, fold, hashes, nowhere, nowhere)
        n_tokens[row] = count
        lead = lead_counts[row]
        lead_counts[row + 1] = lead + min(count, most)
        leads[lead : lead_counts[row + 1]] = hashes[: min(count, most)]
        written = shingle_tokens(hashes, count, shingles)
        _permute(shingles, written, factors, addends, signatures[row])
        total += keep_low(shingles, written, bound, sketches[total:])
        counts[row + 1] = total
        if count == 0:
            # No word at all ("!!!", emoji): such articles are equal only when their bytes are.
            value = np.uint64(end - begin)
            for at in range(begin, end):
                value = (value ^ np.uint64(data[at])) * _KEY_1
                value ^= value >> _32
            hashes[0] = value
            count = 1
        _key_of(hashes, count, keys[row])
    return total


@njit(cache=True, nogil=True)
def _distinct(shingles, written, copied, ends):  # type: ignore[no-untyped-def]
    # Hashes lie evenly, so buckets by their upper bits, as many as there are hashes, hold one or two each: what is left is to
    # insert each among the few before it. A third of the time of shingling; sorting by comparisons was three quarters of it.
    bits = 1
    while (1 << bits) < written:
        bits += 1
    shift = np.uint64(64 - bits)
    ends[: (1 << bits) + 1] = 0
    for at in range(written):
        copied[at] = shingles[at]
        ends[(shingles[at] >> shift) + np.uint64(1)] += 1
    for bucket in range(1 << bits):
        ends[bucket + 1] += ends[bucket]
    for at in range(written):
        bucket = copied[at] >> shift
        shingles[ends[bucket]] = copied[at]
        ends[bucket] += 1
    kept = 0
    for at in range(written):
        value = shingles[at]
        place = kept
        while place > 0 and shingles[place - 1] > value:
            place -= 1
        if place > 0 and shingles[place - 1] == value:
            continue
        for back in range(kept, place, -1):
            shingles[back] = shingles[back - 1]
        shingles[place] = value
        kept += 1
    return kept


@njit(cache=True, nogil=True)
def _bucket_room(longest):  # type: ignore[no-untyped-def]
    room = 2
    while room < longest:
        room *= 2
    return np.empty(longest + 1, np.uint64), np.empty(room + 1, np.int32)


@njit(cache=True, nogil=True)
def _shingle_column(data, offsets, fold, shingles, counts):  # type: ignore[no-untyped-def]
    total = 0
    longest = 0
    for row in range(len(offsets) - 1):
        longest = max(longest, offsets[row + 1] - offsets[row])
    hashes = np.empty(longest // 2 + 1, np.uint64)
    nowhere = np.empty(0, np.int32)
    copied, ends = _bucket_room(longest // 2 + 1)
    for row in range(len(offsets) - 1):
        begin, end = offsets[row], offsets[row + 1]
        count = tokenize_bytes(data, begin, end, fold, hashes, nowhere, nowhere)
        written = shingle_tokens(hashes, count, shingles[total:])
        total += _distinct(shingles[total:], written, copied, ends)
        counts[row + 1] = total
    return total


@njit(cache=True, nogil=True)
def _shingle_all(hashes, offsets, shingles, counts):  # type: ignore[no-untyped-def]
    total = 0
    longest = 0
    for row in range(len(offsets) - 1):
        longest = max(longest, offsets[row + 1] - offsets[row])
    copied, ends = _bucket_room(longest + 1)
    for row in range(len(offsets) - 1):
        own = hashes[offsets[row] : offsets[row + 1]]
        written = shingle_tokens(own, len(own), shingles[total:])
        total += _distinct(shingles[total:], written, copied, ends)
        counts[row + 1] = total
    return total


class Signer:
    """Sign text columns with one set of permutations."""

    def __init__(self, num_perm: int, seed: int = 1) -> None:
        self.num_perm = num_perm
        self.factors, self.addends = permutations(num_perm, seed)

    def __call__(self, column: pa.Array) -> Signed:
        """Return signatures, keys of equality, token counts and sketches of a string column."""
        return self.with_leads(column, 0)[0]

    def with_leads(self, column: pa.Array, most: int) -> tuple[Signed, np.ndarray, np.ndarray]:
        """Return also the hashes of up to `most` tokens that each article begins with, and their offsets, of length n + 1.

        What else looks at tokens takes them from here: to tokenize again costs 10 µs an article.
        """
        data, offsets = string_buffers(column)
        rows = len(offsets) - 1
        signatures, keys = np.empty((rows, self.num_perm), np.uint32), np.empty((rows, 2), np.uint64)
        n_tokens, counts = np.empty(rows, np.int32), np.zeros(rows + 1, np.int64)
        sketches = np.empty(int(offsets[-1] - offsets[0]) // 2 + rows, np.uint64)
        leads, lead_counts = np.empty(rows * most, np.uint64), np.zeros(rows + 1, np.int64)
        tables = fold_table(), self.factors, self.addends, BOUND
        total = _sign_column(data, offsets, *tables, signatures, keys, n_tokens, sketches, counts, leads, lead_counts)
        signed = Signed(signatures, keys, n_tokens, Sketches(sketches[:total].copy(), counts))
        return signed, leads[: lead_counts[-1]], lead_counts

    def sign(self, column: pa.Array) -> np.ndarray:
        """Return the signatures of a string column: (n, num_perm), uint32."""
        return self(column).signatures


def token_shingle_sets(hashes: np.ndarray, offsets: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return what `shingle_sets` does, for articles given as tokens."""
    shingles = np.empty(len(hashes) + len(offsets), np.uint64)
    counts = np.zeros(len(offsets), np.int64)
    total = _shingle_all(hashes, offsets, shingles, counts)
    return shingles[:total], counts


def shingle_sets(column: pa.Array) -> tuple[np.ndarray, np.ndarray]:
    """Return the sorted, distinct 64-bit shingle hashes of each article, and their offsets, of length n + 1."""
    data, offsets = string_buffers(column)
    shingles = np.empty(int(offsets[-1] - offsets[0]) // 2 + len(offsets), np.uint64)
    counts = np.zeros(len(offsets), np.int64)
    total = _shingle_column(data, offsets, fold_table(), shingles, counts)
    return shingles[:total], counts
