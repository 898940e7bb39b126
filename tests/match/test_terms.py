import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dedupe.match.story_background import RAREST, background, build_table
from dedupe.match.story_scan import DATE, NAME, NAMES, NUMBER, WORD
from dedupe.match.terms import (
    LEAD_WORDS,
    MOST_TERMS,
    StoryTerms,
    extract_terms,
    story_texts,
    term_hashes,
)


def terms_of(text: str, language: str = "en") -> dict[str, int]:
    """The terms of one text as they stand in it, each with its kind."""
    terms = extract_terms(pa.array([text]), pa.array([language]))
    blob = text.encode()
    return {
        blob[start : start + size].decode(): kind
        for start, size, kind in zip(terms.starts.tolist(), terms.sizes.tolist(), terms.kinds.tolist(), strict=True)
    }


def hashes_of(text: str, language: str = "en") -> set[int]:
    return set(extract_terms(pa.array([text]), pa.array([language])).hashes.tolist())


def test_names_numbers_dates_and_words_are_told_apart() -> None:
    found = terms_of("Yesterday the president met Nayib Bukele, jailer of 6,100 suspects, on April 14 in the mansion.")
    assert found["Nayib"] == found["Bukele"] == NAME
    assert found["Nayib Bukele"] == NAMES
    assert found["6,100"] == NUMBER
    assert found["April 14"] == DATE
    assert found["jailer"] == found["suspects"] == WORD
    assert not {"the", "of", "on", "in"} & set(found)


def test_the_first_word_of_a_sentence_is_a_name_only_if_the_text_says_so_elsewhere() -> None:
    assert terms_of("Prisoners escaped. Guards slept.")["Prisoners"] == WORD
    assert terms_of("Ketsoyan declined. The agent of Ketsoyan laughed.")["Ketsoyan"] == NAME


def test_a_heading_in_title_case_names_nobody() -> None:
    found = terms_of("Actress Leaves Clinic After Ninety Days\nThe actress has left the clinic, a spokesman confirmed.")
    assert found["Actress"] == found["Clinic"] == WORD


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("critics of Bukele's jails", "critics of Bukele, jails"),
        ("critics of Bukele’s jails", "critics of Bukele, jails"),
        ("the talks on April 14", "the talks on 14 April"),
        ("the talks on Apr. 14", "the talks on April 14th"),
        ("prisoner revolt", "prisoners revolt"),
        ("some 6,100 prisoners", "some 6100 prisoners"),
        ("Überraschung für José", "Uberraschung fur JOSE"),
    ],
)
def test_two_ways_to_write_one_thing_give_the_same_terms(one: str, other: str) -> None:
    assert hashes_of(one) == hashes_of(other)


@pytest.mark.parametrize(
    ("one", "other"), [("a quake of 5.6", "a quake of 56"), ("on April 14", "on April 15"), ("on April 14", "on May 14")]
)
def test_numbers_and_dates_that_differ_stay_apart(one: str, other: str) -> None:
    assert hashes_of(one) != hashes_of(other)


def test_scripts_without_spaces_give_pairs_of_characters() -> None:
    one, other = hashes_of("萨尔瓦多总统布克尔访问华盛顿", "zh"), hashes_of("布克尔总统抵达华盛顿", "zh")
    assert len(one & other) >= 4
    assert not one & hashes_of("今天天气很好", "zh")


def test_other_alphabets_have_capitals_too() -> None:
    assert terms_of("Вчера президент Найиб Букеле посетил тюрьму", "ru")["Букеле"] == NAME


def test_only_the_lead_counts_and_no_more_terms_than_fit() -> None:
    words = [f"Word{n}x" for n in range(5000)]
    terms = extract_terms(pa.array([" ".join(words)]), pa.array(["en"]))
    assert len(terms.hashes) == MOST_TERMS
    assert int((terms.starts + terms.sizes).max()) <= len(" ".join(words[: LEAD_WORDS + 1]))


def test_empty_and_null_articles_have_no_terms() -> None:
    terms = extract_terms(pa.array(["", None, "?!", "Nayib Bukele"]), pa.array(["en", None, "und", "en"]))
    assert np.diff(terms.offsets)[:3].tolist() == [0, 0, 0]
    assert extract_terms(pa.array([], pa.string())).offsets.tolist() == [0]
    assert story_texts(pa.array([None, "A"]), pa.array(["text", None])).to_pylist() == ["\ntext", "A\n"]


@settings(max_examples=60, deadline=None)
@given(st.lists(st.text(max_size=120), min_size=1, max_size=6))
def test_any_text_gives_sorted_terms_that_lie_within_it_and_do_not_depend_on_neighbours(texts: list[str]) -> None:
    texts = [text.encode("utf-8", "ignore").decode() for text in texts]
    terms = extract_terms(pa.array(texts, pa.string()))
    for row, text in enumerate(texts):
        begin, end = terms.offsets[row], terms.offsets[row + 1]
        assert (np.diff(terms.hashes[begin:end].astype(object)) > 0).all()
        assert (terms.starts[begin:end] >= 0).all()
        assert (terms.starts[begin:end] + terms.sizes[begin:end] <= len(text.encode())).all()
        alone = extract_terms(pa.array([text], pa.string()))
        assert alone.hashes.tolist() == terms.hashes[begin:end].tolist()


def test_bytes_that_are_no_utf8_are_survived() -> None:
    raw = b"Bukele \xff\xf0\x9f met \xc3"
    column = pa.Array.from_buffers(pa.string(), 1, [None, pa.py_buffer(np.array([0, len(raw)], np.int32)), pa.py_buffer(raw)])
    assert len(extract_terms(column, pa.array(["en"])).hashes) >= 1


def test_take_and_concatenate_keep_every_article() -> None:
    terms = extract_terms(pa.array(["Nayib Bukele", "", "Donald Trump in Tampa"]), pa.array(["en"] * 3))
    back = StoryTerms.concatenate([terms.take(np.array([2])), terms.take(np.array([0, 1]))]).take(np.array([1, 2, 0]))
    assert all(np.array_equal(one, other) for one, other in zip(terms, back, strict=True))


def test_the_background_adds_up_what_folds_to_one_term() -> None:
    hashes, rarity = build_table({"prisoner": 1e-4, "prisoners": 1e-4, "the": 0.05, "Überfall": 1e-5})
    word = term_hashes(pa.array(["prisoner", "the", "uberfall"]))[0]
    found = [int(rarity[np.flatnonzero(hashes == value)[0]]) for value in word]
    assert found == [round(-np.log(2e-4) * 10), round(-np.log(0.05) * 10), round(-np.log(1e-5) * 10)]


@pytest.mark.parametrize("language", ["en", "no", "xx", "", "zh-cn"])
def test_every_language_code_has_a_table_or_an_empty_one(language: str) -> None:
    tables = background([language, "und"])
    assert tables.slots[1] == 0
    assert len(tables.hashes) == len(tables.rarity) == tables.slots.sum()
    assert (tables.slots[0] > 0) == (language in ("en", "no", "zh-cn"))
    assert tables.rarity.max(initial=0) <= RAREST
