"""Where two texts differ: the gaps of a token alignment, as a kernel over many pairs at once.

Alignment by shingles that stand once in either text (the idea of Bram Cohen's patience diff), closed by a longest common
subsequence in gaps that are small enough. Its cost grows with the length of the texts, never with length times length.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numba import njit

from dedupe.tokens import Tokens

# A gap of more cells than this stays one gap: two paragraphs of 200 words each are not worth a finer answer.
_TABLE_CELLS = 40_000

# Gaps of one pair that are looked at, from the start of the text on. Two texts that differ in more places than this, each with
# facts on both sides, have shown their contradiction long before.
MOST_GAPS = 200

# Words to the left and to the right of a gap by which it is told whether the sentence is the same but for the gap.
_AROUND = 10

_STEP_1 = np.uint64(0x9E3779B97F4A7C15)
_STEP_2 = np.uint64(0xC2B2AE3D27D4EB4F)
_31 = np.uint64(31)


class Gaps(NamedTuple):
    """Hold gaps as columns: the pair, and the tokens `a0:a1` of its first text that stand in place of `b0:b1` of its second.

    `kept`: how much of what stands around the gap is the same in both, 0 to 100, on the side where that is more.
    """

    pair: np.ndarray
    a0: np.ndarray
    a1: np.ndarray
    b0: np.ndarray
    b1: np.ndarray
    kept: np.ndarray


@njit(cache=True, nogil=True)
def _align(a, b, partner):  # type: ignore[no-untyped-def]
    # partner[i] = j where token i of a is aligned with token j of b, else -1; increasing over all i that have one.
    n, m = len(a), len(b)
    partner[:n] = -1
    lead = 0
    while lead < n and lead < m and a[lead] == b[lead]:
        partner[lead] = lead
        lead += 1
    n_end, m_end = n, m
    while n_end > lead and m_end > lead and a[n_end - 1] == b[m_end - 1]:
        n_end -= 1
        m_end -= 1
        partner[n_end] = m_end
    if n_end == lead or m_end == lead:
        return
    size = 4
    while size < 2 * (n_end - lead + m_end - lead):
        size *= 2
    mask = np.uint64(size - 1)
    keys = np.zeros(size, np.uint64)
    place_a, place_b = np.full(size, -1, np.int32), np.full(size, -1, np.int32)
    for side in range(2):
        text = a if side == 0 else b
        stop = (n_end if side == 0 else m_end) - 2
        place = place_a if side == 0 else place_b
        for at in range(lead, stop):
            key = (text[at] + text[at + 1] * _STEP_1 + text[at + 2] * _STEP_2) | np.uint64(1)
            slot = (key ^ (key >> _31)) & mask
            while keys[slot] != 0 and keys[slot] != key:
                slot = (slot + np.uint64(1)) & mask
            keys[slot] = key
            place[slot] = at if place[slot] == -1 else -2
    # The longest increasing sequence of anchors, by patience sorting.
    found = np.full(n_end - lead + 1, -1, np.int32)
    for slot in range(size):
        if place_a[slot] >= 0 and place_b[slot] >= 0:
            found[place_a[slot] - lead] = place_b[slot]
    piles = np.empty(n_end - lead + 1, np.int32)
    before = np.full(n_end - lead + 1, -1, np.int32)
    count = 0
    for at in range(n_end - lead):
        j = found[at]
        if j < 0:
            continue
        low, high = 0, count
        while low < high:
            middle = (low + high) // 2
            if found[piles[middle]] < j:
                low = middle + 1
            else:
                high = middle
        before[at] = piles[low - 1] if low > 0 else -1
        piles[low] = at
        count = max(count, low + 1)
    at = piles[count - 1] if count > 0 else -1
    while at >= 0:
        for step in range(3):
            partner[lead + at + step] = found[at] + step
        at = before[at]
    # Overlapping anchors of a text that repeats itself can disagree; then the earlier one stands.
    last = -1
    for i in range(n):
        if partner[i] >= 0:
            if partner[i] <= last:
                partner[i] = -1
            else:
                last = partner[i]
    # Every run of anchors grows into the gap behind it, then into the one before it; small gaps are closed exactly.
    i, j = lead, lead
    while i < n_end:
        if partner[i] >= 0:
            j = partner[i] + 1
            i += 1
            continue
        stop = i
        while stop < n_end and partner[stop] < 0:
            stop += 1
        j_stop = partner[stop] if stop < n_end else m_end
        while i < stop and j < j_stop and a[i] == b[j]:
            partner[i] = j
            i += 1
            j += 1
        i_end, j_end = stop, j_stop
        while i_end > i and j_end > j and a[i_end - 1] == b[j_end - 1]:
            i_end -= 1
            j_end -= 1
            partner[i_end] = j_end
        rows, columns = i_end - i, j_end - j
        if rows > 0 and columns > 0 and rows * columns <= _TABLE_CELLS:
            table = np.zeros((rows + 1, columns + 1), np.int16)
            for x in range(rows - 1, -1, -1):
                for y in range(columns - 1, -1, -1):
                    if a[i + x] == b[j + y]:
                        table[x, y] = table[x + 1, y + 1] + 1
                    else:
                        table[x, y] = max(table[x + 1, y], table[x, y + 1])
            x = y = 0
            while x < rows and y < columns:
                if a[i + x] == b[j + y]:
                    partner[i + x] = j + y
                    x += 1
                    y += 1
                elif table[x + 1, y] >= table[x, y + 1]:
                    x += 1
                else:
                    y += 1
        i, j = stop, j_stop


@njit(cache=True, nogil=True)
def _tells(data, base, starts, hashes, begin, end, words):  # type: ignore[no-untyped-def]
    # Whether a token of this gap may be a fact: a digit, a capital, a letter beyond ASCII, or a word for a number or a date.
    for at in range(begin, end):
        byte = data[base + starts[at]]
        if 48 <= byte < 58 or 65 <= byte < 91 or byte >= 128:
            return True
        low, high = 0, len(words)
        while low < high:
            middle = (low + high) // 2
            if words[middle] < hashes[at]:
                low = middle + 1
            else:
                high = middle
        if low < len(words) and words[low] == hashes[at]:
            return True
    return False


@njit(cache=True, nogil=True)
def _kept_around(opened, total, at, side, length):  # type: ignore[no-untyped-def]
    # Share in percent of the words around gap `at` of one text that stand in no gap.
    begin, end = opened[at, side], opened[at, side + 1]
    low, high = max(0, begin - _AROUND), min(length, end + _AROUND)
    around = (begin - low) + (high - end)
    differing = 0
    other = at - 1
    while other >= 0 and opened[other, side + 1] > low:
        differing += opened[other, side + 1] - max(low, opened[other, side])
        other -= 1
    other = at + 1
    while other < total and opened[other, side] < high:
        differing += min(high, opened[other, side + 1]) - opened[other, side]
        other += 1
    return 100 * (around - differing) // max(around, 1)


@njit(cache=True, nogil=True)
def _gaps(a, b, data, bases, hashes, starts, offsets, words, most, gaps):  # type: ignore[no-untyped-def]
    # Writes (pair, a0, a1, b0, b1, kept), tokens counted within their article, and returns the number of gaps there are.
    count = 0
    longest = 0
    for pair in range(len(a)):
        longest = max(longest, offsets[a[pair] + 1] - offsets[a[pair]])
    partner = np.empty(longest, np.int32)
    opened = np.empty((longest + 2, 4), np.int32)
    for pair in range(len(a)):
        one, other = a[pair], b[pair]
        left = hashes[offsets[one] : offsets[one + 1]]
        right = hashes[offsets[other] : offsets[other + 1]]
        n, m = len(left), len(right)
        _align(left, right, partner)
        # All gaps in order; one joins the last where the tokens between the two are fewer than what differs on either side.
        # Such tokens ("in", "the") meet by chance, and would set unrelated words against each other.
        total = 0
        i = j = 0
        while i < n or j < m:
            if i < n and partner[i] == j:
                i += 1
                j += 1
                continue
            i_end = i
            while i_end < n and partner[i_end] < 0:
                i_end += 1
            j_end = partner[i_end] if i_end < n else m
            opened[total, 0], opened[total, 1], opened[total, 2], opened[total, 3] = i, i_end, j, j_end
            total += 1
            while total > 1:
                run = opened[total - 1, 0] - opened[total - 2, 1]
                first = max(opened[total - 2, 1] - opened[total - 2, 0], opened[total - 2, 3] - opened[total - 2, 2])
                second = max(opened[total - 1, 1] - opened[total - 1, 0], opened[total - 1, 3] - opened[total - 1, 2])
                if run >= first or run >= second:
                    break
                opened[total - 2, 1], opened[total - 2, 3] = opened[total - 1, 1], opened[total - 1, 3]
                total -= 1
            i, j = i_end, j_end
        kept = 0
        for at in range(total):
            a0, a1, b0, b1 = opened[at, 0], opened[at, 1], opened[at, 2], opened[at, 3]
            if a1 == a0 or b1 == b0 or kept == most:
                continue
            if not _tells(data, bases[one], starts[offsets[one] :], left, a0, a1, words):
                continue
            if not _tells(data, bases[other], starts[offsets[other] :], right, b0, b1, words):
                continue
            if count < len(gaps):
                gaps[count, 0], gaps[count, 1], gaps[count, 2], gaps[count, 3], gaps[count, 4] = pair, a0, a1, b0, b1
                gaps[count, 5] = max(_kept_around(opened, total, at, 0, n), _kept_around(opened, total, at, 2, m))
            kept += 1
            count += 1
    return count


def find_gaps(a: np.ndarray, b: np.ndarray, data: np.ndarray, bases: np.ndarray, tokens: Tokens, words: np.ndarray) -> Gaps:
    """Align each pair and return the gaps in which both sides may hold a fact, at most `MOST_GAPS` a pair.

    `a`, `b`: (n,) places of the two articles in `tokens`. `data`, `bases`: the UTF-8 bytes and where each article begins in
    them. `words`: sorted hashes of words that are facts although they begin with a small letter (numbers, dates).
    """
    room = max(1024, 4 * len(a))
    while True:
        found = np.empty((room, 6), np.int32)
        count = _gaps(a, b, data, bases, tokens.hashes, tokens.starts, tokens.offsets, words, MOST_GAPS, found)
        if count <= room:
            return Gaps(*found[:count].T)
        room = count
