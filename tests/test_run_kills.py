"""A real process killed at each boundary of the stages and of publishing: what follows goes on, and its output is the same."""

from __future__ import annotations

import json
import random
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from dedupe import job
from dedupe.corpus.inspect import check_output
from dedupe.corpus.output import Output
from dedupe.write.publish import MANIFEST, RUNS

pytestmark = pytest.mark.slow

LONGEST_SECONDS = 300

# A run that ends itself by a signal that nothing can catch, as it begins or ends a stage, or between two steps of publishing.
RUN = """
import os, signal, sys
from dedupe import job
from dedupe.engine import timings

source, output, boundary = sys.argv[1:]
seen = []

def pass_by(name):
    seen.append(name)
    if f"{name} {seen.count(name)}" == boundary:
        os.kill(os.getpid(), signal.SIGKILL)

begin = timings.Timings.of
def of(self, stage):
    pass_by("begin " + stage)
    return begin(self, stage)
timings.Timings.of = of

def progress(stage, done, total):
    if done == total:
        pass_by("end " + stage)

publish = job.publish
def published(*given):
    pass_by("publish")
    publish(*given)
    pass_by("published")
job.publish = published

if __name__ == "__main__":
    job.clean([source], output, workers=2, progress=progress)
    print("\\n".join(f"{name} {seen[:at].count(name) + 1}" for at, name in enumerate(seen)))
"""

# Publishing alone, and the same kill before its n-th change of the file system.
PUBLISH = """
import os, shutil, signal, sys
from pathlib import Path
from dedupe.write import publish

output, run, last = Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3])
steps = 0

def counted(function):
    def call(*given, **options):
        global steps
        steps += 1
        if steps == last:
            os.kill(os.getpid(), signal.SIGKILL)
        return function(*given, **options)
    return call

os.replace, shutil.rmtree, Path.unlink = counted(os.replace), counted(shutil.rmtree), counted(Path.unlink)
publish.publish(output, run)
"""


def corpus(folder: Path, number: int = 60) -> Path:
    chance = random.Random(number)
    words = [f"{a}{b}{c}" for a in ("ba", "ko", "ti", "re") for b in ("lan", "ver", "dis", "tom") for c in ("a", "en", "ul")]
    folder.mkdir()
    for file in range(2):
        with (folder / f"{file}.jsonl").open("w") as out:
            for _ in range(number // 2):
                out.write(json.dumps({"text": " ".join(chance.choices(words, k=60)) + ".\nSign up for our newsletter."}) + "\n")
    return folder


def contents(output: Path) -> dict[str, object]:
    found: dict[str, object] = {
        path.relative_to(output).as_posix(): path.read_bytes()
        for path in output.rglob("*")
        if path.is_file() and RUNS not in path.relative_to(output).parts and path.name not in (MANIFEST, "report.html")
    }
    told = json.loads((output / MANIFEST).read_text())
    del told["run"]
    told["tables"].pop("report.html", None)
    return found | {MANIFEST: told}


def process(code: str, *arguments: object) -> subprocess.CompletedProcess[str]:
    done = subprocess.run(
        [sys.executable, "-c", code, *map(str, arguments)],
        capture_output=True, text=True, timeout=LONGEST_SECONDS, check=False,
    )  # fmt: skip
    assert done.returncode in (0, -9), done.stderr
    return done


def test_a_kill_at_each_boundary_loses_nothing(tmp_path: Path) -> None:
    source, whole, broken = corpus(tmp_path / "in"), tmp_path / "whole", tmp_path / "broken"
    boundaries = process(RUN, source, whole, "none").stdout.splitlines()
    assert {"begin read and repair 1", "end repair and sign 1", "begin cluster 1", "begin write 1", "publish 1"} <= {*boundaries}
    # Each run goes on from what the one before has left, and is killed at the next boundary.
    for boundary in boundaries:
        done = process(RUN, source, broken, boundary)
        assert done.returncode == -9, (boundary, done.stdout)
        there = (broken / MANIFEST).exists()
        assert there == (boundary in ("published 1", "end write 1")), boundary
        if there:
            assert contents(broken) == contents(whole), boundary
            shutil.rmtree(broken)
    assert process(RUN, source, broken, "none").returncode == 0
    assert contents(broken) == contents(whole)
    assert [entry.name for entry in (broken / RUNS).iterdir()] == ["lock"]


def test_a_kill_between_the_steps_of_publishing_leaves_one_whole_output(tmp_path: Path) -> None:
    job.clean([corpus(tmp_path / "in")], tmp_path / "old", workers=1)
    job.clean([corpus(tmp_path / "more", 80)], tmp_path / "new", workers=1)
    old, new = contents(tmp_path / "old"), contents(tmp_path / "new")
    outcomes = []
    while True:
        output = tmp_path / "out"
        run = output / RUNS / "run"
        shutil.copytree(tmp_path / "old", output)
        shutil.copytree(tmp_path / "new", run / "new", ignore=shutil.ignore_patterns(RUNS))
        killed = process(PUBLISH, output, run, len(outcomes) + 1).returncode == -9
        Output(output)  # any reader completes what was begun
        found = contents(output)
        assert found in (old, new), len(outcomes)
        assert check_output(output) == []
        outcomes.append(found == new)
        shutil.rmtree(output)
        if not killed:
            break
    assert outcomes == sorted(outcomes), "once the new one counts, it stays"
    assert outcomes[0] is False
    assert outcomes.count(True) > 10
