"""Every format and compression gives the same golden rows."""

from __future__ import annotations

import gzip
import hashlib
import io
import json
from datetime import UTC, datetime

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from dedupe import schema
from dedupe.config import Config

from .conftest import ARTICLES, COMPRESSORS, RECORD_FORMATS, jsonl, parquet, read_paths

PAGE = (
    '<html><head><meta charset="utf-8"><title>Mayor opens bridge - The Example</title>'
    '<meta property="og:title" content="Mayor opens bridge"><meta property="og:site_name" content="The Example">'
    '<meta name="author" content="Ann Writer"><meta property="article:published_time" content="2025-04-03T10:00:00+02:00">'
    '<link rel="canonical" href="https://example.org/bridge"></head><body><nav><a href="/">Home</a></nav><article>'
    "<h1>Mayor opens bridge</h1>"
    + "".join(
        f"<p>Paragraph {n} tells at some length what the mayor said about the new bridge over the river.</p>" for n in range(8)
    )
    + "</article><footer>All rights reserved</footer></body></html>"
)


@pytest.mark.parametrize("packing", COMPRESSORS)
@pytest.mark.parametrize("kind", RECORD_FORMATS)
def test_record_formats_give_the_same_rows(tmp_path, kind, packing):
    path = tmp_path / f"news.{kind}{packing}"
    path.write_bytes(COMPRESSORS[packing](RECORD_FORMATS[kind](ARTICLES)))
    got = read_paths([path])
    assert got.rejects == []
    assert [row["record"] for row in got.rows] == [1, 2, 3]
    for row, article in zip(got.rows, ARTICLES, strict=True):
        assert row["source"] == path.name
        assert row["text"] == article["body"]
        assert row["raw_sha256"] == hashlib.sha256(article["body"].encode()).hexdigest()
        assert (row["input_id"], row["title"]) == (article["id"], article["title"])
        assert row["published_at"] == datetime.fromisoformat(article["pub_date"]).astimezone(UTC)
        assert json.loads(row["extra"]) == {"section": article["section"]}
        assert row["url"] is row["author"] is row["publisher"] is None
    named = {line for (_, line) in got.report.columns}
    assert {"text <- body", "published_at <- pub_date", "input_id <- id"} <= named
    assert set(got.report.columns.values()) == {1}


@pytest.mark.parametrize("packing", COMPRESSORS)
@pytest.mark.parametrize("kind", ["txt", "md"])
def test_a_text_file_is_one_article_as_it_is(tmp_path, kind, packing):
    text = " \n date 2025-04-03 Text\r\nwith NUL \0 and lone \r, e\u0301.\n\n"
    (tmp_path / f"a.{kind}{packing}").write_bytes(COMPRESSORS[packing](text.encode()))
    got = read_paths([tmp_path])
    assert [(row["text"], row["record"], row["extra"]) for row in got.rows] == [(text, 1, None)]


@pytest.mark.parametrize("how", ["best", "fast"])
@pytest.mark.parametrize("packing", COMPRESSORS)
def test_a_page_gives_its_body_and_facts(tmp_path, packing, how):
    (tmp_path / f"a.html{packing}").write_bytes(COMPRESSORS[packing](PAGE.encode()))
    [row] = read_paths([tmp_path], Config(html=how)).rows
    assert row["text"].startswith("Paragraph 0 tells")
    assert row["text"].count("Paragraph") == 8
    assert "Home" not in row["text"]
    assert "rights reserved" not in row["text"]
    assert (row["title"], row["author"], row["publisher"]) == ("Mayor opens bridge", "Ann Writer", "The Example")
    assert row["published_at"] == datetime(2025, 4, 3, 8, tzinfo=UTC)
    assert row["url"] == "https://example.org/bridge"
    assert row["raw_sha256"] == hashlib.sha256(PAGE.encode()).hexdigest()


def warc_record(kind: str, body: bytes, http: bytes) -> bytes:
    block = http + b"\r\n\r\n" + body if http else body
    kind_type = b"application/http; msgtype=response" if http else b"application/warc-fields"
    return (
        b"WARC/1.0\r\nWARC-Type: %s\r\nWARC-Record-ID: <urn:uuid:%032d>\r\nWARC-Date: 2025-04-03T10:00:00Z\r\n"
        b"WARC-Target-URI: https://example.org/x\r\nContent-Type: %s\r\nContent-Length: %d\r\n\r\n%s\r\n\r\n"
        % (kind.encode(), len(body), kind_type, len(block), block)
    )


HTML_ANSWER = b"HTTP/1.1 200 OK\r\nContent-Type: text/html; charset=utf-8"


def chunked(body: bytes) -> bytes:
    return b"".join(b"%x\r\n%s\r\n" % (len(body[n : n + 99]), body[n : n + 99]) for n in range(0, len(body), 99)) + b"0\r\n\r\n"


PAGE_RECORDS = {
    "plain": warc_record("response", PAGE.encode(), HTML_ANSWER),
    "gzip": warc_record("response", gzip.compress(PAGE.encode()), HTML_ANSWER + b"\r\nContent-Encoding: gzip"),
    "chunked": warc_record("response", chunked(PAGE.encode()), HTML_ANSWER + b"\r\nTransfer-Encoding: chunked"),
    "both": warc_record(
        "response",
        chunked(gzip.compress(PAGE.encode())),
        HTML_ANSWER + b"\r\ntransfer-encoding: chunked\r\ncontent-encoding: gzip",
    ),
}


@pytest.mark.parametrize("coding", PAGE_RECORDS)
@pytest.mark.parametrize("packing", ["", ".gz", ".zst"])
def test_a_cut_warc_keeps_the_pages_before_and_no_half_of_one(tmp_path, packing, coding):
    pytest.importorskip("fastwarc")
    record = PAGE_RECORDS[coding]
    ends = [5, 6, 100, len(record) // 2, len(record) - 300, len(record) - 150, len(record) - 20]
    for name, after in (
        ("page", record),
        ("image", warc_record("response", b"\x89PNG" * 999, b"HTTP/1.1 200 OK\r\nContent-Type: image/png")),
    ):
        for cut in ends if name == "page" else [5, 900]:
            (tmp_path / f"a.warc{packing}").write_bytes(COMPRESSORS[packing](record * 2 + after[:-cut]))
            got = read_paths([tmp_path])
            assert [row["text"].count("Paragraph") for row in got.rows] == [8, 8]
            assert [(r["record"], r["code"]) for r in got.rejects] == [(3, "truncated")], cut
    for cut in (0, 1, 4):  # what is missing stands behind the last page
        (tmp_path / f"a.warc{packing}").write_bytes(COMPRESSORS[packing]((record * 2)[: 2 * len(record) - cut]))
        got = read_paths([tmp_path])
        assert (len(got.rows), got.rejects) == (2, [])


@pytest.mark.parametrize("coding", ["gzip", "chunked", "both"])
def test_a_page_that_cannot_be_unpacked_costs_its_archive_nothing(tmp_path, coding):
    pytest.importorskip("fastwarc")
    bad = PAGE_RECORDS[coding].replace(b"\x1f\x8b", b"\0\0").replace(b"\r\n\r\n63\r\n", b"\r\n\r\nzz\r\n")
    (tmp_path / "a.warc").write_bytes(PAGE_RECORDS["plain"] + bad + PAGE_RECORDS[coding])
    got = read_paths([tmp_path])
    assert [row["record"] for row in got.rows] == [1, 3]
    assert [(r["record"], r["code"]) for r in got.rejects] == [(2, "unreadable")]


@pytest.mark.parametrize("coding", PAGE_RECORDS)
def test_a_page_of_an_archive_over_the_limit(tmp_path, coding):
    pytest.importorskip("fastwarc")
    (tmp_path / "a.warc").write_bytes(PAGE_RECORDS[coding] * 2)
    got = read_paths([tmp_path], Config(max_article_bytes=len(PAGE) - 1))
    assert [(r["record"], r["code"]) for r in got.rejects] == [(1, "too_large"), (2, "too_large")]
    assert len(read_paths([tmp_path], Config(max_article_bytes=len(PAGE))).rows) == 2


@pytest.mark.parametrize("packing", ["", ".gz"])
def test_a_warc_gives_its_html_responses(tmp_path, packing):
    pytest.importorskip("fastwarc")

    html = b"HTTP/1.1 200 OK\r\nContent-Type: text/html; charset=windows-1252"
    page = PAGE.replace('<meta charset="utf-8">', "").replace("the mayor said", "the mayor said – “yes”").encode("cp1252")
    records = [
        warc_record("warcinfo", b"software: x\r\n", b""),
        warc_record("response", page, html),
        warc_record("response", b"\x89PNG", b"HTTP/1.1 200 OK\r\nContent-Type: image/png"),
        warc_record("response", b"<html><body></body></html>", html),
    ]
    pack = COMPRESSORS[packing]
    (tmp_path / f"crawl.warc{packing}").write_bytes(b"".join(pack(r) for r in records))
    got = read_paths([tmp_path])
    assert [row["url"] for row in got.rows] == ["https://example.org/x"]
    assert "– “yes”" in got.rows[0]["text"]
    assert json.loads(got.rows[0]["extra"])["decoded_as"] == "cp1252"
    assert got.codes() == ["empty"]
    assert got.report.events["warc_other:image/png"] == 1
    assert got.report.events["warc_other:warcinfo"] == 1


def test_the_batch_schema_is_the_contract(tmp_path):
    from dedupe.read import plan, read

    for name, data in (("a.jsonl", jsonl(ARTICLES)), ("b.parquet", parquet(ARTICLES)), ("c.txt", b"text")):
        (tmp_path / name).write_bytes(data)
    made = plan([str(tmp_path)], Config())
    for shard in made.shards:
        for batch in read(shard, Config()):
            assert batch.articles.schema.equals(schema.ARTICLES)
            assert batch.rejects.schema.equals(schema.REJECTS)


def test_front_matter_gives_fields_and_is_not_text(tmp_path):
    front = '---\ntitle: "On bridges: a view"\ndate: 2025-04-03T10:00:00Z\nauthor: Ann\ntags:\n  - a\n---\n'
    (tmp_path / "a.md").write_text(front + "# Body\n\n---\nrest\n")
    (tmp_path / "b.md").write_text("---\n\nA text that starts with a rule.\n\n---\nmore\n")
    first, second = read_paths([tmp_path]).rows
    assert first["text"] == "# Body\n\n---\nrest\n"
    assert (first["title"], first["author"], first["published_at"].year) == ("On bridges: a view", "Ann", 2025)
    assert "tags:" in json.loads(first["extra"])["front_matter"]
    assert second["text"].startswith("---\n")


@pytest.mark.parametrize(
    "document",
    [
        {"status": "ok", "articles": ARTICLES},
        {"response": {"total": 3, "docs": ARTICLES}},
        ARTICLES,
        {"news": ARTICLES[:1], "sport": ARTICLES[1:]},
        {"top": ARTICLES[0], "data": {"news": ARTICLES[1:2], "empty": [], "sport": ARTICLES[2:]}},
        {"sections": [{"title": "News", "articles": ARTICLES[:2]}, {"title": "Sport", "articles": ARTICLES[2:]}]},
        {article["id"]: article for article in ARTICLES},
        {"hits": {"hits": [{"_id": 7, "_source": article} for article in ARTICLES]}},
        [{"articles": ARTICLES[:2]}, ARTICLES[2:]],
        [{"articles": ARTICLES[:2]}, ARTICLES[2]],
    ],
)
@pytest.mark.parametrize("whole_bytes", [64 << 20, 10])
def test_json_documents_of_every_shape(tmp_path, document, whole_bytes, monkeypatch):
    from dedupe.read import jsondocument

    monkeypatch.setattr(jsondocument, "WHOLE_BYTES", whole_bytes)
    (tmp_path / "a.json").write_text(json.dumps(document, indent=2))
    got = read_paths([tmp_path])
    assert [row["input_id"] for row in got.rows] == ["a1", "a2", "a3"]
    assert got.rejects == []


def test_every_record_of_an_envelope_is_a_row_or_a_reject(tmp_path):
    document = {"news": [{"headline": "no text"}, *ARTICLES[:1], {"text": None}, 5], "sport": [{"text": ""}, *ARTICLES[1:]]}
    (tmp_path / "a.json").write_text(json.dumps(document))
    got = read_paths([tmp_path])
    assert [(row["record"], row["input_id"]) for row in got.rows] == [(2, "a1"), (6, "a2"), (7, "a3")]
    assert [(r["record"], r["code"]) for r in got.rejects] == [(1, "empty"), (3, "empty"), (4, "wrong_type"), (5, "empty")]


def test_lists_beside_the_articles_are_counted_and_no_rejects(tmp_path):
    authors = [{"name": name, "bio": "She has written for us about ships, " * 20} for name in "abc"]
    related = [{"title": "Read next", "link": "https://example.org", "teaser": "What the mayor said."}]
    document = {"authors": authors, "articles": ARTICLES, "related": related, "tags": ["x"], "meta": {"page": 1}}
    (tmp_path / "a.json").write_text(json.dumps(document))
    got = read_paths([tmp_path])
    assert (len(got.rows), got.rejects) == (3, [])
    assert (got.report.events["json_envelope"], got.report.events["json_without_text"]) == (1, 4)


def test_a_list_of_articles_whose_text_has_a_name_we_do_not_know_is_rejects(tmp_path):
    unnamed = [{"title": "T", "inhalt": "What the mayor said of the bridge. " * 20}, {"title": "U", "inhalt": "Short."}]
    (tmp_path / "a.json").write_text(json.dumps({"news": ARTICLES, "sport": unnamed}))
    got = read_paths([tmp_path])
    assert (len(got.rows), got.codes()) == (3, ["empty"] * 2)
    assert "--field text=" in got.rejects[0]["sentence"]


@pytest.mark.parametrize("part", [{"content": "one paragraph"}, {"id": 1, "author": "B", "text": "a comment"}])
def test_an_article_of_unknown_shape_is_one_reject_and_its_parts_are_no_articles(tmp_path, part):
    article = {"title": "T", "inhalt": "the text", "parts": [part, part]}
    (tmp_path / "a.json").write_text(json.dumps(article))
    (tmp_path / "b.json").write_text(json.dumps({"articles": [article, *ARTICLES]}))
    (tmp_path / "c.json").write_text(json.dumps({"news": ARTICLES, "sport": [article]}))
    got = read_paths([tmp_path])
    assert [row["source"] for row in got.rows] == ["b.json"] * 3 + ["c.json"] * 3
    assert [(r["path"], r["record"], r["code"]) for r in got.rejects] == [
        ("a.json", 1, "empty"), ("b.json", 1, "empty"), ("c.json", 4, "empty"),
    ]  # fmt: skip
    assert {row["text"] for row in read_paths([tmp_path], Config(fields={"text": "inhalt"})).rows} == {"the text"}


@pytest.mark.parametrize("joint", ["", "\n", "\n\n", ","])
def test_concatenated_json_objects(tmp_path, joint):
    (tmp_path / "a.json").write_text(joint.join(json.dumps(article, indent=1) for article in ARTICLES))
    got = read_paths([tmp_path])
    assert [row["input_id"] for row in got.rows] == ["a1", "a2", "a3"]
    assert got.rejects == []


def test_a_damaged_array_keeps_what_stands_before(tmp_path):
    (tmp_path / "a.json").write_text(json.dumps(ARTICLES)[:-40])
    got = read_paths([tmp_path])
    assert [row["input_id"] for row in got.rows] == ["a1", "a2"]
    assert got.codes() == ["malformed"]


def test_a_large_array_is_read_value_by_value(tmp_path, monkeypatch):
    from dedupe.read import jsondocument, streams

    many = [{"id": str(n), "text": f'Escaped \\" quote {{[ and \\\\ number {n}'} for n in range(50)]
    (tmp_path / "a.json").write_text(json.dumps(many))
    whole = read_paths([tmp_path]).rows
    monkeypatch.setattr(jsondocument, "WHOLE_BYTES", 10)
    for chunk in (1, 2, 3, 7, 64):
        monkeypatch.setattr(streams._read, "__defaults__", (chunk,))
        assert read_paths([tmp_path]).rows == whole


def test_unusual_json_numbers_and_strings_are_kept_as_valid_unicode(tmp_path):
    lines = [
        r'{"text": "pair \ud83d\ude00 lone \ud800 end", "n": NaN, "deep": {"b": [1, {"a": null}], "a": 2}}',
        '{"text": "first", "text": "second"}',
        '{"text": "big", "id": 123456789012345678901234567890}',
        '{"text": "id is a number", "id": 7, "author": ["A", "B"], "source": {"name": "Site", "id": null}}',
    ]
    (tmp_path / "a.jsonl").write_text("\n".join(lines))
    got = read_paths([tmp_path])
    first, second, third, fourth = got.rows
    assert first["text"] == "pair 😀 lone \ufffd end"
    extra = json.loads(first["extra"])
    assert extra == {"lone_surrogates_replaced": 1, "n": "nan", "deep": {"a": 2, "b": [1, {"a": None}]}}
    assert first["extra"].index('"deep"') < first["extra"].index('"n"')
    assert got.report.events["lone_surrogate"] == 1
    assert second["text"] == "second"
    assert third["input_id"] == "123456789012345678901234567890"
    assert (fourth["input_id"], fourth["author"], fourth["publisher"]) == ("7", "A, B", "Site")
    assert json.loads(fourth["extra"]) == {"author": ["A", "B"], "source": {"id": None, "name": "Site"}}


def test_columns_are_found_in_any_case_and_overridden(tmp_path):
    (tmp_path / "a.jsonl").write_bytes(
        jsonl([{"BODY": "the body", "Text": "the text", "Pub-Date": "2025-04-03T00:00Z", "Link": "u"}])
    )
    [row] = read_paths([tmp_path]).rows
    assert (row["text"], row["url"], row["published_at"].day) == ("the text", "u", 3)
    assert json.loads(row["extra"]) == {"BODY": "the body"}
    [row] = read_paths([tmp_path], Config(fields={"text": "body"})).rows
    assert row["text"] == "the body"
    assert json.loads(row["extra"])["Text"] == "the text"


@pytest.mark.parametrize("kind", ["jsonl", "parquet", "csv"])
def test_where_the_first_text_column_is_blank_the_next_one_is_taken(tmp_path, kind):
    articles = [{"text": " ", "content": "the content"}, {"text": "the text", "content": "other"}]
    (tmp_path / f"a.{kind}").write_bytes(RECORD_FORMATS[kind](articles))
    got = read_paths([tmp_path])
    assert [row["text"] for row in got.rows] == ["the content", "the text"]
    assert json.loads(got.rows[1]["extra"]) == {"content": "other"}


@pytest.mark.parametrize("header", ["title,text", "title;text", "title|text", '"title","text"', "\ufefftitle,text"])
def test_csv_dialects(tmp_path, header):
    delimiter = next(d for d in ",;|" if d in header)
    (tmp_path / "a.csv").write_text(f'{header}\nA{delimiter}"one, two; three\nfour ""five"""\n\nB{delimiter}six\n', newline="")
    got = read_paths([tmp_path])
    assert [(row["title"], row["text"]) for row in got.rows] == [("A", 'one, two; three\nfour "five"'), ("B", "six")]
    assert got.rejects == []


def test_ragged_and_sloppy_csv_rows(tmp_path):
    lines = ["id,text", "1,good", "2,too,many", "3", '4,"closed" and more', "5,trailing,", '6,"never closed']
    (tmp_path / "a.csv").write_text("\n".join(lines))
    got = read_paths([tmp_path])
    assert [row["input_id"] for row in got.rows] == ["1", "4", "5"]
    assert [(r["record"], r["code"]) for r in got.rejects] == [(2, "malformed"), (3, "malformed"), (6, "malformed")]


@pytest.mark.parametrize(
    "kind",
    [pa.large_string(), pa.string_view(), pa.dictionary(pa.int32(), pa.string()), pa.binary(), pa.large_binary()],
)
def test_every_string_type_of_arrow(tmp_path, kind):
    texts = ["Grüße", None, "", " \n", "東京"]
    if kind in (pa.binary(), pa.large_binary()):
        column = pa.array([None if t is None else t.encode() for t in texts], kind)
    else:
        column = pa.array(texts, pa.string()).cast(kind)
    table = pa.table({"text": column, "title": column})
    with pa.OSFile(str(tmp_path / "a.arrow"), "wb") as sink, pa.ipc.new_file(sink, table.schema) as writer:
        writer.write_table(table)
    got = read_paths([tmp_path])
    assert [(row["record"], row["text"], row["title"]) for row in got.rows] == [(1, "Grüße", "Grüße"), (5, "東京", "東京")]
    assert [(r["record"], r["code"]) for r in got.rejects] == [(2, "empty"), (3, "empty"), (4, "empty")]


@pytest.mark.parametrize("unit", ["s", "ms", "us", "ns"])
@pytest.mark.parametrize("zone", [None, "UTC", "America/New_York"])
def test_timestamps_of_every_unit_and_zone(tmp_path, unit, zone):
    moment = datetime(2025, 4, 3, 10, tzinfo=UTC)
    seconds = int(moment.timestamp()) * {"s": 1, "ms": 10**3, "us": 10**6, "ns": 10**9}[unit]
    table = pa.table({"text": ["a", "b"], "date": pa.array([seconds, None], pa.int64()).cast(pa.timestamp(unit, zone))})
    pq.write_table(table, tmp_path / "a.parquet")
    got = read_paths([tmp_path])
    assert [row["published_at"] for row in got.rows] == [moment, None]
    assert got.report.events["date_without_zone"] == (zone is None)
    assert (got.rows[0]["extra"] is None) == (zone is not None)


def test_nested_and_binary_columns_go_to_extra_as_json(tmp_path):
    table = pa.table(
        {
            "text": ["one", "two"],
            "tags": [["a", "b"], None],
            "meta": [{"x": 1, "when": datetime(2025, 4, 3)}, {"x": None, "when": None}],
            "raw": [b"\xff\x00", b"ok"],
            "score": [float("nan"), 0.5],
        }
    )
    pq.write_table(table, tmp_path / "a.parquet")
    first, second = (json.loads(row["extra"]) for row in read_paths([tmp_path]).rows)
    assert first == {"tags": ["a", "b"], "meta": {"x": 1, "when": "2025-04-03T00:00:00"}, "raw": "ff00", "score": "nan"}
    assert second == {"meta": {"x": None, "when": None}, "raw": "ok", "score": 0.5}


def test_invalid_utf8_in_parquet_strings_is_decoded_and_said(tmp_path):
    german = (
        "Der Bürgermeister eröffnete am Freitag die neue Brücke über den Fluss. Viele Gäste kamen, es gab Würstchen für alle."
    )
    column = pa.array([german.encode("cp1252"), b"plain"], pa.binary()).view(pa.string())
    sink = io.BytesIO()
    pq.write_table(pa.table({"text": column}), sink)
    (tmp_path / "a.parquet").write_bytes(sink.getvalue())
    got = read_paths([tmp_path])
    assert [row["record"] for row in got.rows] == [1, 2]
    assert "Brücke" in got.rows[0]["text"]
    assert "decoded_as" in json.loads(got.rows[0]["extra"])
    assert got.rows[1]["extra"] is None
