"""Single rows out of a table of many row groups: those asked for, whatever is kept of what was asked before."""

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dedupe.review import texts
from dedupe.review.texts import Groups, Texts

ROWS = 700
TEXTS = [None if row % 17 == 0 else "" if row % 13 == 0 else f"the text of {row} " * (row % 40) for row in range(ROWS)]


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("texts") / "corpus.parquet"
    pq.write_table(pa.table({"text": TEXTS, "row": range(ROWS)}), path, row_group_size=150, data_page_size=256)
    return path


@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60)
@given(asked=st.lists(st.lists(st.tuples(st.integers(0, ROWS - 1), st.integers(0, 40)), max_size=6), max_size=6))
def test_runs_of_rows_are_those_of_the_table(
    written: Path, monkeypatch: pytest.MonkeyPatch, asked: list[list[tuple[int, int]]]
) -> None:
    monkeypatch.setattr(texts, "_BATCH", 8)
    monkeypatch.setattr(texts, "_KEPT", 3)
    groups = Groups(written, ["row", "text"])
    for runs in asked:
        wanted = [range(start, min(start + length, ROWS)) for start, length in runs]
        expected = [[{"row": row, "text": TEXTS[row]} for row in run] for run in wanted]
        assert groups.rows(wanted) == expected


def test_texts_are_decoded_no_further_than_wanted(written: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(texts, "_BATCH", 8)
    found = Texts(written, pa.chunked_array([[None] * ROWS], pa.string()))
    decoded = []

    class Counted:
        def __init__(self, file: pq.ParquetFile) -> None:
            self._file = file

        def iter_batches(self, *args, **kwargs):  # type: ignore[no-untyped-def]
            for batch in self._file.iter_batches(*args, **kwargs):
                decoded.append(len(batch))
                yield batch

    monkeypatch.setattr(found._groups, "_file", Counted(found._groups._file))
    assert found.of([302, 309, 302]) == [TEXTS[302], TEXTS[309], TEXTS[302]]
    assert sum(decoded) == 16
    # The second time they are in memory.
    assert found.of([309]) == [TEXTS[309]]
    assert sum(decoded) == 16
