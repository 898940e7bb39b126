import importlib.util
import json
import random
import shutil
from collections.abc import Iterator
from importlib import resources
from pathlib import Path

import pytest

from dedupe.engine.spark import LEAST_JAVA, java_version


def why_not() -> str:
    """Say what Spark lacks here; empty where it can run."""
    if importlib.util.find_spec("pyspark") is None:
        return "needs pyspark: pip install 'article-dedupe[spark]'"
    version = java_version()
    return "" if version and version >= LEAST_JAVA else f"needs Java {LEAST_JAVA} or newer, not {version}"


@pytest.fixture(scope="session")
def able() -> None:
    """Skip what needs Spark where it cannot run."""
    if reason := why_not():
        pytest.skip(reason)


@pytest.fixture(scope="session")
def session(able: None) -> Iterator[object]:
    """A session of two cores, started once for all tests and found by what they call."""
    from dedupe.engine.spark import spark_session

    with spark_session(2) as started:
        started.conf.set("spark.sql.shuffle.partitions", "2")
        yield started


@pytest.fixture(scope="session")
def news(tmp_path_factory: pytest.TempPathFactory, seeds: Path) -> Path:
    """A folder of articles with something of everything."""
    folder = tmp_path_factory.mktemp("spark") / "news"
    write_news(folder, seeds)
    return folder


_SUBJECTS = "council police hospital airline farmers striking miners university central-bank football-club".split()
_VERBS = "approved rejected opened closed delayed expanded criticised audited sold rebuilt".split()
_THINGS = (
    "a bridge|the budget|its oldest school|a hydrogen plant|the night trains|two reservoirs|a vaccine trial|the harbour".split(
        "|"
    )
)
_TOWNS = "Lisbon Tallinn Porto Ghent Riga Malmo Turin Graz Vilnius Cork Leeds Nantes Bilbao Basel Aarhus".split()
_NAMES = "Okafor Lindqvist Marchetti Tamm Delacroix Novak Sorensen Whitfield Ibarra Kowalski Brandt Eriksen".split()


def _sentence(rng: random.Random) -> str:
    first, second = rng.sample(_TOWNS, 2)
    return (
        f"The {rng.choice(_SUBJECTS)} in {first} {rng.choice(_VERBS)} {rng.choice(_THINGS)} on {rng.randrange(2, 28)} March, said "
        f"{rng.choice(_NAMES)}, who compared it with {rng.randrange(3, 900)} cases in {second} and {rng.choice(_THINGS)} there."
    )


def _report(rng: random.Random, sentences: int) -> list[str]:
    return [_sentence(rng) for _ in range(sentences)]


_SYLLABLES = [f"{a}{b}{c}" for a in "bdfgklmnprst" for b in ("al", "er", "in", "on", "um", "esk") for c in ("", "ta", "ly", "mo")]


def _article(rng: random.Random, lines: int = 8) -> list[str]:
    return [" ".join(rng.choice(_SYLLABLES) + rng.choice(_SYLLABLES) for _ in range(14)).capitalize() + "." for _ in range(lines)]


def _spin(rng: random.Random, text: str) -> str:
    """Swap every word that spinners swap for one that they put in its place."""
    table = resources.files("dedupe").joinpath("lexicon/en/words.tsv").read_text(encoding="utf-8")
    rows = [line.split("\t") for line in table.splitlines() if line and not line.startswith("#")]
    variants = {row[0]: row[1].split("|") for row in rows if len(row) > 1}
    words = text.split(" ")
    return " ".join(rng.choice(variants[word]) if word in variants and rng.random() < 0.8 else word for word in words)


def write_news(folder: Path, seeds: Path, articles: int = 220) -> None:
    """Articles with everything that a run decides on: copies, updates, digests, farms, residue, spun text, events, rejects."""
    rng = random.Random(11)
    folder.mkdir()
    base = [_article(rng) for _ in range(articles)]
    rows: list[dict[str, object]] = []

    def add(lines: list[str] | str, **more: object) -> None:
        text = lines if isinstance(lines, str) else "\n".join(lines)
        rows.append({"text": text, "title": f"Report {len(rows) % 50}", "site": f"Paper {len(rows) % 7}", **more})

    for number, lines in enumerate(base):
        repeated = ["Read all about it in our shop window today"] if number % 7 == 0 else []
        add([*lines, *repeated], url=f"https://example.org/{number}", site=f"Paper {number % 7}")
    for lines in base[:30]:
        add(lines)  # exact
        add([*lines[:4], *_article(rng, 1), *lines[5:]])  # near
        add([lines[0].upper(), *lines[1:]])  # equal after folding
    for lines in base[40:60]:
        add(lines[:3])  # contained
        dated = [*lines[:4], "It happened on Monday in Lisbon.", *lines[4:]]
        add(dated)
        add([line.replace("Monday", "Friday") for line in dated])  # update
    for at in range(60, 90, 3):
        add([*base[at], *base[at + 1], *base[at + 2]])  # digest
    honest = (seeds / "phone-call-breitbart.txt").read_text(encoding="utf-8")
    add(_spin(rng, honest))
    add(_spin(rng, honest))
    farm = _article(rng, 12)
    for day in range(80):  # a bucket too large for all pairs
        add([*farm, f"On day {day % 11} the gauge stood at {day % 11 + 3}.{day % 7} metres."])
    copied = _article(rng)
    for _ in range(70):  # posting lists that are too long
        add([*copied, *_article(rng, 3)])
    event = _report(rng, 6)
    for _ in range(6):
        add([*rng.sample(event, 4), *_report(rng, 2)], date="2024-03-05")
    lines = [json.dumps(row) for row in rows]
    lines[50:50] = ["not json", json.dumps({"text": ""}), ""]
    (folder / "news.jsonl").write_text("\n".join(lines[: len(lines) // 2]) + "\n", encoding="utf-8")
    (folder / "more.jsonl").write_text("\n".join(lines[len(lines) // 2 :]) + "\n", encoding="utf-8")
    (folder / "binary.txt").write_bytes(bytes(range(256)) * 4)
    (folder / "picture.png").write_bytes(b"\x89PNG")
    (folder / "empty.txt").write_text("  \n")
    (folder / "cheer.txt").write_text("!!!")
    (folder / "cheer-again.txt").write_text("!!!")
    for path in seeds.glob("*.txt"):
        shutil.copy(path, folder / path.name)
