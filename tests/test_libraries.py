"""What a process of ours loads at its start, and that nothing is lost by it."""

import subprocess
import sys

_CODE = """
import sys
from dedupe.engine.libraries import start_libraries
start_libraries()
import pyarrow as pa
table = pa.table({"a": pa.array([1, 2])})
print("pandas" in sys.modules, "scipy" in sys.modules, table.to_pandas()["a"].sum(), "pandas" in sys.modules)
import scipy
"""


def test_pandas_and_scipy_are_loaded_when_they_are_asked_for() -> None:
    told = subprocess.run([sys.executable, "-c", _CODE], capture_output=True, text=True, check=True)
    assert told.stdout.split() == ["False", "False", "3", "True"]


_KERNELS = """
import sys
from dedupe.engine.libraries import start_libraries
start_libraries()
import numpy as np
from numba import njit
from numba.core.cpu import CPUContext
readied = []
ready = CPUContext.load_additional_registries
CPUContext.load_additional_registries = lambda self: readied.append(1) or ready(self)
from dedupe.stages.maps import warm
warm()
print(len(readied), "scipy" in sys.modules, "cffi" in sys.modules)
root_of_sum = njit(lambda values: np.sqrt(np.sort(values).sum()))
print(root_of_sum(np.array([4.0, 3.0, 2.0])), len(readied) > 0)
"""


def test_kernels_on_the_disk_are_loaded_without_the_compiler_and_others_are_compiled() -> None:
    # The first may find kernels that are not compiled yet.
    for _ in range(2):
        told = subprocess.run([sys.executable, "-c", _KERNELS], capture_output=True, text=True, check=True).stdout
    assert told.split() == ["0", "False", "False", "3.0", "True"]
