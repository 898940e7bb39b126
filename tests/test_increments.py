"""New articles join a corpus: only they are read and repaired, and all comes out as in one run over everything."""

from __future__ import annotations

import json
import random
import shutil
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from dedupe import job
from dedupe.config import Config
from dedupe.corpus.inspect import check_output
from dedupe.errors import UsageError


def articles() -> list[dict[str, str]]:
    # Sources, near copies, exact copies, abridged ones and updates, in one order; the second half joins the first.
    chance = random.Random(3)
    words = sorted(
        {a + b + c for a in ("ba", "ko", "ti", "re", "mu") for b in ("lan", "ver", "dis", "tom") for c in ("", "en", "a")}
    )
    made = []
    for number in range(40):
        sentences = [" ".join(chance.choices(words, k=12)).capitalize() + "." for _ in range(9)]
        text = " ".join(sentences)
        made.append(text)
        if number % 4 == 0:
            made.append(text.replace(sentences[2], " ".join(chance.choices(words, k=12)).capitalize() + "."))
        if number % 5 == 0:
            made.append(text)
        if number % 6 == 0:
            made.append(" ".join(sentences[:6]))
        if number % 7 == 0:
            made.append(text + " The toll rose to 12 people on Monday.")
            made.append(text + " The toll rose to 15 people on Monday.")
    chance.shuffle(made)
    return [{"id": f"a{n}", "text": text, "source": f"site{n % 3}"} for n, text in enumerate(made)]


def write(folder: Path, name: str, rows: list[dict[str, str]]) -> Path:
    folder.mkdir(exist_ok=True)
    (folder / name).write_text("".join(json.dumps(row) + "\n" for row in rows))
    return folder


def grouped(output: Path) -> tuple[set[frozenset[str]], dict[str, tuple[str, str]], set[tuple[str, str, str]]]:
    corpus = pq.read_table(
        output / "corpus.parquet", columns=["article_id", "cluster_id", "canonical_id", "relation"]
    ).to_pylist()
    clusters: dict[str, set[str]] = {}
    for row in corpus:
        clusters.setdefault(row["cluster_id"], set()).add(row["article_id"])
    pairs = pq.read_table(output / "pairs.parquet").to_pylist()
    return (
        {frozenset(members) for members in clusters.values()},
        {row["article_id"]: (row["canonical_id"], row["relation"]) for row in corpus},
        {(row["a_id"], row["b_id"], row["relation"]) for row in pairs},
    )


@pytest.mark.parametrize("steps", [2, 4])
def test_an_increment_gives_what_one_run_gives(steps: int, tmp_path: Path) -> None:
    rows = articles()
    whole = tmp_path / "whole"
    job.clean([write(tmp_path / "all", "all.jsonl", rows)], whole, workers=1)
    output = tmp_path / "out"
    job.clean([write(tmp_path / "first", "0.jsonl", rows[: len(rows) // 2])], output, workers=1)
    rest = rows[len(rows) // 2 :]
    for step in range(steps):
        part = rest[step * len(rest) // steps : (step + 1) * len(rest) // steps]
        summary = job.clean([write(tmp_path / f"step{step}", f"{step + 1}.jsonl", part)], output, previous=output, workers=1)
        assert summary.taken_over == summary.articles - len(part)
        assert check_output(output) == []
    assert grouped(output) == grouped(whole)


def test_what_is_there_already_is_not_taken_twice(tmp_path: Path) -> None:
    rows = articles()
    output = tmp_path / "out"
    job.clean([write(tmp_path / "first", "0.jsonl", rows[:40])], output, workers=1)
    before = grouped(output)
    summary = job.clean([write(tmp_path / "again", "1.jsonl", rows[20:40])], output, previous=output, workers=1)
    assert (summary.known, summary.taken_over, summary.articles) == (20, 40, 40)
    assert grouped(output) == before
    assert check_output(output) == []


@pytest.mark.parametrize("relearn", [False, True])
def test_a_summary_tells_how_many_articles_the_output_before_had_and_this_one_has_not(relearn: bool, tmp_path: Path) -> None:
    rows = articles()
    output = tmp_path / "out"
    previous = output if relearn else None
    assert job.clean([write(tmp_path / "all", "0.jsonl", rows[:40])], output, workers=1).gone == 0
    assert job.clean([write(tmp_path / "same", "1.jsonl", rows[:40])], output, workers=1).gone == 0
    part = write(tmp_path / "part", "2.jsonl", rows[30:50])
    assert job.clean([part], output, previous=previous, relearn=relearn, workers=1).gone == 30
    joining = write(tmp_path / "joining", "3.jsonl", rows[:5])
    assert job.clean([joining], output, previous=output, workers=1).gone == 0


def test_nothing_new_leaves_every_pair_as_it_was(tmp_path: Path) -> None:
    # The rows of a pair stand in any order of their IDs; the fact of the smaller ID is named first.
    texts = [" ".join(f"word{case}x{at}" for at in range(80)) for case in range(12)]
    rows = [
        {"id": f"{case}-{side}", "text": f"{text}. The mayor opened {number} schools in the town on the day of the vote.\n{text}"}
        for case, text in enumerate(texts)
        for side, number in (("one", 41), ("two", 67))
    ]
    output = tmp_path / "out"
    job.clean([write(tmp_path / "first", "0.jsonl", rows)], output, workers=1)
    before = pq.read_table(output / "pairs.parquet")
    assert before["relation"].to_pylist() == ["update"] * 12
    assert len({said.partition(";")[0] for said in before["evidence"].to_pylist()}) == 2, "both orders of the rows occur"
    job.clean([write(tmp_path / "none", "1.jsonl", [{"id": "none", "text": ""}])], output, previous=output, workers=1)
    assert pq.read_table(output / "pairs.parquet").equals(before)


def test_articles_join_an_output_that_has_none(tmp_path: Path) -> None:
    write(tmp_path / "in", "blank.jsonl", [{"id": "a", "text": " "}])
    assert job.clean([tmp_path / "in"], tmp_path / "out", workers=1).articles == 0
    write(tmp_path / "new", "more.jsonl", articles()[:9])
    joined = job.clean([tmp_path / "new"], tmp_path / "out", workers=1, previous=tmp_path / "out")
    assert (joined.articles, joined.records) == (9, 10)
    assert check_output(tmp_path / "out") == []


def test_ids_last_and_the_map_says_what_grew(tmp_path: Path) -> None:
    rows = articles()
    old, new = tmp_path / "old", tmp_path / "new"
    job.clean([write(tmp_path / "first", "0.jsonl", rows[:60])], old, workers=1)
    shutil.copytree(old, new)
    job.clean([write(tmp_path / "second", "1.jsonl", rows[60:])], new, previous=new, workers=1)
    columns = ["article_id", "cluster_id"]
    was = dict(
        zip(*(column.to_pylist() for column in pq.read_table(old / "corpus.parquet", columns=columns).columns), strict=True)
    )
    now = dict(
        zip(*(column.to_pylist() for column in pq.read_table(new / "corpus.parquet", columns=columns).columns), strict=True)
    )
    members = [
        {cluster: frozenset(a for a, c in given.items() if c == cluster) for cluster in set(given.values())}
        for given in (was, now)
    ]
    untouched = set(members[0].values()) & set(members[1].values())
    assert untouched
    assert all(was[next(iter(group))] == now[next(iter(group))] for group in untouched)
    changes = {row["change"] for row in pq.read_table(new / "id_map.parquet").to_pylist()}
    assert {"kept", "grew", "new"} <= changes


def test_other_settings_are_refused_and_relearning_reads_all(tmp_path: Path) -> None:
    rows = articles()
    source, output = write(tmp_path / "in", "0.jsonl", rows[:30]), tmp_path / "out"
    job.clean([source], output, workers=1)
    with pytest.raises(UsageError, match="threshold"):
        job.clean([source], output, Config(threshold=0.6), previous=output, workers=1)
    summary = job.clean([source], output, Config(threshold=0.6), previous=output, relearn=True, workers=1)
    assert (summary.taken_over, summary.articles) == (0, 30)


def test_spun_copies_that_were_there_stay_what_they_were(tmp_path: Path) -> None:
    # Two spun copies are near to each other, and `spun` only to what they were made of.
    seeds = Path(__file__).parents[1] / "seeds"
    spun = (seeds / "visit-planned-bitcoinist-spun.txt").read_text(encoding="utf-8")
    paragraphs = spun.split("\n")
    longest = max(range(len(paragraphs)), key=lambda at: len(paragraphs[at]))
    shorter = "\n".join(paragraphs[:longest] + paragraphs[longest + 1 :])
    other = (seeds / "phone-call-breitbart.txt").read_text(encoding="utf-8")
    rows = [{"id": f"s{n}", "text": text, "source": f"site{n}"} for n, text in enumerate([spun, shorter, other])]
    whole, output = tmp_path / "whole", tmp_path / "out"
    job.clean([write(tmp_path / "all", "all.jsonl", rows)], whole, workers=1)
    job.clean([write(tmp_path / "first", "0.jsonl", rows[:2])], output, workers=1)
    job.clean([write(tmp_path / "second", "1.jsonl", rows[2:])], output, previous=output, workers=1)
    assert "near" in {relation for _, _, relation in grouped(whole)[2]}
    assert grouped(output) == grouped(whole)


def test_what_the_model_had_restored_is_taken_over(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seeds = Path(__file__).parents[1] / "seeds"
    texts = [path.read_text(encoding="utf-8") for path in sorted(seeds.glob("*.txt"))]
    rows = [{"id": f"s{n}", "text": text, "source": f"site{n}"} for n, text in enumerate(texts)]
    spun = next(n for n, path in enumerate(sorted(seeds.glob("*.txt"))) if "spun" in path.name)
    rows = [rows[spun], *rows[:spun], *rows[spun + 1 :]]
    whole, output = tmp_path / "whole", tmp_path / "out"
    job.clean([write(tmp_path / "all", "all.jsonl", rows)], whole, workers=1)
    job.clean([write(tmp_path / "first", "0.jsonl", rows[:2])], output, workers=1)

    def never(*_: object) -> None:
        raise AssertionError("the model read an article again")

    monkeypatch.setattr("dedupe.stages.despinning.SpinRepair.repair", never)
    job.clean([write(tmp_path / "second", "1.jsonl", rows[2:])], output, previous=output, workers=1)
    assert grouped(output) == grouped(whole)
    columns = ["article_id", "text", "n_edits", "spin_score"]
    made = [pq.read_table(folder / "corpus.parquet", columns=columns).sort_by("article_id") for folder in (whole, output)]
    assert made[0].to_pylist() == made[1].to_pylist()
    edits = [
        pq.read_table(folder / "edits.parquet").sort_by([("article_id", "ascending"), ("seq", "ascending")])
        for folder in (whole, output)
    ]
    assert edits[0].to_pylist() == edits[1].to_pylist()
    assert {"R400"} <= set(edits[0]["rule"].to_pylist())
    assert check_output(output) == []


class CutError(Exception):
    """Stand for whatever ends a run."""


def test_a_join_that_was_cut_short_knows_what_is_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # Every file a shard of its own, and the cut after some of them have given their first half away.
    monkeypatch.setattr("dedupe.read.planning.MOST_FILES", 1)
    rows, output = articles(), tmp_path / "out"
    job.clean([write(tmp_path / "first", "0.jsonl", rows[:40])], output, workers=1)
    for file, start in enumerate((20, 30, 40)):
        write(tmp_path / "again", f"{file}.jsonl", rows[start : start + 10])

    def cut(stage: str, done: int, total: int) -> None:
        if stage == "repair and sign" and done:
            raise CutError

    with pytest.raises(CutError):
        job.clean([tmp_path / "again"], output, previous=output, workers=1, progress=cut)
    summary = job.clean([tmp_path / "again"], output, previous=output, workers=1)
    assert (summary.known, summary.taken_over, summary.articles) == (20, 40, 50)
    assert summary.reused["read and repair"] == 30
    assert check_output(output) == []
