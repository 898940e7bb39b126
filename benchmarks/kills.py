"""Kill runs at random moments, let the next one go on, and compare what comes out with an unbroken run.

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
import time
from collections import Counter
from pathlib import Path
from typing import Any

from benchmarks.corpus import make

# Whatever takes this much longer than an unbroken run hangs.
HANGS = 60


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


def run(command: list[str], seconds: float | None) -> tuple[bool, str]:
    """Run a command; kill it with all its processes after so many seconds. Return whether it came through, and how far it was."""
    process = subprocess.Popen(
        command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, start_new_session=True
    )  # fmt: skip
    try:
        said = process.communicate(timeout=seconds)[1]
        if process.returncode:
            sys.exit(f"a run ended with status {process.returncode}: {said}")
        return True, ""
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        lines = [line for line in process.communicate()[1].splitlines() if line.endswith(": done")]
        return False, f"after {lines[-1].removesuffix(': done')}" if lines else "before the first stage was done"


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
        run([*command, str(whole)], None)  # compiles what is not compiled
        started = time.monotonic()
        run([*command, str(folder / "again")], None)
        longest = time.monotonic() - started
        expected = contents(whole)
        while moments.total() < given.kills and (not given.minutes or time.monotonic() - begun < given.minutes * 60):
            done, at = run([*command, str(broken)], chance.uniform(0.05, longest * 1.1))
            moments[at] += not done
            through += done
            if (broken / "manifest.json").exists():
                # Killed in the midst of publishing it is whole as soon as a reader has come by.
                subprocess.run(
                    [sys.executable, "-m", "dedupe", "inspect", str(broken), "--check"], check=True, capture_output=True
                )
                if contents(broken) != expected:
                    sys.exit(f"after {moments.total():,} kills the output is not that of an unbroken run")
                outputs += 1
                shutil.rmtree(broken)
        run([*command, str(broken)], longest * 10 + HANGS)
        if contents(broken) != expected or [entry.name for entry in (broken / ".runs").iterdir()] != ["lock"]:
            sys.exit("the last output is not that of an unbroken run")
        outputs += 1
    took = time.monotonic() - begun
    if given.json:
        told = {"kills": moments.total(), "outputs": outputs, "came_through": through, "moments": moments, "seconds": took}
        print(json.dumps(told, indent=1))
        return
    print(f"{'killed':<44} {'runs':>6}")
    for at, count in sorted(moments.items(), key=lambda item: -item[1]):
        if count:
            print(f"{at:<44} {count:>6,}")
    print(f"{'in all':<44} {moments.total():>6,}")
    print(f"\n{outputs:,} outputs came of it, each that of an unbroken run byte for byte; {took / 60:.1f} minutes.")


if __name__ == "__main__":
    main()
