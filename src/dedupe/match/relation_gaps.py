"""Where two texts differ: the gaps of a token alignment, as a kernel over many pairs at once.

The cost grows with the length of what differs: the bytes that two texts begin and end with alike are not even split into words.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numba import njit

from dedupe.match.relation_alignment import align, gap_end
from dedupe.tokens import fold_table, tokenize_bytes

# Gaps of one pair that are looked at, from the start of the text on. Two texts that differ in more places than this, each with
# facts on both sides, have shown their contradiction long before.
MOST_GAPS = 200

# Words to the left and to the right of a gap by which it is told whether the sentence is the same but for the gap.
_AROUND = 10

# Bytes to the left and to the right of a gap by which it is told whether the line is the same but for its gaps; with fewer than
# the second number around it, the gap is the line.
_LINE_REACH = 2000
_LEAST_LINE = 40

# Tokens of a gap up to which it is counted how many words its sides share.
_MOST_COUNTED = 256

_NEWLINE = 10


class Gaps(NamedTuple):
    """Hold gaps as columns: the pair, and the bytes `a0:a1` of its first text that stand in place of `b0:b1` of its second.

    `length`: tokens on the longer side. `whole`: both sides are whole sentences. `alike`: percent of the different words of the
    side with more of them that the other side has too. `kept`: how much of the ten words on either side of the gap is the same in
    both, in percent; `line`: how much of the rest of its line. Each on the side where that is more, since what one text has in
    addition is no difference.
    """

    pair: np.ndarray
    a0: np.ndarray
    a1: np.ndarray
    b0: np.ndarray
    b1: np.ndarray
    length: np.ndarray
    whole: np.ndarray
    alike: np.ndarray
    kept: np.ndarray
    line: np.ndarray


@njit(cache=True, nogil=True)
def _middle(data, a, a_end, b, b_end):  # type: ignore[no-untyped-def]
    # How many bytes both texts begin with, and how many they end with, less the words next to what differs: as many as the words
    # around a gap. Cut at white space, so that both parts have the same tokens in both texts.
    size = min(a_end - a, b_end - b)
    lead = 0
    while lead < size and data[a + lead] == data[b + lead]:
        lead += 1
    tail = 0
    while tail < size - lead and data[a_end - 1 - tail] == data[b_end - 1 - tail]:
        tail += 1
    words = 0
    within = False
    while lead > 0 and words <= _AROUND + 1:
        lead -= 1
        byte = data[a + lead]
        if byte == 32 or byte == _NEWLINE:
            words += within
            within = False
        else:
            within |= (48 <= byte < 58) or (65 <= byte < 91) or (97 <= byte < 123)
    words = 0
    within = False
    while tail > 0 and words <= _AROUND + 1:
        tail -= 1
        byte = data[a_end - 1 - tail]
        if byte == 32 or byte == _NEWLINE:
            words += within
            within = False
        else:
            within |= (48 <= byte < 58) or (65 <= byte < 91) or (97 <= byte < 123)
    return lead, tail


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
def _kept_of_line(data, base, begin_of_text, stop, starts, ends, opened, total, at, side):  # type: ignore[no-untyped-def]
    # Share in percent of the bytes of the line around gap `at` of one text that stand in no gap.
    begin, end = starts[opened[at, side]], ends[opened[at, side + 1] - 1]
    low, high = begin, end
    while base + low > begin_of_text and begin - low < _LINE_REACH and data[base + low - 1] != _NEWLINE:
        low -= 1
    while base + high < stop and high - end < _LINE_REACH and data[base + high] != _NEWLINE:
        high += 1
    around = (begin - low) + (high - end)
    if around < _LEAST_LINE:
        return 100
    differing = 0
    for step in (-1, 1):
        other = at + step
        while 0 <= other < total:
            first, last = opened[other, side], opened[other, side + 1]
            if last > first:
                left, right = max(low, starts[first]), min(high, ends[last - 1])
                if right <= left:
                    break
                differing += right - left
            other += step
    return 100 * (around - differing) // around


@njit(cache=True, nogil=True)
def _stops(data, base, starts, ends, before, total, sentence):  # type: ignore[no-untyped-def]
    # Whether a line ends between token `before - 1` and token `before`, or with `sentence` a sentence.
    if before == 0 or before == total:
        return True
    for at in range(base + ends[before - 1], base + starts[before]):
        byte = data[at]
        if byte == _NEWLINE or (sentence and (byte == ord(".") or byte == ord("!") or byte == ord("?"))):
            return True
    return False


@njit(cache=True, nogil=True)
def _first_line(data, base, starts, ends, begin, end):  # type: ignore[no-untyped-def]
    at = begin + 1
    while at < end and not _stops(data, base, starts, ends, at, end, False):
        at += 1
    return at


@njit(cache=True, nogil=True)
def _last_line(data, base, starts, ends, begin, end):  # type: ignore[no-untyped-def]
    at = end - 1
    while at > begin and not _stops(data, base, starts, ends, at, end, False):
        at -= 1
    return at


@njit(cache=True, nogil=True)
def _alike(left, right):  # type: ignore[no-untyped-def]
    # Percent of the different words of the side with more of them that both sides have.
    if len(left) > _MOST_COUNTED or len(right) > _MOST_COUNTED:
        return 0
    shared = first = second = 0
    for i in range(len(left)):
        new = True
        for k in range(i):
            new &= left[k] != left[i]
        if new:
            first += 1
            for j in range(len(right)):
                if right[j] == left[i]:
                    shared += 1
                    break
    for j in range(len(right)):
        new = True
        for k in range(j):
            new &= right[k] != right[j]
        second += new
    return 100 * shared // max(first, second)


@njit(cache=True, nogil=True)
def _gaps(a, b, data, bases, fold, words, most, gaps):  # type: ignore[no-untyped-def]
    # Writes the columns of `Gaps`, bytes counted within their article, and returns the number of gaps there are.
    count = 0
    longest = 0
    for pair in range(len(a)):
        longest = max(longest, bases[a[pair] + 1] - bases[a[pair]], bases[b[pair] + 1] - bases[b[pair]])
    room = longest // 2 + 1
    left_hashes, right_hashes = np.empty(room, np.uint64), np.empty(room, np.uint64)
    left_starts, left_ends = np.empty(room, np.int32), np.empty(room, np.int32)
    right_starts, right_ends = np.empty(room, np.int32), np.empty(room, np.int32)
    partner = np.empty(room, np.int32)
    opened = np.empty((room + 2, 4), np.int32)
    for pair in range(len(a)):
        one, one_end = bases[a[pair]], bases[a[pair] + 1]
        other, other_end = bases[b[pair]], bases[b[pair] + 1]
        lead, tail = _middle(data, one, one_end, other, other_end)
        n = tokenize_bytes(data, one + lead, one_end - tail, fold, left_hashes, left_starts, left_ends)
        m = tokenize_bytes(data, other + lead, other_end - tail, fold, right_hashes, right_starts, right_ends)
        left, right = left_hashes[:n], right_hashes[:m]
        one_start, other_start = one + lead, other + lead
        align(left, right, partner)
        # All gaps in order; one joins the last where the tokens between the two are fewer than what differs on either side.
        # Such tokens ("in", "the") meet by chance, and would set unrelated words against each other.
        total = 0
        i = j = 0
        while i < n or j < m:
            if i < n and partner[i] == j:
                i += 1
                j += 1
                continue
            i_end, j_end = gap_end(partner, i, n, m)
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
            # Where one side goes on over the end of a line and the other does not, something was added: what stands in the
            # sentence that both begin or end in is compared, and the rest is in addition.
            opens = not _stops(data, one_start, left_starts, left_ends, a0, n, True)
            opens_too = not _stops(data, other_start, right_starts, right_ends, b0, m, True)
            closes = not _stops(data, one_start, left_starts, left_ends, a1, n, True)
            closes_too = not _stops(data, other_start, right_starts, right_ends, b1, m, True)
            a_first = _first_line(data, one_start, left_starts, left_ends, a0, a1)
            b_first = _first_line(data, other_start, right_starts, right_ends, b0, b1)
            if (a_first < a1) != (b_first < b1):
                if opens and opens_too:
                    a1, b1 = a_first, b_first
                elif closes and closes_too:
                    a0 = _last_line(data, one_start, left_starts, left_ends, a0, a1)
                    b0 = _last_line(data, other_start, right_starts, right_ends, b0, b1)
            if not _tells(data, one_start, left_starts, left, a0, a1, words):
                continue
            if not _tells(data, other_start, right_starts, right, b0, b1, words):
                continue
            if count < len(gaps):
                gaps[count, 0] = pair
                gaps[count, 1], gaps[count, 2] = lead + left_starts[a0], lead + left_ends[a1 - 1]
                gaps[count, 3], gaps[count, 4] = lead + right_starts[b0], lead + right_ends[b1 - 1]
                gaps[count, 5] = max(a1 - a0, b1 - b0)
                gaps[count, 6] = not (opens or closes or opens_too or closes_too)
                gaps[count, 7] = _alike(left[a0:a1], right[b0:b1])
                gaps[count, 8] = max(_kept_around(opened, total, at, 0, n), _kept_around(opened, total, at, 2, m))
                gaps[count, 9] = max(
                    _kept_of_line(data, one_start, one, one_end, left_starts, left_ends, opened, total, at, 0),
                    _kept_of_line(data, other_start, other, other_end, right_starts, right_ends, opened, total, at, 2),
                )
            kept += 1
            count += 1
    return count


def find_gaps(a: np.ndarray, b: np.ndarray, data: np.ndarray, bases: np.ndarray, words: np.ndarray) -> Gaps:
    """Align each pair and return the gaps in which both sides may hold a fact, at most `MOST_GAPS` a pair.

    `a`, `b`: (n,) articles. `data`, `bases`: their UTF-8 bytes and where each begins in them. `words`: sorted hashes of words
    that are facts although they begin with a small letter (numbers, dates).
    """
    room = max(1024, 4 * len(a))
    while True:
        found = np.empty((room, len(Gaps._fields)), np.int32)
        count = _gaps(a, b, data, bases, fold_table(), words, MOST_GAPS, found)
        if count <= room:
            return Gaps(*found[:count].T)
        room = count
