"""What a run on Spark refuses; needs no Spark."""

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from click.testing import Result

import dedupe as package
from dedupe import job
from dedupe.commands import doctor
from dedupe.corpus.output import Output
from dedupe.corpus.references import References
from dedupe.decisions.facts import must_link
from dedupe.decisions.store import Decisions
from dedupe.engine import spark as engine


def test_a_sample_needs_no_spark(dedupe: Callable[..., Result], seeds: Path) -> None:
    done = dedupe("clean", seeds, "--engine", "spark", "--sample", "3")
    assert done.exit_code == 2
    assert "needs no Spark" in done.stderr


def test_missing_spark_is_said_with_the_command_that_installs_it(
    dedupe: Callable[..., Result], seeds: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "pyspark.sql", None)
    done = dedupe("clean", seeds, "-o", tmp_path / "out", "--engine", "spark")
    assert done.exit_code == 2
    assert "PySpark is not installed" in done.stderr
    assert "article-dedupe[spark]" in done.stderr
    assert not (tmp_path / "out").exists()


@pytest.mark.skipif(sys.platform == "win32", reason="a shell script stands for Java")
def test_an_old_java_is_refused_and_doctor_tells_of_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("pyspark")
    (tmp_path / "bin").mkdir()
    monkeypatch.setenv("JAVA_HOME", str(tmp_path))
    assert engine.java_version() is None
    (tmp_path / "bin" / "java").write_text("#!/bin/sh\necho 'openjdk version \"11.0.2\" 2019-01-15' >&2\n")
    (tmp_path / "bin" / "java").chmod(0o755)
    assert engine.java_version() == 11
    with pytest.raises(package.DedupeError, match="needs Java 17 or newer, and the one here is 11"):
        engine._on_this_machine(None, 1)
    (told,) = [finding.found for finding in doctor.examine() if finding.name == "extra spark"]
    assert "finds 11" in told


def test_articles_are_not_taken_into_an_output(seeds: Path, tmp_path: Path) -> None:
    job.clean([seeds], tmp_path / "out", workers=1)
    before = (tmp_path / "out" / "manifest.json").read_bytes()

    def carried(*_: object) -> None:
        pytest.fail("the run was begun")

    with pytest.raises(package.DedupeError, match="take articles in"):
        job.clean([seeds], tmp_path / "out", previous=tmp_path / "out", carried=carried)
    assert (tmp_path / "out" / "manifest.json").read_bytes() == before


def test_an_output_folder_hands_on_to_frames_what_it_hands_on_to_files(seeds: Path, tmp_path: Path) -> None:
    from dedupe.spark.handing import HandedOn, handed_on

    nothing: Any = None  # no session is asked
    assert handed_on(nothing, None, package.Config()) == HandedOn()
    job.clean([seeds], tmp_path / "out", workers=1)
    ids = pq.read_table(tmp_path / "out" / "corpus.parquet")["article_id"].to_pylist()
    references = References(Output(tmp_path / "out")).of(ids[:2])
    Decisions.open(tmp_path / "out").record("merge", [must_link(ids[:2])], who="ann", queue="doubt", articles=references)
    job.forget(tmp_path / "out", {ids[2]}, workers=1)
    handed = handed_on(nothing, tmp_path / "out", package.Config())
    assert handed.generation == 3
    assert handed.forgotten == {ids[2]}
    assert handed.taken
    assert set(handed.taken.references) == set(ids[:2])
    assert handed.learned is not None
    assert handed_on(nothing, tmp_path / "out", package.Config(clean=False)).learned is None
