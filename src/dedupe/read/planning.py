"""Plan what a run reads: files found, large ones cut, small ones grouped, all in one order."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

from dedupe.config import Config
from dedupe.errors import UsageError
from dedupe.read.columns import check_fields
from dedupe.read.discovery import discover, sources
from dedupe.read.parts import PART_BYTES, FilePart, Plan, Shard

MOST_FILES = 512
# The best extractor takes some 30 ms a page: 512 pages in one shard would be the last task of many a run.
_MOST_PAGES = 64
_PACKED_RATIO = 4
_MANY_PIECES = 4


def plan(paths: Sequence[str | Path], config: Config, part_bytes: int = PART_BYTES, spool: Path | None = None) -> Plan:
    """Find and cut the input of a run.

    `spool` is the folder for standard input and pipes. Raises UsageError where a path is not there, a field is not known, or
    nothing at all was found to read.
    """
    from dedupe.read.rows import reject_batch  # loads pyarrow: after the mistakes a user is told of at once

    check_fields(config.fields)
    if not paths:
        raise UsageError("No input was given.", "Give files, folders or patterns, or - for standard input.")
    finds = discover(paths, spool)
    names = list(sources(finds))
    wholes = [
        FilePart(f.path, name, f.format, f.compression, 0, None, 0, f.size, f.mtime_ns)
        for f, name in zip(finds.files, names, strict=False)
    ]
    failures = zip(names[len(wholes) :], (failure for _, _, failure in finds.failures), strict=True)
    rejects = [(name, 0, f.code, _sentence(f.code, f.detail)) for name, f in sorted(failures, key=lambda pair: pair[0])]
    wholes.sort(key=lambda part: part.source)
    made = Plan(
        shards=list(_shards(wholes, config, part_bytes)),
        rejects=reject_batch(rejects),
        n_files=len(wholes),
        n_bytes=sum(part.size for part in wholes),
        skipped=dict(sorted(finds.skipped.items())),
    )
    if not wholes and not rejects:
        shown = ", ".join(str(path) for path in paths[:3])
        seen = made.skipped_sentence() or "It holds no files at all."
        raise UsageError(
            f"There is nothing to read in {shown}. {seen}",
            "Files are known by .txt .md .html .json .jsonl .csv .tsv .parquet .arrow .warc, each also .gz .bz2 .xz .zst.",
        )
    return made


def _sentence(code: str, detail: str) -> str:
    from dedupe.read.reasons import sentence

    return sentence(code, detail)


def _shards(wholes: Sequence[FilePart], config: Config, part_bytes: int) -> Iterator[Shard]:
    """Yield each part of a cut file as a shard of its own, and runs of small files together."""
    group: list[FilePart] = []
    size = pages = 0
    for whole in wholes:
        parts = _cut(whole, part_bytes)
        page = whole.format == "html" and config.html == "best"
        fits = len(parts) == 1 and size + whole.size <= part_bytes and len(group) < MOST_FILES and pages + page <= _MOST_PAGES
        if group and not fits:
            yield tuple(group)
            group, size, pages = [], 0, 0
        if len(parts) > 1:
            yield from ((part,) for part in parts)
        else:
            group.append(parts[0])
            size += whole.size
            pages += page
    if group:
        yield tuple(group)


def _cut(whole: FilePart, part_bytes: int) -> list[FilePart]:
    packed = whole.format in ("parquet", "arrow")  # their columns unpack to several times the size of the file
    if whole.compression or whole.size * (_PACKED_RATIO if packed else 1) <= part_bytes:
        return [whole]
    if whole.format == "jsonl":
        from dedupe.read.jsonlines import can_be_cut

        if not can_be_cut(whole):
            return [whole]
        ranges = list(pairwise(_edges(whole.size, -(-whole.size // part_bytes))))
    elif whole.format == "parquet":
        ranges = _row_ranges(whole, part_bytes)
    elif whole.format == "arrow":
        from dedupe.read.arrow import batch_cuts

        ranges = batch_cuts(whole, part_bytes)
    else:
        return [whole]
    if len(ranges) < 2:
        return [whole]
    return [replace(whole, start=start, stop=stop, index=index) for index, (start, stop) in enumerate(ranges)]


def _edges(size: int, pieces: int) -> list[int]:
    # The last of many pieces is cut into a half and two quarters, which keep every worker busy to about the end of a stage: of
    # 16 equal ones the last took 0.3 s more of each.
    edges = [size * n // pieces for n in range(pieces + 1)]
    last = size - edges[-2]
    return [*edges[:-1], size - last // 2, size - last // 4, size] if pieces >= _MANY_PIECES else edges


def _row_ranges(whole: FilePart, part_bytes: int) -> list[tuple[int, int]]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    from dedupe.read.parquet import refuse_table_bomb, row_cuts
    from dedupe.read.reasons import BadInputError

    try:
        metadata = pq.read_metadata(whole.path)
        refuse_table_bomb(metadata, whole.size)
        return row_cuts(metadata, part_bytes)
    except (OSError, pa.ArrowException, ValueError, BadInputError):
        return []  # its reader says what is wrong with it
