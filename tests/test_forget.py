"""Forgotten articles are in no file any more, decompressed or not; what is left is a corpus like any other."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from click.testing import Result

from dedupe import job
from dedupe.corpus.inspect import check_output
from dedupe.corpus.output import Output
from dedupe.corpus.references import References
from dedupe.decisions.facts import must_link
from dedupe.decisions.store import Decisions, decisions_path

SECRET = "the heron of Quillbrook kept its seventh lantern under a violet bridge"
PLAIN = [
    "the council met on Monday and spoke about the old harbour and its many broken lamps for three hours",
    "a new school will open in spring with room for ninety children said the mayor at the town hall today",
    "farmers in the valley fear a dry summer after a winter without snow and a spring without much rain",
]


def words(text: str, number: int) -> str:
    return f"{text}. It was the {number}th time that this was told in the paper, and it will be told again by the same people."


@pytest.fixture
def output(tmp_path: Path) -> Path:
    rows = [
        {"id": f"a{n}", "title": f"{text[:20]} {n}", "text": words(text, 4), "url": f"https://example.org/{n}"}
        for n, text in enumerate([*PLAIN, SECRET, SECRET + " again", PLAIN[0] + " too"])
    ]
    rows[3]["title"] = "Secret lantern"
    (tmp_path / "in.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    job.clean([tmp_path / "in.jsonl"], tmp_path / "out", workers=1)
    return tmp_path / "out"


def contents(folder: Path) -> Iterator[tuple[str, str]]:
    # Every file as people could read it: Parquet and SQLite unpacked, all else as its bytes.
    for path in sorted(folder.rglob("*")):
        if path.is_file():
            raw = path.read_bytes()
            yield path.name, raw.decode("latin-1")
            if path.suffix == ".parquet":
                yield path.name, json.dumps(pq.read_table(path).to_pylist(), default=str)
            if path.suffix == ".sqlite":
                with sqlite3.connect(path) as connection:
                    yield path.name, "\n".join(connection.iterdump())


def rows(output: Path) -> list[dict[str, Any]]:
    table: list[dict[str, Any]] = pq.read_table(output / "corpus.parquet").to_pylist()
    return table


def test_a_planted_sentence_is_nowhere_any_more(output: Path, tmp_path: Path) -> None:
    hits = [name for name, text in contents(tmp_path) if "heron of Quillbrook" in text and name != "in.jsonl"]
    assert "corpus.parquet" in hits
    ids = {row["article_id"] for row in rows(output) if "Quillbrook" in row["text"]}
    assert len(ids) == 2
    job.forget(output, ids, workers=1)
    (tmp_path / "in.jsonl").unlink()
    for name, text in contents(tmp_path):
        assert "Quillbrook" not in text, name
        assert "Secret lantern" not in text, name
    assert check_output(output) == []
    assert len(rows(output)) == 4
    assert not [entry for entry in (output / ".runs").iterdir() if entry.is_dir()], "scratch is gone"


def test_the_rest_is_as_it_was_and_a_tombstone_stays(output: Path) -> None:
    before = {row["article_id"]: row for row in rows(output)}
    gone = next(row["article_id"] for row in rows(output) if row["text"].startswith(SECRET + "."))
    job.forget(output, {gone}, workers=1)
    after = {row["article_id"]: row for row in rows(output)}
    assert before.keys() - after.keys() == {gone}
    same = [
        name for name in before[gone] if name not in ("cluster_size", "canonical_id", "is_canonical", "relation", "similarity")
    ]
    for one, row in after.items():
        assert {name: row[name] for name in same} == {name: before[one][name] for name in same}
    buried = [row for row in pq.read_table(output / "id_map.parquet").to_pylist() if row["change"] == "forgotten"]
    assert [(row["kind"], row["old_id"]) for row in buried] == [("article", gone)]


@pytest.mark.parametrize("how", ["again", "fresh", "joined"])
def test_a_later_run_does_not_take_it_in_again(how: str, output: Path, tmp_path: Path) -> None:
    gone = next(row["article_id"] for row in rows(output) if row["text"].startswith(SECRET + "."))
    job.forget(output, {gone}, workers=1)
    options: dict[str, Any] = {"again": {}, "fresh": {"fresh": True}, "joined": {"previous": output}}[how]
    summary = job.clean([tmp_path / "in.jsonl"], output, workers=1, **options)
    assert summary.articles == 5
    assert gone not in {row["article_id"] for row in rows(output)}
    assert "forgotten" in pq.read_table(output / "rejects.parquet")["code"].to_pylist()
    assert check_output(output) == []


def test_decisions_forget_it_and_keep_the_rest(output: Path) -> None:
    ids = [row["article_id"] for row in rows(output)]
    store, references = Decisions.open(output), References(Output(output))
    store.record(
        "merge",
        [must_link([ids[0], ids[1], ids[3]])],
        who="ann",
        queue="doubt",
        note="all on herons",
        articles=references.of([ids[0], ids[1], ids[3]]),
    )
    job.forget(output, {ids[3]}, workers=1)
    [batch] = store.batches()
    assert batch.note == ""
    assert set(batch.facts[0].articles) == {ids[0], ids[1]}
    assert ids[3] not in store.articles()
    with sqlite3.connect(decisions_path(output)) as connection:
        assert ids[3] not in "\n".join(connection.iterdump())


def test_the_command_finds_by_id_source_and_address(output: Path, dedupe: Callable[..., Result]) -> None:
    some = rows(output)[0]
    found = dedupe("forget", output, "--url", "https://EXAMPLE.org/0", "--json", "-q")
    assert found.exit_code == 0, found.output
    assert [row["article_id"] for row in json.loads(found.stdout)] == [some["article_id"]]
    assert dedupe("forget", output, "--url", "https://example.org/0").exit_code == 2
    assert dedupe("forget", output, "--source", "nowhere.txt").exit_code == 2
    assert dedupe("forget", output).exit_code == 2
    whole = dedupe("forget", output, "--source", "in.jsonl", "-q")
    assert whole.exit_code == 0
    assert "5 articles forgotten; their IDs stay in id_map.parquet, and the input still holds them." in whole.stdout
    assert rows(output) == []
    assert check_output(output) == []


def test_a_terminal_is_asked_first(output: Path, dedupe: Callable[..., Result], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("click.testing._NamedTextIOWrapper.isatty", lambda _: True)
    address = ("--url", "https://example.org/0", "-q")
    refused = dedupe("forget", output, *address, stdin="n\n")
    assert refused.exit_code == 1
    assert "Forget 1 article for good?" in refused.stderr
    assert "in.jsonl:1" in refused.stderr
    assert len(rows(output)) == 6
    assert dedupe("forget", output, *address, stdin="y\n").exit_code == 0
    assert len(rows(output)) == 5
    unasked = dedupe("forget", output, "--url", "https://example.org/1", "-q", "--yes")
    assert "1 article forgotten; its ID stays in id_map.parquet, and the input still holds it." in unasked.stdout
    assert len(rows(output)) == 4
