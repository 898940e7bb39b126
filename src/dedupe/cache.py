"""Where compiled kernels and built tables are kept between runs."""

from __future__ import annotations

import os
import sys
import tempfile
from pathlib import Path


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
