"""Which of two texts reads worse: the spun one, whatever was swapped, and neither of two honest versions."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from dedupe.repair.spin.lexicon import read_lexicon
from dedupe.repair.spin.reading import swap_gains, worse_reading
from dedupe.repair.spin.spinner import Spinner, build_spinner, spin
from dedupe.repair.spin.stage import load_decoder
from dedupe.repair.spin.vocabulary import Vocabulary


@pytest.fixture(scope="module")
def vocabulary() -> Vocabulary:
    return load_decoder().table.vocabulary


@pytest.fixture(scope="module")
def honest(seeds: Path) -> list[str]:
    return [path.read_text(encoding="utf-8") for path in sorted(seeds.glob("*.txt")) if "spun" not in path.name]


def test_the_spun_one_reads_worse_on_either_side(honest: list[str], vocabulary: Vocabulary) -> None:
    spinner = build_spinner(read_lexicon())
    for text in honest:
        copy = spin(text, spinner, 0.25, 1).text
        assert (worse_reading(text, copy, vocabulary), worse_reading(copy, text, vocabulary)) == (1, -1)


def test_words_that_no_lexicon_lists_read_worse_too(honest: list[str], vocabulary: Vocabulary) -> None:
    # Each word by the one that follows it in the dictionary of a spinner that knows nothing of English.
    words = "said meeting president people according country market million statement visit month week price announced".split()
    dictionary = Spinner({word: [f"{words[at - 3]} thing"] for at, word in enumerate(words)}, 1)
    text = "\n".join(honest)
    assert worse_reading(text, spin(text, dictionary, 1.0, 1).text, vocabulary) == 1


def test_two_copies_spun_alike_tell_nothing_of_each_other(honest: list[str], vocabulary: Vocabulary) -> None:
    spinner = build_spinner(read_lexicon())
    text = "\n".join(honest)
    assert worse_reading(spin(text, spinner, 0.2, 1).text, spin(text, spinner, 0.2, 2).text, vocabulary) == 0


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("", ""),
        ("The same words.", "The same words."),
        ("They met in Paris on 12 May.", "They met in London on 15 May."),
        ("The colour of the lorry was grey.", "The color of the truck was gray."),
        ("He went home early. She stayed.", "She stayed. He went home early."),
        ("It grwed qxzt and blorp.", "It grew quickly and well."),
    ],
)
def test_too_little_or_no_difference_tells_nothing(vocabulary: Vocabulary, one: str, other: str) -> None:
    assert worse_reading(one, other, vocabulary) == 0


def test_gains_are_the_same_with_the_sides_turned(honest: list[str], vocabulary: Vocabulary) -> None:
    copy = spin(honest[0], build_spinner(read_lexicon()), 0.3, 2).text
    gains = swap_gains(honest[0], copy, vocabulary)
    assert len(gains) > 20
    assert np.isclose(gains.sum(), -swap_gains(copy, honest[0], vocabulary).sum(), rtol=0.1)
