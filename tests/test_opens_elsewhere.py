"""An output opens as it is in the libraries that people use."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from dedupe import job
from dedupe.corpus.export import export
from dedupe.corpus.output import Output
from dedupe.schema import CORPUS


@pytest.fixture(scope="module")
def output(seeds: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The seeds, a copy of one, and a file that is no article: every table has rows."""
    folder = tmp_path_factory.mktemp("elsewhere")
    (folder / "in").mkdir()
    for seed in seeds.iterdir():
        (folder / "in" / seed.name).write_bytes(seed.read_bytes())
        (folder / "in" / f"copy-{seed.name}").write_text(
            seed.read_text(encoding="utf-8") + "\n\nOne line more.", encoding="utf-8"
        )
    (folder / "in" / "blank.txt").write_text(" ")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("dedupe.write.articles.SHARED_PAGE_BYTES", 0)  # the two tables share pages, as those of long ones do
        job.clean([folder / "in"], folder / "out", workers=1)
    return folder / "out"


@pytest.fixture(scope="module")
def parts(output: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("elsewhere") / "parts"
    export(Output(output), folder, by="month", every=True)
    return folder


def test_pandas_reads_it(output: Path, parts: Path) -> None:
    pandas = pytest.importorskip("pandas")
    frame = pandas.read_parquet(output / "corpus.parquet")
    assert list(frame.columns) == CORPUS.names
    assert len(frame) == 10
    assert str(frame["published_at"].dtype) == "datetime64[us, UTC]"
    assert frame.groupby("cluster_id").size().to_dict() == frame.set_index("cluster_id")["cluster_size"].to_dict()
    assert set(pandas.read_parquet(parts)["month"]) == {"2025-04", "unknown"}


def test_polars_reads_it(output: Path, parts: Path) -> None:
    polars = pytest.importorskip("polars")
    lazy = polars.scan_parquet(output / "corpus.parquet")
    canonical = lazy.filter(polars.col("is_canonical")).collect()
    assert canonical.equals(polars.read_parquet(output / "canonical.parquet"))
    assert set(polars.read_parquet(parts)["month"]) == {"2025-04", "unknown"}


def test_duckdb_reads_it(output: Path, parts: Path) -> None:
    duckdb = pytest.importorskip("duckdb")
    rows = duckdb.sql(
        f"select p.relation, count(*) from '{output}/pairs.parquet' p join '{output}/corpus.parquet' c on p.a_id = c.article_id"
        " group by all"
    ).fetchall()
    assert sum(count for _, count in rows) == pq.read_metadata(output / "pairs.parquet").num_rows > 0
    months = duckdb.sql(f"select distinct month from '{parts}/**/*.parquet'").fetchall()
    assert set(months) == {("2025-04",), ("unknown",)}


_LOAD = """
import json, sys
import datasets
datasets.disable_progress_bars()
folder, cache = sys.argv[1:]
names = datasets.get_dataset_config_names(folder)
found = {name: datasets.load_dataset(folder, name, split="train", cache_dir=cache) for name in names}
default = datasets.load_dataset(folder, split="train", cache_dir=cache)
streamed = datasets.load_dataset(folder, "corpus", split="train", streaming=True)
print(json.dumps({
    "rows": {name: table.num_rows for name, table in found.items()},
    "default": default["article_id"][:],
    "streamed": [row["title"] for row in streamed],
    "columns": found["corpus"].column_names,
}))
"""


@pytest.mark.slow
def test_it_is_a_data_set_by_its_card(output: Path, tmp_path: Path) -> None:
    pytest.importorskip("datasets")
    # Offline, and in a process of its own: it takes its settings when it is imported.
    environment = {**os.environ, "HF_HUB_OFFLINE": "1", "HF_HOME": str(tmp_path / "home")}
    done = subprocess.run(
        [sys.executable, "-c", _LOAD, str(output), str(tmp_path / "cache")],
        env=environment, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    told: dict[str, Any] = json.loads(done.stdout)
    rows = {path.stem: pq.read_metadata(path).num_rows for path in output.glob("*.parquet")}
    assert told["rows"] == {name: count for name, count in rows.items() if count}
    assert {"corpus", "canonical", "pairs", "clusters", "edits", "rejects"} <= set(told["rows"])
    assert told["default"] == pq.read_table(output / "canonical.parquet")["article_id"].to_pylist()
    assert told["streamed"] == pq.read_table(output / "corpus.parquet")["title"].to_pylist()
    assert told["columns"] == CORPUS.names


def test_the_card_names_tables_with_rows_only(output: Path, tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("One article alone, of which nothing is to be said.")
    job.clean([tmp_path / "a.txt"], tmp_path / "out", workers=1)
    named = [line.split()[-1] for line in (tmp_path / "out" / "README.md").read_text().splitlines() if "config_name" in line]
    assert named == ["canonical", "corpus", "clusters"]
