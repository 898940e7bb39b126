"""The map stages of cleaning: same rows, repaired; untouched ones as they were; one ledger an article."""

from __future__ import annotations

import random
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa

from dedupe.config import Config
from dedupe.repair.ledger import restore
from dedupe.repair.repetition import LineCounts
from dedupe.repair.stages import LocalRepair, RepetitionRepair
from dedupe.schema import ARTICLES, CLEANED

BODY = "The council met on Thursday to decide on the bridge, which has been closed for two years. " * 3
PROMPT = "Support our journalism with a gift of any size"


def articles(*rows: dict[str, Any]) -> pa.RecordBatch:
    empty = dict.fromkeys(ARTICLES.names)
    return pa.RecordBatch.from_pylist(
        [{**empty, "source": "a.txt", "record": i + 1, **row} for i, row in enumerate(rows)], ARTICLES
    )


def check(before: list[str], batch: pa.RecordBatch) -> list[dict[str, Any]]:
    batch.validate(full=True)
    assert batch.schema.equals(CLEANED)
    rows: list[dict[str, Any]] = batch.to_pylist()
    for text, row in zip(before, rows, strict=True):
        assert [edit["seq"] for edit in row["edits"]] == list(range(len(row["edits"])))
        assert restore(row["text"], row["edits"]) == text
    return rows


def test_local_repair_changes_what_needs_it_and_copies_the_rest() -> None:
    texts = [
        BODY,
        f"{BODY}\n\nAdvertisement\n\nThe Associated Press contributed to this report.",
        f"Published: April 3, 2025\r\n\r\nBy Jane Doe\r\n\r\n{BODY}\r\n\r\nLeave a Comment",
        f"WASHINGTON (Reuters) - {BODY}",
        f"Council to decide on the new bridge – Springfield Herald\n\n{BODY}",
    ]
    when = datetime(2020, 1, 2, tzinfo=UTC)
    batch = articles(*({"text": text, "title": None if i == 4 else "Known", "extra": "{}"} for i, text in enumerate(texts)))
    batch = batch.set_column(
        8 - 1, ARTICLES.field("published_at"), pa.array([when, when, None, None, None], ARTICLES.field("published_at").type)
    )
    rows = check(texts, LocalRepair(Config())(batch))
    body = BODY.strip()
    assert [row["text"].strip() for row in rows] == [body, body, body, f"WASHINGTON (Reuters) - {body}", body]
    assert [row["credits"] for row in rows] == [[], ["Associated Press"], [], ["Reuters"], []]
    assert [row["published_at"] for row in rows] == [when, when, datetime(2025, 4, 3, tzinfo=UTC), None, None]
    assert rows[2]["author"] == "Jane Doe"
    assert (rows[4]["title"], rows[4]["publisher"]) == ("Council to decide on the new bridge", "Springfield Herald")
    assert rows[0]["edits"] == []
    assert rows[3]["edits"] == []


def test_nothing_is_touched_without_cleaning_and_in_an_empty_batch() -> None:
    text = f"{BODY}\n\nAdvertisement"
    rows = check([text], LocalRepair(Config(clean=False))(articles({"text": text})))
    assert (rows[0]["edits"], rows[0]["credits"]) == ([], [])
    assert len(LocalRepair(Config())(articles())) == 0


def test_the_seeds_give_up_their_metadata() -> None:
    seeds = [path.read_text(encoding="utf-8") for path in sorted((Path(__file__).parents[2] / "seeds").glob("*.txt"))]
    rows = check(seeds, LocalRepair(Config())(articles(*({"text": text} for text in seeds))))
    [titled] = [row for row in rows if row["title"]]
    assert (titled["title"][:13], titled["publisher"]) == ("Trump invites", "Crypto Finance")
    [dated] = [row for row in rows if row["published_at"]]
    assert dated["published_at"] == datetime(2025, 4, 3, tzinfo=UTC)
    assert dated["text"].startswith("US President Donald Trump will host")
    # Nothing longer leaves than the policy paragraph: no sentence of the articles.
    gone = [edit["before"].strip() for row in rows for edit in row["edits"] if edit["field"] == "text"]
    assert sorted(len(line) > 90 for line in gone) == [False] * (len(gone) - 1) + [True]


def test_switched_off_rules_leave_the_text() -> None:
    text = f"{BODY}\n\nAdvertisement\n\nTweet"
    rows = check([text], LocalRepair(Config(no_rules=frozenset({"R100"})))(articles({"text": text})))
    assert [edit["rule"] for edit in rows[0]["edits"]] == ["R101"]


def test_repetition_repair_adds_to_the_ledger_that_is_there() -> None:
    rng = random.Random(4)
    bodies = [
        " ".join(rng.choice(["river", "bridge", "council", "mayor", "water", "town", "market", "winter"]) for _ in range(80))
        + "."
        for _ in range(6)
    ]
    texts = [
        f"{body}\n\n{PROMPT}\n\nAdvertisement" if i % 2 else f"{body}\n\n{PROMPT}" if i else body for i, body in enumerate(bodies)
    ]
    batch = articles(*({"text": text, "title": "Known", "publisher": "Herald"} for text in texts))
    local = LocalRepair(Config())(batch)
    table = LineCounts.of(local).finish()
    assert table.column("line").to_pylist() == [PROMPT]
    rows = check(texts, RepetitionRepair(Config(), table)(local))
    assert [row["text"] for row in rows] == bodies
    assert [[edit["rule"] for edit in row["edits"]] for row in rows] == [[], *[["R100", "R200"], ["R200"]] * 2, ["R100", "R200"]]
    for config in (Config(clean=False), Config(no_rules=frozenset({"R200"}))):
        assert RepetitionRepair(config, table)(local).equals(local)


def test_batches_of_any_size_give_the_same_rows() -> None:
    texts = [f"{BODY}{n}" + "\n\nAdvertisement" * (n % 3 == 0) for n in range(20)]
    batch = articles(*({"text": text, "title": "Known"} for text in texts))
    repair = LocalRepair(Config())
    parts = pa.Table.from_batches([repair(batch.slice(i, 3)) for i in range(0, 20, 3)]).combine_chunks()
    assert parts.equals(pa.Table.from_batches([repair(batch)]).combine_chunks())
