"""Peak memory of a command with all its processes: the largest sum of PSS, sampled while it runs (Linux).

Run `python -m benchmarks.memory COMMAND ...`. PSS counts a page that n processes share as 1/n in each, so the
sum over the tree is what the machine gives; RSS would count memory-mapped tables once for every worker.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

# Reading smaps_rollup walks a process's page tables (1 ms for 1 GB), so ten samples a second cost a few per cent.
INTERVAL = 0.1


@dataclass(frozen=True)
class Finished:
    """Hold how a command ended: seconds with process start, peak PSS in bytes (0 if not sampled), status, output."""

    seconds: float
    peak: int
    status: int
    stdout: str
    stderr: str

    @property
    def why(self) -> str:
        """Return the last line it wrote, as the reason for a failure."""
        lines = (self.stderr.strip() or self.stdout.strip()).splitlines()
        return lines[-1].strip() if lines else f"exit status {self.status}"


def run(command: list[str], env: Mapping[str, str] | None = None, cwd: Path | None = None, sample: bool = False) -> Finished:
    """Run a command to its end, in a session of its own so that workers whose parent is gone still belong to it."""
    # As installed: an environment that forbids bytecode files would have every process compile our modules anew, 0.15 s of each,
    # which pip has done for those who installed them.
    env = {name: value for name, value in (env or os.environ).items() if name != "PYTHONDONTWRITEBYTECODE"}
    # Files, not pipes: a full pipe would stop the command while we sleep.
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        started = time.perf_counter()
        process = subprocess.Popen(command, stdout=out, stderr=err, env=env, cwd=cwd, start_new_session=True)
        peak = 0
        while sample and process.poll() is None:
            peak = max(peak, session_pss(process.pid))
            time.sleep(INTERVAL)
        status = process.wait()
        seconds = time.perf_counter() - started
        texts = []
        for file in (out, err):
            file.seek(0)
            texts.append(file.read().decode(errors="replace"))
    return Finished(seconds, peak, status, *texts)


def session_pss(session: int) -> int:
    """Return the sum of PSS, in bytes, of all processes of a session; those that end meanwhile count 0."""
    total = 0
    for entry in os.scandir("/proc"):
        if entry.name.isdigit():
            try:
                # A command's name may hold spaces and brackets; state, parent, group, session follow the last one.
                if int(Path(entry.path, "stat").read_text().rpartition(")")[2].split()[3]) == session:
                    total += process_pss(int(entry.name))
            except (OSError, IndexError, ValueError):
                continue
    return total


def process_pss(pid: int) -> int:
    """Return the PSS of one process in bytes. Raises OSError where it has ended or is another user's."""
    for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
        if line.startswith("Pss:"):
            return int(line.split()[1]) * 1024
    return 0


def main() -> None:
    """Run the command given, pass on what it writes, and state its peak; exit with its status."""
    finished = run(sys.argv[1:], sample=True)
    sys.stdout.write(finished.stdout)
    sys.stderr.write(finished.stderr)
    print(f"peak {finished.peak / 1e6:,.0f} MB of PSS over all processes, {finished.seconds:.2f} s", file=sys.stderr)
    sys.exit(finished.status)


if __name__ == "__main__":
    main()
