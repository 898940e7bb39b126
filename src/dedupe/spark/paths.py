"""`dedupe clean --engine spark`: files that every worker sees, or a store that Spark reads, to an output folder."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from dedupe import job
from dedupe.config import Config
from dedupe.engine.local import Pool
from dedupe.engine.spark import Spark, rows_by_partition, run_task, spark_session, told_as_ours
from dedupe.engine.stored import Stored
from dedupe.engine.timings import Progress, Timings, silent
from dedupe.errors import UsageError
from dedupe.pipeline import Matched
from dedupe.read import plan as plan_input
from dedupe.read.parts import Plan
from dedupe.spark.run import Found, carry_out
from dedupe.spark.stages import FINISHED, READ_PIECES, Finish, ReadFiles, lay_out, unpack_table
from dedupe.spark.store import is_address, plan_store, read_store
from dedupe.stages.deciding import Taken
from dedupe.stages.maps import PREPARED, gather_signed, tells_stories
from dedupe.stages.preparing import Prepared, prepared_nothing
from dedupe.stages.storytelling import Told
from dedupe.stages.term_files import terms_beside
from dedupe.summary import Summary

if TYPE_CHECKING:
    from pyspark.sql import DataFrame


def clean_paths(
    paths: Sequence[str | Path],
    output: str | Path = "output",
    config: Config | None = None,
    *,
    workers: int | None = None,
    fresh: bool = False,
    previous: str | Path | None = None,
    relearn: bool = False,
    progress: Progress = silent,
) -> Summary:
    """Do what `dedupe.clean` does, on Spark: the running session, or one on this machine.

    A path with a scheme (`s3a://bucket/news`) is read by Spark, another by each worker as it stands. The output is a folder of
    this machine. `workers`: cores of a session that is started here. Raises UsageError as `dedupe.clean`, and where Spark or
    Java is missing or a path cannot be reached.
    """
    with spark_session(workers) as session:
        spark = Spark(session)

        def carried(
            given: list[str],
            config: Config,
            scratch: Path,
            progress: Progress,
            timings: Timings,
            learned: pa.Table | None,
            forgotten: frozenset[str],
            taken: Taken | None,
        ) -> tuple[Plan, Prepared, Matched, Told]:
            plan, reads = plan_paths(spark, given, config, scratch, forgotten)
            found = carry_out(spark, reads, plan, config, scratch, progress, timings, learned, taken)
            with timings.of("write"), spark.shown("bring here", progress):
                _bring_here(found, config, scratch)
            return plan, found.prepared, found.matched, found.told

        with Pool(1) as pool, told_as_ours():
            return job.clean(
                paths, output, config,
                workers=pool, fresh=fresh, previous=previous, relearn=relearn, progress=progress, carried=carried,
            )  # fmt: skip


def plan_paths(
    spark: Spark, given: list[str], config: Config, scratch: Path, forgotten: frozenset[str]
) -> tuple[Plan, DataFrame]:
    """Plan what is to be read, and return with it the frame that reads it; articles that are `forgotten` become rejects."""
    stored = [is_address(path) for path in given]
    if all(stored):
        plan = plan_store(spark.session, given, config)
        return plan, read_store(spark, plan, config, forgotten)
    if any(stored):
        raise UsageError(
            "Paths with a scheme and paths without one cannot be read in one run.", "Write file:///... for those of this machine."
        )
    plan = plan_input(given, config, spool=scratch)
    return plan, run_task(spark.numbers(len(plan.shards)), ReadFiles(plan.shards, config, forgotten), READ_PIECES)


def finished(found: Found, place: Callable[[slice], Any] | None = None) -> DataFrame:
    """Return the frame of the articles as they are to be written, packed, a row a piece, kept on disk.

    `place` tells of some rows what goes along with them.
    """
    from pyspark import StorageLevel

    found.pieces.spark.begin("write")
    light = found.articles.light
    ids, spun = light["article_id"], light["is_spun"]
    drafted = sorted(found.drafts)

    def told(rows: slice) -> tuple[list[str], Any, dict[int, Any], Any]:
        inside = drafted[bisect_left(drafted, rows.start) : bisect_left(drafted, rows.stop)]
        drafts = {row - rows.start: found.drafts[row] for row in inside}
        length = rows.stop - rows.start
        placed = place(rows) if place else None
        return ids.slice(rows.start, length).to_pylist(), spun.slice(rows.start, length).to_numpy(), drafts, placed

    articles = found.pieces.run(["articles"], Finish(), FINISHED, told).persist(StorageLevel.DISK_ONLY)
    articles.count()
    return articles


def _bring_here(found: Found, config: Config, scratch: Path) -> None:
    # The output is a folder of this machine, so all of it comes here in the end: to disk, a partition at a time.
    articles = finished(found)
    prepared, keys = found.prepared, found.pieces.keys.to_pylist()
    places = {(row["shard"], row["seq"]): scratch / f"prepared-{at:05}.arrow" for at, row in enumerate(keys)}
    for row in rows_by_partition(articles):
        with pa.ipc.new_file(str(places[row["shard"], row["seq"]]), PREPARED) as writer:
            writer.write_table(unpack_table(row["blob"]).cast(PREPARED))
    articles.unpersist()
    for row in rows_by_partition(found.pieces.frame.select("shard", "seq", "signed", "terms")):
        for packed in (row["signed"], row["terms"]):
            lay_out(packed, places[row["shard"], row["seq"]])
    found.pieces.release()
    prepared.shards = list(places.values())
    if not places:
        prepared.shards = [prepared_nothing(scratch, config, prepared.residue, found.matched.bands.num_perm)]
    prepared.terms = terms_beside(prepared.shards) if tells_stories(config) else []
    prepared.stored = Stored.of(prepared.shards)
    prepared.articles = prepared.stored.columns(PREPARED)
    prepared.signed = gather_signed(prepared.shards, prepared.index)
