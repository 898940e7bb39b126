"""Pages of a column of texts, each compressed once for every column chunk that it stands in.

A data page knows neither its file nor its place, so a column chunk is any pages of its column, one behind the other. Arrow's
writer cuts pages where it likes; these are cut where they are to be. They are data pages of version 1 in PLAIN encoding, which
every reader knows, byte for byte as Arrow writes them. Layout and numbers of fields: https://github.com/apache/parquet-format.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from dedupe.write.footer import (
    CODEC,
    COMPRESSED,
    DATA_PAGE,
    ENCODINGS,
    META,
    OFFSET,
    PAGE_ENCODINGS,
    PATH,
    SIZES,
    TYPE,
    UNCOMPRESSED,
    VALUES,
)
from dedupe.write.splice import Chunk
from dedupe.write.thrift import BINARY, I32, I64, LIST, STRUCT, encode, varint

_BYTE_ARRAY, _ZSTD, _DATA_PAGE, _PLAIN, _RLE = 6, 6, 0, 0, 3


class Page(NamedTuple):
    """Hold a page: how many texts, their bytes, the bytes of the page were it not compressed, and those to write."""

    rows: int
    text_bytes: int
    plain_bytes: int
    data: tuple[bytes, bytes]


def compress_pages(texts: pa.ChunkedArray, bounds: Sequence[int], codec: pa.Codec) -> list[Page]:
    """Return a page of the texts, none of them null, from each bound up to the next. `bounds`: rising, from 0 to their number."""
    lengths = pc.binary_length(texts).to_numpy().astype(np.int32)
    rows = np.diff(bounds)
    # Before each value stands its length, and before the first of a page that all of them are there.
    present = [_present(count) for count in rows.tolist()]
    heads = b"".join(head + lengths[begin:end].tobytes() for head, (begin, end) in zip(present, pairwise(bounds), strict=True))
    head_sizes = np.full(len(lengths), lengths.itemsize, np.int32)
    head_sizes[bounds[:-1]] += [len(head) for head in present]
    offsets = np.concatenate([[0], np.cumsum(head_sizes)]).astype(np.int32)
    column = pa.Array.from_buffers(pa.binary(), len(lengths), [None, pa.py_buffer(offsets), pa.py_buffer(heads)])
    values = pc.binary_join_element_wise(column, texts.cast(pa.binary()), b"")
    text_ends, ends = (np.concatenate([[0], np.cumsum(size, dtype=np.int64)]) for size in (lengths, lengths + head_sizes))
    bodies = _slices(values, ends[bounds])
    return [
        _page(count, size, body, codec)
        for count, size, body in zip(rows.tolist(), np.diff(text_ends[bounds]).tolist(), bodies, strict=True)
    ]


def join_pages(name: str, pages: Sequence[Page]) -> Chunk:
    """Return the column chunk of that name which consists of these pages."""
    rows = sum(page.rows for page in pages)
    used = {1: (I32, _DATA_PAGE), 2: (I32, _PLAIN), 3: (I32, len(pages))}
    text_bytes = sum(page.text_bytes for page in pages)
    meta = {
        TYPE: (I32, _BYTE_ARRAY),
        ENCODINGS: (LIST, (I32, [_RLE, _PLAIN])),
        PATH: (LIST, (BINARY, [name.encode()])),
        CODEC: (I32, _ZSTD),
        VALUES: (I64, rows),
        UNCOMPRESSED: (I64, sum(page.plain_bytes for page in pages)),
        COMPRESSED: (I64, sum(len(piece) for page in pages for piece in page.data)),
        DATA_PAGE: (I64, 0),
        PAGE_ENCODINGS: (LIST, (STRUCT, [used])),
        SIZES: (STRUCT, {1: (I64, text_bytes), 2: (LIST, (I64, [])), 3: (LIST, (I64, [0, rows]))}),
    }
    return Chunk({OFFSET: (I64, 0), META: (STRUCT, meta)}, [pa.py_buffer(piece) for page in pages for piece in page.data])


def _present(rows: int) -> bytes:
    # The definition levels of a page without nulls: one run of the level 1, behind the number of bytes that tell it.
    run = varint(rows << 1) + b"\1"
    return len(run).to_bytes(4, "little") + run


def _page(rows: int, text_bytes: int, body: pa.Buffer, codec: pa.Codec) -> Page:
    packed = codec.compress(body, asbytes=True)  # a buffer would keep the room that the worst case takes
    told = {1: (I32, rows), 2: (I32, _PLAIN), 3: (I32, _RLE), 4: (I32, _RLE), 5: (STRUCT, {})}
    head = encode({1: (I32, _DATA_PAGE), 2: (I32, body.size), 3: (I32, len(packed)), 5: (STRUCT, told)})
    return Page(rows, text_bytes, len(head) + body.size, (head, packed))


def _slices(values: pa.ChunkedArray, ends: np.ndarray) -> Iterator[pa.Buffer]:
    # The bytes of values between each two ends; few lie in more than one chunk.
    buffers = [chunk.buffers()[2] for chunk in values.chunks]
    starts = np.concatenate([[0], np.cumsum([buffer.size for buffer in buffers])])
    for begin, end in pairwise(ends.tolist()):
        first, last = np.searchsorted(starts, (begin, end - 1), side="right").tolist()
        parts = [
            buffers[at].slice(max(begin - starts[at], 0), min(end, starts[at + 1]) - max(begin, starts[at]))
            for at in range(first - 1, last)
        ]
        yield parts[0] if len(parts) == 1 else pa.py_buffer(b"".join(parts))
