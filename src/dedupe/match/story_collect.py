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
def _slot_of(table, mask, hashed):  # type: ignore[no-untyped-def]
    slot = np.int64((hashed >> np.uint64(8)) & mask)
    while table[slot] != 0 and table[slot] != hashed:
        slot = (slot + 1) & np.int64(mask)
    return slot


@njit(cache=True, nogil=True)
def _rarity(hashed, base, slots, known, rarity, unknown):  # type: ignore[no-untyped-def]
    if slots == 0:
        return unknown
    place = np.int64(hashed >> np.uint64(8)) & (slots - 1)
    while known[base + place] != 0:
        if known[base + place] == hashed:
            return np.int64(rarity[base + place])
        place = (place + 1) & (slots - 1)
    return 160


@njit(cache=True, nogil=True)
def terms_of_column(  # type: ignore[no-untyped-def]
    data, offsets, fold, upper, month_hashes, months, language, known, rarity, bases, slots, lead, most, commonest,
    hashes, kinds, rarities, starts, sizes, passages, ends,
):  # fmt: skip
    """Write the terms of each article, sorted by hash, `most` at the most, and return their number."""
    room, early = lead, lead // 3
    tokens, flags, lines = np.empty(room, np.uint64), np.empty(room, np.uint8), np.empty(room, np.uint32)
    places, slot_of = np.empty((2, room), np.int32), np.empty(room, np.int64)
    size = 1024
    while size < 4 * room:
        size *= 2
    mask = np.uint64(size - 1)
    table = np.zeros(size, np.uint64)
    mid, low, total = np.zeros(size, np.int32), np.zeros(size, np.int32), np.zeros(size, np.float32)
    earliest, rare, kind_of = np.zeros(size, np.int32), np.zeros(size, np.int32), np.zeros(size, np.uint8)
    stop = np.zeros(size, np.int32)
    used = np.empty(2 * room, np.int64)
    grade = np.empty(2 * room, np.int32)
    picked = np.empty(most, np.uint64)
    picked_slot = np.empty(most, np.int64)
    histogram = np.zeros(1024, np.int64)
    written = 0
    for row in range(len(offsets) - 1):
        begin = offsets[row]
        count = scan(data, begin, offsets[row + 1], fold, upper, month_hashes, months, tokens, places, flags, lines)
        base, room_of = bases[language[row]], slots[language[row]]
        distinct = 0
        for token in range(count):
            slot = _slot_of(table, mask, tokens[token])
            slot_of[token] = slot
            flag = flags[token]
            if table[slot] == 0:
                table[slot] = tokens[token]
                mid[slot], low[slot], total[slot], earliest[slot] = 0, 0, 0, token
                used[distinct] = slot
                distinct += 1
                length = places[1, token] - places[0, token]
                stop[slot] = length
                if flag & DATED:
                    kind_of[slot], rare[slot] = DATE, 110
                elif flag & NUMERIC:
                    # One digit is anything; a year is no news; a decimal or a long count hardly recurs by chance.
                    kind_of[slot] = NUMBER
                    rare[slot] = 0 if flag & SHORT else 65 if length <= 2 else 85 if length <= 4 else 105
                else:
                    # Without a table short words are the common ones, in most languages (Zipf's law of abbreviation).
                    unknown = 110 if flag & PAIRED else 60 if length <= 3 else 85 if length <= 5 else 110
                    kind_of[slot], rare[slot] = WORD, _rarity(tokens[token], base, room_of, known, rarity, unknown)
            total[slot] += 1
            if flag & CAPITAL:
                mid[slot] += (flag & UNSURE) == 0
            else:
                low[slot] += 1
        for at in range(distinct):
            slot = used[at]
            if kind_of[slot] == WORD:
                if mid[slot] > low[slot]:
                    kind_of[slot] = NAME
                elif flags[earliest[slot]] & SHORT or rare[slot] < commonest:
                    rare[slot] = 0
        for token in range(1, count):
            if not flags[token] & TOUCHES or not flags[token] & flags[token - 1] & CAPITAL:
                continue
            one, two = slot_of[token - 1], slot_of[token]
            if kind_of[one] != NAME or kind_of[two] != NAME:
                continue
            hashed = mixed(tokens[token - 1] * PAIR + tokens[token])
            slot = _slot_of(table, mask, hashed)
            if table[slot] == 0:
                table[slot] = hashed
                kind_of[slot], rare[slot] = NAMES, min(160, max(rare[one], rare[two]) + 20)
                total[slot], earliest[slot] = 0, token - 1
                stop[slot] = places[1, token] - places[0, token - 1]
                used[distinct] = slot
                distinct += 1
            total[slot] += 1
        # The most salient are kept: rare, repeated, early. Cut by counting grades: sorting them all costs more than the rest.
        histogram[:] = 0
        for at in range(distinct):
            slot = used[at]
            salience = rare[slot] * (1 + np.log(total[slot])) * (1.5 if earliest[slot] < early else 1.0)
            grade[at] = 0 if rare[slot] == 0 else min(1023, 1 + np.int64(salience))
            histogram[grade[at]] += 1
        bar, above = 1023, 0
        while bar > 1 and above + histogram[bar] < most:
            above += histogram[bar]
            bar -= 1
        kept, at_bar = 0, most - above
        for at in range(distinct):
            if grade[at] > bar or (grade[at] == bar and at_bar > 0):
                at_bar -= grade[at] == bar
                picked[kept] = table[used[at]] | np.uint64(kept)
                picked_slot[kept] = used[at]
                kept += 1
        picked[:kept].sort()
        for at in range(kept):
            slot = picked_slot[np.int64(picked[at] & LOW_BYTE)]
            hashes[written] = table[slot]
            kinds[written], rarities[written] = kind_of[slot], rare[slot]
            starts[written], sizes[written] = places[0, earliest[slot]], min(255, stop[slot])
            passages[written] = lines[earliest[slot]]
            written += 1
        for at in range(distinct):
            table[used[at]] = 0
        ends[row + 1] = written
    return written
