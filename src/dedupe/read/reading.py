"""Read a shard: each part by the reader of its format, every failure as a row of rejects."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime
from importlib import import_module

import pyarrow as pa

from dedupe.config import Config
from dedupe.read.parts import FilePart, ReadBatch, Shard
from dedupe.read.reasons import BadInputError, is_panic
from dedupe.read.rows import Rows

Reader = Callable[[FilePart, Rows], Iterator[ReadBatch]]

# Modules are loaded when the first file of their format comes: a folder of text files needs no HTML parser.
_READERS = {
    "txt": ("text", "read_text"),
    "md": ("text", "read_text"),
    "html": ("html", "read_html"),
    "json": ("jsondocument", "read_json"),
    "jsonl": ("jsonlines", "read_json_lines"),
    "csv": ("delimited", "read_delimited"),
    "tsv": ("delimited", "read_delimited"),
    "parquet": ("parquet", "read_parquet"),
    "arrow": ("arrow", "read_arrow"),
    "warc": ("warc", "read_warc"),
}


def read(shard: Shard, config: Config, now: datetime | None = None) -> Iterator[ReadBatch]:
    """Yield the articles and rejects of a shard in input order, in batches of at most about 2,000 rows or 16 MB of text.

    Input is hostile: whatever is wrong with a file becomes a row of its rejects and the next file is read. `now` (default: the
    clock) only decides which dates are counted as future; it changes no row.
    """
    out = Rows(config, now)
    for position, part in enumerate(shard):
        out.begin(position, part)
        try:
            yield from reader_of(part.format)(part, out)
        except BadInputError as error:
            # A stream that broke off: the record after the last good one is what was lost.
            out.reject(out.numbered + 1 if out.numbered else 0, error.code, error.detail)
        except (OSError, pa.ArrowException, ValueError, RecursionError, OverflowError, MemoryError) as error:
            out.reject(0, "unreadable", f"{type(error).__name__}: {error}")
        except BaseException as error:
            if not is_panic(error):
                raise
            out.reject(0, "unreadable", "the parser of its format gave up on it")
        if out.full:
            yield from out.take()
    yield from out.take()


def reader_of(kind: str) -> Reader:
    """Return the reader of a format, loading its module."""
    module, name = _READERS[kind]
    reader: Reader = getattr(import_module(f"dedupe.read.{module}"), name)
    return reader
