"""What is found, in which order, under which name, and what is passed over."""

from __future__ import annotations

import io
import json
import os
import shutil
import sys
import threading

import pytest

from dedupe.config import Config
from dedupe.errors import UsageError
from dedupe.read import plan

from .conftest import ARTICLES, COMPRESSORS, jsonl, parquet, read_paths


def write(folder, *names):
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"text of {name}")


def sources(*paths, **options):
    return [part.source for shard in plan([str(p) for p in paths], Config(), **options).shards for part in shard]


def test_folders_are_read_in_order_of_names_with_subfolders(tmp_path):
    write(tmp_path, "b.txt", "a/z.txt", "a/y.md", "c.txt", "a.txt")
    assert sources(tmp_path) == ["a.txt", "a/y.md", "a/z.txt", "b.txt", "c.txt"]


def test_hidden_unknown_and_own_files_are_passed_over(tmp_path):
    write(tmp_path, "a.txt", ".hidden.txt", ".git/x.txt", "photo.jpg", "code.py", "LICENSE", "output/corpus.txt", "other/x.txt")
    (tmp_path / "output" / "manifest.json").write_text(json.dumps({"dedupe": {"version": "1"}}))
    (tmp_path / "other" / "manifest.json").write_text('{"name": "someone else\'s"}')
    made = plan([str(tmp_path)], Config())
    assert [p.source for s in made.shards for p in s] == ["a.txt", "other/manifest.json", "other/x.txt"]
    assert dict(made.skipped) == {".jpg": 1, ".py": 1, "folders of our own outputs": 1, "without extension": 1}
    assert made.skipped_sentence().startswith("Skipped 4 ")
    with pytest.raises(UsageError, match="output of dedupe"):
        plan([str(tmp_path / "output")], Config())


def test_a_file_named_directly_is_read_whatever_its_name(tmp_path):
    (tmp_path / "news.log").write_bytes(jsonl(ARTICLES))
    (tmp_path / "table").write_bytes(parquet(ARTICLES))
    (tmp_path / "words").write_text("just text")
    (tmp_path / "photo.jpg").write_bytes(b"\xff\xd8\xff\xe0" + bytes(100))
    got = read_paths([tmp_path / n for n in ("news.log", "table", "words", "photo.jpg")])
    assert [(row["source"], row["record"]) for row in got.rows] == [
        *(("news.log", n) for n in (1, 2, 3)), *(("table", n) for n in (1, 2, 3)), ("words", 1),
    ]  # fmt: skip
    assert [(r["path"], r["code"]) for r in got.rejects] == [("photo.jpg", "binary")]


@pytest.mark.parametrize("packing", COMPRESSORS)
def test_standard_input_of_any_format(tmp_path, monkeypatch, packing):
    data = COMPRESSORS[packing](jsonl(ARTICLES))
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(data)))
    got = read_paths(["-"], spool=tmp_path / "spool")
    assert [(row["source"], row["record"], row["input_id"]) for row in got.rows] == [
        ("stdin", n + 1, f"a{n + 1}") for n in range(3)
    ]


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no named pipes")
def test_pipes_of_one_name_are_both_read(tmp_path, monkeypatch):
    pipes = [tmp_path / name / "stdin" for name in ("a", "b")]
    for number, pipe in enumerate(pipes):
        pipe.parent.mkdir()
        os.mkfifo(pipe)
        threading.Thread(target=pipe.write_bytes, args=(jsonl(ARTICLES[number : number + 1]),), daemon=True).start()
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(jsonl(ARTICLES[2:]))))
    got = read_paths([*pipes, "-"], spool=tmp_path / "spool")
    assert sorted(row["input_id"] for row in got.rows) == ["a1", "a2", "a3"]
    assert len({row["source"] for row in got.rows}) == 3


@pytest.mark.parametrize(
    ("data", "kind"),
    [(b"plain text", "txt"), (b"<!DOCTYPE html><p>x", "html"), (b'[{"text": 1}]', "json"), (b'{\n"text": 1}', "json"),
     (b'{"text": "a"}\n{"text": "b"}\n', "jsonl"), (b"id,text\n1,a\n", "csv"), (b"id\ttext\n1\ta\n", "tsv"), (b"", "txt")],
)  # fmt: skip
def test_sniffing(tmp_path, data, kind):
    (tmp_path / "unnamed").write_bytes(data)
    [[part]] = plan([str(tmp_path / "unnamed")], Config()).shards
    assert part.format == kind


def test_globs_name_files_from_their_fixed_part(tmp_path):
    write(tmp_path, "2024/a.txt", "2025/b.txt", "2025/c.jpg", "other/d.txt")
    assert sources(tmp_path / "20*" / "*") == ["2024/a.txt", "2025/b.txt"]
    assert sources(tmp_path / "**" / "d.txt") == ["other/d.txt"]
    assert sources(tmp_path / "20*") == ["2024/a.txt", "2025/b.txt"]


def test_a_file_reached_twice_is_read_once(tmp_path):
    write(tmp_path, "a.txt", "b/c.txt")
    (tmp_path / "b" / "link.txt").symlink_to(tmp_path / "a.txt")
    (tmp_path / "z").symlink_to(tmp_path / "b")
    found = sources(tmp_path, tmp_path / "a.txt", tmp_path / "b", tmp_path / "*.txt")
    assert found == ["a.txt", "b/c.txt"]


def test_loops_of_links_are_cut_and_dead_links_are_rejects(tmp_path):
    write(tmp_path, "a/b/x.txt")
    (tmp_path / "a" / "b" / "up").symlink_to(tmp_path)
    (tmp_path / "a" / "self.txt").symlink_to(tmp_path / "a" / "self.txt")
    (tmp_path / "a" / "dead.txt").symlink_to(tmp_path / "nowhere")
    got = read_paths([tmp_path])
    assert [row["source"] for row in got.rows] == ["a/b/x.txt"]
    assert [(r["path"], r["code"]) for r in got.rejects] == [("a/dead.txt", "unreadable"), ("a/self.txt", "unreadable")]


def test_a_folder_that_cannot_be_opened_is_a_reject(tmp_path, monkeypatch):
    write(tmp_path, "a.txt", "closed/b.txt")
    real = os.scandir

    def scandir(path):
        if str(path).endswith("closed"):
            raise PermissionError(13, "Permission denied")
        return real(path)

    monkeypatch.setattr(os, "scandir", scandir)
    got = read_paths([tmp_path])
    assert [row["source"] for row in got.rows] == ["a.txt"]
    assert [(r["path"], r["code"]) for r in got.rejects] == [("closed/", "unreadable")]


def test_equal_names_under_two_roots_stay_apart(tmp_path):
    write(tmp_path, "one/x.txt", "two/x.txt", "deep/one/x.txt", "two/y.txt")
    assert sources(tmp_path / "one", tmp_path / "two") == ["one/x.txt", "two/x.txt", "two/y.txt"]
    assert sources(tmp_path / "one", tmp_path / "deep" / "one") == ["one/x.txt", "one~2/x.txt"]
    assert sources(tmp_path / "one", tmp_path / "deep") == ["one/x.txt", "x.txt"]
    assert sources(tmp_path / "one" / "x.txt", tmp_path / "two" / "x.txt") == ["one/x.txt", "two/x.txt"]


@pytest.mark.skipif(sys.platform != "linux", reason="only there may names be any bytes")
def test_names_of_any_bytes_are_opened_and_shown_as_valid_text(tmp_path):
    path = os.fsencode(tmp_path) + b"/na\xffme.txt"
    with open(path, "wb") as file:
        file.write(b"text")
    got = read_paths([tmp_path])
    assert [(row["source"], row["text"]) for row in got.rows] == [("na\\xffme.txt", "text")]


@pytest.mark.parametrize("given", ["missing", "*.nothing", ""])
def test_what_is_not_there_is_wrong_use(tmp_path, given):
    with pytest.raises(UsageError) as error:
        plan([str(tmp_path / given)], Config())
    assert error.value.hint


def test_wrong_fields_are_named(tmp_path):
    write(tmp_path, "a.txt")
    with pytest.raises(UsageError, match="colour"):
        plan([str(tmp_path)], Config(fields={"colour": "x"}))


def test_the_order_on_disk_changes_nothing(tmp_path):
    names = [f"{n:03}.txt" for n in range(60)]
    write(tmp_path / "a", *names)
    write(tmp_path / "b", *reversed(names))
    shutil.copytree(tmp_path / "b", tmp_path / "c")
    first = read_paths([tmp_path / "a"]).rows
    assert first == read_paths([tmp_path / "b"]).rows == read_paths([tmp_path / "c"]).rows


def test_small_files_share_shards_and_batches(tmp_path):
    write(tmp_path, *(f"{n:04}.txt" for n in range(1200)))
    got = read_paths([tmp_path])
    assert [len(shard) for shard in got.plan.shards] == [512, 512, 176]
    assert (got.batches, len(got.rows)) == (3, 1200)


def test_large_files_are_cut_by_input_alone(tmp_path):
    (tmp_path / "a.jsonl").write_bytes(jsonl([{"text": "x" * 90, "id": str(n)} for n in range(1000)]))
    write(tmp_path, "b.txt")
    shards = plan([str(tmp_path)], Config(), part_bytes=20_000).shards
    assert [[part.index for part in shard] for shard in shards] == [[n] for n in range(len(shards) - 1)] + [[0]]
    assert len(shards) > 4


@pytest.mark.parametrize(
    ("size", "pieces"), [(29_999, [15, 15]), (80_000, [20, 20, 20, 10, 5, 5]), (200_001, [18] * 10 + [9, 5, 5])]
)
def test_the_last_of_many_pieces_is_cut_smaller(tmp_path, size, pieces):
    (tmp_path / "a.jsonl").write_bytes(b"\n" * size)
    parts = [part for shard in plan([str(tmp_path)], Config(), part_bytes=20_000).shards for part in shard]
    assert [round((part.stop - part.start) / 1000) for part in parts] == pieces
    assert [part.start for part in parts[1:]] == [part.stop for part in parts[:-1]]
    assert (parts[0].start, parts[-1].stop) == (0, size)
