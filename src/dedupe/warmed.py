"""Imported once by the process that workers are forked from, so that each of them starts with its kernels loaded."""

import os

os.environ["NUMBA_NUM_THREADS"] = "1"

from dedupe.engine.numba_start import start_numba

start_numba()

from dedupe.maps import warm

warm()
