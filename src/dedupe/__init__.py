"""Turn a heap of scraped news into a corpus one can trust: repair, deduplicate, cluster, and write it as Parquet."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

if TYPE_CHECKING:
    from dedupe.cleaning import clean as clean
    from dedupe.config import Config as Config
    from dedupe.corpus.corpus import Cluster as Cluster
    from dedupe.corpus.corpus import Corpus as Corpus
    from dedupe.corpus.corpus import Explanation as Explanation
    from dedupe.corpus.corpus import Pair as Pair
    from dedupe.corpus.table import Table as Table
    from dedupe.errors import DedupeError as DedupeError
    from dedupe.pieces import Comparison as Comparison
    from dedupe.pieces import Despun as Despun
    from dedupe.pieces import Repaired as Repaired
    from dedupe.pieces import Signatures as Signatures
    from dedupe.pieces import compare as compare
    from dedupe.pieces import despin_text as despin_text
    from dedupe.pieces import repair_text as repair_text
    from dedupe.pieces import shingle_hashes as shingle_hashes
    from dedupe.pieces import signatures as signatures
    from dedupe.repair.ledger import Edit as Edit
    from dedupe.repair.ledger import restore as restore
    from dedupe.summary import Summary as Summary

# Loaded at first use: a program that only wants `restore` should not wait for pyarrow and numba.
_HOMES = {
    "Cluster": "dedupe.corpus.corpus",
    "Comparison": "dedupe.pieces",
    "Config": "dedupe.config",
    "Corpus": "dedupe.corpus.corpus",
    "DedupeError": "dedupe.errors",
    "Despun": "dedupe.pieces",
    "Edit": "dedupe.repair.ledger",
    "Explanation": "dedupe.corpus.corpus",
    "Pair": "dedupe.corpus.corpus",
    "Repaired": "dedupe.pieces",
    "Signatures": "dedupe.pieces",
    "Summary": "dedupe.summary",
    "Table": "dedupe.corpus.table",
    "clean": "dedupe.cleaning",
    "compare": "dedupe.pieces",
    "despin_text": "dedupe.pieces",
    "repair_text": "dedupe.pieces",
    "restore": "dedupe.repair.ledger",
    "shingle_hashes": "dedupe.pieces",
    "signatures": "dedupe.pieces",
}

__all__ = [
    "Cluster",
    "Comparison",
    "Config",
    "Corpus",
    "DedupeError",
    "Despun",
    "Edit",
    "Explanation",
    "Pair",
    "Repaired",
    "Signatures",
    "Summary",
    "Table",
    "__version__",
    "clean",
    "compare",
    "despin_text",
    "repair_text",
    "restore",
    "shingle_hashes",
    "signatures",
]


# Hidden from type checkers, for which any name would otherwise be there.
if not TYPE_CHECKING:

    def __getattr__(name: str) -> Any:
        if name in _HOMES:
            return getattr(importlib.import_module(_HOMES[name]), name)
        raise AttributeError(f"module 'dedupe' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
