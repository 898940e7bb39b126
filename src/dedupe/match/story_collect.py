"""The second kernel under story terms: the distinct terms of each article, what kind each is, and the most salient of them."""

from __future__ import annotations

import numpy as np
from numba import njit

from dedupe.match.story_scan import (
    CAPITAL,
    DATE,
    DATED,
    LOW_BYTE,
    NAME,
    NAMES,
    NUMBER,
    NUMERIC,
    PAIR,
    PAIRED,
    SHORT,
    TOUCHES,
    UNSURE,
    WORD,
    mixed,
    scan,
)


@njit(cache=True, nogil=True)
def _find(hashed, table, found, distinct):  # type: ignore[no-untyped-def]
    # The number of a term among the distinct ones, from 1: the next one for a new term, which then has its slot. What is new
    # nothing can predict, so no branch asks: a free slot leads to number 0, which is made to have any hash.
    mask = np.uint64(len(table) - 1)
    slot = (hashed >> np.uint64(8)) & mask
    found[0], found[distinct + 1] = hashed, hashed
    while found[table[slot]] != hashed:
        slot = (slot + np.uint64(1)) & mask
    term = np.int64(table[slot])
    term = term if term else distinct + 1
    table[slot] = term
    return term


@njit(cache=True, nogil=True)
def _rarity(hashed, base, slots, known, rarity):  # type: ignore[no-untyped-def]
    place = np.int64(hashed >> np.uint64(8)) & (slots - 1)
    while (known[base + place] != hashed) & (known[base + place] != 0):
        place = (place + 1) & (slots - 1)
    return np.int64(rarity[base + place]) if known[base + place] == hashed else 160


@njit(cache=True, nogil=True)
def _sort(picked, count, copied, ends):  # type: ignore[no-untyped-def]
    # Hashes lie evenly, so 256 buckets by their upper bits hold one each or none: what is left is to insert each among its
    # neighbours.
    ends[:] = 0
    for at in range(count):
        copied[at] = picked[at]
        ends[(picked[at] >> np.uint64(56)) + np.uint64(1)] += 1
    for bucket in range(256):
        ends[bucket + 1] += ends[bucket]
    for at in range(count):
        bucket = copied[at] >> np.uint64(56)
        picked[ends[bucket]] = copied[at]
        ends[bucket] += 1
    for at in range(1, count):
        value, place = picked[at], at
        while place > 0 and picked[place - 1] > value:
            picked[place] = picked[place - 1]
            place -= 1
        picked[place] = value


@njit(cache=True, nogil=True)
def terms_of_column(  # type: ignore[no-untyped-def]
    data, offsets, fold, upper, month_hashes, months, language, known, rarity, bases, slots, lead, most, commonest,
    hashes, kinds, rarities, starts, sizes, passages, ends,
):  # fmt: skip
    """Write the terms of each article, sorted by hash, `most` at the most, and return their number."""
    room, early = lead, lead // 3
    tokens, flags, lines = np.empty(room, np.uint64), np.empty(room, np.uint8), np.empty(room, np.uint32)
    places, term_of = np.empty((2, room), np.int32), np.empty(room, np.int32)
    size = 1024
    while size < 4 * room:
        size *= 2
    # Terms are numbered as they come, from 1: what is known of them lies close together, in the fastest memory.
    longest = 2 * room + 2
    table, found, kind_of = np.zeros(size, np.int16), np.empty(longest, np.uint64), np.zeros(longest, np.uint8)
    mid, low, times = np.zeros(longest, np.int16), np.zeros(longest, np.int16), np.zeros(longest, np.int16)
    earliest, stop, rare = np.zeros(longest, np.int32), np.zeros(longest, np.int32), np.zeros(longest, np.int32)
    grade = np.empty(longest, np.int32)
    gain = np.empty(room + 1)
    for count in range(1, room + 1):
        gain[count] = 1 + np.log(np.float32(count))
    picked, copied, bucket_ends = np.empty(most + 1, np.uint64), np.empty(most, np.uint64), np.empty(257, np.int32)
    picked_term = np.empty(most + 1, np.int32)
    histogram = np.zeros(1024, np.int32)
    written = 0
    for row in range(len(offsets) - 1):
        begin = offsets[row]
        count = scan(data, begin, offsets[row + 1], fold, upper, month_hashes, months, tokens, places, flags, lines)
        base, room_of = bases[language[row]], slots[language[row]]
        distinct = 0
        for token in range(count):
            term = _find(tokens[token], table, found, distinct)
            term_of[token] = term
            # Stands until the next term is new: the one before it is then done.
            earliest[distinct + 1] = token
            distinct += term > distinct
            times[term] += 1
            capital = flags[token] & CAPITAL != 0
            mid[term] += capital & (flags[token] & UNSURE == 0)
            low[term] += not capital
        one_word = distinct
        # Apart from the loop before, so that the looks into the large table of the language wait side by side.
        for term in range(1, distinct + 1):
            token = earliest[term]
            flag, length = flags[token], places[1, token] - places[0, token]
            stop[term] = length
            if flag & DATED:
                kind_of[term], rare[term] = DATE, 110
                continue
            if flag & NUMERIC:
                # One digit is anything; a year is no news; a decimal or a long count hardly recurs by chance.
                kind_of[term] = NUMBER
                rare[term] = 0 if flag & SHORT else 65 if length <= 2 else 85 if length <= 4 else 105
                continue
            if room_of == 0:
                # Without a table short words are the common ones, in most languages (Zipf's law of abbreviation).
                rarest = 110 if flag & PAIRED else 60 if length <= 3 else 85 if length <= 5 else 110
            else:
                rarest = _rarity(found[term], base, room_of, known, rarity)
            name = mid[term] > low[term]
            kind_of[term] = NAME if name else WORD
            rare[term] = rarest if name | ((flag & SHORT == 0) & (rarest >= commonest)) else 0
        for token in range(1, count):
            if not flags[token] & TOUCHES or not flags[token] & flags[token - 1] & CAPITAL:
                continue
            one, two = term_of[token - 1], term_of[token]
            if kind_of[one] != NAME or kind_of[two] != NAME:
                continue
            term = _find(mixed(tokens[token - 1] * PAIR + tokens[token]), table, found, distinct)
            if term > distinct:
                kind_of[term], rare[term] = NAMES, min(160, max(rare[one], rare[two]) + 20)
                earliest[term], stop[term] = token - 1, places[1, token] - places[0, token - 1]
                distinct += 1
            times[term] += 1
        # The most salient are kept: rare, repeated, early. Cut by counting grades: sorting them all costs more than the rest.
        histogram[:] = 0
        for term in range(1, distinct + 1):
            salience = rare[term] * gain[times[term]] * (1.5 if earliest[term] < early else 1.0)
            grade[term] = 0 if rare[term] == 0 else min(1023, 1 + np.int64(salience))
            histogram[grade[term]] += 1
        bar, above = 1023, 0
        while bar > 1 and above + histogram[bar] < most:
            above += histogram[bar]
            bar -= 1
        kept, at_bar = 0, most - above
        for term in range(1, distinct + 1):
            level = (grade[term] == bar) & (at_bar > 0)
            at_bar -= level
            picked[kept], picked_term[kept] = found[term] | np.uint64(kept & 0xFF), term
            kept += level | (grade[term] > bar)
        _sort(picked, kept, copied, bucket_ends)
        for at in range(kept):
            term = picked_term[np.int64(picked[at] & LOW_BYTE)]
            hashes[written] = found[term]
            kinds[written], rarities[written] = kind_of[term], rare[term]
            starts[written], sizes[written] = places[0, earliest[term]], min(255, stop[term])
            passages[written] = lines[earliest[term]]
            written += 1
        mid[: one_word + 1], low[: one_word + 1], times[: distinct + 1] = 0, 0, 0
        for term in range(1, distinct + 1):
            slot = (found[term] >> np.uint64(8)) & np.uint64(size - 1)
            while table[slot] != 0:
                table[slot] = 0
                slot = (slot + np.uint64(1)) & np.uint64(size - 1)
        ends[row + 1] = written
    return written
