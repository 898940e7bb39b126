"""corpus.parquet and canonical.parquet written at once: each as if it were alone, whatever pages they share."""

from __future__ import annotations

import random
import tempfile
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from hashlib import sha256
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from dedupe.review.excerpts import Excerpts
from dedupe.schema import CORPUS
from dedupe.write import articles
from dedupe.write.articles import write_articles
from dedupe.write.footer import DATA_PAGE, META
from dedupe.write.pages import compress_pages, join_pages
from dedupe.write.parquet import COMPRESSION_LEVEL
from dedupe.write.splice import compress

Row = dict[str, object]
NAMES = "corpus", "canonical"


def rows(count: int, every: int = 7, seed: int = 1) -> list[Row]:
    chance = random.Random(seed)
    made: list[Row] = []
    for number in range(count):
        text = " ".join(f"{chance.random():.6f}" for _ in range(chance.randrange(40)))
        made.append(article(f"{seed}-{number:04}", text, number % every != 3))
    return made


def article(name: str, text: str, canonical: bool) -> Row:
    digest = sha256(text.encode()).hexdigest()
    return {"article_id": name, "text": text, "text_sha256": digest, "is_canonical": canonical, "credits": ["AP"], "n_words": 9}


def written(folder: Path, table: list[Row], joined: Path | None = None, size: int = 70, threads: int = 2) -> list[bytes]:
    folder.mkdir()
    batches = (
        batch for at in range(0, len(table), size) for batch in pa.Table.from_pylist(table[at : at + size], CORPUS).to_batches()
    )
    with ThreadPoolExecutor(threads) as pool:
        counts = write_articles(folder, batches, {"made": "for a test"}, pool, threads, joined)
    assert counts == {"corpus": len(table), "canonical": sum(bool(row["is_canonical"]) for row in table)}
    return [(folder / f"{name}.parquet").read_bytes() for name in NAMES]


@pytest.fixture(autouse=True)
def small_groups(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("dedupe.write.parquet.ROW_GROUP_BYTES", 60_000)
    monkeypatch.setattr(articles, "SHARED_PAGE_BYTES", 100)


def pages_of(file: Path, table: list[Row]) -> list[list[Row]]:
    excerpts = Excerpts(file)
    return [
        table[start + page.first : start + page.first + page.rows]
        for group, start in enumerate(excerpts.starts[:-1].tolist())
        for page in excerpts._pages(group, "text")[0]
    ]


@settings(deadline=None, max_examples=50)
@given(st.lists(st.booleans(), max_size=400), st.integers(1, 90), st.integers(1, 3), st.sampled_from([0, 100, 1_000, 100_000]))
def test_both_tables_hold_their_rows_group_by_group(flags: list[bool], size: int, threads: int, page_bytes: int) -> None:
    table = [row | {"is_canonical": flag} for row, flag in zip(rows(len(flags)), flags, strict=True)]
    with tempfile.TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch:
        patch.setattr(articles, "SHARED_PAGE_BYTES", page_bytes)
        made = written(Path(folder) / "one", table, size=size, threads=threads)
        assert made == written(Path(folder) / "other", table)
        whole, part = (pq.ParquetFile(Path(folder) / "one" / f"{name}.parquet") for name in NAMES)
        expected = pa.Table.from_pylist(table, CORPUS)
        assert whole.read().equals(expected)
        assert part.read().equals(expected.filter(expected["is_canonical"]))
        groups = [whole.read_row_group(number, ["article_id", "is_canonical"]) for number in range(whole.num_row_groups)]
        kept = [group.filter(group["is_canonical"])["article_id"].to_pylist() for group in groups]
        own = [part.read_row_group(number, ["article_id"])["article_id"].to_pylist() for number in range(part.num_row_groups)]
        assert [names for names in kept if names] == [names for names in own if names]


def test_pages_end_where_canonical_articles_do_and_are_shared(tmp_path: Path) -> None:
    table = rows(600)
    corpus, canonical = written(tmp_path / "out", table)
    pages = pages_of(tmp_path / "out" / "corpus.parquet", table)
    assert [row for page in pages for row in page] == table
    flags = [{row["is_canonical"] for row in page} for page in pages]
    excerpts = Excerpts(tmp_path / "out" / "corpus.parquet")
    places = [page for group in range(len(excerpts._groups)) for page in excerpts._pages(group, "text")[0]]
    assert len(flags) > 100
    for own, page in zip(flags, places, strict=True):
        assert own == {corpus[page.begin : page.end] in canonical}


def test_only_texts_lack_statistics(tmp_path: Path) -> None:
    written(tmp_path / "out", rows(200))
    for name in NAMES:
        with pq.ParquetFile(tmp_path / "out" / f"{name}.parquet") as file:
            chunks = [file.metadata.row_group(0).column(number) for number in range(len(CORPUS))]
        assert [chunk.path_in_schema for chunk in chunks if not chunk.is_stats_set] == ["text"]


def test_texts_that_are_null_are_written(tmp_path: Path) -> None:
    table = [row | {"text": None} if number % 9 == 0 else row for number, row in enumerate(rows(300))]
    written(tmp_path / "out", table)
    assert pq.read_table(tmp_path / "out" / "corpus.parquet").equals(pa.Table.from_pylist(table, CORPUS))


def test_short_pages_are_not_shared(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    table = rows(600)
    monkeypatch.setattr(articles, "SHARED_PAGE_BYTES", 100_000)
    written(tmp_path / "out", table)
    pages = pages_of(tmp_path / "out" / "corpus.parquet", table)
    assert all({row["is_canonical"] for row in page} == {True, False} for page in pages)


def with_flag(number: int, canonical: bool) -> Callable[[list[Row]], list[Row]]:
    return lambda table: [row | {"is_canonical": canonical} if at == number else row for at, row in enumerate(table)]


@pytest.mark.parametrize(
    "change",
    [
        lambda table: table,
        lambda table: table + rows(90, seed=2),
        with_flag(0, False),
        with_flag(3, True),
        with_flag(300, False),
        lambda table: [article("1-0005", "Another text.", True) if at == 5 else row for at, row in enumerate(table)],
        lambda table: table[:3] + table[4:],  # what is canonical stays, and is one page now
        lambda table: table[1:],
        lambda table: [row | {"cluster_size": 4} for row in table],
        lambda table: table[::-1],
        lambda table: table[:10],
        lambda table: [],
    ],
    ids=["same", "grown", "down", "up", "down-later", "text", "duplicate-gone", "first-gone", "column", "turned", "few", "none"],
)
def test_the_bytes_are_those_of_tables_made_anew(change: Callable[[list[Row]], list[Row]], tmp_path: Path) -> None:
    # The first two groups have no canonical article, so that those of the two tables are numbered apart.
    old = [row | {"is_canonical": False} for row in rows(130, seed=3)] + rows(400)
    written(tmp_path / "old", old)
    new = old[:130] + change(old[130:])
    anew = written(tmp_path / "anew", new)
    assert written(tmp_path / "new", new, joined=tmp_path / "old") == anew


def test_unchanged_texts_are_copied_and_not_compressed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    old = rows(400)
    written(tmp_path / "old", old)
    monkeypatch.setattr(articles, "_compress_texts", None)
    written(tmp_path / "new", [row | {"cluster_size": 4} for row in old], joined=tmp_path / "old")
    with pytest.raises(TypeError):
        written(tmp_path / "other", with_flag(0, False)(old), joined=tmp_path / "old")


@settings(deadline=None)
@given(st.lists(st.lists(st.text(max_size=80), max_size=9), min_size=1, max_size=9))
def test_a_page_is_that_of_arrows_own_writer(chunks: list[list[str]]) -> None:
    texts = pa.chunked_array(chunks, pa.string())
    assume(len(texts))
    (page,) = compress_pages(texts, [0, len(texts)], pa.Codec("zstd", COMPRESSION_LEVEL))
    own = join_pages("text", [page])
    theirs = compress(pa.table({"text": texts.combine_chunks()}), articles._OPTIONS)["text"]
    assert b"".join(own.data) == b"".join(theirs.data)
    assert own.told[META][1] | {DATA_PAGE: theirs.told[META][1][DATA_PAGE]} == theirs.told[META][1]
    assert {**own.told, META: None} == {**theirs.told, META: None}
