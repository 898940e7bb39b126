"""Packed drafts are the drafts they were."""

import pickle
from collections.abc import Mapping

from hypothesis import given
from hypothesis import strategies as st

from dedupe.repair.drafts import Drafts, pack, unpack
from dedupe.repair.ledger import Draft, Replacement

_TEXTS = st.text(max_size=60)


def _drawn(text: str, after: str, at: float) -> Draft:
    draft = Draft(text, title="A headline", author=None)
    start = int(at * len(text))
    draft.replace("R100", [Replacement(start, len(text), after, 0.5, "said so")])
    draft.credits.append("An agency")
    return draft


def _told(draft: Draft) -> tuple[object, ...]:
    return draft.fields, draft.credits, draft.edits


@given(_TEXTS, _TEXTS, st.floats(0, 1))
def test_a_draft_comes_back_as_it_was(text: str, after: str, at: float) -> None:
    draft = _drawn(text, after, at)
    again = unpack(pack(draft))
    assert _told(again) == _told(draft)
    assert all(type(edit) is type(draft.edits[0]) for edit in again.edits)


def test_drafts_are_a_mapping_and_the_later_ones_stand() -> None:
    first: Mapping[int, Draft] = {3: _drawn("one two", "three", 0.5), 5: _drawn("four", "five", 0)}
    later = {5: _drawn("four", "six", 0), 4: _drawn("seven", "eight", 0)}
    both = Drafts.of(first) | later | Drafts()
    assert sorted(both) == [3, 4, 5]
    assert {row: both[row].text for row in both} == {3: "onethree", 4: "eight", 5: "six"}
    assert 4 in both
    assert 6 not in both
    assert len(pickle.loads(pickle.dumps(both))) == 3


def test_packed_a_long_ledger_takes_little_room() -> None:
    text = " ".join(f"word{number}" for number in range(1000))
    draft = Draft(text)
    places = [(at, at + 4) for at in range(0, len(text) - 8, 40)]
    draft.replace("R401", [Replacement(start, end, "other", 0.9, "the pair is in the lexicon") for start, end in places])
    assert len(draft.edits) > 150
    assert len(pack(draft)) < 2 * len(text)
