"""What the pages of a Parquet file unpack to, read from their headers before any of them is unpacked.

The footer tells sizes of whole columns, which a hostile file may get wrong and which leave out what a dictionary repeats. Arrow
gives no page headers, so they are read here: a few numbers in Thrift's compact protocol.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import IO, Any

_HEAD = 1 << 10
_LARGEST_HEAD = 16 << 20  # Arrow takes none above it
_DEEPEST = 16
_I32, _BINARY, _LIST, _SET, _MAP, _STRUCT = 5, 8, 9, 10, 11, 12
_Fields = dict[tuple[int, int], Any]  # by number and type, of which both count

_FIXED = {1: 0, 2: 0, 3: 1, 7: 8}  # bytes of true, false, byte and double
_NUMBERS = (4, _I32, 6)

_DICTIONARY = 2
# Where the header of a page of values stands in its page's header, and where its encoding, by the type of the page.
_OF_VALUES = {0: (5, 2), 3: (8, 4)}
_SHARING = (2, 8)  # PLAIN_DICTIONARY, RLE_DICTIONARY
_DELTA = 7  # DELTA_BYTE_ARRAY: a value is a piece of the one before, and more


@dataclass(slots=True)
class Pages:
    """Hold what the page headers of one column of a row group say, in bytes unpacked and in values.

    `shared` values are numbers of dictionary entries; `delta` is the largest page whose values repeat parts of each other.
    """

    unpacked: int = 0
    values: int = 0
    dictionary: int = 0
    shared: int = 0
    delta: int = 0


def walk(file: IO[bytes], start: int, size: int, values: int) -> Pages:
    """Read the headers of the pages that hold `values` values from `start` on.

    Where a header is damaged the walk ends: Arrow reads no page behind it either, and says what is wrong with it.
    """
    found = Pages()
    position = start
    while found.values < values and position < start + size:
        header, length = _header(file, position)
        unpacked, packed, kind = (header.get((field, _I32), -1) for field in (2, 3, 1))
        if unpacked < 0 or packed < 0:
            break
        found.unpacked += unpacked
        if kind == _DICTIONARY:
            found.dictionary = max(found.dictionary, unpacked)
        elif kind in _OF_VALUES:
            at, encoding = _OF_VALUES[kind]
            inner = header.get((at, _STRUCT), {})
            count = max(0, inner.get((1, _I32), 0))
            found.values += count
            encoded = inner.get((encoding, _I32))
            if encoded in _SHARING:
                found.shared += count
            elif encoded == _DELTA:
                found.delta = max(found.delta, unpacked)
        position += length + packed
    return found


def _header(file: IO[bytes], position: int) -> tuple[_Fields, int]:
    """Return the numbers and structures of one page header and its length; none where it is damaged."""
    size = _HEAD
    while size <= _LARGEST_HEAD:
        file.seek(position)
        data = file.read(size)
        thrift = _Thrift(data)
        try:
            return thrift.struct(), thrift.at
        except IndexError:  # it goes on behind what was read
            if len(data) < size:
                break
            size *= 4
        except ValueError:
            break
    return {}, 0


class _Thrift:
    """Read Thrift's compact protocol. Raises IndexError where the data ends, ValueError where it is none."""

    def __init__(self, data: bytes) -> None:
        self.data = data
        self.at = 0

    def struct(self, depth: int = 0) -> _Fields:
        found: _Fields = {}
        field = 0
        while head := self._byte():
            field = field + (head >> 4) if head >> 4 else self._number()
            value = self._value(head & 15, depth)
            if head & 15 in (_I32, _STRUCT):
                found[field, head & 15] = value
        return found

    def _value(self, kind: int, depth: int) -> Any:
        if kind in _NUMBERS:
            return self._number()
        if kind in _FIXED:
            self._skip(_FIXED[kind])
        elif kind == _BINARY:
            self._skip(self._varint())
        elif depth >= _DEEPEST:
            raise ValueError("nested too deep")
        elif kind == _STRUCT:
            return self.struct(depth + 1)
        elif kind in (_LIST, _SET):
            head = self._byte()
            self._items(self._varint() if head >> 4 == 15 else head >> 4, (head & 15,), depth)
        elif kind == _MAP:
            if size := self._varint():
                kinds = self._byte()
                self._items(size, (kinds >> 4, kinds & 15), depth)
        else:
            raise ValueError("no type of Thrift")
        return None

    def _items(self, size: int, kinds: tuple[int, ...], depth: int) -> None:
        for _ in range(size):
            for kind in kinds:
                if kind in (1, 2):  # in a list, true and false take a byte
                    self._skip(1)
                else:
                    self._value(kind, depth + 1)

    def _skip(self, size: int) -> None:
        self.at += size
        if self.at > len(self.data):
            raise IndexError

    def _byte(self) -> int:
        self.at += 1
        return self.data[self.at - 1]

    def _varint(self) -> int:
        found = 0
        for shift in range(0, 70, 7):
            byte = self._byte()
            found |= (byte & 127) << shift
            if byte < 128:
                return found
        raise ValueError("too long a number")

    def _number(self) -> int:
        """Return a signed number as Arrow takes it, of which 32 bits count."""
        given = self._varint() & 0xFFFF_FFFF
        return given >> 1 ^ -(given & 1)
