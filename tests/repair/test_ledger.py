"""The ledger gives every text back, whatever was done to it, and stays small and fast on hostile texts."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dedupe.repair.ledger import MAX_EDITS_OF_A_RULE, Draft, Edit, Replacement, differences, replaced, restore

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=60)


@st.composite
def changed_texts(draw: st.DrawFn) -> tuple[str, list[Replacement]]:
    """Draw a text and replacements in it, in order and without overlap."""
    text = draw(TEXT)
    cuts = sorted(draw(st.lists(st.integers(0, len(text)), max_size=12)))
    return text, [Replacement(a, b, draw(TEXT)) for a, b in zip(cuts[::2], cuts[1::2], strict=False)]


def test_edits_are_entered_from_the_last_to_the_first_with_the_offsets_the_rule_saw() -> None:
    draft = Draft("one two three")
    draft.replace("R001", [Replacement(0, 3, "1"), Replacement(8, 13, "3", 0.5, "why")])
    assert draft.text == "1 two 3"
    assert draft.edits == [
        Edit(0, "text", "R001", 8, 13, "three", "3", 0.5, "why"),
        Edit(1, "text", "R001", 0, 3, "one", "1", 1.0, ""),
    ]


def test_what_changes_nothing_is_not_entered() -> None:
    draft = Draft("same")
    draft.replace("R001", [Replacement(0, 2, "sa"), Replacement(4, 4, "")])
    assert draft.edits == []


@pytest.mark.parametrize(
    "replacements",
    [
        [Replacement(2, 4, ""), Replacement(3, 5, "")],
        [Replacement(3, 4, ""), Replacement(0, 1, "")],
        [Replacement(3, 9, "")],
    ],
)
def test_replacements_out_of_order_are_refused_before_anything_changes(replacements: list[Replacement]) -> None:
    draft = Draft("abcdef")
    with pytest.raises(ValueError, match="R001"):
        draft.replace("R001", replacements)
    assert (draft.text, draft.edits) == ("abcdef", [])


def test_fields_are_restored_each_from_its_own_edits() -> None:
    draft = Draft("text", title="A title", author=None)
    draft.replace("R003", [Replacement(0, 1, "T")])
    draft.replace("R003", [Replacement(0, 2, "")], field="title")
    assert restore("Text", draft.edits) == "text"
    assert restore("title", draft.edits, "title") == "A title"


def test_rows_of_the_table_are_taken_in_any_order_with_columns_of_their_own() -> None:
    draft = Draft("aaa")
    for after in ("b", "cc", ""):
        draft.replace("R001", [Replacement(0, 1, after)])
    rows = [{"article_id": "0f", **edit._asdict()} for edit in reversed(draft.edits)]
    assert restore(draft.text, rows) == "aaa"


def test_edits_of_another_text_are_refused() -> None:
    draft = Draft("some text")
    draft.replace("R001", [Replacement(0, 4, "Any")])
    with pytest.raises(ValueError, match=r"edit 0 \(R001\)"):
        restore("Other text", draft.edits)


@given(st.lists(TEXT, min_size=1, max_size=4), changed_texts())
def test_every_text_is_restored(texts: list[str], first: tuple[str, list[Replacement]]) -> None:
    original, replacements = first
    draft = Draft(original)
    draft.replace("R001", replacements)
    for text in texts:
        draft.replace("R002", differences(draft.text, text))
        assert draft.text == text
    assert restore(draft.text, draft.edits) == original


@given(TEXT, TEXT, TEXT, TEXT)
def test_differences_turn_one_text_into_the_other(head: str, before: str, after: str, tail: str) -> None:
    old, new = head + before + tail, head + after + tail
    assert replaced(old, differences(old, new)) == new
    assert replaced(old, differences(old, new, most=0)) == new


def test_differences_are_small() -> None:
    before = "It isnâ€™t what theyâ€™d said; " * 3 + "cafÃ©"
    after = "It isn’t what they’d said; " * 3 + "café"
    found = differences(before, after, start=100, evidence="why")
    assert [before[r.start - 100 : r.end - 100] for r in found] == ["â€™"] * 6 + ["Ã©"]
    assert [r.after for r in found] == ["’"] * 6 + ["é"]
    assert {r.evidence for r in found} == {"why"}
    assert differences("same", "same") == []


def test_differences_stop_looking_after_the_most_places() -> None:
    before, after = "a\0bcdef" * 50, "abcdef" * 50
    found = differences(before, after, most=10)
    assert len(found) == 11
    assert replaced(before, found) == after


def test_too_many_edits_are_joined_across_the_narrowest_gaps() -> None:
    # A far change must not be swallowed by the crowd: that would put everything between into the ledger.
    text = "x" * 1000 + "-" * 10_000 + "x"
    wanted = [Replacement(i, i + 1, "yy") for i in range(1000)] + [Replacement(11_000, 11_001, "z")]
    draft = Draft(text)
    draft.replace("R004", wanted)
    assert draft.text == "yy" * 1000 + "-" * 10_000 + "z"
    assert len(draft.edits) == MAX_EDITS_OF_A_RULE
    assert draft.edits[0][3:7] == (11_000, 11_001, "x", "z")
    assert sum(len(edit.before) for edit in draft.edits) == 1001
    assert restore(draft.text, draft.edits) == text


def test_ten_megabytes_of_defects_take_seconds() -> None:
    text = "a\r" * 1_000_000
    begun = time.process_time()
    draft = Draft(text)
    draft.replace("R004", [Replacement(i, i + 1, "\n") for i in range(1, len(text), 2)])
    assert restore(draft.text, draft.edits) == text
    assert time.process_time() - begun < 30
    begun = time.process_time()
    differences("ab" * 500_000, "ba" * 500_000 + "c")
    assert time.process_time() - begun < 10
