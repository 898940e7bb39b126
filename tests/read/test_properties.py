"""Properties of all readers on arbitrary bytes: nothing is lost, nothing raises, cuts change nothing."""

from __future__ import annotations

import tempfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dedupe.config import Config
from dedupe.read.formats import FORMATS

from .conftest import ARTICLES, COMPRESSORS, RECORD_FORMATS, jsonl, read_paths

KINDS = sorted({kind.removeprefix(".") for kind in FORMATS} - {"warc"})
RELAXED = settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])

PIECES = [
    *(b'{"text": "a"}', b'{"text":', b'"', b"[", b"]", b"}", b",", b"\n", b"\r", b"\\", b"text,id\n", b"\xff", b"\0", b"<p>"),
    *(b"ARROW1\0\0", b"PAR1", b"\xff\xff\xff\xff\x10\0\0\0", b"---\n", b"title: x\n", b"\xef\xbb\xbf", b"\xff\xfe"),
]
hostile = st.one_of(st.binary(max_size=400), st.lists(st.sampled_from(PIECES), max_size=30).map(b"".join))


def read_bytes(name: str, data: bytes, part_bytes: int = 16 << 20):
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / name).write_bytes(data)
        return read_paths([folder], Config(html="fast"), part_bytes=part_bytes)


@pytest.mark.parametrize("kind", KINDS)
@RELAXED
@given(data=hostile)
def test_in_is_rows_and_rejects_on_arbitrary_bytes(kind, data):
    got = read_bytes(f"a.{kind}", data)
    assert got.records == len(got.rows) + len(got.rejects)
    if data.strip():
        assert got.records or kind in ("jsonl", "jsonlines", "ndjson")


@pytest.mark.parametrize("packing", [p for p in COMPRESSORS if p])
@RELAXED
@given(cut=st.integers(0, 400), flip=st.integers(0, 400), value=st.integers(1, 255))
def test_damaged_archives_never_raise(packing, cut, flip, value):
    data = bytearray(COMPRESSORS[packing](jsonl(ARTICLES)))
    data[flip % len(data)] ^= value
    got = read_bytes(f"a.jsonl{packing}", bytes(data[: len(data) - cut % len(data)]))
    assert got.records == len(got.rows) + len(got.rejects)


@pytest.mark.parametrize("kind", ["parquet", "arrow", "ipc"])
@RELAXED
@given(flips=st.lists(st.tuples(st.integers(0, 10_000), st.integers(1, 255)), min_size=1, max_size=4))
def test_damaged_tables_never_raise(kind, flips):
    data = bytearray(RECORD_FORMATS[kind](ARTICLES))
    for place, value in flips:
        data[place % len(data)] ^= value
    got = read_bytes(f"a.{kind}", bytes(data))
    assert got.records == len(got.rows) + len(got.rejects)


lines = st.lists(
    st.one_of(
        st.just(b""),
        st.binary(max_size=30).map(lambda b: b.replace(b"\n", b"")),
        st.text(st.characters(exclude_characters="\n", codec="utf-8"), max_size=30).map(lambda t: jsonl([{"text": t}])[:-1]),
    ),
    max_size=20,
)


@RELAXED
@given(lines=lines, ends=st.booleans(), part_bytes=st.integers(1, 60))
def test_cuts_of_json_lines_change_nothing(lines, ends, part_bytes):
    data = b"\n".join(lines) + (b"\n" if ends else b"")
    whole, cut = read_bytes("a.jsonl", data), read_bytes("a.jsonl", data, part_bytes)
    assert cut.rows == whole.rows
    assert cut.rejects == whole.rejects
    assert cut.records == whole.records


@pytest.mark.parametrize("kind", ["parquet", "arrow", "jsonl"])
@pytest.mark.parametrize("part_bytes", [1, 50, 333, 4000])
def test_cuts_of_every_format_change_nothing(kind, part_bytes):
    articles = [{"text": f"text {n}" * (n % 7), "id": f"i{n}"} for n in range(60)]
    data = RECORD_FORMATS[kind](articles)
    whole, cut = read_bytes(f"a.{kind}", data), read_bytes(f"a.{kind}", data, part_bytes)
    assert cut.rows == whole.rows
    assert cut.rejects == whole.rejects
    assert len(cut.rejects) == 9


records = st.lists(
    st.fixed_dictionaries(
        {"text": st.one_of(st.none(), st.text(max_size=20)), "title": st.one_of(st.none(), st.text(max_size=8))},
    ),
    min_size=1,
    max_size=8,
)


@RELAXED
@given(articles=records)
def test_json_and_parquet_give_the_same_rows(articles):
    import pyarrow as pa

    schema = pa.schema([("text", pa.string()), ("title", pa.string())])
    table = pa.Table.from_pylist(articles, schema)
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, schema) as writer:
        writer.write_table(table)
    first, second = read_bytes("a.jsonl", jsonl(articles)), read_bytes("a.ipc", sink.getvalue().to_pybytes())
    assert [(r["record"], r["text"], r["title"], r["raw_sha256"]) for r in first.rows] == [
        (r["record"], r["text"], r["title"], r["raw_sha256"]) for r in second.rows
    ]
    assert first.codes() == second.codes()
