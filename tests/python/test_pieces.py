"""The pieces of a run, each by itself."""

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from datasketch import MinHash, MinHashLSH
from hypothesis import given, settings
from hypothesis import strategies as st

import dedupe

WORDS = " ".join(f"word{n}" for n in range(100))


def test_a_text_is_repaired_with_what_it_leaves_behind() -> None:
    text = "Date 2025-04-03\n\nThe mayor said itâ€™s over.\n\nLeave a Comment"
    done = dedupe.repair_text(text, title="It is over")
    assert done.text == "The mayor said it’s over."
    assert done.title == "It is over"
    assert done.published_at == datetime(2025, 4, 3, tzinfo=UTC)
    assert {edit.rule for edit in done.edits} >= {"R102", "R301"}
    assert done.original == text
    assert repr(done) == f"<repaired by {len(done.edits)} edits: 'The mayor said it’s over.'>"


def test_rules_can_be_switched_off_by_name() -> None:
    text = "A sentence of the article stands here.\n\nLeave a Comment"
    kept = dedupe.repair_text(text, config=dedupe.Config(no_rules=frozenset({"comment-prompts"})))
    assert kept.text == text
    with pytest.raises(dedupe.DedupeError, match="no rule"):
        dedupe.repair_text(text, config=dedupe.Config(no_rules=frozenset({"R998"})))


@settings(max_examples=100, deadline=None)
@given(st.text(max_size=200))
def test_any_text_comes_back(text: str) -> None:
    assert dedupe.repair_text(text).original == text


def test_a_seed_is_repaired_as_in_a_run(seeds: Path) -> None:
    corpus = dedupe.clean(seeds, dedupe.Config(despin="off"), workers=1)
    for row in corpus.articles():
        assert dedupe.repair_text((seeds / row["source"]).read_text(encoding="utf-8")).text == row["text"]


def test_spun_text_is_restored_and_honest_text_is_not(seeds: Path) -> None:
    spun = (seeds / "visit-planned-bitcoinist-spun.txt").read_text(encoding="utf-8")
    done = dedupe.despin_text(spun)
    assert done.is_spun
    assert done.spin_score
    assert done.spin_score > 4
    assert "White House" in done.text
    assert done.original == spun
    assert {edit.rule for edit in done.edits} == {"R400"}
    assert repr(done).startswith("<spun, scores ")
    honest = (seeds / "phone-call-breitbart.txt").read_text(encoding="utf-8")
    left = dedupe.despin_text(honest)
    assert (left.text, left.is_spun, left.edits) == (honest, False, ())
    german = dedupe.despin_text("Der Bürgermeister sagte am Montag, dass die neue Brücke erst im Herbst eröffnet werden könne.")
    assert german.spin_score is None
    assert "not judged" in repr(german)


def test_a_short_text_is_restored_when_it_is_said_to_be_spun() -> None:
    text = "The White Home has not issued a proper response."
    assert dedupe.despin_text(text).text == text
    assert "White House" in dedupe.despin_text(text, force=True).text


texts = st.text(st.sampled_from("ab cd北京é.\n'"), max_size=60)


@settings(max_examples=60, deadline=None)
@given(st.lists(texts, max_size=4), st.sampled_from([1, 16, 128]), st.sampled_from([1, 42]))
def test_signatures_are_those_of_datasketch(column: list[str], num_perm: int, seed: int) -> None:
    made = dedupe.signatures(column, num_perm=num_perm, seed=seed).to_datasketch()
    for text, found in zip(column, made, strict=True):
        wanted = MinHash(num_perm, seed=seed, scheme="affine32", hashfunc=lambda shingle: shingle)
        wanted.update_batch(dedupe.shingle_hashes(text))
        assert found == wanted
        assert found.jaccard(wanted) == 1


def test_signatures_work_in_datasketch_beside_its_own() -> None:
    signed = dedupe.signatures([WORDS, WORDS + " and more", "something else entirely stands here"])
    lsh = MinHashLSH(threshold=0.5, num_perm=128)
    for name, sketch in zip("abc", signed.to_datasketch(), strict=True):
        lsh.insert(name, sketch)
    own = MinHash(128, seed=1, scheme="affine32", hashfunc=lambda shingle: shingle)
    own.update_batch(dedupe.shingle_hashes(WORDS + " and"))
    assert sorted(lsh.query(own)) == ["a", "b"]
    merged, other = signed.to_datasketch()[0], signed.to_datasketch()[2]
    merged.merge(other)
    assert merged.jaccard(other) > other.jaccard(signed.to_datasketch()[0])


def test_signatures_of_any_column_are_the_same() -> None:
    column = ["one two three four", "five six seven", ""]
    expected = dedupe.signatures(column).values
    assert expected.dtype == np.uint32
    given: list[Any] = [
        iter(column),
        pa.array(column),
        pa.chunked_array([column[:1], column[1:]]),
        pa.array(column).dictionary_encode(),
        pa.array(column, pa.string_view()),
        [*column[:2], None],
        [*column[:2], float("nan")],
    ]
    given += [pytest.importorskip("pandas").Series(column), pytest.importorskip("polars").Series(column)]
    for one in given:
        assert (dedupe.signatures(one).values == expected).all()
    assert len(dedupe.signatures([])) == 0
    assert dedupe.signatures(column).num_perm == 128
    assert repr(dedupe.signatures(column)) == "<3 signatures of 128 values, seed 1>"


@pytest.mark.parametrize("column", ["a text", [1, 2], [b"x"], 5, [["a"]]])
def test_what_is_no_column_of_texts_is_told(column: Any) -> None:
    with pytest.raises(dedupe.DedupeError) as told:
        dedupe.signatures(column)
    assert told.value.hint
    with pytest.raises(dedupe.DedupeError, match="0 permutations"):
        dedupe.signatures([], num_perm=0)


def test_the_estimate_is_near_the_exact_similarity() -> None:
    other = WORDS + " " + " ".join(f"other{n}" for n in range(50))
    exact = dedupe.compare(WORDS, other).jaccard
    assert exact == pytest.approx(98 / 148)
    assert dedupe.signatures([WORDS, other], num_perm=1024).jaccard(0, 1) == pytest.approx(exact, abs=0.05)


def test_two_texts_are_compared_as_in_a_run() -> None:
    exact = dedupe.compare(WORDS, WORDS.upper() + "!")
    assert (exact.relation, exact.joins, exact.jaccard) == ("exact", True, 1)
    near = dedupe.compare(WORDS, WORDS + " and some more words")
    assert (near.relation, near.joins, near.shared, near.size_a, near.size_b) == ("near", True, 98, 98, 102)
    assert near.evidence == "98 of 102 shingles shared"
    contained = dedupe.compare(WORDS, WORDS + " " + " ".join(f"other{n}" for n in range(120)))
    assert (contained.relation, contained.containment_a) == ("contained", 1)
    assert dedupe.compare(WORDS + " " + " ".join(f"other{n}" for n in range(120)), WORDS).containment_b == 1
    update = dedupe.compare("The toll rose to 12 dead. " + WORDS, "The toll rose to 15 dead. " + WORDS)
    assert (update.relation, update.joins) == ("update", False)
    assert "'12' against '15'" in update.evidence
    assert dedupe.compare("The toll rose to 15 dead. " + WORDS, "The toll rose to 12 dead. " + WORDS).evidence.startswith("'15'")
    other = dedupe.compare(WORDS, "something else entirely stands here")
    assert (other.relation, other.joins, other.jaccard, other.shared) == (None, False, 0, 0)
    assert repr(other).startswith("<not related, Jaccard 0.00; 0 of ")
    assert dedupe.compare(WORDS, WORDS + " and some", config=dedupe.Config(threshold=1.0)).relation == "contained"


def test_a_spun_text_is_known_for_a_copy(seeds: Path) -> None:
    spun = (seeds / "visit-planned-bitcoinist-spun.txt").read_text(encoding="utf-8")
    found = dedupe.compare(dedupe.despin_text(spun).text, spun)
    assert (found.relation, found.joins) == ("spun", True)


def test_texts_without_a_word_are_the_same_only_when_they_are() -> None:
    assert dedupe.compare("!!!", "???").relation is None
    assert dedupe.compare("!!!", "!!!").relation == "exact"


@pytest.mark.parametrize(
    "call",
    [
        lambda: dedupe.repair_text(5),  # type: ignore[arg-type]
        lambda: dedupe.repair_text(None),  # type: ignore[arg-type]
        lambda: dedupe.repair_text("x", title=5),  # type: ignore[arg-type]
        lambda: dedupe.despin_text(None),  # type: ignore[arg-type]
        lambda: dedupe.shingle_hashes(None),  # type: ignore[arg-type]
        lambda: dedupe.compare("a", None),  # type: ignore[arg-type]
        lambda: dedupe.signatures(["a"], seed=-1),
        lambda: dedupe.signatures(["a"], seed=2**32),
    ],
)
def test_what_is_no_text_or_no_seed_is_wrong_use(call: Callable[[], object]) -> None:
    with pytest.raises(dedupe.DedupeError, match=r"not a string|is no seed"):
        call()


def test_halves_of_a_character_are_replaced_as_in_files() -> None:
    broken, mended = "A half \ud83d of a character.", "A half � of a character."
    assert dedupe.repair_text(broken, title="\udc00").original == mended
    assert dedupe.despin_text(broken).text == mended
    assert dedupe.shingle_hashes(broken) == dedupe.shingle_hashes(mended)
    assert dedupe.compare(broken, mended).relation == "exact"
    assert (dedupe.signatures([broken]).values == dedupe.signatures([mended]).values).all()
