"""The same run on Spark: the stage functions of the local engine by `mapInArrow`, the same rows and IDs in every table."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from dedupe.spark.corpus import SparkCorpus, clean

__all__ = ["SparkCorpus", "clean"]


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from dedupe.spark import corpus

    return getattr(corpus, name)
