"""What tells one text with words swapped all through it from an honest version of it: golden pairs with negatives."""

from __future__ import annotations

import random
import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from dedupe.match.containment import Sketches, akin_enough, propose_contained
from dedupe.match.signatures import Signer
from dedupe.match.spun import propose_swapped
from dedupe.match.swaps import describe_swaps, swapped_throughout
from dedupe.repair.spin.lexicon import read_lexicon
from dedupe.repair.spin.spinner import build_spinner, spin


@pytest.fixture(scope="module")
def honest(seeds: Path) -> list[str]:
    return [path.read_text(encoding="utf-8") for path in sorted(seeds.glob("*.txt")) if "spun" not in path.name]


@pytest.fixture(scope="module")
def spun(honest: list[str]) -> list[str]:
    spinner = build_spinner(read_lexicon())
    return [spin(text, spinner, 0.25, seed).text for seed, text in enumerate(honest)]


def swapped(one: str, other: str) -> bool:
    texts = pa.array([one, other])
    found = [
        swapped_throughout(np.array([a]), np.array([b]), lambda rows: texts.take(pa.array(rows))) for a, b in ((0, 1), (1, 0))
    ]
    assert found[0] == found[1]
    return bool(found[0][0])


def test_spun_copies_are_their_source_with_words_swapped(honest: list[str], spun: list[str]) -> None:
    assert [swapped(one, other) for one, other in zip(honest, spun, strict=True)] == [True] * len(honest)


def test_a_source_with_a_line_more_at_either_end_is_known_all_the_same(honest: list[str], spun: list[str]) -> None:
    assert swapped("Share this article with friends and family\n\n" + honest[0], spun[0] + "\n\nLeave a comment below")


def test_a_copy_that_kept_what_repair_took_from_its_source_is_known_all_the_same(honest: list[str], spun: list[str]) -> None:
    # Captions of a gallery, as long as the article, that were known as residue in the source's wording alone.
    captions = [
        f"The visitor number {at} looks over the crowd in town {at * at}. Image {at} of 90." for at in range(len(spun[0]) // 70)
    ]
    middle = spun[0].index("\n\n", len(spun[0]) // 3)
    texts = pa.array([honest[0], spun[0][:middle] + "\n\n" + " ".join(captions) + spun[0][middle:]])
    signed, rows = Signer(1)(texts), np.arange(2)
    assert signed.n_tokens[0] < 0.55 * signed.n_tokens[1]
    akin = propose_contained(signed.sketches, rows, rows).akin
    a, _ = propose_swapped(akin, signed.n_tokens, np.zeros(2, np.float32), lambda rows: texts.take(pa.array(rows)))
    assert len(a) == 1


def test_what_is_akin_is_told_alike_by_the_kernel_and_by_columns() -> None:
    draw = np.random.default_rng(3)
    size, other = draw.integers(1, 300, (2, 4000))
    shared = draw.integers(0, np.minimum(size, other) + 1)
    enough = akin_enough(size, other, shared)
    for at in range(0, 4000, 37):
        own = np.sort(draw.choice(2**40, size[at] + other[at] - shared[at], replace=False).astype(np.uint64))
        mine, theirs = np.sort(own[: size[at]]), np.sort(own[size[at] - shared[at] :])
        sketches = Sketches(np.concatenate([mine, theirs]), np.cumsum([0, size[at], other[at]]))
        rows = np.arange(2)
        assert len(propose_contained(sketches, rows, rows).akin[0]) == enough[at]


def _each(pattern: str, text: str, share: float, change: Callable[[re.Match[str]], str]) -> str:
    draw = random.Random(5)
    return re.sub(pattern, lambda match: change(match) if draw.random() < share else match.group(), text)


def _new_sentences(text: str) -> str:
    parts = text.split(". ")
    return ". ".join(
        part if at % 3 else "Nobody at the office wanted to say more about it for now" for at, part in enumerate(parts)
    )


HONEST: dict[str, Callable[[str], str]] = {
    "the same": lambda text: text,
    "capitals": str.upper,
    "a lead": lambda text: text[: len(text) * 6 // 10],
    "the second half": lambda text: text[len(text) // 2 :],
    "a few words edited": lambda text: _each(r"\b[a-z]{4,}\b", text, 0.03, lambda _: "something else"),
    "each third sentence put otherwise": _new_sentences,
    "names changed": lambda text: _each(r"(?<=[a-z] )[A-Z][a-z]+", text, 1.0, lambda _: "Van Buren"),
    "numbers changed": lambda text: _each(r"\d+", text, 1.0, lambda match: f"{match.group()} or 7"),
    "words exchanged one by one": lambda text: _each(r"\b[a-z]{4,}\b", text, 0.2, lambda match: match.group()[::-1]),
    "misspelled": lambda text: _each(r"\b[a-z]{4,}\b", text, 0.2, lambda match: match.group()[:-1]),
    "articles dropped": lambda text: re.sub(r"\b(?:the|a|an) ", "", text),
}


@pytest.mark.parametrize("change", HONEST.values(), ids=HONEST)
def test_versions_that_no_spinner_made_are_not(honest: list[str], change: Callable[[str], str]) -> None:
    assert [swapped(text, change(text)) for text in honest] == [False] * len(honest)


def test_articles_on_one_event_are_not(honest: list[str]) -> None:
    assert not any(swapped(one, other) for at, one in enumerate(honest) for other in honest[:at])


def test_too_few_words_tell_nothing(honest: list[str], spun: list[str]) -> None:
    assert not swapped(honest[0][:200], spun[0][:200])


@pytest.mark.parametrize(
    ("one", "other"), [("", ""), ("", "a b c"), ("!!!", "?"), ("é " * 90, "e è " * 90), ("漢字" * 50, "漢 字" * 60)]
)
def test_any_texts_can_be_compared(one: str, other: str) -> None:
    assert not swapped(one, other)


def test_what_is_said_of_swaps() -> None:
    one = "he said that the men had come to the house on Friday and left it at once"
    other = "he noted that the men had come over to the home on Friday and left it in a flash"
    texts = pa.array([one, other])
    (number,), _, _, _, (unequal,) = describe_swaps(np.array([0]), np.array([1]), lambda rows: texts.take(pa.array(rows)))
    assert number == 3  # said, house, at once; "over" is in place of nothing
    assert unequal == 0.5


def test_candidates_are_of_about_one_length_and_judged(honest: list[str], spun: list[str]) -> None:
    texts = pa.array([*honest, *spun, honest[0][: len(honest[0]) // 2]])
    n, count = len(texts), len(honest)
    signed, rows = Signer(1)(texts), np.arange(n)
    akin = propose_contained(signed.sketches, rows, rows).akin
    pairs = set(zip(*(side.tolist() for side in akin), strict=True))
    assert {(at, at + count) for at in range(count)} <= pairs

    def propose(scores: np.ndarray) -> set[tuple[int, int]]:
        a, b = propose_swapped(akin, signed.n_tokens, scores, lambda rows: texts.take(pa.array(rows)))
        return set(zip(a.tolist(), b.tolist(), strict=True))

    scores = np.zeros(n, np.float32)
    assert propose(scores) == {(at, at + count) for at in range(count)}
    scores[0] = np.nan
    assert propose(scores) == {(at, at + count) for at in range(1, count)}


def test_each_article_is_akin_to_a_few_at_most() -> None:
    draw = random.Random(3)
    base = [f"w{number}" for number in range(400)]
    texts = [" ".join(word if draw.random() > 0.1 else f"x{copy}" for word in base) for copy in range(40)]
    rows = np.arange(len(texts))
    a, b = propose_contained(Signer(1)(pa.array(texts)).sketches, rows, rows).akin
    assert (a < b).all()
    assert len(texts) // 2 <= len(a) <= 6 * len(texts)
