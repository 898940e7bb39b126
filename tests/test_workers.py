"""Workers that die: their shards are done again, an article that kills them is rejected, and nothing else changes."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
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


# Stands before every process of the run: a text with a certain word ends whatever works on it, in one of the maps.
KILLER = """
import importlib.abc, importlib.util, os, signal, sys
from operator import attrgetter

def texts_of(given):
    if isinstance(given, str):
        return [given]
    if hasattr(given, "schema"):
        return given["text"].to_pylist()
    return [getattr(given, "text", None)]

def made_deadly(module, which):
    *holder, name = which.split(".")
    owner = attrgetter(*holder)(module) if holder else module
    work = getattr(owner, name)

    def deadly(*given):
        if any("KILLME" in (text or "") for one in given for text in texts_of(one)):
            os.kill(os.getpid(), signal.SIGKILL)
        return work(*given)

    setattr(owner, name, deadly)

class Patch(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path=None, target=None):
        where, which = os.environ["DEADLY"].split(":")
        if name != where:
            return None
        sys.meta_path.remove(self)
        spec = importlib.util.find_spec(name)
        load = spec.loader.exec_module
        spec.loader.exec_module = lambda module: (load(module), made_deadly(module, which))
        return spec

sys.meta_path.insert(0, Patch())
"""


def killing(folder: Path, deadly: str) -> dict[str, str]:
    folder.mkdir(exist_ok=True)
    (folder / "sitecustomize.py").write_text(KILLER)
    return os.environ | {"PYTHONPATH": f"{folder}{os.pathsep}{os.environ.get('PYTHONPATH', '')}", "DEADLY": deadly}


def cleaned(source: Path, output: Path, deadly: str, *options: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "dedupe", "clean", str(source), "-o", str(output), "--workers", "2", "-q", *options],
        env=killing(output.with_name("patch"), deadly),
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize("stage", ["LocalRepair", "RepetitionRepair"])
def test_an_article_that_kills_is_rejected(stage: str, tmp_path: Path) -> None:
    source = tmp_path / "in"
    source.mkdir()
    words = "one article about something that happened in a town by the river on day".split()
    for file in range(3):
        with (source / f"{file}.jsonl").open("w") as out:
            for number in range(20):
                text = " ".join([*words, str(file), str(number)]) + (" KILLME" if file == 1 and number in (4, 11) else "")
                out.write(json.dumps({"text": text}) + "\n")
    done = cleaned(source, tmp_path / "out", f"dedupe.stages.maps:{stage}.__call__", "--json")
    assert done.returncode == 0, done.stderr
    summary = json.loads(done.stdout)
    assert summary["worker_deaths"] >= 3
    assert summary["articles"] == 58
    assert summary["rejects"] == {"deadly": 2}
    rejects = pq.read_table(tmp_path / "out" / "rejects.parquet").to_pylist()
    assert [(row["path"], row["record"]) for row in rejects] == [("1.jsonl", 5), ("1.jsonl", 12)]


ENDINGS = ["tale", "fable", "rumour", "legend", "report", "story", "poem"]


def spun_articles(path: Path, deadly: set[int], endings: Sequence[str]) -> None:
    spun = (Path(__file__).parents[1] / "seeds" / "visit-planned-bitcoinist-spun.txt").read_text(encoding="utf-8")
    rows = [
        {"id": str(n), "text": f"{spun}\nIt was told as {ending}{' KILLME' * (n in deadly)}."} for n, ending in enumerate(endings)
    ]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))


def test_an_article_that_kills_as_it_is_restored_stays_as_it_is(tmp_path: Path) -> None:
    spun_articles(tmp_path / "in.jsonl", {3, 30}, [f"number {n}" for n in range(40)])
    done = cleaned(tmp_path / "in.jsonl", tmp_path / "out", "dedupe.stages.despinning:SpinRepair.repair")
    assert done.returncode == 0, done.stderr
    assert "kept spun  2 articles: " in done.stdout
    corpus = {row["input_id"]: row for row in pq.read_table(tmp_path / "out" / "corpus.parquet").to_pylist()}
    edits = pq.read_table(tmp_path / "out" / "edits.parquet").to_pylist()
    restored = {edit["article_id"] for edit in edits if edit["rule"].startswith("R4")}
    assert {name for name, row in corpus.items() if row["article_id"] not in restored} == {"3", "30"}


def test_an_article_that_kills_as_it_is_compared_with_others_stays_as_the_model_left_it(tmp_path: Path) -> None:
    # Numbers that differ would make updates of them, each in a cluster of its own.
    spun_articles(tmp_path / "in.jsonl", {3, 30}, [f"{one} {other}" for one in ENDINGS for other in ENDINGS if one != other])
    done = cleaned(tmp_path / "in.jsonl", tmp_path / "out", "dedupe.stages.despinning:SpinRepair.repair_by_siblings", "--json")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["worker_deaths"] >= 2 * 2
    corpus = pq.read_table(tmp_path / "out" / "corpus.parquet").to_pylist()
    edits = pq.read_table(tmp_path / "out" / "edits.parquet").to_pylist()
    assert {edit["article_id"] for edit in edits if edit["rule"].startswith("R4")} == {row["article_id"] for row in corpus}


# Articles by twos, the second of which is the first with words swapped, too few to be told by itself.
TELL = """
import json, sys
import numpy as np
import pyarrow as pa
from dedupe.engine.local import Pool
from dedupe.match.signatures import Signer
from dedupe.repair.spin.lexicon import read_lexicon
from dedupe.repair.spin.spinner import build_spinner, spin
from dedupe.stages.despinning import tell_spun

text, spinner = open(sys.argv[1], encoding="utf-8").read(), build_spinner(read_lexicon())
copy = spin(text, spinner, 0.25, 1).text
texts = pa.array([f"{one} Told as {n}{' KILLME' * (n in (2, 19))}." for n in range(20) for one in (text, copy)])
rows = np.arange(len(texts))
with Pool(2) as pool:
    told = tell_spun(
        np.zeros(len(texts), np.float32), (rows[::2], rows[1::2]), Signer(1)(texts).n_tokens, lambda rows: texts.take(pa.array(rows)), pool
    )
    print(json.dumps([np.flatnonzero(told).tolist(), pool.deaths]))
"""


def test_of_a_pair_that_kills_as_it_is_read_neither_is_told_to_be_spun(tmp_path: Path) -> None:
    text = Path(__file__).parents[1] / "seeds" / "visit-planned-analysis.txt"
    env = killing(tmp_path, "dedupe.stages.despinning:worse_reading")
    done = subprocess.run([sys.executable, "-c", TELL, str(text)], env=env, capture_output=True, text=True, check=True)
    told, deaths = json.loads(done.stdout)
    assert told == [2 * n + 1 for n in range(20) if n not in (2, 19)]
    assert deaths >= 2 * 2


def test_restoring_that_kills_without_end_is_told(tmp_path: Path) -> None:
    spun_articles(tmp_path / "in.jsonl", set(range(25)), [f"number {n}" for n in range(25)])
    done = cleaned(tmp_path / "in.jsonl", tmp_path / "out", "dedupe.stages.despinning:SpinRepair.repair")
    assert done.returncode == 3
    assert "Worker processes were ended from outside" in done.stderr


def test_a_run_that_is_ended_says_nothing_of_semaphores() -> None:
    held = (
        "import time; from dedupe.engine.local import Pool; pool = Pool(2); list(pool.map(abs, [(1,)])); print(1, flush=True); "
    )
    run = subprocess.Popen(
        [sys.executable, "-c", held + "time.sleep(60)"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert run.stdout is not None
    assert run.stdout.readline() == "1\n"
    run.terminate()
    # The pipe is closed once the last process of the run has ended.
    assert run.communicate(timeout=60)[1] == ""
