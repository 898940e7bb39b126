"""The screen is sound (whatever ftfy or our repair would change, it fires on) and precise (little else makes it fire)."""

from __future__ import annotations

import sys
import unicodedata
from pathlib import Path

import ftfy
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from ftfy.badness import MOJIBAKE_CATEGORIES, is_bad
from hypothesis import example, given, settings
from hypothesis import strategies as st

from dedupe.repair.encoding import repair, screen
from dedupe.repair.encoding_screen import FIRE, ROLE_SHIFT
from dedupe.repair.encoding_tables import ScreenTables, build_tables
from dedupe.repair.ledger import Draft

NEWS = Path(__file__).parents[3] / "shared" / "data" / "news-dev.parquet"

# ftfy, set to leave what published text keeps, and with it what our own rules do otherwise.
SLOW_TOOL = ftfy.TextFixerConfig(uncurl_quotes=False, fix_character_width=False, fix_latin_ligatures=False)

CODECS = [
    "latin-1",
    *(f"sloppy-windows-{n}" for n in (1250, 1251, 1252, 1253, 1254, 1257)),
    "iso-8859-2",
    "macroman",
    "cp437",
]


def fires(text: str) -> bool:
    """Screen one text."""
    return bool(screen(pa.array([text]))[0])


def would_change(text: str) -> bool:
    """Ask the slow tools."""
    draft = Draft(text)
    repair(draft)
    return bool(draft.edits) or ftfy.fix_text(text, SLOW_TOOL) != text


@st.composite
def mojibake(draw: st.DrawFn) -> str:
    """Draw honest text, decode its UTF-8 wrongly once or twice, and cut a piece out of it."""
    honest = draw(st.text(st.characters(max_codepoint=0xFFFF, exclude_categories=["Cs", "Cn", "Co"]), max_size=20))
    text = (
        draw(st.sampled_from(["", "“naïve café” — L’été ", "Это слово ", "日本語、", "שלום ", "ไทย ", "voilà, às 10 µm\xa0"]))
        + honest
    )
    for codec in draw(st.lists(st.sampled_from(CODECS), min_size=1, max_size=2)):
        text = text.encode("utf-8").decode(codec, "replace")
    cut = draw(st.integers(0, len(text)))
    return draw(st.sampled_from(["", "honest ", "é\n", "x"])) + text[cut : cut + draw(st.integers(0, 40))]


NAMED = sorted({letter for letters in MOJIBAKE_CATEGORIES.values() for letter in letters if letter != "-"} | set("aZ0 .,\n\t"))
SEQUENCES = st.text(st.sampled_from(NAMED), max_size=8)


@settings(max_examples=500, deadline=None)
@given(st.one_of(mojibake(), SEQUENCES, st.text(max_size=30)))
@example("\u0120\u0327")  # the cedilla goes to the G before its dot
@example("Ã ")
@example("x" * 40 + "\nÂ é")
@example("é" + "x" * 40 + "Ã ")
@example("x" * 40 + " Ã b")
def test_sound(text: str) -> None:
    assert fires(text) or not would_change(text)


MARKS = [chr(point) for point in range(0x300, 0x1F000) if unicodedata.combining(chr(point))]
COMPOSING = [*MARKS[:60], *"\u09be\u09c7\u0bc6\u0bbe\u0ddc\u1100\u1161\u11a8가각", *"aeGoĠấđŵ\n "]
INVISIBLE = [
    *"\u200b\u200c\u200d\u200e\u200f\u061c\u202a\u202b\u202c\u202e\u2066\u2067\u2068\u2069",
    *"aé—\n שعनกខ👩\ufe0f",
]


@settings(max_examples=500, deadline=None)
@given(st.one_of(st.text(st.sampled_from(COMPOSING + MARKS), max_size=6), st.text(st.sampled_from(INVISIBLE), max_size=6)))
def test_sound_and_precise_on_marks_joiners_and_directions(text: str) -> None:
    draft = Draft(text)
    repair(draft)
    if draft.edits:
        assert fires(text)
    elif unicodedata.is_normalized("NFC", text) and not set(text) & set(MARKS):
        assert not fires(text)


_ROLES = build_tables()[0] >> np.uint32(ROLE_SHIFT)
HARMLESS_ALONE = [letter for letter in NAMED if _ROLES[ord(letter)] != FIRE]


@settings(max_examples=500, deadline=None)
@given(st.text(st.sampled_from(HARMLESS_ALONE), max_size=12))
def test_the_automaton_is_the_pattern(text: str) -> None:
    assert fires(text) == any(is_bad(line) for line in text.splitlines(keepends=True))


def test_texts_of_a_column_are_judged_each_by_itself() -> None:
    column = pa.array(["plain", None, "cafÃ©", "", "Ã", " x", "\u202a", "“so”"])
    wanted = [False, False, True, False, False, False, True, False]
    assert screen(column).tolist() == wanted
    assert screen(column.slice(2, 4)).tolist() == wanted[2:6]
    assert screen(pa.array([], pa.string())).tolist() == []
    assert screen(pa.array([None, None], pa.string())).tolist() == [False, False]
    assert screen(pa.array(["", ""])).tolist() == [False, False]


def test_the_tables_know_every_character() -> None:
    tables = ScreenTables(*build_tables()[:3], int(build_tables()[3]))
    assert len(tables.characters) == sys.maxunicode + 1
    assert int((tables.characters & 0xFF).max()) < tables.steps.shape[1]
    assert int(tables.steps.max()) < tables.steps.shape[0]


@pytest.mark.skipif(not NEWS.exists(), reason="the development data is not there")
def test_fires_on_two_in_a_hundred_news_articles_at_most_and_misses_none() -> None:
    column = pq.read_table(NEWS, columns=["text"])["text"].combine_chunks()
    found = screen(column)
    assert found.mean() <= 0.02
    for text in column.filter(pa.array(~found)).to_pylist()[::10]:
        assert not would_change(text)
