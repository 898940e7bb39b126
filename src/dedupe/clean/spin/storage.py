"""Folders of arrays in the cache: written whole or not at all, read memory-mapped."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray


def write_folder(folder: Path, arrays: Mapping[str, NDArray[np.generic]], texts: Mapping[str, str]) -> None:
    """Write arrays as `<name>.npy` and texts under their names; another process that does the same at the same time does no harm."""
    scratch = Path(tempfile.mkdtemp(dir=folder.parent, prefix=".spin-"))
    try:
        for name, array in arrays.items():
            np.save(scratch / f"{name}.npy", array)
        for name, content in texts.items():
            (scratch / name).write_text(content, encoding="utf-8", newline="\n")
        os.replace(scratch, folder)
    except OSError:
        shutil.rmtree(scratch, ignore_errors=True)
