"""Turn a heap of scraped news into a corpus one can trust: repair, deduplicate, cluster, and write it as Parquet."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

if TYPE_CHECKING:
    from dedupe.config import Config as Config
    from dedupe.errors import DedupeError as DedupeError
    from dedupe.job import Summary as Summary
    from dedupe.job import clean as clean
    from dedupe.repair.ledger import restore as restore

# Loaded at first use: a program that only wants `restore` should not wait for pyarrow and numba.
_HOMES = {
    "Config": "dedupe.config",
    "DedupeError": "dedupe.errors",
    "Summary": "dedupe.job",
    "clean": "dedupe.job",
    "restore": "dedupe.repair.ledger",
}

__all__ = ["Config", "DedupeError", "Summary", "__version__", "clean", "restore"]


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        return getattr(importlib.import_module(_HOMES[name]), name)
    raise AttributeError(f"module 'dedupe' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
