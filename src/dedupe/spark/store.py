"""Files of a store that Spark reads (`s3a://`, `hdfs://`, `file://`): listed, put into shards, their contents handed to tasks."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING

import pyarrow as pa

from dedupe.config import Config
from dedupe.engine.spark import Spark, run_task
from dedupe.errors import UsageError
from dedupe.read import formats
from dedupe.read.columns import check_fields
from dedupe.read.parts import PART_BYTES, FilePart, Plan, Shard
from dedupe.read.planning import MOST_FILES
from dedupe.read.rows import reject_batch
from dedupe.spark.stages import READ_PIECES, ReadContents

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

_ADDRESS = re.compile(r"[A-Za-z][A-Za-z0-9+.-]+://")

# A value of Spark holds 2 GB at most, and a task holds it twice.
_MOST_BYTES = 1 << 30


def is_address(path: str) -> bool:
    """Tell a path with a scheme, which Spark is to read."""
    return _ADDRESS.match(path) is not None


def plan_store(session: SparkSession, addresses: Sequence[str], config: Config) -> Plan:
    """List the files under some addresses. Raises UsageError where there is none, or one that cannot be reached."""
    check_fields(config.fields)
    parts: list[FilePart] = []
    skipped: Counter[str] = Counter()
    rejects: list[tuple[str, int, str, str]] = []
    for address in addresses:
        for path, size in _listed(session, address):
            source = _below(path, address)
            kind = formats.by_name(source)
            if kind is None:
                skipped[formats.kind_of(source)] += 1
            elif size > _MOST_BYTES:
                sentence = (
                    f"it has {size:,} bytes, over the {_MOST_BYTES:,} that Spark hands over whole; cut it, or give its rows"
                )
                rejects.append((source, 0, "too_large", sentence))
            else:
                parts.append(FilePart(path, source, *kind, 0, None, 0, size, 0))
    if not parts and not rejects:
        raise UsageError(
            f"There is nothing to read in {addresses[0]}.", "Give a folder, a file or a pattern that Spark can list."
        )
    parts.sort(key=lambda part: part.source)
    names = Counter(part.source for part in parts)
    if double := [name for name, count in names.items() if count > 1]:
        raise UsageError(f"{double[0]} stands under several of the addresses.", "Give the folder above them.")
    return Plan(
        list(_shards(parts)), reject_batch(rejects), len(parts), sum(part.size for part in parts), dict(sorted(skipped.items()))
    )


def _listed(session: SparkSession, address: str) -> list[tuple[str, int]]:
    from pyspark.errors import PySparkException

    reader = session.read.format("binaryFile").option("recursiveFileLookup", "true")
    try:
        table = reader.load(address).select("path", "length").toArrow()
    except PySparkException as error:
        raise UsageError(
            f"Spark cannot list {address}: {str(error).splitlines()[0]}",
            "Check the address, and how the cluster reaches that store.",
        ) from error
    return list(zip(*(column.to_pylist() for column in table.columns), strict=True))


def _below(path: str, address: str) -> str:
    # Spark writes `file:/a/b` for `file:///a/b`. A file that was given by itself is known by its name.
    plain, root = (re.sub(r"^([^:]+):/+", r"\1:/", one) for one in (path, address.rstrip("/")))
    fixed = re.split(r"[*?\[{]", root)[0]
    fixed = root if fixed == root else fixed.rpartition("/")[0]
    return plain.removeprefix(fixed).lstrip("/") or plain.rpartition("/")[2]


def _shards(parts: list[FilePart]) -> list[Shard]:
    shards: list[list[FilePart]] = []
    size = 0
    for part in parts:
        if not shards or size + part.size > PART_BYTES or len(shards[-1]) >= MOST_FILES:
            shards.append([])
            size = 0
        shards[-1].append(part)
        size += part.size
    return [tuple(shard) for shard in shards]


def read_store(spark: Spark, plan: Plan, config: Config, forgotten: frozenset[str]) -> DataFrame:
    """Return the frame that reads the files of a plan: their contents are brought together by shard."""
    from pyspark.sql import functions as f

    places = [(part.path, number, place) for number, shard in enumerate(plan.shards) for place, part in enumerate(shard)]
    columns = [
        pa.array(column, kind)
        for column, kind in zip(zip(*places, strict=True), (pa.string(), pa.int32(), pa.int32()), strict=True)
    ]
    told = spark.frame(pa.table(columns, names=["path", "shard", "place"]))
    files = spark.session.read.format("binaryFile").load([path for path, _, _ in places]).select("path", "content")
    ordered = files.join(f.broadcast(told), "path").select("shard", "place", "content")
    ordered = ordered.repartition(len(plan.shards), "shard").sortWithinPartitions("shard", "place")
    return run_task(ordered, ReadContents(plan.shards, config, forgotten), READ_PIECES)
