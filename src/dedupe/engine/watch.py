"""Finding the article that ends the process which works on it, by a note before each step that survives the process."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TypeVar

from dedupe.errors import WorkerDiedError

Result = TypeVar("Result")

# Some articles of a shard may be deadly; a machine that kills whatever runs is another matter.
MOST_DEADLY = 20

Name = tuple[str, int]
"""An article, by its source and its number in there; number 0 is the whole file."""


@dataclass(frozen=True)
class Watch:
    """Hold where a careful worker notes what it begins, and what it is to leave out since it has ended a worker before."""

    path: Path
    left_out: frozenset[Name] = frozenset()

    def note(self, name: Name) -> None:
        """Note what is begun now."""
        # One write, which the system keeps whatever becomes of this process.
        handle = os.open(self.path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        os.write(handle, json.dumps(name).encode("utf-8", "surrogatepass"))
        os.close(handle)

    def after_death(self) -> Watch:
        """Return the watch that leaves out what was begun last. Raises WorkerDiedError where that explains nothing."""
        try:
            source, record = json.loads(self.path.read_bytes().decode("utf-8", "surrogatepass"))
        except (OSError, ValueError):
            raise WorkerDiedError from None
        name = (str(source), int(record))
        if name in self.left_out or len(self.left_out) == MOST_DEADLY:
            raise WorkerDiedError
        return replace(self, left_out=self.left_out | {name})


def carefully(path: Path, work: Callable[[Watch], Result]) -> Result:
    """Do what has ended a worker again and again until it comes through, each time without the article that ended it.

    Raises WorkerDiedError where the deaths do not end.
    """
    watch = Watch(path)
    try:
        while True:
            try:
                return work(watch)
            except WorkerDiedError:
                watch = watch.after_death()
    finally:
        path.unlink(missing_ok=True)
