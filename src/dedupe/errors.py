"""The exceptions that dedupe raises for people: one sentence, what to do next, and an exit status."""

from __future__ import annotations

import errno
import shlex
from pathlib import Path


def command(*words: object) -> str:
    """Return a command of ours to be pasted into a shell, whatever the names in it hold."""
    return shlex.join(["dedupe", *map(str, words)])


class DedupeError(Exception):
    """Say what went wrong in one sentence, and what to do next in another.

    Every failure that a user can cause or cure is one of these, so that the command line never shows a stack trace for bad
    input. `exit_status` follows one table: 1 a stated condition holds, 2 wrong use, 3 failed and resumable.
    """

    exit_status = 3

    def __init__(self, sentence: str, hint: str = "") -> None:
        super().__init__(sentence)
        self.sentence = sentence
        self.hint = hint
        if hint:
            self.add_note(hint)  # what to do is told where nobody catches it, too

    def __reduce__(self) -> tuple[type[DedupeError], tuple[str, str]]:
        # Exceptions cross process borders: without this a worker's error would lose its hint.
        return type(self), (self.sentence, self.hint)


class UsageError(DedupeError):
    """Report a call that cannot be carried out as given: an unknown option, a path that is not there."""

    exit_status = 2


class ConfigError(UsageError):
    """Report every mistake of a configuration at once, so that it takes one attempt to mend it."""


class OutputError(DedupeError):
    """Report an output folder that is missing, incomplete, of another version, or in use."""


class ConditionError(DedupeError):
    """Report that a check the user asked for did not hold."""

    exit_status = 1


class WorkerDiedError(DedupeError):
    """Say that a worker process ended before its work did."""

    def __init__(self) -> None:
        super().__init__(
            "Worker processes were ended from outside, again and again, most likely because memory ran out.",
            "Run it again with 1 worker, or on a machine with more memory: it goes on where it was.",
        )


_NO_PLACE = {errno.ENOENT, errno.ENOTDIR, errno.EISDIR, errno.EEXIST, errno.ENAMETOOLONG, errno.EINVAL, errno.ELOOP}


def unwritable(path: str | Path, error: OSError) -> DedupeError:
    """Return what to raise of a place that was asked for and cannot be written: wrong use where there can be no such place."""
    kind = UsageError if error.errno in _NO_PLACE else DedupeError
    return kind(f"{path} cannot be written: {error.strerror}.", "Make room or give another place, and run the command again.")
