from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dedupe.repair.spin.words import read_words


def shown(text: str) -> list[str]:
    return [word.folded for word in read_words(text) if not word.protected]


def test_words_keep_hyphens_apostrophes_and_acronyms_whole() -> None:
    assert shown("Trump’s well-known know-how, U.S. 7-day") == ["trump's", "well-known", "know-how", "u.s.", "7-day"]


def test_the_country_is_not_the_pronoun() -> None:
    assert shown("the US told us") == ["the", "u.s.", "told", "us"]


def test_possessives_are_told_from_contractions() -> None:
    assert [word.possessive for word in read_words("Bukele’s office it’s here’s the firm's")] == [
        True,
        False,
        False,
        False,
        False,
        True,
    ]


def test_phrases_end_at_punctuation_and_lines() -> None:
    words = read_words("in line, with\nthe data set")
    assert [word.joined for word in words] == [False, True, False, False, True, True]
    assert [word.opens for word in words] == [True, False, False, True, False, False]


PROTECTED = (
    "https://t.co/content-material mail@content.com @content #content content_material www.content.org `content material` "
    "content.html content() C:\\content {content} <content>"
)


@pytest.mark.parametrize("text", [*PROTECTED.replace("`content material`", "").split(), "`content material`"])
def test_addresses_handles_and_code_are_protected(text: str) -> None:
    assert all(word.protected for word in read_words(f"see {text} here")[1:-1])
    assert len(read_words(f"see {text} here")) > 2


def test_words_in_quotation_marks_are_known() -> None:
    assert [word.quoted for word in read_words('he “said so” and "left" now')] == [False, True, True, False, True, False]


@given(st.text())
def test_words_are_where_they_say_and_in_order(text: str) -> None:
    end = 0
    for word in read_words(text):
        assert end <= word.start < word.end <= len(text)
        end = word.end


@pytest.mark.parametrize("piece", ["a", "1.", "a.b", "@", "a-", "`", "A.", "<", "a'", "/x", "www."])
def test_hostile_text_takes_linear_time(piece: str) -> None:
    text = piece * (200_000 // len(piece))
    start = time.process_time()
    read_words(text)
    assert time.process_time() - start < 5
