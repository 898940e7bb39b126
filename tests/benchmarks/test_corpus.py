import json
from itertools import islice
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest

from benchmarks.corpus import (
    Article,
    Variants,
    generate,
    jaccard,
    make,
    near_copy,
    plant,
    read_articles,
    word_shingles,
)
from benchmarks.peers import _shingles

SENTENCES = (
    "The {0} council met on Monday, and {0} members spoke of {1} roads. \u201cIt\u2019s {1},\u201d said Ana {2}, who leads it.",
    "Read more: https://example.com/{0} or write to desk@{1}.example; the {2} report is out.",
    "A {1} {0} in TOWN {2} costs 4.50 dollars, says the {0}'s owner.",
)


def articles(count: int) -> list[Article]:
    rng = np.random.default_rng(3)
    words = ["".join(rng.choice(list("abdeiklmnorstu"), int(rng.integers(4, 9)))) for _ in range(400)]
    made = []
    for number in range(count):
        lines = [SENTENCES[int(rng.integers(0, 3))].format(*rng.choice(words, 3)) for _ in range(30)]
        lines.insert(2, "Advertisement")
        lines.append("Follow the Paper on every network you know")
        text = "\n\n".join(lines)
        made.append(
            {
                "id": str(number),
                "title": lines[0],
                "text": text,
                "source": "Paper",
                "url": f"https://p.example/{number}?x=1",
                "date": "",
            }
        )
    return made


def test_shingles_fold_case_accents_and_apostrophes() -> None:
    assert word_shingles("Caf\u00e9 isn\u2019t OPEN") == word_shingles("cafe isnt, open") == {("cafe", "isnt", "open")}
    assert word_shingles("Two words") == {("two", "words")}
    assert word_shingles(" - ") == set()


def test_jaccard_by_hand() -> None:
    one, two = word_shingles("a b c d e"), word_shingles("b c d e f")
    assert jaccard(one, two) == pytest.approx(2 / 4)
    assert jaccard(set(), set()) == 0


def test_peers_get_the_shingles_of_the_oracle() -> None:
    for article in articles(5):
        assert set(_shingles(article["text"])) == {" ".join(words) for words in word_shingles(article["text"])}


def test_first_copy_is_the_file_itself() -> None:
    model = articles(20)
    assert list(Variants(model).copy(0, seed=1)) == model


def test_copy_is_another_article_in_the_same_form() -> None:
    model = articles(20)
    made = list(Variants(model, function_words=20).copy(1, seed=1))
    assert made == list(Variants(model, function_words=20).copy(1, seed=1))
    for before, after in zip(model, made, strict=True):
        assert jaccard(word_shingles(before["text"]), word_shingles(after["text"])) < 0.5
        old, new = before["text"].split("\n"), after["text"].split("\n")
        assert len(old) == len(new)
        assert new[4] == "Advertisement"
        assert new[-1] == old[-1]  # what articles repeat is residue, and stays
        for one, two in zip(old, new, strict=True):
            assert len(one.split()) == len(two.split())
            assert [word[:1].isupper() for word in one.split()] == [word[:1].isupper() for word in two.split()]
        assert after["url"] == before["url"].replace("?", "-1?")


def test_copy_exchanges_words_consistently() -> None:
    model = articles(40)
    exchanged: dict[str, str] = {}
    for before, after in zip(model, Variants(model, function_words=20).copy(2, seed=1), strict=True):
        for one, two in zip(before["text"].split(), after["text"].split(), strict=True):
            assert exchanged.setdefault(one.lower(), two.lower()) == two.lower()
    words = [word for word in exchanged if word.isalpha()]
    assert sum(exchanged[word] != word for word in words) > 0.8 * len(words)


def test_near_copies_are_near_and_not_equal() -> None:
    one, two = articles(2)
    rng = np.random.default_rng(1)
    found = []
    for _ in range(60):
        text, edits = near_copy(one["text"], two["text"], rng)
        assert edits
        found.append(jaccard(word_shingles(one["text"]), word_shingles(text)))
    assert min(found) > 0.3
    assert np.mean(found) < 0.97


def test_planted_pairs_are_the_truth() -> None:
    noted: list[dict[str, object]] = []
    made = {article["id"]: article["text"] for article in plant(iter(articles(1000)), 1000, 5, noted.append)}
    assert len(made) == 1000
    assert 25 <= len(noted) <= 80
    for pair in noted:
        exact = jaccard(word_shingles(made[str(pair["a"])]), word_shingles(made[str(pair["b"])]))
        assert pair["jaccard"] == pytest.approx(exact, abs=1e-6)


def test_generated_articles_are_like_news_and_like_themselves() -> None:
    pytest.importorskip("wordfreq")
    made = list(generate(400, seed=2))
    assert made[:50] == list(generate(50, seed=2))
    assert made[0]["text"] != next(generate(1, seed=3))["text"]
    assert len({article["id"] for article in made}) == len({article["url"] for article in made}) == 400
    lengths = [len(article["text"].split()) for article in made]
    assert 800 < np.mean(lengths) < 1100
    assert np.median(lengths) < np.mean(lengths)
    repeated = [line for article in made for line in set(article["text"].split("\n")) if "newsletter" in line]
    assert 0 < len(set(repeated)) < len(repeated) / 2


def test_file_round_trip_in_both_formats(tmp_path: Path) -> None:
    model = tmp_path / "model.jsonl"
    model.write_text("".join(json.dumps(article, ensure_ascii=False) + "\n" for article in articles(30)), encoding="utf-8")
    for name in ("out.jsonl", "out.parquet"):
        make(tmp_path / name, 100, seed=1, model=model)
    lines, table = read_articles(tmp_path / "out.jsonl"), read_articles(tmp_path / "out.parquet")
    assert lines == table
    assert len(lines) == len({article["id"] for article in lines}) == pq.read_metadata(tmp_path / "out.parquet").num_rows == 100
    truth = [json.loads(line) for line in (tmp_path / "out.truth.jsonl").read_text().splitlines()]
    assert {pair["b"] for pair in truth} <= {article["id"] for article in islice(lines, 1, None)}
