"""WARC archives of crawls: the HTML pages that servers answered with; all other records are counted."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, BinaryIO, cast

from dedupe.read.html import add_page
from dedupe.read.parts import FilePart, ReadBatch
from dedupe.read.reasons import BadInputError
from dedupe.read.rows import Rows
from dedupe.read.streams import ChunkFile, chunks

_HTML_TYPES = ("text/html", "application/xhtml+xml")


def read_warc(part: FilePart, out: Rows) -> Iterator[ReadBatch]:
    """Read the HTML responses of an archive, each as one article. Raises BadInputError."""
    try:
        from fastwarc.warc import ArchiveIterator
    except ImportError as error:
        message = "WARC archives need one more package: pip install 'article-dedupe[warc]'"
        raise BadInputError("unreadable", message) from error
    source = ChunkFile(chunks(part))
    seen = 0
    for record in ArchiveIterator(cast(BinaryIO, source), parse_http=True, auto_decode="all"):
        seen += 1
        kind = str(record.record_type).rpartition(".")[2]
        page_type = (record.http_content_type or "").lower() if record.is_http else ""
        if kind != "response" or page_type not in _HTML_TYPES:
            out.count(f"warc_other:{page_type or kind}" if kind == "response" else f"warc_other:{kind}")
            continue
        if record.http_headers is not None and record.http_headers.status_code not in (200, None):
            out.count(f"warc_status:{record.http_headers.status_code}")
            continue
        out.numbered += 1
        _add(record, out)
        if out.full:
            yield from out.take()
    if source.problem:
        raise source.problem
    if not seen:
        raise BadInputError("empty" if not part.size else "unreadable", "it holds no WARC records")


def _add(record: Any, out: Rows) -> None:
    most = out.config.max_article_bytes
    page = record.reader.read(most + 1)
    if len(page) > most:
        out.reject(out.numbered, "too_large", f"the page has over {most:,} bytes")
        return
    url = record.headers.get("WARC-Target-URI")
    extra = {"warc_date": record.headers.get("WARC-Date"), "warc_record_id": record.headers.get("WARC-Record-ID")}
    add_page(page, out.numbered, out, url=url, declared=record.http_charset, extra={k: v for k, v in extra.items() if v})
