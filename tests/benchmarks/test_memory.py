import sys

import pytest

from benchmarks import memory

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="/proc is Linux's")

# Every page is written to, and nothing is held twice on the way: what a sample sees does not depend on when it is taken.
TAKE = "block = bytearray({megabytes}_000_000); block[::4096] = b'x' * len(block[::4096]); "
HOLD = "import time; " + TAKE + "time.sleep(0.6)"


def test_output_and_status_come_through() -> None:
    finished = memory.run([sys.executable, "-c", "import sys; print('out'); print('gone wrong', file=sys.stderr); sys.exit(3)"])
    assert (finished.status, finished.stdout, finished.why) == (3, "out\n", "gone wrong")
    assert finished.peak == 0


def test_peak_is_the_sum_over_all_processes() -> None:
    alone = memory.run([sys.executable, "-c", HOLD.format(megabytes=60)], sample=True)
    assert 60e6 < alone.peak < 100e6
    child = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {HOLD.format(megabytes=60)!r}]); "
    both = memory.run([sys.executable, "-c", TAKE.format(megabytes=60) + child], sample=True)
    assert 120e6 < both.peak < 180e6
