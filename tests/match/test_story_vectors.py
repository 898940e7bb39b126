import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dedupe.match.story_scan import NUMBER
from dedupe.match.story_vectors import BACKGROUND_ARTICLES, RAREST_SHARE, vectors
from dedupe.match.terms import StoryTerms, extract_terms


def terms_of(texts: list[str], languages: list[str] | None = None) -> StoryTerms:
    return extract_terms(pa.array(texts, pa.string()), pa.array(languages or ["en"] * len(texts), pa.string()))


def test_a_term_weighs_less_the_more_articles_of_the_run_hold_it() -> None:
    rows = 40_000
    made = vectors([terms_of(["Bukele spoke"] * rows)], rows)
    assert len(made.weights) == 2
    assert made.weights.max() == pytest.approx(-np.log(rows / (rows + BACKGROUND_ARTICLES)), abs=0.05)
    assert vectors([terms_of(["Bukele spoke"] * 5)], 5).weights.max() > 4 * made.weights.max()


def test_no_term_weighs_more_than_one_in_a_thousand_articles_does() -> None:
    made = vectors([terms_of(["Zqvexo Krumbalt", "Zqvexo Krumbalt"])], 2)
    assert made.weights.max() == pytest.approx(-np.log(RAREST_SHARE), abs=1e-4)


def test_what_is_in_one_article_alone_has_no_number_and_lengthens_it() -> None:
    made = vectors([terms_of(["of Zqvexo jailed", "of Zqvexo freed", "of Zqvexo"])], 3)
    assert (made.terms == -1).sum() == 2
    assert len(made.weights) == 1
    assert made.norms[0, 1] > 0
    assert made.norms[2, 1] == 0
    assert made.norms[0, 0] == pytest.approx(made.weights[0]) == made.norms[2, 0]


def test_a_term_of_two_languages_weighs_the_same_in_both() -> None:
    # A word that English never writes and German does: alone in either language it would weigh otherwise.
    texts = ["Bundestag"] * 2
    english, german, both = (vectors([terms_of(texts, codes)], 2).weights for codes in (["en"] * 2, ["de"] * 2, ["en", "de"]))
    assert german[0] < both[0] < english[0] or english[0] == both[0] == german[0]
    assert len(both) == 1


def test_no_article_and_no_term() -> None:
    assert vectors([], 0).offsets.tolist() == [0]
    made = vectors([terms_of(["", "?!"])], 2)
    assert made.offsets.tolist() == [0, 0, 0]
    assert made.norms.tolist() == [[0, 0], [0, 0]]


@settings(max_examples=25, deadline=None)
@given(st.lists(st.text("abcdefg .", max_size=60), min_size=1, max_size=9), st.data())
def test_parts_and_order_change_nothing_and_numbers_are_those_of_plain_counting(texts: list[str], data: st.DataObject) -> None:
    whole = terms_of(texts)
    made = vectors([whole], len(texts))
    cut = data.draw(st.integers(0, len(texts)))
    parts = [whole.take(np.arange(cut)), whole.take(np.arange(cut, len(texts)))]
    for threads in (1, 2, 3):
        for one, other in zip(made, vectors(parts, len(texts), threads), strict=True):
            assert np.array_equal(one, other)
    order = np.array(data.draw(st.permutations(range(len(texts)))))
    turned = vectors([whole.take(order)], len(texts))
    assert np.array_equal(turned.weights, made.weights)
    assert np.array_equal(turned.norms, made.norms[order])
    hashes, counts = np.unique(whole.hashes, return_counts=True)
    shared = hashes[counts > 1]
    for at, hashed in enumerate(whole.hashes):
        if hashed in shared:
            assert made.terms[at] >> 1 == np.searchsorted(shared, hashed)
            assert made.terms[at] & 1 == (whole.kinds[at] >= NUMBER)
        else:
            assert made.terms[at] == -1


def test_the_table_of_numbers_grows() -> None:
    texts = [" ".join(f"zq{chr(97 + n % 26)}{chr(97 + n // 26 % 26)}x{row}v" for n in range(100)) for row in range(60)]
    whole = terms_of(texts * 2)
    made = vectors([whole], 120)
    assert len(made.weights) == len(np.unique(whole.hashes)) > 4_000
    assert np.array_equal(made.terms[: made.offsets[60]], made.terms[made.offsets[60] :])
