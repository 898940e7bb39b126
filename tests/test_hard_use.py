"""What a newcomer does wrong, or to a command that is right, ends in a sentence and its status."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from click.testing import Result

import dedupe as package

Dedupe = Callable[..., Result]


@pytest.fixture(scope="module")
def output(seeds: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("made") / "out"
    package.clean(str(seeds), output=made)
    return made


def test_a_title_and_a_text_with_defects_are_both_shown_in_the_report(dedupe: Dedupe, tmp_path: Path) -> None:
    record = {"title": "It\u00e2\u20ac\u2122s over", "text": "Tom &amp; Jerry, the mayor said on Monday that all is well."}
    (tmp_path / "one.jsonl").write_text(json.dumps(record), encoding="utf-8")
    done = dedupe("clean", tmp_path / "one.jsonl", "-o", tmp_path / "out")
    assert done.exit_code == 0, done.stderr
    report = (tmp_path / "out" / "report.html").read_text(encoding="utf-8")
    assert "mojibake" in report
    assert "entities" in report


@pytest.fixture
def nowhere(tmp_path: Path) -> Path:
    folder = tmp_path / "links"
    folder.mkdir()
    (folder / "a.txt").symlink_to(tmp_path / "gone.txt")
    return folder


def test_input_of_nothing_but_rejects_gives_an_output(dedupe: Dedupe, nowhere: Path, tmp_path: Path) -> None:
    assert dedupe("clean", nowhere, "--sample", "3").exit_code == 0
    done = dedupe("clean", nowhere, "-o", tmp_path / "out")
    assert done.exit_code == 0, done.stderr
    assert pq.read_table(tmp_path / "out" / "corpus.parquet").num_rows == 0
    assert pq.read_table(tmp_path / "out" / "rejects.parquet")["code"].to_pylist() == ["unreadable"]
    assert dedupe("inspect", tmp_path / "out", "--check").exit_code == 0


def test_match_says_what_it_could_not_read(dedupe: Dedupe, nowhere: Path, output: Path) -> None:
    assert "rejected: It cannot be read" in dedupe("match", nowhere, "--in", output).stdout


@pytest.mark.parametrize("name", ["ex.xlsx", "ex.jsonl.bz2", "-"])
def test_an_export_whose_name_says_nothing_is_refused(dedupe: Dedupe, output: Path, tmp_path: Path, name: str) -> None:
    done = dedupe("export", output, name if name == "-" else tmp_path / name)
    assert done.exit_code == 2
    assert list(tmp_path.iterdir()) == []


def test_an_article_is_not_explained_against_itself(dedupe: Dedupe, output: Path) -> None:
    one = pq.read_table(output / "corpus.parquet")["article_id"][0].as_py()
    done = dedupe("explain", one, one, "-o", output)
    assert done.exit_code == 2
    assert "two articles" in done.stderr


def test_a_file_is_no_output(dedupe: Dedupe, output: Path) -> None:
    done = dedupe("stats", output / "corpus.parquet")
    assert done.exit_code == 2
    assert "is a file" in done.stderr


def test_edits_of_another_text_do_not_fit() -> None:
    edit = {"seq": 0, "field": "text", "rule": "R102", "start": 9, "end": 12, "before": "abc", "after": ""}
    with pytest.raises(ValueError, match="does not fit"):
        package.restore("short", [edit | {"confidence": 1.0, "evidence": ""}])


@pytest.mark.skipif(sys.platform == "win32", reason="pipes end otherwise there")
@pytest.mark.parametrize("command", [["stats"], ["inspect", "--check"]])
def test_a_reader_that_has_gone_is_no_condition_that_holds(command: list[str], output: Path) -> None:
    line = f"{sys.executable} -m dedupe {command[0]} {output} {' '.join(command[1:])} | true; exit ${{PIPESTATUS[0]}}"
    done = subprocess.run(["bash", "-c", line], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (141, "")


@pytest.mark.skipif(sys.platform == "win32", reason="a shell closes the stream")
def test_a_closed_stdout_is_no_stack_trace(output: Path) -> None:
    done = subprocess.run(
        ["bash", "-c", f"{sys.executable} -m dedupe stats {output} >&-"], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")
