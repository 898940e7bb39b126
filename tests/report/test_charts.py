from datetime import UTC, datetime, timedelta

import numpy as np
import pyarrow as pa
import pytest

from dedupe.report.charts import axis, bars, columns, curve, heat
from dedupe.report.timeline import timeline
from dedupe.report.verdict import percent
from dedupe.schema import TIMESTAMP


def dates(*values: datetime | None) -> pa.ChunkedArray:
    return pa.chunked_array([pa.array(values, TIMESTAMP)])


@pytest.mark.parametrize(
    ("days", "unit"),
    [(10, "day"), (61, "day"), (62, "week"), (400, "week"), (900, "month"), (5_000, "quarter"), (20_000, "year")],
)
def test_the_unit_of_time_gives_a_readable_number_of_bars(days: int, unit: str) -> None:
    first = datetime(1960, 2, 29, tzinfo=UTC)
    found = timeline(dates(first, first + timedelta(days=days)), np.array([True, False]))
    assert found["unit"] == unit
    assert 1 < len(found["bins"]) <= 62
    assert found["bins"][0]["start"] <= "1960-02-29" < found["bins"][1]["start"]
    assert (found["bins"][0]["articles"], found["bins"][0]["copies"]) == (1, 0)
    assert (found["bins"][-1]["articles"], found["bins"][-1]["copies"]) == (1, 1)


def test_a_week_begins_on_monday() -> None:
    first = datetime(2024, 1, 3, 23, 59, tzinfo=UTC)
    found = timeline(dates(first, first + timedelta(days=100)), np.array([True, True]))
    assert found["bins"][0]["start"] == "2024-01-01"


def test_dates_far_off_are_counted_beside_the_chart() -> None:
    usual = [datetime(2020, 1, 1, tzinfo=UTC) + timedelta(days=n % 30) for n in range(1_000)]
    far = [datetime(1970, 1, 1, tzinfo=UTC), datetime(2031, 1, 1, tzinfo=UTC)]
    found = timeline(dates(*usual, *far, None), np.ones(1_003, bool))
    assert (found["unit"], len(found["bins"])) == ("day", 30)
    assert (found["undated"], found["earlier"], found["later"]) == (1, 1, 1)
    assert sum(one["articles"] for one in found["bins"]) == 1_000


def test_without_dates_there_is_nothing_to_draw() -> None:
    assert timeline(dates(None, None), np.ones(2, bool))["undated"] == 2
    assert timeline(dates(), np.ones(0, bool))["bins"] == []


def test_lines_of_an_axis_are_round_and_inside() -> None:
    expected = {1: [1], 3: [1, 2, 3], 7: [5], 40: [20, 40], 100: [50, 100], 1_234: [500, 1_000], 98_765: [50_000]}
    for most, values in expected.items():
        found = axis([most, most])
        assert found.most == most
        assert [value for value, _ in found.lines] == values
        assert found.lines[0][1] == round(168 - 168 * values[0] / most, 1)
    assert axis([]).lines == axis([0, 0]).lines == []


def test_one_column_far_above_the_others_is_cut() -> None:
    totals = [3, 40, 2_000]
    found = columns(totals, [0, 0, 0], axis(totals).most)
    assert [column.cut for column in found] == [False, False, True]
    assert found[1].height > 100
    assert found[2].height == 168
    assert not any(column.cut for column in columns([1, 3], [0, 0], axis([1, 3]).most))


def test_what_is_not_nothing_is_seen() -> None:
    found = columns([0, 1, 10_000, 9_000], [0, 1, 0, 0], 10_000)
    assert [column.height > 0 for column in found] == [False, True, True, True]
    assert found[1].part > 0
    shades = {cell.value: cell.shade for cell in heat([[0, 1], [30, 5_000]], 38, 30)}
    assert 0 == shades[0] < shades[1] < shades[30] < shades[5_000] == 9
    assert [bar.width for bar in bars([("a", 4), ("b", 1), ("c", 0)])] == [100, 25, 0]
    assert curve([[0, 0], [0.5, 1]]) == "0,100.00 50,0.00"


def test_percentages_never_round_to_all_or_nothing() -> None:
    assert [percent(*pair) for pair in ((0, 9), (9, 9), (0, 0), (1, 100_000), (99_999, 100_000), (1, 3), (1, 40))] == [
        "0 %", "100 %", "0 %", "under 0.1 %", "over 99.9 %", "33 %", "2.5 %"
    ]  # fmt: skip
