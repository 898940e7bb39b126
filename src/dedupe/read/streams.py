"""Bytes of a file part: unpacked as a stream, bounded, and kept up to the point where a damaged file breaks off."""

from __future__ import annotations

import bz2
import lzma
import os
import zlib
from collections.abc import Iterator
from typing import IO, Any, Protocol

from dedupe.read.parts import FilePart
from dedupe.read.reasons import BadInputError

CHUNK = 1 << 20

# Bounds against decompression bombs. Plain news packs 2 to 4 to 1, very repetitive honest text 30 to 1, files of near-copies
# up to some hundreds to 1; zeros pack 1,030 to 1 with gzip and 10,000 to 1 and more with the others. Formats that are read
# record by record never hold more than one, so only their ratio is bounded, and only beyond BOMB_FLOOR unpacked bytes. A file
# that is one article is held whole, up to the largest article: over that it is a bomb from WHOLE_BOMB_RATIO on, and else just
# too large.
BOMB_RATIO = 800
BOMB_FLOOR = 256 << 20
WHOLE_BOMB_RATIO = 200
# An xz or zstd stream says how much memory unpacking needs: `xz -9e` and `zstd --ultra -22` ask for less than this.
WINDOW_BYTES = 256 << 20

# Largest input given to zstd at once: its blocks expand at most 32,000 to 1, so one call yields at most 128 MB.
_ZSTD_STEP = 4 << 10


class _Unpacker(Protocol):
    @property
    def eof(self) -> bool: ...
    @property
    def unused_data(self) -> bytes: ...


def open_part(part: FilePart) -> IO[bytes]:
    """Open the file of a part. Raises BadInputError where it is gone, closed to us, or no longer the file that was planned."""
    try:
        file = open(part.path, "rb")  # noqa: SIM115 - it is the caller's to close
    except OSError as error:
        raise BadInputError("unreadable", error.strerror or type(error).__name__) from error
    seen = os.fstat(file.fileno())
    if (seen.st_size, seen.st_mtime_ns) != (part.size, part.mtime_ns):
        file.close()
        raise BadInputError("unreadable", "it was changed after the run had begun")
    return file


def chunks(part: FilePart) -> Iterator[bytes]:
    """Yield the unpacked bytes of a whole file, at most some megabytes at once.

    Raises BadInputError after the last good byte: truncated, unreadable (damaged), or bomb.
    """
    with open_part(part) as file:
        yield from unpack(file, part.compression)


def unpack(file: IO[bytes], compression: str | None) -> Iterator[bytes]:
    """Yield the unpacked bytes of an open file. Raises BadInputError as `chunks` does."""
    if compression is None:
        while data := _read(file):
            yield data
        return
    packed = unpacked = 0
    steps = {"gzip": _gzip_steps, "bzip2": _bz2_steps, "xz": _xz_steps, "zstd": _zstd_steps}[compression](file)
    for used, data in steps:
        packed += used
        unpacked += len(data)
        refuse_bomb(unpacked, packed, compression)
        if data:
            yield data


def refuse_bomb(unpacked: int, packed: int, kind: str) -> None:
    """Raise BadInputError where so many bytes came, or would come, from so few."""
    if unpacked > BOMB_FLOOR and unpacked > BOMB_RATIO * packed:
        raise BadInputError("bomb", f"{unpacked:,} bytes from {packed:,} ({kind}), over {BOMB_RATIO} to 1")


def _read(file: IO[bytes], size: int = CHUNK) -> bytes:
    try:
        return file.read(size)
    except OSError as error:
        raise BadInputError("unreadable", error.strerror or type(error).__name__) from error


def _gzip_steps(file: IO[bytes]) -> Iterator[tuple[int, bytes]]:
    unpacker = zlib.decompressobj(wbits=31)
    started = False
    while True:
        data = _read(file, 64 << 10)
        if not data:
            break
        used = len(data)
        while data:
            if unpacker.eof:  # files joined with `cat` are one stream; zeros after the end are padding of tapes
                data = data.lstrip(b"\x00")
                if not data:
                    break
                unpacker = zlib.decompressobj(wbits=31)
            started = True
            try:
                out = unpacker.decompress(data, CHUNK)
            except zlib.error as error:
                raise _damaged("gzip", error) from error
            yield used, out
            used = 0
            data = unpacker.unused_data if unpacker.eof else unpacker.unconsumed_tail
    if not unpacker.eof:
        rest = unpacker.flush() if started else b""  # a last match that the bound on output held back
        if rest:
            yield 0, rest
        if not unpacker.eof:
            raise _cut("gzip")


def _bz2_steps(file: IO[bytes]) -> Iterator[tuple[int, bytes]]:
    return _bounded_steps(file, "bzip2", bz2.BZ2Decompressor)


def _xz_steps(file: IO[bytes]) -> Iterator[tuple[int, bytes]]:
    return _bounded_steps(file, "xz", lambda: lzma.LZMADecompressor(memlimit=WINDOW_BYTES))


def _bounded_steps(file: IO[bytes], name: str, make: Any) -> Iterator[tuple[int, bytes]]:
    unpacker = make()
    while data := _read(file, 64 << 10):
        used = len(data)
        while True:
            if unpacker.eof:
                data = data.lstrip(b"\x00")
                if not data:
                    break
                unpacker = make()
            try:
                out = unpacker.decompress(data, CHUNK)
            except (OSError, lzma.LZMAError, EOFError, ValueError) as error:
                raise _damaged(name, error) from error
            yield used, out
            used = 0
            if unpacker.eof:
                data = unpacker.unused_data
                if not data:
                    break
            elif unpacker.needs_input:
                break
            else:
                data = b""
    if not unpacker.eof:
        raise _cut(name)


def _zstd_steps(file: IO[bytes]) -> Iterator[tuple[int, bytes]]:
    import zstandard

    source = zstandard.ZstdDecompressor(max_window_size=WINDOW_BYTES)
    unpacker: Any = None
    while data := _read(file, _ZSTD_STEP):
        used = len(data)
        while data:
            if unpacker is None:
                unpacker = source.decompressobj()
            try:
                out = unpacker.decompress(data)
            except zstandard.ZstdError as error:
                raise _damaged("zstd", error) from error
            yield used, out
            used = 0
            data = unpacker.unused_data if unpacker.eof else b""
            if unpacker.eof:
                unpacker = None
    if unpacker is not None:
        raise _cut("zstd")


def _damaged(name: str, error: Exception) -> BadInputError:
    return BadInputError("unreadable", f"the {name} data is damaged ({str(error) or type(error).__name__})")


def _cut(name: str) -> BadInputError:
    return BadInputError("truncated", f"the {name} data breaks off")


def head(path: str, compression: str | None, size: int) -> bytes:
    """Return the first bytes of a file, unpacked; fewer where it is shorter or damaged. Raises OSError."""
    found = bytearray()
    with open(path, "rb") as file:
        try:
            for data in unpack(file, compression):
                found += data
                if len(found) >= size:
                    break
        except BadInputError:
            pass
    return bytes(found[:size])


def range_chunks(part: FilePart, most: int) -> Iterator[bytes]:
    """Yield the bytes of all lines that start within the part's range, the last one to its end or to `most` bytes over.

    Raises BadInputError as `open_part` does.
    """
    with open_part(part) as file:
        position = part.start
        if position:
            file.seek(position - 1)
            while True:  # find the first line that starts here: the byte before may be the newline
                data = _read(file)
                cut = data.find(b"\n")
                if cut >= 0 or not data:
                    break
                position += len(data)
                if part.stop is not None and position > part.stop:
                    return
            if not data:
                return
            position += cut
            data = data[cut + 1 :] or _read(file)
        else:
            data = _read(file)
        stop = part.size if part.stop is None else part.stop
        # `position` is now that of data[0]
        while data:
            end = position + len(data)
            if end >= stop:
                yield from _to_line_end(file, data, stop - position, most)
                return
            yield data
            position = end
            data = _read(file)


def _to_line_end(file: IO[bytes], data: bytes, room: int, most: int) -> Iterator[bytes]:
    """Yield data up to the end of the line that holds byte room-1; a line that starts at `room` belongs to the next part."""
    if room <= 0:
        return
    if data[room - 1 : room] == b"\n":
        yield data[:room]
        return
    over = 0
    cut = data.find(b"\n", room)
    while cut < 0 and data and over <= most + CHUNK:  # the first piece may hold other lines
        yield data
        over += len(data)
        data = _read(file)
        cut = data.find(b"\n")
    if cut >= 0:
        yield data[: cut + 1]


def lines(data: Iterator[bytes], most: int, newline: bytes = b"\n") -> Iterator[bytes | None]:
    """Yield lines without their newline, and None for one of more than `most` bytes, of which no more is ever held."""
    pending: list[bytes] = []
    held = 0
    for chunk in data:
        pieces = chunk.split(newline)
        if len(pieces) > 1:
            if held:
                held += len(pieces[0])
                pending.append(pieces[0])
                yield b"".join(pending) if held <= most else None
            else:
                yield pieces[0] if len(pieces[0]) <= most else None
            for piece in pieces[1:-1]:
                yield piece if len(piece) <= most else None
            pending, held = [], 0
        if last := pieces[-1]:
            held += len(last)
            pending = [*pending, last] if held <= most else []
    if held:
        yield b"".join(pending) if held <= most else None


class ChunkFile:
    """Give a stream of chunks the `read` of a file, for libraries that want one."""

    def __init__(self, data: Iterator[bytes]) -> None:
        self._data = data
        self._left = b""
        self._position = 0
        self.problem: BadInputError | None = None

    def tell(self) -> int:
        """Return how many bytes were read."""
        return self._position

    def read(self, size: int = -1) -> bytes:
        """Return up to `size` bytes; a stream that breaks ends there, and `problem` says why."""
        found = [self._left]
        have = len(self._left)
        while size < 0 or have < size:
            try:
                chunk = next(self._data, b"")
            except BadInputError as error:
                self.problem = error
                chunk = b""
            if not chunk:
                break
            found.append(chunk)
            have += len(chunk)
        whole = b"".join(found)
        if size < 0:
            size = len(whole)
        self._left = whole[size:]
        self._position += min(size, len(whole))
        return whole[:size]
