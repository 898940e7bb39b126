"""Every table of a run on Spark holds the rows and IDs of the same run on this machine."""

import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import dedupe
from dedupe import job, schema
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
    for name in TABLES:
        ours, theirs = (pq.read_table(folder / f"{name}.parquet") for folder in (news.parent / "spark", local[0]))
        assert rows(ours, name) == rows(theirs, name), name
        assert ours.schema == theirs.schema
    varying = {"output", "seconds", "timings", "columns"}  # columns are told of the first part of a file, which may hold fewer
    assert {k: v for k, v in summary.as_dict().items() if k not in varying} == {
        k: v for k, v in local[1].as_dict().items() if k not in varying
    }
    # What the comparison is worth: all of this was there to be got wrong.
    assert set(summary.edges) == {"exact", "near", "contained", "part_of", "spun", "update"}
    assert set(summary.rejects) == {"binary", "empty", "malformed"}
    assert summary.large_buckets
    assert summary.capped_hashes
    assert summary.stories
    assert summary.repeated_lines
    assert summary.rules["R401"]


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
        theirs = pq.read_table(tmp_path / "local" / f"{name}.parquet")
        frame = getattr(corpus, name)
        assert {field.name: field.metadata.get("comment") for field in frame.schema} == {
            field.name: field.metadata[b"comment"].decode() for field in theirs.schema
        }
        ours = frame.toArrow().cast(theirs.schema)
        away = [column for column in ("source",) if column in theirs.column_names]
        assert rows(ours.drop_columns(away), name) == rows(theirs.drop_columns(away), name), name
    corpus.write((tmp_path / "store").as_uri())
    written = session.read.parquet((tmp_path / "store" / "canonical.parquet").as_uri())
    assert written.count() == corpus.summary.clusters
    corpus.release()


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
    frame = read_store(Spark(session), far, config).toArrow().sort_by([("shard", "ascending"), ("seq", "ascending")])
    read = pa.concat_tables(unpack_table(blob) for blob in frame["articles"].to_pylist() if blob)
    assert read.to_pylist() == expected.to_pylist()
    with pytest.raises(dedupe.DedupeError, match="cannot list"):
        plan_store(session, [(tmp_path / "nowhere").as_uri()], config)
