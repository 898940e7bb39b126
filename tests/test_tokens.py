import unicodedata

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dedupe.tokens import fold_table, hash_words, shingle_tokens, tokenize


def words(text: str) -> list[str]:
    tokens = tokenize(pa.array([text]))
    data = text.encode()
    return [data[a:b].decode() for a, b in zip(tokens.starts, tokens.ends, strict=True)]


def hashes(text: str) -> list[int]:
    return tokenize(pa.array([text])).hashes.tolist()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Hello, World!", ["Hello", "World"]),
        ("don’t stop", ["don’t", "stop"]),
        ("U.S. $6,100", ["U", "S", "6", "100"]),
        ("北京大学 abc", ["北", "京", "大", "学", "abc"]),
        ("สวัสดี", ["ส", "วั", "ส", "ดี"]),
        ("東京タワー", ["東", "京", "タ", "ワ", "ー"]),
        ("नमस्ते दुनिया", ["नमस्ते", "दुनिया"]),
        ("", []),
        ("!!! — …", []),
        ("⚡️ 1️⃣ and ❤️", ["1", "and"]),
        ("'", []),
        ("x'", ["x"]),
    ],
)
def test_words_and_characters(text: str, expected: list[str]) -> None:
    assert words(text) == expected


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("White HOUSE", "white house"),
        ("don’t", "don't"),
        ("don’t", "dont"),
        ("El País", "El Pais"),
        ("ＡＢＣ １２", "abc 12"),
        ("Ёлка", "елка"),
        ("٣ ١٢", "3 12"),
        ("co\u00adoperation", "cooperation"),
        (unicodedata.normalize("NFD", "Crédit café"), "Crédit café"),
    ],
)
def test_folding_makes_copies_meet(one: str, other: str) -> None:
    assert hashes(one) == hashes(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [("white house", "whitehouse"), ("two-day", "six-day"), ("ab c", "a bc"), ("北京", "京北"), ("שלום", "שלוט"), ("a b", "b a")],
)
def test_folding_keeps_different_texts_apart(one: str, other: str) -> None:
    assert hashes(one) != hashes(other)


@given(st.text())
def test_places_lie_within_the_text_and_in_order(text: str) -> None:
    tokens = tokenize(pa.array([text]))
    assert len(tokens.hashes) == tokens.offsets[-1]
    bounds = np.stack([tokens.starts, tokens.ends], 1).ravel()
    assert (np.diff(bounds) >= 0).all()
    assert not len(bounds) or (bounds[0] >= 0 and bounds[-1] <= len(text.encode()))


def reference_words(text: str) -> list[str]:
    """The same words by Python's own Unicode functions, for scripts that write spaces."""
    found, word = [], ""
    for char in unicodedata.normalize("NFD", text.casefold()):
        if char in "'’":
            continue
        if char.isascii() and char.isalnum():
            word += char
        elif not ("\u0300" <= char <= "\u036f"):
            found += [word] if word else []
            word = ""
    return found + ([word] if word else [])


@given(st.text(st.sampled_from("abcXYZ019éÀñ'’ .,-\n\t")))
def test_latin_words_are_those_of_plain_python(text: str) -> None:
    folded = [unicodedata.normalize("NFD", word.casefold()) for word in words(text)]
    plain = ["".join(c for c in word if c not in "'’" and not "\u0300" <= c <= "\u036f") for word in folded]
    assert [word for word in plain if word] == reference_words(text)


@given(st.lists(st.one_of(st.none(), st.text()), max_size=8), st.integers(0, 3))
def test_batches_slices_and_nulls_change_nothing(texts: list[str | None], skip: int) -> None:
    whole = tokenize(pa.array(["x", *texts], pa.string()).slice(1 + min(skip, len(texts))))
    each = [hashes(text or "") for text in texts[skip:]]
    assert [whole.hashes[a:b].tolist() for a, b in zip(whole.offsets, whole.offsets[1:], strict=False)] == each


def test_every_code_point_has_a_known_kind() -> None:
    assert set(np.unique(fold_table() >> 24).tolist()) == {0, 1, 2, 3, 4}


def test_hash_words_gives_zero_for_what_is_no_single_word() -> None:
    found = hash_words(["house", "white house", "", "House"])
    assert found[1] == found[2] == 0
    assert found[0] == found[3] != 0


@pytest.mark.parametrize(("count", "expected"), [(0, 0), (1, 1), (2, 1), (3, 1), (4, 2), (10, 8)])
def test_short_texts_have_one_shingle(count: int, expected: int) -> None:
    tokens = tokenize(pa.array([" ".join(f"w{i}" for i in range(count))])).hashes
    assert shingle_tokens(tokens, len(tokens), np.empty(max(1, count), np.uint64)) == expected
