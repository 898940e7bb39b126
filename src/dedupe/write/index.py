"""The index of an output: hashes that serve look-ups and increments, and no text."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from dedupe.errors import OutputError

FOLDER = "index"
_FACTS = "index.json"
_SHAPES = [("uint32", 2), ("uint64", 2), ("int32", 1), ("uint64", 1), ("int64", 1)]
_ARRAYS = ("signatures", "keys", "n_tokens", "sketches", "sketch_offsets")


class Index(NamedTuple):
    """Hold what an index knows of the articles, in the order of corpus.parquet: the arrays of a `Signed`, and how made."""

    signatures: np.ndarray
    keys: np.ndarray
    n_tokens: np.ndarray
    sketches: np.ndarray
    sketch_offsets: np.ndarray
    facts: dict[str, Any]


def link(source: Path, target: Path) -> None:
    """Give a file a second name, or copy it where the file system has no links."""
    try:
        os.link(source, target)
    except OSError:
        shutil.copyfile(source, target)


def write_index(output: Path, arrays: Path, facts: dict[str, Any]) -> None:
    """Make `output/index` of the files in `arrays`, one for each array, and add `facts`, so that a stale one is refused.

    The files are linked, not moved: a run that is cut short before it is published finds them where they were.
    """
    folder = output / FOLDER
    folder.mkdir(exist_ok=True)
    for path in arrays.glob("*.npy"):
        link(path, folder / path.name)
    (folder / _FACTS).write_text(json.dumps(facts, indent=2, sort_keys=True) + "\n", encoding="utf-8")


def read_index(output: Path, rows: int) -> Index:
    """Map the index of an output into memory. Raises OutputError where it is missing, damaged or of another corpus."""
    folder = output / FOLDER
    hint = f"Run `dedupe clean` on the same input with -o {output} to build it again."
    try:
        facts = json.loads((folder / _FACTS).read_text(encoding="utf-8"))
        arrays = [np.load(folder / f"{name}.npy", mmap_mode="r") for name in _ARRAYS]
    except (OSError, ValueError, EOFError, SyntaxError) as error:
        raise OutputError(f"The index of {output} cannot be read: {error}.", hint) from None
    shapes = [(str(array.dtype), array.ndim) for array in arrays]
    offsets = arrays[4]
    if not isinstance(facts, dict) or shapes != _SHAPES or (len(offsets) and int(offsets[-1]) != len(arrays[3])):
        raise OutputError(f"The index of {output} is damaged.", hint)
    if any(len(array) != rows for array in arrays[:3]) or len(offsets) != rows + 1:
        raise OutputError(f"The index of {output} is of another corpus than corpus.parquet.", hint)
    return Index._make([*arrays, facts])
