"""What an earlier corpus hands on to `dedupe.spark.clean`: IDs, learned lines, what was forgotten, what people decided."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import pyarrow as pa
import pyarrow.compute as pc

from dedupe import __version__
from dedupe.cluster.lasting import Kind, Previous
from dedupe.config import Config
from dedupe.errors import UsageError
from dedupe.schema import FORGOTTEN, ID_MAP, RESIDUE, SCHEMA_VERSION
from dedupe.stages.adopting import forgotten_ids, learned_lines, lines_hold, read_previous
from dedupe.stages.deciding import Taken, take_decisions
from dedupe.write.publish import MANIFEST

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

_KINDS: tuple[tuple[Kind, str], ...] = (("cluster", "clusters"), ("story", "stories"))


class HandedOn(NamedTuple):
    """Hold what a run takes from the corpus before it."""

    before: Previous | None = None
    learned: pa.Table | None = None
    forgotten: frozenset[str] = frozenset()
    taken: Taken | None = None

    @property
    def generation(self) -> int:
        """The number of the run that takes it, from 1."""
        return self.before.generation + 1 if self.before else 1


def handed_on(session: SparkSession, previous: str | Path | None, config: Config) -> HandedOn:
    """Read what a run takes from `previous`: an output folder of this machine, or where `SparkCorpus.write` has written.

    Decisions lie beside output folders alone. Raises UsageError where there is no corpus.
    """
    if previous is None:
        return HandedOn()
    folder = Path(previous)
    if (folder / MANIFEST).is_file():
        taken, _ = take_decisions(folder, None)
        return HandedOn(read_previous(folder, explicit=True), learned_lines(folder, config), forgotten_ids(folder), taken)
    return _through_spark(session, str(previous).rstrip("/"), config)


def _through_spark(session: SparkSession, address: str, config: Config) -> HandedOn:
    from pyspark.errors import PySparkException

    def read(name: str, *columns: str) -> pa.Table:
        frame = session.read.parquet(f"{address}/{name}.parquet")
        return frame.select(*columns or frame.columns).toArrow()

    try:
        told = session.read.text(f"{address}/{MANIFEST}").toArrow()["value"].to_pylist()
        written: dict[str, Any] = json.loads("".join(told))
        articles = read("corpus", "article_id", "cluster_id", "story_id")
        since = {kind: read(name, f"{kind}_id", "since").rename_columns(["id", "since"]) for kind, name in _KINDS}
        id_map, residue = read("id_map").cast(ID_MAP), read("residue").cast(RESIDUE)
    except (PySparkException, ValueError) as error:
        raise UsageError(
            f"{address} holds no corpus that Spark can read: {str(error).splitlines()[0][:200]}",
            "Give an output folder, or the address that a SparkCorpus was written to.",
        ) from error
    forgotten = id_map.filter(pc.equal(id_map["change"], FORGOTTEN))["old_id"].to_pylist()
    return HandedOn(
        Previous(articles, since, id_map, written["generation"]),
        residue if lines_hold(written["settings"], config) else None,
        frozenset(forgotten),
    )


def write_manifest(session: SparkSession, address: str, generation: int, settings: dict[str, Any]) -> None:
    """Write beside tables what the next run has to know of the one that made them."""
    told = {
        "dedupe": {"version": __version__, "schema_version": SCHEMA_VERSION}, "generation": generation, "settings": settings,
    }  # fmt: skip
    lines: Sequence[str] = [json.dumps(told, sort_keys=True)]
    frame = session.createDataFrame(pa.table({"value": pa.array(lines, pa.string())}))
    frame.coalesce(1).write.mode("overwrite").text(f"{address}/{MANIFEST}")
