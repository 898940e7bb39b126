"""Start Arrow and numba without what they load beside themselves and we never use, in processes that are ours alone."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager


def start_libraries() -> None:
    """Import Arrow while pandas looks absent, and numba while scipy and cffi do: half a second of the 1.5 s a process starts in.

    Arrow looks for pandas at the first array that it makes of Python objects, and again when a table is to become one of pandas.
    numba asks scipy for a BLAS once, for products of matrices, and cffi for functions of C: no kernel of ours has either. Only
    the command line and its workers call this: in somebody else's program both keep what they look for.
    """
    with _absent("pandas"):
        import pyarrow as pa

        pa.array([0])
    with _absent("scipy"), _absent("cffi"):
        import numba.core.typing.cffi_utils
        import numba.np.arraymath  # noqa: F401 - both for their import


class _Refusal:
    # Stands before all that finds modules, for one name.
    def __init__(self, name: str) -> None:
        self.name = name

    def find_spec(self, name: str, *_: object) -> None:
        if name == self.name:
            raise ModuleNotFoundError(name, name=name)


@contextmanager
def _absent(name: str) -> Iterator[None]:
    refusal = _Refusal(name)
    sys.meta_path.insert(0, refusal)
    try:
        yield
    finally:
        sys.meta_path.remove(refusal)
