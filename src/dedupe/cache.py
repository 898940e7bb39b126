"""Where compiled kernels and built tables are kept between runs."""

from __future__ import annotations

import hashlib
import os
import platform
import sys
import tempfile
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np


def cache_dir() -> Path | None:
    """Return the folder for tables that are built once, or None where nothing can be written.

    `DEDUPE_CACHE_DIR` overrides; otherwise the platform's place for caches (XDG on Linux). All of it can be deleted at any time.
    """
    override = os.environ.get("DEDUPE_CACHE_DIR")
    if override:
        folder = Path(override)
    elif sys.platform == "darwin":
        folder = Path.home() / "Library" / "Caches" / "dedupe"
    elif sys.platform == "win32":
        folder = Path(os.environ.get("LOCALAPPDATA", str(Path.home()))) / "dedupe"
    else:
        folder = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "dedupe"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError:
        return None
    return folder


def cached_arrays(name: str, build: Callable[[], list[np.ndarray]]) -> list[np.ndarray]:
    """Return arrays that were built once and are mapped into memory, read-only, ever after.

    `name` must hold what the arrays depend on, but for the file that `build` is written in: when that changes they are built
    again. So are damaged ones; with no cache folder they are built each time.
    """
    import numpy as np

    name = f"{name}-{zlib.crc32(Path(build.__code__.co_filename).read_bytes()):08x}"

    folder = cache_dir()
    if folder is None:
        return _read_only(build())
    marker = folder / f"{name}.count"
    try:
        count = int(marker.read_text())
        return [np.asarray(np.load(folder / f"{name}-{number}.npy", mmap_mode="r")) for number in range(count)]
    except (OSError, ValueError, EOFError):
        arrays = build()
    for number, array in enumerate(arrays):
        with tempfile.NamedTemporaryFile(dir=folder, suffix=".npy", delete=False) as file:
            np.save(file, array)
        os.replace(file.name, folder / f"{name}-{number}.npy")
    marker.write_text(str(len(arrays)))
    return _read_only(arrays)


def _read_only(arrays: list[np.ndarray]) -> list[np.ndarray]:
    # As those mapped from files are: numba compiles a kernel for each of the two kinds.
    for array in arrays:
        array.flags.writeable = False
    return arrays


def kernels_compiled() -> bool:
    """Tell whether this version of the code has left its kernels compiled on this machine.

    By a marker of ours, since asking numba means importing it, and the first thing a user sees should not wait for that.
    """
    marker = _marker()
    return marker is not None and marker.exists()


def note_compiled() -> None:
    """Leave the marker that `kernels_compiled` looks for."""
    marker = _marker()
    if marker is not None:
        marker.touch()


def _marker() -> Path | None:
    folder = cache_dir()
    if folder is None:
        return None
    # numba compiles a kernel again when its file is newer, so the files' times are part of the name.
    code = sorted((str(path), path.stat().st_mtime_ns) for path in Path(__file__).parent.rglob("*.py"))
    told = f"{code} {platform.python_version()} {platform.machine()}"
    return folder / f"kernels-{hashlib.sha256(told.encode()).hexdigest()[:16]}"
