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


def test_equal_articles_go_together_and_stay_away(tmp_path: Path, dedupe: Callable[..., Result]) -> None:
    # Equal in identity and text: their IDs differ by the order of the input alone, and that changes.
    lines = [json.dumps({"id": f"a{n}", "text": words(text, n)}) for n, text in enumerate(PLAIN)]
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "a.jsonl").write_text("\n".join(lines))
    (tmp_path / "in" / "b.jsonl").write_text(
        "\n".join([lines[0], lines[0], json.dumps({"id": "own", "text": words(PLAIN[0], 0)})])
    )
    output = tmp_path / "out"
    assert job.clean([tmp_path / "in"], output, workers=1).articles == 6
    double = [row["article_id"] for row in rows(output) if row["input_id"] == "a0"]
    assert len(set(double)) == 3
    found = dedupe("forget", output, "--id", double[1], "--json", "-q")
    assert [row["article_id"] for row in json.loads(found.stdout)] == double
    assert check_output(output) == []
    (tmp_path / "in" / "a.jsonl").rename(tmp_path / "in" / "c.jsonl")
    for options in ({}, {"fresh": True}, {"previous": output}):
        job.clean([tmp_path / "in"], output, workers=1, **options)  # type: ignore[arg-type]
        assert sorted(row["input_id"] for row in rows(output)) == ["a1", "a2", "own"], options
        assert check_output(output) == []


def test_the_check_finds_a_forgotten_article(output: Path, tmp_path: Path) -> None:
    gone = rows(output)[0]["article_id"]
    job.forget(output, {gone}, workers=1)
    whole = tmp_path / "whole"
    job.clean([tmp_path / "in.jsonl"], whole, workers=1)
    for name in ("corpus.parquet", "rejects.parquet"):
        (output / name).write_bytes((whole / name).read_bytes())
    assert "corpus.parquet holds 1 article that id_map.parquet says were forgotten." in check_output(output)


LINE = "Hilda Quillbrook is a columnist who looks after herons."


@pytest.mark.parametrize(("keep", "relearn"), [(0, False), (0, True), (1, False)])
def test_a_line_that_only_forgotten_articles_had_is_forgotten(keep: int, relearn: bool, tmp_path: Path) -> None:
    # The line is learned from eight articles, spelled by each in a way of its own; other lines stay learned.
    kept = "Follow our reporters of the valley on Twitter for more."
    texts = [" ".join(f"word{n}x{at}" for at in range(60)) for n in range(16)]
    lines = [LINE.upper() if n == 0 else LINE + " " * n if n < 8 else kept for n in range(16)]
    (tmp_path / "in.jsonl").write_text(
        "".join(
            json.dumps({"id": f"a{n}", "publisher": "The Valley", "text": f"{text}.\n{line}\n{text} again."}) + "\n"
            for n, (text, line) in enumerate(zip(texts, lines, strict=True))
        )
    )
    output = tmp_path / "out"
    job.clean([tmp_path / "in.jsonl"], output, workers=1)
    assert sorted(pq.read_table(output / "residue.parquet")["line"].to_pylist()) == sorted([LINE.upper(), kept])
    ids = {row["input_id"]: row["article_id"] for row in rows(output)}
    job.forget(output, {ids[f"a{n}"] for n in range(8 - keep)}, workers=1)
    left = [*([LINE] if keep else []), kept]
    assert sorted(pq.read_table(output / "residue.parquet")["line"].to_pylist()) == sorted(left)
    assert check_output(output) == []
    if not keep:
        job.clean([tmp_path / "in.jsonl"], output, workers=1, previous=output, relearn=relearn, fresh=False)
        assert pq.read_table(output / "residue.parquet")["line"].to_pylist() == [kept]
        job.clean([tmp_path / "in.jsonl"], output, workers=1, fresh=True)
        assert pq.read_table(output / "residue.parquet")["line"].to_pylist() == [kept]
        for name, text in contents(output):
            assert "quillbrook" not in text.lower(), name


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
