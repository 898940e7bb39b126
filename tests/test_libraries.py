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
