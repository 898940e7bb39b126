"""The word diff and the ledger laid over a text: true for any text, readable for real ones."""

from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dedupe.repair.ledger import Draft, Replacement, restore
from dedupe.review.diffing import matches, tokens
from dedupe.review.overlay import overlay
from dedupe.review.sides import SHOWN_CHARACTERS, Comparison, compare, prepare

WORDS = st.lists(st.sampled_from("a b c d e the of".split()), max_size=40)


@settings(deadline=None)  # a busy machine is no defect
@given(WORDS, WORDS)
def test_matches_are_equal_in_order_and_without_overlap(a: list[str], b: list[str]) -> None:
    found = matches(a, b)
    for match in found:
        assert match.size > 0
        assert a[match.a : match.a + match.size] == b[match.b : match.b + match.size]
    for one, other in pairwise(found):
        assert one.a + one.size <= other.a
        assert one.b + one.size <= other.b
        # Two that touch on both sides would be one.
        assert (one.a + one.size, one.b + one.size) != (other.a, other.b)


@settings(deadline=None)  # a busy machine is no defect
@given(WORDS)
def test_a_text_matches_itself_whole(a: list[str]) -> None:
    assert [tuple(match) for match in matches(a, a)] == ([(0, 0, len(a))] if a else [])


@settings(deadline=None)  # a busy machine is no defect
@given(st.text(max_size=200))
def test_tokens_cover_the_text(text: str) -> None:
    cut = tokens(text)
    assert len(cut.starts) == len(cut.ends) == len(cut.keys)
    if cut.keys:
        assert (cut.starts[0], cut.ends[-1]) == (0, len(text))
    assert cut.starts[1:] == cut.ends[:-1]


@pytest.mark.parametrize(
    ("text", "keys"),
    [
        ("Don’t stop—now.", ["Don", "'", "t", "stop", "-", "now", "."]),
        ("交通部今天", ["交", "通", "部", "今", "天"]),
        ("GDP增长5%", ["GDP", "增", "长", "5", "%"]),
        ("สวัสดี", ["ส", "วั", "ส", "ดี"]),
        ("हिन्दी में", ["हिन्दी", "में"]),
        ("می‌روم خانه", ["می‌روم", "خانه"]),
        ("مَدْرَسَة", ["مَدْرَسَة"]),
        ("", []),
        (" \n ", []),
    ],
)
def test_words_of_every_script(text: str, keys: list[str]) -> None:
    assert tokens(text).keys == keys


def sides(comparison: Comparison) -> tuple[str, str]:
    left = "".join(segment.text for row in comparison.rows for segment in row.left)
    right = "".join(segment.text for row in comparison.rows for segment in row.right)
    return left, right


def changed(comparison: Comparison) -> tuple[list[str], list[str]]:
    left = [segment.text for row in comparison.rows for segment in row.left if segment.changed]
    right = [segment.text for row in comparison.rows for segment in row.right if segment.changed]
    return left, right


TEXT = st.lists(st.sampled_from(["one", "two", "three. ", " ", "\n\n", "四", "五", "—", "x"]), max_size=60).map("".join)


@settings(deadline=None)  # a busy machine is no defect
@given(TEXT, TEXT)
def test_both_sides_show_their_whole_text(one: str, other: str) -> None:
    comparison = compare(prepare(one, []), prepare(other, []))
    assert sides(comparison) == (one, other)
    assert bool(comparison.changes) == (tokens(one).keys != tokens(other).keys)


LONG = " ".join(f"word{number}" for number in range(300))


def test_what_differs_is_marked_and_what_is_equal_folded() -> None:
    words = LONG.split()
    words[150:152] = ["quite", "another", "thing"]
    comparison = compare(prepare(LONG, []), prepare(" ".join(words), []))
    assert changed(comparison) == (["word150 word151"], ["quite another thing"])
    assert comparison.changes == 1
    folded = [row.words for row in comparison.rows if row.words]
    assert len(folded) == 2
    assert sum(folded) > 180
    shown = "".join(segment.text for row in comparison.rows if not row.words for segment in row.left)
    assert "word149 word150 word151 word152" in shown


def test_one_text_may_be_the_beginning_of_the_other() -> None:
    longer = f"{LONG} and much {' '.join('more' for _ in range(60))}"
    for one, other in ((LONG, longer), (longer, LONG), (LONG, ""), ("", LONG)):
        assert sides(compare(prepare(one, []), prepare(other, []))) == (one, other)


def test_quotes_dashes_and_spaces_are_no_difference() -> None:
    one, other = "“It’s done” — he said.", '"It\'s  done" - he\nsaid.'
    assert compare(prepare(one, []), prepare(other, [])).changes == 0


def test_characters_of_scripts_without_spaces_are_compared_one_by_one() -> None:
    comparison = compare(prepare("部长表示,该项目将于明年开始。", []), prepare("部长说,该项目将于明年开始。", []))
    assert changed(comparison) == (["表示"], ["说"])


def edited(text: str, *edits: tuple[str, list[Replacement]]) -> Draft:
    draft = Draft(text)
    for rule, replacements in edits:
        draft.replace(rule, replacements)
    return draft


def test_residue_and_repairs_are_shown_where_they_were() -> None:
    text = f"Share Tweet\n\nThe hike was come up. {LONG} Leave a Comment"
    draft = edited(
        text,
        ("R101", [Replacement(0, 13, "")]),
        ("R102", [Replacement(len(text) - 13 - 16, len(text) - 13, "")]),
        ("R400", [Replacement(13, 20, "occur")]),
    )
    ledger = [edit._asdict() for edit in draft.edits]
    comparison = compare(prepare(draft.text, ledger), prepare(draft.text, []))
    repairs = [segment for row in comparison.rows for segment in row.left if segment.repair]
    assert [(one.text, one.repair.before, one.repair.spun) for one in repairs if one.repair] == [
        ("", "Share Tweet\n", False),
        ("occur", "come up", True),
        ("", "Leave a Comment", False),
    ]
    # None of them is folded away, and none is a difference.
    assert all(not row.repairs for row in comparison.rows if row.words)
    assert any(row.words for row in comparison.rows)
    assert comparison.changes == 0
    assert sides(comparison)[0] == draft.text


def test_what_shows_nothing_is_not_marked() -> None:
    draft = edited("one\r\ntwo\u200b three", ("R004", [Replacement(3, 5, "\n")]), ("R007", [Replacement(7, 8, "")]))
    comparison = compare(prepare(draft.text, [edit._asdict() for edit in draft.edits]), prepare(draft.text, []))
    assert not any(segment.repair for row in comparison.rows for segment in row.left)


def test_what_lies_beyond_the_bound_is_counted() -> None:
    comparison = compare(prepare("x" * 300_000, []), prepare("a b " * 60_000, []))
    assert comparison.left_out == (300_000 - SHOWN_CHARACTERS, 240_000 - SHOWN_CHARACTERS)


PLACES = st.lists(st.tuples(st.integers(0, 12), st.integers(0, 5), st.sampled_from(["", "q", "rst"])), max_size=3)


@settings(deadline=None)  # a busy machine is no defect
@given(st.text("abc ", max_size=12), st.lists(PLACES, max_size=4))
def test_a_ledger_laid_over_a_text_loses_nothing(text: str, rounds: list[list[tuple[int, int, str]]]) -> None:
    draft = Draft(text)
    for number, places in enumerate(rounds):
        wanted, done = [], 0
        for start, length, put in sorted(places):
            begin = min(max(start, done), len(draft.text))
            done = min(begin + length, len(draft.text))
            wanted.append(Replacement(begin, done, put))
        draft.replace(f"R40{number}", wanted)
    ledger = [edit._asdict() for edit in draft.edits]
    pieces = overlay(text, ledger)
    assert "".join(piece.text for piece in pieces) == draft.text
    assert "".join(piece.text if piece.before is None else piece.before for piece in pieces) == text
    assert sorted(number for piece in pieces for number in piece.edits) == [edit.seq for edit in draft.edits]
    assert restore(draft.text, draft.edits) == text


def test_a_ledger_of_another_text_is_refused() -> None:
    ledger = [edit._asdict() for edit in edited("one two", ("R400", [Replacement(0, 3, "eins")])).edits]
    with pytest.raises(ValueError, match="does not fit"):
        overlay("uno dos", ledger)
    with pytest.raises(ValueError, match="beyond"):
        overlay("x", ledger)
