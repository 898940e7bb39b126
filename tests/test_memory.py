"""What a run may take of memory: read as people write it, kept by refusing early, and told when it is not enough."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from click.testing import Result

from dedupe.config import Config
from dedupe.engine import memory
from dedupe.engine.local import Pool
from dedupe.errors import DedupeError, UsageError
from dedupe.match.verify import Verifier


@pytest.mark.parametrize(("given", "bytes_"), [("3GB", 3 * 10**9), ("500 mb", 5 * 10**8), ("1.5GiB", 15 * 10**8), ("1000", 1000)])
def test_amounts_are_read_as_people_write_them(given: str, bytes_: int) -> None:
    assert memory.parse(given) == bytes_


@pytest.mark.parametrize("given", ["", "much", "3 gigs", "-1GB", "1e9"])
def test_what_is_no_amount_is_said(given: str) -> None:
    with pytest.raises(UsageError, match="no amount of memory"):
        memory.parse(given)


def test_workers_are_as_many_as_fit() -> None:
    assert memory.fitting_workers(10**10, 2) == 2
    assert memory.fitting_workers(10**9, 8) == 2
    assert memory.fitting_workers(1, 8) == 1


def test_a_million_articles_fit_into_three_gigabytes_and_ten_do_not() -> None:
    assert memory.check(1_000_000, 2, Config(), 3_400_000_000) == 2
    assert memory.check(1_000_000, 2, Config(), 3_000_000_000, spun=10_000) == 1, "there is room for one worker only"
    with pytest.raises(DedupeError, match="10,000,000 articles") as refused:
        memory.check(10_000_000, 2, Config(), 3_000_000_000)
    assert refused.value.exit_status == 3
    assert "--no-stories" not in refused.value.hint, "it would not do"
    with pytest.raises(DedupeError, match="1,000,000 articles") as refused:
        memory.check(1_000_000, 1, Config(), 2_000_000_000)
    assert "--no-stories (then 1.3 GB)" in refused.value.hint
    with pytest.raises(DedupeError, match="1,000,000 articles"):
        memory.check(1_000_000, 2, Config(), 3_400_000_000, spun=100_000)


@pytest.mark.parametrize("articles", [1, 1_300, 90_000, 272_727, 1_000_000, 7_654_321])
@pytest.mark.parametrize("wanted", [1, 2, 8, 64])
@pytest.mark.parametrize("spun", [0, 0.01, 0.5])
def test_what_is_advised_is_accepted(articles: int, wanted: int, spun: float) -> None:
    for config in (Config(), Config(stories=False)):
        for given in (400_000_000, 400_050_000, 10**9, 3 * 10**9, 10**10):
            workers = memory.fitting_workers(given, wanted)
            try:
                memory.check(articles, workers, config, given, int(spun * articles))
            except DedupeError as refused:
                advised = memory.parse(refused.hint.removeprefix("Give --memory ").partition(";")[0].partition(",")[0])
                memory.check_least(advised)
                workers = memory.fitting_workers(advised, wanted)
                assert 1 <= memory.check(articles, workers, config, advised, int(spun * articles)) <= workers


def test_the_least_that_is_advised_is_accepted_of_a_few_articles() -> None:
    with pytest.raises(UsageError, match=r"399\.0 MB") as refused:
        memory.check_least(399_000_000)
    advised = memory.parse(refused.value.hint.removeprefix("Give --memory ").partition(",")[0])
    memory.check_least(advised)
    assert memory.check(40_000, memory.fitting_workers(advised, 8), Config(), advised, spun=100) == 1


def test_as_many_workers_go_on_as_fit_beside_the_articles() -> None:
    for workers in (1, 2):
        with Pool(3) as pool:
            assert list(pool.map(abs, [(-1,)])) == [1]
            pool.rest()
            pool.lessen(workers)
            assert pool.workers == workers
            alone = {os.getpid()} == set(pool.map(os.getpid, [()] * 4))
            assert alone == (workers == 1)


def test_too_little_memory_is_said_before_it_is_taken_and_the_run_goes_on_with_more(
    tmp_path: Path, dedupe: Callable[..., Result], monkeypatch: pytest.MonkeyPatch
) -> None:
    source = tmp_path / "in.jsonl"
    source.write_text("".join(json.dumps({"text": f"article number {n} of a few words"}) + "\n" for n in range(50)))
    refused = dedupe("clean", source, "-o", tmp_path / "out", "--memory", "400050KB", "-q")
    assert refused.exit_code == 3
    assert "50 articles" in refused.stderr
    least = dedupe("clean", source, "-o", tmp_path / "out", "--memory", "1MB", "-q")
    assert least.exit_code == 2
    assert "Give --memory 500MB, or more." in least.stderr
    done = dedupe("clean", source, "-o", tmp_path / "out", "--memory", "2GB", "-q", "--json")
    assert done.exit_code == 0
    assert json.loads(done.stdout)["reused"] == {"read and repair": 50, "repair and sign": 50}
    assert dedupe("clean", source, "--memory", "lots").exit_code == 2


def test_overlaps_are_the_same_however_little_is_kept() -> None:
    rng = np.random.default_rng(3)
    texts = pa.array([" ".join(f"w{word}" for word in rng.integers(0, 40, 60)) for _ in range(30)])
    sizes = np.full(30, 58, np.int32)
    a, b = np.triu_indices(30, 1)
    asked: list[int] = []

    def read(rows: np.ndarray) -> pa.Array:
        asked.append(len(rows))
        return texts.take(pa.array(rows))

    whole = Verifier(read)(a, b)
    assert asked == [30]
    asked.clear()
    tight = Verifier(read, sizes=sizes, kept_bytes=8 * 58 * 7)(a, b)
    assert max(asked) <= 8
    for one, other in zip(whole, tight, strict=True):
        np.testing.assert_array_equal(one, other)
