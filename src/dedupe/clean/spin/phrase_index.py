"""Phrases as hashes of their tokens, so that a kernel finds the longest one at each place of a column of articles."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import pyarrow as pa
from numba import njit
from numpy.typing import NDArray

from dedupe.tokens import tokenize

LONGEST = 8

_STEP = np.uint64(0x9E3779B97F4A7C15)
_SPREAD = np.uint64(0xD6E8FEB86659FD93)
_32 = np.uint64(32)


class PhraseIndex(NamedTuple):
    """Hold two open-addressing tables of a power of two slots, 0 an empty key.

    `first_keys` are hashes of first tokens; bit `k` of `first_lengths` says that phrases of `k + 1` tokens begin so. `keys` are
    hashes of whole phrases; `numbers` the phrase's place in the sequence that the index was built from.
    """

    first_keys: NDArray[np.uint64]
    first_lengths: NDArray[np.uint8]
    keys: NDArray[np.uint64]
    numbers: NDArray[np.int32]


@njit(cache=True, nogil=True, inline="always")
def _slot(key, size):  # type: ignore[no-untyped-def]
    return np.int64(((key * _SPREAD) >> _32) & np.uint64(size - 1))


@njit(cache=True, nogil=True)
def _insert(hashes, offsets, first_keys, first_lengths, keys, numbers):  # type: ignore[no-untyped-def]
    for phrase in range(len(offsets) - 1):
        begin, end = offsets[phrase], offsets[phrase + 1]
        size = end - begin
        if size == 0 or size > LONGEST:
            continue
        first = hashes[begin]
        at = _slot(first, len(first_keys))
        while first_keys[at] != 0 and first_keys[at] != first:
            at = (at + 1) & (len(first_keys) - 1)
        first_keys[at] = first
        first_lengths[at] |= np.uint8(1 << (size - 1))
        key = np.uint64(0)
        for token in range(begin, end):
            key = key * _STEP + hashes[token]
        at = _slot(key, len(keys))
        while keys[at] != 0 and keys[at] != key:
            at = (at + 1) & (len(keys) - 1)
        if keys[at] == 0:
            keys[at] = key
            numbers[at] = phrase


@njit(cache=True, nogil=True)
def longest_phrase(hashes, at, end, first_keys, first_lengths, keys, numbers):  # type: ignore[no-untyped-def]
    """Return the number and the length in tokens of the longest phrase that begins at token `at`; (-1, 1) if none does."""
    first = hashes[at]
    slot = _slot(first, len(first_keys))
    while first_keys[slot] != first:
        if first_keys[slot] == 0:
            return np.int32(-1), np.int64(1)
        slot = (slot + 1) & (len(first_keys) - 1)
    lengths = first_lengths[slot]
    found, length = np.int32(-1), np.int64(1)
    key = np.uint64(0)
    size = np.int64(0)
    while lengths != 0 and at + size < end:
        key = key * _STEP + hashes[at + size]
        size += 1
        if lengths & np.uint8(1):
            slot = _slot(key, len(keys))
            while keys[slot] != 0 and keys[slot] != key:
                slot = (slot + 1) & (len(keys) - 1)
            if keys[slot] == key:
                found, length = numbers[slot], size
        lengths = np.uint8(lengths >> 1)
    return found, length


def build_index(phrases: Sequence[str]) -> PhraseIndex:
    """Index phrases by the tokens that articles are compared by; of equal ones the first counts, those over LONGEST are left out."""
    tokens = tokenize(pa.array(list(phrases), pa.string()))
    size = 1 << max(4, (4 * max(1, len(phrases)) - 1).bit_length())
    starts = tokens.offsets[:-1][np.diff(tokens.offsets) > 0]
    first_size = 1 << max(4, (4 * max(1, len(np.unique(tokens.hashes[starts]))) - 1).bit_length())
    index = PhraseIndex(
        np.zeros(first_size, np.uint64), np.zeros(first_size, np.uint8), np.zeros(size, np.uint64), np.zeros(size, np.int32)
    )
    _insert(tokens.hashes, tokens.offsets, *index)
    return index
