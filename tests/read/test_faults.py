"""Bad input is a row of rejects with its code, and the rest is read."""

from __future__ import annotations

import base64
import gzip
import json
import os
import subprocess
import sys
import zlib
from pathlib import Path

import pytest

from dedupe.config import Config
from dedupe.read import plan, read, streams
from dedupe.read.reasons import SENTENCES, sentence

from .conftest import ARTICLES, COMPRESSORS, RECORD_FORMATS, jsonl, parquet, read_paths

MANY = [{"id": str(n), "text": f"article {n} " + os.urandom(30).hex() * 4} for n in range(400)]


def read_one(tmp_path, name: str, data: bytes, config: Config | None = None):
    (tmp_path / name).write_bytes(data)
    return read_paths([tmp_path / name], config)


@pytest.mark.parametrize("kind", ["txt", "md", "html", *RECORD_FORMATS])
def test_an_empty_file_is_empty(tmp_path, kind):
    got = read_one(tmp_path, f"a.{kind}", b"")
    assert (got.rows, got.codes(), got.records) == ([], ["empty"], 1)


@pytest.mark.parametrize("kind", ["txt", "md", "html", "json", "csv"])
def test_white_space_is_empty(tmp_path, kind):
    assert read_one(tmp_path, f"a.{kind}", b" \n\t\r\n ").codes() == ["empty"]


@pytest.mark.parametrize("data", [b"text\n", b'{"text": null}\n{"text": ""}\n{"text": " \\n"}\n{"title": "no text"}\n{}\n'])
def test_records_without_text_are_empty(tmp_path, data):
    got = read_one(tmp_path, "a.jsonl" if data[:1] == b"{" else "a.csv", data)
    assert set(got.codes()) == {"empty"}


@pytest.mark.parametrize("kind", ["jsonl", "json", "parquet", "arrow"])
def test_text_of_a_wrong_type(tmp_path, kind):
    for text in (5, ["a"], {"a": "b"}, True):
        got = read_one(tmp_path, f"a.{kind}", RECORD_FORMATS[kind]([{"text": text, "id": "1"}]))
        assert (got.rows, got.codes()) == ([], ["wrong_type"])


def test_records_that_are_no_objects(tmp_path):
    got = read_one(tmp_path, "a.jsonl", b'["a"]\n"text"\n5\nnull\n{"text": "good"}\n')
    assert [(r["record"], r["code"]) for r in got.rejects] == [(n, "wrong_type") for n in (1, 2, 3, 4)]
    assert [row["record"] for row in got.rows] == [5]


def test_malformed_lines_name_their_number(tmp_path):
    data = b'{"text": "one"}\n\n{"text": "two"\n{"text": ' + b"[" * 5000 + b'\n{"text": "five"}'
    got = read_one(tmp_path, "a.jsonl", data)
    assert [row["record"] for row in got.rows] == [1, 5]
    assert [(r["record"], r["code"]) for r in got.rejects] == [(3, "malformed"), (4, "malformed")]


@pytest.mark.parametrize("kind", ["txt", "md", "html", "json", "jsonl", "csv"])
def test_binary_data_under_a_text_name(tmp_path, kind):
    got = read_one(tmp_path, f"a.{kind}", b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 20)
    assert got.rows == []
    assert set(got.codes()) <= {"binary", "malformed"}
    assert "binary" in got.codes()


def test_undecodable(tmp_path):
    assert read_one(tmp_path, "a.txt", b"\xff\xfe" + b"\x00\xd8" * 9).codes() == ["undecodable"]


@pytest.mark.parametrize("kind", ["txt", "html"])
@pytest.mark.parametrize("packing", COMPRESSORS)
def test_a_file_over_the_limit(tmp_path, kind, packing):
    data = COMPRESSORS[packing](os.urandom(3000).hex().encode())
    got = read_one(tmp_path, f"a.{kind}{packing}", data, Config(max_article_bytes=5000))
    assert (got.rows, got.codes()) == ([], ["too_large"])


@pytest.mark.parametrize("kind", ["jsonl", "json", "csv", "parquet", "arrow"])
def test_a_record_over_the_limit_leaves_the_others(tmp_path, kind):
    articles = [{"text": "short"}, {"text": "é" * 600}, {"text": "é" * 500}]
    got = read_one(tmp_path, f"a.{kind}", RECORD_FORMATS[kind](articles), Config(max_article_bytes=1000))
    assert [row["record"] for row in got.rows] == [1, 3]
    assert [(r["record"], r["code"]) for r in got.rejects] == [(2, "too_large")]


@pytest.mark.parametrize("kind", ["jsonl", "csv"])
def test_an_endless_line_is_never_held(tmp_path, kind):
    line = b"x" * (3 << 20)
    data = b'{"text": "a"}\n' + line + b'\n{"text": "b"}\n' if kind == "jsonl" else b"id,text\n1,a\n2," + line + b"\n3,b\n"
    got = read_one(tmp_path, f"a.{kind}", data, Config(max_article_bytes=1000))
    assert [row["text"] for row in got.rows] == ["a", "b"]
    assert got.codes() == ["too_large"]


@pytest.mark.parametrize("packing", [p for p in COMPRESSORS if p])
def test_bombs_are_refused_and_honest_files_are_not(tmp_path, packing, monkeypatch):
    got = read_one(tmp_path, f"a.txt{packing}", COMPRESSORS[packing](bytes(12_000_000)))
    assert got.codes() == ["bomb"]
    honest = "".join(f"Line {n % 50} of a text that repeats itself as lists do.\n" for n in range(20_000))
    packed = COMPRESSORS[packing](honest.encode())
    assert len(honest) > 30 * len(packed)
    assert read_one(tmp_path, f"b.txt{packing}", packed).rows[0]["text"] == honest
    monkeypatch.setattr(streams, "BOMB_FLOOR", 1 << 20)
    for kind in ("jsonl", "csv", "json", "parquet"):
        assert read_one(tmp_path, f"a.{kind}{packing}", COMPRESSORS[packing](bytes(8 << 20))).codes()[-1] in ("bomb", "binary")


def test_the_bound_on_ratio_does_not_meet_honest_record_files(tmp_path, monkeypatch):
    monkeypatch.setattr(streams, "BOMB_FLOOR", 1 << 16)
    data = jsonl([{"text": f"copy {n % 9} of one article that is often repeated"} for n in range(20_000)])
    got = read_one(tmp_path, "a.jsonl.gz", gzip.compress(data))
    assert len(got.rows) == 20_000


@pytest.mark.parametrize("packing", [p for p in COMPRESSORS if p])
@pytest.mark.parametrize("kind", ["jsonl", "csv", "json"])
def test_a_cut_archive_keeps_what_came_before(tmp_path, kind, packing):
    packed = COMPRESSORS[packing](RECORD_FORMATS[kind](MANY))
    got = read_one(tmp_path, f"a.{kind}{packing}", packed[: len(packed) * 3 // 4])
    assert got.codes()[-1] == "truncated"
    kept = len(got.rows)
    assert kept > 100 or packing in (".bz2", ".zst")  # these give whole blocks of up to 900 KB only
    assert [(row["input_id"], row["text"]) for row in got.rows] == [(a["id"], a["text"]) for a in MANY[:kept]]
    assert got.rejects[-1]["record"] in (0, kept + 1, kept + 2)


def test_a_cut_text_keeps_its_beginning(tmp_path):
    text = "".join(f"Zeile {n} über {os.urandom(8).hex()}\n" for n in range(4000))
    packed = gzip.compress(text.encode())
    got = read_one(tmp_path, "a.txt.gz", packed[:-2000])
    assert got.codes() == ["truncated"]
    assert text.startswith(got.rows[0]["text"])
    assert len(got.rows[0]["text"]) > 0.8 * len(text)
    assert '"truncated":true' in got.rows[0]["extra"]


@pytest.mark.parametrize("packing", [p for p in COMPRESSORS if p])
def test_damage_inside_an_archive(tmp_path, packing):
    packed = bytearray(COMPRESSORS[packing](jsonl(MANY)))
    packed[len(packed) // 2] ^= 0xFF
    got = read_one(tmp_path, f"a.jsonl{packing}", bytes(packed))
    assert len(got.rows) < len(MANY) or got.codes()
    assert set(got.codes()) <= {"unreadable", "truncated", "malformed", "binary", "undecodable"}
    assert got.codes()


@pytest.mark.parametrize("packing", [p for p in COMPRESSORS if p])
def test_joined_archives_are_one(tmp_path, packing):
    one = COMPRESSORS[packing](jsonl(ARTICLES))
    assert len(read_one(tmp_path, f"a.jsonl{packing}", one + one).rows) == 6


@pytest.mark.parametrize("kind", ["parquet", "arrow", "ipc"])
@pytest.mark.parametrize("share", [0.02, 0.3, 0.7, 0.99])
def test_cut_tables(tmp_path, kind, share):
    data = RECORD_FORMATS[kind](MANY)
    got = read_one(tmp_path, f"a.{kind}", data[: int(len(data) * share)])
    assert set(got.codes()) <= {"truncated", "unreadable"}
    assert got.codes()


def test_a_table_without_rows_or_without_text(tmp_path):
    import pyarrow as pa
    import pyarrow.parquet as pq

    pq.write_table(pa.table({"text": pa.array([], pa.string())}), tmp_path / "a.parquet")
    pq.write_table(pa.table({"words": ["x", "y"]}), tmp_path / "b.parquet")
    got = read_paths([tmp_path])
    assert [(r["path"], r["record"], r["code"]) for r in got.rejects] == [
        ("a.parquet", 0, "empty"), ("b.parquet", 1, "empty"), ("b.parquet", 2, "empty"),
    ]  # fmt: skip
    assert "--field text=" in got.rejects[1]["sentence"]


@pytest.mark.parametrize("change", ["gone", "grown", "closed"])
@pytest.mark.parametrize("name", ["a.txt", "a.jsonl", "a.parquet", "a.arrow", "a.csv", "a.json", "a.html"])
def test_a_file_that_changes_during_the_run(tmp_path, change, name, monkeypatch):
    path = tmp_path / name
    path.write_bytes(RECORD_FORMATS.get(name[2:], lambda _: b"some text")(ARTICLES))
    made = plan([str(tmp_path)], Config())
    if change == "gone":
        path.unlink()
    elif change == "grown":
        with path.open("ab") as file:
            file.write(b" ")
    else:

        def refuse(*_):
            raise PermissionError(13, "Permission denied")

        monkeypatch.setattr(streams, "open", refuse, raising=False)
    [batch] = list(read(made.shards[0], Config()))
    assert batch.articles.num_rows == 0
    assert batch.rejects.column("code").to_pylist() == ["unreadable"]


def test_one_bad_file_does_not_stop_its_shard(tmp_path):
    (tmp_path / "a.txt").write_text("first")
    (tmp_path / "b.parquet").write_bytes(b"no parquet at all")
    (tmp_path / "c.jsonl").write_bytes(jsonl(ARTICLES))
    got = read_paths([tmp_path])
    assert len(got.plan.shards) == 1
    assert [row["source"] for row in got.rows] == ["a.txt", *["c.jsonl"] * 3]
    assert [(r["path"], r["code"]) for r in got.rejects] == [("b.parquet", "unreadable")]


def test_every_code_has_a_sentence_and_a_test():
    here = Path(__file__).read_text()
    here += (Path(__file__).parents[1] / "test_workers.py").read_text()  # "deadly" takes a process to test
    here += (Path(__file__).parents[1] / "test_forget.py").read_text()
    for code in SENTENCES:
        assert f'"{code}"' in here
        said = sentence(code, "because \x00\n of\ud800 this" + "x" * 1000)
        assert said.isprintable()
        assert len(said) < 500
        assert said.encode()


def test_a_table_that_repeats_one_long_text_is_not_written_out_at_once(tmp_path):
    import resource

    import pyarrow as pa
    import pyarrow.parquet as pq

    numbers = pa.array([0] * 400 + [1], pa.int32())
    column = pa.DictionaryArray.from_arrays(numbers, pa.array([os.urandom(4_000_000).hex(), "short"]))
    pq.write_table(pa.table({"text": column}), tmp_path / "a.parquet")
    assert (tmp_path / "a.parquet").stat().st_size < 9_000_000
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    got = read_paths([tmp_path], Config(max_article_bytes=1_000_000))
    assert [row["record"] for row in got.rows] == [401]
    assert got.codes() == ["too_large"] * 400
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 1_500_000  # KB; written out it would be 3.2 GB


def test_parquet_rows_keep_their_numbers_through_cuts(tmp_path):
    (tmp_path / "a.parquet").write_bytes(parquet(MANY, row_group_size=150))
    whole = read_paths([tmp_path])
    cut = read_paths([tmp_path], part_bytes=2000)
    assert len(cut.plan.shards) > 3
    assert cut.rows == whole.rows


# Found by fuzzing: what it says of one column ends the process that asks for it.
_DEADLY_PARQUET = (
    "c-oCqL2DC16rP!#thEGbgEQ<x4qIxM9&Bs^Eh6b*HrTW@(lk<v$Jnefm}KK-b&H53L8Q=}JV=qY9=#~&Rs03&ujm%ho4>$1Gux2ZMDVe^nSJkl"
    "-}~mxZk`pA1e41|%kc%o02sdl0RTziQUs6~p;vikf~Z7|FM?T^(qM9Ol4ma(h<gm7f(XQ9pB%v+NAB0!G|%03YPR7!ZmF3VXZ4a%b6ndvZXG!H"
    "4DY^OJ8m5&rg+)+!;dGQ-UaQqC!b&cc>f`2cYnUx3)*`@ryI221g*{p8B>3Q5YJsAu^d6N{{>Cqyz6y)2#IDD9@c~#ID`Tr0tD;11)!<TZLY0I"
    "R6wFLNJEv<49LZKk$lCTz2glAB3{L-+Gi1p^|+okL7YVO1)xso0!|Rc^eKG~&9pf-I6__M0)%%4Tpj{x4p(&(V9qqiA$v-eU4_0>%rD67!VyCl"
    "F*$AeKki^i%J0)O-Gw8ygvXU)p3xW3{D#dVe15FM2Rl9GWJrvfb|Ms;WAq>b^tcvfg~IyQjd0}JKDs9CdYN(CV4<xs<}<6zmKiIvj7%}hV(gaK"
    "WEfkOf&R+El-2C*LaK}}s3o=_gLnG%(w2oQWvladvzwy+fv8XAx$_0Zrqq*VgVN6MD}}1P62_j0`W;EODq2{6DB)%w^soLI;fh-uA-^RcJzH7="
    "n$ak_4<Fgy+;*ceS9D#+Hy+z=v*Of^)M8>jk<`=t3k)Cdl}|d)|Li|h811w"
)


def test_a_parquet_file_that_would_end_the_process_is_a_reject(tmp_path: Path) -> None:
    (tmp_path / "a.parquet").write_bytes(zlib.decompress(base64.b85decode(_DEADLY_PARQUET)))
    code = "import dedupe; print(dedupe.clean('a.parquet', output='out', workers=1).summary.rejects)"
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout.split()) == (0, ["{'unreadable':", "1}"]), done.stderr


@pytest.mark.parametrize("kind", ["txt", "jsonl", "json", "csv", "parquet", "arrow"])
@pytest.mark.parametrize("text", ["\u200b\ufeff", "\u200e \u2060\xad", "\0" + "\u200b" * 9])
def test_a_text_of_which_nothing_can_be_seen_is_empty(tmp_path, kind, text):
    data = text.encode() if kind == "txt" else RECORD_FORMATS[kind]([{"text": text, "id": "1"}])
    got = read_one(tmp_path, f"a.{kind}", data)
    assert (got.rows, got.codes()) == ([], ["empty"])


def test_lines_that_are_all_blank_are_an_empty_file(tmp_path):
    got = read_one(tmp_path, "a.jsonl", b"\n \n\r\n")
    assert [(r["record"], r["code"]) for r in got.rejects] == [(0, "empty")]


@pytest.mark.parametrize("kind", ["jsonl", "json"])
def test_a_number_of_too_many_digits_is_told_in_our_words(tmp_path, kind):
    got = read_one(tmp_path, f"a.{kind}", b'{"text": "a", "id": ' + b"9" * 5_000 + b"}")
    assert got.codes() == ["malformed"]
    assert "more than 4,300 digits" in got.rejects[0]["sentence"]
    assert "sys." not in got.rejects[0]["sentence"]


@pytest.mark.parametrize("data", [b"id,text\n1,a\n" * 9, jsonl(MANY), b"<html><body>text</body></html>", b"abc"])
def test_what_is_no_arrow_data_is_said_to_be_none(tmp_path, data):
    got = read_one(tmp_path, "a.arrow", data)
    assert got.codes() == ["unreadable"]
    assert "no Arrow file" in got.rejects[0]["sentence"]


def test_a_second_byte_order_mark_is_no_part_of_a_name(tmp_path):
    got = read_one(tmp_path, "a.csv", b"\xef\xbb\xbf" * 2 + b"text,id\nhello,1\n")
    assert [(row["text"], row["input_id"]) for row in got.rows] == [("hello", "1")]


def test_times_beyond_the_calendar_are_kept_as_their_numbers(tmp_path):
    import pyarrow as pa

    far = 10**17
    table = pa.table(
        {
            "text": ["a", "b", "c"],
            "date": pa.array([far, 0, None], pa.timestamp("s")),
            "day": pa.array([2**31 - 1, 0, None], pa.date32()),
            "times": pa.array([[far], [0], None], pa.list_(pa.timestamp("s"))),
        }
    )
    with pa.ipc.new_file(str(tmp_path / "a.arrow"), table.schema) as writer:
        writer.write_table(table)
    got = read_paths([tmp_path])
    assert got.rejects == []
    extra = json.loads(got.rows[0]["extra"])
    assert (extra["published_as_given"], extra["day"]) == (str(far), str(2**31 - 1))
    assert str(far) in extra["times"]
    assert json.loads(got.rows[1]["extra"])["day"] == "1970-01-01"


@pytest.mark.parametrize("packing", COMPRESSORS)
def test_what_is_no_json_at_all_is_one_reject(tmp_path, packing):
    words = b'Not "JSON", but (words) in {braces} and [brackets], "quotes" and all.\n' * 200
    got = read_one(tmp_path, f"a.json{packing}", COMPRESSORS[packing](words))
    assert (got.rows, got.codes(), got.records) == ([], ["malformed"], 1)
    got = read_one(tmp_path, f"b.json{packing}", COMPRESSORS[packing](words + b'{"text": "an article"}' + words))
    assert [row["text"] for row in got.rows] == ["an article"]
    assert len(got.rejects) > 1000
