from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dedupe.config import Config
from dedupe.repair.ledger import Draft, restore
from dedupe.repair.spin.decoder import Decoder
from dedupe.repair.spin.lexicon import read_lexicon
from dedupe.repair.spin.siblings import Sibling
from dedupe.repair.spin.spinner import build_spinner, spin
from dedupe.repair.spin.stage import MODEL_RULE, SIBLING_RULE, SpinRepair, corrections, load_decoder
from dedupe.repair.spin.wording import in_title, match_case

SPUN = "visit-planned-bitcoinist-spun"

# What issue readers look for in the spun seed, with words that must be gone.
RESTORED = (
    "the White House so far refusing to comment",
    "cans of Diet Coke,” playfully",
    "cans of Diet Coke. https://t.co/fuBAJDqXes",
    "confirmed the visit",
    "in Washington next month",
    "people familiar with the matter said",
    "According to Bukele’s press secretary",
    "according to Bloomberg",
    "absorb hundreds of suspected",
    "jail hundreds of alleged",
    "between the two countries",
    "outside of deportations",
    "comment on the situation",
    "terms of the deal",
    "legal tender",
)
GONE = (
    "White Home",
    "Weight-reduction",
    "go to",
    "subsequent month",
    "folks",
    "tons of",
    "insurance policies",
    "content material",
)


@pytest.fixture(scope="module")
def spun_seed(seeds: Path) -> str:
    return (seeds / f"{SPUN}.txt").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def honest_seeds(seeds: Path) -> list[str]:
    return [path.read_text(encoding="utf-8") for path in sorted(seeds.glob("*.txt")) if path.stem != SPUN]


@pytest.fixture(scope="module")
def decoder() -> Decoder:
    return load_decoder()


@pytest.fixture
def decode(decoder: Decoder) -> Callable[[str], str]:
    """Repair a text whatever the gate says."""

    def repaired(text: str) -> str:
        pieces, done = [], 0
        for correction in corrections(text, decoder):
            pieces += [text[done : correction.start], correction.after]
            done = correction.end
        return "".join([*pieces, text[done:]])

    return repaired


def repaired(text: str, **settings: object) -> Draft:
    draft = Draft(text)
    SpinRepair(Config(**settings)).repair(draft)  # type: ignore[arg-type]
    return draft


def test_the_spun_seed_reads_right(spun_seed: str) -> None:
    text = repaired(spun_seed).text
    assert [phrase for phrase in RESTORED if phrase not in text] == []
    assert [phrase for phrase in GONE if phrase in text] == []


def test_honest_seeds_have_no_spin_edit(honest_seeds: list[str]) -> None:
    assert [repaired(text).edits for text in honest_seeds] == [[]] * 4


def test_edits_carry_rule_confidence_and_evidence_and_restore_the_text(spun_seed: str) -> None:
    draft = repaired(spun_seed)
    assert {edit.rule for edit in draft.edits} == {MODEL_RULE}
    assert all(0 < edit.confidence <= 1 and "context" in edit.evidence for edit in draft.edits)
    assert restore(draft.text, draft.edits) == spun_seed


def test_a_long_spun_article_keeps_the_evidence_of_each_edit(spun_seed: str) -> None:
    text = "\n".join([spun_seed] * 3)
    draft = repaired(text)
    assert len(draft.edits) > 400
    assert all("context" in edit.evidence for edit in draft.edits)
    assert restore(draft.text, draft.edits) == text


def test_edits_inside_quotation_marks_say_so(spun_seed: str) -> None:
    diet = [edit for edit in repaired(spun_seed).edits if edit.after == "Diet"]
    assert [("quotation" in edit.evidence) for edit in sorted(diet, key=lambda edit: edit.start)] == [True, False]


def test_addresses_and_handles_are_untouched(spun_seed: str) -> None:
    text = repaired(spun_seed).text
    for kept in (
        "https://t.co/p4SJW0sEqH",
        "https://t.co/fuBAJDqXes",
        "@BloombergAsia",
        "@nayibbukele",
        "$2.68 trillion",
        "March 28, 2025",
    ):
        assert text.count(kept) == spun_seed.count(kept)


@pytest.mark.parametrize("mode", ["flag", "off"])
def test_only_fix_changes_the_text(spun_seed: str, mode: str) -> None:
    assert repaired(spun_seed, despin=mode).edits == []


def test_flag_scores_and_off_does_not(spun_seed: str) -> None:
    column = pa.array([spun_seed])
    assert SpinRepair(Config(despin="flag")).score(column)[0] > 5
    assert np.isnan(SpinRepair(Config(despin="off")).score(column)[0])
    assert np.isnan(SpinRepair(Config(clean=False)).score(column)[0])


def test_a_text_that_only_the_gate_takes_for_spun_is_left(honest_seeds: list[str]) -> None:
    for text in honest_seeds:
        draft = Draft(text)
        SpinRepair(Config()).repair(draft, spin_score=100.0)
        assert draft.edits == []


def test_a_rule_can_be_switched_off(spun_seed: str) -> None:
    assert repaired(spun_seed, no_rules=frozenset({MODEL_RULE})).edits == []


def test_a_second_repair_changes_nothing(spun_seed: str) -> None:
    once = repaired(spun_seed)
    assert repaired(once.text).edits == []


@pytest.mark.parametrize(
    ("spun", "right"),
    [
        ("The White Home declined to remark.", "The White House declined to comment."),
        ("Shares of Dwelling Depot fell within the buying and selling day.", "Shares of Home Depot fell in the trading day."),
        ("They will meet subsequent month, folks accustomed to the matter mentioned.",
         "They will meet next month, people familiar with the matter said."),
        ("He jailed tons of of protesters.", "He jailed hundreds of protesters."),
        ("the Nationwide Soccer League", "the National Football League"),
    ],
)  # fmt: skip
def test_spun_sentences_read_as_written(decode: Callable[[str], str], spun: str, right: str) -> None:
    assert decode(spun) == right


def test_an_article_follows_its_word(decode: Callable[[str], str]) -> None:
    assert decode("It is an indication of the bearish momentum.").startswith("It is a sign of")
    assert "a crucial" not in decode("This is a illustration of the data.")


@given(st.text(max_size=300))
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_decoding_any_text_gives_edits_in_order_that_restore(text: str) -> None:
    draft = Draft(text)
    SpinRepair(Config()).repair(draft, spin_score=100.0)
    assert restore(draft.text, draft.edits) == text


@given(
    st.lists(
        st.sampled_from(
            [
                "the",
                "White",
                "Home",
                "mentioned",
                "tons",
                "of",
                "of",
                "folks",
                "within",
                "the",
                "subsequent",
                "month",
                ".",
                ",",
                "“",
                "”",
                "https://t.co/x",
                "@a",
            ]
        ),
        max_size=40,
    )
)
@settings(max_examples=60, deadline=None)
def test_decoding_spun_words_in_any_order_restores_and_keeps_addresses(words: list[str]) -> None:
    text = " ".join(words)
    draft = Draft(text)
    SpinRepair(Config()).repair(draft, spin_score=100.0)
    assert restore(draft.text, draft.edits) == text
    assert draft.text.count("https://t.co/x") == text.count("https://t.co/x")
    assert draft.text.count("@a") == text.count("@a")


@pytest.mark.parametrize(
    ("original", "before", "title", "after"),
    [
        ("visit", "go to", False, "visit"),
        ("visit", "Go to", False, "Visit"),
        ("according to", "In line with", False, "According to"),
        ("White House", "white home", False, "White House"),
        ("national football", "Nationwide Soccer", False, "National Football"),
        ("trading", "BUYING AND SELLING", False, "TRADING"),
        ("how to", "Methods to", True, "How to"),
    ],
)
def test_case_is_that_of_what_stood_there(original: str, before: str, title: bool, after: str) -> None:
    assert match_case(original, before, title) == after


def test_titles_are_told_by_their_capitals() -> None:
    text = "What This Go to Might Imply\nThe assembly between Trump and Bukele might be of use."
    assert in_title(text, 10, 15)
    assert not in_title(text, 40, 45)


def test_a_sibling_decides_over_the_model(honest_seeds: list[str]) -> None:
    source = honest_seeds[0]
    example = spin(source, build_spinner(read_lexicon(), 4), 0.3, 5)
    stage, draft = SpinRepair(Config()), Draft(example.text)
    stage.repair_by_siblings(draft, [Sibling(source, False, "another copy")], 50.0)
    wrong = [span for span in example.spans if example.text[span.start : span.end] not in span.originals]
    left = sum(example.text[span.start : span.end] in draft.text and span.originals[0] not in draft.text for span in wrong)
    assert left <= 0.05 * len(wrong)
    assert {edit.rule for edit in draft.edits} == {SIBLING_RULE}
    assert all("another copy" in edit.evidence for edit in draft.edits)
    assert restore(draft.text, draft.edits) == example.text


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        ("Police said on Monday that 3 people died in the crash.", "Police said on Monday that 5 people died in the crash."),
        ("Police said on Monday that three people were hurt.", "Police said on Monday that five people were hurt."),
        ("On Friday the mayor said Zelko Brandt had left.", "On Friday the mayor said Marta Olin had left."),
        ("The court ruled that he was guilty of the murder.", "The court ruled that he was not guilty of the murder."),
    ],
)
def test_facts_are_no_wording(ours: str, theirs: str) -> None:
    draft = Draft(ours)
    SpinRepair(Config()).repair_by_siblings(draft, [Sibling(theirs, False, "another copy")], 50.0)
    assert draft.text == ours


def test_an_honest_article_is_left_as_it_is_beside_a_sibling(honest_seeds: list[str], spun_seed: str) -> None:
    draft = Draft(honest_seeds[0])
    SpinRepair(Config()).repair_by_siblings(draft, [Sibling(spun_seed, True, "another copy")], -20.0)
    assert draft.edits == []
