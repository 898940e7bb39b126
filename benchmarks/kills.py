"""Kill runs at random moments of each stage, let the next one go on, and compare what comes out with an unbroken run.

`python -m benchmarks.kills --kills 1000`. A run with all its workers is killed by a signal that nothing can catch; the same
command is then given again, until it comes through. Each output that is whole must be that of the unbroken run, byte for byte.
Exits with status 1 where one is not, where a command ends otherwise than it should, or where one hangs.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from pathlib import Path
from typing import Any

from benchmarks.corpus import make

# A run of a second or two that takes this many seconds hangs.
HANGS = 120

START = "the start"


def contents(output: Path) -> dict[str, Any]:
    """Return what must be the same: every file less the times of the run."""
    found: dict[str, Any] = {
        path.relative_to(output).as_posix(): path.read_bytes()
        for path in output.rglob("*")
        if path.is_file() and ".runs" not in path.parts and path.name not in ("manifest.json", "report.html")
    }
    manifest = json.loads((output / "manifest.json").read_text())
    del manifest["run"]
    manifest["tables"].pop("report.html", None)
    return found | {"manifest": manifest}


class Watched:
    """Run a command and note when it says that a stage is done."""

    def __init__(self, command: list[str]) -> None:
        self.began = time.monotonic()
        self.process = subprocess.Popen(
            command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, start_new_session=True
        )  # fmt: skip
        self.said, self.done = [""], {START: 0.0}
        self._reader = threading.Thread(target=self._read)
        self._reader.start()

    def _read(self) -> None:
        assert self.process.stderr is not None
        for line in self.process.stderr:
            self.said.append(line)
            if line.endswith(": done\n"):
                self.done.setdefault(line.removesuffix(": done\n"), time.monotonic() - self.began)

    def stages(self) -> list[tuple[str, float]]:
        """Wait for the end; return what each stage comes after, in order, and its seconds. Exits where the command failed."""
        if status := self._ended():
            sys.exit(f"a run ended with status {status}: {''.join(self.said)}")
        times = [*self.done.values(), time.monotonic() - self.began]
        return [(stage, stop - start) for stage, start, stop in zip(self.done, times[:-1], times[1:], strict=True)]

    def kill(self, after: str, delay: float) -> bool:
        """Kill it with all its processes so many seconds after a stage; return whether it was still running."""
        while after not in self.done and self.process.poll() is None:
            time.sleep(0.005)
        try:
            self.process.wait(delay)
        except subprocess.TimeoutExpired:
            os.killpg(self.process.pid, signal.SIGKILL)
            self._ended()
            return True
        self.stages()
        return False

    def _ended(self) -> int:
        try:
            status = self.process.wait(HANGS)
        except subprocess.TimeoutExpired:
            os.killpg(self.process.pid, signal.SIGKILL)
            sys.exit(f"a run hangs: {''.join(self.said)}")
        self._reader.join()
        return status


def main() -> None:
    """Kill and count from the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=1000)
    parser.add_argument("--articles", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--minutes", type=float, help="stop after so many, with what was done by then")
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    chance, moments, outputs, through = random.Random(given.seed), Counter[str](), 0, 0
    begun = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="dedupe-kills-") as temporary:
        folder = Path(temporary)
        source, whole, broken = folder / "in", folder / "whole", folder / "broken"
        source.mkdir()
        for number in range(3):
            make(source / f"{number}.jsonl", given.articles // 3, given.seed + number)
        for truth in source.glob("*.truth.jsonl"):
            truth.unlink()
        command = [sys.executable, "-m", "dedupe", "clean", str(source), "--workers", "2", "-o"]
        Watched([*command, str(whole)]).stages()  # compiles what is not compiled
        stages = Watched([*command, str(folder / "again")]).stages()
        expected = contents(whole)
        while moments.total() < given.kills and (not given.minutes or time.monotonic() - begun < given.minutes * 60):
            # Any stage, however short, and any moment of it.
            after, seconds = chance.choice(stages)
            killed = Watched([*command, str(broken)]).kill(after, chance.uniform(0, seconds * 1.1))
            moments[after] += killed
            through += not killed
            if (broken / "manifest.json").exists():
                # Killed in the midst of publishing it is whole as soon as a reader has come by.
                subprocess.run(
                    [sys.executable, "-m", "dedupe", "inspect", str(broken), "--check"], check=True, capture_output=True
                )
                if contents(broken) != expected:
                    sys.exit(f"after {moments.total():,} kills the output is not that of an unbroken run")
                outputs += 1
                shutil.rmtree(broken)
        Watched([*command, str(broken)]).stages()
        if contents(broken) != expected or [entry.name for entry in (broken / ".runs").iterdir()] != ["lock"]:
            sys.exit("the last output is not that of an unbroken run")
        outputs += 1
    took = time.monotonic() - begun
    if given.json:
        told = {"kills": moments.total(), "outputs": outputs, "came_through": through, "moments": moments, "seconds": took}
        print(json.dumps(told, indent=1))
        return
    print(f"{'killed':<44} {'runs':>6}")
    for after, _ in stages:
        print(f"{f'after {after}':<44} {moments[after]:>6,}")
    print(f"{'in all':<44} {moments.total():>6,}")
    print(f"\n{outputs:,} outputs came of it, each that of an unbroken run byte for byte; {took / 60:.1f} minutes.")


if __name__ == "__main__":
    main()
