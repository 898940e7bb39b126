"""What runs beside the rest of a run ends with it."""

import time
from concurrent.futures import CancelledError

import pytest

from dedupe.engine.local import Pool, beside


def _slowly(number: int) -> int:
    time.sleep(0.02)
    return number


@pytest.mark.parametrize("workers", [1, 2])
def test_a_run_that_fails_does_not_wait_for_what_went_on_beside_it(workers: int) -> None:
    with pytest.raises(ZeroDivisionError), Pool(workers) as pool, beside(lambda: list(pool.map(_slowly, [(1,)] * 5000))) as later:
        time.sleep(0.2)
        _ = 1 / 0
    with pytest.raises(CancelledError):
        later.result(timeout=30)


def test_the_result_is_taken_inside_the_block() -> None:
    with beside(sorted, [3, 1]) as later:
        assert later.result() == [1, 3]
