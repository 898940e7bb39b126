"""Run a function over shards in worker processes on this machine, results in the order of the shards."""

from __future__ import annotations

import gc
import multiprocessing
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import CancelledError, Future, ProcessPoolExecutor, ThreadPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from itertools import islice
from typing import Any, Self, TypeVar

from dedupe.errors import UsageError, WorkerDiedError

Item = TypeVar("Item")
Result = TypeVar("Result")

# Shards handed out ahead of the one that is waited for, a worker: enough to keep all busy, few enough to keep results small.
_AHEAD = 3


def _start_worker() -> None:
    # One numba and one Arrow thread a process: parallelism is by processes, and threads on top of it only fight for cores.
    os.environ["NUMBA_NUM_THREADS"] = "1"
    # The process that the user started answers an interrupt, for all.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with_parent, daemon=True).start()
    from dedupe.engine.libraries import start_libraries
    from dedupe.engine.memory import keep_freed

    keep_freed()
    start_libraries()
    import pyarrow as pa

    pa.set_cpu_count(1)
    pa.set_io_thread_count(1)
    gc.freeze()  # what was imported since, too


def _end_with_parent() -> None:
    # A run that is killed takes its workers with it: they would go on writing into the scratch of the next one. The server that
    # forks them is no help, as it lives for as long as any of them does.
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)


def _ready() -> None:
    """Do nothing: a worker that answers has started."""


@contextmanager
def _interrupts_held() -> Iterator[None]:
    # An interrupt in the midst of llvmlite leaves its lock taken, and is lost where a finalizer was running: the next thread that
    # needs a kernel then waits for good.
    ours = threading.current_thread() is threading.main_thread()
    if not ours or signal.getsignal(signal.SIGINT) is not signal.default_int_handler:
        yield
        return
    held: list[int] = []
    signal.signal(signal.SIGINT, lambda number, _: held.append(number))
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    if held:
        raise KeyboardInterrupt


@contextmanager
def _main_hidden() -> Iterator[None]:
    # A started process would import the program's main module again, and run it again where that has no guard. Our workers need
    # nothing of it.
    main = sys.modules["__main__"].__dict__
    hidden: dict[str, Any] = {name: main.pop(name) for name in ("__file__", "__spec__") if name in main}
    main["__spec__"] = None
    try:
        yield
    finally:
        main.update(hidden)


def _context(preload: str | None) -> multiprocessing.context.BaseContext:
    # Workers are started by spawn, but for Linux, where a server process imports what they need and each is forked from it.
    # That server has one thread, so it is as safe, and saves a second of each run.
    if sys.platform != "linux":
        return multiprocessing.get_context("spawn")
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload([preload] if preload else [])
    return context


class Pool:
    """Hold worker processes that share nothing with this one.

    With one worker everything runs in this process, which saves the second that a process takes to start. `preload` names a
    module whose import loads what the shards need: by name, so that the workers start before this process has imported it.
    `memory`: bytes that the run is to get by with, None for no limit.
    """

    def __init__(self, workers: int, preload: str | None = None, memory: int | None = None) -> None:
        if workers < 1:
            raise UsageError(f"{workers} workers cannot do anything.", "Give 1 or more.")
        self.workers = workers
        self.memory = memory
        self._pool: ProcessPoolExecutor | None = None
        # Starting a process waits until the server has imported what it needs; a thread of its own waits, so that this process
        # imports the same meanwhile: 0.5 s of each run.
        self._door = ThreadPoolExecutor(1)
        self._preload = preload
        self.deaths = 0
        self._resting = self._left = False
        if workers > 1:
            self._pool = self._started()

    def _started(self) -> ProcessPoolExecutor:
        # The process of Python's that removes the semaphores of a run that was ended would tell people that they had leaked. It
        # is started by the first pool, with the options for warnings of this process.
        sys.warnoptions.append("ignore:resource_tracker:UserWarning")
        try:
            pool = ProcessPoolExecutor(self.workers, _context(self._preload), _start_worker)
        finally:
            sys.warnoptions.pop()
        for _ in range(self.workers):
            self._submit(pool, _ready)
        return pool

    def _submit(self, pool: ProcessPoolExecutor, function: Callable[..., Result], *item: Any) -> Future[Future[Result]]:
        def hand_over() -> Future[Result]:
            # Every time: the executor starts a further process whenever none is idle.
            with _main_hidden():
                return pool.submit(function, *item)

        if self._left:
            raise CancelledError
        return self._door.submit(hand_over)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._left = True
        self._door.shutdown(cancel_futures=True)
        if self._pool is not None:
            self._pool.shutdown(cancel_futures=True)

    def rest(self) -> None:
        """Let the workers go until there is work again: half a gigabyte for as long as this process works alone.

        The server that they are forked from stays, so the next ones start at once.
        """
        if self._pool is not None:
            self._pool.shutdown(wait=False, cancel_futures=True)
            self._resting = True

    def lessen(self, workers: int) -> None:
        """Go on with so many workers after a rest: there is no room for more."""
        self.workers = workers
        if workers == 1:
            self._pool, self._resting = None, False

    def map(
        self,
        function: Callable[..., Result],
        items: Iterable[tuple[Any, ...]],
        meanwhile: Callable[[], None] | None = None,
        rescue: Callable[..., Result] | None = None,
    ) -> Iterator[Result]:
        """Yield `function(*item)` for each item, in the order of the items.

        `meanwhile` is called once, while the first items are under way: for what this process will need next. Where a worker
        dies, what was under way is done again, one item at a time; an item that ends a worker by itself too goes to `rescue`.
        Raises WorkerDiedError where that is not given, and CancelledError in a thread that goes on when the pool has been left.
        `deaths` counts the workers that died.
        """
        if self._pool is None:
            for item in items:
                if self._left:
                    raise CancelledError
                yield function(*item)
            return
        if self._resting:
            self._pool, self._resting = self._started(), False
        remaining = iter(items)
        waiting = [(item, self._submit(self._pool, function, *item)) for item in islice(remaining, self.workers * _AHEAD)]
        if meanwhile is not None:
            with _interrupts_held():
                meanwhile()
        alone = False
        while waiting:
            item, future = waiting.pop(0)
            try:
                result = future.result().result()
            except BrokenProcessPool:
                # Who of them all ended it cannot be told.
                if not alone:
                    self._start_again()
                alone = True
                result = self._again(function, item, rescue)
            yield result
            if not waiting:
                alone = False
            if not alone:
                more = islice(remaining, self.workers * _AHEAD - len(waiting))
                waiting += [(item, self._submit(self._pool, function, *item)) for item in more]

    def _again(self, function: Callable[..., Result], item: tuple[Any, ...], rescue: Callable[..., Result] | None) -> Result:
        try:
            return self.alone(function, *item)
        except WorkerDiedError:
            if rescue is None:
                raise
            return rescue(*item)

    def alone(self, function: Callable[..., Result], *item: Any) -> Result:
        """Return `function(*item)` of a worker while no other has work. Raises WorkerDiedError where that worker dies."""
        if self._pool is None:
            return function(*item)
        try:
            return self._submit(self._pool, function, *item).result().result()
        except BrokenProcessPool:
            self._start_again()
            raise WorkerDiedError from None

    def _start_again(self) -> None:
        self.deaths += 1
        if self._pool is not None:
            self._pool.shutdown(wait=False, cancel_futures=True)
        self._pool = self._started()


@contextmanager
def beside(function: Callable[..., Result], *item: Any) -> Iterator[Future[Result]]:
    """Run `function(*item)` in a thread of its own while the block runs; the block takes its result.

    Where the block fails, the block's error goes on at once; the interpreter ends once the thread has.
    """
    thread = ThreadPoolExecutor(1)
    try:
        yield thread.submit(function, *item)
    finally:
        thread.shutdown(wait=False)


def default_workers() -> int:
    """Return the number of cores that this process may use."""
    try:
        return len(os.sched_getaffinity(0))
    except AttributeError:  # macOS and Windows have no affinity
        return os.cpu_count() or 1


# Below this much input one process is done before a second one has started.
_ALONE_BYTES = 8 << 20


def useful_workers(paths: Sequence[str], wanted: int | None) -> int:
    """Return how many processes are worth starting for these files, or as many as the user wants.

    A look at sizes only, in a few system calls: input that has to be searched for (patterns, standard input) counts as large.
    """
    if wanted is not None:
        return wanted
    return default_workers() if _holds_more_than(_ALONE_BYTES, paths) else 1


def _holds_more_than(limit: int, paths: Sequence[str]) -> bool:
    total = 0
    waiting = list(paths)
    while waiting:
        path = waiting.pop()
        try:
            if os.path.isdir(path):
                waiting += [entry.path for entry in os.scandir(path) if not entry.is_symlink() and not entry.name.startswith(".")]
            else:
                total += os.path.getsize(path)
        except OSError:
            return True
        if total > limit or len(waiting) > 10_000:
            return True
    return False
