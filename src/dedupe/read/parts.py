"""What reading hands on: parts of files, shards of parts, the plan of a run, batches of articles, and counts."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from dedupe.quantities import amount

if TYPE_CHECKING:
    import pyarrow as pa

# Measured on JSON lines of 5.9 KB: below 16 MB the start of a task weighs more than 1 %, above it the last task of a run waits.
PART_BYTES = 16 << 20
BATCH_ROWS = 2_000
BATCH_TEXT_BYTES = 16 << 20


@dataclass(frozen=True, slots=True)
class FilePart:
    """Name a stretch of one file that one task reads.

    `start` and `stop` are bytes for uncompressed JSON lines (a line belongs to the part in which it starts), rows for Parquet,
    record batches for Arrow; `stop` is None where the part goes to the end of the file. `size` and `mtime_ns` are those seen when
    the run was planned: a file that no longer has them is rejected instead of read half old and half new.
    """

    path: str
    source: str
    format: str
    compression: str | None
    start: int
    stop: int | None
    index: int
    size: int
    mtime_ns: int


Shard = tuple[FilePart, ...]


@dataclass(frozen=True, slots=True)
class Plan:
    """Hold what a run will read: shards in order of (source, part), and what it will not read, with reasons.

    The cut into shards depends on the files and on nothing else: never on workers, memory or order on disk.
    """

    shards: Sequence[Shard]
    rejects: pa.RecordBatch
    n_files: int
    n_bytes: int
    skipped: Mapping[str, int]

    def skipped_sentence(self) -> str:
        """Say in one sentence which files were passed over, most frequent kind first; empty where none was."""
        if not self.skipped:
            return ""
        total = sum(self.skipped.values())
        kinds = sorted(self.skipped.items(), key=lambda item: (-item[1], item[0]))
        named = ", ".join(f"{count:,} {kind}" for kind, count in kinds[:6])
        more = f" and {len(kinds) - 6} more kinds" if len(kinds) > 6 else ""
        return f"Skipped {amount(total, 'file that holds', 'files that hold')} no articles we can read: {named}{more}."


@dataclass(slots=True)
class ReadReport:
    """Count what reading assumed and which columns it took; reports of shards add up in any order.

    `events` counts by name (date_without_zone, charset_guessed:cp1252, ...); `columns` counts files by
    (format, "text <- body"), and holds 0 of what no file begins with.
    """

    events: Counter[str] = field(default_factory=Counter)
    columns: Counter[tuple[str, str]] = field(default_factory=Counter)

    def __add__(self, other: ReadReport) -> ReadReport:
        columns = Counter(self.columns)
        columns.update(other.columns)  # `+` would leave out what is 0
        return ReadReport(self.events + other.events, columns)


@dataclass(frozen=True, slots=True)
class ReadBatch:
    """Hold articles and rejects of one shard; `records` is always the rows of both together.

    `numbered` maps the position of a part in its shard to how far this batch moved its record numbers on. That can exceed
    `records` (blank JSON lines have a number and are no record). Numbers start from 1 in each part: see `record_offsets`.
    `raw_is_text`: each `raw_sha256` is that of the article's text, so that nobody need hash it again (4 µs an article).
    """

    articles: pa.RecordBatch
    rejects: pa.RecordBatch
    records: int
    numbered: Mapping[int, int]
    report: ReadReport
    raw_is_text: bool = False


def record_offsets(shards: Sequence[Shard], numbered: Sequence[int]) -> list[int]:
    """Return what must be added to the record numbers (above 0) of each shard so that they count through whole files.

    `numbered` holds, for each shard, the sum of `ReadBatch.numbered` over its batches. Only a file that was cut has an offset,
    and each of its parts is a shard of its own.
    """
    offsets = []
    running = 0
    for shard, count in zip(shards, numbered, strict=True):
        cut = len(shard) == 1
        if not cut or shard[0].index == 0:
            running = 0
        offsets.append(running)
        running = running + count if cut else 0
    return offsets
