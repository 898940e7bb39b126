import random
from pathlib import Path
from typing import Any

import pytest

import dedupe

WORDS = [f"{a}{b}" for a in ("ka", "lo", "mi", "ne", "su", "ta", "ve", "zo") for b in ("r", "nt", "sk", "lle", "ma", "dor")]


def article(seed: int, words: int = 120) -> str:
    rng = random.Random(seed)
    return " ".join(rng.choice(WORDS) + str(rng.randrange(40)) for _ in range(words)).capitalize() + "."


def make_rows() -> list[dict[str, Any]]:
    """Twelve articles; three nearly the same, two the same, one with residue, one whose text is missing, hostile titles."""
    rows: list[dict[str, Any]] = [
        {"id": f"n{n}", "body": article(n), "headline": f"Title {n}", "date": f"2024-0{1 + n % 3}-15", "section": "news"}
        for n in range(8)
    ]
    rows.append({**rows[0], "id": "near", "body": rows[0]["body"].replace("kar", "other"), "headline": "=HYPERLINK(0)"})
    rows.append({**rows[0], "id": "cut", "body": rows[0]["body"] + " " + article(90, 20), "headline": "../../etc/passwd"})
    rows.append({**rows[1], "id": "same", "date": None})
    rows.append({**rows[2], "id": "scraped", "body": article(50) + "\n\nLeave a Comment", "headline": "x\x1b[31m\nred"})
    rows.append({**rows[3], "id": "none", "body": None})
    return rows


@pytest.fixture(scope="session")
def rows() -> list[dict[str, Any]]:
    return make_rows()


@pytest.fixture(scope="session")
def corpus(rows: list[dict[str, Any]], tmp_path_factory: pytest.TempPathFactory) -> dedupe.Corpus:
    """Those rows as a corpus in a folder."""
    return dedupe.clean(rows, output=tmp_path_factory.mktemp("python") / "output", workers=1)


@pytest.fixture
def output(corpus: dedupe.Corpus) -> Path:
    return corpus.folder
