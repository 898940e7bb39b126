import json
import random
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from click.testing import Result

from benchmarks.corpus import vocabulary
from benchmarks.relations import pair_key, read_output
from benchmarks.rewrites import Made, make
from benchmarks.templates import Prose
from dedupe import job
from dedupe.corpus.lookup import Lookup, match_files
from dedupe.corpus.output import Output
from dedupe.read import plan

Dedupe = Callable[..., Result]


@pytest.fixture(scope="module")
def made() -> Made:
    rng = random.Random(7)
    prose = Prose(vocabulary("en")[0], rng)
    return make((prose.article(300) for _ in iter(int, 1)), 2, 7)


def write(path: Path, articles: dict[str, str]) -> Path:
    path.write_text("".join(json.dumps({"id": name, "text": text}) + "\n" for name, text in articles.items()))
    return path


def test_it_tells_what_a_run_over_both_would(dedupe: Dedupe, made: Made, tmp_path: Path) -> None:
    job.clean([write(tmp_path / "all.jsonl", made.articles)], tmp_path / "all", workers=1)
    found, _ = read_output(tmp_path / "all")
    new = [other for _, _, other, _ in made.pairs if not other.startswith("digest")]
    # Of one digest a part is new, of the other the digest itself.
    new += ["digest-0-2", "digest-1"]
    known = {name: text for name, text in made.articles.items() if name not in new}
    job.clean([write(tmp_path / "known.jsonl", known)], tmp_path / "known", workers=1)
    rows = pq.read_table(tmp_path / "known" / "corpus.parquet", columns=["article_id", "input_id"]).to_pylist()
    names = {row["article_id"]: row["input_id"] for row in rows}
    write(tmp_path / "new.jsonl", {name: made.articles[name] for name in new})
    results = json.loads(dedupe("match", tmp_path / "new.jsonl", "--in", tmp_path / "known", "--json").stdout)
    told = {
        pair_key(name, names[match["article_id"]]): match["relation"]
        for name, result in zip(new, results, strict=True)
        for match in result["matches"]
    }
    expected = {
        pair: relation for pair, relation in found.items() if (pair[0] in new) != (pair[1] in new) and relation != "story"
    }
    assert set(expected.values()) == {"exact", "near", "contained", "part_of", "spun", "update"}
    assert told == expected


def test_it_says_which_of_two_is_the_longer_and_whether_one_is_a_digest(dedupe: Dedupe, made: Made, tmp_path: Path) -> None:
    text = made.articles["digest-0-0"]
    job.clean([write(tmp_path / "in.jsonl", {"whole": text, "other": made.articles["digest-0-1"]})], tmp_path / "out", workers=1)
    cut = " ".join(text.split()[:140])
    longer = text + "\n\n" + "\n\n".join(made.articles["digest-1-0"].split("\n\n")[1:])
    digest = text + "\n\n" + made.articles["digest-0-1"]
    stranger = made.articles["digest-1-1"]
    files = [tmp_path / f"{name}.txt" for name in ("cut", "longer", "digest", "stranger")]
    for file, content in zip(files, (cut, longer, digest, stranger), strict=True):
        file.write_text(content)
    results = json.loads(dedupe("match", *files, "--in", tmp_path / "out", "--json").stdout)
    told = {result["source"]: [(match["relation"], match["evidence"]) for match in result["matches"]] for result in results}
    assert [relation for relation, _ in told["cut.txt"]] == ["contained"]
    assert told["cut.txt"][0][1].endswith("the new article is the shorter one")
    assert [relation for relation, _ in told["longer.txt"]] == ["contained"]
    assert told["longer.txt"][0][1].endswith("the new article is the longer one")
    assert [relation for relation, _ in told["digest.txt"]] == ["part_of", "part_of"]
    assert told["stranger.txt"] == []


def test_it_names_the_story_of_what_a_new_article_is_like(dedupe: Dedupe, seeds: Path, tmp_path: Path) -> None:
    job.clean([seeds], tmp_path / "out", workers=1)
    text = (seeds / "invitation-invezz.txt").read_text(encoding="utf-8")
    (tmp_path / "new.txt").write_text(text.replace("April 14", "April 15"), encoding="utf-8")
    [result] = json.loads(dedupe("match", tmp_path / "new.txt", "--in", tmp_path / "out", "--json").stdout)
    story = result["matches"][0]["story_id"]
    assert story
    assert f"story {story}" in dedupe("match", tmp_path / "new.txt", "--in", tmp_path / "out").stdout


def test_it_shows_how_far_it_is_unless_it_is_quiet(
    dedupe: Dedupe, made: Made, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    job.clean([write(tmp_path / "in.jsonl", {"a": made.articles["digest-0-0"]})], tmp_path / "out", workers=1)
    new = write(tmp_path / "new.jsonl", {"b": made.articles["digest-0-1"], "c": made.articles["digest-0-0"]})
    told = dedupe("match", new, "--in", tmp_path / "out")
    assert (told.exit_code, told.stderr.splitlines()[-1]) == (0, "match: done")
    assert "match" not in dedupe("match", new, "--in", tmp_path / "out", "--quiet").stderr
    seen: list[tuple[str, int, int]] = []
    again = write(tmp_path / "again.jsonl", {"d": made.articles["digest-0-2"], "e": made.articles["digest-1-0"]})
    monkeypatch.setattr("dedupe.corpus.lookup.plan", partial(plan, part_bytes=5_000))
    match_files(Lookup(Output(tmp_path / "out")), [str(new), str(again)], lambda *at: seen.append(at))
    assert [done for _, done, _ in seen] == [1, 2, 3, 4]
    assert [done for _, done, total in seen if done == total] == [4], "done before the last was looked up"
