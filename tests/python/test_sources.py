"""Articles come from whatever a program holds, and give the same corpus."""

import gc
import pickle
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.dataset as ds
import pytest

import dedupe
from dedupe.read.spool import spool

Rows = list[dict[str, Any]]


def from_pandas(table: pa.Table) -> Any:
    return pytest.importorskip("pandas").DataFrame(table.to_pylist())


def filtered_pandas(table: pa.Table) -> Any:
    frame = from_pandas(pa.concat_tables([table.slice(0, 1), table]))
    return frame[[False, *[True] * table.num_rows]]  # its index is a column to Arrow, and nothing that an article says


def from_polars(table: pa.Table) -> Any:
    return pytest.importorskip("polars").DataFrame(table)


def categorical_polars(table: pa.Table) -> Any:
    polars = pytest.importorskip("polars")
    return polars.DataFrame(table).with_columns(polars.col("section").cast(polars.Categorical))


def lazy_polars(table: pa.Table) -> Any:
    return from_polars(table).lazy()


def from_duckdb(table: pa.Table) -> Any:
    return pytest.importorskip("duckdb").connect().from_arrow(table)


def chosen_of_hugging_face(table: pa.Table) -> Any:
    # The rows that were chosen, not the table beneath.
    datasets = pytest.importorskip("datasets")
    return datasets.Dataset(pa.concat_tables([table, table])).select(range(table.num_rows))


def streamed_by_hugging_face(table: pa.Table) -> Any:
    return pytest.importorskip("datasets").Dataset(table).to_iterable_dataset()


SOURCES: dict[str, Callable[[pa.Table], Any]] = {
    "pyarrow table": lambda table: table,
    "record batch": lambda table: table.combine_chunks().to_batches()[0],
    "record batch reader": lambda table: table.to_reader(3),
    "pyarrow dataset": ds.dataset,
    "scanner": lambda table: ds.dataset(table).scanner(),
    "batches": lambda table: iter(table.to_batches(max_chunksize=2)),
    "tables": lambda table: [table.slice(0, 5), table.slice(5)],
    "mappings": lambda table: iter(table.to_pylist()),
    "pandas": from_pandas,
    "pandas, filtered": filtered_pandas,
    "polars": from_polars,
    "polars, categorical": categorical_polars,
    "polars, lazy": lazy_polars,
    "duckdb": from_duckdb,
}
SLOW_SOURCES = {"datasets, chosen": chosen_of_hugging_face, "datasets, streamed": streamed_by_hugging_face}
each_source = pytest.mark.parametrize(
    "make",
    [
        *(pytest.param(make, id=name) for name, make in SOURCES.items()),
        *(pytest.param(make, id=name, marks=pytest.mark.slow) for name, make in SLOW_SOURCES.items()),
    ],
)


@each_source
def test_every_source_gives_the_same_corpus(make: Callable[[pa.Table], Any], rows: Rows, corpus: dedupe.Corpus) -> None:
    found = dedupe.clean(make(pa.Table.from_pylist(rows)), workers=1)
    expected = corpus.articles().to_arrow().drop_columns(["source"])
    assert found.articles().to_arrow().drop_columns(["source"]).equals(expected)
    assert [row["code"] for row in found.rejects()] == ["empty"]
    assert set(found.articles().to_arrow()["source"].to_pylist()) <= {"table.arrow", "table.jsonl"}


def test_paths_are_read_where_they_are(seeds: Path, tmp_path: Path) -> None:
    one = dedupe.clean(seeds, workers=1)
    several = dedupe.clean(sorted(seeds.iterdir()), output=tmp_path / "out", workers=1)
    assert one.articles().to_arrow().equals(several.articles().to_arrow())
    assert one.summary
    assert one.summary.files == 5
    assert dedupe.clean(str(seeds / "*.txt"), workers=1).counts["articles"] == 5


def test_a_corpus_is_a_source(corpus: dedupe.Corpus) -> None:
    again = dedupe.clean(corpus.canonical(), workers=1)
    assert again.counts["articles"] == again.counts["clusters"] == len(corpus.canonical())


def test_columns_are_named_as_in_files(rows: Rows) -> None:
    named = [{"story_html": row["body"], "outlet": "The Outlet"} for row in rows[:3]]
    found = dedupe.clean(named, dedupe.Config(fields={"text": "story_html"}), workers=1)
    assert [row["text"] for row in found.articles()] == [row["body"] for row in rows[:3]]
    assert found.articles().head(1)[0]["publisher"] == "The Outlet"


def test_what_streams_is_taken_a_batch_at_a_time(tmp_path: Path) -> None:
    written: list[int] = []

    def batches() -> Iterator[pa.RecordBatch]:
        for number in range(5):
            written.append(sum(path.stat().st_size for path in tmp_path.iterdir()))
            yield pa.record_batch({"text": [f"{number} " * 5_000] * 100})

    (path,) = spool(batches(), tmp_path)
    # Each batch was on disk before the next was asked for.
    assert sorted(written) == written
    assert written[-1] > 3 * 100 * 5_000
    with pa.ipc.open_file(pa.memory_map(str(path))) as file:
        assert file.num_record_batches == 5


@pytest.mark.slow
def test_a_stream_larger_than_memory_would_hold_stays_on_disk(tmp_path: Path) -> None:
    pytest.importorskip("duckdb")
    code = (
        "import duckdb, resource, sys; from pathlib import Path; from dedupe.read.spool import spool\n"
        "relation = duckdb.connect().sql(\"select repeat('word ', 2000) as text, i from range(40000) t(i)\")\n"
        "spool(relation.limit(10), Path(sys.argv[1])); before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss\n"
        "spool(relation, Path(sys.argv[1])); print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)"
    )
    done = subprocess.run([sys.executable, "-c", code, str(tmp_path)], capture_output=True, text=True, check=True)
    unit = 1 if sys.platform == "darwin" else 1024
    written = (tmp_path / "table.arrow").stat().st_size
    (tmp_path / "table.arrow").unlink()  # pytest keeps the folder
    assert written > 380 << 20
    assert int(done.stdout.split()[-1]) * unit < 200 << 20


def test_a_stream_may_change_its_columns(tmp_path: Path) -> None:
    one, other = pa.record_batch({"text": ["one two three"], "n": [None]}), pa.record_batch({"text": ["four five"], "n": ["x"]})
    found = dedupe.clean(iter([one, other, other.slice(0, 0)]), workers=1)
    assert sorted(row["text"] for row in found.articles()) == ["four five", "one two three"]
    assert sorted(row["source"] for row in found.articles()) == ["table.arrow", "table~00002.arrow"]


def test_an_empty_table_is_a_reject_and_no_error() -> None:
    found = dedupe.clean(pa.table({"text": pa.array([], pa.string())}), workers=1)
    assert (found.counts["articles"], found.counts["rejects"]) == (0, 1)


@pytest.mark.parametrize(
    ("source", "sentence"),
    [
        (5, "int is neither a path nor a table"),
        (b"seeds", "bytes is neither"),
        ({"text": "one"}, "dict is neither"),
        ([5], "int is neither"),
        ([{"text": "a"}, "b"], "Item 2 is no mapping"),
        (["one.txt", 5], "Paths and int stand in one list"),
        ([pa.table({"text": ["a"]}), 5], "int is neither"),
        ([], "No input was given"),
        ("nowhere", "does not exist"),
    ],
)
def test_what_is_no_source_is_told(source: Any, sentence: str, tmp_path: Path) -> None:
    with pytest.raises(dedupe.DedupeError, match=sentence) as told:
        dedupe.clean(source, output=tmp_path / "out", workers=1)
    assert told.value.hint
    assert list(tmp_path.iterdir()) == []  # nothing is left where nothing came of it


def test_a_column_is_no_table() -> None:
    polars = pytest.importorskip("polars")
    with pytest.raises(dedupe.DedupeError, match="single column"):
        dedupe.clean(polars.Series("text", ["one"]))


def test_a_source_that_fails_leaves_the_output_that_is_there(tmp_path: Path, rows: Rows) -> None:
    dedupe.clean(rows, output=tmp_path / "out", workers=1)
    before = {path: path.read_bytes() for path in (tmp_path / "out").rglob("*") if path.is_file()}

    def broken() -> Iterator[dict[str, Any]]:
        yield rows[0]
        raise RuntimeError("the connection is gone")

    with pytest.raises(RuntimeError, match="connection"):
        dedupe.clean(broken(), output=tmp_path / "out", workers=1)
    assert {path: path.read_bytes() for path in (tmp_path / "out").rglob("*") if path.is_file()} == before


def test_settings_are_checked_before_anything_is_read(rows: Rows) -> None:
    def never() -> Iterator[dict[str, Any]]:
        raise AssertionError("it was read")
        yield {}

    with pytest.raises(dedupe.DedupeError, match="no rule of that name"):
        dedupe.clean(never(), dedupe.Config(no_rules=frozenset({"R999"})))
    with pytest.raises(dedupe.DedupeError, match="not a Config"):
        dedupe.clean(rows, "output")  # type: ignore[arg-type]
    named = dedupe.clean(rows, dedupe.Config(no_rules=frozenset({"comment-prompts"})), workers=1)
    assert any("Leave a Comment" in row["text"] for row in named.articles())


def test_a_temporary_corpus_lives_as_long_as_it_is_held(rows: Rows) -> None:
    found = dedupe.clean(rows, workers=1)
    folder = found.folder.parent
    table = found.canonical().select("title")
    del found
    gc.collect()
    assert len(table.head()) == 5
    del table
    gc.collect()
    assert not folder.exists()
    with dedupe.clean(rows, workers=1) as held:
        assert held.folder.exists()
    assert not held.folder.exists()


def test_progress_is_shown_on_stderr_when_asked(rows: Rows, capfd: pytest.CaptureFixture[str]) -> None:
    dedupe.clean(rows, workers=1)
    assert capfd.readouterr() == ("", "")
    dedupe.clean(rows, workers=1, progress=True)
    out, err = capfd.readouterr()
    assert "write: done" in err
    assert out == ""


def test_a_day_of_new_articles_joins_an_output(rows: Rows, tmp_path: Path) -> None:
    output = tmp_path / "out"
    dedupe.clean(rows[:6], output=output, name="monday", workers=1)
    both = dedupe.clean(pa.Table.from_pylist(rows[6:]), output=output, previous=output, name="tuesday", workers=1)
    sources = [(row["source"], row["record"], row["input_id"]) for row in both.articles()]
    assert sources[0] == ("monday.jsonl", 1, "n0")
    assert sources[6] == ("tuesday.arrow", 1, "n6")
    assert both.cluster(both.articles().head(1)[0]["article_id"]).size == 3
    for name in ("../up", "", ".hidden", "a/b", "x" * 200):
        with pytest.raises(dedupe.DedupeError, match="no name for a table"):
            dedupe.clean(rows, name=name)


def test_a_second_run_hands_ids_on(rows: Rows, tmp_path: Path) -> None:
    dedupe.clean(rows, output=tmp_path / "out", workers=1)
    again = dedupe.clean(rows, output=tmp_path / "out", workers=1)
    assert {row["change"] for row in again.table("id_map")} == {"kept"}
    fresh = dedupe.clean(rows, output=tmp_path / "out", fresh=True, workers=1)
    assert len(fresh.table("id_map")) == 0


def test_a_temporary_corpus_that_is_gone_says_so(rows: Rows) -> None:
    with dedupe.clean(rows, workers=1) as corpus:
        assert len(corpus.articles()) == 12
    for ask in (corpus.articles, corpus.to_arrow, corpus.weakest_pairs, lambda: corpus.explain("a")):
        with pytest.raises(dedupe.DedupeError, match="temporary folder, which is gone"):
            ask()


def test_what_to_do_is_told_where_nobody_catches_it(tmp_path: Path) -> None:
    with pytest.raises(dedupe.DedupeError) as told:
        dedupe.clean("seeds", output=tmp_path / "out", workers=0)
    assert told.value.__notes__ == [told.value.hint] == ["Give 1 or more."]
    assert pickle.loads(pickle.dumps(told.value)).__notes__ == ["Give 1 or more."]


def test_an_output_without_a_name_is_told() -> None:
    with pytest.raises(dedupe.DedupeError, match="has no name") as told:
        dedupe.clean("seeds", output="")
    assert "a full stop is this folder" in told.value.hint


def test_rows_may_hold_halves_of_surrogate_pairs_and_numbers_of_any_length() -> None:
    row = {"text": "The mayor opened the \ud83d bridge.", "title": "\udc00", "id": 2**70, "n": {"deep": "\ud800", "big": 2**80}}
    corpus = dedupe.clean([row, {"text": "Plain."}], workers=1)
    first, second = corpus.articles().head(2)
    assert (first["text"], first["title"], first["input_id"]) == ("The mayor opened the \ufffd bridge.", "\ufffd", str(2**70))
    assert (corpus.counts["events"], second["text"]) == ({"lone_surrogate": 3}, "Plain.")
