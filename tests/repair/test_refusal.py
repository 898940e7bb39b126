import random

from hypothesis import given, settings
from hypothesis import strategies as st

from dedupe.repair.ledger import Draft, Edit, Replacement, restore
from dedupe.repair.refusal import Refusal, place_of, without_refused

RULES = ["R001", "R100", "R200", "R400"]


def refusal(draft: Draft, seq: int) -> Refusal:
    edit = draft.edits[seq]
    place = place_of(draft.fields[edit.field] or "", draft.edits, seq)
    return Refusal(edit.field, edit.rule, place.source, place.left, place.right)


def edited(text: str, *steps: tuple[str, str, str]) -> Draft:
    """Replace the first occurrence of each, rule by rule."""
    draft = Draft(text)
    for rule, before, after in steps:
        at = draft.text.index(before)
        draft.replace(rule, [Replacement(at, at + len(before), after)])
    return draft


def test_a_refused_edit_is_not_there_and_the_others_are() -> None:
    text = "The White Home said so. The White Home was firm about it, and the economic crisis went on."
    draft = Draft(text)
    places = [Replacement(10, 14, "House"), Replacement(34, 38, "House"), Replacement(70, 78, "financial")]
    draft.replace("R400", places)
    for seq, expected in ((2, 10), (1, 34), (0, 70)):
        left, found = without_refused(draft, [refusal(draft, seq)])
        assert found == [True]
        assert len(left.edits) == 2
        assert [edit.seq for edit in left.edits] == [0, 1]
        assert restore(left.text, left.edits) == text
        assert left.text[: expected + 4] == (text if seq == 2 else left.text)[: expected + 4]
    assert without_refused(draft, [refusal(draft, 2)])[0].text.startswith("The White Home said so. The White House was")
    assert without_refused(draft, [refusal(draft, 1)])[0].text.startswith("The White House said so. The White Home was")


def test_what_rests_on_a_refused_edit_goes_with_it_but_for_a_removal_of_the_whole() -> None:
    draft = edited("It cost â‚¬ 20 in all.\nShare this\nThe end.", ("R001", "â‚¬", "€"), ("R001", "€ 20", "€20"))
    left, _ = without_refused(draft, [refusal(draft, 0)])
    assert (left.text, left.edits) == ("It cost â‚¬ 20 in all.\nShare this\nThe end.", [])
    draft = edited("A.\nShare thÃ­s\nThe end.", ("R001", "Ã­", "í"), ("R101", "Share thís\n", ""))
    left, _ = without_refused(draft, [refusal(draft, 0)])
    assert left.text == "A.\nThe end."
    assert [(edit.rule, edit.before) for edit in left.edits] == [("R101", "Share thÃ­s\n")]
    # The line was wanted: it stays, and stays repaired.
    left, _ = without_refused(draft, [refusal(draft, 1)])
    assert left.text == "A.\nShare thís\nThe end."


def test_a_wanted_place_is_kept_from_every_rule_of_the_kind() -> None:
    by_model = edited("He said that the Home spoke to the press about many things today.", ("R400", "Home", "House"))
    wanted = refusal(by_model, 0)
    by_sibling = edited("He said that the Home spoke to the press about many things today.", ("R401", "the Home", "the House"))
    assert without_refused(by_sibling, [wanted])[0].edits == []
    by_line = edited("He said that the Home spoke to the press about many things today.", ("R101", "He said that the Home", ""))
    assert len(without_refused(by_line, [wanted])[0].edits) == 1


def test_a_corrected_article_keeps_the_wording_and_another_sentence_does_not_count() -> None:
    wanted = refusal(edited("The White Home was not amused by it all, they said on Monday.", ("R400", "Home", "House")), 0)
    corrected = edited("Update: The White Home was not amused by it at all, they said on Sunday.", ("R400", "Home", "House"))
    assert without_refused(corrected, [wanted])[1] == [True]
    assert without_refused(corrected, [wanted])[0].edits == []
    other = edited("A Home for the old was opened. Nothing else is alike here.", ("R400", "Home", "House"))
    left, found = without_refused(other, [wanted])
    assert found == [False]
    assert len(left.edits) == 1


def test_an_insertion_and_a_change_of_another_field() -> None:
    draft = Draft("They said so and went home, as every one of them did that day.", title="T")
    draft.replace("R400", [Replacement(12, 12, ",")])
    draft.replace("R300", [Replacement(0, 1, "Title")], field="title")
    left, found = without_refused(draft, [refusal(draft, 0)])
    assert (left.text, found) == ("They said so and went home, as every one of them did that day.", [True])
    assert [(edit.seq, edit.field) for edit in left.edits] == [(0, "title")]
    left, found = without_refused(draft, [refusal(draft, 1)])
    assert (left.fields["title"], found) == ("T", [True])
    assert left.text == draft.text


def random_draft(seed: int) -> Draft:
    """An article and a ledger whose edits touch, cover and undo each other."""
    rng = random.Random(seed)
    draft = Draft("".join(rng.choice("abcdefgh \n") for _ in range(rng.randrange(30, 120))))
    for _ in range(rng.randrange(1, 6)):
        cuts = sorted(rng.sample(range(len(draft.text) + 1), min(len(draft.text) + 1, 2 * rng.randrange(1, 4))))
        found = [
            Replacement(start, min(end, start + 12), "".join(rng.choice("XYZ") for _ in range(rng.randrange(0, 5))))
            for start, end in zip(cuts[::2], cuts[1::2], strict=False)
        ]
        draft.replace(rng.choice(RULES), found)
    return draft


@settings(max_examples=400, deadline=None)
@given(st.integers(0, 10**9), st.data())
def test_whatever_is_refused_the_ledger_still_restores_the_text(seed: int, data: st.DataObject) -> None:
    draft = random_draft(seed)
    decoded = restore(draft.text, draft.edits)
    assert without_refused(draft, [])[0].edits == draft.edits
    if not draft.edits:
        return
    seqs = data.draw(st.sets(st.sampled_from(range(len(draft.edits))), min_size=1, max_size=3))
    wanted = [refusal(draft, seq) for seq in sorted(seqs)]
    left, found = without_refused(draft, wanted)
    assert all(found)
    assert restore(left.text, left.edits) == decoded
    assert [edit.seq for edit in left.edits] == list(range(len(left.edits)))
    assert len(left.edits) <= len(draft.edits)
    again, _ = without_refused(left, wanted)
    assert again.text == left.text


@settings(max_examples=200, deadline=None)
@given(st.integers(0, 10**9))
def test_all_refused_leaves_the_decoded_text(seed: int) -> None:
    draft = random_draft(seed)
    decoded = restore(draft.text, draft.edits)
    places = [(edit, place_of(draft.text, draft.edits, edit.seq)) for edit in draft.edits]
    for _, place in places:
        assert decoded[place.start : place.end] == place.source
    whole = Refusal("text", "R001", decoded, "", "")
    refused = [whole._replace(rule=rule) for rule in RULES]
    left, _ = without_refused(draft, refused)
    inside = [edit for edit, place in places if place.start < place.end or 0 < place.start < len(decoded)]
    assert len(left.edits) <= len(draft.edits) - len(inside)
    assert restore(left.text, left.edits) == decoded


def test_edits_of_a_draft_are_not_changed() -> None:
    draft = edited("One two three four five six seven eight nine ten.", ("R400", "two", "2"), ("R400", "five", "5"))
    before = list(draft.edits)
    without_refused(draft, [refusal(draft, 0)])
    assert draft.edits == before
    assert isinstance(before[0], Edit)
