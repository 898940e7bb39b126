"""Fuzz every reader with any bytes: `python -m fuzz.readers --seconds 600`."""

from __future__ import annotations

import io

import pyarrow as pa
import pyarrow.parquet as pq

from fuzz.formats import KINDS
from fuzz.running import run


def seeds() -> dict[str, bytes]:
    """Return an input of each format that is whole; the first two bytes choose the format and the packing."""
    texts = ["Some words.\nAnd more “of them”.", "東京で会議が開かれた。"]
    table = pa.table({"id": ["1", "2"], "text": texts, "title": ["One", None]})
    stream, file, parquet = pa.BufferOutputStream(), pa.BufferOutputStream(), io.BytesIO()
    with pa.ipc.new_stream(stream, table.schema) as writer:
        writer.write_table(table)
    with pa.ipc.new_file(file, table.schema) as writer:
        writer.write_table(table)
    pq.write_table(table, parquet)
    lines = b'{"id": 1, "text": "Some words.", "title": "One"}\n{"text": "More of them"}\n'
    arrow = file.getvalue().to_pybytes()
    whole = {
        "txt": b"Some words.\n\nAnd more.", "md": b"---\ntitle: One\ndate: 2024-01-02\n---\n# One\n\nSome words.", "jsonl": lines,
        "html": b"<html><head><title>One</title></head><body><article><p>Some words of it.</p></article></body></html>",
        "json": b'[{"text": "Some words.", "title": "One"}, {"text": "More"}]', "csv": b'id,text\n1,"Some, words"\n2,More\n',
        "tsv": b"id\ttext\n1\tSome words\n", "parquet": parquet.getvalue(), "arrow": arrow, "feather": arrow,
        "ipc": stream.getvalue().to_pybytes(),
    }  # fmt: skip
    return {kind: bytes([KINDS.index(kind), 0]) + data for kind, data in whole.items()}


if __name__ == "__main__":
    run("read_anything", seeds())
