from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dedupe.repair.spin.gate import MOST_TOKENS, load_gate, score, score_tokens
from dedupe.repair.spin.lexicon import fold, read_lexicon
from dedupe.repair.spin.phrase_index import build_index, longest_phrase
from dedupe.repair.spin.spinner import build_spinner, spin
from dedupe.tokens import tokenize


def texts(seeds: Path) -> dict[str, str]:
    return {path.stem: path.read_text(encoding="utf-8") for path in sorted(seeds.glob("*.txt"))}


def test_only_the_spun_seed_passes(seeds: Path) -> None:
    articles = texts(seeds)
    scores = score(pa.array(list(articles.values())), load_gate())
    passing = {name for name, value in zip(articles, scores, strict=True) if value >= load_gate().threshold}
    assert passing == {"visit-planned-bitcoinist-spun"}


def test_spun_copies_of_the_honest_seeds_pass(seeds: Path) -> None:
    spinner = build_spinner(read_lexicon(), 4)
    copies = [spin(text, spinner, 0.3, 1).text for name, text in texts(seeds).items() if "spun" not in name]
    assert (score(pa.array(copies), load_gate()) >= load_gate().threshold).all()


@pytest.mark.parametrize("text", ["", "Goal!", "He said so.", "1 2 3", "\n\n", "subsequent month, folks mentioned"])
def test_too_little_text_is_not_judged_spun(text: str) -> None:
    assert score(pa.array([text]), load_gate())[0] < load_gate().threshold


def test_evidence_grows_with_length(seeds: Path) -> None:
    text = texts(seeds)["visit-planned-bitcoinist-spun"]
    part, half, whole = score(pa.array([text[:300], text[:1200], text[:2400]]), load_gate())
    assert part < half < whole


def test_a_phrase_said_again_says_little() -> None:
    once, often = score(pa.array(["content material", "content material. " * 50]), load_gate())
    assert often < 15 * once


def test_an_article_scores_the_same_in_any_company(seeds: Path) -> None:
    column = pa.array([*texts(seeds).values(), "", "short"])
    together = score(column, load_gate())
    alone = np.concatenate([score(column.slice(i, 1), load_gate()) for i in range(len(column))])
    np.testing.assert_array_equal(together, alone)
    np.testing.assert_array_equal(score_tokens(*tokenize(column)[::3], load_gate()), together)


def test_the_score_is_that_of_the_longest_phrases_one_after_the_other(seeds: Path) -> None:
    gate = load_gate()
    column = pa.array([*texts(seeds).values(), "in line with", "in", "", "the " * 700])
    tokens = tokenize(column)
    for begin, end, value in zip(tokens.offsets, tokens.offsets[1:], score(column, gate), strict=False):
        at, stop, met, total = begin, min(end, begin + MOST_TOKENS), set(), 0.0
        while at < stop:
            phrase, length = longest_phrase(tokens.hashes, at, stop, *gate.phrases)
            total += gate.weights[phrase] * (0.2 if phrase in met else 1.0) if phrase >= 0 else 0.0
            met.add(phrase)
            at += length
        assert value == pytest.approx(total - gate.per_token * (stop - begin), abs=1e-3)


PHRASES = ["in", "in line", "in line with", "line with the", "with", "the data set shows", "data"]


@given(st.lists(st.sampled_from(["in", "line", "with", "the", "data", "set", "shows", "other"]), max_size=30))
@settings(max_examples=200, deadline=None)
def test_the_longest_phrase_is_found_at_every_place(words: list[str]) -> None:
    tokens = tokenize(pa.array([" ".join(words)]))
    index = build_index(PHRASES)
    for at in range(len(words)):
        fitting = [p for p in PHRASES if words[at : at + len(p.split())] == p.split()]
        number, length = longest_phrase(tokens.hashes, at, len(words), *index)
        longest = max(fitting, key=len, default=None)
        assert (PHRASES[number] if number >= 0 else None) == longest
        assert length == (len(longest.split()) if longest else 1)


def test_no_honest_article_passes(shared_data: Path) -> None:
    import pyarrow.parquet as pq

    column = pq.read_table(shared_data / "news-dev.parquet")["text"].combine_chunks()
    assert int((score(column, load_gate()) >= load_gate().threshold).sum()) <= len(column) // 1000


def test_gate_phrases_are_folded() -> None:
    assert fold("Content  Material") == "content material"
