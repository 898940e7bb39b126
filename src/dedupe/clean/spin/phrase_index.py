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
_24 = np.uint64(24)
_32 = np.uint64(32)
_NUMBER = np.uint64(0xFFFFFF)
_LENGTHS = np.uint64(0xFF)


class PhraseIndex(NamedTuple):
    """Hold two open-addressing tables of a power of two slots, 0 an empty one, at most half full.

    A slot of `first` is 32 bits of the hash of a first token, 8 bits of lengths (bit `k`: some phrase of `k + 1` tokens begins so)
    and 24 bits that are the number of the phrase of that token alone. A slot of `longer` is 40 bits of the hash of a phrase of two
    tokens or more and its number. One slot is one fetch from memory, which is what the time goes to.
    """

    first: NDArray[np.uint64]
    longer: NDArray[np.uint64]


@njit(cache=True, nogil=True)
def _insert(hashes, offsets, first, longer):  # type: ignore[no-untyped-def]
    first_mask, longer_mask = np.uint64(len(first) - 1), np.uint64(len(longer) - 1)
    for phrase in range(len(offsets) - 1):
        begin, end = offsets[phrase], offsets[phrase + 1]
        size = end - begin
        if size == 0 or size > LONGEST:
            continue
        token = hashes[begin]
        slot = token & first_mask
        while first[slot] != 0 and (first[slot] >> _32) != (token >> _32):
            slot = (slot + np.uint64(1)) & first_mask
        if first[slot] == 0:
            first[slot] = (token >> _32) << _32
        bit = np.uint64(1) << np.uint64(size - 1 + 24)
        if size == 1:
            if first[slot] & bit:
                continue
            first[slot] |= bit | np.uint64(phrase)
            continue
        first[slot] |= bit
        key = np.uint64(0)
        for place in range(begin, end):
            key = (key * _STEP + hashes[place]) * _SPREAD
        slot = key & longer_mask
        while longer[slot] != 0 and (longer[slot] >> _24) != (key >> _24):
            slot = (slot + np.uint64(1)) & longer_mask
        if longer[slot] == 0:
            longer[slot] = (key >> _24) << _24 | np.uint64(phrase)


@njit(cache=True, nogil=True)
def longest_phrase(hashes, at, end, first, longer):  # type: ignore[no-untyped-def]
    """Return the number and the length in tokens of the longest phrase that begins at token `at`; (-1, 1) if none does."""
    token = hashes[at]
    mask = np.uint64(len(first) - 1)
    slot = token & mask
    entry = first[slot]
    while entry >> _32 != token >> _32:
        if entry == 0:
            return np.int64(-1), np.int64(1)
        slot = (slot + np.uint64(1)) & mask
        entry = first[slot]
    lengths = (entry >> _24) & _LENGTHS
    found, length = np.int64(-1), np.int64(1)
    if lengths & np.uint64(1):
        found = np.int64(entry & _NUMBER)
    lengths >>= np.uint64(1)
    mask = np.uint64(len(longer) - 1)
    key = token * _SPREAD
    size = np.int64(1)
    while lengths != 0 and at + size < end:
        key = (key * _STEP + hashes[at + size]) * _SPREAD
        size += 1
        if lengths & np.uint64(1):
            slot = key & mask
            entry = longer[slot]
            while entry != 0 and entry >> _24 != key >> _24:
                slot = (slot + np.uint64(1)) & mask
                entry = longer[slot]
            if entry != 0:
                found, length = np.int64(entry & _NUMBER), size
        lengths >>= np.uint64(1)
    return found, length


def build_index(phrases: Sequence[str]) -> PhraseIndex:
    """Index phrases by the tokens that articles are compared by; of equal ones the first counts, those over LONGEST are left out."""
    tokens = tokenize(pa.array(list(phrases), pa.string()))
    lengths = np.diff(tokens.offsets)
    firsts = len(np.unique(tokens.hashes[tokens.offsets[:-1][lengths > 0]]))
    index = PhraseIndex(np.zeros(_room(firsts), np.uint64), np.zeros(_room(int((lengths > 1).sum())), np.uint64))
    _insert(tokens.hashes, tokens.offsets, *index)
    return index


def _room(entries: int) -> int:
    return 1 << max(4, (2 * entries).bit_length())
