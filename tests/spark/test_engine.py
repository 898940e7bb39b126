import random
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dedupe.cluster.clusters import components
from dedupe.engine.spark import Spark, runs_of, told_as_ours
from dedupe.engine.spark_components import spark_components
from dedupe.errors import DedupeError


@settings(deadline=None)  # the first batch of a process takes a second
@given(st.lists(st.integers(0, 6), max_size=40), st.integers(1, 5))
def test_runs_of_equal_keys_are_never_parted(keys: list[int], size: int) -> None:
    keys = sorted(keys)
    table = pa.table({"key": pa.array(keys, pa.int64()), "at": pa.array(range(len(keys)), pa.int64())})
    tables = list(runs_of(iter(table.to_batches(max_chunksize=size)), ["key"]))
    assert [at for cut in tables for at in cut["at"].to_pylist()] == list(range(len(keys)))
    seen = [set(cut["key"].to_pylist()) for cut in tables]
    assert sum(map(len, seen)) == len(set(keys))


@pytest.mark.slow
def test_the_pool_calls_a_function_on_every_item_in_order(session: Any) -> None:
    assert list(Spark(session).map(divmod, [(n, 3) for n in range(10)])) == [divmod(n, 3) for n in range(10)]
    assert list(Spark(session).map(divmod, [])) == []


@pytest.mark.slow
def test_a_failure_of_a_task_is_told_in_one_sentence_and_progress_ends(session: Any) -> None:
    told: list[tuple[str, int, int]] = []
    with pytest.raises(DedupeError, match=r"Spark ended the run: .*ZeroDivisionError") as failed, told_as_ours():
        list(Spark(session).map(divmod, [(1, 0)]))
    assert "\n" not in failed.value.sentence
    with Spark(session).shown("a stage", lambda *news: told.append(news)):
        pass
    assert told == [("a stage", 1, 1)]


@pytest.mark.slow
def test_components_are_those_of_the_local_code(session: Any) -> None:
    rng = random.Random(3)
    chain = [(n, n + 1) for n in range(9)]  # the longest way for any label
    star = [(100, n) for n in range(101, 130)]
    loose = [(rng.randrange(200, 400), rng.randrange(200, 400)) for _ in range(120)]  # loops and doubles too
    edges = np.array(chain + star + loose + [(399, 199), (5, 5)])
    expected = components(400, edges[:, 0], edges[:, 1])
    found = spark_components(session.createDataFrame(pa.table({"a": edges[:, 0], "b": edges[:, 1]}))).toArrow()
    labels = np.arange(400)
    labels[found["a"].to_numpy()] = found["b"].to_numpy()
    np.testing.assert_array_equal(labels, expected)
