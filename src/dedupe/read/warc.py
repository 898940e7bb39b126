"""WARC archives of crawls: the HTML pages that servers answered with; all other records are counted."""

from __future__ import annotations

import io
from collections.abc import Iterator
from typing import Any, BinaryIO, cast

from dedupe.quantities import amount
from dedupe.read.html import add_page
from dedupe.read.jsonlines import line_limit
from dedupe.read.parts import FilePart, ReadBatch
from dedupe.read.reasons import BadInputError
from dedupe.read.rows import Rows
from dedupe.read.streams import ChunkFile, chunks

_ALONE = b"WARC/1.0\r\nWARC-Type: response\r\nContent-Type: application/http\r\nContent-Length: %d\r\n\r\n%s\r\n\r\n"
_CODINGS = ("Content-Encoding", "Transfer-Encoding")
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
    missing = ""
    try:
        for record in ArchiveIterator(cast(BinaryIO, source), parse_http=True):
            seen += 1
            missing = _add(record, out)
            if out.full:
                yield from out.take()
    except OSError as error:
        raise source.problem or BadInputError("unreadable", f"the archive is damaged ({error})") from error
    if source.problem:
        raise source.problem
    if missing:
        raise BadInputError("truncated", missing)
    if not seen:
        raise BadInputError("empty" if not part.size else "unreadable", "it holds no WARC records")


def _add(record: Any, out: Rows) -> str:
    """Add a record that is a page, count any other; say what is missing of it, as of the last one of an archive that was cut."""
    kind = str(record.record_type).rpartition(".")[2]
    page_type = (record.http_content_type or "").lower() if record.is_http else ""
    status = record.http_headers.status_code if record.http_headers is not None else None
    size: int = record.content_length
    if "Content-Length" not in record.headers:
        out.count(f"warc_other:{kind}")
        return "the last record breaks off in its header"
    taken = 0
    if kind != "response" or page_type not in _HTML_TYPES:
        out.count(f"warc_other:{page_type or kind}" if kind == "response" else f"warc_other:{kind}")
    elif status not in (200, None):
        out.count(f"warc_status:{status}")
    else:
        most = out.config.max_article_bytes
        coding = [(name, value) for name in _CODINGS if (value := record.http_headers.get(name))]
        limit = 1 + (line_limit(most) if coding else most)
        page = record.reader.read(limit)
        taken = len(page)
        if taken in (size, limit):
            out.numbered += 1
            _add_page(record, page, coding, out)
    taken += record.reader.consume()
    return f"the last record has {taken:,} of {amount(size, 'byte')}" if taken < size else ""


def _add_page(record: Any, page: bytes, coding: list[tuple[str, str]], out: Rows) -> None:
    most = out.config.max_article_bytes
    if coding and len(page) <= line_limit(most):
        try:
            page = _decoded(page, coding, most + 1)
        except OSError as error:
            out.reject(out.numbered, "unreadable", f"the page cannot be unpacked ({error})")
            return
    if len(page) > most:
        out.reject(out.numbered, "too_large", f"the page has over {most:,} bytes")
        return
    url = record.headers.get("WARC-Target-URI")
    extra = {"warc_date": record.headers.get("WARC-Date"), "warc_record_id": record.headers.get("WARC-Record-ID")}
    add_page(page, out.numbered, out, url=url, declared=record.http_charset, extra={k: v for k, v in extra.items() if v})


def _decoded(page: bytes, coding: list[tuple[str, str]], size: int) -> bytes:
    """Undo chunks and compression of one page by itself: done in the archive, one page that is damaged would end it."""
    from fastwarc.warc import ArchiveIterator

    block = b"HTTP/1.1 200 OK\r\n%s\r\n%s" % ("".join(f"{name}: {value}\r\n" for name, value in coding).encode(), page)
    alone = io.BytesIO(_ALONE % (len(block), block))
    return bytes(next(iter(ArchiveIterator(alone, parse_http=True, auto_decode="all"))).reader.read(size))
