"""Files and records in: discovery, decoding, one module a format. Loaded lazily, as formats need heavy libraries."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from dedupe.read.parts import FilePart, Plan, ReadBatch, ReadReport, Shard, record_offsets
    from dedupe.read.planning import plan
    from dedupe.read.reading import read

__all__ = ["FilePart", "Plan", "ReadBatch", "ReadReport", "Shard", "plan", "read", "record_offsets"]

_HOMES = {"plan": "planning", "read": "reading"}


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(f"{__name__}.{_HOMES.get(name, 'parts')}"), name)
    globals()[name] = value
    return value
