"""The articles of a run in Spark, as the process that steers it sees them: short columns are here, texts come when asked for."""

from __future__ import annotations

import pickle
import tempfile
import threading
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from dedupe.engine.spark import Spark, Task, rows_by_partition, run_task
from dedupe.gather import distinct, take_rows
from dedupe.match.verify import Overlaps, Verifier
from dedupe.spark.stages import FAR, HELD, KEYS, LIGHT, TAKEN, TakeArticles, unpack_table
from dedupe.stages.maps import PREPARED

if TYPE_CHECKING:
    from pyspark.sql import DataFrame


class Pieces:
    """Hold the pieces of a run, and which rows each has: the order of rows is that of shards, and of batches in them."""

    def __init__(self, spark: Spark, frame: DataFrame, head: pa.Table) -> None:
        self.spark = spark
        self.frame = frame.select(HELD.names)
        self._kept = [frame]
        self.keys = head.select(KEYS)
        self.bounds = np.concatenate([[0], np.cumsum(head["count"].to_numpy())]).astype(np.int64)

    @property
    def rows(self) -> int:
        """Articles in all pieces."""
        return int(self.bounds[-1])

    def slices(self) -> Iterator[slice]:
        """Yield the rows of each piece."""
        for first, stop in zip(self.bounds[:-1].tolist(), self.bounds[1:].tolist(), strict=True):
            yield slice(first, stop)

    def run(self, columns: Sequence[str], task: Task, schema: pa.Schema, extra: Callable[[slice], Any]) -> DataFrame:
        """Return the frame of what `task` makes of `columns` of each piece and `extra` of its rows; None leaves a piece out."""
        made = [extra(rows) for rows in self.slices()]
        kept = [at for at, one in enumerate(made) if one is not None]
        packed = pa.array([pickle.dumps(made[at]) for at in kept], pa.binary())
        told = self.keys.take(pa.array(kept, pa.int64())).append_column("extra", packed)
        return run_task(self.spark.pieces(self.frame, columns, KEYS, told), task, schema)

    def change(self, task: Task, extra: Callable[[slice], Any]) -> None:
        """Put what `task` makes of some pieces in their place; `extra` as in `run`."""
        from pyspark import StorageLevel
        from pyspark.sql import functions as f

        changed = self.run(HELD.names[len(KEYS) :], task, HELD, extra).persist(StorageLevel.DISK_ONLY)
        gone = f.broadcast(changed.select(*KEYS))
        self.frame = self.frame.join(gone, list(KEYS), "left_anti").unionByName(changed)
        self._kept.append(changed)

    def release(self) -> None:
        """Give back the disks that hold the pieces."""
        for frame in self._kept:
            frame.unpersist()

    def take(self, columns: Sequence[str], task: Task, rows: np.ndarray) -> list[bytes]:
        """Return what `task` takes of some rows, in ascending order: a value for each piece that has any, in their order."""
        taken = self._taken(columns, task, rows).toArrow()
        blobs: list[bytes] = taken.sort_by([(key, "ascending") for key in KEYS])["blob"].to_pylist()
        return blobs

    def land(self, columns: Sequence[str], task: Task, rows: np.ndarray, scratch: Path) -> Iterator[bytes]:
        """Yield what `take` returns, where it is more than memory should hold: it lies in `scratch` until it is asked for."""
        from pyspark import StorageLevel

        taken = self._taken(columns, task, rows).persist(StorageLevel.DISK_ONLY)
        taken.count()  # by all tasks at once; what follows is one partition after the other
        with tempfile.TemporaryDirectory(dir=scratch) as folder:
            landed: dict[tuple[int, int], Path] = {}
            for row in rows_by_partition(taken):
                landed[row["shard"], row["seq"]] = Path(folder, str(len(landed)))
                landed[row["shard"], row["seq"]].write_bytes(row["blob"])
            taken.unpersist()
            for key in sorted(landed):
                yield landed[key].read_bytes()

    def _taken(self, columns: Sequence[str], task: Task, rows: np.ndarray) -> DataFrame:
        def places(piece: slice) -> np.ndarray | None:
            first, stop = np.searchsorted(rows, [piece.start, piece.stop])
            return rows[first:stop] - piece.start if stop > first else None

        return self.run(columns, task, TAKEN, places)


class FarArticles:
    """Stand for the table of articles: short columns are held, texts and ledgers are fetched and then kept on disk.

    Only for the few that something is to be read of: candidates of spun text, members of their clusters, pairs of a story.
    """

    def __init__(self, pieces: Pieces, light: pa.Table, scratch: Path) -> None:
        self._pieces = pieces
        self.light = light
        self._scratch = scratch
        self._lock = threading.RLock()  # stories are told by more than one thread
        self._known = np.empty(0, np.int64)
        self._tables: list[pa.Table] = []

    @property
    def num_rows(self) -> int:
        """Articles of the run."""
        return self._pieces.rows

    def __getitem__(self, name: str) -> pa.ChunkedArray | _Far:
        return _Far(self, name) if name in FAR else self.light[name]

    def fetch(self, rows: np.ndarray) -> None:
        """Fetch what is not held of these rows: in one go, where many are going to be asked for one after the other."""
        with self._lock:
            new = distinct(rows)
            new = new[~np.isin(new, self._known)]
            if not len(new):
                return
            self._pieces.spark.go_on()
            path = self._scratch / f"fetched-{len(self._tables):05}.arrow"
            parts = [unpack_table(blob) for blob in self._pieces.take(["articles"], TakeArticles(), new)]
            with pa.ipc.new_file(str(path), parts[0].schema) as writer:
                for part in parts:
                    writer.write_table(part)
            self._tables.append(pa.ipc.open_file(pa.memory_map(str(path))).read_all())
            self._known = np.concatenate([self._known, new])

    def put(self, rows: np.ndarray, values: dict[str, pa.Array]) -> None:
        """Hold other values in some rows (ascending) than the pieces had."""
        again = np.zeros(self.num_rows, bool)
        again[rows] = True
        for name in set(values) & set(LIGHT):
            column = pc.replace_with_mask(self.light[name].combine_chunks(), pa.array(again), values[name])
            self.light = self.light.set_column(self.light.schema.get_field_index(name), name, column)
        self._tables.insert(0, pa.table({name: values[name].cast(PREPARED.field(name).type) for name in FAR}))
        # Of two tables that hold a row, the first has its say.
        self._known = np.concatenate([rows, self._known])

    def texts_of(self, rows: np.ndarray) -> pa.Array:
        """Return the texts of some rows, in the order asked for."""
        return self.rows_of("text", rows)

    def rows_of(self, name: str, rows: np.ndarray) -> pa.Array:
        """Return some rows of a column that is fetched."""
        if not len(rows):
            return pa.array([], pa.string())
        with self._lock:
            self.fetch(rows)
            order = np.argsort(self._known, kind="stable")
            places = order[np.searchsorted(self._known, rows, sorter=order)]
            return take_rows(pa.concat_tables(self._tables)[name], places)


class FarVerifier(Verifier):
    """Compare articles whose texts are fetched in one go: each look at a few of them reads all pieces."""

    def __init__(self, articles: FarArticles, threads: int, sizes: np.ndarray) -> None:
        super().__init__(articles.texts_of, threads, sizes=sizes)
        self._articles = articles

    def __call__(self, a: np.ndarray, b: np.ndarray) -> Overlaps:
        """Return the overlaps of pairs of rows."""
        self._articles.fetch(np.concatenate([a, b]))
        return super().__call__(a, b)


class _Far:
    def __init__(self, articles: FarArticles, name: str) -> None:
        self._articles, self._name = articles, name

    def take_rows(self, rows: np.ndarray) -> pa.Array:
        return self._articles.rows_of(self._name, rows)
