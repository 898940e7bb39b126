import json
import random
import re
import shutil
from collections.abc import Callable
from itertools import permutations
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from click.testing import Result

from dedupe import Config, job

Dedupe = Callable[..., Result]


def words(seed: int, count: int = 150) -> list[str]:
    rng = random.Random(seed)
    return [f"{rng.choice('abcdefgh')}{rng.choice('aeiou')}{rng.randrange(500)}" for _ in range(count)]


@pytest.fixture(scope="module")
def output(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An original, a copy with a few other words, one that is half another text, and a stranger with residue."""
    folder = tmp_path_factory.mktemp("explain")
    base = words(1)
    copy = [*base[:40], "changed", *base[41:]]
    half = [*base[:70], *words(2, 80)]
    rows = [
        {"id": "base", "text": " ".join(base), "date": "2024-01-01"},
        {"id": "copy", "text": " ".join(copy), "date": "2024-01-02"},
        {"id": "half", "text": " ".join(half), "date": "2024-01-03"},
        {"id": "other", "text": " ".join(words(3)) + ".\n\nLeave a Comment", "date": "2024-01-04", "title": "A <b>title</b>"},
    ]
    (folder / "in.jsonl").write_text("\n".join(map(json.dumps, rows)))
    job.clean([folder / "in.jsonl"], folder / "out", workers=1)
    return folder / "out"


def ids(output: Path) -> dict[str, str]:
    table = pq.read_table(output / "corpus.parquet", columns=["input_id", "article_id"])
    return dict(zip(*(column.to_pylist() for column in table.columns), strict=True))


def test_explain_tells_repairs_cluster_and_edge(dedupe: Dedupe, output: Path) -> None:
    known = ids(output)
    text = dedupe("explain", known["other"][:10], "-o", output).stdout
    assert "comment-prompts" in text
    assert "Leave a Comment" in text
    told: dict[str, Any] = json.loads(dedupe("explain", known["copy"], "-o", output, "--json").stdout)
    assert told["cluster"]["canonical_id"] == known["base"]
    assert told["cluster"]["why_canonical"] == "it was published earlier"
    assert told["cluster"]["edge"]["relation"] == "near"
    assert told["cluster"]["size"] == 2


def test_explain_two_says_why_they_are_together_or_not(dedupe: Dedupe, output: Path) -> None:
    known = ids(output)
    together = dedupe("explain", known["base"], known["copy"], "-o", output).stdout
    assert re.match(r"together\nnear, Jaccard 0\.9\d: \d+ of \d+ shingles shared", together)
    apart = json.loads(dedupe("explain", known["base"], known["half"], "-o", output, "--json").stdout)
    a, b = (
        {tuple(words(1)[n : n + 3]) for n in range(148)},
        {tuple([*words(1)[:70], *words(2, 80)][n : n + 3]) for n in range(148)},
    )
    assert apart["jaccard"] == pytest.approx(len(a & b) / len(a | b), abs=1e-4)
    assert not apart["together"]
    assert f"Jaccard {apart['jaccard']:.2f} under 0.5" in apart["reason"]
    assert re.search(r"the bands propose [0-9.]+% of the pairs at this similarity", apart["reason"])
    held = len(a & b) / min(len(a), len(b))
    assert f"the longer one holds {held:.2f} of the shorter, under 0.8" in apart["reason"]


def test_explain_says_what_keeps_two_apart(dedupe: Dedupe, seeds: Path, tmp_path: Path) -> None:
    text = (seeds / "invitation-invezz.txt").read_text(encoding="utf-8")
    assert "April 14" in text
    (tmp_path / "update.txt").write_text(text.replace("April 14", "April 15"), encoding="utf-8")
    job.clean([seeds, tmp_path / "update.txt"], tmp_path / "out", workers=1)
    table = pq.read_table(tmp_path / "out" / "corpus.parquet", columns=["source", "article_id"])
    known = dict(zip(*(column.to_pylist() for column in table.columns), strict=True))

    def told(one: str, other: str) -> dict[str, Any]:
        pair: dict[str, Any] = json.loads(dedupe("explain", known[one], known[other], "-o", tmp_path / "out", "--json").stdout)
        return pair

    update = told("invitation-invezz.txt", "update.txt")
    assert (update["relation"], update["together"], update["same_story"]) == ("update", False, True)
    assert "that keeps them in different clusters" in update["reason"]
    story = told("invitation-invezz.txt", "invitation-crypto-news.txt")
    assert (story["relation"], story["together"], story["same_story"]) == ("story", False, True)
    assert "closer to another canonical" not in story["reason"]
    assert f"no copy: Jaccard {story['jaccard']:.2f} under 0.5; they share" in story["reason"]
    stranger = told("invitation-invezz.txt", "phone-call-breitbart.txt")
    assert (stranger["relation"], stranger["same_story"]) == (None, False)
    shown = dedupe("explain", known["invitation-invezz.txt"], "-o", tmp_path / "out").stdout
    assert re.search(r"^story     s\w+, 5 articles$", shown, re.M)


def pair_told(dedupe: Dedupe, output: Path, one: str, other: str) -> dict[str, Any]:
    known = ids(output)
    told: dict[str, Any] = json.loads(dedupe("explain", known[one], known[other], "-o", output, "--json").stdout)
    return told


def cleaned(folder: Path, texts: dict[str, str], config: Config) -> Path:
    rows = [{"id": name, "text": text, "date": f"2024-01-{1 + at % 28:02}"} for at, (name, text) in enumerate(texts.items())]
    (folder / "in.jsonl").write_text("\n".join(map(json.dumps, rows)))
    job.clean([folder / "in.jsonl"], folder / "out", config, workers=1)
    return folder / "out"


def edges_of(output: Path) -> set[tuple[str, str]]:
    known = {identity: name for name, identity in ids(output).items()}
    pairs = pq.read_table(output / "pairs.parquet", columns=["a_id", "b_id"]).to_pylist()
    return {pair for row in pairs for pair in permutations((known[row["a_id"]], known[row["b_id"]]))}


def test_explain_says_that_two_were_never_a_candidate(dedupe: Dedupe, tmp_path: Path) -> None:
    texts = {}
    for number in range(12):
        base = words(100 + number, 3000)
        texts |= {f"{number}-a": " ".join(base), f"{number}-b": " ".join([*base[:2010], *words(200 + number, 980)])}
    out = cleaned(tmp_path, texts, Config(recall=0.5, stories=False))
    edges = edges_of(out)
    missed = next(number for number in range(12) if (f"{number}-a", f"{number}-b") not in edges)
    told = pair_told(dedupe, out, f"{missed}-a", f"{missed}-b")
    assert told["jaccard"] >= 0.5
    assert not told["together"]
    said = re.search(r"never a candidate: no band .*, as happens to (\d+\.\d+)% of the pairs", told["reason"])
    assert said, told["reason"]
    assert 20 < float(said[1]) < 50
    shutil.rmtree(out / "index")
    assert "or met in a bucket too large" in pair_told(dedupe, out, f"{missed}-a", f"{missed}-b")["reason"]


def test_explain_says_that_a_bucket_was_too_large_for_all_pairs(dedupe: Dedupe, tmp_path: Path) -> None:
    base = words(300)
    texts = {}
    for number in range(150):
        at = 5 + number % 140
        texts[f"{number}"] = " ".join([*base[:at], f"other{number}", *base[at + 1 :]])
    out = cleaned(tmp_path, texts, Config(stories=False))
    edges = edges_of(out)
    one, other = next(pair for pair in permutations(texts, 2) if pair not in edges)
    told = pair_told(dedupe, out, one, other)
    assert told["together"]
    assert "they met in a bucket of more than 64 articles" in told["reason"]
    assert "by their edges to its canonical" in told["reason"]


def test_explain_names_the_member_that_keeps_an_article_out(dedupe: Dedupe, tmp_path: Path) -> None:
    base = words(400)
    first, last = " ".join(base[:80]) + ". ", " " + " ".join(base[80:]) + "."
    texts = {
        "none": first + last,
        "twelve": first + "The police said 12 people were hurt there." + last,
        "fifteen": first + "The police said 15 people were hurt there." + last,
    }
    out = cleaned(tmp_path, texts, Config())
    assert pair_told(dedupe, out, "twelve", "fifteen")["relation"] == "update"
    apart = [pair_told(dedupe, out, "none", name) for name in ("twelve", "fifteen")]
    [out_of_it] = [pair for pair in apart if not pair["together"]]
    assert out_of_it["relation"] == "near"
    assert re.search(
        r"stays out of the other's cluster because of its member \w{12}: update, '1[25]' against", out_of_it["reason"]
    )


@pytest.mark.parametrize(
    ("given", "sentence"), [(["ffff" * 8], "No article"), ([""], "The ID is empty"), (["a", "b", "c"], "3 IDs")]
)
def test_explain_wrong_ids(dedupe: Dedupe, output: Path, given: list[str], sentence: str) -> None:
    result = dedupe("explain", *given, "-o", output)
    assert result.exit_code == 2
    assert sentence in result.stderr


def test_match_tells_what_new_articles_are(dedupe: Dedupe, output: Path, tmp_path: Path) -> None:
    base = words(1)
    rows = [
        {"text": " ".join(base).upper()},
        {"text": " ".join([*base[:100], "one", "word", *base[102:]])},
        {"text": " ".join(words(9))},
        {"text": ""},
        {"text": "!!!"},
    ]
    (tmp_path / "new.jsonl").write_text("\n".join(map(json.dumps, rows)))
    before = {path.name: path.stat().st_mtime_ns for path in output.iterdir()}
    results = json.loads(dedupe("match", tmp_path / "new.jsonl", "--in", output, "--json").stdout)
    assert [[match["relation"] for match in result["matches"]] for result in results[:3]] == [
        ["exact", "near"],
        ["near", "near"],
        [],
    ]
    assert results[0]["matches"][0]["article_id"] == ids(output)["base"]
    assert sum("rejected" in result for result in results) == 1
    assert {path.name: path.stat().st_mtime_ns for path in output.iterdir()} == before
    shown = dedupe("match", tmp_path / "new.jsonl", "--in", output).stdout
    assert "new: nothing" in shown


def test_match_tells_an_update_from_a_copy_and_keeps_to_the_settings(dedupe: Dedupe, seeds: Path, tmp_path: Path) -> None:
    text = (seeds / "invitation-invezz.txt").read_text(encoding="utf-8")
    (tmp_path / "update.txt").write_text(text.replace("April 14", "April 15"), encoding="utf-8")
    (tmp_path / "copy.txt").write_text(text.replace("crackdown", "clampdown"), encoding="utf-8")
    (tmp_path / "equal.txt").write_text(text, encoding="utf-8")
    files = [tmp_path / f"{name}.txt" for name in ("update", "copy", "equal")]
    job.clean([seeds], tmp_path / "out", workers=1)
    results = json.loads(dedupe("match", *files, "--in", tmp_path / "out", "--json").stdout)
    told = {result["source"]: [match["relation"] for match in result["matches"]] for result in results}
    assert told == {"update.txt": ["update"], "copy.txt": ["near"], "equal.txt": ["exact"]}
    update = next(result["matches"][0] for result in results if result["source"] == "update.txt")
    assert update["evidence"].startswith("'15' against '14'; ")
    job.clean([seeds], tmp_path / "exact", Config(exact_only=True), workers=1)
    results = json.loads(dedupe("match", *files, "--in", tmp_path / "exact", "--json").stdout)
    assert {result["source"]: result["n_matches"] for result in results} == {"update.txt": 0, "copy.txt": 0, "equal.txt": 1}


def test_a_damaged_index_is_refused_with_what_to_do(dedupe: Dedupe, output: Path, tmp_path: Path) -> None:
    shutil.copytree(output, tmp_path / "out")
    (tmp_path / "out" / "index" / "signatures.npy").write_bytes(b"no array")
    result = dedupe("match", __file__.replace(".py", ".txt"), "--in", tmp_path / "out")
    assert result.exit_code == 3
    assert "dedupe clean" in result.stderr


def test_diff_names_what_changed_and_exits_1(dedupe: Dedupe, seeds: Path, tmp_path: Path) -> None:
    job.clean([seeds], tmp_path / "a", workers=1)
    job.clean([seeds], tmp_path / "b", workers=1)
    same = dedupe("diff", tmp_path / "a", tmp_path / "b")
    assert same.exit_code == 0
    assert "hold the same articles" in same.stdout
    (tmp_path / "more.txt").write_text("One more article, of another kind.")
    job.clean([seeds, tmp_path / "more.txt"], tmp_path / "b", workers=1)
    changed = dedupe("diff", tmp_path / "a", tmp_path / "b", "--json")
    assert changed.exit_code == 1
    assert json.loads(changed.stdout)["changes"]["articles added"]["count"] == 1
    added = dedupe("diff", tmp_path / "a", tmp_path / "b").stdout
    removed = dedupe("diff", tmp_path / "b", tmp_path / "a").stdout
    for shown in (added, removed):
        article = json.loads(changed.stdout)["changes"]["articles added"]["examples"][0]["article_id"]
        assert f"next: dedupe explain {article[:12]} -o {tmp_path / 'b'}" in shown
    assert "and 3 more" not in added
    job.clean([seeds], tmp_path / "c", Config(threshold=0.7), workers=1)
    assert json.loads(dedupe("diff", tmp_path / "a", tmp_path / "c", "--json").stdout)["settings"] == {"threshold": [0.5, 0.7]}
    plain = dedupe("diff", tmp_path / "a", tmp_path / "c")
    assert plain.exit_code == 1
    assert plain.stdout == "setting threshold: 0.5 → 0.7\nThe articles, texts and clusters are the same.\n"
    (tmp_path / "none").mkdir()
    (tmp_path / "none" / "one.txt").write_text("One article, of another kind.")
    job.clean([tmp_path / "none"], tmp_path / "d", workers=1)
    assert "articles removed: 5" in (emptied := dedupe("diff", tmp_path / "a", tmp_path / "d").stdout)
    assert "and 2 more" in emptied


def test_diff_sees_a_cluster_that_was_regrouped(dedupe: Dedupe, tmp_path: Path) -> None:
    texts = [" ".join(words(5)), " ".join([*words(5)[:100], "x", "y", "z", *words(5)[103:]])]
    (tmp_path / "in.jsonl").write_text("\n".join(json.dumps({"text": text, "id": n}) for n, text in enumerate(texts)))
    job.clean([tmp_path / "in.jsonl"], tmp_path / "a", workers=1)
    job.clean([tmp_path / "in.jsonl"], tmp_path / "b", Config(exact_only=True), workers=1)
    found = json.loads(dedupe("diff", tmp_path / "a", tmp_path / "b", "--json").stdout)
    assert found["changes"]["articles whose companions changed"]["count"] == 2
