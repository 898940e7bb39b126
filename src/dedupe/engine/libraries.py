"""Start Arrow and numba without what they load beside themselves and we never use, in processes that are ours alone."""

from __future__ import annotations

import gc
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache, partial
from typing import Any


@cache
def start_libraries() -> None:
    """Import Arrow while pandas looks absent, and numba while scipy, cffi and yaml do: 0.6 s of the 1.5 s a process starts in.

    Arrow looks for pandas at the first array that it makes of Python objects, and again when a table is to become one of pandas.
    numba asks scipy for a BLAS once, for products of matrices, cffi for functions of C, and yaml for a file of settings: no
    kernel of ours has either. Only the command line and its workers call this: in somebody else's program all keep what they
    look for. Once a process: one that is forked from another of ours finds it done.
    """
    # The threads that BLAS starts with numpy wait for work by spinning, 2 % of a run of five seconds; they have none to do.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    with _absent("pandas"):
        import pyarrow as pa

        pa.array([0])
    with _absent("scipy"), _absent("cffi"), _absent("yaml"):
        import numba.core.typing.cffi_utils
        import numba.np.arraymath  # noqa: F401 - both for their import
        from numba.core.caching import Cache

    setattr(Cache, "load_overload", _without_the_compiler(Cache.load_overload))  # noqa: B010 - a method, which mypy guards
    # What was imported stays, and a run makes no cycles to speak of: looking for them took 6 % of a worker's time, and a quarter
    # of that of comparing the facts of pairs.
    gc.freeze()
    gc.set_threshold(100_000)


def _without_the_compiler(load: Callable[..., Any]) -> Callable[..., Any]:
    # Before it looks whether a kernel lies compiled on the disk, numba readies its compiler: 0.1 s. A kernel that does needs the
    # runtime alone; and for one that does not the compiler readies itself.
    from numba.core.runtime.nrt import rtsys

    def load_overload(self: Any, signature: Any, context: Any) -> Any:
        context.refresh = partial(rtsys.initialize, context)
        try:
            return load(self, signature, context)
        finally:
            vars(context).pop("refresh", None)  # loading one kernel may load another

    return load_overload


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
