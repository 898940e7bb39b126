"""Where a file goes that somebody asked for by name: whole, in place of what the name stands for."""

from __future__ import annotations

import os
import shutil
from pathlib import Path


def is_stream(target: Path) -> bool:
    """Tell whether a name is that of a pipe or a device (/dev/stdout), which takes bytes and cannot be replaced."""
    return target.exists() and not target.is_file() and not target.is_dir()


def put_in_place(draft: Path, target: Path) -> None:
    """Let a finished file take the place of another; into a pipe or a device it is copied.

    A link stays one: what it leads to is replaced, for which `draft` has to lie on its file system (see `beside`).
    """
    if is_stream(target):
        with open(draft, "rb") as file, open(target, "wb") as stream:
            shutil.copyfileobj(file, stream)
    else:
        os.replace(draft, target.resolve() if target.is_symlink() else target)


def beside(target: Path) -> Path | None:
    """Return the folder for the draft of a target, which is made where it is missing; None for any, where it is to be copied."""
    if is_stream(target):
        return None
    folder = target.resolve().parent if target.is_symlink() else target.parent
    folder.mkdir(parents=True, exist_ok=True)
    return folder
