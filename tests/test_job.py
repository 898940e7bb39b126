import json
import os
import random
import re
import shutil
from pathlib import Path

import pyarrow.parquet as pq
import pytest

import dedupe
from dedupe import job
from dedupe.read import planning

WORDS = [f"{a}{b}" for a in ("ka", "lo", "mi", "ne", "su", "ta", "ve", "zo") for b in ("r", "nt", "sk", "lle", "ma", "dor")]


def article(rng: random.Random, words: int = 120) -> str:
    return " ".join(rng.choice(WORDS) + str(rng.randrange(40)) for _ in range(words)).capitalize() + "."


def write_corpus(folder: Path, names: list[str]) -> None:
    """The same articles under the same names, whatever the order in which the files are made."""
    folder.mkdir()
    contents: dict[str, str] = {}
    rng = random.Random(5)
    base = [article(rng) for _ in range(60)]
    for n, text in enumerate(base):
        contents[f"a{n:02}.txt"] = text
    contents["z.txt"] = base[3]
    rows = [{"text": t.replace("kar", "other"), "title": f"T{n}", "site": "Site"} for n, t in enumerate(base[:20])]
    rows += [
        {"text": article(rng) + "\n\nRead all about it in our shop window today", "site": "Site", "url": f"http://s.com/{n}"}
        for n in range(25)
    ]
    contents["b.jsonl"] = "\n".join(map(json.dumps, rows)) + "\nnot json\n" + json.dumps({"text": ""}) + "\n"
    for name in sorted(contents, key=lambda name: names.index(name) if name in names else -1):
        (folder / name).write_text(contents[name], encoding="utf-8")


def snapshot(output: Path) -> dict[str, bytes]:
    files = {path.name: path.read_bytes() for path in output.iterdir() if path.is_file() and path.name != "manifest.json"}
    manifest = json.loads((output / "manifest.json").read_text())
    del manifest["run"]
    files["manifest.json"] = json.dumps(manifest).encode()
    files["report.html"] = re.sub(rb'<section id="run">.*?</section>', b"", files["report.html"], flags=re.S)
    return files


def test_same_input_same_bytes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_corpus(tmp_path / "one", [])
    names = [path.name for path in (tmp_path / "one").iterdir()]
    write_corpus(tmp_path / "two", sorted(names, reverse=True))
    job.clean([tmp_path / "one"], tmp_path / "out1", workers=1)
    expected = snapshot(tmp_path / "out1")
    assert len(expected) >= 11
    job.clean([tmp_path / "two"], tmp_path / "out2", workers=2)
    assert snapshot(tmp_path / "out2") == expected
    # Other cuts of the input, and other batches.
    monkeypatch.setattr("dedupe.read.rows.BATCH_ROWS", 7)
    monkeypatch.setattr("dedupe.job.plan_input", lambda paths, config, spool: planning.plan(paths, config, 3_000, spool))
    job.clean([tmp_path / "two"], tmp_path / "out3", workers=1)
    assert snapshot(tmp_path / "out3") == expected


def test_ids_survive_moving_the_folder_and_a_second_run(tmp_path: Path) -> None:
    write_corpus(tmp_path / "in", [])
    job.clean([tmp_path / "in"], tmp_path / "out")
    first = pq.read_table(tmp_path / "out" / "corpus.parquet", columns=["article_id", "cluster_id"])
    shutil.move(tmp_path / "in", tmp_path / "elsewhere")
    job.clean([tmp_path / "elsewhere"], tmp_path / "out")
    assert pq.read_table(tmp_path / "out" / "corpus.parquet", columns=["article_id", "cluster_id"]) == first
    assert set(pq.read_table(tmp_path / "out" / "id_map.parquet")["change"].to_pylist()) == {"kept"}


def test_clusters_hold_what_they_should(tmp_path: Path) -> None:
    write_corpus(tmp_path / "in", [])
    summary = job.clean([tmp_path / "in"], tmp_path / "out")
    assert summary.records == summary.articles + sum(summary.rejects.values()) == 108
    assert summary.rejects == {"empty": 1, "malformed": 1}
    corpus = {(row["source"], row["record"]): row for row in pq.read_table(tmp_path / "out" / "corpus.parquet").to_pylist()}
    assert corpus["z.txt", 1]["cluster_id"] == corpus["a03.txt", 1]["cluster_id"]
    assert {corpus["z.txt", 1]["relation"], corpus["a03.txt", 1]["relation"]} <= {"exact", "near", "canonical"}
    for n in range(20):
        assert corpus["b.jsonl", n + 1]["cluster_id"] == corpus[f"a{n:02}.txt", 1]["cluster_id"]
    for row in corpus.values():
        assert row["relation"] == "canonical" or row["similarity"] >= 0.5


def test_exact_only_matches_equal_texts_only(tmp_path: Path) -> None:
    write_corpus(tmp_path / "in", [])
    summary = job.clean([tmp_path / "in"], tmp_path / "out", dedupe.Config(exact_only=True, clean=False))
    texts = pq.read_table(tmp_path / "out" / "corpus.parquet")["text"].to_pylist()
    assert set(summary.edges) == {"exact"}
    assert summary.duplicates == len(texts) - len({text.casefold() for text in texts}) > 0


def test_a_previous_output_gives_its_ids_to_a_run_elsewhere(tmp_path: Path) -> None:
    write_corpus(tmp_path / "in", [])
    job.clean([tmp_path / "in"], tmp_path / "old")
    (tmp_path / "in" / "a50.txt").unlink()
    job.clean([tmp_path / "in"], tmp_path / "new", previous=tmp_path / "old")
    changes = pq.read_table(tmp_path / "new" / "id_map.parquet")["change"].to_pylist()
    assert changes.count("gone") == 1
    assert set(changes) == {"gone", "kept"}


def test_empty_and_tiny_inputs(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "blank.txt").write_text("  \n")
    summary = job.clean([tmp_path / "in"], tmp_path / "out")
    assert (summary.articles, summary.records) == (0, 1)
    (tmp_path / "in" / "a.txt").write_text("!!!")
    (tmp_path / "in" / "b.txt").write_text("Goal!")
    (tmp_path / "in" / "c.txt").write_text("goal")
    summary = job.clean([tmp_path / "in"], tmp_path / "out")
    assert (summary.articles, summary.duplicates) == (3, 1)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_read_only_output_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("Some text of an article.")
    (tmp_path / "out").mkdir(mode=0o500)
    with pytest.raises(dedupe.DedupeError, match="cannot be written"):
        job.clean([tmp_path / "a.txt"], tmp_path / "out")


def test_two_outputs_cannot_be_confused_with_input(tmp_path: Path) -> None:
    write_corpus(tmp_path / "in", [])
    job.clean([tmp_path / "in"], tmp_path / "in" / "output")
    again = job.clean([tmp_path / "in"], tmp_path / "in" / "output")
    assert again.records == 108
