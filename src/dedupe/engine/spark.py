"""Run functions over rows in a Spark session: the one that is running, or one on this machine.

Nothing here knows what the rows hold. Functions are given to `mapInArrow`, which hands them Arrow batches and takes such from
them; they are found by name in the workers, so the package has to be installed there.
"""

from __future__ import annotations

import os
import pickle
import re
import subprocess
import sys
import threading
import warnings
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import pyarrow as pa

from dedupe.engine.local import default_workers
from dedupe.errors import DedupeError, UsageError

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, Row, SparkSession
    from pyspark.sql.types import StructType

Result = TypeVar("Result")
Task = Callable[[Iterator[pa.RecordBatch]], Iterator[pa.RecordBatch]]

_RAISED = re.compile(r"[A-Za-z_][\w.]*(?:Error|Exception|Interrupt|Exit): ")
_LOG = Path(__file__).with_name("log4j2.properties").absolute()
LEAST_JAVA = 17  # of Spark 4

_PARTITIONS = "spark.sql.shuffle.partitions"

# 200 partitions, as Spark has it where nobody says, take a minute for a hundred articles: 0.1 s of Python a task.
_ARTICLES_A_TASK = 4_000


@contextmanager
def spark_session(workers: int | None = None) -> Iterator[SparkSession]:
    """Give the session that is running, or that `spark-submit` has prepared; else start one here and stop it at the end.

    `workers`: cores of a session that is started here. Raises UsageError where Spark or Java is missing.
    """
    try:
        from pyspark.sql import SparkSession
    except ImportError:
        raise UsageError("PySpark is not installed.", "Install it with: pip install 'article-dedupe[spark]'") from None
    running = SparkSession.getActiveSession()
    if running is not None:
        yield running
        return
    if "PYSPARK_GATEWAY_PORT" in os.environ:  # set by spark-submit, which has read the settings of the cluster
        session = SparkSession.builder.appName("dedupe").getOrCreate()
    else:
        session = _on_this_machine(SparkSession.builder, workers or default_workers())
    try:
        yield session
    finally:
        session.stop()


def java_version() -> int | None:
    """Return the version of the Java that Spark would run on, such as 17; None where there is none."""
    java = os.path.join(os.environ["JAVA_HOME"], "bin", "java") if os.environ.get("JAVA_HOME") else "java"
    try:
        told = subprocess.run([java, "-version"], capture_output=True, text=True, check=False).stderr  # noqa: S603 - the user's own
    except OSError:
        return None
    found = re.search(r'version "(\d+)', told)
    return int(found[1]) if found else None


def _on_this_machine(builder: Any, workers: int) -> SparkSession:
    java = java_version()
    if java is None or java < LEAST_JAVA:
        found = "none was found" if java is None else f"the one here is {java}"
        raise UsageError(f"Spark needs Java {LEAST_JAVA} or newer, and {found}.", "Install one, or set JAVA_HOME to it.")
    settings = {
        "spark.master": f"local[{workers}]",
        "spark.app.name": "dedupe",
        "spark.driver.host": "127.0.0.1",
        "spark.driver.bindAddress": "127.0.0.1",
        "spark.driver.memory": "2g",
        "spark.driver.maxResultSize": "0",
        "spark.pyspark.python": sys.executable,
        "spark.pyspark.driver.python": sys.executable,
        "spark.ui.enabled": "false",
        "spark.ui.showConsoleProgress": "false",
        # By the setting `spark.log.level` Spark would say which one it takes, and others before it does.
        "spark.driver.extraJavaOptions": f"-Dlog4j2.configurationFile={_LOG.as_uri()}",
        _PARTITIONS: str(8 * workers),
    }
    try:
        with _environment(PYSPARK_PYTHON=sys.executable, SPARK_LOCAL_IP="127.0.0.1"), warnings.catch_warnings():
            warnings.simplefilter("ignore", FutureWarning)  # of the version of pandas, which is not used
            for name, value in settings.items():
                builder = builder.config(name, value)
            session: SparkSession = builder.getOrCreate()
    except Exception as error:
        raise DedupeError(
            f"Spark did not start: {str(error).splitlines()[0]}",
            "It needs Java 17 or newer; `java -version` says which is found.",
        ) from error
    return session


@contextmanager
def told_as_ours() -> Iterator[None]:
    """Tell a failure of Spark in one sentence: DedupeError, with Spark's own as its cause."""
    from py4j.protocol import Py4JError
    from pyspark.errors import PySparkException

    try:
        yield
    except (PySparkException, Py4JError) as error:
        lines = [line.strip() for line in str(error).splitlines() if line.strip()]
        # What a task raised stands at the end of its trace, which Spark quotes; else the first line says it.
        raised = [line for line in lines if _RAISED.match(line)]
        raise DedupeError(
            f"Spark ended the run: {(raised or lines or ['it did not say why'])[-1 if raised else 0][:300]}",
            "Nothing was published. The log of Spark says more; run the same command again.",
        ) from error


@contextmanager
def _environment(**values: str) -> Iterator[None]:
    before = {name: os.environ.get(name) for name in values}
    os.environ.update(values)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


class Spark:
    """Hold a session and what a run does with it."""

    def __init__(self, session: SparkSession) -> None:
        self.session = session
        self.workers = default_workers()  # threads of this process; tasks are many and have one each
        self._doing = "dedupe"

    def begin(self, what: str) -> None:
        """Name what is done from here on, for the page and the log of Spark."""
        self._doing = f"dedupe: {what}"
        self.go_on()

    def go_on(self) -> None:
        """Name what is done in this thread too: a new one begins without."""
        self.session.sparkContext.setJobDescription(self._doing)

    @contextmanager
    def shown(self, stage: str, progress: Callable[[str, int, int], None]) -> Iterator[None]:
        """Tell `progress` each second how many tasks of what runs meanwhile are done, and in the end that all are."""
        tracker = self.session.sparkContext.statusTracker()
        ended = threading.Event()

        def tell() -> None:
            while not ended.wait(1):
                found = (tracker.getStageInfo(number) for number in tracker.getActiveStageIds())
                counts = [(info.numCompletedTasks, info.numTasks) for info in found if info is not None]
                done, total = sum(done for done, _ in counts), sum(total for _, total in counts)
                if done < total and not ended.is_set():
                    progress(stage, done, total)

        teller = threading.Thread(target=tell, daemon=True)
        teller.start()
        try:
            yield
        finally:
            ended.set()
            teller.join()
        progress(stage, 1, 1)

    @property
    def partitions(self) -> int:
        """Partitions of a large shuffle, as the session has it."""
        return int(self.session.conf.get(_PARTITIONS, "200") or 200)

    def partitions_of(self, articles: int) -> int:
        """Partitions of a shuffle of so many articles: a task that has a few thousand of them is worth its start."""
        return max(1, min(self.partitions, articles // _ARTICLES_A_TASK))

    def frame(self, table: pa.Table) -> DataFrame:
        """Make a frame of a table that this process holds."""
        return self.session.createDataFrame(table)

    def numbers(self, count: int) -> DataFrame:
        """Make a frame of the numbers below `count`, a partition each, as `id`."""
        return self.session.range(0, count, 1, max(1, count))

    def pieces(self, frame: DataFrame, columns: Sequence[str], keys: Sequence[str], extra: pa.Table) -> DataFrame:
        """Add to the rows of `frame` what this process knows of them, and leave out those of which it knows nothing.

        `extra` is sent to every machine, so that the rows of `frame` stay where they are.
        """
        from pyspark.sql import functions

        return frame.select(*keys, *columns).join(functions.broadcast(self.frame(extra)), list(keys), "inner")

    def map(
        self,
        function: Callable[..., Result],
        items: Iterable[tuple[Any, ...]],
        *,
        rescue: Callable[..., Result] | None = None,  # noqa: ARG002 - Spark tells of a job that failed, not of an item
    ) -> Iterator[Result]:
        """Yield `function(*item)` for each item, in the order of the items, as the pool of worker processes does.

        Nothing is rescued: Spark tries a task that ended its worker four times, then the job fails.
        """
        items = list(items)
        if not items:
            return
        rows = pa.table({"place": range(len(items)), "item": [pickle.dumps(item) for item in items]})
        parts = min(len(items), 2 * self.partitions)
        made = run_task(self.frame(rows).repartitionByRange(parts, "place"), _Apply(function), rows.schema)
        yield from map(pickle.loads, made.toArrow().sort_by("place")["item"].to_pylist())


class _Apply:
    # Calls a function on pickled arguments.
    def __init__(self, function: Callable[..., Any]) -> None:
        self.function = function

    def __call__(self, batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        for batch in batches:
            for place, item in zip(batch["place"], batch["item"].to_pylist(), strict=True):
                result = pickle.dumps(self.function(*pickle.loads(item)))  # noqa: S301 - we have packed it
                yield pa.record_batch({"place": pa.array([place.as_py()], pa.int64()), "item": pa.array([result], pa.binary())})


def run_task(frame: DataFrame, task: Task, schema: pa.Schema | StructType) -> DataFrame:
    """Return the frame of what `task` makes of the batches of each partition, in their order."""
    from pyspark.sql.pandas.types import from_arrow_schema

    with warnings.catch_warnings():
        # PySpark asks for pandas before it runs a function over Arrow batches, and warns of its version; neither is used.
        warnings.simplefilter("ignore", FutureWarning)
        kinds = from_arrow_schema(schema, prefer_timestamp_ntz=False) if isinstance(schema, pa.Schema) else schema
        return frame.mapInArrow(task, kinds)


def rows_by_partition(frame: DataFrame) -> Iterator[Row]:
    """Yield the rows of a frame, of which this process holds two partitions at a time.

    By the RDD: what a frame's own `toLocalIterator` brings stays on the driver's heap until the session ends, since Spark 4
    notes each of its jobs under a query that has ended by then.
    """
    rows: Iterator[Row] = frame.rdd.toLocalIterator(prefetchPartitions=True)
    return rows


def runs_of(batches: Iterator[pa.RecordBatch], keys: Sequence[str]) -> Iterator[pa.Table]:
    """Cut sorted batches so that rows with equal keys are never parted: each table holds some whole runs of them."""
    held: list[pa.RecordBatch] = []
    for batch in batches:
        if not batch.num_rows:
            continue
        last = [batch[key][batch.num_rows - 1].as_py() for key in keys]
        if held and last == [held[-1][key][held[-1].num_rows - 1].as_py() for key in keys]:
            held.append(batch)  # sorted, so all of it goes on with the run that was held
            continue
        cut = _begin_of_last(batch, keys, last)
        if cut:
            yield pa.Table.from_batches([*held, batch.slice(0, cut)])
            held = []
        elif held:
            yield pa.Table.from_batches(held)
            held = []
        held.append(batch.slice(cut))
    if held:
        yield pa.Table.from_batches(held)


def _begin_of_last(batch: pa.RecordBatch, keys: Sequence[str], last: Sequence[Any]) -> int:
    low, high = 0, batch.num_rows - 1
    while low < high:
        middle = (low + high) // 2
        if [batch[key][middle].as_py() for key in keys] == list(last):
            high = middle
        else:
            low = middle + 1
    return low
