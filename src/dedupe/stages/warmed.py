"""Imported once by the process that workers are forked from, so that each of them starts with its kernels loaded."""

import os
import signal

os.environ["NUMBA_NUM_THREADS"] = "1"
# An interrupt from the keyboard reaches every process of the terminal; the one that the user started answers it for all.
signal.signal(signal.SIGINT, signal.SIG_IGN)

from dedupe.engine.libraries import start_libraries

start_libraries()

from dedupe.stages.maps import warm

warm()
