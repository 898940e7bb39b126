"""How much memory a run may take, and how much it needs; and giving back what it no longer needs."""

from __future__ import annotations

import ctypes
import os
import re
import sys
from pathlib import Path

from dedupe.config import Config
from dedupe.errors import DedupeError, UsageError
from dedupe.quantities import amount, size

# Measured by `python -m benchmarks.scale`, with a fifth to spare: a process with its kernels and tables; a worker beside it, with
# the shard in hand; and what is held of each article at the worst moment, without its stories and with them.
_BASE = 400_000_000
_WORKER = 300_000_000
_ARTICLE, _STORY = 900, 1_300

# A restored article, packed, twice: as the model left it, and as its siblings did. Once takes 12.6 KB with 370 edits. What is
# made of it on the way to its place is let go part by part, and is not counted.
_RESTORED = 30_000

# What is advised leaves room for so much: 45,000 articles.
_LEAST_HELD = 100_000_000

# Shingle sets may take this share of it.
_SETS = 16
_FEWEST_SETS = 64_000_000

_UNITS = {"": 1, "K": 10**3, "M": 10**6, "G": 10**9, "T": 10**12}


def parse(given: str) -> int:
    """Return the bytes that `3GB`, `500 MB` or a plain number mean. Raises UsageError."""
    found = re.fullmatch(r"([0-9]+(?:\.[0-9]+)?) ?([KMGT]?)(?:i?B)?", given.strip(), re.IGNORECASE)
    if not found:
        raise UsageError(f"--memory {given} is no amount of memory.", "Write it as 3GB or 500MB.")
    return int(float(found[1]) * _UNITS[found[2].upper()])


def total() -> int | None:
    """Return how much memory this machine, or the container that we run in, has; None where the system does not say."""
    try:
        found = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, ValueError, OSError):  # Windows
        return None
    for limit in (Path("/sys/fs/cgroup/memory.max"), Path("/sys/fs/cgroup/memory/memory.limit_in_bytes")):
        try:
            found = min(found, int(limit.read_text()))  # what a container may use of it
        except (OSError, ValueError):
            continue
    return found


def fitting_workers(memory: int, wanted: int, held: int = 0) -> int:
    """Return how many workers there is room for, beside so many bytes that are `held`; at least one."""
    return max(1, min(wanted, (memory - _BASE - held) // _WORKER))


def set_bytes(memory: int) -> int:
    """Return how much of the memory the verifier may keep shingle sets in."""
    return max(_FEWEST_SETS, memory // _SETS)


def give_back() -> None:
    """Return to the system what was freed: the C library and Arrow keep it for themselves otherwise.

    Of 500 MB that a run of 100,000 articles held when it wrote its tables, 110 were in use. Takes some 10 ms, so it is for the
    ends of stages.
    """
    import pyarrow as pa

    pa.default_memory_pool().release_unused()
    if sys.platform == "linux":
        try:
            ctypes.CDLL(None).malloc_trim(0)
        except (AttributeError, OSError):  # another C library than glibc
            return


# Of mallopt(3) in glibc: from which size a piece of memory is mapped by itself, and how much that is free at the end is kept.
_M_MMAP_THRESHOLD, _M_TRIM_THRESHOLD = -3, -1


def keep_freed() -> None:
    """Keep what is freed for what comes next: for workers, who do the same work shard after shard.

    Else an array of some megabytes is mapped anew each time, and each of its pages faults: 4,000 faults in a shard of 16 MB,
    in place of 300, and a twelfth of the time that reading and repairing it take.
    """
    if sys.platform == "linux":
        mallopt = getattr(ctypes.CDLL(None), "mallopt", None)  # not in musl
        if mallopt is not None:
            mallopt(_M_MMAP_THRESHOLD, 128 << 20)
            mallopt(_M_TRIM_THRESHOLD, 256 << 20)


def check(articles: int, workers: int, config: Config, memory: int, spun: int = 0) -> int:
    """Return how many of the workers there is room for beside so many articles that are matched; one is this process itself.

    `spun`: those of them that are to be restored. Raises DedupeError where the articles alone do not fit: before memory is taken,
    not after.
    """
    stories = config.stories and not config.exact_only
    without = _BASE + articles * _ARTICLE + spun * _RESTORED
    need = without + articles * _STORY * stories
    if need <= memory:
        return fitting_workers(memory, workers, need - _BASE)
    less = f", or --no-stories (then {size(without)})" if stories and without <= memory else ""
    raise DedupeError(
        f"To match {amount(articles, 'article')} takes about {size(need)} of memory, and {size(memory)} are given.",
        f"Give --memory {-(-need // 10**9)}GB{less}; the run goes on where it was.",
    )


def check_least(memory: int) -> None:
    """Raise UsageError where the memory that is given would not do for a single article."""
    if memory < _BASE:
        raise UsageError(
            f"{size(memory)} of memory is less than a run takes whatever it reads.",
            f"Give --memory {(_BASE + _LEAST_HELD) // 10**6}MB, or more.",
        )
