"""Start numba without scipy, in processes that are ours alone."""

from __future__ import annotations

import sys


def start_numba() -> None:
    """Import numba's array functions while scipy looks absent: it saves each process 0.2 s of the 1.2 s that it takes to start.

    numba asks scipy for a BLAS once, for products of matrices that no kernel of ours has. Only the command line and its workers
    call this: in somebody else's program numba keeps its BLAS.
    """
    if "scipy" in sys.modules or "numba" in sys.modules:
        return
    sys.modules["scipy"] = None  # type: ignore[assignment]
    try:
        import numba.np.arraymath  # noqa: F401 - for its import
    finally:
        del sys.modules["scipy"]
