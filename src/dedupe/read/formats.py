"""Which format and which compression a file has: by its name, else by its first bytes."""

from __future__ import annotations

import os
import re

FORMATS: dict[str, str] = {
    ".txt": "txt", ".text": "txt",
    ".md": "md", ".markdown": "md",
    ".html": "html", ".htm": "html", ".xhtml": "html",
    ".json": "json",
    ".jsonl": "jsonl", ".ndjson": "jsonl", ".jsonlines": "jsonl",
    ".csv": "csv", ".tsv": "tsv", ".tab": "tsv",
    ".parquet": "parquet", ".pq": "parquet",
    ".arrow": "arrow", ".arrows": "arrow", ".feather": "arrow", ".ipc": "arrow",
    ".warc": "warc",
}  # fmt: skip

COMPRESSIONS: dict[str, str] = {
    ".gz": "gzip", ".gzip": "gzip", ".bz2": "bzip2", ".xz": "xz", ".lzma": "xz", ".zst": "zstd", ".zstd": "zstd",
}  # fmt: skip

COMPRESSION_MAGIC: tuple[tuple[bytes, str], ...] = (
    (b"\x1f\x8b", "gzip"),
    (b"BZh", "bzip2"),
    (b"\xfd7zXZ\x00", "xz"),
    (b"\x28\xb5\x2f\xfd", "zstd"),
)

# Enough to see the end of a first record of most files, so that JSON lines can be told from one JSON document.
SNIFF_BYTES = 64 << 10

_HTML = re.compile(rb"\s*(?:<\?xml[^>]*>\s*)?(?:<!--.*?-->\s*)*<(?:!doctype\s+html|html|head|body|div|p|article)\b", re.I | re.S)


def by_name(name: str) -> tuple[str, str | None] | None:
    """Return (format, compression) as the extensions say, or None where they say nothing."""
    stem, extension = os.path.splitext(name.lower())
    compression = COMPRESSIONS.get(extension)
    if compression:
        extension = os.path.splitext(stem)[1]
    kind = FORMATS.get(extension)
    return (kind, compression) if kind else None


def kind_of(name: str) -> str:
    """Name the kind of a file we do not read, for the summary: its extension, as people write it."""
    return os.path.splitext(name.lower())[1] or "without extension"


def compression_of(head: bytes) -> str | None:
    """Return the compression that the first bytes of a file tell of."""
    return next((name for magic, name in COMPRESSION_MAGIC if head.startswith(magic)), None)


def by_content(head: bytes) -> str:
    """Return the format of decompressed first bytes; `txt` where nothing else fits, and its reader refuses binary data."""
    if head.startswith(b"PAR1"):
        return "parquet"
    if head.startswith((b"ARROW1", b"\xff\xff\xff\xff")):
        return "arrow"
    if head.startswith(b"WARC/"):
        return "warc"
    bare = head.removeprefix(b"\xef\xbb\xbf").lstrip()
    if _HTML.match(bare):
        return "html"
    first, newline, rest = bare.partition(b"\n")
    if bare[:1] in (b"{", b"["):
        return "jsonl" if bare[:1] == b"{" and newline and _is_json(first) and rest[:1] in (b"{", b"") else "json"
    return _delimited(first) or "txt"


def _is_json(line: bytes) -> bool:
    import orjson

    try:
        orjson.loads(line)
    except ValueError:
        return False
    return True


def _delimited(first: bytes) -> str | None:
    from dedupe.read.columns import TEXT_NAMES, fold

    for delimiter, kind in ((b"\t", "tsv"), (b",", "csv"), (b";", "csv")):
        cells = first.split(delimiter)
        if len(cells) > 1 and any(fold(cell.strip(b'" \r').decode("utf-8", "replace")) in TEXT_NAMES for cell in cells):
            return kind
    return None
