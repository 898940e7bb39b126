"""Workers that die: their shards are done again, an article that kills them is rejected, and nothing else changes."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from dedupe.engine.local import Pool
from dedupe.errors import WorkerDiedError

pytestmark = pytest.mark.slow


def kill_once(number: int, marker: str) -> int:
    if number == 3 and not Path(marker).exists():
        Path(marker).touch()
        os.kill(os.getpid(), signal.SIGKILL)
    time.sleep(0.01)
    return number * number


def kill_always(number: int) -> int:
    if number == 3:
        os.kill(os.getpid(), signal.SIGKILL)
    return number * number


def test_what_a_dead_worker_had_begun_is_done_again(tmp_path: Path) -> None:
    with Pool(2) as pool:
        items = [(number, str(tmp_path / "marker")) for number in range(12)]
        assert list(pool.map(kill_once, items)) == [number * number for number in range(12)]
        assert pool.deaths == 1
        assert list(pool.map(abs, [(-1,), (-2,)])) == [1, 2], "the pool goes on"


def test_what_kills_again_is_rescued_or_told() -> None:
    with Pool(2) as pool:
        rescued = list(pool.map(kill_always, [(number,) for number in range(6)], rescue=lambda number: -number))
        assert rescued == [0, 1, 4, -3, 16, 25]
        with pytest.raises(WorkerDiedError):
            list(pool.map(kill_always, [(3,), (4,)]))


# Stands before every process of the run: a text with a certain word ends whatever works on it, in one of the two maps.
KILLER = """
import importlib.abc, importlib.machinery, os, signal, sys

class Patch(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path=None, target=None):
        if name != "dedupe.stages.maps":
            return None
        sys.meta_path.remove(self)
        import dedupe.stages.maps as maps
        which = getattr(maps, os.environ["DEADLY_STAGE"])
        work = which.__call__

        def deadly(self, batch):
            if any("KILLME" in (text or "") for text in batch["text"].to_pylist()):
                os.kill(os.getpid(), signal.SIGKILL)
            return work(self, batch)

        which.__call__ = deadly
        return maps.__spec__

sys.meta_path.insert(0, Patch())
"""


@pytest.mark.parametrize("stage", ["LocalRepair", "RepetitionRepair"])
def test_an_article_that_kills_is_rejected(stage: str, tmp_path: Path) -> None:
    (tmp_path / "patch").mkdir()
    (tmp_path / "patch" / "sitecustomize.py").write_text(KILLER)
    source = tmp_path / "in"
    source.mkdir()
    words = "one article about something that happened in a town by the river on day".split()
    for file in range(3):
        with (source / f"{file}.jsonl").open("w") as out:
            for number in range(20):
                text = " ".join([*words, str(file), str(number)]) + (" KILLME" if file == 1 and number in (4, 11) else "")
                out.write(json.dumps({"text": text}) + "\n")
    path = f"{tmp_path / 'patch'}{os.pathsep}{os.environ.get('PYTHONPATH', '')}"
    done = subprocess.run(
        [sys.executable, "-m", "dedupe", "clean", str(source), "-o", str(tmp_path / "out"), "--workers", "2", "-q", "--json"],
        env=os.environ | {"PYTHONPATH": path, "DEADLY_STAGE": stage},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    summary = json.loads(done.stdout)
    assert summary["worker_deaths"] >= 3
    assert summary["articles"] == 58
    assert summary["rejects"] == {"deadly": 2}
    rejects = pq.read_table(tmp_path / "out" / "rejects.parquet").to_pylist()
    assert [(row["path"], row["record"]) for row in rejects] == [("1.jsonl", 5), ("1.jsonl", 12)]
