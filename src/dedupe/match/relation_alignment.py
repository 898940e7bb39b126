"""Which tokens of two texts are the same ones, in order: an alignment in a kernel.

By shingles that stand once in either text (the idea of Bram Cohen's patience diff), closed by a longest common subsequence in
gaps that are small enough. Its cost grows with the length of the texts, never with length times length.
"""

from __future__ import annotations

import numpy as np
from numba import njit

# A gap of more cells than this stays one gap: two paragraphs of 200 words each are not worth a finer answer.
_TABLE_CELLS = 40_000

_STEP_1 = np.uint64(0x9E3779B97F4A7C15)
_STEP_2 = np.uint64(0xC2B2AE3D27D4EB4F)
_31 = np.uint64(31)


@njit(cache=True, nogil=True, inline="always")
def gap_end(partner, start, n, m):  # type: ignore[no-untyped-def]
    """Return where the gap that opens at token `start` of the first text ends in both, of `n` and `m` tokens."""
    end = start
    while end < n and partner[end] < 0:
        end += 1
    return end, partner[end] if end < n else m


@njit(cache=True, nogil=True)
def align(a, b, partner):  # type: ignore[no-untyped-def]
    """Set `partner[i]` to the token of `b` that token `i` of `a` is aligned with, else -1; increasing over all that have one."""
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
