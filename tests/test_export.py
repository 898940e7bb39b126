"""An output is handed on in other forms: the same rows, in its own place, whole or not at all."""

import csv
import gzip
import io
import json
import os
import random
import shutil
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.dataset as ds
import pyarrow.parquet as pq
import pytest
import zstandard
from click.testing import Result
from hypothesis import given
from hypothesis import strategies as st

from dedupe import job
from dedupe.corpus import export as exporting
from dedupe.corpus.export import export, safe_name
from dedupe.corpus.output import Output
from dedupe.errors import DedupeError
from dedupe.schema import CORPUS

Dedupe = Callable[..., Result]

HOSTILE = '=cmd|"/C calc"!A0, "quoted"\nand a line\r\nand \t\x00 more'


@pytest.fixture(scope="module")
def output(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Ten articles in nine clusters, over three months and none, in two languages, with hostile titles."""
    folder = tmp_path_factory.mktemp("export")
    rng = random.Random(3)
    rows = []
    for n in range(9):
        text = " ".join(
            rng.choice(["the", "mayor", "of", "river", "said", "bridge", "and", "people"]) + str(n) for _ in range(80)
        )
        rows.append({"text": text, "title": f"Title {n}", "date": f"2024-0{1 + n % 3}-10" if n else None})
    rows[1]["text"] = "Der Bürgermeister sagte am Montag, dass die neue Brücke erst im Herbst für alle eröffnet werden könne."
    rows[2]["title"] = HOSTILE
    rows[3]["title"] = "@SUM(1)"
    rows.append({**rows[4], "title": "A copy"})
    (folder / "in.jsonl").write_text("\n".join(map(json.dumps, rows)))
    job.clean([folder / "in.jsonl"], folder / "out", workers=1)
    return folder / "out"


def articles(output: Path, table: str = "canonical") -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = pq.read_table(output / f"{table}.parquet").to_pylist()
    return rows


def test_parquet_holds_the_canonical_articles_or_all(dedupe: Dedupe, output: Path, tmp_path: Path) -> None:
    result = dedupe("export", output, tmp_path / "some.parquet")
    assert result.exit_code == 0, result.output
    assert result.stdout.startswith("wrote 9 articles (")
    assert "open it in Python: pandas.read_parquet(" in result.stdout
    assert pq.read_table(tmp_path / "some.parquet").to_pylist() == articles(output)
    told = json.loads(dedupe("export", output, tmp_path / "all.parquet", "--all", "--json").stdout)
    assert (told["articles"], told["files"], told["bytes"]) == (10, 1, (tmp_path / "all.parquet").stat().st_size)
    assert pq.read_table(tmp_path / "all.parquet").to_pylist() == articles(output, "corpus")
    # Comments and footer are those of the tables: other projects rely on them.
    schema = pq.read_schema(tmp_path / "some.parquet")
    assert json.loads(schema.metadata[b"dedupe"])["schema_version"] == 1
    assert schema.field("title").metadata[b"comment"] == b"headline"


def test_columns_come_in_the_order_given(dedupe: Dedupe, output: Path, tmp_path: Path) -> None:
    dedupe("export", output, tmp_path / "a.parquet", "--columns", "title, article_id,title")
    assert pq.read_schema(tmp_path / "a.parquet").names == ["title", "article_id"]
    wrong = dedupe("export", output, tmp_path / "b.parquet", "--columns", "body,title,words")
    assert wrong.exit_code == 2
    assert "no column 'body', 'words'" in wrong.stderr
    assert not (tmp_path / "b.parquet").exists()


def test_json_lines_hold_the_same_values(dedupe: Dedupe, output: Path, tmp_path: Path) -> None:
    dedupe("export", output, tmp_path / "a.jsonl", "--all")
    lines = (tmp_path / "a.jsonl").read_text(encoding="utf-8").splitlines()
    found = [json.loads(line) for line in lines]
    assert found[0]["published_at"] is None
    for row in found:
        row["published_at"] = row["published_at"] and datetime.fromisoformat(row["published_at"])
    expected = articles(output, "corpus")
    for row, wanted in zip(found, expected, strict=True):
        assert row == {**wanted, **{name: pytest.approx(wanted[name]) for name in ("similarity", "language_score", "spin_score")}}
    again = dedupe("clean", tmp_path / "a.jsonl", "-o", tmp_path / "again", "--json")
    assert json.loads(again.stdout)["articles"] == 10


def test_csv_is_exact_and_disarmed_only_when_asked(dedupe: Dedupe, output: Path, tmp_path: Path) -> None:
    told = dedupe("export", output, tmp_path / "a.csv", "--columns", "article_id,title,published_at,is_canonical,credits,text")
    assert "--spreadsheet" in told.stderr
    data = (tmp_path / "a.csv").read_bytes()
    found = list(csv.DictReader(io.StringIO(data.decode("utf-8"), newline="")))
    for row, wanted in zip(found, articles(output), strict=True):
        assert row["title"] == wanted["title"]
        assert row["text"] == wanted["text"]
        assert row["published_at"] == (wanted["published_at"].strftime("%Y-%m-%dT%H:%M:%SZ") if wanted["published_at"] else "")
        assert (row["is_canonical"], row["credits"]) == ("true", "[]")
    titles = [row["title"] for row in found]
    assert any(title.startswith("=cmd") for title in titles)
    dedupe("export", output, tmp_path / "safe.csv", "--columns", "title", "--spreadsheet")
    safe = list(csv.DictReader(io.StringIO((tmp_path / "safe.csv").read_bytes().decode("utf-8"), newline="")))
    assert [row["title"] for row in safe] == [f"'{title}" if title[0] in "=@" else title for title in titles]
    assert "spreadsheet in CSV" in dedupe("export", output, tmp_path / "a.jsonl", "--spreadsheet").stderr


def test_compressed_files_hold_the_same_bytes(output: Path, tmp_path: Path) -> None:
    opened = Output(output)
    for form in ("jsonl", "csv"):
        export(opened, tmp_path / f"a.{form}")
        plain = (tmp_path / f"a.{form}").read_bytes()
        export(opened, tmp_path / f"a.{form}.gz")
        packed = (tmp_path / f"a.{form}.gz").read_bytes()
        assert gzip.decompress(packed) == plain
        export(opened, tmp_path / f"a.{form}.gz", force=True)
        assert (tmp_path / f"a.{form}.gz").read_bytes() == packed  # no time in its head
        export(opened, tmp_path / f"a.{form}.zst")
        with zstandard.open(tmp_path / f"a.{form}.zst") as file:
            assert file.read() == plain
    for name in ("a.parquet.gz", "a.zst"):
        with pytest.raises(DedupeError, match="parquet is not written as"):
            export(opened, tmp_path / name)


def test_plain_files_hold_the_texts(dedupe: Dedupe, output: Path, tmp_path: Path) -> None:
    result = dedupe("export", output, tmp_path / "texts", "--format", "text")
    assert "in 9 files" in result.stdout
    found = {path.relative_to(tmp_path / "texts").as_posix(): path.read_bytes() for path in (tmp_path / "texts").rglob("*.txt")}
    assert found == {f"{row['article_id'][:2]}/{row['article_id']}.txt": row["text"].encode() for row in articles(output)}


@pytest.mark.parametrize("by", ["language", "month"])
def test_parquet_by_language_or_month(by: Any, output: Path, tmp_path: Path) -> None:
    done = export(Output(output), tmp_path / "parts", by=by, every=True)
    assert repr(done).startswith(f"<10 articles as parquet by {by} in {tmp_path / 'parts'}, {done.files} files, ")
    folders = {path.name for path in (tmp_path / "parts").iterdir()}
    expected = articles(output, "corpus")
    if by == "language":
        assert folders == {f"language={row['language']}" for row in expected}
        assert len(folders) > 1
    else:
        assert folders == {"month=unknown", "month=2024-01", "month=2024-02", "month=2024-03"}
    assert done.files == len(folders)
    read = ds.dataset(tmp_path / "parts", partitioning="hive").to_table()
    assert sorted(read.column_names) == sorted({*CORPUS.names, by})
    rows = read.select(CORPUS.names).to_pylist()
    assert sorted(rows, key=lambda row: row["record"]) == expected
    for row in read.to_pylist():
        if by == "month":
            assert row["month"] == (row["published_at"].strftime("%Y-%m") if row["published_at"] else "unknown")


def test_a_corpus_of_many_months_keeps_to_its_bounds(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(exporting, "_MOST_OPEN", 3)
    monkeypatch.setattr(exporting, "_WAITING_BYTES", 40_000)
    monkeypatch.setattr(exporting, "_ROWS", 7)
    schema = pa.schema([CORPUS.field(name) for name in ("article_id", "text", "published_at", "language")])
    start = datetime(2020, 1, 1, tzinfo=UTC)
    rows = [
        {
            "article_id": f"{n:032x}",
            "text": "x" * (n % 500),
            "published_at": start + timedelta(days=37 * (n % 11)),
            "language": "en",
        }
        for n in range(400)
    ]
    parts = exporting._Partitions(tmp_path, schema, "month", {})
    table = pa.Table.from_pylist(rows, schema)
    for batch in table.to_batches(max_chunksize=7):
        parts.write(batch)
        assert len(parts._open) <= 3
        assert sum(parts._bytes.values()) <= 40_000
    parts.close()
    found = ds.dataset(tmp_path, partitioning="hive").to_table(columns=schema.names)
    assert sorted(found.to_pylist(), key=lambda row: row["article_id"]) == rows
    assert len(list(tmp_path.rglob("*.parquet"))) > 11  # folders whose file was closed got another


@given(st.text(max_size=150))
def test_names_stay_in_their_folder(value: str) -> None:
    name = safe_name(value)
    assert 0 < len(name) <= 100
    assert os.path.basename(name) == name
    assert not name.startswith(".")
    assert not set(name) - set("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-")
    assert safe_name(name) == name


@pytest.mark.parametrize("value", ["../../etc/passwd", "..", ".", "", None, "/", "a/b", "a\\b", "C:\\x", "x\x00y", "-rf\n"])
def test_hostile_names_are_names(value: str | None) -> None:
    assert not set("/\\:\x00\n") & set(safe_name(value))
    assert safe_name(value) not in ("", ".", "..")


def test_hostile_values_make_no_paths(tmp_path: Path) -> None:
    schema = pa.schema([CORPUS.field(name) for name in ("article_id", "text", "language")])
    rows = [
        {"article_id": "../../x", "text": "one", "language": "../../up"},
        {"article_id": "b", "text": "two", "language": None},
    ]
    parts = exporting._Partitions(tmp_path / "parts", schema, "language", {})
    (tmp_path / "parts").mkdir()
    batch = pa.RecordBatch.from_pylist(rows, schema)
    parts.write(batch)
    parts.close()
    assert {path.name for path in (tmp_path / "parts").iterdir()} == {"language=up", "language=unknown"}
    (tmp_path / "texts").mkdir()
    exporting._write_texts(batch, tmp_path / "texts")
    assert {path.name for path in (tmp_path / "texts").rglob("*.txt")} == {"x.txt", "b.txt"}
    assert {path.name for path in tmp_path.iterdir()} == {"parts", "texts"}


def test_nothing_is_overwritten_that_is_not_ours(dedupe: Dedupe, output: Path, tmp_path: Path) -> None:
    file, folder = tmp_path / "a.jsonl", tmp_path / "parts"
    file.write_text("mine")
    refused = dedupe("export", output, file)
    assert refused.exit_code == 2
    assert "by force" in refused.stderr
    assert file.read_text() == "mine"
    assert dedupe("export", output, file, "--force").exit_code == 0
    assert len(file.read_text().splitlines()) == 9

    assert dedupe("export", output, folder, "--by", "month").exit_code == 0
    assert dedupe("export", output, folder, "--by", "language").exit_code == 2
    assert dedupe("export", output, folder, "--by", "language", "--force").exit_code == 0
    assert {path.name.partition("=")[0] for path in folder.iterdir()} == {"language"}
    assert dedupe("export", output, folder, "--format", "text", "--force").exit_code == 0
    whole = dedupe("export", output, folder, "--force")
    assert whole.exit_code == 2
    assert f"{folder} holds an earlier export." in whole.stderr
    assert "a form that is a folder again" in whole.stderr
    (folder / "notes.md").write_text("mine")
    for options in (["--force"], []):
        refused = dedupe("export", output, folder, "--by", "month", *options)
        assert refused.exit_code == 2
        assert "more than an export wrote" in refused.stderr
    assert (folder / "notes.md").read_text() == "mine"
    # A file is no folder, and a folder no file.
    assert dedupe("export", output, file, "--by", "month", "--force").exit_code == 2
    assert dedupe("export", output, folder, "--format", "csv", "--force").exit_code == 2
    (tmp_path / "empty").mkdir()
    assert dedupe("export", output, tmp_path / "empty", "--by", "month").exit_code == 0


def test_a_name_that_is_only_an_end_tells_the_form_and_no_columns_are_told(dedupe: Dedupe, output: Path, tmp_path: Path) -> None:
    assert json.loads(dedupe("export", output, tmp_path / ".csv", "--json").stdout)["format"] == "csv"
    refused = dedupe("export", output, tmp_path / "a.csv", "--columns", "")
    assert refused.exit_code == 2
    assert "No column is named." in refused.stderr


@pytest.mark.parametrize("command", [["export", "--format", "csv"], ["report"]])
def test_a_link_stays_one_and_a_pipe_takes_the_bytes(command: list[str], output: Path, tmp_path: Path) -> None:
    def run(target: Path, *options: str) -> subprocess.CompletedProcess[bytes]:
        to = ["-o", str(target)] if command == ["report"] else [str(target)]
        arguments = [sys.executable, "-m", "dedupe", command[0], str(output), *to, *command[1:], *options]
        return subprocess.run(arguments, capture_output=True, check=False, timeout=60)

    plain, (link, real, pipe) = tmp_path / "plain", (tmp_path / name for name in ("link", "there/real", "pipe"))
    assert run(plain).returncode == 0
    real.parent.mkdir()
    real.write_text("mine")
    link.symlink_to(real)
    if command != ["report"]:
        assert run(link).returncode == 2
        assert real.read_text() == "mine"
    assert run(link, *(["--force"] if command != ["report"] else [])).returncode == 0
    assert link.is_symlink()
    assert real.read_bytes() == plain.read_bytes()
    assert [path.name for path in real.parent.iterdir()] == ["real"]

    shown = run(Path("/dev/stdout"))
    assert (shown.returncode, shown.stdout) == (0, plain.read_bytes())
    assert b"wrote" in shown.stderr
    os.mkfifo(pipe)
    with ThreadPoolExecutor() as pool:
        read = pool.submit(pipe.read_bytes)
        assert run(pipe).returncode == 0
        assert read.result(timeout=30) == plain.read_bytes()
    assert pipe.is_fifo()
    assert run(Path("/dev/null")).returncode == 0
    assert Path("/dev/null").is_char_device()


def test_a_damaged_table_is_refused(dedupe: Dedupe, output: Path, tmp_path: Path) -> None:
    copy = tmp_path / "copy"
    shutil.copytree(output, copy)
    data = bytearray((copy / "canonical.parquet").read_bytes())
    data[len(data) // 3] ^= 1
    (copy / "canonical.parquet").write_bytes(data)
    refused = dedupe("export", copy, tmp_path / "a.csv")
    assert refused.exit_code == 3
    assert "canonical.parquet of" in refused.stderr
    assert "its hash is not the one in the manifest" in refused.stderr
    assert not (tmp_path / "a.csv").exists()
    assert dedupe("export", copy, tmp_path / "a.csv", "--all").exit_code == 0


def test_a_hyphen_is_no_name(dedupe: Dedupe, output: Path) -> None:
    refused = dedupe("export", output, "-", "--format", "csv")
    assert refused.exit_code == 2
    assert "- is neither" in refused.stderr


def test_the_output_itself_is_no_target(output: Path, dedupe: Dedupe) -> None:
    before = {path: path.stat().st_mtime_ns for path in output.rglob("*")}
    for target in (output, output / "corpus.parquet", output / "x" / "a.csv", output.parent):
        refused = dedupe("export", output, target, "--force")
        assert refused.exit_code == 2, target
        assert "output itself" in refused.stderr
    assert {path: path.stat().st_mtime_ns for path in output.rglob("*")} == before


@pytest.mark.parametrize(
    "options",
    [
        ["--by", "month", "--format", "csv"],
        ["--columns", "title", "--format", "text"],
        ["--by", "language", "--columns", "language"],
    ],
)
def test_what_does_not_go_together_is_told(options: list[str], dedupe: Dedupe, output: Path, tmp_path: Path) -> None:
    result = dedupe("export", output, tmp_path / "x", *options)
    assert result.exit_code == 2
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("options", [{}, {"by": "month"}, {"format": "text"}])
def test_a_failure_leaves_what_was_there(
    options: dict[str, Any], output: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    target = tmp_path / "target"
    export(Output(output), target, **options)
    before = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}

    def full(stage: str, done: int, total: int) -> None:
        raise OSError(28, "No space left on device")

    with pytest.raises(OSError, match="No space"):
        export(Output(output), target, force=True, progress=full, **options)
    assert {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()} == before
    rename = os.replace

    def fails_at_last(old: Path, new: Path) -> None:
        if Path(old).name == "new":
            raise OSError(5, "Input/output error")
        rename(old, new)

    monkeypatch.setattr(os, "replace", fails_at_last)
    with pytest.raises(OSError, match="Input"):
        export(Output(output), target, force=True, **options)
    assert {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()} == before


def test_a_place_that_cannot_be_written_is_told(output: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("mine")
    with pytest.raises(DedupeError, match="cannot be written"):
        export(Output(output), tmp_path / "file" / "a.csv")


def test_the_same_output_gives_the_same_bytes(output: Path, tmp_path: Path) -> None:
    for name, options in {"a.parquet": {}, "a.csv": {}, "parts": {"by": "month"}}.items():
        found = []
        for turn in ("one", "two"):
            export(Output(output), tmp_path / turn / name, **options)  # type: ignore[arg-type]
            found.append(
                {
                    path.relative_to(tmp_path / turn).as_posix(): path.read_bytes()
                    for path in (tmp_path / turn).rglob("*")
                    if path.is_file()
                }
            )
        assert found[0] == found[1]


def test_progress_counts_the_articles(output: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(exporting, "_ROWS", 4)
    seen: list[tuple[int, int]] = []
    export(Output(output), tmp_path / "a.csv", progress=lambda stage, done, total: seen.append((done, total)))
    assert seen[-1] == (9, 9)
    assert len(seen) > 1
