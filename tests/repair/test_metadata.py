"""Metadata out of the text: titles, dates and bylines that go to their columns, and first lines that stay."""

from __future__ import annotations

import time
from datetime import date

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dedupe.read.dates import parse_date
from dedupe.repair import metadata
from dedupe.repair.ledger import Draft, restore
from dedupe.repair.metadata_dates import read_date
from dedupe.zones import ZONE_NAMES

BODY = (
    "The council met on Thursday to decide on the new bridge over the river, which has been closed for two years and three "
    "months.\n\n"
    "A decision is expected in May, when the engineers have given their report to the mayor and to the people of both banks."
)


def extracted(text: str, **fields: str | None) -> Draft:
    draft = Draft(text, **{"title": None, "author": None, "publisher": None, "published_at": None, **fields})
    metadata.extract(draft)
    assert restore(draft.text, draft.edits) == text
    return draft


@pytest.mark.parametrize(
    ("line", "title", "publisher"),
    [
        (
            "Trump invites El Salvador’s Bukele to White House for talks – Crypto Finance",
            "Trump invites El Salvador’s Bukele to White House for talks",
            "Crypto Finance",
        ),
        ("Council to Decide on Bridge | The Daily Herald", "Council to Decide on Bridge", "The Daily Herald"),
        ("Council to Decide on Bridge - Springfield Times", "Council to Decide on Bridge", "Springfield Times"),
        ("Obama Wins Ohio - Race Is Over", "Obama Wins Ohio - Race Is Over", None),
        ("Who Will Pay for the Bridge?", "Who Will Pay for the Bridge?", None),
        ("By closing the bridge, mayor angers both banks", "By closing the bridge, mayor angers both banks", None),
    ],
)
def test_a_headline_fills_the_empty_title(line: str, title: str, publisher: str | None) -> None:
    draft = extracted(f"{line}\n\n{BODY}")
    assert (draft.text, draft.fields["title"], draft.fields["publisher"]) == (BODY, title, publisher)


@pytest.mark.parametrize(
    "first",
    [
        "The council met on Thursday to decide on the bridge.",
        "What happened",
        "“We will build it in a year or two”",
        "and so it went on for years",
        "The following is a list of the bridges:",
        "Who will pay for the bridge over the river?",
        "WASHINGTON (Reuters) - The council has met to decide on the bridge",
        "(CNN) The council has met to decide on the bridge",
        "Story highlights The council has met to decide on the bridge",
        "Editor's note: Jane Doe is a member of the council of bridges",
        "Updated 4:49 p.m. ET, 2/26/2014",
        "By Jane Doe, with reporting from John Roe",
        "The mayor on the old bridge in May (Reuters photo: Jane Doe)",
        "The mayor is a genius. She took the rift between the two banks",
        "He treats the bridge like a river (“It flows when it will!”)",
        "The council has met to decide on the bridge, which",
    ],
)
def test_a_first_line_that_is_no_headline_stays(first: str) -> None:
    text = f"{first}\n\n{BODY}"
    draft = extracted(text)
    assert (draft.text, draft.fields["title"]) == (text, None)


def test_a_line_that_was_broken_off_in_mid_sentence_stays() -> None:
    text = f"The Council and the Engineers\n\nhave met on Thursday. {BODY}"
    assert extracted(text).text == text


def test_a_short_text_keeps_its_first_line() -> None:
    text = "Council to decide on the new bridge\n\nIt will meet on Thursday."
    assert extracted(text).text == text


def test_a_first_line_that_equals_the_known_title_leaves() -> None:
    draft = extracted(f"COUNCIL TO DECIDE ON ‘BRIDGE’\n\n{BODY}", title="Council to decide on 'Bridge'")
    assert (draft.text, draft.fields["title"]) == (BODY, "Council to decide on 'Bridge'")


def test_a_first_line_that_differs_from_the_known_title_stays() -> None:
    text = f"Mayor Hopes for an Answer in May\n\n{BODY}"
    assert extracted(text, title="Council to decide on the bridge").text == text


@pytest.mark.parametrize(
    ("line", "when"),
    [
        ("Published: April 3, 2025", "2025-04-03T00:00:00+00:00"),
        ("Published April 3, 2025 3:14 PM EDT", "2025-04-03T19:14:00+00:00"),
        ("Updated 3:14 PM ET, Thu April 3, 2025", "2025-04-03T19:14:00+00:00"),
        ("Thursday, April 3, 2025", "2025-04-03T00:00:00+00:00"),
        ("3 April 2025", "2025-04-03T00:00:00+00:00"),
        ("2025-04-03T10:00:00Z", "2025-04-03T10:00:00+00:00"),
        ("2025-04-03 10:00 +0200", "2025-04-03T08:00:00+00:00"),
        ("Posted on Apr. 3, 2025 | Updated on Apr. 5, 2025", "2025-04-03T00:00:00+00:00"),
        ("Publié le 3 février 2025", "2025-02-03T00:00:00+00:00"),
        ("Veröffentlicht am 3. März 2025", "2025-03-03T00:00:00+00:00"),
        ("Publicado el 3 de abril de 2025", "2025-04-03T00:00:00+00:00"),
    ],
)
def test_a_date_line_fills_the_empty_date(line: str, when: str) -> None:
    draft = extracted(f"{line}\n\n{BODY}", title="Known")
    assert (draft.text, draft.fields["published_at"]) == (BODY, when)


def test_a_date_before_the_first_sentence_is_cut() -> None:
    draft = extracted(f" date 2025-04-03 {BODY}")
    assert (draft.text, draft.fields["published_at"]) == (BODY, "2025-04-03T00:00:00+00:00")


def test_a_month_before_the_first_sentence_is_cut_and_fills_no_date() -> None:
    text = f" date 2025-04 {BODY}"
    draft = extracted(text, title="Known")
    assert (draft.text, draft.fields["published_at"]) == (BODY, None)
    assert extracted(text, title="Known", published_at="2025-04-30T00:00:00+00:00").text == BODY
    assert extracted(text, title="Known", published_at="2025-05-01T00:00:00+00:00").text == text
    assert extracted(f"date 2025-13 {BODY}", title="Known").text == f"date 2025-13 {BODY}"


def test_a_date_that_the_column_holds_leaves_and_another_stays() -> None:
    text = f"Published: April 3, 2025\n\n{BODY}"
    assert extracted(text, published_at="2025-04-03T14:00:00+00:00").text == BODY
    assert extracted(text, published_at="2024-01-01T00:00:00+00:00").text == text


@pytest.mark.parametrize(
    "line",
    [
        "Published: 03/04/2025",  # two countries read it in two ways
        "Published: February 30, 2025",
        "Date palms need water",
        "Updated rules take effect in May",
        "April 3, 2025, was a day that nobody in the town forgot",
        "May 2025 be a better year",
        "2025",
        "Date 45 was the last of them.",
    ],
)
def test_what_is_no_date_line_stays(line: str) -> None:
    text = f"{line}\n\n{BODY}"
    draft = extracted(text, title="Known")
    assert (draft.text, draft.fields["published_at"]) == (text, None)


@pytest.mark.parametrize(
    ("line", "author", "publisher", "credited"),
    [
        ("By Jane Doe", "Jane Doe", None, []),
        ("BY JANE DOE, Associated Press", "Jane Doe", "Associated Press", ["Associated Press"]),
        ("By Jane Doe and John Roe | Staff Writer", "Jane Doe and John Roe", None, []),
        ("By Jane Doe, John Roe", "Jane Doe, John Roe", None, []),
        ("By Jane Doe, John Roe and Max Moe", "Jane Doe, John Roe and Max Moe", None, []),
        ("By Jane Doe, Kaiser Health News", "Jane Doe", "Kaiser Health News", []),
        ("By J. R. Doe, CNN", "J. R. Doe", "CNN", []),
        ("Written by Jane van der Doe", "Jane van der Doe", None, []),
        ("Von Jürgen Müller", "Jürgen Müller", None, []),
    ],
)
def test_a_byline_fills_the_empty_author(line: str, author: str, publisher: str | None, credited: list[str]) -> None:
    draft = extracted(f"{line}\n\n{BODY}", title="Known")
    assert (draft.text, draft.fields["author"], draft.fields["publisher"], draft.credits) == (BODY, author, publisher, credited)


@pytest.mark.parametrize(
    "line",
    [
        "By the time the fire was out, nothing stood.",
        "By Monday Morning",
        "By Popular Demand",
        "By Design",
        "By 2025",
        "By Staff Writer",
        "By Jane Doe's account, the bridge was closed.",
        "By Contrast, Germany",
        "By far the best",
    ],
)
def test_what_is_no_byline_stays(line: str) -> None:
    text = f"{line}\n\n{BODY}"
    draft = extracted(text, title="Known")
    assert (draft.text, draft.fields["author"]) == (text, None)


def test_a_byline_that_the_column_holds_leaves_and_another_stays() -> None:
    text = f"By Jane Doe\n\n{BODY}"
    assert extracted(text, title="Known", author="JANE DOE and John Roe").text == BODY
    assert extracted(text, title="Known", author="Jane Doe").text == BODY
    assert extracted(text, title="Known", author="John Roe").text == text


def test_metadata_in_the_middle_stays() -> None:
    text = f"{BODY}\n\nBy Jane Doe\n\nPublished: April 3, 2025\n\n{BODY}"
    assert extracted(text, title="Known").text == text


def test_all_of_a_head_leaves() -> None:
    draft = extracted(f"Council to decide on the new bridge\n\nBy Jane Doe, Reuters\n\nApril 3, 2025 10:00 AM\n\n{BODY}")
    assert draft.text == BODY
    assert draft.fields["author"] == "Jane Doe"
    assert draft.fields["published_at"] == "2025-04-03T10:00:00+00:00"


@pytest.mark.parametrize(
    "text", ["9999-12-31 23:59 -0800", "0001-01-01", "2025-13-01", "April 31, 2025", "no date", "25:00 April 3, 2025"]
)
def test_impossible_dates_are_none(text: str) -> None:
    found = read_date(text)
    assert found is None or found[0].year == 2025


@pytest.mark.parametrize(
    ("line", "when", "said"),
    [
        ("Published: April 3, 2025 10:00 IST", "2025-04-03T10:00:00+00:00", "IST is no zone with one meaning: taken as UTC"),
        ("3 April 2025, 10:00 bst", "2025-04-03T10:00:00+00:00", "BST is no zone with one meaning: taken as UTC"),
        ("3 April 2025, 10:00", "2025-04-03T10:00:00+00:00", "no zone is given: taken as UTC"),
        ("3 April 2025, 10:00 MESZ", "2025-04-03T08:00:00+00:00", None),
        ("3 April 2025, 10:00 +0200", "2025-04-03T08:00:00+00:00", None),
    ],
)
def test_what_is_assumed_of_a_zone_is_said(line: str, when: str, said: str | None) -> None:
    draft = extracted(f"{line}\n\n{BODY}", title="Known")
    assert (draft.text, draft.fields["published_at"]) == (BODY, when)
    [edit] = [edit for edit in draft.edits if edit.field == "published_at"]
    assert edit.evidence == (f"from the text; {said}" if said else "from the text")


@given(st.sampled_from(ZONE_NAMES), st.dates(date(1980, 1, 1), date(2060, 1, 1)))
def test_a_zone_means_the_same_in_a_line_and_in_a_column(name: str, day: date) -> None:
    written = f"{day:%B} {day.day}, {day.year} 10:30 {name.upper()}"
    found, parsed = read_date(written), parse_date(written)
    assert found is not None
    assert parsed.micros is not None
    assert int(found[0].timestamp()) * 1_000_000 == parsed.micros
    assert bool(found[1]) == (parsed.events == ("date_zone_unknown",))


@pytest.mark.parametrize("unit", ["A A, ", "By A A ", "A. ", "and A A ", "3 April 2025, ", "10:00 ", "A | ", "date 2025-04-03 "])
def test_no_first_line_takes_long_to_fail(unit: str) -> None:
    start = time.process_time()
    for head in ("By ", "Published: ", "date ", ""):
        extracted(f"{head}{(unit * 200)[:190]}!\n\n{BODY}")
        extracted(f"{head}{unit * 5_000}")
    assert time.process_time() - start < 2


PIECES = st.one_of(
    st.sampled_from(
        [
            "Council to decide on the new bridge",
            "By Jane Doe",
            "BY JANE DOE, AP",
            "Published: April 3, 2025",
            "10:02 April 3, 2025",
            "3rd of May",
            "3rd May 2025",
            "14:05 UTC 3 April 2025",
            "2025-04-03T10:02:00Z",
            "date 2025-04-03 US President",
            "date 2025-04 US President",
            "Story highlights A",
            "Updated at 6:20 p.m. ET",
            "Stand: 3. März 2025",
            "title – Site News",
            "mis à jour le 3 FÉVRIER 2025",
            BODY,
            "A Short Line",
            "• By Jane Doe",
            "(April 3, 2025)",
            "一二三四五六七八九十",
            "\u2014",
            "\xa0",
            "",
        ]
    ),
    st.text(max_size=30),
)


@settings(max_examples=500, deadline=None)
@given(st.lists(PIECES, max_size=7), st.sampled_from(["\n", "\n\n", "\r\n", " \n\t"]), st.one_of(st.none(), PIECES))
def test_the_screen_fires_on_whatever_is_extracted(pieces: list[str], joint: str, title: str | None) -> None:
    text = joint.join(pieces).encode("utf-8", "replace").decode()
    title = None if title is None else title.encode("utf-8", "replace").decode()
    draft = extracted(text, title=title)
    batch = pa.record_batch({"text": pa.array([text]), "title": pa.array([title], pa.string())})
    assert bool(metadata.screen(batch)[0]) or not (draft.edits or draft.credits)
