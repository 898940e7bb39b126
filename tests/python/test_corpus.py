"""A Corpus answers what people ask of it."""

import sys
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import dedupe
from dedupe.quantities import amount

Rows = list[dict[str, Any]]


def ids(corpus: dedupe.Corpus) -> dict[str, str]:
    return {row["input_id"]: row["article_id"] for row in corpus.articles().select("input_id", "article_id")}


def test_tables_are_those_of_the_output(corpus: dedupe.Corpus, output: Path) -> None:
    tables = {
        "canonical": corpus.canonical(),
        "corpus": corpus.articles(),
        "clusters": corpus.clusters(),
        "stories": corpus.stories(),
        "pairs": corpus.pairs(),
        "edits": corpus.edits(),
        "rejects": corpus.rejects(),
    }
    for name, table in tables.items():
        assert table.name == name
        written = pq.read_table(output / f"{name}.parquet")
        assert table.to_arrow().equals(written)
        assert len(table) == written.num_rows
        assert table.columns == tuple(written.column_names)
        assert list(table) == written.to_pylist()
        assert pa.table(table).equals(written)
        assert repr(table).startswith(f"<{name}: {amount(written.num_rows, 'row')}; ")
    assert len(corpus.rejects()) == corpus.counts["rejects"] == 1
    assert len(corpus.articles()) == corpus.counts["articles"] == 12


def test_opening_an_output_gives_what_the_run_gave(corpus: dedupe.Corpus, output: Path) -> None:
    opened = dedupe.Corpus.open(output)
    assert opened.summary is None
    assert corpus.summary
    assert corpus.summary.articles == opened.counts["articles"]
    assert opened.config == dedupe.Config() == corpus.config
    assert repr(opened) == repr(corpus) == f"<Corpus of 12 articles in 9 clusters, 1 reject, in {output}>"
    with pytest.raises(dedupe.DedupeError, match="holds no output"):
        dedupe.Corpus.open(output.parent / "nowhere")


def test_columns_are_chosen_in_the_order_given(corpus: dedupe.Corpus) -> None:
    table = corpus.articles().select("title", "article_id")
    assert table.columns == ("title", "article_id")
    assert list(table.head(1)[0]) == ["title", "article_id"]
    for frame in (table.to_arrow().column_names, pa.table(table).column_names, next(table.batches(2)).schema.names):
        assert list(frame) == ["title", "article_id"]
    assert [len(batch) for batch in table.batches(5)] == [5, 5, 2]
    assert len(table.head(3)) == 3
    with pytest.raises(dedupe.DedupeError, match="A batch of 0 rows"):
        list(table.batches(0))
    with pytest.raises(dedupe.DedupeError, match="no column 'body'") as told:
        table.select("body")
    assert "title" in told.value.hint


def test_it_reads_into_pandas_polars_and_duckdb(corpus: dedupe.Corpus) -> None:
    pandas, polars, duckdb = (pytest.importorskip(name) for name in ("pandas", "polars", "duckdb"))
    expected = corpus.canonical().to_arrow()
    assert corpus.to_arrow().equals(expected)
    frame = corpus.to_pandas()
    assert isinstance(frame, pandas.DataFrame)
    assert frame["article_id"].tolist() == expected["article_id"].to_pylist()
    assert str(frame["published_at"].dtype) == "datetime64[us, UTC]"
    assert corpus.to_polars()["article_id"].to_list() == expected["article_id"].to_pylist()
    assert polars.DataFrame(corpus.canonical()).equals(corpus.to_polars())
    assert corpus.to_duckdb("corpus").filter("relation = 'exact'").count("*").fetchall() == [(1,)]
    connection = duckdb.connect()
    columns = corpus.articles().select("title", "article_id").to_duckdb(connection)
    assert columns.columns == ["title", "article_id"]
    assert len(columns.fetchall()) == 12
    assert corpus.to_pandas("pairs").shape[0] == len(corpus.pairs())


@pytest.mark.parametrize("name", ["pandas", "polars", "duckdb"])
def test_a_missing_library_is_named_with_its_command(name: str, corpus: dedupe.Corpus, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, name, None)
    with pytest.raises(dedupe.DedupeError, match=f"{name} is not installed") as told:
        getattr(corpus, f"to_{name}")()
    assert told.value.hint == f"Install it with: pip install {name}"


def test_an_unknown_table_is_told(corpus: dedupe.Corpus) -> None:
    with pytest.raises(dedupe.DedupeError, match="no table 'texts'") as told:
        corpus.table("texts")  # type: ignore[arg-type]
    assert "canonical" in told.value.hint


def test_weakest_pairs_come_first(corpus: dedupe.Corpus) -> None:
    pairs = corpus.weakest_pairs()
    assert [pair.strength for pair in pairs] == sorted(pair.strength for pair in pairs)
    assert {pair.relation for pair in pairs} <= {"exact", "near", "contained", "spun"}
    known = {identity: name for name, identity in ids(corpus).items()}
    assert {known[pairs[0].a_id], known[pairs[0].b_id]} == {"near", "cut"}
    assert {known[pairs[-1].a_id], known[pairs[-1].b_id]} == {"n1", "same"}
    assert pairs[-1].strength == 1
    assert corpus.weakest_pairs(1) == pairs[:1]
    assert corpus.weakest_pairs(0) == []
    first = corpus.article(pairs[0].a_id)
    assert (pairs[0].a_text, pairs[0].a_title) == (first["text"], first["title"])
    assert repr(pairs[0]).startswith(f"<{pairs[0].relation} {pairs[0].strength:.2f}: {pairs[0].a_id[:12]} ")


def test_a_cluster_is_found_by_its_id_or_by_a_member(corpus: dedupe.Corpus) -> None:
    known = ids(corpus)
    cluster = corpus.cluster(known["near"])
    assert cluster.size == len(cluster.members) == 3
    assert {row["article_id"] for row in cluster.members} == {known["n0"], known["near"], known["cut"]}
    assert cluster.members[0]["article_id"] == cluster.canonical_id
    assert [row["similarity"] for row in cluster.members] == sorted((r["similarity"] for r in cluster.members), reverse=True)
    assert cluster.weakest_similarity == cluster.members[-1]["similarity"]
    assert cluster.why_canonical
    assert corpus.cluster(cluster.cluster_id) == corpus.cluster(cluster.cluster_id[:12]) == cluster
    assert repr(cluster).startswith(f"<cluster {cluster.cluster_id}: 3 articles, canonical ")
    for identity in ("nothing", ""):
        with pytest.raises(dedupe.DedupeError, match=r"No article|is empty"):
            corpus.cluster(identity)
    shared = {row["cluster_id"][:1] for row in corpus.clusters()}
    with pytest.raises(dedupe.DedupeError, match="clusters have an ID"):
        corpus.cluster(shared.pop())


def test_it_explains_articles_and_pairs(corpus: dedupe.Corpus) -> None:
    known = ids(corpus)
    scraped = corpus.explain(known["scraped"])
    assert "comment-prompts" in str(scraped)
    assert {repair["rule"] for repair in scraped.facts["repairs"]} == {"R005", "R102"}
    assert "\x1b" not in str(scraped)
    assert "in cluster" in str(scraped)
    copy = next(name for name in ("n0", "near", "cut") if known[name] != corpus.cluster(known["n0"]).canonical_id)
    assert "to it, Jaccard" in str(corpus.explain(known[copy][:16]))
    pair = corpus.explain(known["n0"], known["near"])
    assert pair.sentences[0] == "together"
    assert pair.facts["relation"] in str(pair)
    assert repr(pair) == "<together>"
    assert str(corpus.explain(known["n0"], known["n5"])).startswith("not together\nno edge")


def test_new_articles_are_matched_without_a_run(corpus: dedupe.Corpus, rows: Rows) -> None:
    known = ids(corpus)
    new = pa.table({"body": [rows[5]["body"] + " And one word more.", "Something else entirely stands here.", None]})
    copy, other, rejected = corpus.match(new)
    assert (copy["matches"][0]["relation"], copy["matches"][0]["article_id"]) == ("near", known["n5"])
    assert (copy["source"], copy["record"], other["matches"]) == ("table.arrow", 1, [])
    assert "rejected" in rejected


def test_the_original_comes_back(corpus: dedupe.Corpus, rows: Rows) -> None:
    known = ids(corpus)
    for row in rows:
        if row["body"]:
            assert corpus.original(known[row["id"]]) == row["body"]
    assert corpus.article(known["scraped"][:16])["n_edits"] == 2
