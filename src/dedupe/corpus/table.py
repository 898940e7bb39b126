"""One table of an output, read when it is asked for, in the form that the asking program wants."""

from __future__ import annotations

from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.parquet as pq

from dedupe.errors import UsageError
from dedupe.quantities import amount

if TYPE_CHECKING:
    import duckdb
    import pandas
    import polars

Row = dict[str, Any]

_ROWS = 1_000
_SHOWN = 6


class Table:
    """Stand for a Parquet table, or some of its columns. Nothing is read before a method asks for it.

    Whatever takes Arrow's PyCapsule interface takes a Table as it is: `polars.DataFrame(table)`, `pyarrow.table(table)`,
    `dedupe.clean(table)`.
    """

    def __init__(self, path: Path, columns: tuple[str, ...] | None = None, keep: object = None) -> None:
        self.path = path
        self._keep = keep  # a temporary output must outlast the tables that lie in it
        self._metadata = pq.read_metadata(path)
        there = tuple(self._metadata.schema.to_arrow_schema().names)
        unknown = [name for name in columns or () if name not in there]
        if unknown:
            raise UsageError(
                f"{path.name} has no column {', '.join(map(repr, unknown))}.", f"Its columns are: {', '.join(there)}."
            )
        self.columns = columns or there

    @property
    def name(self) -> str:
        """The name of the table: corpus, canonical, pairs, ..."""
        return self.path.stem

    def __len__(self) -> int:
        return int(self._metadata.num_rows)

    def __iter__(self) -> Iterator[Row]:
        for batch in self.batches():
            yield from batch.to_pylist()

    def __repr__(self) -> str:
        more = f" and {len(self.columns) - _SHOWN} more" if len(self.columns) > _SHOWN else ""
        return f"<{self.name}: {amount(len(self), 'row')}; {', '.join(self.columns[:_SHOWN])}{more}; {self.path}>"

    def select(self, *columns: str) -> Table:
        """Return the same table with these columns only, in this order. Raises UsageError for one that it has not."""
        return Table(self.path, columns, self._keep)

    def head(self, rows: int = 5) -> list[Row]:
        """Return the first rows."""
        found: list[Row] = next(self.batches(max(1, rows)), pa.RecordBatch.from_pylist([])).to_pylist()
        return found[:rows]

    def batches(self, rows: int = _ROWS) -> Iterator[pa.RecordBatch]:
        """Yield the table as record batches of so many rows, in bounded memory: for tables larger than that.

        Raises UsageError for less than one row.
        """
        if rows < 1:
            raise UsageError(f"A batch of {rows:,} rows holds nothing.", "Give 1 or more; 1,000 is usual.")
        with pq.ParquetFile(self.path) as file:
            for batch in file.iter_batches(rows, columns=list(self.columns)):
                yield batch.select(list(self.columns))

    def to_arrow(self) -> pa.Table:
        """Read it whole as a pyarrow table."""
        return pq.read_table(self.path, columns=list(self.columns))

    def to_pandas(self) -> pandas.DataFrame:
        """Read it whole as a pandas data frame. Raises UsageError where pandas is not installed."""
        _needed("pandas")
        return self.to_arrow().to_pandas()

    def to_polars(self) -> polars.DataFrame:
        """Read it whole as a polars data frame. Raises UsageError where polars is not installed."""
        found: polars.DataFrame = _needed("polars").read_parquet(self.path, columns=list(self.columns))
        return found

    def to_duckdb(self, connection: duckdb.DuckDBPyConnection | None = None) -> duckdb.DuckDBPyRelation:
        """Return it as a relation of DuckDB, which reads from the file what a query needs.

        In a given connection, or in DuckDB's own. A relation on a temporary output is good as long as its Corpus is there.
        Raises UsageError where DuckDB is not installed.
        """
        module = _needed("duckdb")
        relation: duckdb.DuckDBPyRelation = (connection or module).read_parquet(str(self.path))
        return relation.select(*(f'"{name}"' for name in self.columns))

    def __arrow_c_stream__(self, requested_schema: object = None) -> object:
        schema = pa.schema([self._metadata.schema.to_arrow_schema().field(name) for name in self.columns])
        reader = pa.RecordBatchReader.from_batches(schema.remove_metadata(), self._without_metadata())
        return reader.__arrow_c_stream__(requested_schema)

    def _without_metadata(self) -> Iterator[pa.RecordBatch]:
        for batch in self.batches():
            yield batch.replace_schema_metadata()


def _needed(name: str) -> Any:
    try:
        return import_module(name)
    except ImportError as error:
        raise UsageError(f"{name} is not installed here.", f"Install it with: pip install {name}") from error
