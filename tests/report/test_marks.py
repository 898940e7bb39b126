from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dedupe.repair.ledger import Draft, Replacement, restore
from dedupe.report.marks import Mark, densest, marks_of, passage

WORDS = st.text(st.sampled_from("ab\n é"), max_size=12)


@st.composite
def drafts(draw: st.DrawFn) -> Draft:
    """A text that was changed a few times over, also where it was changed before."""
    draft = Draft(draw(WORDS))
    for number in range(draw(st.integers(0, 6))):
        start = draw(st.integers(0, len(draft.text)))
        end = draw(st.integers(start, len(draft.text)))
        draft.replace(f"R00{number}", [Replacement(start, end, draw(WORDS))])
    return draft


@given(drafts())
def test_what_stood_there_put_back_is_the_decoded_text(draft: Draft) -> None:
    edits = [edit._asdict() for edit in draft.edits]
    marks = marks_of(draft.text, edits)
    assert all(a.end <= b.start for a, b in pairwise(marks))
    text = draft.text
    for mark in reversed(marks):
        text = text[: mark.start] + mark.before + text[mark.end :]
    assert text == restore(draft.text, draft.edits)
    assert frozenset().union(*(mark.rules for mark in marks)) == {edit.rule for edit in draft.edits}


def test_words_replaced_from_the_right_stand_where_they_are() -> None:
    draft = Draft("folks accustomed to the matter mentioned")
    for start, end, after in ((31, 40, "said"), (6, 19, "familiar with"), (0, 5, "people")):
        draft.replace("R400", [Replacement(start, end, after)])
    marks = marks_of(draft.text, [edit._asdict() for edit in draft.edits])
    assert [(mark.before, draft.text[mark.start : mark.end]) for mark in marks] == [
        ("folks", "people"),
        ("accustomed to", "familiar with"),
        ("mentioned", "said"),
    ]


def test_an_edit_of_another_text_is_refused() -> None:
    edit = {"seq": 0, "field": "text", "rule": "R001", "start": 0, "before": "a", "after": "b"}
    with pytest.raises(ValueError, match="does not fit"):
        marks_of("c", [edit])


def mark(start: int, end: int, before: str = "") -> Mark:
    return Mark(start, end, before, frozenset({"R400"}))


def test_the_densest_window_holds_most_marks() -> None:
    assert densest([mark(0, 1), mark(50, 51), mark(55, 56), mark(90, 91)], 10) == 50
    assert densest([], 10) == 0


def test_a_passage_shows_both_and_ends_at_words() -> None:
    text = "one two three four five six seven"
    parts = passage(text, [mark(14, 18, "quatre")], 9, 25)
    assert parts == [
        ("more", "… "),
        ("gone", "quatre"),
        ("put", "four"),
        ("same", " five"),
        ("more", " …"),
    ]
