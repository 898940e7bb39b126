"""Fixtures for readers: read paths as the engine does, and write the same articles in every format."""

from __future__ import annotations

import bz2
import csv
import gzip
import io
import json
import lzma
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import zstandard
from pyarrow import feather

from dedupe.config import Config
from dedupe.read import Plan, ReadReport, plan, read, record_offsets

NOW = datetime(2026, 1, 1, tzinfo=UTC)

BODIES = ["Erste Zeile, “quoted”.\nZweite Zeile.", 'He said "no", twice.', "東京で会議が開かれた。"]
TITLES = ["Grüße", "Second", "日本語"]
DATES = ["2025-04-03T10:00:00Z", "2025-04-04T00:30:00+02:00", "1999-12-31T23:59:59Z"]
ARTICLES = [
    {"id": f"a{n}", "title": title, "body": body, "pub_date": date, "section": section}
    for n, title, body, date, section in zip((1, 2, 3), TITLES, BODIES, DATES, ("news", "sport", "世界"), strict=True)
]


@dataclass
class Result:
    """Hold everything that reading gave, record numbers as the engine would write them."""

    rows: list[dict[str, Any]] = field(default_factory=list)
    rejects: list[dict[str, Any]] = field(default_factory=list)
    records: int = 0
    batches: int = 0
    report: ReadReport = field(default_factory=ReadReport)
    plan: Plan | None = None

    def codes(self) -> list[str]:
        return [reject["code"] for reject in self.rejects]


def read_paths(
    paths: Sequence[Path | str], config: Config | None = None, part_bytes: int = 16 << 20, spool: Path | None = None
) -> Result:
    config = config or Config()
    made = plan([str(path) for path in paths], config, part_bytes=part_bytes, spool=spool)
    result = Result(rejects=made.rejects.to_pylist(), plan=made)
    per_shard = [list(read(shard, config, NOW)) for shard in made.shards]
    numbered = [sum(sum(batch.numbered.values()) for batch in batches) for batches in per_shard]
    for batches, offset in zip(per_shard, record_offsets(made.shards, numbered), strict=True):
        for batch in batches:
            batch.articles.validate(full=True)
            batch.rejects.validate(full=True)
            assert batch.records == batch.articles.num_rows + batch.rejects.num_rows
            result.records += batch.records
            result.batches += 1
            result.report += batch.report
            for table, into in ((batch.articles, result.rows), (batch.rejects, result.rejects)):
                for row in table.to_pylist():
                    row["record"] += offset if row["record"] else 0
                    into.append(row)
    return result


@pytest.fixture
def read_all() -> Callable[..., Result]:
    return read_paths


def jsonl(articles: Sequence[Any]) -> bytes:
    return b"".join(json.dumps(article, ensure_ascii=False).encode() + b"\n" for article in articles)


def delimited(articles: Sequence[dict[str, Any]], delimiter: str) -> bytes:
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, list(articles[0]), delimiter=delimiter)
    writer.writeheader()
    writer.writerows(articles)
    return text.getvalue().encode()


def parquet(articles: Sequence[dict[str, Any]], **options: Any) -> bytes:
    sink = io.BytesIO()
    pq.write_table(pa.Table.from_pylist(list(articles)), sink, **options)
    return sink.getvalue()


def arrow_file(articles: Sequence[dict[str, Any]]) -> bytes:
    sink = io.BytesIO()
    feather.write_feather(pa.Table.from_pylist(list(articles)), sink, compression="uncompressed")
    return sink.getvalue()


def arrow_stream(articles: Sequence[dict[str, Any]]) -> bytes:
    table = pa.Table.from_pylist(list(articles))
    sink = io.BytesIO()
    with pa.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table)
    return sink.getvalue()


RECORD_FORMATS: dict[str, Callable[[Sequence[dict[str, Any]]], bytes]] = {
    "jsonl": jsonl,
    "ndjson": jsonl,
    "json": lambda articles: json.dumps(articles).encode(),
    "csv": lambda articles: delimited(articles, ","),
    "tsv": lambda articles: delimited(articles, "\t"),
    "parquet": parquet,
    "arrow": arrow_file,
    "feather": arrow_file,
    "ipc": arrow_stream,
}

COMPRESSORS: dict[str, Callable[[bytes], bytes]] = {
    "": lambda data: data,
    ".gz": gzip.compress,
    ".bz2": bz2.compress,
    ".xz": lzma.compress,
    ".zst": lambda data: zstandard.ZstdCompressor(write_checksum=True).compress(data),
}
