"""The kernel that says, for a whole column at once, which articles the encoding rules could change.

One pass over the UTF-8 bytes. Plain ASCII is skipped at half a nanosecond a byte; every other character is looked at
together with those before it, so that typographic quotes, accents and foreign scripts pass, and only sequences fire
that a rule would change.
"""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray

# A code point's word in `ScreenTables.characters`: class of the automaton, combining class, flags, what to do on sight.
CLASS_BITS = 8
COMBINING_SHIFT = 8
JOINS = 1 << 16  # a joiner beside it may be meant: cursive and Indic scripts, marks, emoji
SPACELESS = 1 << 17  # of a script whose words a zero-width space may part
RIGHT_TO_LEFT = 1 << 18
COMPOSES = 1 << 19  # may form one character with the starter before it
ROLE_SHIFT = 20

FIRE, JOINER, WORD_BREAK, MARK, EMBED, UNEMBED, ISOLATE, UNISOLATE = range(1, 9)

_MATCH, _INSIDE, _LINE_START = 0, 1, 2
_CLASS_MASK = (1 << CLASS_BITS) - 1
_LONGEST_ENTITY = 24  # letters and digits, as ftfy reads them

# What an ASCII byte asks for: 0 nothing.
_LINE_FEED, _AMPERSAND, _CONTROL = 1, 2, 3


def ascii_kinds() -> NDArray[np.uint8]:
    """Return, for each byte, whether it can be skipped (0) or what is to be done; bytes of longer characters are 4."""
    kinds = np.zeros(256, np.uint8)
    kinds[:0x20] = _CONTROL
    kinds[0x7F] = _CONTROL
    kinds[ord("\t")] = 0
    kinds[ord("\n")] = _LINE_FEED
    kinds[ord("&")] = _AMPERSAND
    kinds[0x80:] = 4
    kinds.flags.writeable = False
    return kinds


@njit(cache=True, nogil=True)
def _is_entity(data: NDArray[np.uint8], i: int, end: int) -> bool:
    i += 1
    if i < end and data[i] == 35:
        i += 1
    first = i
    while i < end and i - first <= _LONGEST_ENTITY:
        byte = data[i]
        if byte == 59:
            return i > first
        if not (48 <= byte <= 57 or 65 <= byte <= 90 or 97 <= byte <= 122):
            return False
        i += 1
    return False


@njit(cache=True, nogil=True)
def _suspect(
    data: NDArray[np.uint8],
    i: int,
    end: int,
    kinds: NDArray[np.uint8],
    characters: NDArray[np.uint32],
    steps: NDArray[np.uint16],
    pairs: NDArray[np.int64],
    reach: int,
) -> bool:
    state = _LINE_START
    previous = np.uint32(0)  # the word of the character before
    starter = 0  # the last character that others can compose with
    unprotected = np.uint32(0)  # the flag that the next character must have, or the invisible one before it is noise
    directed = right_to_left = False  # of this line
    embedded = isolated = 0
    while i < end:
        byte = data[i]
        if byte < 0x80:
            if unprotected:
                return True
            begin = i
            while i < end and kinds[data[i]] == 0:
                i += 1
            if i > begin:
                # No sequence is longer than `reach`: those begun before this run end within its first bytes, and those
                # that go on after it begin within its last.
                for k in range(begin, min(begin + reach, i)):
                    state = steps[state, characters[data[k]] & _CLASS_MASK]
                    if state == _MATCH:
                        return True
                if i - begin > reach:
                    state = _INSIDE
                    for k in range(max(begin, i - reach), i):
                        state = steps[state, characters[data[k]] & _CLASS_MASK]
                previous = np.uint32(0)
                starter = int(data[i - 1])
                continue
            kind = kinds[byte]
            state = steps[state, characters[byte] & _CLASS_MASK]
            if state == _MATCH or kind == _CONTROL or (kind == _AMPERSAND and _is_entity(data, i, end)):
                return True
            if kind == _LINE_FEED:
                if (directed and not right_to_left) or embedded or isolated:
                    return True
                directed = right_to_left = False
                state = _LINE_START
            previous = np.uint32(0)
            starter = int(byte)
            i += 1
            continue

        if byte < 0xE0:
            point = (int(byte) & 0x1F) << 6 | (int(data[i + 1]) & 0x3F)
            i += 2
        elif byte < 0xF0:
            point = (int(byte) & 0x0F) << 12 | (int(data[i + 1]) & 0x3F) << 6 | (int(data[i + 2]) & 0x3F)
            i += 3
        else:
            point = (int(byte) & 0x07) << 18 | (int(data[i + 1]) & 0x3F) << 12
            point |= (int(data[i + 2]) & 0x3F) << 6 | (int(data[i + 3]) & 0x3F)
            i += 4
        word = characters[point]
        state = steps[state, word & _CLASS_MASK]
        if state == _MATCH or (unprotected and not word & unprotected):
            return True
        unprotected = np.uint32(0)
        role = word >> ROLE_SHIFT
        if role:
            if role == FIRE:
                return True
            if role == JOINER:
                if not previous & JOINS:
                    unprotected = np.uint32(JOINS)
            elif role == WORD_BREAK:
                if not previous & SPACELESS:
                    unprotected = np.uint32(SPACELESS)
            else:
                directed = True
                if role == EMBED:
                    embedded += 1
                elif role == UNEMBED:
                    embedded -= 1
                elif role == ISOLATE:
                    isolated += 1
                elif role == UNISOLATE:
                    isolated -= 1
                if embedded < 0 or isolated < 0:
                    return True
        if word & RIGHT_TO_LEFT:
            right_to_left = True

        combining = word >> COMBINING_SHIFT & 0xFF
        if combining and previous >> COMBINING_SHIFT & 0xFF > combining:
            return True
        if word & COMPOSES:
            key = starter << 21 | point
            at = np.searchsorted(pairs, key)
            if at < len(pairs) and pairs[at] == key:
                return True
        if not combining:
            starter = point
        previous = word
    return unprotected != 0 or (directed and not right_to_left) or embedded != 0 or isolated != 0


@njit(cache=True, nogil=True)
def fires(
    data: NDArray[np.uint8],
    offsets: NDArray[np.int32],
    kinds: NDArray[np.uint8],
    characters: NDArray[np.uint32],
    steps: NDArray[np.uint16],
    pairs: NDArray[np.int64],
    reach: int,
) -> NDArray[np.bool_]:
    """Return, for each text of an Arrow string column, whether a rule could change it.

    `data` is valid UTF-8 (Arrow's strings are), `offsets` has one entry more than there are texts.
    """
    found = np.zeros(len(offsets) - 1, np.bool_)
    for row in range(len(found)):
        found[row] = _suspect(data, offsets[row], offsets[row + 1], kinds, characters, steps, pairs, reach)
    return found


@njit(cache=True, nogil=True)
def has_sequence(data: NDArray[np.uint8], characters: NDArray[np.uint32], steps: NDArray[np.uint16]) -> bool:
    """Return whether a text holds, in any of its lines, a sequence that the automaton looks for; `data` as in `fires`."""
    state = _LINE_START
    i = 0
    while i < len(data):
        point = int(data[i])
        size = 1 if point < 0x80 else 2 if point < 0xE0 else 3 if point < 0xF0 else 4
        if size > 1:
            point &= 0xFF >> (size + 1)
            for k in range(i + 1, i + size):
                point = point << 6 | (int(data[k]) & 0x3F)
        i += size
        state = steps[state, characters[point] & _CLASS_MASK]
        if state == _MATCH:
            return True
        if 0x0A <= point <= 0x0D or point == 0x2028 or point == 0x2029:
            state = _LINE_START
    return False
