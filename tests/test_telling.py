"""What the commands tell people: nothing is cut without saying so, and every command that is advised can be pasted."""

import json
import random
import re
import shlex
import shutil
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from click.testing import Result

from dedupe import Config, Corpus, job
from dedupe.errors import UsageError, command
from dedupe.read import plan

Dedupe = Callable[..., Result]


def write(path: Path, rows: list[dict[str, object]]) -> Path:
    path.write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
    return path


def words(seed: int, count: int = 80) -> str:
    rng = random.Random(seed)
    return " ".join(f"{rng.choice('abcdefgh')}{rng.choice('aeiou')}{rng.randrange(500)}" for _ in range(count))


@pytest.fixture(scope="module")
def output(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two copies and one alone, in a folder whose name a shell would take apart."""
    folder = tmp_path_factory.mktemp("telling")
    text = words(1)
    rows: list[dict[str, object]] = [
        {"text": text, "id": "a"},
        {"text": text + " more", "id": "b"},
        {"text": words(2), "id": "c"},
    ]
    job.clean([write(folder / "in.jsonl", rows)], folder / "my out", Config(stories=False), workers=1)
    return folder / "my out"


def advised(result: Result) -> list[str]:
    """The command that a result advises, taken apart as a shell would."""
    return shlex.split(result.stdout.rpartition("next: ")[2])


def test_why_records_were_rejected_is_told_by_the_run_and_by_stats(dedupe: Dedupe, tmp_path: Path) -> None:
    source = write(tmp_path / "in.jsonl", [{"body": words(seed), "title": "T"} for seed in range(3)])
    run = dedupe("clean", source, "--field", "text=nope", "-o", tmp_path / "out")
    assert "no column 'nope' was seen (--field text=nope)" in run.stdout
    said = "no column holds the text; columns are body, title; name yours with --field text=COLUMN, in Python with fields={'text': COLUMN}"
    assert said in run.stdout
    stats = dedupe("stats", tmp_path / "out").stdout
    assert said in stats
    assert "empty 3" in stats
    assert json.loads(dedupe("stats", tmp_path / "out", "--json").stdout)["reject_codes"] == {"empty": 3}
    right = job.sample([source], Config(fields={"text": "Body"}), limit=3)
    assert (right.unseen, right.why_rejected, right.articles) == ([], "", 3)


def test_a_column_that_only_a_later_part_of_a_file_holds_was_seen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("dedupe.job.plan_input", partial(plan, part_bytes=10_000))
    rows: list[dict[str, object]] = [
        {"text": words(seed), "kicker": "K"} if seed > 60 else {"text": words(seed)} for seed in range(80)
    ]
    summary = job.sample([write(tmp_path / "in.jsonl", rows)], Config(fields={"title": "kicker"}, stories=False), limit=80)
    assert (summary.unseen, summary.columns) == ([], ["jsonl: text <- text", "jsonl: title <- kicker"])


def test_columns_of_every_format_are_shown(dedupe: Dedupe, tmp_path: Path) -> None:
    for form, mark in (("csv", ","), ("tsv", "\t")):
        (tmp_path / f"a.{form}").write_text(f"headline{mark}body{mark}link{mark}byline{mark}site\n" + mark.join("abcde"))
    write(tmp_path / "a.jsonl", [{"headline": "x", "content": "y", "link": "z", "byline": "A", "site": "S"}])
    shown = [line for line in dedupe("clean", tmp_path, "--sample", "5").stdout.splitlines() if line.startswith("columns")]
    assert [line.split()[1] for line in shown] == ["csv:", "jsonl:", "tsv:"]
    assert all("title <- headline" in line and "url <- link" in line for line in shown)


def test_advised_commands_can_be_pasted(dedupe: Dedupe, output: Path) -> None:
    assert command("stats", "a b\n'c'") == """dedupe stats 'a b\n'"'"'c'"'"''"""
    assert advised(dedupe("stats", output)) == ["dedupe", "inspect", str(output), "--check"]
    assert advised(dedupe("inspect", output)) == ["dedupe", "inspect", str(output), "--check"]
    assert advised(dedupe("decisions", output)) == ["dedupe", "review", str(output)]
    report = (output / "report.html").read_text(encoding="utf-8")
    assert " -o OUTPUT</code> says why two articles are together" in report


def test_explain_advises_a_neighbour_that_is_there(dedupe: Dedupe, output: Path) -> None:
    corpus = json.loads(dedupe("stats", output, "--json").stdout)
    assert corpus["clusters"] == 2
    ids = {row["input_id"]: row["article_id"] for row in pq.read_table(output / "corpus.parquet").to_pylist()}
    for one, other in (("a", "b"), ("b", "a")):
        first = dedupe("explain", ids[one], "-o", output)
        assert advised(first) == ["dedupe", "explain", ids[one][:12], ids[other][:12], "-o", str(output)]
        assert dedupe(*advised(first)[1:]).stdout.startswith("together")
    assert advised(dedupe("explain", ids["c"], "-o", output)) == ["dedupe", "review", str(output)]


def test_rules_are_named_in_any_collection_and_by_names_that_are_there(dedupe: Dedupe, seeds: Path, tmp_path: Path) -> None:
    from dedupe.repair.rules import RULES
    from dedupe.settings import checked

    for given in (["R113"], {"R113"}, ("R113",), "R113", iter(["editorial-policies"])):
        assert checked(Config(no_rules=given)).no_rules == {"R113"}  # type: ignore[arg-type]
    told = " ".join(dedupe("clean", "--help").stdout.split())
    name, code = told.partition("Switch a cleaning rule off: ")[2].partition(".")[0].split(", or its code ")
    assert RULES[code].name == name
    wrong = dedupe("clean", seeds, "--no-rule", "nope", "-o", tmp_path / "out")
    assert wrong.exit_code == 2
    assert f"{code} {name}" in wrong.stderr


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["-o", ""], "a full stop is this folder"),
        (["--relearn"], "To relearn"),
        (["--fresh", "--previous", "old"], "cannot be fresh"),
        (["--sample", "3", "--previous", "nowhere"], "takes no IDs over"),
        (["--sample", "3", "--fresh"], "takes no IDs over"),
        (["--field", "text=a", "--field", "text=b"], "two columns for text"),
        (["--field", "text=a", "--field", "body=b"], "Two columns are given for text"),
    ],
)
def test_options_that_would_do_nothing_are_refused(
    options: list[str], words: str, dedupe: Dedupe, seeds: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    result = dedupe("clean", seeds, *options)
    assert result.exit_code == 2
    assert words in result.stderr
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["corpus", "id_map"])
def test_a_check_lists_every_fault_and_advises_what_works(name: str, dedupe: Dedupe, output: Path, tmp_path: Path) -> None:
    broken = tmp_path / "broken out"
    shutil.copytree(output, broken)
    path = broken / f"{name}.parquet"
    path.write_bytes(path.read_bytes()[:-20])
    (broken / "edits.parquet").unlink()
    checked = dedupe("inspect", broken, "--check")
    assert checked.exit_code == 1
    assert f"wrong: {name}.parquet cannot be read" in checked.stdout
    assert "wrong: edits.parquet is missing." in checked.stdout
    assert "clusters" in checked.stdout
    assert "dedupe clean --fresh` on all of its input with -o '" in checked.stderr
    source = write(tmp_path / "in.jsonl", [{"text": words(7)}])
    if name == "id_map":
        for options in ([], ["--fresh"]):
            refused = dedupe("clean", source, "-o", broken, *options)
            assert refused.exit_code == 3
            assert "delete it, run `dedupe clean --fresh`" in refused.stderr
        path.unlink()
    assert dedupe("clean", source, "-o", broken, "--fresh").exit_code == 0
    assert dedupe("inspect", broken, "--check").exit_code == 0


def test_a_missing_table_is_said_to_be_missing(dedupe: Dedupe, output: Path, tmp_path: Path) -> None:
    shutil.copytree(output, tmp_path / "out")
    (tmp_path / "out" / "edits.parquet").unlink()
    assert f"edits.parquet of {tmp_path / 'out'} is missing." in dedupe("stats", tmp_path / "out").stderr


@pytest.mark.parametrize(
    "command",
    [
        ["decisions", "{out}", "--import", "nofile"],
        ["decisions", "{out}", "--export", "none/x.jsonl"],
        ["decisions", "{out}", "--export", ""],
        ["export", "{out}", "file/x.csv"],
        ["clean", "file", "-o", "file/x"],
        ["clean", "file", "-o", "x" * 300],
        ["init", "none/x.toml"],
        ["report", "{out}", "-o", "file/c.html"],
    ],
)
def test_files_that_cannot_be_used_are_wrong_use(
    command: list[str], dedupe: Dedupe, output: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "file").write_text("")
    result = dedupe(*[word.replace("{out}", str(output)) for word in command])
    assert result.exit_code == 2
    assert command[-1] in result.stderr
    assert "Nothing was published" not in result.stderr


def test_a_path_without_a_name_and_a_closed_standard_input_are_told(
    dedupe: Dedupe, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    told = dedupe("clean", "", "-o", tmp_path / "out")
    assert (told.exit_code, told.stderr.splitlines()[0]) == (2, "dedupe: One of the paths is empty.")
    monkeypatch.setattr("dedupe.read.discovery.sys.stdin", None)
    with pytest.raises(UsageError, match="Standard input is closed"):
        job.clean(["-"], tmp_path / "out", workers=1)
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_is_input_and_output_is_told_what_to_do(dedupe: Dedupe, tmp_path: Path) -> None:
    write(tmp_path / "in.jsonl", [{"text": words(1)}])
    assert dedupe("clean", tmp_path, "-o", tmp_path, "--no-stories").exit_code == 2
    assert dedupe("clean", tmp_path / "in.jsonl", "-o", tmp_path, "--no-stories").exit_code == 0
    again = dedupe("clean", tmp_path, "-o", tmp_path, "--no-stories")
    assert again.exit_code == 2
    assert "give their files and another folder for the output" in again.stderr
    assert dedupe("clean", tmp_path / "in.jsonl", "-o", tmp_path, "--no-stories").exit_code == 0


def test_a_sample_speaks_of_no_table(dedupe: Dedupe, tmp_path: Path) -> None:
    source = write(tmp_path / "in.jsonl", [{"text": words(1)}, {"text": ""}])
    assert "empty 1\n" in dedupe("clean", source, "--sample", "2", "--no-stories").stdout
    assert "empty 1 (reasons in rejects.parquet)\n" in dedupe("clean", source, "-o", tmp_path / "out", "--no-stories").stdout


def test_a_report_makes_the_folders_it_is_to_lie_in(dedupe: Dedupe, output: Path, tmp_path: Path) -> None:
    assert dedupe("report", output, "-o", tmp_path / "a" / "b" / "c.html").exit_code == 0
    assert [path.name for path in (tmp_path / "a" / "b").iterdir()] == ["c.html"]


def test_a_sample_says_what_it_counted_and_shows_progress(dedupe: Dedupe, tmp_path: Path) -> None:
    rows: list[dict[str, object]] = [{"text": words(seed), "date": "2025-04-03 10:00"} for seed in range(30)]
    result = dedupe("clean", write(tmp_path / "in.jsonl", rows), "--sample", "4", "--no-stories")
    assert "read       4 records" in result.stdout
    assert "date without zone 30 (counted before the sample was cut)" in result.stdout
    assert "match and verify: done" in result.stderr


def test_an_increment_tells_what_it_read_apart_from_what_was_there(dedupe: Dedupe, tmp_path: Path) -> None:
    first = write(tmp_path / "first.jsonl", [{"text": words(seed)} for seed in (1, 1, 2)])
    dedupe("clean", first, "-o", tmp_path / "out", "--no-stories")
    second = write(tmp_path / "second.jsonl", [{"text": words(seed)} for seed in (4, 5)])
    result = dedupe("clean", second, first, "-o", tmp_path / "out", "--previous", tmp_path / "out", "--no-stories")
    assert result.exit_code == 0, result.stderr
    told = {line.split("  ")[0]: line for line in result.stdout.splitlines()}
    assert "5 records from 2 files" in told["read"]
    assert "3 articles of the previous output; 3 of the input were among them" in told["taken over"]
    assert "5 = 5 articles + 0 rejects" in told["in = out"]
    assert "computed exactly → with those of the previous output 1 exact" in told["matched"]


def test_stats_name_rules_and_days_as_people_do(dedupe: Dedupe, seeds: Path, output: Path, tmp_path: Path) -> None:
    job.clean([seeds], tmp_path / "out", Config(despin="off"), workers=1)
    shown = dedupe("stats", tmp_path / "out").stdout
    assert "page-controls 3" in shown
    assert "R103" not in shown
    assert re.search(r"^published   20\d\d-\d\d-\d\d \d\d:\d\d UTC", shown, re.M)
    assert re.search(r"^published   not known$", dedupe("stats", output).stdout, re.M)


def test_json_holds_numbers_as_they_are_meant(dedupe: Dedupe, output: Path) -> None:
    ids = [row["article_id"] for row in pq.read_table(output / "corpus.parquet").to_pylist() if row["cluster_size"] == 2]
    for article in ids:
        told = json.loads(dedupe("explain", article, "-o", output, "--json").stdout)["article"]
        assert told["similarity"] == round(told["similarity"], 6)


def test_ids_are_taken_as_people_have_them(dedupe: Dedupe, output: Path, tmp_path: Path) -> None:
    table = pq.read_table(output / "corpus.parquet").to_pylist()
    cluster = next(row for row in table if row["cluster_size"] == 2)
    shown = dedupe("explain", cluster["cluster_id"], "-o", output).stdout
    assert shown.startswith(cluster["canonical_id"])
    empty = dedupe("explain", "", "-o", output)
    assert (empty.exit_code, "The ID is empty." in empty.stderr) == (2, True)
    rows: list[dict[str, object]] = [{"text": words(seed, 20)} for seed in range(40)]
    job.clean([write(tmp_path / "in.jsonl", rows)], tmp_path / "out", Config(stories=False), workers=1)
    first = sorted(row["article_id"] for row in pq.read_table(tmp_path / "out" / "corpus.parquet").to_pylist())
    start, several = next(
        (one[0], [o for o in first if o[0] == one[0]]) for one in first if sum(o[0] == one[0] for o in first) > 3
    )
    several_said = dedupe("explain", start, "-o", tmp_path / "out").stderr
    assert f"{len(several)} articles have an ID that starts with {start}: " in several_said
    assert sum(one[:12] in several_said for one in several) == 3
    # A takedown names articles, never clusters.
    assert dedupe("forget", output, "--id", cluster["cluster_id"]).exit_code == 2


def test_one_is_said_of_one(dedupe: Dedupe, tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    write(tmp_path / "in" / "a.jsonl", [{"text": words(1)}])
    (tmp_path / "in" / "a.pdf").write_bytes(b"%PDF")
    shown = dedupe("clean", tmp_path / "in", "-o", tmp_path / "out").stdout
    assert "skipped    1 file that holds no articles we can read: 1 .pdf." in shown
    assert repr(Corpus.open(tmp_path / "out")).startswith("<Corpus of 1 article in 1 cluster, 0 rejects, ")
    card = (tmp_path / "out" / "README.md").read_text(encoding="utf-8")
    assert "1 article in 1 cluster, made by dedupe from 1 record;" in card


@pytest.mark.parametrize("name", ["corpus", "edits", "pairs", "clusters", "stories", "rejects"])
def test_a_report_of_a_damaged_output_names_what_is_damaged(name: str, dedupe: Dedupe, output: Path, tmp_path: Path) -> None:
    shutil.copytree(output, tmp_path / "out")
    path = tmp_path / "out" / f"{name}.parquet"
    path.write_bytes(path.read_bytes()[:-20])
    result = dedupe("report", tmp_path / "out")
    assert result.exit_code == 3
    assert f"{name}.parquet of {tmp_path / 'out'} is damaged: " in result.stderr
    assert "on all of its input" in result.stderr
