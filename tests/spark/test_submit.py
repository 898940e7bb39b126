"""The command as `spark-submit` runs it."""

import json
import os
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

import dedupe_command

pytestmark = pytest.mark.slow


def test_it_runs_in_the_session_that_spark_submit_has_prepared(able: None, seeds: Path, tmp_path: Path) -> None:
    found = find_spec("pyspark")
    assert found
    assert found.origin
    submit = Path(found.origin).parent / "bin" / "spark-submit"
    (tmp_path / "log").mkdir()
    settings = {
        "spark.sql.shuffle.partitions": "2",
        "spark.driver.bindAddress": "127.0.0.1",
        "spark.driver.host": "127.0.0.1",
        "spark.eventLog.enabled": "true",
        "spark.eventLog.compress": "false",
        "spark.eventLog.rolling.enabled": "false",
        "spark.eventLog.dir": (tmp_path / "log").as_uri(),
    }
    done = subprocess.run(
        [
            str(submit), "--master", "local[1]", *(part for pair in settings.items() for part in ("--conf", "=".join(pair))),
            dedupe_command.__file__, "clean", seeds.as_uri(), "-o", str(tmp_path / "out"), "--engine", "spark", "--json",
        ],
        env=os.environ | {"PYSPARK_PYTHON": sys.executable}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-3000:]
    # spark-submit puts on its stdout what the program writes to stderr too.
    said = f"\n{done.stdout}"
    assert json.loads(said[said.index("\n{") :])["articles"] == 5
    (log,) = (path for path in (tmp_path / "log").iterdir() if path.is_file())
    told = log.read_text(encoding="utf-8")
    assert '"spark.master":"local[1]"' in told
    assert "dedupe: repair and sign" in told


def test_spark_on_this_machine_starts_without_a_word_of_its_own(able: None) -> None:
    code = (
        "from pyspark.sql import SparkSession; from dedupe.engine.spark import _on_this_machine;"
        " _on_this_machine(SparkSession.builder, 1).range(3).count()"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    # What the JVM itself says of its modules comes before any setting.
    assert [line for line in done.stderr.splitlines() if not line.startswith("WARNING: Using incubator modules")] == []
    assert done.stdout == ""
