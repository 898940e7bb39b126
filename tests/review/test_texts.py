"""Single rows out of a table of many row groups: those asked for, however the table was written and whatever is kept of it."""

from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dedupe.review import texts
from dedupe.review.texts import Groups, Texts
from dedupe.schema import CORPUS
from dedupe.write.parquet import write_table

ROWS = 700
TABLE = pa.table(
    {
        "text": [None if row % 17 == 0 else "" if row % 13 == 0 else f"the text of {row} " * (row % 40) for row in range(ROWS)],
        "languages": [["en"] * (row % 3) for row in range(ROWS)],
        "row": pa.array(range(ROWS), pa.int32()),
        "sure": pa.array([None if row % 5 == 0 else row / 7 for row in range(ROWS)], pa.float32()),
        "rule": [f"R{row % 3}" for row in range(ROWS)],
        "when": pa.array([row * 1_000_000 for row in range(ROWS)], pa.timestamp("us", "UTC")),
        "nothing": pa.nulls(ROWS, pa.string()),
    }
)
FLAT = [name for name in TABLE.column_names if name != "languages"]
WAYS: list[dict[str, Any]] = [
    {"compression": "zstd", "use_dictionary": False},  # ours
    {"compression": "snappy", "use_dictionary": True},
    {"compression": "none", "use_dictionary": ["rule"], "data_page_version": "2.0"},
    {"compression": "gzip", "use_dictionary": True, "data_page_version": "2.0", "write_page_index": True},
]


@pytest.fixture(scope="module", params=WAYS, ids=["ours", "snappy", "plain-v2", "gzip-v2"])
def written(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("texts") / "corpus.parquet"
    pq.write_table(TABLE, path, row_group_size=150, data_page_size=256, write_batch_size=16, **request.param)
    return path


@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=25)
@given(asked=st.lists(st.lists(st.tuples(st.integers(0, ROWS - 1), st.integers(0, 40)), max_size=5), max_size=5))
def test_runs_of_rows_are_those_of_the_table(
    written: Path, monkeypatch: pytest.MonkeyPatch, asked: list[list[tuple[int, int]]]
) -> None:
    monkeypatch.setattr(texts, "_KEPT", 3)
    groups = Groups(written, FLAT)
    for runs in asked:
        wanted = [range(start, min(start + length, ROWS)) for start, length in runs]
        expected = [TABLE.select(FLAT).slice(run.start, len(run)).to_pylist() for run in wanted]
        assert groups.rows(wanted) == expected


def test_a_text_takes_the_page_that_holds_it_and_is_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    told = [f"{row} " * 300 for row in range(6_000)]
    columns = {field.name: pa.nulls(len(told), field.type) for field in CORPUS} | {"text": pa.array(told)}
    table = pa.table(columns).cast(CORPUS)
    write_table(tmp_path / "corpus.parquet", CORPUS, table.to_batches(), {})
    found = Texts(tmp_path / "corpus.parquet", table["title"])
    excerpts, pages = found._groups._excerpts, []
    decoded = excerpts._decoded
    monkeypatch.setattr(excerpts, "_decoded", lambda *given: (pages.append(given[2]), decoded(*given))[1])
    assert found.of([5_033, 7, 5_033]) == [told[5_033], told[7], told[5_033]]
    assert len(pages) == 2
    assert sum(page.rows for page in pages) < 3_000
    assert found.of([7]) == [told[7]]
    assert len(pages) == 2
