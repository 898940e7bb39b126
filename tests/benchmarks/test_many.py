"""What must hold for 100,000 articles as for a few: nothing but the articles decides, and IDs last when more of them come."""

import json
import random
from collections import Counter, defaultdict
from pathlib import Path
from typing import NamedTuple

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from benchmarks.corpus import Article
from benchmarks.short import short_articles
from dedupe import job
from dedupe.read import planning

SEED = 20260101
SORTED_BY = {
    "corpus": ["article_id"],
    "canonical": ["article_id"],
    "pairs": ["a_id", "b_id"],
    "clusters": ["cluster_id"],
    "stories": ["story_id"],
    "edits": ["article_id", "seq"],
    "residue": ["publisher", "line_hash"],
}


class First(NamedTuple):
    """The articles of a first run, those that come later, and the output of the first run."""

    articles: list[Article]
    later: list[Article]
    output: Path


def write_files(folder: Path, articles: list[Article], files: int) -> Path:
    folder.mkdir()
    for number in range(files):
        lines = (json.dumps(article) + "\n" for article in articles[number::files])
        (folder / f"{number}.jsonl").write_text("".join(lines), encoding="utf-8")
    return folder


def read_table(output: Path, name: str) -> pa.Table:
    table = pq.read_table(output / f"{name}.parquet")
    # Where an article stands in the input is not the same in two orders; all else is.
    return table.drop_columns([column for column in ("source", "record") if column in table.column_names])


@pytest.fixture(scope="module", params=[1_500, pytest.param(100_000, marks=pytest.mark.slow)])
def first(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> First:
    count = int(request.param)
    folder = tmp_path_factory.mktemp("many")
    articles = list(short_articles(count + count // 10, SEED))
    job.clean([write_files(folder / "in", articles[:count], 5)], folder / "out", workers=2)
    return First(articles[:count], articles[count:], folder / "out")


def test_the_corpus_holds_every_relation_and_stories(first: First) -> None:
    found = Counter(pq.read_table(first.output / "pairs.parquet", columns=["relation"])["relation"].to_pylist())
    assert {"exact", "near", "contained", "part_of", "update", "story"} <= set(found)
    sizes = pq.read_table(first.output / "stories.parquet", columns=["size"])["size"].to_pylist()
    assert max(sizes) > 2
    assert sum(sizes) > len(first.articles) // 50


def test_another_order_other_files_workers_and_batches_change_nothing(
    first: First, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shuffled = random.Random(3).sample(first.articles, len(first.articles))
    monkeypatch.setattr("dedupe.read.rows.BATCH_ROWS", 371)
    part = 11 * sum(len(article["text"]) for article in shuffled) // 70
    monkeypatch.setattr("dedupe.job.plan_input", lambda paths, config, spool: planning.plan(paths, config, part, spool))
    job.clean([write_files(tmp_path / "in", shuffled, 2)], tmp_path / "out", workers=1)
    for name, keys in SORTED_BY.items():
        one, other = (
            read_table(output, name).sort_by([(key, "ascending") for key in keys]) for output in (first.output, tmp_path / "out")
        )
        assert one.num_rows == other.num_rows, name
        for column in one.column_names:
            if not one[column].equals(other[column]):
                different = [at for at, (a, b) in enumerate(zip(one[column], other[column], strict=True)) if a != b]
                pytest.fail(
                    f"{name}.{column}: {len(different)} rows differ, {[(one.slice(at, 1).to_pylist(), other.slice(at, 1).to_pylist()) for at in different[:2]]}"
                )


def groups(output: Path, kind: str) -> dict[str, frozenset[str]]:
    """The members of each cluster or story."""
    members = defaultdict(set)
    table = pq.read_table(output / "corpus.parquet", columns=["article_id", f"{kind}_id"])
    for article, group in zip(*(column.to_pylist() for column in table.columns), strict=True):
        members[group].add(article)
    members.pop(None, None)
    return {group: frozenset(articles) for group, articles in members.items()}


def test_when_a_tenth_more_comes_ids_last_and_the_map_tells_the_rest(first: First, tmp_path: Path) -> None:
    folder = write_files(tmp_path / "in", first.articles + first.later, 3)
    job.clean([folder], tmp_path / "out", workers=2, previous=first.output)
    told = pq.read_table(tmp_path / "out" / "id_map.parquet").to_pylist()
    changes: set[str] = set()
    for kind in ("cluster", "story"):
        old, new = groups(first.output, kind), groups(tmp_path / "out", kind)
        name_of = {members: name for name, members in new.items()}
        kept = [name for name, members in old.items() if members in name_of]
        assert len(kept) > len(old) * 0.8
        assert all(name_of[old[name]] == name for name in kept)
        group_of = {article: name for name, members in new.items() for article in members}
        shared = Counter((was, group_of[one]) for was, members in old.items() for one in members if one in group_of)
        heirs, sources = Counter(was for was, _ in shared), Counter(now for _, now in shared)
        expected = {(was, None, "gone", 0) for was in old if was not in heirs}
        expected |= {(None, now, "new", 0) for now in new if now not in sources}
        for (was, now), count in shared.items():
            if sources[now] > 1:
                change = "merged"
            elif heirs[was] > 1:
                change = "split"
            elif old[was] == new[now]:
                change = "kept"
            else:
                change = "grew" if len(new[now]) > len(old[was]) else "shrank"
            expected.add((was, now, change, count))
        rows = [(row["old_id"], row["new_id"], row["change"], row["shared"]) for row in told if row["kind"] == kind]
        assert len(rows) == len(expected)
        assert set(rows) == expected
        changes |= {change for _, _, change, _ in expected}
        # An ID that goes on stands for a group with members of the old one; one that was given up is used by nobody else.
        assert all((name, name) in shared for name in new if name in old)
    assert {"kept", "grew", "new"} <= changes
