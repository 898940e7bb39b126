"""The kernel that reads a text as langdetect does and adds up what its n-grams say for each language.

Everything langdetect does to a text is here, character for character: URLs and mail addresses become a space, a
Vietnamese letter and its tone mark become one letter, Latin letters leave a text that is written in another script,
digits and punctuation separate words, and n-grams that end in a capital word do not count. Where langdetect then draws
n-grams at random until one language wins, the sum over all of them is what its draws estimate.
"""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray

from dedupe.repair.language_profiles import (
    ASCII_LETTER,
    BEYOND_LATIN,
    CODE_BITS,
    CODE_MASK,
    HASH_MULTIPLIER,
    ROW_BITS,
    SLOT_BITS,
    SPACE_CODE,
    UPPER,
)

_IN_MAIL, _IN_DOMAIN, _IN_URL = 1, 2, 4
_LONGEST_URL, _LONGEST_NAME, _LONGEST_DOMAIN = 2076, 64, 255  # langdetect's own limits
# How far from a region's start a word's start is looked for, so that the sample does not begin inside a word or a URL.
_WORD_REACH = 64
_FIRST_MARK, _LAST_MARK = 0x300, 0x323  # around the five Vietnamese tone marks
_REPLACEMENT = 0xFFFD
_SHARED = 12  # languages; at 8 and 16 it takes as long, at 24 a tenth longer


def byte_classes() -> NDArray[np.uint8]:
    """Return, for each byte, whether langdetect takes it as part of a mail address, its domain, or a URL (flags)."""
    classes = np.zeros(256, np.uint8)
    for byte in b"-_0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz":
        classes[byte] = _IN_MAIL | _IN_DOMAIN | _IN_URL
    classes[ord(".")] = _IN_MAIL | _IN_URL
    for byte in b"?&~;+=/#":
        classes[byte] = _IN_URL
    classes.flags.writeable = False
    return classes


@njit(cache=True, nogil=True)
def _scheme(data, at, begin, end, classes):  # type: ignore[no-untyped-def]
    # How many letters before the colon at `at` begin a URL: 4 for http, 5 for https, 0 where none does.
    if end - at < 4 or data[at + 1] != 47 or data[at + 2] != 47 or not classes[data[at + 3]] & _IN_URL:
        return 0
    size = 5 if at > begin and data[at - 1] == 115 else 4
    first = at - size
    if first < begin:
        return 0
    is_http = data[first] == 104 and data[first + 1] == 116 and data[first + 2] == 116 and data[first + 3] == 112
    return size if is_http else 0


@njit(cache=True, nogil=True)
def _sample(data, begin, end, sample, regions, reach, characters, vietnamese, classes, codes):  # type: ignore[no-untyped-def]
    """Write the normalised characters of the sample to `codes` and return their number, `sample + regions` at most.

    Each of `regions` equal parts of `data[begin : begin + reach]` gives `sample / regions` characters from its start
    on, so a text of no more than `sample` bytes is taken whole.
    """
    stop = min(end, begin + reach)
    budget = sample // regions
    count = 0
    run = 0  # characters before this one that a mail address or the start of a URL may hold
    previous = np.int64(0)
    left = budget
    region = 0
    last = begin + (stop - begin) // regions
    p = begin
    while True:
        if p >= last or left == 0:
            region += 1
            if region >= regions:
                return count
            first = last
            last = begin + (stop - begin) * (region + 1) // regions
            left = budget
            if p < first:
                # Go on with a whole word; in scripts without spaces, with a whole character.
                p = first
                while p < min(last, first + _WORD_REACH) and data[p] > 32:
                    p += 1
                if p == min(last, first + _WORD_REACH):
                    p = first
                    while p < last and (data[p] & 0xC0) == 0x80:
                        p += 1
                codes[count] = SPACE_CODE
                count += 1
                run = 0
                previous = np.int64(0)
            continue
        left -= 1
        byte = data[p]
        if byte < 0x80:
            point = np.int64(byte)
            after = p + 1
            cut = 0
            if byte == 58 and run >= 4:
                cut = _scheme(data, p, p - run, end, classes)
                if cut > 0:
                    after = p + 3
                    while after < min(end, p + 3 + _LONGEST_URL) and classes[data[after]] & _IN_URL:
                        after += 1
            elif byte == 64 and run > 0:
                # A name, "@", a group without dots and one with; the first gives a character to the second if need be.
                group = p + 1
                while group < min(end, p + 1 + _LONGEST_DOMAIN) and classes[data[group]] & _IN_DOMAIN:
                    group += 1
                after = group
                while after < min(end, group + _LONGEST_DOMAIN) and classes[data[after]] & _IN_MAIL:
                    after += 1
                if after < end and data[after] == 58:
                    # URLs are cut out before addresses.
                    after -= _scheme(data, after, p + 1, end, classes)
                if group > p + 1 and after >= p + 3:
                    cut = min(run, _LONGEST_NAME)
                else:
                    after = p + 1
            if cut > 0:
                count -= cut
                point = np.int64(32)
            p = after
            run = run + 1 if cut == 0 and classes[byte] & _IN_MAIL else 0
        else:
            # Arrow promises UTF-8 and nobody checks: broken bytes give nonsense characters, never a wild read.
            size = 4 if byte >= 0xF0 else 3 if byte >= 0xE0 else 2 if byte >= 0xC0 else 1
            point = np.int64(byte) & (0xFF >> (size + 1))
            size = min(size, end - p)
            for k in range(1, size):
                point = point << 6 | np.int64(data[p + k] & 0x3F)
            if point > 0x10FFFF:
                point = np.int64(_REPLACEMENT)
            p += size
            run = 0
            if _FIRST_MARK <= point <= _LAST_MARK and previous > 0:
                mark = vietnamese.shape[0] - 1
                while mark > 0 and vietnamese[mark, 0] != point:
                    mark -= 1
                letter = vietnamese.shape[1] - 1
                while letter > 0 and vietnamese[0, letter] != previous:
                    letter -= 1
                if mark > 0 and letter > 0:
                    point = np.int64(vietnamese[mark, letter])
                    count -= 1
        codes[count] = characters[point]
        count += 1
        previous = point


@njit(cache=True, nogil=True)
def _find(slots, key):  # type: ignore[no-untyped-def]
    # The row of an n-gram, -1 where no profile has it.
    last = np.int64(len(slots) - 1)
    slot = np.int64(np.uint64(key * np.uint64(HASH_MULTIPLIER)) >> np.uint64(64 - SLOT_BITS))
    while slots[slot] != np.uint64(0):
        if np.uint64(slots[slot] >> np.uint64(ROW_BITS)) == key:
            return np.int64(slots[slot] & np.uint64((1 << ROW_BITS) - 1))
        slot = (slot + 1) & last
    return np.int64(-1)


@njit(cache=True, nogil=True)
def _collect(codes, count, slots, starts, rows, counts, text):  # type: ignore[no-untyped-def]
    """Write the rows of n-grams in a profile, return their number, and count letters and all n-grams of the text."""
    latin = 0
    beyond = 0
    for i in range(count):
        if codes[i] & ASCII_LETTER:
            latin += 1
        elif codes[i] & BEYOND_LATIN:
            beyond += 1
    drop = ASCII_LETTER if latin * 2 < beyond else 0

    space = np.uint64(SPACE_CODE)
    before = space
    last = space
    upper = False
    letters = 0
    grams = 0
    found = 0
    for i in range(count):
        code = codes[i]
        if code & drop:
            continue
        this = np.uint64(code & CODE_MASK)
        capital_word = upper and (code & UPPER) != 0
        upper = (code & UPPER) != 0
        if this > space:
            letters += 1
        if not capital_word and not (last == space and this == space):
            grams += 1 + (this != space) + (last != space)
            if this > space and starts[np.int64(this) + 1] > starts[np.int64(this)]:
                rows[found] = np.int64(this)
                found += 1
            if last != 0 and this != 0:
                pair = last << np.uint64(CODE_BITS) | this
                row = _find(slots, pair)
                if row >= 0:
                    rows[found] = row
                    found += 1
                if last != space and before != 0:
                    row = _find(slots, before << np.uint64(2 * CODE_BITS) | pair)
                    if row >= 0:
                        rows[found] = row
                        found += 1
        before = last
        last = this
    counts[text, 0] = letters
    counts[text, 1] = grams
    return found


def shared_gains(
    starts: NDArray[np.int32], languages: NDArray[np.uint8], gains: NDArray[np.float64], columns: int
) -> tuple[NDArray[np.int16], NDArray[np.float64]]:
    """Return the gains of the n-grams that many languages share as full rows, and the row of each n-gram, -1 where it has none.

    These are 2,600 of 93,000 n-grams and nine tenths of what a text adds up. A row with its zeros is added by vector
    instructions, which takes a third of the time and gives the same sums to the last bit.
    """
    sizes = np.diff(starts)
    rows = np.flatnonzero(sizes >= _SHARED)
    places = np.full(len(sizes), -1, np.int16)
    places[rows] = np.arange(len(rows))
    shared = np.zeros((len(rows), -(-columns // 8) * 8))  # whole vectors
    held = places[np.repeat(np.arange(len(sizes)), sizes)]
    shared[held[held >= 0], languages[held >= 0]] = gains[held >= 0]
    return places, shared


@njit(cache=True, nogil=True)
def add_up(  # type: ignore[no-untyped-def]
    data, offsets, sample, regions, reach,
    characters, vietnamese, classes, slots, starts, languages, gains, places, shared,
    sums, counts,
):  # fmt: skip
    """Write for every text the gain of each language in nats, `sums[texts, languages]`, and `counts[texts, 2]`.

    `counts` are the letters and the n-grams of the sample, those that no profile has included. Texts are
    `data[offsets[i] : offsets[i + 1]]`, UTF-8; `places` and `shared` are those of `shared_gains`, the others those of `Profiles`.
    """
    codes = np.empty(sample + regions + 1, np.uint16)
    rows = np.empty(3 * len(codes), np.int64)
    times = np.zeros(len(starts), np.int32)
    total = np.empty(shared.shape[1], np.float64)
    for text in range(len(offsets) - 1):
        count = _sample(data, offsets[text], offsets[text + 1], sample, regions, reach, characters, vietnamese, classes, codes)
        found = _collect(codes, count, slots, starts, rows, counts, text)
        # Each n-gram is added once, times its number: 820 of 3,600 in English news are distinct, and the common ones
        # are those that thirty languages share. In order of first appearance, so a sum is the same in any batch.
        distinct = 0
        for i in range(found):
            row = rows[i]
            if times[row] == 0:
                rows[distinct] = row
                distinct += 1
            times[row] += 1
        for language in range(len(total)):
            total[language] = 0.0
        for i in range(distinct):
            row = rows[i]
            weight = np.float64(times[row])
            times[row] = 0
            place = places[row]
            if place >= 0:
                gain = shared[place]
                for language in range(len(total)):
                    total[language] += weight * gain[language]
                continue
            for entry in range(starts[row], starts[row + 1]):
                total[languages[entry]] += weight * gains[entry]
        for language in range(sums.shape[1]):
            sums[text, language] = total[language]
