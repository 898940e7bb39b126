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


def test_an_output_with_decisions_is_left_alone(seeds: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(job, "take_decisions", lambda *_: (object(), None))

    def carried(*_: object) -> None:
        pytest.fail("the run was begun")

    with pytest.raises(package.DedupeError, match="decisions of people"):
        job.clean([seeds], tmp_path / "out", carried=carried)
