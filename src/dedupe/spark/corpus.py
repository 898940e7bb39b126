"""`dedupe.spark.clean`: a frame of articles, or addresses of files, to the tables of a corpus as frames."""

from __future__ import annotations

import json
import pickle
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from dedupe.config import Config
from dedupe.engine.spark import Spark, Task, run_task
from dedupe.engine.timings import Progress, Timings, silent
from dedupe.errors import UsageError
from dedupe.read.columns import check_fields
from dedupe.read.parts import FilePart, Plan
from dedupe.read.rows import reject_batch
from dedupe.schema import CLUSTERS, CORPUS, EDITS, ID_MAP, PAIRS, REJECTS, RESIDUE, STORIES
from dedupe.spark.handing import handed_on, write_manifest
from dedupe.spark.paths import finished, plan_paths
from dedupe.spark.run import carry_out
from dedupe.spark.stages import READ_PIECES, ReadRows, unpack_table
from dedupe.stages.results import name_results
from dedupe.summary import Summary, summarise
from dedupe.write.spark_types import spark_schema
from dedupe.write.tables import cluster_table, corpus_batch, edit_batches, pair_table, placing, story_table

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

# What a frame is called in the column `source`.
_FRAME = "dataframe"


@dataclass
class SparkCorpus:
    """Hold the tables of an output as frames, with the columns and comments of the Parquet files, and the summary of the run.

    `generation` counts the runs that handed their IDs on to this one, itself included; `settings` are those of the run. The
    articles are kept on the executors' disks until `release`.
    """

    corpus: DataFrame
    pairs: DataFrame
    clusters: DataFrame
    stories: DataFrame
    edits: DataFrame
    rejects: DataFrame
    residue: DataFrame
    id_map: DataFrame
    summary: Summary
    generation: int
    settings: dict[str, Any]
    _kept: DataFrame

    @property
    def canonical(self) -> DataFrame:
        """The canonical articles: one of each cluster."""
        return self.corpus.where(self.corpus["is_canonical"])

    def write(self, address: str) -> None:
        """Write every table as a folder of Parquet files, `address/corpus.parquet` and so on, over any that is there.

        A later run takes the address as `previous`. Write beside what is in use, not over it: Spark replaces table by table.
        """
        tables = {field.name: getattr(self, field.name) for field in fields(self)[:8]} | {"canonical": self.canonical}
        for name, frame in tables.items():
            frame.write.mode("overwrite").option("compression", "zstd").parquet(f"{address.rstrip('/')}/{name}.parquet")
        write_manifest(self.corpus.sparkSession, address.rstrip("/"), self.generation, self.settings)

    def release(self) -> None:
        """Give back the disks that hold the articles; the frames of articles and edits are of no use from then on."""
        self._kept.unpersist()


def clean(
    source: DataFrame | Sequence[str | Path],
    config: Config | None = None,
    *,
    previous: str | Path | None = None,
    progress: Progress = silent,
) -> SparkCorpus:
    """Clean and deduplicate the articles of a frame, or of files, in the session that is running.

    A frame is read as a table of these columns would be: see docs/reading.md for their names. Its rows are numbered by
    partition. Paths with a scheme are read by Spark, others by the workers as they stand. `previous`: an output folder of this
    machine, or the address that a `SparkCorpus` was written to, which hands on its IDs and the lines it has learned, and a folder
    the decisions of people too. Raises UsageError where there is no session, or nothing that can be read.
    """
    from pyspark.sql import DataFrame, SparkSession

    begin, timings, config = time.perf_counter(), Timings(), config or Config()
    session = source.sparkSession if isinstance(source, DataFrame) else SparkSession.getActiveSession()
    if session is None:
        raise UsageError("No Spark session is running.", "Start one: SparkSession.builder.getOrCreate().")
    spark = Spark(session)
    handed = handed_on(session, previous, config)
    with tempfile.TemporaryDirectory(prefix="dedupe-") as folder:
        scratch = Path(folder)
        if isinstance(source, DataFrame):
            plan, reads = _plan_frame(source, config, handed.forgotten)
        else:
            plan, reads = plan_paths(spark, [str(path) for path in source], config, scratch, handed.forgotten)
        found = carry_out(spark, reads, plan, config, scratch, progress, timings, handed.learned, handed.taken)
        light = found.articles.light
        results = name_results(light, found.matched, found.told, handed.before, handed.forgotten)
        place = placing(light["article_id"].combine_chunks(), results.clustered, results.storied)
        with timings.of("write"):
            kept = finished(found, place)
        found.pieces.release()
        summary = summarise(plan, found.prepared, found.matched, found.told, config, timings, begin)
    small = {
        "pairs": (PAIRS, pair_table(light, results.edge)),
        "clusters": (CLUSTERS, cluster_table(light, results.clustered, results.reasons)),
        "stories": (STORIES, story_table(light, results.storied)),
        "rejects": (REJECTS, found.prepared.rejects),
        "residue": (RESIDUE, found.prepared.residue),
        "id_map": (ID_MAP, results.id_map),
    }
    frames = {name: spark.session.createDataFrame(table, _struct(schema)) for name, (schema, table) in small.items()}
    corpus, edits = (_typed(kept, task, schema) for task, schema in ((_CorpusRows(), CORPUS), (_EditRows(), EDITS)))
    return SparkCorpus(
        corpus=corpus, edits=edits, summary=summary, generation=handed.generation, settings=config.as_dict(), _kept=kept, **frames
    )


def _plan_frame(frame: DataFrame, config: Config, forgotten: frozenset[str]) -> tuple[Plan, DataFrame]:
    check_fields(config.fields)
    parts = [(FilePart("", _FRAME, "arrow", None, 0, None, number, 0, 0),) for number in range(frame.rdd.getNumPartitions())]
    return Plan(parts, reject_batch([]), 0, 0, {}), run_task(frame, ReadRows(_FRAME, config, forgotten), READ_PIECES)


def _struct(schema: pa.Schema) -> Any:
    from pyspark.sql.types import StructType

    return StructType.fromJson(json.loads(spark_schema(schema)))


def _typed(kept: DataFrame, task: Task, schema: pa.Schema) -> DataFrame:
    return run_task(kept, task, _struct(schema))


class _CorpusRows:
    def __call__(self, batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        for batch in batches:
            for blob, packed in zip(batch["blob"].to_pylist(), batch["placed"].to_pylist(), strict=True):
                articles = unpack_table(blob).combine_chunks().to_batches()
                placed = pickle.loads(packed)  # noqa: S301 - we have packed it
                yield from (corpus_batch(one, placed) for one in articles)


class _EditRows:
    def __call__(self, batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        for batch in batches:
            for blob in batch["blob"].to_pylist():
                yield from edit_batches(unpack_table(blob).to_batches())
