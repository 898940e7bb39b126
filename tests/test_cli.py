import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from click.testing import Result

from dedupe.repair.ledger import restore

Dedupe = Callable[..., Result]


def test_help_loads_no_heavy_package() -> None:
    heavy = ["pyarrow", "numba", "datasketch", "numpy", "rich"]
    code = f"import sys, dedupe, dedupe.cli; print([name for name in {heavy} if name in sys.modules])"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.strip() == "[]"


def test_the_list_of_commands_is_cut_nowhere(dedupe: Dedupe) -> None:
    shown = dedupe("--help").stdout
    assert "doctor      Check this installation." in shown
    assert "..." not in shown.partition("Commands:")[2]


def test_seeds_become_a_corpus(dedupe: Dedupe, seeds: Path, tmp_path: Path) -> None:
    result = dedupe("clean", seeds, "-o", tmp_path / "out")
    assert result.exit_code == 0, result.output
    assert "5 = 5 articles + 0 rejects" in result.stdout
    assert f"next: dedupe stats {tmp_path / 'out'}" in result.stdout
    corpus = pq.read_table(tmp_path / "out" / "corpus.parquet").to_pylist()
    assert [row["source"] for row in corpus] == sorted(path.name for path in seeds.iterdir())
    assert {row["language"] for row in corpus} == {"en"}
    assert len({row["cluster_id"] for row in corpus}) == 5
    checked = dedupe("inspect", tmp_path / "out", "--check")
    assert checked.exit_code == 0
    assert "are right" in checked.stdout


def test_the_ledger_of_the_output_restores_every_seed(dedupe: Dedupe, seeds: Path, tmp_path: Path) -> None:
    dedupe("clean", seeds, "-o", tmp_path / "out")
    corpus = pq.read_table(tmp_path / "out" / "corpus.parquet").to_pylist()
    edits = pq.read_table(tmp_path / "out" / "edits.parquet").to_pylist()
    assert edits
    for row in corpus:
        own = [edit for edit in edits if edit["article_id"] == row["article_id"]]
        assert len(own) == row["n_edits"]
        assert restore(row["text"], own) == (seeds / row["source"]).read_text(encoding="utf-8")


def test_the_folder_of_the_articles_is_not_the_output(dedupe: Dedupe, tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "a.txt").write_text("The council met on Monday.")
    for given in (tmp_path / "in", f"{tmp_path}/in/../in/"):
        refused = dedupe("clean", given, "-o", tmp_path / "in")
        assert refused.exit_code == 2
        assert "holds the articles" in refused.stderr
    assert [path.name for path in (tmp_path / "in").iterdir()] == ["a.txt"]
    assert dedupe("clean", tmp_path / "in", "-o", tmp_path / "in" / "output", "-q").exit_code == 0


def test_json_moves_nothing_on_a_terminal(dedupe: Dedupe, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    title = "red \x9b31m, \x1b[2J turned \u202e round \u2028 \U0001f600 \xe9"
    (tmp_path / "a.jsonl").write_text(json.dumps({"id": "a", "title": title, "text": "The council met on Monday."}))
    dedupe("clean", tmp_path / "a.jsonl", "-o", tmp_path / "out", "-q", "--no-clean")
    [found] = pq.read_table(tmp_path / "out" / "corpus.parquet", columns=["article_id", "title"]).to_pylist()
    asked = ("explain", found["article_id"], "-o", tmp_path / "out", "--json")
    piped = dedupe(*asked).stdout
    assert json.loads(piped)["article"]["title"] == found["title"] == title
    monkeypatch.setattr("click.testing._NamedTextIOWrapper.isatty", lambda _: True)
    shown = dedupe(*asked).stdout
    assert json.loads(shown) == json.loads(piped)
    assert all(sign.isprintable() or sign == "\n" for sign in shown)
    assert "\xe9" in shown


def test_who_replaces_a_corpus_by_less_is_told(dedupe: Dedupe, seeds: Path, tmp_path: Path) -> None:
    dedupe("clean", seeds, "-o", tmp_path / "out")
    shown = dedupe("clean", min(seeds.iterdir()), "-o", tmp_path / "out").stdout
    assert "gone       4 of the previous output are not in this one" in shown
    assert "--previous" in shown
    assert "gone" not in dedupe("clean", seeds, "-o", tmp_path / "out").stdout


def test_json_is_one_object_on_stdout(dedupe: Dedupe, seeds: Path, tmp_path: Path) -> None:
    result = dedupe("clean", seeds, "-o", tmp_path / "out", "--json")
    assert json.loads(result.stdout)["articles"] == 5
    assert json.loads(dedupe("stats", tmp_path / "out", "--json").stdout)["clusters"] == 5
    assert json.loads(dedupe("inspect", tmp_path / "out", "--check", "--json").stdout)["problems"] == []


def test_sample_shows_repairs_and_writes_nothing(dedupe: Dedupe, seeds: Path, tmp_path: Path) -> None:
    result = dedupe("clean", seeds, "-o", tmp_path / "out", "--sample", "2")
    assert result.exit_code == 0
    assert "2 records" in result.stdout
    assert "Leave a Comment" in result.stdout
    assert "Nothing was written" in result.stdout
    assert list(tmp_path.iterdir()) == []


def test_no_clean_and_no_rule_leave_text_alone(dedupe: Dedupe, seeds: Path, tmp_path: Path) -> None:
    dedupe("clean", seeds, "-o", tmp_path / "raw", "--no-clean")
    for row in pq.read_table(tmp_path / "raw" / "corpus.parquet").to_pylist():
        assert row["text"] == (seeds / row["source"]).read_text(encoding="utf-8")
        assert row["n_edits"] == 0
    rules = pq.read_table(tmp_path / "raw" / "edits.parquet")
    assert rules.num_rows == 0
    dedupe("clean", seeds, "-o", tmp_path / "all")
    rule = pq.read_table(tmp_path / "all" / "edits.parquet")["rule"][0].as_py()
    dedupe("clean", seeds, "-o", tmp_path / "less", "--no-rule", rule)
    assert rule not in pq.read_table(tmp_path / "less" / "edits.parquet")["rule"].to_pylist()


def test_spun_text_is_restored_scored_or_left_as_asked(dedupe: Dedupe, seeds: Path, tmp_path: Path) -> None:
    rows = {}
    for mode in ("fix", "flag", "off"):
        dedupe("clean", seeds, "-o", tmp_path / mode, "--despin", mode)
        corpus = pq.read_table(tmp_path / mode / "corpus.parquet").to_pylist()
        rows[mode] = {row["source"]: row for row in corpus}
        edited = {
            edit["article_id"] for edit in pq.read_table(tmp_path / mode / "edits.parquet").to_pylist() if edit["rule"] > "R4"
        }
        assert edited == ({rows[mode]["visit-planned-bitcoinist-spun.txt"]["article_id"]} if mode == "fix" else set())
    for source in rows["fix"]:
        score = rows["fix"][source]["spin_score"]
        assert (score >= 4) == source.endswith("-spun.txt")
        assert rows["flag"][source]["spin_score"] == score
        assert rows["off"][source]["spin_score"] is None
        assert rows["off"][source]["text"] == rows["flag"][source]["text"]


def test_stories_are_told_unless_they_are_not_wanted(dedupe: Dedupe, seeds: Path, tmp_path: Path) -> None:
    told = json.loads(dedupe("clean", seeds, "-o", tmp_path / "told", "--json").stdout)
    assert (told["stories"], told["articles_in_stories"], told["largest_story"]) == (1, 4, 4)
    assert "of 4 articles (largest 4); 6 story pairs" in dedupe("clean", seeds, "-o", tmp_path / "again").stdout
    stories = pq.read_table(tmp_path / "told" / "stories.parquet").to_pylist()
    corpus = pq.read_table(tmp_path / "told" / "corpus.parquet").to_pylist()
    assert [(story["size"], story["since"]) for story in stories] == [(4, 1)]
    assert {row["source"] for row in corpus if row["story_id"] is None} == {"phone-call-breitbart.txt"}
    pairs = pq.read_table(tmp_path / "told" / "pairs.parquet").to_pylist()
    assert {pair["relation"] for pair in pairs} == {"story"}
    assert all("cast" in pair["evidence"] for pair in pairs)
    counted = json.loads(dedupe("stats", tmp_path / "told", "--json").stdout)
    assert (counted["stories"], counted["articles_in_stories"], counted["largest_story"]) == (1, 4, 4)
    assert counted["pairs"] == {"story": len(pairs)} == {"story": told["story_pairs"]}
    for option in ("--no-stories", "--exact-only"):
        dedupe("clean", seeds, "-o", tmp_path / option, option)
        assert pq.read_table(tmp_path / option / "stories.parquet").num_rows == 0
        assert pq.read_table(tmp_path / option / "pairs.parquet").num_rows == 0
        assert pq.read_table(tmp_path / option / "corpus.parquet")["story_id"].null_count == 5
        assert "stories     none" in dedupe("stats", tmp_path / option).stdout


def test_a_story_keeps_its_id_over_runs(dedupe: Dedupe, seeds: Path, tmp_path: Path) -> None:
    found = []
    for _ in range(2):
        dedupe("clean", seeds, "-o", tmp_path / "out")
        found.append(pq.read_table(tmp_path / "out" / "stories.parquet").to_pylist())
    assert found[0] == found[1]
    assert found[1][0]["since"] == 1
    id_map = pq.read_table(tmp_path / "out" / "id_map.parquet").to_pylist()
    assert {(row["kind"], row["change"]) for row in id_map} == {("cluster", "kept"), ("story", "kept")}


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["clean", "nowhere"], "nowhere"),
        (["clean"], "PATH"),
        (["clean", ".", "--threshold", "7"], "threshold is 7, not between"),
        (["clean", ".", "--threshold", "7", "--recall", "2"], "recall is 2, not between"),
        (["clean", ".", "--no-rule", "R999"], "R999"),
        (["clean", ".", "--field", "text"], "--field text"),
        (["clean", ".", "--config", "missing.toml"], "missing.toml"),
        (["clean", ".", "--workers", "0"], "0 workers"),
        (["stats", "nowhere"], "holds no output of dedupe"),
        (["inspect", "nowhere"], "holds no output of dedupe"),
        (["unknown"], "No such command"),
    ],
)
def test_wrong_use_is_a_sentence_and_status_2(
    dedupe: Dedupe, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments: list[str], sentence: str
) -> None:
    (tmp_path / "a.txt").write_text("Some text.")
    monkeypatch.chdir(tmp_path)
    result = dedupe(*arguments)
    assert result.exit_code == 2
    assert sentence in result.stderr
    assert "Traceback" not in result.output
    assert not (tmp_path / "output").exists()


def test_a_damaged_output_is_found_by_the_check(dedupe: Dedupe, seeds: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    dedupe("clean", seeds, "-o", out)
    whole = pq.read_table(out / "edits.parquet")
    pq.write_table(whole.slice(1), out / "edits.parquet")
    (out / "pairs.parquet").unlink()
    result = dedupe("inspect", out, "--check")
    assert result.exit_code == 1
    assert "edits.parquet is not the file that the manifest names" in result.stdout
    assert "pairs.parquet is missing" in result.stdout


def test_a_reference_that_leads_nowhere_is_found(dedupe: Dedupe, seeds: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    dedupe("clean", seeds, "-o", out)
    corpus = pq.read_table(out / "corpus.parquet")
    names = corpus["cluster_id"].to_pylist()
    names[0] = "cffff"
    pq.write_table(corpus.set_column(2, corpus.schema.field(2), [names]), out / "corpus.parquet")
    stdout = dedupe("inspect", out, "--check").stdout
    assert "corpus.cluster_id names an article or cluster that is not there" in stdout
    assert "clusters.size does not count" in stdout


def test_a_failed_run_leaves_the_last_output(
    dedupe: Dedupe, seeds: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "out"
    dedupe("clean", seeds, "-o", out)
    before = {path.name: path.read_bytes() for path in out.glob("[a-zA-Z]*.*")}

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("dedupe.job.write_tables", full)
    result = dedupe("clean", seeds / "phone-call-breitbart.txt", "-o", out)
    assert result.exit_code == 3
    assert "Make room there" in result.stderr
    assert {path.name: path.read_bytes() for path in out.glob("[a-zA-Z]*.*")} == before


def test_standard_input_is_read(dedupe: Dedupe, tmp_path: Path) -> None:
    lines = "\n".join(json.dumps({"body": f"Article number {n} tells of one thing or another.", "id": n}) for n in range(3))
    result = dedupe("clean", "-", "-o", tmp_path / "out", stdin=lines)
    assert result.exit_code == 0, result.output
    assert pq.read_table(tmp_path / "out" / "corpus.parquet")["input_id"].to_pylist() == ["0", "1", "2"]


def test_an_output_of_a_newer_version_is_refused_with_what_to_do(dedupe: Dedupe, seeds: Path, tmp_path: Path) -> None:
    dedupe("clean", seeds, "-o", tmp_path)
    manifest = tmp_path / "manifest.json"
    manifest.write_text(re.sub(r'"schema_version": \d+', '"schema_version": 99', manifest.read_text()))
    result = dedupe("stats", tmp_path)
    assert result.exit_code == 3
    assert "pip install --upgrade" in result.stderr


@pytest.mark.slow
def test_an_interrupt_is_status_130_and_leaves_nothing(tmp_path: Path) -> None:
    source = tmp_path / "in.jsonl"
    with source.open("w") as file:
        for n in range(60_000):
            file.write(json.dumps({"text": f"Line {n} of a long file. " * 40, "id": n}) + "\n")
    process = subprocess.Popen(
        [sys.executable, "-m", "dedupe", "clean", str(source), "-o", str(tmp_path / "out")],
        stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True, start_new_session=True,
        # A shell that runs tests in the background has them ignore interrupts, and so would all that they start.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # noqa: PLW1509  no other thread holds a lock here
    )  # fmt: skip
    try:
        deadline = time.monotonic() + 60
        while not list((tmp_path / "out" / ".runs").glob("*/scratch/read-*")) and time.monotonic() < deadline:
            time.sleep(0.05)
        os.killpg(process.pid, signal.SIGINT)
        _, stderr = process.communicate(timeout=60)
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
            process.communicate()
    assert process.returncode == 130
    assert "Interrupted" in stderr
    assert "Traceback" not in stderr
    assert not (tmp_path / "out" / "corpus.parquet").exists()


def test_the_other_distribution_of_this_name_is_noticed(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    import dedupe_command

    assert dedupe_command.clash() is None
    monkeypatch.setattr("importlib.metadata.version", lambda name: "3.0.2")
    with pytest.raises(SystemExit) as stopped:
        dedupe_command.main()
    assert stopped.value.code == 2
    assert "pip uninstall dedupe article-dedupe" in capsys.readouterr().err


def test_an_interruption_is_answered_from_the_first_thing_on(monkeypatch: pytest.MonkeyPatch) -> None:
    import dedupe_command

    def interrupted(_: str) -> str:
        raise KeyboardInterrupt

    monkeypatch.setattr("importlib.metadata.version", interrupted)
    with pytest.raises(SystemExit) as ended:
        dedupe_command.main()
    assert ended.value.code == 130


def test_the_name_of_a_file_that_is_skipped_commands_no_terminal(dedupe: Dedupe, tmp_path: Path) -> None:
    folder = tmp_path / "in"
    folder.mkdir()
    (folder / "x.\x1b]0;owned\x07\x1b[2j").write_text("?")
    alone = dedupe("clean", folder, "-o", tmp_path / "out")
    (folder / "a.txt").write_text("A few words of an article.")
    beside = dedupe("clean", folder, "-o", tmp_path / "out")
    assert (alone.exit_code, beside.exit_code) == (2, 0)
    assert "nothing to read" in alone.stderr
    assert "skipped" in beside.stdout
    assert "\x1b]" not in alone.output + beside.output
    assert "\x07" not in alone.output + beside.output
