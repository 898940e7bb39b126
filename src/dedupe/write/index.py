"""The index of an output: hashes that serve look-ups and increments, and no text."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pyarrow.parquet as pq

from dedupe.write.manifest import check_files, damaged, reading

FOLDER = "index"
_FACTS = "index.json"
_ARRAYS = ("signatures", "keys", "n_tokens", "sketches", "sketch_offsets")
_FILES = {f"{FOLDER}/{_FACTS}", *(f"{FOLDER}/{name}.npy" for name in _ARRAYS)}


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


def read_index(output: Path, manifest: Mapping[str, Any]) -> Index:
    """Map the index of an output into memory. Raises OutputError where it is missing, damaged or of another corpus.

    A look-up reads nearly all of it, and kernels go where its numbers send them: the files are compared with their hashes first.
    That takes 0.05 to 0.1 s of 100,000 articles (70 MB), ten times that of a million, on a core that waits otherwise.
    """
    check_files(output, manifest, lambda name: name in _FILES)
    with reading(output, FOLDER):
        facts = json.loads((output / FOLDER / _FACTS).read_text(encoding="utf-8"))
        arrays = [np.load(output / FOLDER / f"{name}.npy", mmap_mode="r") for name in _ARRAYS]
    with reading(output, "corpus.parquet"):
        rows = pq.read_metadata(output / "corpus.parquet").num_rows
    if any(len(array) != rows for array in arrays[:3]):
        raise damaged(output, FOLDER, "it is of another corpus than corpus.parquet")
    return Index._make([*arrays, facts])
