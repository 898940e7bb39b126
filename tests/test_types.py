"""What users write against the package is typed: a program of theirs, checked as they would check it."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]

PROGRAM = """
from pathlib import Path
from typing import Any

import datasets
import duckdb
import polars as pl
import pyarrow as pa
from typing_extensions import assert_type

import dedupe

corpus = dedupe.clean(["news/", Path("more.jsonl")], dedupe.Config(threshold=0.6, despin="flag"), output="out", workers=2)
assert_type(corpus, dedupe.Corpus)
dedupe.clean("news/")
dedupe.clean([{"text": "one", "title": None}])
dedupe.clean(pl.DataFrame({"text": ["one"]}))
dedupe.clean(datasets.Dataset.from_dict({"text": ["one"]}).to_iterable_dataset())
dedupe.clean(duckdb.read_parquet("news.parquet"))
dedupe.clean(corpus.canonical())
dedupe.clean(pa.table({"text": ["one"]}))
assert_type(dedupe.Corpus.open("out"), dedupe.Corpus)
assert_type(corpus.canonical(), dedupe.Table)
assert_type(corpus.canonical().select("text").head(3), list[dict[str, Any]])
assert_type(len(corpus.articles()), int)
assert_type([pair.strength for pair in corpus.weakest_pairs(5)], list[float])
assert_type(corpus.cluster("abc"), dedupe.Cluster)
assert_type(corpus.cluster("abc").weakest_similarity, float | None)
assert_type(corpus.explain("abc", "def").sentences, tuple[str, ...])
assert_type(corpus.to_polars(), pl.DataFrame)
assert_type(corpus.to_duckdb("pairs"), duckdb.DuckDBPyRelation)
assert_type(corpus.original("abc"), str)
assert_type(corpus.match([{"text": "new"}]), list[dict[str, Any]])
assert_type(corpus.export("out.jsonl", columns=["title"]).articles, int)
assert_type(corpus.config.threshold, float)
if corpus.summary is not None:
    assert_type(corpus.summary.articles, int)
with dedupe.clean("news/") as held:
    assert_type(held, dedupe.Corpus)

repaired = dedupe.repair_text("text", title="Title")
assert_type(repaired, dedupe.Repaired)
assert_type(repaired.edits, tuple[dedupe.Edit, ...])
assert_type(dedupe.restore(repaired.text, repaired.edits), str)
assert_type(dedupe.despin_text("text", force=True).spin_score, float | None)
assert_type(dedupe.compare("one", "two").relation, str | None)
assert_type(dedupe.signatures(["one"], num_perm=64), dedupe.Signatures)
assert_type(dedupe.shingle_hashes("one"), list[int])
try:
    dedupe.clean("nowhere")
except dedupe.DedupeError as error:
    assert_type(error.hint, str)
"""

WRONG = {
    "dedupe.clean(5)": "arg-type",
    'dedupe.clean("news/", "output")': "arg-type",
    'dedupe.Config(treshold=0.5)': "call-arg",
    'dedupe.Config(despin="maybe")': "arg-type",
    'dedupe.Corpus.open("out").table("texts")': "arg-type",
    'dedupe.Corpus.open("out").export("a", format="xml")': "arg-type",
    'dedupe.compare("one")': "call-arg",
    "dedupe.no_such_name": "attr-defined",
}  # fmt: skip


@pytest.mark.slow
def test_a_user_program_is_typed(tmp_path: Path) -> None:
    pytest.importorskip("polars")
    pytest.importorskip("duckdb")
    (tmp_path / "right.py").write_text(PROGRAM, encoding="utf-8")
    (tmp_path / "wrong.py").write_text("import dedupe\n" + "\n".join(WRONG) + "\n", encoding="utf-8")
    # As installed packages are found: by the marker file, without the settings of this project.
    (tmp_path / "mypy.ini").write_text(
        f"[mypy]\nmypy_path = {ROOT / 'src'}\n[mypy-pyarrow.*,pandas.*,datasets.*]\nignore_missing_imports = True\n"
        "[mypy-dedupe.*]\nignore_errors = True\nfollow_imports = silent\n"
    )
    command = [sys.executable, "-m", "mypy", "--strict", "--config-file", "mypy.ini", "right.py", "wrong.py"]
    lines = subprocess.run(command, capture_output=True, text=True, check=False, cwd=tmp_path).stdout.splitlines()
    assert [told for told in lines if told.startswith("right.py")] == []
    for number, (line, code) in enumerate(WRONG.items(), 2):
        assert any(told.startswith(f"wrong.py:{number}: error") and f"[{code}]" in told for told in lines), (line, lines)


def test_the_marker_of_types_is_shipped() -> None:
    assert (ROOT / "src" / "dedupe" / "py.typed").is_file()
