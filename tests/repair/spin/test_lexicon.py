from __future__ import annotations

import re

import pytest

from dedupe.errors import UsageError
from dedupe.repair.spin import lexicon
from dedupe.repair.spin.lexicon import BASES, CONDITIONS, fold, lexicon_version, read_lexicon


def test_every_row_carries_a_basis_and_a_known_condition() -> None:
    pairs = read_lexicon()
    assert len(pairs) > 50_000
    assert {pair.basis for pair in pairs} <= BASES
    assert {pair.condition for pair in pairs} <= CONDITIONS


def test_pairs_read_off_one_article_can_be_left_out() -> None:
    named = [pair for pair in read_lexicon() if pair.groups]
    assert any(pair.groups == {"seed003"} for pair in named)
    kept = read_lexicon(keep=lambda pair: not pair.groups)
    assert not any(pair.groups for pair in kept)
    assert len(kept) == len(read_lexicon()) - len(named)


def test_no_pair_replaces_a_phrase_by_itself() -> None:
    assert not [pair for pair in read_lexicon() if fold(pair.original) == fold(pair.variant)]


def test_no_cell_holds_stray_signs() -> None:
    wrong = [p for p in read_lexicon() if re.search(r"[|\t\n]|^\s|\s$|  ", p.original + p.variant)]
    assert wrong == []


@pytest.mark.parametrize("row", ["word\tother", "word\tother\tguessed", "word\tother\tseen\tsometimes", "\tother\tseen"])
def test_a_row_without_what_it_needs_is_refused_by_its_line(row: str) -> None:
    with pytest.raises(UsageError, match=r"Line 2 of the lexicon's mine\.tsv"):
        list(lexicon._rows("mine.tsv", f"original\tvariants\tbasis\n{row}\n"))


def test_a_language_without_a_lexicon_is_empty() -> None:
    assert read_lexicon("tlh") == []


def test_the_version_is_that_of_the_content() -> None:
    assert re.fullmatch(r"[0-9a-f]{16}", lexicon_version())
