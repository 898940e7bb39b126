"""Script-aware words and shingles of UTF-8 text, folded for comparison, as numba kernels over Arrow buffers.

Folding makes two copies of one article meet: case, accents, the style of an apostrophe, full-width forms and the digits of
another script do not tell articles apart. It serves comparison only; the text that is published is never folded.

Scripts that write spaces give words. Scripts that do not (Han, kana, Thai, Lao, Khmer, Burmese) give characters with their marks.
A shingle is three words or five characters in a row, since five such characters hold about as much as three words.
"""

from __future__ import annotations

import unicodedata
from functools import cache
from typing import NamedTuple

import numpy as np
import pyarrow as pa
from llvmlite import ir
from numba import njit, types
from numba.extending import intrinsic

from dedupe.cache import cached_arrays

SHINGLE_WORDS = 3
SHINGLE_CHARACTERS = 5

_SEPARATOR, _WORD, _CHARACTER, _SKIP, _MARK = range(5)

# Everything above is Han (planes 2 and 3) or holds no letters.
_TABLE_SIZE = 0x20000

# (first, last) code points of scripts written without spaces.
_UNSPACED = (
    (0x0E00, 0x0EFF),  # Thai, Lao
    (0x1000, 0x109F),  # Burmese
    (0x1780, 0x17FF),  # Khmer
    (0x3005, 0x3007),  # ideographic iteration mark, closing mark, zero
    (0x3040, 0x30FF),  # kana
    (0x31F0, 0x31FF),  # kana extensions
    (0x3400, 0x4DBF),  # Han
    (0x4E00, 0x9FFF),  # Han
    (0xF900, 0xFAFF),  # Han, compatibility
)
_APOSTROPHES = frozenset("'\u2019\u2018\u02bc\u00b4`\u00ad\u200b\u200c\u200d\u2060\ufeff")

_PRIME = np.uint64(0x100000001B3)
_BASIS = np.uint64(0xCBF29CE484222325)
_MIX_1 = np.uint64(0xFF51AFD7ED558CCD)
_MIX_2 = np.uint64(0xC4CEB9FE1A85EC53)
_LOW_BIT = np.uint64(1)
_NOTHING = np.uint64(0)
_BYTE = np.uint64(0xFF)
_3, _8, _32, _33, _64 = (np.uint64(number) for number in (3, 8, 32, 33, 64))
_SEVEN_BITS = np.uint64(7)


def _in_each_byte(value: int) -> np.uint64:
    return np.uint64(value * 0x0101010101010101)


_SEVEN, _EIGHTH, _LOWER = _in_each_byte(0x7F), _in_each_byte(0x80), _in_each_byte(0x20)
_FROM_A, _AFTER_Z = _in_each_byte(0x80 - ord("a")), _in_each_byte(0x80 - ord("z") - 1)
_FROM_0, _AFTER_9 = _in_each_byte(0x80 - ord("0")), _in_each_byte(0x80 - ord("9") - 1)
# Odd multipliers, one a place in the shingle, so that the order of its tokens counts.
_PLACES = np.array(
    [0x9E3779B97F4A7C15, 0xC2B2AE3D27D4EB4F, 0x165667B19E3779F9, 0xD6E8FEB86659FD93, 0xA0761D6478BD642F], dtype=np.uint64
)


class Tokens(NamedTuple):
    """Hold the tokens of a column: 64-bit hashes of folded words, and where each stands.

    Article `i` has tokens `offsets[i]:offsets[i + 1]`; `starts` and `ends` are byte offsets within that article. The lowest bit
    of a hash is 1 for a character of a script without spaces.
    """

    hashes: np.ndarray
    starts: np.ndarray
    ends: np.ndarray
    offsets: np.ndarray


@cache
def fold_table() -> np.ndarray:
    """Return what each code point folds to: kind in the upper byte, folded code point below. Shape (131072,), uint32.

    Built from Python's own Unicode data in 0.2 s, so it is kept in the cache folder under that data's version.
    """
    (table,) = cached_arrays(f"fold-2-{unicodedata.unidata_version}", _build_fold_table)
    return table


def _build_fold_table() -> list[np.ndarray]:
    return [np.fromiter(map(_folded, range(_TABLE_SIZE)), dtype=np.uint32, count=_TABLE_SIZE)]


def _folded(code: int) -> int:
    char = chr(code)
    category = unicodedata.category(char)
    if char in _APOSTROPHES:
        return _SKIP << 24
    # Accents, the marks of emoji and keycaps: none of them is a letter.
    if 0x300 <= code <= 0x36F or 0x20D0 <= code <= 0x20FF or 0xFE00 <= code <= 0xFE0F:
        return _SKIP << 24
    if category[0] not in "LNM":
        return _SEPARATOR << 24
    if category[0] == "M":
        return _MARK << 24 | code
    if category == "Nd":
        return _WORD << 24 | ord("0") + unicodedata.digit(char)
    for form in (unicodedata.normalize("NFKC", char), char):
        if len(form) == 1:
            char = form
            break
    lowered = char.casefold()
    char = lowered if len(lowered) == 1 else char.lower() if len(char.lower()) == 1 else char
    base = unicodedata.normalize("NFD", char)
    if len(base) > 1 and all("\u0300" <= mark <= "\u036f" for mark in base[1:]):
        char = base[0]
    # Compatibility forms fold into other blocks (half-width katakana), so the script is that of the folded character.
    unspaced = any(first <= ord(char) <= last for first, last in _UNSPACED)
    return (_CHARACTER if unspaced else _WORD) << 24 | ord(char)


@njit(cache=True, nogil=True, inline="always")
def _mix(value):  # type: ignore[no-untyped-def]
    # The finalizer of MurmurHash3 (public domain): every bit of the input reaches every bit of the output.
    value = (value ^ (value >> _33)) * _MIX_1
    value = (value ^ (value >> _33)) * _MIX_2
    return value ^ (value >> _33)


@intrinsic
def _eight_bytes(_context, data, _at):  # type: ignore[no-untyped-def]  # types of numba, not of Python
    """Read `data[_at:_at + 8]` as one little-endian number, aligned or not."""

    def generate(context, builder, signature, args):  # type: ignore[no-untyped-def]
        array = context.make_array(signature.args[0])(context, builder, args[0])
        pointer = builder.bitcast(builder.gep(array.data, [args[1]]), ir.IntType(64).as_pointer())
        value = builder.load(pointer)
        value.align = 1
        return value

    return types.uint64(data, types.int64), generate


@intrinsic
def _trailing_zeros(_context, _value):  # type: ignore[no-untyped-def]  # types of numba, not of Python
    """Count the zero bits below the lowest one bit of `_value`; 64 where there is none."""

    def generate(_target, builder, _signature, args):  # type: ignore[no-untyped-def]
        return builder.cttz(args[0], ir.Constant(ir.IntType(1), 0))

    return types.uint64(types.uint64), generate


@intrinsic
def swapped_bytes(_context, _value):  # type: ignore[no-untyped-def]
    """Turn the order of the eight bytes of `_value`: the first one in memory becomes the highest."""

    def generate(_target, builder, _signature, args):  # type: ignore[no-untyped-def]
        return builder.bswap(args[0])

    return types.uint64(types.uint64), generate


@njit(cache=True, nogil=True, inline="always")
def ascii_run(data, at):  # type: ignore[no-untyped-def]  # compiled for the types it is called with
    """Return how many bits the ASCII letters and digits fill that `data[at:at + 8]` begins with, and all eight bytes as small."""
    eight = _eight_bytes(data, at)  # type: ignore[call-arg, var-annotated]  # numba passes the context itself
    lowered = eight | _LOWER
    # The upper bit of each byte that is neither. Adding to seven bits never carries.
    letter = ((lowered & _SEVEN) + _FROM_A) & ~((lowered & _SEVEN) + _AFTER_Z)
    digit = ((eight & _SEVEN) + _FROM_0) & ~((eight & _SEVEN) + _AFTER_9)
    return _trailing_zeros((~(letter | digit) | eight) & _EIGHTH) & ~_SEVEN_BITS, lowered


@njit(cache=True, nogil=True)
def tokenize_bytes(data, begin, end, fold, hashes, starts, ends):  # type: ignore[no-untyped-def]
    """Write the tokens of `data[begin:end]` and return their number.

    `hashes` must hold `(end - begin) // 2 + 1` tokens; `starts` and `ends` as many, or none where places are not wanted.

    A word is hashed by eights of its folded bytes, so that most words of plain text take one step. That and the missing branches
    make it 2 times as fast as a loop over bytes.
    """
    placed = len(starts) > 0
    count = 0
    kind_open = 0
    value = _BASIS
    eight = _NOTHING  # folded bytes that wait to be hashed, and how many bits they fill
    filled = _NOTHING
    at = begin
    last = begin
    while at < end:
        byte = data[at]
        start = at
        if byte < 0x80:
            entry = fold[byte]
            if kind_open == 0 and entry >> 24 == _WORD and at + 8 <= end:
                kind_open = _WORD
                value, eight, filled = _BASIS, _NOTHING, _NOTHING
                if placed:
                    starts[count] = start - begin
                while at + 8 <= end:
                    bits, lowered = ascii_run(data, at)
                    if bits == _64:
                        value = (value ^ lowered) * _PRIME
                        value ^= value >> _32
                        at += 8
                    else:
                        eight = lowered & ((_LOW_BIT << bits) - _LOW_BIT)
                        filled = bits
                        at += bits >> _3
                        break
                last = at
                continue
            at += 1
        else:
            if byte >= 0xF0 and at + 3 < end:
                code = (byte & 7) << 18 | (data[at + 1] & 63) << 12 | (data[at + 2] & 63) << 6 | (data[at + 3] & 63)
                at += 4
            elif byte >= 0xE0 and at + 2 < end:
                code = (byte & 15) << 12 | (data[at + 1] & 63) << 6 | (data[at + 2] & 63)
                at += 3
            elif byte >= 0xC0 and at + 1 < end:
                code = (byte & 31) << 6 | (data[at + 1] & 63)
                at += 2
            else:
                code = 0
                at += 1
            if code < _TABLE_SIZE:
                entry = fold[code]
            elif code < 0x40000:
                entry = np.uint32(_CHARACTER << 24 | code)
            else:
                entry = np.uint32(0)
        kind = entry >> 24
        if kind == _SKIP:
            continue
        joins = (kind == _WORD and kind_open == _WORD) or (kind == _MARK and kind_open != 0)
        if not joins:
            if kind_open != 0:
                hashes[count] = (_mix((value ^ eight) * _PRIME) & ~_LOW_BIT) | np.uint64(kind_open - 1)
                if placed:
                    ends[count] = last - begin
                count += 1
                kind_open = 0
            if kind in (_SEPARATOR, _MARK):
                continue
            kind_open = kind
            value, eight, filled = _BASIS, _NOTHING, _NOTHING
            if placed:
                starts[count] = start - begin
        last = at
        folded = np.uint64(entry & 0xFFFFFF)
        while folded != 0:
            eight |= (folded & _BYTE) << filled
            folded >>= _8
            filled += _8
            if filled == _64:
                value = (value ^ eight) * _PRIME
                value ^= value >> _32
                eight = filled = _NOTHING
    if kind_open != 0:
        hashes[count] = (_mix((value ^ eight) * _PRIME) & ~_LOW_BIT) | np.uint64(kind_open - 1)
        if placed:
            ends[count] = last - begin
        count += 1
    return count


@njit(cache=True, nogil=True)
def shingle_tokens(hashes, count, shingles):  # type: ignore[no-untyped-def]
    """Write the 64-bit hash of every shingle of `hashes[:count]` and return their number.

    Fewer tokens than a shingle takes give one shingle of all there are, so that short articles are compared too; none give none.
    """
    written = 0
    for at in range(count):
        size = SHINGLE_CHARACTERS if hashes[at] & _LOW_BIT else SHINGLE_WORDS
        if at + size > count:
            continue
        value = np.uint64(0)
        for place in range(size):
            value += hashes[at + place] * _PLACES[place]
        shingles[written] = _mix(value)
        written += 1
    if written == 0 and count > 0:
        value = np.uint64(0)
        for place in range(count):
            value += hashes[place] * _PLACES[place]
        shingles[0] = _mix(value)
        written = 1
    return written


@njit(cache=True, nogil=True)
def _tokenize_column(data, offsets, fold, hashes, starts, ends, counts):  # type: ignore[no-untyped-def]
    total = 0
    for row in range(len(offsets) - 1):
        begin, end = offsets[row], offsets[row + 1]
        room = (end - begin) // 2 + 1
        got = tokenize_bytes(
            data, begin, end, fold, hashes[total : total + room], starts[total : total + room], ends[total : total + room]
        )
        total += got
        counts[row + 1] = total
    return total


def string_buffers(column: pa.Array) -> tuple[np.ndarray, np.ndarray]:
    """Return the bytes and the offsets of a string column without copying: uint8 data, int32 or int64 offsets of length n + 1.

    Nulls read as empty text, whatever bytes lie behind them.
    """
    if column.null_count:
        column = column.fill_null("")
    _, offset_buffer, data_buffer = column.buffers()
    kind = np.dtype(np.int64) if pa.types.is_large_string(column.type) else np.dtype(np.int32)
    empty = offset_buffer is None or not len(column)
    offsets = np.zeros(1, kind) if empty else np.frombuffer(offset_buffer, kind, len(column) + 1, column.offset * kind.itemsize)
    data = np.frombuffer(data_buffer if data_buffer is not None and data_buffer.size else b"\0", np.uint8)
    # One type of data and of offsets, whatever the column came from, means one compiled version of every kernel.
    data = data.view()
    data.flags.writeable = False
    return data, offsets.astype(np.int64)


def tokenize(column: pa.Array) -> Tokens:
    """Tokenize a string column: the folded words, or characters, of each article and where they stand."""
    data, offsets = string_buffers(column)
    room = int(offsets[-1] - offsets[0]) // 2 + len(offsets)
    hashes = np.empty(room, np.uint64)
    starts, ends = np.empty(room, np.int32), np.empty(room, np.int32)
    counts = np.zeros(len(offsets), np.int64)
    total = _tokenize_column(data, offsets, fold_table(), hashes, starts, ends, counts)
    return Tokens(hashes[:total], starts[:total], ends[:total], counts)


def hash_words(words: list[str]) -> np.ndarray:
    """Hash single words as `tokenize` would, for tables that kernels look up. Shape (n,), uint64; 0 for what is no word."""
    tokens = tokenize(pa.array(words, pa.string()))
    found = np.zeros(len(words), np.uint64)
    single = np.diff(tokens.offsets) == 1
    found[single] = tokens.hashes[tokens.offsets[:-1][single]]
    return found
