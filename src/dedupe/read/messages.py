"""What the messages of Arrow IPC unpack to, read from their metadata before any of them is unpacked.

Arrow takes the size that stands before each compressed buffer on trust, and gives no look at it: a few numbers of the Flatbuffers
of a message (format/Message.fbs, format/File.fbs) are read here. Where these are damaged nothing is found, and Arrow says so.
"""

from __future__ import annotations

import struct

import numpy as np
import pyarrow as pa

_VALUE_BYTES = 8
_DAMAGED = (struct.error, ValueError, OSError)
_DICTIONARY, _BATCH = 2, 3
_CONTINUES = b"\xff\xff\xff\xff"
# How files of Arrow 0.17 say that they are compressed.
_OLD_COMPRESSION = b"ARROW:experimental_compression"
_BLOCK = np.dtype([("offset", "<i8"), ("metadata", "<i4"), ("padding", "<i4"), ("body", "<i8")])
_PAIR = np.dtype([("first", "<i8"), ("second", "<i8")])  # a buffer's place and size; a column's values and nulls


def unpacked_in_stream(source: pa.NativeFile, position: int) -> int:
    """Return what the messages of a stream unpack to, in bytes."""
    unpacked = 0
    try:
        while head := source.read_at(8, position):
            prefix = 8 if head[:4] == _CONTINUES else 4
            length = int.from_bytes(head[prefix - 4 : prefix], "little", signed=True)
            metadata = source.read_at(max(0, length), position + prefix)
            body = position + prefix + length
            size = _number(metadata, _field(metadata, _root(metadata), 3), "<q")
            if size < 0:
                break
            unpacked += _unpacked(source, metadata, body)
            position = body + size
    except _DAMAGED:  # also where a stream says that it ends, by a length of 0
        pass
    return unpacked


def unpacked_in_file(source: pa.NativeFile) -> int:
    """Return what the dictionaries and the record batches of a file unpack to, in bytes."""
    size = source.size()
    length = int.from_bytes(source.read_at(4, size - 10), "little", signed=True)
    if not 0 < length <= size - 10:
        return 0
    footer = source.read_at(length, size - 10 - length)
    unpacked = 0
    try:
        for slot in (2, 3):
            for block in _vector(footer, _field(footer, _root(footer), slot), _BLOCK):
                start, metadata = int(block["offset"]), int(block["metadata"])
                data = source.read_at(max(0, metadata), max(0, start))
                unpacked += _unpacked(source, data[8 if data[:4] == _CONTINUES else 4 :], start + metadata)
    except _DAMAGED:
        pass
    return unpacked


def _unpacked(source: pa.NativeFile, metadata: bytes, body: int) -> int:
    try:
        message = _root(metadata)
        kind = _number(metadata, _field(metadata, message, 1), "<B")
        at = _table(metadata, _field(metadata, message, 2))
        if kind == _DICTIONARY:
            at = _table(metadata, _field(metadata, at, 1))
        elif kind != _BATCH:
            return 0
        values = int(_vector(metadata, _field(metadata, at, 1), _PAIR)["first"].sum())
        buffers = _vector(metadata, _field(metadata, at, 2), _PAIR)
        if not _field(metadata, at, 3) and _OLD_COMPRESSION not in metadata:
            return _VALUE_BYTES * values
        unpacked = 0
        for place, size in buffers.tolist():
            told = source.read_at(8, body + place) if size >= 8 and place >= 0 else b""
            unpacked += max(size, int.from_bytes(told, "little", signed=True))
        return max(unpacked, _VALUE_BYTES * values)
    except _DAMAGED:
        return 0


def _number(data: bytes, at: int, kind: str) -> int:
    return int(struct.unpack_from(kind, data, at)[0]) if at else 0


def _root(data: bytes) -> int:
    return int(struct.unpack_from("<I", data, 0)[0])


def _field(data: bytes, table: int, slot: int) -> int:
    """Return where a field of a table is, 0 where the table has none of it."""
    fields = table - _number(data, table, "<i")
    size = int(struct.unpack_from("<H", data, fields)[0])
    place = 4 + 2 * slot
    inside = _number(data, fields + place, "<H") if place < size else 0
    return table + inside if inside else 0


def _table(data: bytes, at: int) -> int:
    return at + _number(data, at, "<I")


def _vector(data: bytes, at: int, kind: np.dtype[np.void]) -> np.ndarray[tuple[int], np.dtype[np.void]]:
    if not at:
        return np.empty(0, kind)
    start = _table(data, at)
    return np.frombuffer(data, kind, _number(data, start, "<I"), start + 4)
