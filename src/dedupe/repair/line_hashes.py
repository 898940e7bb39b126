"""The kernels under learned residue: a hash for each line, what it reads like, and of what article it is a line.

The article is told by its *other* lines: in each of seven bins the smallest hash of its word 3-shingles (one-permutation
hashing, Li, Owen and Zhang 2012), a byte of each. For the line in question the bins are filled as if it were absent, so that two
copies of one article agree, and two articles that share no more than this line do not.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

import numpy as np
from numba import njit
from numpy.typing import NDArray

from dedupe.repair.line_keys import BEYOND, letters_at, line_end
from dedupe.tokens import ascii_run, swapped_bytes

BINS = 8
MOST_BYTES = 900  # of a line that can be learned: the longest note on an author or a site seen has 800
LEAST_WORDS = 4  # a heading of three words may be the article's own
LEAST_BYTES = 2 * LEAST_WORDS  # of such a line and its line feed

# What a word says about a line: the bits of the cue table.
STRONG, FIRST, BODY = np.uint8(1), np.uint8(2), np.uint8(4)
HANDLE, NOT_FIRST = np.uint8(8), np.uint8(5)

_SEED = 0xCBF29CE484222325
_MIX = 0x9E3779B97F4A7C15
CUE_SLOTS = 2048
OPENINGS = 4096
_ALL_BITS = 0xFFFFFFFFFFFFFFFF
# The characters of words, as the kernels tell them by their bytes.
_WORD = re.compile("[A-Za-z0-9@\u00a9\u00c0-\u1fff\u3040-\ufeff\U00010000-\U0010ffff]+")

# Digits count here, other than in the rules' keys: "Part 1" and "Part 2" are two lines.
_FOLD: NDArray[np.uint8] = np.array(
    [
        b + 0x20
        if 0x41 <= b <= 0x5A
        else b
        if 0x61 <= b <= 0x7A or 0x30 <= b <= 0x39 or b == 0x40
        else BEYOND
        if b >= 0x80
        else 0
        for b in range(256)
    ],
    np.uint8,
)


def hash_word(word: str) -> int:
    """Hash a word as the kernels do."""
    value = _SEED
    for byte in word.encode():
        value = (value << 7 | value >> 57) & _ALL_BITS ^ (byte if byte >= 0x80 else int(_FOLD[byte]))
    return value * _MIX & _ALL_BITS


def mix_hash(value: int) -> int:
    """Spread a hash over all its bits, as the kernels do."""
    value = (value ^ value >> 33) * 0xFF51AFD7ED558CCD & _ALL_BITS
    value = (value ^ value >> 33) * 0xC4CEB9FE1A85EC53 & _ALL_BITS
    return value ^ value >> 33


def cue_table(cues: dict[str, int]) -> tuple[NDArray[np.uint64], NDArray[np.uint8]]:
    """Build the table from a word to its bits."""
    hashes, bits = np.zeros(CUE_SLOTS, np.uint64), np.zeros(CUE_SLOTS, np.uint8)
    for word, kind in cues.items():
        value = hash_word(word)
        slot = (value >> 40) % CUE_SLOTS
        while bits[slot]:
            slot = (slot + 1) % CUE_SLOTS
        hashes[slot], bits[slot] = value, kind
    return hashes, bits


def opening_table(lines: Iterable[str]) -> NDArray[np.bool_]:
    """Mark the hashes of the first words of lines."""
    table = np.zeros(OPENINGS, np.bool_)
    for line in lines:
        for word in _WORD.findall(line)[:1]:
            table[(hash_word(word) >> 40) % OPENINGS] = True
    return table


def fold_table() -> NDArray[np.uint8]:
    """Return what each byte is in a word: its small letter, nothing, or part of a character beyond ASCII."""
    return _FOLD


@njit(cache=True, nogil=True, inline="always")
def _run(data, at, word):  # type: ignore[no-untyped-def]
    # The letters and digits in a row among the eight bytes at `at`, and the hash of the word that goes on with them. A turn by
    # seven bits a byte is linear, so that eight bytes are laid over each other in three steps: twice as fast as one by one.
    # What reads words by it stands in two loops: with a function for a letter of any kind, inlined, they take four times as long.
    bits, lowered = ascii_run(data, at)
    if bits == 0:
        return 0, word
    small = swapped_bytes(lowered) >> (np.uint64(64) - bits)  # type: ignore[call-arg]  # numba passes the context itself
    small = (small & np.uint64(0x00FF00FF00FF00FF)) ^ ((small & np.uint64(0xFF00FF00FF00FF00)) >> np.uint64(1))
    small = (small & np.uint64(0x0000FFFF0000FFFF)) ^ ((small & np.uint64(0xFFFF0000FFFF0000)) >> np.uint64(2))
    small = (small & np.uint64(0x00000000FFFFFFFF)) ^ ((small >> np.uint64(32)) << np.uint64(28))
    turn = np.uint64(7) * (bits >> np.uint64(3))
    return np.int64(bits >> np.uint64(3)), (word << turn | word >> (np.uint64(64) - turn)) ^ small


@njit(cache=True, nogil=True, inline="always")
def mix(value):  # type: ignore[no-untyped-def]
    """Spread a hash over all its bits (the finaliser of MurmurHash3, Appleby)."""
    value = np.uint64(value)
    value = (value ^ (value >> np.uint64(33))) * np.uint64(0xFF51AFD7ED558CCD)
    value = (value ^ (value >> np.uint64(33))) * np.uint64(0xC4CEB9FE1A85EC53)
    return value ^ (value >> np.uint64(33))


@njit(cache=True, nogil=True, inline="always")
def _fingerprint(data, at, stop, fold, least, second, holder):  # type: ignore[no-untyped-def]
    # The smallest shingle of each bin, of what line it is, and the smallest of any other line; returns a hash of the whole text.
    none = np.uint64(0xFFFFFFFFFFFFFFFF)
    least[:], second[:], holder[:] = none, none, -1
    whole, one, two, words, line = np.uint64(0), np.uint64(0), np.uint64(0), 0, at
    word, inside, p = np.uint64(_SEED), False, at
    while p <= stop:
        if p + 8 <= stop:
            size, word = _run(data, p, word)
            if size:
                inside = True
                p += size
                if size == 8:
                    continue
        raw = data[p] if p < stop else np.uint8(0x0A)
        byte = fold[raw]
        if byte == BEYOND:
            size = letters_at(data, p, stop)
            if size:
                inside = True
                for q in range(p, p + size):
                    word = (word << np.uint64(7) | word >> np.uint64(57)) ^ np.uint64(data[q])
                p += size
                continue
        elif byte:
            inside = True
            word = (word << np.uint64(7) | word >> np.uint64(57)) ^ np.uint64(byte)
            p += 1
            continue
        if inside:
            inside = False
            words += 1
            shingle = (one * np.uint64(3) + two) * np.uint64(5) + word * np.uint64(_MIX)
            shingle = (shingle ^ (shingle >> np.uint64(31))) * np.uint64(0xFF51AFD7ED558CCD)
            shingle ^= shingle >> np.uint64(32)
            whole += shingle * (shingle | np.uint64(1))
            one, two, word = two, word * np.uint64(_MIX), np.uint64(_SEED)
            where = shingle & np.uint64(7)
            if words > 2 and shingle < second[where]:
                if holder[where] == line:
                    least[where] = min(least[where], shingle)
                elif shingle < least[where]:
                    second[where], least[where], holder[where] = least[where], shingle, line
                else:
                    second[where] = shingle
        if raw == 0x0A:
            line, words = p + 1, 0
        p += 1
        while p < stop and (data[p] & 0xC0) == 0x80:
            p += 1
    return mix(whole)


@njit(cache=True, nogil=True, inline="always")
def _trimmed(data, at, stop):  # type: ignore[no-untyped-def]
    # The span without blanks and control characters at its ends.
    while stop > at and data[stop - 1] <= 0x20:
        stop -= 1
    while at < stop and data[at] <= 0x20:
        at += 1
    return at, stop


@njit(cache=True, nogil=True, inline="always")
def _is_said_once(data, start, end):  # type: ignore[no-untyped-def]
    # Quotations, labels, and what ends with a year (as tweets do) may recur in articles.
    if data[start] == 0x22 or (end - start > 2 and data[start] == 0xE2 and data[start + 1] == 0x80 and data[start + 2] == 0x9C):
        return True
    return data[end - 1] == 0x3A or 0x30 <= data[end - 1] <= 0x39


@njit(cache=True, nogil=True)
def learn_lines(data, offsets, owners, fold, cue_hashes, cue_bits, rows, spans, hashes, signatures, articles):  # type: ignore[no-untyped-def]
    """Write down each line that can be learned: row, span in bytes, hash, signature; and a hash for each article that has one.

    Rows whose owner is 0 are passed over. Returns how many lines were written; the arrays must have room for all.
    """
    none = np.uint64(0xFFFFFFFFFFFFFFFF)
    least, second, holder = np.zeros(8, np.uint64), np.zeros(8, np.uint64), np.zeros(8, np.int64)
    count = 0
    for row in range(len(offsets) - 1):
        if owners[row] == 0:
            continue
        line, stop, first_entry = offsets[row], offsets[row + 1], count
        while line < stop:
            begun, last = line, line_end(data, line, stop)
            line = last + 1
            start, end = _trimmed(data, begun, last)
            if start == end or last - begun > MOST_BYTES or _is_said_once(data, start, end):
                continue
            p = start
            value, word, words, bits, inside = np.uint64(_MIX), np.uint64(_SEED), 0, np.uint8(0), False
            # One loop over bytes with the state of the word: twice as fast as loops for words and letters within each other.
            while p <= end:
                if p + 8 <= stop:
                    size, word = _run(data, p, word)
                    if size:
                        inside = True
                        p += size
                        if size == 8:
                            continue
                byte = fold[data[p]] if p < end else np.uint8(0)
                if byte == BEYOND:
                    size = letters_at(data, p, end)
                    if size:
                        inside = True
                        for q in range(p, p + size):
                            word = (word << np.uint64(7) | word >> np.uint64(57)) ^ np.uint64(data[q])
                        p += size
                        continue
                    while p + 1 < end and (data[p + 1] & 0xC0) == 0x80:
                        p += 1
                elif byte:
                    inside = True
                    word = (word << np.uint64(7) | word >> np.uint64(57)) ^ np.uint64(byte)
                    if byte == 0x40:
                        bits |= HANDLE
                    p += 1
                    continue
                if inside:
                    inside = False
                    word *= np.uint64(_MIX)
                    slot = (word >> np.uint64(40)) % np.uint64(CUE_SLOTS)
                    while cue_bits[slot]:
                        if cue_hashes[slot] == word:
                            bits |= cue_bits[slot] if words == 0 else cue_bits[slot] & NOT_FIRST
                            break
                        slot = (slot + np.uint64(1)) % np.uint64(CUE_SLOTS)
                    if bits & BODY:
                        break
                    value = (value ^ word) * np.uint64(_MIX)
                    value ^= value >> np.uint64(29)
                    word = np.uint64(_SEED)
                    words += 1
                p += 1
            if not bits or bits & BODY or words < LEAST_WORDS:
                continue
            # Without a full stop a noun may be of a name or an attribution ("The Editors, National Review"), an imperative not.
            if data[end - 1] == 0x2E or data[end - 1] == 0x21 or bits & (FIRST | HANDLE):
                rows[count], spans[count, 0], spans[count, 1] = row, start - offsets[row], end - offsets[row]
                hashes[count], signatures[count] = value, np.uint64(begun)
                count += 1
        if count == first_entry:
            continue
        articles[row] = _fingerprint(data, offsets[row], stop, fold, least, second, holder)
        for i in range(first_entry, count):
            begun = np.int64(signatures[i])
            signature = np.uint64(0)
            for b in range(BINS):
                smallest = second[b] if holder[b] == begun else least[b]
                byte = np.uint64(0) if smallest == none else mix(smallest) & np.uint64(0xFF)
                signature = signature << np.uint64(8) | byte
            signatures[i] = signature
    return count


@njit(cache=True, nogil=True)
def find_hashes(data, offsets, owners, fold, openings, known, fired, spans):  # type: ignore[no-untyped-def]
    """Mark the rows that hold a line whose hash, mixed with the row's owner, is in `known` (open addressing, 0 is free).

    Rows whose owner is 0 are passed over. `openings` marks the first words of known lines: most lines are done with after one
    word. With room in `spans`, write down the spans of the lines in bytes and their places in `known`. Returns how many.
    """
    count = 0
    for row in range(len(offsets) - 1):
        if owners[row] == 0:
            continue
        line, stop = offsets[row], offsets[row + 1]
        while line < stop:
            last = line_end(data, line, stop)
            start, end = _trimmed(data, line, last)
            line, p = last + 1, start
            value, word, words, inside = np.uint64(_MIX), np.uint64(_SEED), 0, False
            while p <= end:
                if p + 8 <= stop:
                    size, word = _run(data, p, word)
                    if size:
                        inside = True
                        p += size
                        if size == 8:
                            continue
                byte = fold[data[p]] if p < end else np.uint8(0)
                if byte == BEYOND:
                    size = letters_at(data, p, end)
                    if size:
                        inside = True
                        for q in range(p, p + size):
                            word = (word << np.uint64(7) | word >> np.uint64(57)) ^ np.uint64(data[q])
                        p += size
                        continue
                    while p + 1 < end and (data[p + 1] & 0xC0) == 0x80:
                        p += 1
                elif byte:
                    inside = True
                    word = (word << np.uint64(7) | word >> np.uint64(57)) ^ np.uint64(byte)
                    p += 1
                    continue
                if inside:
                    inside = False
                    word *= np.uint64(_MIX)
                    if words == 0 and not openings[(word >> np.uint64(40)) % np.uint64(OPENINGS)]:
                        break
                    value = (value ^ word) * np.uint64(_MIX)
                    value ^= value >> np.uint64(29)
                    word = np.uint64(_SEED)
                    words += 1
                p += 1
            if words < LEAST_WORDS:
                continue
            key = mix(value ^ owners[row])
            slot = key % np.uint64(len(known))
            while known[slot] != 0 and known[slot] != key:
                slot = (slot + np.uint64(1)) % np.uint64(len(known))
            if known[slot] == key:
                fired[row] = True
                if len(spans) == 0:
                    break
                spans[count, 0], spans[count, 1], spans[count, 2] = start - offsets[row], end - offsets[row], np.int64(slot)
                count += 1
    return count
