"""The first kernel under story terms: words as they stand in the text, with their capitals, numbers and dates.

Folded tokens have lost their capitals, and with them the names; so this reads the UTF-8 itself.
"""

# Kernels start their variables as plain integers and go on with those of numpy, which numba takes for one.
# mypy: disable-error-code="assignment"

from __future__ import annotations

import unicodedata
from functools import cache

import numpy as np
from numba import njit

from dedupe.cache import cached_arrays
from dedupe.tokens import fold_table

NAME, NAMES, NUMBER, DATE, WORD = range(5)

# What a token says of itself.
CAPITAL, UNSURE, NUMERIC, TOUCHES, DATED, PAIRED, SHORT = 1, 2, 4, 8, 16, 32, 64

# A word counts by its first nine letters, less a plural s: cutting needs no language (McNamee and Mayfield 2004).
# Shorter stems make different words meet: F1 on stories-dev falls from 0.86 at nine letters to 0.84 at seven, 0.82 at five.
STEM = 9

# Two articles that share a line of so many words have it from one hand: it is residue or a quotation, and tells of no event.
PASSAGE = 40

# A line with this share of capitals is a heading in title case: its capitals name nobody.
_HEADING = 0.6

_MONTHS = (
    "january jan enero janvier januar januari gennaio janeiro января",
    "february feb febrero février februar februari febbraio fevereiro февраля",
    "march mar marzo mars märz maart março марта",
    "april apr abril avril aprile апреля",
    "may mayo mai mei maggio maio maj мая",
    "june jun junio juin juni giugno junho июня",
    "july jul julio juillet juli luglio julho июля",
    "august aug agosto août augustus augusti августа",
    "september sept sep septiembre septembre settembre setembro сентября",
    "october oct octubre octobre oktober ottobre outubro октября",
    "november nov noviembre novembre novembro ноября",
    "december dec diciembre décembre dezember dicembre dezembro декабря",
)
_MONTH_SLOTS = 1024

_PRIME, _BASIS = np.uint64(0x100000001B3), np.uint64(0xCBF29CE484222325)
_MIX_1, _MIX_2, _33 = np.uint64(0xFF51AFD7ED558CCD), np.uint64(0xC4CEB9FE1A85EC53), np.uint64(33)
PAIR = np.uint64(0x9E3779B97F4A7C15)
_DATE_SALT = np.uint64(0xD6E8FEB86659FD93)
LOW_BYTE = np.uint64(0xFF)


@cache
def upper_table() -> np.ndarray:
    """Return 1 for each code point that is a capital. Shape (131072,), uint8."""

    def ask() -> list[np.ndarray]:
        return [np.fromiter((chr(code).isupper() or chr(code).istitle() for code in range(0x20000)), np.uint8, 0x20000)]

    (table,) = cached_arrays(f"capitals-{unicodedata.unidata_version}", ask)
    return table


@cache
def month_table() -> tuple[np.ndarray, np.ndarray]:
    """Return slots of the hashes of month names, and the number of the month in each."""
    names = [(number, name) for number, line in enumerate(_MONTHS, 1) for name in line.split()]
    hashes, months = np.zeros(_MONTH_SLOTS, np.uint64), np.zeros(_MONTH_SLOTS, np.int64)
    data = "".join(name for _, name in names).encode()
    offsets = np.cumsum([0, *(len(name.encode()) for _, name in names)])
    found, rows = np.empty(len(data), np.uint64), np.empty(len(data), np.int64)
    count = hash_column(np.frombuffer(data, np.uint8), offsets, fold_table(), upper_table(), len(data), found, rows)
    for hashed, row in zip(found[:count].tolist(), rows[:count].tolist(), strict=True):
        slot = (hashed >> 8) % _MONTH_SLOTS
        while hashes[slot]:
            slot = (slot + 1) % _MONTH_SLOTS
        hashes[slot], months[slot] = hashed, names[row][0]
    return hashes, months


@njit(cache=True, nogil=True, inline="always")
def mixed(value):  # type: ignore[no-untyped-def]
    """Spread a hash over all its bits but the lowest eight."""
    # The finalizer of MurmurHash3 (public domain). The lowest byte is left to the sorting of terms; 0 marks a free slot.
    value = (value ^ (value >> _33)) * _MIX_1
    value = (value ^ (value >> _33)) * _MIX_2
    value = (value ^ (value >> _33)) & ~LOW_BYTE
    return value if value else np.uint64(256)


@njit(cache=True, nogil=True)
def scan(data, begin, end, fold, upper, month_hashes, months, hashes, places, flags, passages):  # type: ignore[no-untyped-def]
    """Write the tokens of `data[begin:end]`, as many as `hashes` takes, and return their number.

    Each has a hash, (start, end) in bytes, flags, and a hash of the passage it stands in: of the first `PASSAGE` tokens of its
    line, 0 for shorter lines. Two neighbouring characters of a script without spaces make a token.
    """
    room = len(hashes)
    count = 0
    at = begin
    opens = True  # a sentence may begin here
    touches = False
    line_first, line_words, line_capitals = 0, 0, 0
    value, previous, stem, whole = _BASIS, _BASIS, _BASIS, _BASIS
    letters, digits, number, first, last = 0, 0, 0, 0, 0
    capital, apostrophe, numeric = False, -1, False
    tail_one, tail_two = 0, 0
    character, character_at = np.uint64(0), 0
    month_before, day_before = 0, 0
    open_word = False
    while at <= end and count < room:
        start = at
        code, kind, raw = np.uint32(0), np.uint32(0), 0
        if at < end:
            byte = data[at]
            raw = np.int64(byte)
            at += 1
            if byte >= 0x80:
                if byte >= 0xF0 and at + 2 < end:
                    raw = (
                        (raw & 7) << 18
                        | (np.int64(data[at]) & 63) << 12
                        | (np.int64(data[at + 1]) & 63) << 6
                        | np.int64(data[at + 2]) & 63
                    )
                    at += 3
                elif byte >= 0xE0 and at + 1 < end:
                    raw = (raw & 15) << 12 | (np.int64(data[at]) & 63) << 6 | np.int64(data[at + 1]) & 63
                    at += 2
                elif byte >= 0xC0 and at < end:
                    raw = (raw & 31) << 6 | np.int64(data[at]) & 63
                    at += 1
                else:
                    raw = 0
            if raw < len(fold):
                kind, code = fold[raw] >> 24, fold[raw] & np.uint32(0xFFFFFF)
            elif raw < 0x40000:
                kind, code = np.uint32(2), np.uint32(raw)
        else:
            at += 1
        if kind == 1:
            character = np.uint64(0)
            digit = 48 <= code <= 57
            if not open_word:
                open_word, numeric, capital = True, digit, upper[raw] != 0
                value, letters, digits, number, apostrophe = _BASIS, 0, 0, 0, -1
                tail_one, tail_two = 0, 0
                first = start
            if apostrophe == letters:
                whole = value
            previous = value
            value = (value ^ np.uint64(code)) * _PRIME
            letters += 1
            if letters <= STEM:
                stem = value
            if digit and digits == letters - 1:
                digits, number = letters, min(number * 10 + np.int64(code) - 48, 100000)
                whole = value
            tail_two, tail_one = tail_one, np.int64(code)
            last = at
            continue
        if kind == 3 and open_word and (raw == 0x27 or raw == 0x2019):
            if apostrophe < 0:
                apostrophe = letters
            continue
        if (kind == 3 or kind == 4) and (open_word or character):
            if open_word:
                value = (value ^ np.uint64(code)) * _PRIME if kind == 4 else value
            continue
        if open_word and numeric and digits == letters and (raw == 0x2E or raw == 0x2C) and at < end and 48 <= data[at] <= 57:
            if raw == 0x2E:  # a decimal point tells 5.6 from 56; a comma between digits only groups them
                value = (value ^ np.uint64(0x2E)) * _PRIME
                letters += 1
                digits += 1
                number = 100000
            continue
        if open_word:
            open_word = False
            flag = 0
            ordinal = letters == digits + 2 and (
                (tail_two == 115 and tail_one == 116)
                or (tail_two == 110 and tail_one == 100)
                or (tail_two == 114 and tail_one == 100)
                or (tail_two == 116 and tail_one == 104)
            )
            if numeric and (digits == letters or ordinal):
                value = whole if ordinal else value
                flag |= NUMERIC
                if not ordinal and digits == 1:
                    flag |= SHORT
            else:
                numeric = False
                if apostrophe > 0 and apostrophe == letters - 1 and tail_one == 115:
                    letters -= 1
                    previous, value = value, whole
                    if letters < STEM:
                        stem = whole
                elif 4 <= letters <= STEM and tail_one == 115 and tail_two != 115:
                    stem = previous
                value = stem if letters >= 4 else value
                if letters < 3:
                    flag |= SHORT
            if capital:
                flag |= CAPITAL
            if opens:
                flag |= UNSURE
            if touches:
                flag |= TOUCHES
            hashed = mixed(value)
            line_words += letters > 3
            line_capitals += capital and letters > 3
            month, day = 0, 0
            if not numeric:
                slot = np.int64(hashed >> np.uint64(8)) % _MONTH_SLOTS
                while month_hashes[slot] != 0:
                    if month_hashes[slot] == hashed:
                        month = months[slot]
                        break
                    slot = (slot + 1) % _MONTH_SLOTS
            elif 1 <= number <= 31:
                day = number
            if touches and ((day and month_before) or (month and day_before)):
                # A date takes the place of its first word.
                hashes[count - 1] = mixed(_DATE_SALT * np.uint64(max(month, month_before) * 32 + max(day, day_before)))
                flags[count - 1] |= DATED
                places[1, count - 1] = last - begin
                month_before, day_before = 0, 0
            else:
                hashes[count], flags[count] = hashed, flag
                places[0, count], places[1, count] = first - begin, last - begin
                month_before, day_before = month, day
                count += 1
            opens, touches = False, True
        if kind == 2:
            if character:
                hashes[count] = mixed(character * PAIR + np.uint64(code))
                flags[count] = PAIRED
                places[0, count], places[1, count] = character_at - begin, at - begin
                count += 1
            character, character_at = np.uint64(code), start
            touches, opens = False, False
            continue
        character = np.uint64(0)
        if raw == 0x20 or raw == 0xA0 or raw == 0x2D:
            continue
        touches = touches and raw == 0x2E and count > 0 and month_before > 0
        if raw == 0x0A or raw == 0x0D or start >= end:
            if line_words >= 3 and line_capitals >= _HEADING * line_words:
                for token in range(line_first, count):
                    flags[token] |= UNSURE
            _mark_passage(hashes, passages, line_first, count)
            line_first, line_words, line_capitals = count, 0, 0
            opens = True
        elif raw == 0x2E:
            # The point of "Gov." and "U.S." ends no sentence; nor does that of a short capitalised last word, for once.
            short = count > 0 and flags[count - 1] & CAPITAL and places[1, count - 1] - places[0, count - 1] <= 4
            opens = opens or not short
        elif raw in (0x21, 0x3F, 0x3A, 0x22, 0x60, 0x201C, 0x2018, 0x2022, 0x2013, 0x2014, 0xAB, 0x28):
            opens = True
    _mark_passage(hashes, passages, line_first, count)
    return count


@njit(cache=True, nogil=True)
def _mark_passage(hashes, passages, first, last):  # type: ignore[no-untyped-def]
    value = np.uint64(0)
    if last - first >= PASSAGE:
        for token in range(first, first + PASSAGE):
            value = value * PAIR + hashes[token]
    short = np.uint32(value >> np.uint64(32))
    for token in range(first, last):
        passages[token] = short


@njit(cache=True, nogil=True)
def hash_column(data, offsets, fold, upper, longest, hashes, rows):  # type: ignore[no-untyped-def]
    """Write the hashes of the tokens of every row, and the rows, without dates or kinds; return their number."""
    no_hashes, no_months = np.zeros(_MONTH_SLOTS, np.uint64), np.zeros(_MONTH_SLOTS, np.int64)
    places, flags, passages = np.empty((2, longest), np.int32), np.empty(longest, np.uint8), np.empty(longest, np.uint32)
    tokens = np.empty(longest, np.uint64)
    total = 0
    for row in range(len(offsets) - 1):
        count = scan(data, offsets[row], offsets[row + 1], fold, upper, no_hashes, no_months, tokens, places, flags, passages)
        for token in range(count):
            hashes[total], rows[total] = tokens[token], row
            total += 1
    return total
