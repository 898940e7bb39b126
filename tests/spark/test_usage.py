"""What a run on Spark refuses; needs no Spark."""

import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import Result

import dedupe as package
from dedupe import job


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


def test_articles_are_not_taken_into_an_output(seeds: Path, tmp_path: Path) -> None:
    job.clean([seeds], tmp_path / "out", workers=1)
    before = (tmp_path / "out" / "manifest.json").read_bytes()

    def carried(*_: object) -> None:
        pytest.fail("the run was begun")

    with pytest.raises(package.DedupeError, match="take articles in"):
        job.clean([seeds], tmp_path / "out", previous=tmp_path / "out", carried=carried)
    assert (tmp_path / "out" / "manifest.json").read_bytes() == before
