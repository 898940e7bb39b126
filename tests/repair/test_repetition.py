"""Lines learned from the run: what is learned and what never is, in any order of merging, and what the map stage makes of it."""

from __future__ import annotations

import random

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dedupe.repair import repetition
from dedupe.repair.ledger import Draft, restore
from dedupe.repair.line_hashes import hash_word
from dedupe.repair.repetition import LEAST_CONTEXTS, NOBODYS_CONTEXTS, LineCounts, RepeatedLines
from dedupe.schema import RESIDUE

WORDS = [
    f"{a}{b}{c}"
    for a in ("bri", "cor", "dal", "fen", "gro")
    for b in ("na", "to", "li", "re")
    for c in ("m", "s", "l", "nd", "st", "ck")
]
PROMPT = "Support our journalism with a gift of any size today"
BIO = "Jane Doe is a columnist for the Springfield Herald and the author of two books."


def paragraph(rng: random.Random, words: int = 40) -> str:
    return " ".join(rng.choice(WORDS) for _ in range(words)).capitalize() + "."


def article(seed: int, *extra: str, paragraphs: int = 5) -> str:
    rng = random.Random(seed)
    return "\n\n".join([*(paragraph(rng) for _ in range(paragraphs)), *extra])


def batch(texts: list[str], publisher: str | None = "Herald", url: str | None = None) -> pa.RecordBatch:
    return pa.record_batch(
        {
            "text": pa.array(texts, pa.string()),
            "publisher": pa.array([publisher] * len(texts), pa.string()),
            "url": pa.array([url] * len(texts), pa.string()),
        }
    )


def learned(texts: list[str], publisher: str | None = "Herald", url: str | None = None) -> list[str]:
    return LineCounts.of(batch(texts, publisher, url)).finish().column("line").to_pylist()


def test_a_line_of_articles_that_differ_is_learned_from_five_articles() -> None:
    assert learned([article(n, PROMPT) for n in range(3)] + [article(n) for n in range(3, 5)]) == [PROMPT]


def test_two_articles_are_not_enough() -> None:
    assert learned([article(n, PROMPT) for n in range(2)] + [article(n) for n in range(2, 9)]) == []


def test_copies_of_one_article_are_one_context() -> None:
    assert learned([article(1, PROMPT)] * 20) == []


@pytest.mark.parametrize("copies", [5, 40])
def test_near_copies_of_one_article_are_one_context(copies: int) -> None:
    texts = []
    for n in range(copies):
        rng = random.Random(n)
        words = article(1, paragraphs=8).split(" ")
        for _ in range(len(words) // 20):
            words[rng.randrange(len(words))] = rng.choice(WORDS)
        texts.append(" ".join(words) + f"\n\n{PROMPT}")
    assert learned(texts) == []


@pytest.mark.parametrize(
    "line",
    [
        "What happened next in the town",
        "What to watch",
        "The Associated Press",
        "MICHAEL BARBARO",
        "Yes.",
        "Why it matters",
        "“Read my lips, no new newsletters.”",
        '"Follow the money," as the saying goes.',
        "Jim Geraghty, editor of National Review",
        "The Editors, National Review",
        "Here is the email in full:",
        "Anyone with information is asked to call Crime Stoppers or to email the sheriff.",
        "Temperatures will rise to 80 on the coast, with light winds.",
        "The company did not respond to an email seeking comment.",
        "Get out now, he said, and sign up for the newsletter.",
        "Kyle Smith, National Review",
        "It was not immediately clear who had sent the email, the spokesman said.",
        "Follow the game — Some Body (@somebody) October 31, 2018",
        "The council meets again in the second week of next month.",
        "* * *",
    ],
)
def test_what_is_of_the_article_is_never_learned_however_often_it_recurs(line: str) -> None:
    assert learned([article(n, line, "A last paragraph of this one.") for n in range(30)]) == []


@pytest.mark.parametrize(
    "line",
    [
        PROMPT,
        BIO,
        "Check out the Electoral Map and game out your own strategy",
        "Send letters to letters@example.com.",
        "Listen to Today, Explained",
        "Read more about the outbreak here.",
        "Contact us at editors@example.com.",
        "Got a question? Ask us: junkie@example.org",
    ],
)
def test_what_speaks_to_the_reader_is_learned(line: str) -> None:
    assert learned([article(n, line) for n in range(4)]) == [line]


def test_case_and_punctuation_make_no_other_line() -> None:
    texts = [article(0, PROMPT), article(1, PROMPT.upper()), article(2, f"• {PROMPT}!")]
    assert len(learned(texts)) == 1


def test_publishers_learn_apart_and_the_host_stands_in_for_a_publisher() -> None:
    texts = [article(n, PROMPT) for n in range(2)]
    both = LineCounts.of(batch(texts)).merge(LineCounts.of(batch([article(9, PROMPT)], "Times")))
    assert both.finish().num_rows == 0
    table = LineCounts.of(batch([article(n, PROMPT) for n in range(3)], None, "https://user@www.Example.com:80/a?b")).finish()
    assert table.column("publisher").to_pylist() == ["example.com"]


def test_where_nobody_is_known_more_articles_are_asked_for() -> None:
    for publisher, url in ((None, None), ("  ", "no address")):
        assert learned([article(n, PROMPT) for n in range(NOBODYS_CONTEXTS - 1)], publisher, url) == []
        assert learned([article(n, PROMPT) for n in range(NOBODYS_CONTEXTS)], publisher, url) == [PROMPT]


def test_a_line_that_is_rare_for_its_publisher_is_not_learned() -> None:
    counts = LineCounts.of(batch([article(n, PROMPT) for n in range(3)]))
    counts.publishers["Herald"].articles = 100_000
    assert counts.finish().num_rows == 0


def corpus() -> list[str]:
    return [
        article(n, *[line for k, line in enumerate((PROMPT, BIO, "Follow our work on any network you like")) if n % (k + 2) == 0])
        for n in range(24)
    ]


@settings(max_examples=25, deadline=None)
@given(st.randoms(use_true_random=False), st.integers(1, 9))
def test_any_order_of_batches_and_merges_gives_the_same_table(rng: random.Random, size: int) -> None:
    texts = corpus()
    expected = LineCounts.of(batch(texts)).finish()
    assert expected.num_rows == 3
    rng.shuffle(texts)
    parts = [LineCounts.of(batch(texts[i : i + size])) for i in range(0, len(texts), size)]
    while len(parts) > 1:
        a, b = parts.pop(rng.randrange(len(parts))), parts.pop(rng.randrange(len(parts)))
        parts.append(a.merge(b))
    assert parts[0].finish().equals(expected)
    assert expected.schema.equals(RESIDUE)


@settings(max_examples=25, deadline=None)
@given(st.randoms(use_true_random=False), st.integers(1, 9))
def test_the_bound_on_memory_keeps_the_same_articles_in_any_order(rng: random.Random, size: int) -> None:
    texts = [article(n, PROMPT) for n in range(40)]
    most, repetition.MOST_LINES = repetition.MOST_LINES, 20
    try:
        expected = LineCounts.of(batch(texts)).finish()
        rng.shuffle(texts)
        merged = LineCounts()
        for i in range(0, len(texts), size):
            merged = merged.merge(LineCounts.of(batch(texts[i : i + size])))
        assert len(merged.publishers["Herald"].lines) <= 20
        assert merged.finish().equals(expected)
        assert expected.column("line").to_pylist() == [PROMPT]
        assert 10 <= expected.column("articles")[0].as_py() <= 120
    finally:
        repetition.MOST_LINES = most


def test_learned_lines_leave_with_their_evidence() -> None:
    texts = [article(n, PROMPT, "A last paragraph.") for n in range(LEAST_CONTEXTS)] + [article(7)]
    lines = RepeatedLines(LineCounts.of(batch(texts)).finish())
    assert lines.screen(batch(texts)).tolist() == [True] * LEAST_CONTEXTS + [False]
    assert not lines.screen(batch(texts, "Times")).any()
    draft = Draft(texts[0])
    lines.remove(draft, "Herald")
    assert draft.text == article(0, "A last paragraph.")
    assert [(edit.rule, edit.evidence) for edit in draft.edits] == [("R200", f"line of Herald in {LEAST_CONTEXTS} articles")]
    assert restore(draft.text, draft.edits) == texts[0]


@settings(max_examples=150, deadline=None)
@given(
    st.lists(
        st.one_of(st.sampled_from([PROMPT, BIO, f"– {BIO}", PROMPT.upper(), "Übrigens: ein Satz"]), st.text(max_size=30)),
        max_size=6,
    )
)
def test_the_screen_fires_exactly_where_a_learned_line_is_removed(pieces: list[str]) -> None:
    lines = RepeatedLines(LineCounts.of(batch([article(n, PROMPT, BIO) for n in range(3)])).finish())
    text = "Eine Zeile für sich\n\n" + "\n".join(pieces).encode("utf-8", "replace").decode()
    draft = Draft(text)
    lines.remove(draft, "Herald")
    assert bool(lines.screen(batch([text]))[0]) is bool(draft.edits)
    assert restore(draft.text, draft.edits) == text


def test_words_hash_by_all_their_letters() -> None:
    words = [a + b + c for a in WORDS for b in WORDS for c in ("", "x")]
    assert len({hash_word(word) for word in words}) == len(set(words))
