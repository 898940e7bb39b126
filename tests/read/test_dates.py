"""Dates: what is read, what is counted, what is refused."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dedupe.read.dates import EARLIEST, EPOCH, LATEST, parse_date

from .conftest import NOW, RECORD_FORMATS, read_paths

MORNING = datetime(2025, 4, 3, 10, 30, tzinfo=UTC)
DAY = datetime(2025, 4, 3, tzinfo=UTC)


def moment(value):
    micros = parse_date(value).micros
    return None if micros is None else EPOCH + timedelta(microseconds=micros)


@pytest.mark.parametrize(
    "value",
    [
        "2025-04-03T10:30:00Z",
        "2025-04-03T12:30:00+02:00",
        "2025-04-03 10:30:00.000000+00:00",
        "2025-04-03 10:30:00 UTC",
        "20250403T103000Z",
        "Thu, 03 Apr 2025 10:30:00 GMT",
        "Thu, 3 Apr 2025 12:30:00 +0200",
        "3 Apr 2025 05:30 EST",
        "April 3, 2025 at 6:30 AM EDT",
        "Apr. 3, 2025, 10:30 a.m. UTC",
        "Thu Apr 03 10:30:00 +0000 2025",
        "Thu Apr 03 2025 10:30:00 GMT+0000 (Coordinated Universal Time)",
        1743676200,
        1743676200000,
        1743676200.0,
        "1743676200",
        "1743676200000",
        1743676200 * 10**6,
    ],
)
def test_full_dates(value):
    assert moment(value) == MORNING
    assert parse_date(value).events == ()


@pytest.mark.parametrize(
    "value",
    ["2025-04-03", "20250403", 20250403, "2025/04/03", "2025.4.3", "April 3, 2025", "3 Apr 2025", "3rd of April 2025",
     "Thursday, April 3, 2025", "03-Apr-2025", "2025-04-03T00:00:00", "2025-04-03 00:00"],
)  # fmt: skip
def test_without_a_zone_it_is_utc_and_said(value):
    assert moment(value) == DAY
    assert parse_date(value).events == ("date_without_zone",)
    assert parse_date(value).keep


@pytest.mark.parametrize(
    "value",
    ["202504031030", 202504031030, "20250403103000", 20250403103000, 20250403103000.0, "20250403103000.0", 20250403103000000,
     "20250403103000000", "20250403103000000000"],
)  # fmt: skip
def test_a_day_and_time_in_digits_alone_is_no_number_since_1970(value):
    assert moment(value) == MORNING
    assert parse_date(value).events == ("date_without_zone",)
    assert parse_date(value).keep


@pytest.mark.parametrize("value", ["2025040310", 2025040310, 2025040310.0])
def test_a_day_and_hour_in_digits_alone(value):
    assert parse_date(value) == (int(datetime(2025, 4, 3, 10, tzinfo=UTC).timestamp()) * 1_000_000, ("date_without_zone",), True)


@pytest.mark.parametrize("value", ["20250403103000Z", "20250403123000+0200", "20250403123000 +0200", "202504031030z"])
def test_a_day_and_time_in_digits_with_their_zone(value):
    assert parse_date(value) == (int(MORNING.timestamp()) * 1_000_000, (), False)


@pytest.mark.parametrize("value", ["202504311000", 20250230100000, "202504032400", "2025063110"])
def test_digits_of_a_day_that_never_was(value):
    assert parse_date(value) == (None, ("date_impossible",), True)


@pytest.mark.parametrize(
    "seconds",
    [1_704_121_015,  # the digits of 10 December 1704, 15 h: a real moment of January 2024
     1_743_676_200, 1_899_123_123, 1_912_312_359, 2_000_000_000, 2_025_134_010, 200_000_000, 202_513_311, 1_000_000_000],
)  # fmt: skip
def test_numbers_since_1970_stay_such(seconds):
    moments = {moment(scaled) for scaled in (seconds, seconds * 1_000, seconds * 1_000_000, str(seconds), f"{seconds}000")}
    assert moments == {EPOCH + timedelta(seconds=seconds)}
    assert parse_date(seconds).events == ()


@pytest.mark.parametrize("value", ["13/04/2025", "04/13/2025", "13.04.2025"])
def test_one_impossible_reading_leaves_the_other(value):
    assert moment(value) == datetime(2025, 4, 13, tzinfo=UTC)


@pytest.mark.parametrize(
    ("value", "event"),
    [
        ("03/04/2025", "date_ambiguous"),
        ("03.04.2025", "date_ambiguous"),
        ("3/4/25", "date_ambiguous"),
        ("2025-02-30", "date_impossible"),
        ("2025-13-01", "date_impossible"),
        ("31/02/2025", "date_impossible"),
        ("32/13/2025", "date_impossible"),
        ("February 30, 2025", "date_impossible"),
        ("2025-02-30T10:00:00Z", "date_impossible"),
        ("April 3, 2025 25:00", "date_impossible"),
        ("April 3, 2025 13:00 PM", "date_impossible"),
        ("1699-12-31", "date_impossible"),
        ("0001-01-01T00:00:00Z", "date_impossible"),
        (-9_000_000_000, "date_impossible"),
        ("2025", "date_partial"),
        (2025, "date_partial"),
        ("2025-04", "date_partial"),
        ("April 2025", "date_partial"),
        ("yesterday", "date_unknown"),
        ("Smarch 3, 2025", "date_unknown"),
        (0, "date_unknown"),
        (45000, "date_unknown"),
        (True, "date_unknown"),
        ([2025], "date_unknown"),
        (float("nan"), "date_unknown"),
        (float("inf"), "date_unknown"),
        ("9" * 500, "date_unknown"),
    ],
)
def test_what_is_refused_is_null_counted_and_kept(value, event):
    assert parse_date(value) == (None, (event,), True)


@pytest.mark.parametrize("value", [None, "", "  "])
def test_no_date_is_nothing_to_count(value):
    assert parse_date(value) == (None, (), False)


@pytest.mark.parametrize("zone", ["IST", "bst", "XYZ"])
def test_an_unknown_zone_is_not_guessed(zone):
    assert parse_date(f"3 Apr 2025 10:30 {zone}").events == ("date_zone_unknown",)


@pytest.mark.parametrize(
    ("value", "hour"), [("3 Apr 2025 10:30 CEST", 8), ("2 Jan 2025 10:30 am ET", 15), ("3 Apr 2025 10:30 ET", 14)]
)
def test_zones_of_newsrooms_are_known(value, hour):
    day = 2 if "Jan" in value else 3
    month = 1 if "Jan" in value else 4
    assert parse_date(value) == (int(datetime(2025, month, day, hour, 30, tzinfo=UTC).timestamp()) * 1_000_000, (), False)


@given(st.datetimes(datetime(1700, 1, 2), datetime(9999, 12, 29), timezones=st.timezones()))
def test_every_iso_date_is_read_exactly(value):
    try:
        expected = (value - EPOCH) // timedelta(microseconds=1)
    except OverflowError:
        return
    if value.utcoffset() % timedelta(minutes=1):
        return
    assert parse_date(value.isoformat()).micros == expected


@given(st.one_of(st.text(max_size=60), st.integers(), st.floats(), st.from_regex(r"[0-9a-zA-Z/:,. +\-]{1,40}", fullmatch=True)))
def test_nothing_raises_and_nothing_is_out_of_range(value):
    got = parse_date(value)
    assert got.micros is None or EARLIEST <= got.micros <= LATEST


@pytest.mark.parametrize("kind", ["jsonl", "csv", "parquet"])
def test_rows_keep_what_was_given_and_the_run_counts(tmp_path, kind):
    dates = ["2025-04-03", "03/04/2025", "2026-01-03T00:00:01Z", "2026-01-02T23:59:59Z", "2025-02-30", ""]
    (tmp_path / f"a.{kind}").write_bytes(RECORD_FORMATS[kind]([{"text": f"t{n}", "date": d} for n, d in enumerate(dates)]))
    got = read_paths([tmp_path])
    assert [row["published_at"] is not None for row in got.rows] == [True, False, True, True, False, False]
    kept = [json.loads(row["extra"] or "{}").get("published_as_given") for row in got.rows]
    assert kept == ["2025-04-03", "03/04/2025", None, None, "2025-02-30", None]
    counted = {name: n for name, n in got.report.events.items() if name.startswith("date_")}
    assert counted == {"date_without_zone": 1, "date_ambiguous": 1, "date_future": 1, "date_impossible": 1}
    assert NOW.year == 2026
