"""Read an output: its manifest, its tables, one article with all that belongs to it."""

from __future__ import annotations

from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.dataset as ds
import pyarrow.parquet as pq

from dedupe.config import Config
from dedupe.errors import UsageError
from dedupe.write.manifest import load_manifest, reading
from dedupe.write.publish import settle

_SHOWN = 3


class Output:
    """Open the output of a run for reading.

    Completes what a killed publication has left. Raises UsageError where there is no output, DedupeError where it is of a newer
    version, OutputError where a file of it is damaged.
    """

    def __init__(self, folder: Path) -> None:
        settle(folder)
        self.folder = folder
        self.manifest = load_manifest(folder)

    @property
    def config(self) -> Config:
        """The settings that the output was made with."""
        return Config.from_mapping(self.manifest["settings"], str(self.folder / "manifest.json"))

    def path(self, table: str) -> Path:
        """Return the path of a table."""
        return self.folder / f"{table}.parquet"

    def table(self, name: str, columns: list[str] | None = None) -> pa.Table:
        """Read a table, or some of its columns."""
        with self.reading(name):
            return pq.read_table(self.path(name), columns=columns)

    def reading(self, table: str) -> AbstractContextManager[None]:
        """Say of a table that cannot be read which command makes it again, by an OutputError."""
        return reading(self.folder, f"{table}.parquet")

    def select(self, name: str, column: str, values: list[str], columns: list[str] | None = None) -> list[dict[str, Any]]:
        """Return the rows of a table in which `column` has one of the values, reading row groups that may hold them only."""
        with self.reading(name):
            found = ds.dataset(self.path(name)).to_table(columns=columns, filter=pc.field(column).isin(values))
        rows: list[dict[str, Any]] = found.to_pylist()
        return rows

    def resolve(self, given: str, clusters: bool = False) -> str:
        """Return the article ID that starts with `given`; with `clusters`, also the canonical of a cluster whose ID does.

        Raises UsageError where none or several do.
        """
        if not given:
            raise UsageError("The ID is empty.", "Give an article's ID, or the beginning of it.")
        ids = self.table("corpus", ["article_id"])["article_id"]
        found = ids.filter(pc.starts_with(ids, given.lower())).unique().to_pylist()
        if clusters and not found:
            table = self.table("clusters", ["cluster_id", "canonical_id"])
            found = table.filter(pc.starts_with(table["cluster_id"], given.lower()))["canonical_id"].to_pylist()
        if len(found) == 1:
            return str(found[0])
        if not found:
            raise UsageError(
                f"No article of {self.folder} has an ID that starts with {given!r}.",
                "IDs stand in the column article_id of corpus.parquet.",
            )
        shown = ", ".join(one[:12] for one in found[:_SHOWN]) + (", ..." if len(found) > _SHOWN else "")
        raise UsageError(f"{len(found):,} articles have an ID that starts with {given}: {shown}.", "Give more of it.")
