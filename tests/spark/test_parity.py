"""Every table of a run on Spark holds the rows and IDs of the same run on this machine."""

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

import dedupe
from dedupe import job, schema
from dedupe.corpus.output import Output
from dedupe.corpus.references import References, refusal_of
from dedupe.decisions.facts import Fact, accepted, cannot_link, canonical, must_link
from dedupe.decisions.store import Decisions
from dedupe.read import planning

pytestmark = pytest.mark.slow

TABLES = {
    "corpus": "article_id",
    "canonical": "article_id",
    "pairs": "a_id b_id",
    "clusters": "cluster_id",
    "stories": "story_id",
    "edits": "article_id seq",
    "rejects": "path record code",
    "residue": "publisher line_hash",
    "id_map": "kind old_id new_id",
}


def rows(table: pa.Table, name: str) -> list[dict[str, Any]]:
    return table.sort_by([(key, "ascending") for key in TABLES[name].split()]).to_pylist()


def same_tables(ours: Path, theirs: Path) -> None:
    for name in TABLES:
        one, other = (pq.read_table(folder / f"{name}.parquet") for folder in (ours, theirs))
        assert rows(one, name) == rows(other, name), name
        assert one.schema == other.schema
    # Articles may join an output of either engine.
    index = {path.relative_to(theirs) for path in (theirs / "index").rglob("*") if path.is_file()}
    assert len(index) == 8
    for part in index:
        one, other = (
            np.load(folder / part) if part.suffix == ".npy" else (folder / part).read_bytes() for folder in (ours, theirs)
        )
        assert np.array_equal(one, other), part


def same_summaries(ours: dedupe.Summary, theirs: dedupe.Summary) -> None:
    varying = {"output", "seconds", "timings", "columns"}  # columns are told of the first part of a file, which may hold fewer
    one, other = ({k: v for k, v in summary.as_dict().items() if k not in varying} for summary in (ours, theirs))
    assert one == other


@pytest.fixture(scope="module")
def local(news: Path) -> tuple[Path, dedupe.Summary]:
    summary = job.clean([news], news.parent / "local", workers=1)
    return news.parent / "local", summary


def test_every_table_is_that_of_the_local_engine(
    news: Path, local: tuple[Path, dedupe.Summary], session: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    from dedupe.spark import paths

    # Small shards and bins, so that what belongs together comes from several tasks.
    monkeypatch.setattr("dedupe.spark.deciding.BIN_WORDS", 20_000)
    monkeypatch.setattr(
        "dedupe.spark.paths.plan_input", lambda paths, config, spool: planning.plan(paths, config, 200_000, spool)
    )
    summary = paths.clean_paths([news], news.parent / "spark")
    same_tables(news.parent / "spark", local[0])
    same_summaries(summary, local[1])
    # What the comparison is worth: all of this was there to be got wrong.
    assert set(summary.edges) == {"exact", "near", "contained", "part_of", "spun", "update"}
    assert set(summary.rejects) == {"binary", "empty", "malformed"}
    assert summary.large_buckets
    assert summary.capped_hashes
    assert summary.stories
    assert summary.repeated_lines
    assert summary.rules["R401"]


def decide(output: Path) -> None:
    """Decide, as people at an output of `news` may: all kinds of decisions, on all kinds of articles, one of them against another."""
    table = pq.read_table(output / "corpus.parquet", columns=["article_id", "cluster_id", "relation", "title", "text", "url"])
    clusters: dict[str, list[dict[str, Any]]] = {}
    for row in sorted(table.to_pylist(), key=lambda row: str(row["article_id"])):
        clusters.setdefault(row["cluster_id"], []).append(row)
    ordered = sorted(clusters.values(), key=lambda members: (len(members), members[0]["article_id"]))
    moved = str(table.filter(pc.equal(table["url"], "https://example.org/100"))["article_id"][0].as_py())
    single = [members[0]["article_id"] for members in ordered if len(members) == 1 and members[0]["article_id"] != moved]
    pairs = [[row["article_id"] for row in members] for members in ordered if len(members) == 2]
    farm = [row["article_id"] for row in ordered[-1]]
    exact = next(members for members in ordered if len(members) > 2 and any(row["relation"] == "exact" for row in members))
    copy = next(row["article_id"] for row in exact if row["relation"] == "exact")
    edits = pq.read_table(output / "edits.parquet").to_pylist()
    corrected = next(edit for edit in edits if edit["rule"] == "R401")
    repeated = next(edit for edit in edits if edit["rule"].startswith("R2"))
    facts: list[tuple[str, Fact, str]] = [
        ("merge", must_link([single[0], single[5], pairs[0][0]]), "ann"),
        ("merge", must_link([pairs[0][1], single[9]]), "bob"),
        ("not_duplicates", cannot_link([[pairs[1][0]], [pairs[1][1]]]), "ann"),
        ("accept", accepted(pairs[2]), "ann"),
        ("not_duplicates", cannot_link([[pairs[2][0]], [pairs[2][1]]]), "bob"),
        ("split", cannot_link([[copy], [row["article_id"] for row in exact if row["article_id"] != copy]]), "bob"),
        ("split", cannot_link([farm[:5], farm[5:9]]), "ann"),
        ("make_canonical", canonical(farm[20], farm), "ann"),
        ("make_canonical", canonical(farm[30], farm), "bob"),
        ("undo_repair", refusal_of(Output(output), corrected["article_id"], corrected["seq"]), "ann"),
        ("undo_repair", refusal_of(Output(output), repeated["article_id"], repeated["seq"]), "ann"),
        ("merge", must_link([moved, single[12]]), "ann"),
    ]
    for act, fact, who in facts:
        references = References(Output(output)).of(fact.articles)
        Decisions.open(output).record(act, [fact], who=who, queue="doubt", articles=references)  # type: ignore[arg-type]


def test_decisions_and_what_an_output_hands_on_are_those_of_the_local_engine(
    news: Path, local: tuple[Path, dedupe.Summary], session: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from dedupe.spark import paths

    monkeypatch.setattr("dedupe.spark.deciding.BIN_WORDS", 20_000)
    monkeypatch.setattr(
        "dedupe.spark.paths.plan_input", lambda paths, config, spool: planning.plan(paths, config, 200_000, spool)
    )
    before = tmp_path / "before"
    shutil.copytree(local[0], before)
    decide(before)
    # An article that was decided about is corrected meanwhile, others are gone or new: IDs last, learned lines hold.
    shutil.copytree(news, tmp_path / "news")
    lines = (tmp_path / "news" / "news.jsonl").read_text(encoding="utf-8").splitlines()
    moved = next(at for at, line in enumerate(lines) if '"https://example.org/100"' in line)
    lines[moved] = lines[moved].replace(". ", " indeed. ", 1).replace(".\\n", " today.\\n", 1)
    (tmp_path / "news" / "news.jsonl").write_text("\n".join(lines[:-40]) + "\n", encoding="utf-8")
    (tmp_path / "news" / "late.jsonl").write_text(
        "\n".join(lines[30:34]).replace("Report", "Late report") + "\n", encoding="utf-8"
    )
    theirs = job.clean([tmp_path / "news"], tmp_path / "local", previous=before, workers=1)
    ours = paths.clean_paths([tmp_path / "news"], tmp_path / "spark", previous=before)
    same_tables(tmp_path / "spark", tmp_path / "local")
    same_summaries(ours, theirs)
    told = [json.loads((tmp_path / name / "manifest.json").read_text(encoding="utf-8")) for name in ("spark", "local")]
    assert told[0]["input"] == told[1]["input"]
    assert told[0]["generation"] == told[1]["generation"] == 2
    # What the comparison is worth.
    assert ours.decisions["contradicted"] == 2
    assert ours.decisions["not_found"] < 4 < ours.decisions["honoured"]
    assert "decided" in ours.edges
    changes = {row["change"] for row in pq.read_table(tmp_path / "spark" / "id_map.parquet").to_pylist()}
    assert {"kept", "gone", "new", "shrank", "split", "merged"} <= changes
    assert pq.read_table(tmp_path / "spark" / "residue.parquet").equals(pq.read_table(before / "residue.parquet"))
    # The decisions went along, for the next run into this output.
    assert list(Decisions.open(tmp_path / "spark").export_lines()) == list(Decisions.open(before).export_lines())


def test_a_frame_gives_the_tables_of_the_same_file(news: Path, tmp_path: Path, session: Any) -> None:
    import dedupe.spark

    lines = (news / "news.jsonl").read_text(encoding="utf-8").splitlines()[60:160]
    read = [json.loads(line) for line in lines if line.startswith("{")]
    names = ("text", "title", "site", "url")
    table = pa.table({name: [row.get(name) for row in read] for name in names})
    table = table.append_column(
        "date", pa.array([1_700_000_000_000_000 + at for at in range(len(read))], pa.timestamp("us", "UTC"))
    )
    pq.write_table(table, tmp_path / "articles.parquet")
    job.clean([tmp_path / "articles.parquet"], tmp_path / "local", workers=1)
    session.conf.set("spark.sql.session.timeZone", "Asia/Kolkata")  # times must not move with it
    corpus = dedupe.spark.clean(session.createDataFrame(table))
    assert corpus.summary.articles == len(read)
    for name in TABLES:
        comments = pq.read_schema(tmp_path / "local" / f"{name}.parquet")
        assert {field.name: field.metadata.get("comment") for field in getattr(corpus, name).schema} == {
            field.name: field.metadata[b"comment"].decode() for field in comments
        }
    same_frames(corpus, tmp_path / "local")
    store = (tmp_path / "store").as_uri()
    corpus.write(store)
    written = session.read.parquet(f"{store}/canonical.parquet")
    assert written.count() == corpus.summary.clusters
    corpus.release()
    # What lies in a store hands its IDs and learned lines on as an output folder does.
    later = table.slice(7)
    pq.write_table(later, tmp_path / "articles.parquet")
    job.clean([tmp_path / "articles.parquet"], tmp_path / "later", previous=tmp_path / "local", workers=1)
    again = dedupe.spark.clean(session.createDataFrame(later), previous=store)
    same_frames(again, tmp_path / "later")
    assert again.generation == 2
    assert again.id_map.where("change = 'kept'").count() > 40
    again.release()
    with pytest.raises(dedupe.DedupeError, match="holds no corpus"):
        dedupe.spark.clean(session.createDataFrame(later), previous=(tmp_path / "nowhere").as_uri())


def same_frames(corpus: Any, output: Path) -> None:
    for name in TABLES:
        theirs = pq.read_table(output / f"{name}.parquet")
        ours = getattr(corpus, name).toArrow().cast(theirs.schema)
        away = [column for column in ("source",) if column in theirs.column_names]
        assert rows(ours.drop_columns(away), name) == rows(theirs.drop_columns(away), name), name


def test_an_output_opens_in_spark_with_its_comments(local: tuple[Path, dedupe.Summary], session: Any) -> None:
    for name in TABLES:
        frame = session.read.parquet(str(local[0] / f"{name}.parquet"))
        assert frame.count() == pq.read_metadata(local[0] / f"{name}.parquet").num_rows
        frame.createOrReplaceTempView(name)
        described = {column.name: column.description for column in session.catalog.listColumns(name)}
        ours = schema.CORPUS if name == "canonical" else getattr(schema, name.upper())
        assert described == {field.name: field.metadata[b"comment"].decode() for field in ours}, name


def test_a_store_is_read_as_a_folder_is(news: Path, tmp_path: Path, session: Any) -> None:
    from dedupe.engine.spark import Spark
    from dedupe.spark.stages import unpack_table
    from dedupe.spark.store import plan_store, read_store
    from dedupe.stages.maps import read_shard

    (tmp_path / "in" / "deeper").mkdir(parents=True)
    for path in [*news.glob("*.txt"), news / "picture.png"]:
        (tmp_path / "in" / "deeper" / path.name).write_bytes(path.read_bytes())
    (tmp_path / "in" / "rows.jsonl").write_text("".join(json.dumps({"text": f"Row {n} of it."}) + "\n" for n in range(9)))
    config = dedupe.Config()
    near = planning.plan([tmp_path / "in"], config)
    done = [read_shard(shard, config, tmp_path / f"{at}.arrow") for at, shard in enumerate(near.shards)]
    expected = pa.concat_tables(pa.ipc.open_file(tmp_path / f"{at}.arrow").read_all() for at in range(len(done)))
    far = plan_store(session, [(tmp_path / "in").as_uri()], config)
    assert (far.n_files, far.n_bytes, far.skipped) == (near.n_files, near.n_bytes, near.skipped)
    frame = read_store(Spark(session), far, config, frozenset()).toArrow().sort_by([("shard", "ascending"), ("seq", "ascending")])
    read = pa.concat_tables(unpack_table(blob) for blob in frame["articles"].to_pylist() if blob)
    assert read.to_pylist() == expected.to_pylist()
    with pytest.raises(dedupe.DedupeError, match="cannot list"):
        plan_store(session, [(tmp_path / "nowhere").as_uri()], config)
