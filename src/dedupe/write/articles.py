"""The two tables of articles, corpus.parquet and its canonical part, whose texts are compressed once for both.

Where the pages of a column chunk end lies with the writer. Here one ends also wherever an article that is canonical meets one
that is not, so that the pages of canonical texts are copied into canonical.parquet as they are. Texts are nine tenths of the
bytes, and every page is compressed for itself: with 2 % of duplicates among articles of 6 KB the two are 6 % larger for it, and
all tables are written in two thirds of the time.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from concurrent.futures import Executor, Future
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from dedupe.schema import CORPUS
from dedupe.write.pages import compress_pages, join_pages
from dedupe.write.parquet import COMPRESSION_LEVEL, OPTIONS, PAGE_BYTES, RowGroup, RowGroups, with_footer
from dedupe.write.splice import ChunkFile, Chunks, ColumnsOf, Earlier, Reused, compress

# Where the runs of canonical articles and those of duplicates hold fewer bytes of text than this in the mean, each table has its
# texts compressed for itself: at 29 KB the tables are 10 % larger for sharing, and the shorter the more so.
SHARED_PAGE_BYTES = 24 << 10

# So many row groups are held in memory, 50 MB each: beyond it writing to the file is what takes the time.
_MOST_AT_ONCE = 4

_TEXT = "text"

# Arrow wants the names of leaves. Of texts nobody asks the least and the greatest, and pages that are shared know neither.
_OPTIONS: dict[str, Any] = OPTIONS | {
    "write_statistics": [
        f"{field.name}.list.element" if pa.types.is_list(field.type) else field.name for field in CORPUS if field.name != _TEXT
    ]
}


def write_articles(
    folder: Path, batches: Iterable[pa.RecordBatch], facts: dict[str, Any], pool: Executor, threads: int, joined: Path | None
) -> dict[str, int]:
    """Write corpus.parquet, whose rows `batches` give, and canonical.parquet into a folder; return their numbers of rows.

    A row group of canonical.parquet holds what is canonical in one of corpus.parquet, so that an article that joins or leaves
    changes that group and none behind it. `pool` makes the groups, `threads` at a time. `joined`: an output that these articles
    have joined, of which unchanged chunks are copied.
    """
    schema = with_footer(CORPUS, facts)
    corpus, canonical = (_Table(folder, f"{name}.parquet", schema, joined) for name in ("corpus", "canonical"))
    making: deque[Future[tuple[_Made, _Made | None]]] = deque()

    def append() -> None:
        whole, part = making.popleft().result()
        corpus.append(whole)
        if part:
            canonical.append(part)

    numbers = 0, 0
    for group in RowGroups(schema).of(batches):
        chosen = group.columns(["is_canonical"])["is_canonical"]
        making.append(pool.submit(_make, group, chosen, corpus, canonical, *numbers))
        numbers = numbers[0] + 1, numbers[1] + bool(pc.any(chosen).as_py())
        if len(making) > min(threads, _MOST_AT_ONCE):
            append()
    while making:
        append()
    return {"corpus": corpus.close(), "canonical": canonical.close()}


class _Made(NamedTuple):
    rows: int
    chunks: Chunks


class _Table:
    # One of the two files, and what can be taken over into it.
    def __init__(self, folder: Path, name: str, schema: pa.Schema, joined: Path | None) -> None:
        self._file = ChunkFile(folder / name, schema, _OPTIONS)
        self._earlier = Earlier(Reused(joined / name, {_TEXT: "text_sha256"}), self._file) if joined else None

    def unchanged(self, number: int, rows: int, columns: ColumnsOf) -> set[str]:
        return self._earlier.unchanged(number, rows, columns) if self._earlier else set()

    def made(self, number: int, rows: int, columns: ColumnsOf, same: set[str], texts: Chunks) -> _Made:
        chunks = texts | (self._earlier.chunks(number, same) if self._earlier else {})
        fresh = [name for name in CORPUS.names if name not in chunks]
        return _Made(rows, chunks | (compress(columns(fresh), _OPTIONS) if fresh else {}))

    def append(self, made: _Made) -> None:
        self._file.append(made.chunks, made.rows)

    def close(self) -> int:
        if not self._file.rows:
            self._file.append(compress(self._file.schema.empty_table(), _OPTIONS), 0)
        self._file.close()
        if self._earlier:
            self._earlier.close()
        return self._file.rows


def _make(
    group: RowGroup, chosen: pa.ChunkedArray, corpus: _Table, canonical: _Table, number: int, canonical_number: int
) -> tuple[_Made, _Made | None]:
    # A row group of each table, if there is any canonical article.
    def part(names: list[str]) -> pa.Table:
        return group.columns(names).filter(chosen).combine_chunks()

    rows, kept = group.rows, int(pc.sum(chosen).as_py())
    same = corpus.unchanged(number, rows, group.columns)
    same_of_part = canonical.unchanged(canonical_number, kept, part) if kept else set()
    texts: Chunks = {}
    texts_of_part: Chunks = {}
    # Where both groups hold the articles they held, the same ones are canonical, and pages end where they ended.
    if not (_TEXT in same and (_TEXT in same_of_part if kept else "is_canonical" in same)):
        same, same_of_part = same - {_TEXT}, same_of_part - {_TEXT}
        texts, texts_of_part = _compress_texts(group.table([_TEXT])[_TEXT], chosen.to_numpy())
    whole = corpus.made(number, rows, group.columns, same, texts)
    return whole, canonical.made(canonical_number, kept, part, same_of_part, texts_of_part) if kept else None


def _compress_texts(texts: pa.ChunkedArray, chosen: np.ndarray) -> tuple[Chunks, Chunks]:
    # The chunk of all texts, and of the chosen ones; none where each is to be compressed for itself.
    sizes = pc.binary_length(texts).to_numpy()
    turns = np.concatenate([[True], chosen[1:] != chosen[:-1]])
    if texts.null_count or sizes.sum() < SHARED_PAGE_BYTES * np.count_nonzero(turns):
        return {}, {}
    before = np.cumsum(sizes) - sizes
    number = (before - before[np.maximum.accumulate(np.where(turns, np.arange(len(turns)), 0))]) // PAGE_BYTES
    starts = np.flatnonzero(turns | np.concatenate([[True], number[1:] != number[:-1]])).tolist()
    pages = compress_pages(texts, [*starts, len(sizes)], pa.Codec("zstd", COMPRESSION_LEVEL))
    kept = [page for page, start in zip(pages, starts, strict=True) if chosen[start]]
    return {_TEXT: join_pages(_TEXT, pages)}, {_TEXT: join_pages(_TEXT, kept)}
