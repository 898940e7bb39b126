"""What runs beside the rest of a run ends with it."""

import time
from concurrent.futures import CancelledError, Future
from pathlib import Path

import pytest

from dedupe import job
from dedupe.engine.local import Pool, beside


@pytest.mark.parametrize("workers", [1, 2])
def test_a_run_that_fails_does_not_wait_for_what_went_on_beside_it(workers: int) -> None:
    begun: list[Future[list[None]]] = []

    def run() -> None:
        with Pool(workers) as pool, beside(lambda: list(pool.map(time.sleep, [(0.02,)] * 5000))) as later:
            begun.append(later)
            time.sleep(0.2)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        run()
    with pytest.raises(CancelledError):
        begun[0].result(timeout=30)


def test_the_result_is_taken_inside_the_block() -> None:
    with beside(sorted, [3, 1]) as later:
        assert later.result() == [1, 3]


def test_a_sample_that_fails_stops_what_goes_on_beside_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    begun: list[Future[list[None]]] = []

    def carried(*given: object) -> None:
        pool = next(one for one in given if isinstance(one, Pool))
        with beside(lambda: list(pool.map(time.sleep, [(0.02,)] * 5000))) as later:
            begun.append(later)
            time.sleep(0.2)
            raise ZeroDivisionError

    monkeypatch.setattr(job, "carry_out", carried)
    (tmp_path / "one.txt").write_text("Some words.", encoding="utf-8")
    with pytest.raises(ZeroDivisionError):
        job.sample([tmp_path / "one.txt"], limit=1)
    with pytest.raises(CancelledError):
        begun[0].result(timeout=30)
