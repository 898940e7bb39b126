"""Reports of one template, and an article that is like all of them: no two that contradict each other share a cluster."""

from __future__ import annotations

import json
import random
from collections import Counter
from itertools import combinations
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from dedupe import job
from dedupe.match.facts import contradictions

pytestmark = pytest.mark.slow  # some 5 s each: hundreds of articles that are all like each other

REPORT = (
    "The level of the river at the old bridge stood at {} inches this morning, {} below that of the day before, and the water is "
    "expected to fall by another {} inches until the end of the week. Boats of more than {} tons may not pass the lock for now. "
    "The office for waterways reads the gauge every hour and puts the figures up at the harbor and on its page. It asks owners of "
    "boats on the banks to look after their ropes, and walkers to keep away from the edge where the bank was washed out in spring."
)
# Three places, each told with a number or without. Two reports quarrel where both tell one place; an article that tells none is
# like all of them, and longer, so that it is preferred. So are the reports of the first place, the longest: a bucket of all is
# compared with these, and says nothing of two that tell the second.
PLACES = (
    (
        "The bridge in the old town carried {} carts before noon, said the keeper of the toll to all who asked him.",
        "The bridge was open to carts.",
    ),
    ("At the mill the wheel turned for {} hours without a stop, as when the water is high.", "The mill was at work."),
    ("In the harbor {} boats lay at anchor behind the long wall.", "Boats lay in the harbor."),
)
COMMON = (
    "What the town did on this day is told here by those who keep its books, in the words that they have used for years. The "
    "council met in the hall beside the church and heard the reports of its wardens one after the other, and none of them had much "
    "to add to what was known. The wells are full, the walls are sound, the lamps along the river were lit at dusk, and the watch "
    "saw nobody on the roads after the gates were shut. Strangers who came by coach were given beds at the inn behind the stables. "
)
LIKE_ALL = (
    COMMON
    + " ".join(vague for _, vague in PLACES)
    + (
        " The next report follows as soon as the wardens have met again, which they mean to do when the bishop has left, and it will be "
        "read out in front of the hall to whoever cares to hear it before it goes into the chest with all the others."
    )
)


def partial_report(number: int, place: int) -> str:
    return COMMON + " ".join(told.format(number) if at == place else vague for at, (told, vague) in enumerate(PLACES))


def written(folder: Path, texts: list[str], first: int = 0) -> Path:
    folder.mkdir()
    rows = [{"id": f"r{first + n}", "text": text, "source": "gauge"} for n, text in enumerate(texts)]
    (folder / f"{first}.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    return folder


def clusters(output: Path) -> list[list[str]]:
    rows = pq.read_table(output / "corpus.parquet", columns=["cluster_id", "text"]).to_pylist()
    found: dict[str, list[str]] = {}
    for row in rows:
        found.setdefault(row["cluster_id"], []).append(row["text"])
    return list(found.values())


def quarrels(members: list[str]) -> int:
    pairs = np.array(list(combinations(range(len(members)), 2)), np.int64).reshape(-1, 2)
    column = pa.array(members, pa.string())
    return sum(map(bool, contradictions(pairs[:, 0], pairs[:, 1], lambda rows: column.take(pa.array(rows)))))


@pytest.mark.parametrize("joins", [False, True])
def test_an_article_like_all_reports_brings_no_two_together_that_quarrel(joins: bool, tmp_path: Path) -> None:
    numbers = random.Random(4).sample(range(100, 999), 225)
    reports = [partial_report(number, at % len(PLACES)) for at, number in enumerate(numbers)]
    output = tmp_path / "out"
    if joins:
        job.clean([written(tmp_path / "first", reports)], output, workers=1)
        job.clean([written(tmp_path / "second", [LIKE_ALL], 225)], output, previous=output, workers=1)
    else:
        job.clean([written(tmp_path / "all", [*reports, LIKE_ALL])], output, workers=1)
    found = clusters(output)
    assert max(map(len, found)) == 1 + len(PLACES)
    assert not any(map(quarrels, found))


def test_a_farm_writes_a_bounded_number_of_edges(tmp_path: Path) -> None:
    chance = random.Random(5)
    reports = [REPORT.format(*(chance.randint(2, 999) for _ in range(4))) for _ in range(400)]
    output = tmp_path / "out"
    job.clean([written(tmp_path / "all", reports)], output, workers=1)
    pairs = pq.read_table(output / "pairs.parquet", columns=["a_id", "b_id", "relation"])
    met = {*pairs["a_id"].to_pylist(), *pairs["b_id"].to_pylist()}
    assert len(met) == 400
    counts = Counter(pairs["relation"].to_pylist())
    assert set(counts) <= {"update", "story"}
    assert all(count <= (64 + 8) * 400 for count in counts.values())
    assert pairs.num_rows < 400 * 399 / 2 / 3
