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
    """Hold three open-addressing tables of a power of two slots, 0 an empty one, at most half full.

    A slot of `first` is 32 bits of the hash of a first token, 8 bits of lengths (bit 0: that token is a phrase; bit 1: longer
    ones begin so) and 24 bits that are the number of the phrase of that token alone. One of `second` is the same for the first
    two tokens of phrases (bit 0: the two are a phrase; bit `k`: one of `k + 2` tokens begins so): most words that could begin a
    phrase do not, and the word behind them tells. One of `longer` is 40 bits of the hash of a phrase of three tokens or more
    and its number. One slot is one fetch from memory, which is what the time goes to.
    """

    first: NDArray[np.uint64]
    second: NDArray[np.uint64]
    longer: NDArray[np.uint64]


@njit(cache=True, nogil=True, inline="always")
def _place(table, key):  # type: ignore[no-untyped-def]
    """Find the slot of a key in `first` or `second`, or the empty one where it belongs."""
    mask = np.uint64(len(table) - 1)
    slot = key & mask
    while table[slot] != 0 and table[slot] >> _32 != key >> _32:
        slot = (slot + np.uint64(1)) & mask
    return slot


@njit(cache=True, nogil=True, inline="always")
def pair_key(one, two):  # type: ignore[no-untyped-def]
    """Hash two tokens, as `second` knows them."""
    key = (one * _STEP + two) * _SPREAD
    return key ^ key >> _32


@njit(cache=True, nogil=True)
def _note(table, key, bit, phrase):  # type: ignore[no-untyped-def]
    slot = _place(table, key)
    if table[slot] == 0:
        table[slot] = (key >> _32) << _32
    if phrase >= 0 and not (table[slot] >> _24) & np.uint64(1):
        table[slot] |= np.uint64(phrase)
    table[slot] |= np.uint64(1) << np.uint64(24 + bit)


@njit(cache=True, nogil=True)
def _insert(hashes, offsets, first, second, longer):  # type: ignore[no-untyped-def]
    mask = np.uint64(len(longer) - 1)
    for phrase in range(len(offsets) - 1):
        begin, end = offsets[phrase], offsets[phrase + 1]
        size = end - begin
        if size == 0 or size > LONGEST:
            continue
        if size == 1:
            _note(first, hashes[begin], 0, phrase)
            continue
        _note(first, hashes[begin], 1, -1)
        key = (hashes[begin] * _STEP + hashes[begin + 1]) * _SPREAD
        _note(second, pair_key(hashes[begin], hashes[begin + 1]), size - 2, phrase if size == 2 else -1)
        if size == 2:
            continue
        for place in range(begin + 2, end):
            key = (key * _STEP + hashes[place]) * _SPREAD
        slot = (key >> _32) & mask
        while longer[slot] != 0 and longer[slot] >> _24 != key >> _24:
            slot = (slot + np.uint64(1)) & mask
        if longer[slot] == 0:
            longer[slot] = (key >> _24) << _24 | np.uint64(phrase)


@njit(cache=True, nogil=True)
def longest_phrase(hashes, at, end, first, second, longer):  # type: ignore[no-untyped-def]
    """Return the number and the length in tokens of the longest phrase that begins at token `at`; (-1, 1) if none does."""
    entry = first[_place(first, hashes[at])]
    found, length = np.int64(-1), np.int64(1)
    if (entry >> _24) & np.uint64(1):
        found = np.int64(entry & _NUMBER)
    if not (entry >> _24) & np.uint64(2) or at + 1 >= end:
        return found, length
    key = (hashes[at] * _STEP + hashes[at + 1]) * _SPREAD
    entry = second[_place(second, pair_key(hashes[at], hashes[at + 1]))]
    lengths = (entry >> _24) & _LENGTHS
    if lengths & np.uint64(1):
        found, length = np.int64(entry & _NUMBER), np.int64(2)
    lengths >>= np.uint64(1)
    size = np.int64(2)
    mask = np.uint64(len(longer) - 1)
    while lengths != 0 and at + size < end:
        key = (key * _STEP + hashes[at + size]) * _SPREAD
        size += 1
        if lengths & np.uint64(1):
            slot = (key >> _32) & mask
            entry = longer[slot]
            while entry != 0 and entry >> _24 != key >> _24:
                slot = (slot + np.uint64(1)) & mask
                entry = longer[slot]
            if entry != 0:
                found, length = np.int64(entry & _NUMBER), size
        lengths >>= np.uint64(1)
    return found, length


def build_index(phrases: Sequence[str]) -> PhraseIndex:
    """Index phrases by the tokens that articles are compared by; the first of equal ones counts; over LONGEST none does."""
    tokens = tokenize(pa.array(list(phrases), pa.string()))
    lengths = np.diff(tokens.offsets)
    firsts = len(np.unique(tokens.hashes[tokens.offsets[:-1][lengths > 0]]))
    rooms = (firsts, int((lengths > 1).sum()), int((lengths > 2).sum()))
    index = PhraseIndex(*(np.zeros(1 << max(4, (2 * room).bit_length()), np.uint64) for room in rooms))
    _insert(tokens.hashes, tokens.offsets, *index)
    return index
