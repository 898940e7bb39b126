import json
import random
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from click.testing import Result

from dedupe import job, restore
from dedupe.corpus.inspect import check_output
from dedupe.corpus.output import Output
from dedupe.corpus.references import References, refusal_of
from dedupe.decisions.facts import Fact, accepted, cannot_link, canonical, must_link, skipped
from dedupe.decisions.standing import still_decided
from dedupe.decisions.store import Decisions

Command = Callable[..., Result]

WORDS = [f"{a}{b}{c}" for a in ("ka", "lo", "mi", "ne", "su", "ta") for b in ("r", "nt", "sk", "ma") for c in range(30)]


def article(rng: random.Random, words: int = 150) -> str:
    return " ".join(rng.choice(WORDS) for _ in range(words)).capitalize() + "."


def records(events: int = 4, copies: int = 3) -> list[dict[str, Any]]:
    """Some articles in near copies: row `3 * n + k` is copy k of article n. The first ends with a mark that a rule removes."""
    rng = random.Random(3)
    rows = []
    for event in range(events):
        words = article(rng).split()
        for copy in range(copies):
            own = [*words[: 10 + 7 * copy], "changed", *words[11 + 7 * copy :]]
            site = f"s{copy}.com"
            rows.append({"text": " ".join(own), "url": f"http://{site}/a{event}", "title": f"T{event}", "site": site})
    rows[0]["text"] += "\n\nAdvertisement\n\nThe end of it all."
    return rows


class Desk:
    """A person at an output: runs it, decides about rows of the input, and looks at what came of it."""

    def __init__(self, folder: Path, rows: list[dict[str, Any]]) -> None:
        self.folder, self.rows, self.output = folder, rows, folder / "out"

    def run(self, **options: Any) -> list[dict[str, Any]]:
        (self.folder / "in.jsonl").write_text("\n".join(map(json.dumps, self.rows)), encoding="utf-8")
        self.summary = job.clean([self.folder / "in.jsonl"], self.output, **{"workers": 1} | options)
        assert check_output(self.output) == []
        table: list[dict[str, Any]] = sorted(
            pq.read_table(self.output / "corpus.parquet").to_pylist(), key=lambda row: int(row["record"])
        )
        self.ids = [row["article_id"] for row in table]
        return table

    def decide(self, act: str, fact: Fact, who: str = "ann", queue: str = "doubt") -> int:
        references = References(Output(self.output)).of(fact.articles)
        return Decisions.open(self.output).record(act, [fact], who=who, queue=queue, articles=references)  # type: ignore[arg-type]

    def some(self, *rows: int) -> list[str]:
        return [self.ids[row] for row in rows]

    def clusters(self, table: list[dict[str, Any]]) -> list[list[int]]:
        found: dict[str, list[int]] = {}
        for at, row in enumerate(table):
            found.setdefault(row["cluster_id"], []).append(at)
        return sorted(found.values())


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path, records())


def snapshot(output: Path) -> dict[str, bytes]:
    files = {path.name: path.read_bytes() for path in output.iterdir() if path.suffix in {".parquet", ".md"}}
    manifest = json.loads((output / "manifest.json").read_text(encoding="utf-8"))
    del manifest["run"]
    return files | {"manifest": json.dumps(manifest).encode()}


def test_every_kind_of_decision_is_honoured_by_every_later_run(desk: Desk, dedupe: Command) -> None:
    before = desk.run()
    assert desk.clusters(before) == [[0, 1, 2], [3, 4, 5], [6, 7, 8], [9, 10, 11]]
    assert desk.summary.decisions == {}
    assert Output(desk.output).manifest["input"]["decisions"] is None
    chosen = next(at for at in (9, 10, 11) if not before[at]["is_canonical"])
    desk.decide("split", cannot_link([desk.some(0), desk.some(1, 2)]))
    desk.decide("merge", must_link(desk.some(3, 4, 5, 6, 7, 8)))
    desk.decide("make_canonical", canonical(desk.ids[chosen], desk.some(9, 10, 11)), who="bob")
    desk.decide("undo_repair", refusal_of(Output(desk.output), desk.ids[0], 0), who="bob")
    desk.decide("skip", skipped(desk.some(0, 1, 2)))
    for _ in range(2):
        after = desk.run()
        assert desk.clusters(after) == [[0], [1, 2], [3, 4, 5, 6, 7, 8], [9, 10, 11]]
        assert desk.summary.decisions == {"honoured": 4, "not_found": 0, "contradicted": 0}
    standing = Decisions.open(desk.output).standing()
    for members in desk.clusters(after)[1:]:
        assert still_decided(desk.some(*members), standing).state == "decided"
    # Merged: those that no edge joins are there by the decision, and pairs.parquet says whose it was.
    assert [row["relation"] for row in after[3:9]].count("decided") == 3
    pairs = [row for row in pq.read_table(desk.output / "pairs.parquet").to_pylist() if row["relation"] == "decided"]
    assert len(pairs) == 3
    assert all(row["evidence"].startswith("decided by ann on 20") for row in pairs)
    # The canonical and why; the others are measured against it.
    assert after[chosen]["is_canonical"]
    assert {row["relation"] for row in after[9:12]} == {"canonical", "near"}
    reasons = {row["canonical_id"]: row["why_canonical"] for row in pq.read_table(desk.output / "clusters.parquet").to_pylist()}
    assert reasons[desk.ids[chosen]].startswith("bob chose it on 20")
    # The refused edit: the wording stays, and the ledger has no such edit.
    assert "Advertisement" in after[0]["text"]
    assert after[0]["n_edits"] == 0
    assert "R100" not in desk.summary.rules
    assert Output(desk.output).manifest["counts"]["decisions"] == desk.summary.decisions

    shown = dedupe("clean", desk.folder / "in.jsonl", "-o", desk.output, "--workers", "1")
    assert "decisions  4 honoured" in shown.stdout
    for ids, said in (
        (desk.some(0, 1), "ann on 20"),
        (desk.some(0, 1), "belong apart; near, Jaccard"),
        (desk.some(3, 6), "belong together"),
    ):
        assert said in dedupe("explain", *ids, "-o", desk.output).stdout
    assert "closer to another canonical" not in dedupe("explain", *desk.some(0, 1), "-o", desk.output).stdout
    told = json.loads(dedupe("explain", desk.ids[0], "-o", desk.output, "--json").stdout)["decisions"]
    assert [(one["kind"], one["who"]) for one in told] == [("apart from", "ann"), ("edit refused", "bob")]
    assert "refused R100: Advertisement" in dedupe("explain", desk.ids[0], "-o", desk.output).stdout
    assert "chose it" in dedupe("explain", desk.ids[chosen], "-o", desk.output).stdout


def test_same_decisions_same_bytes_whoever_came_first_and_whatever_the_workers(desk: Desk) -> None:
    desk.run()
    decisions = Decisions.open(desk.output)
    desk.decide("split", cannot_link([desk.some(0), desk.some(1, 2)]))
    desk.decide("merge", must_link(desk.some(0, 3)), who="bob")
    desk.decide("accept", accepted(desk.some(6, 7, 8)), who="bob")
    desk.decide("make_canonical", canonical(desk.ids[9], desk.some(9, 10, 11)), who="eve")
    desk.decide("make_canonical", canonical(desk.ids[10], desk.some(9, 10, 11)), who="bob")
    lines = list(decisions.export_lines())
    shutil.copytree(desk.output, desk.folder / "second")
    desk.run()
    expected = snapshot(desk.output)
    Decisions.open(desk.folder / "second").import_lines(lines[::-1])
    desk.output = desk.folder / "second"
    desk.run(workers=2)
    assert snapshot(desk.output) == expected
    # What was taken back leaves no trace.
    fresh = Desk(desk.folder, desk.rows)
    fresh.output = desk.folder / "third"
    fresh.run()
    fresh.run()
    plain = snapshot(fresh.output)
    fresh.decide("merge", must_link(fresh.some(0, 3)))
    Decisions.open(fresh.output).undo(who="ann")
    fresh.output = desk.folder / "fourth"
    shutil.copyfile(Decisions.open(desk.folder / "third").path, Decisions.open(fresh.output).path)
    fresh.run()
    fresh.run()
    assert snapshot(fresh.output) == plain


def test_a_corrected_article_finds_its_decision_by_its_address(desk: Desk) -> None:
    desk.run()
    old = desk.ids[0]
    desk.decide("split", cannot_link([desk.some(0), desk.some(1, 2)]))
    desk.decide("accept", accepted(desk.some(3, 4, 5)))
    desk.rows[0]["text"] = desk.rows[0]["text"].replace("The end of it all.", "Corrected on Tuesday.")
    desk.rows[3]["url"] += "?utm_source=feed"
    desk.rows[3]["text"] += " And more."
    after = desk.run()
    assert desk.ids[0] != old
    assert desk.clusters(after)[:2] == [[0], [1, 2]]
    assert desk.summary.decisions == {"honoured": 2, "not_found": 0, "contradicted": 0}
    decisions = Decisions.open(desk.output)
    moved = References(Output(desk.output)).successors(decisions)
    assert moved[old] == desk.ids[0]
    verdict = still_decided(desk.some(3, 4, 5), decisions.standing(), moved)
    assert (verdict.state, verdict.why[:17]) == ("reopened", "1 article changed")


def test_a_corrected_article_without_an_address_finds_its_decision_by_its_text(tmp_path: Path) -> None:
    rows = records()
    for row in rows:
        del row["url"]
    desk = Desk(tmp_path, rows)
    desk.run()
    desk.decide("split", cannot_link([desk.some(0), desk.some(1, 2)]))
    rows[0]["text"] = rows[0]["text"].replace("The end of it all.", "Corrected on Tuesday.")
    assert desk.clusters(desk.run())[:2] == [[0], [1, 2]]
    assert desk.summary.decisions["honoured"] == 1
    # A copy at another publisher is another article, however alike: the decision is not handed to it.
    del rows[0]
    desk.run()
    assert desk.summary.decisions == {"honoured": 0, "not_found": 1, "contradicted": 0}


def test_an_article_that_is_gone_leaves_the_rest_of_the_decision(desk: Desk) -> None:
    desk.run()
    desk.decide("merge", must_link(desk.some(0, 1, 2, 3, 4, 5)))
    del desk.rows[3]
    assert desk.clusters(desk.run())[0] == [0, 1, 2, 3, 4]
    assert desk.summary.decisions == {"honoured": 1, "not_found": 0, "contradicted": 0}


def test_decisions_of_a_previous_output_become_those_of_the_new_one(desk: Desk) -> None:
    desk.run()
    desk.decide("merge", must_link(desk.some(0, 3)))
    desk.decide("skip", skipped(desk.some(6, 7)))
    old, desk.output = desk.output, desk.folder / "new"
    desk.run(previous=old)
    assert desk.summary.decisions["honoured"] == 1
    assert list(Decisions.open(desk.output).export_lines()) == list(Decisions.open(old).export_lines())
    # From now on it has its own.
    Decisions.open(desk.output).undo(who="ann")
    Decisions.open(desk.output).undo(who="ann")
    after = desk.run(previous=old)
    assert desk.summary.decisions == {}
    assert desk.clusters(after)[0] == [0, 1, 2]
    # New IDs for clusters are no new decisions.
    desk.output = old
    desk.run(fresh=True)
    assert desk.summary.decisions["honoured"] == 1


def test_people_who_contradict_each_other_are_listed_and_apart_holds(desk: Desk, dedupe: Command) -> None:
    desk.run()
    desk.decide("accept", accepted(desk.some(0, 1, 2)), who="ann")
    assert dedupe("decisions", desk.output, "--conflicts").exit_code == 0
    desk.decide("not_duplicates", cannot_link([desk.some(0), desk.some(1), desk.some(2)]), who="bob")
    after = desk.run()
    assert desk.clusters(after)[:3] == [[0], [1], [2]]
    assert desk.summary.decisions == {"honoured": 1, "not_found": 0, "contradicted": 1}
    listed = dedupe("decisions", desk.output, "--conflicts")
    assert listed.exit_code == 1
    assert "ann on 20" in listed.stdout
    assert "they stay apart, as bob" in listed.stdout
    assert len(json.loads(dedupe("decisions", desk.output, "--conflicts", "--json").stdout)) == 1
    assert dedupe("decisions", desk.output).stdout.endswith("--conflicts   (1 conflict)\n")


def test_exact_copies_that_a_person_keeps_apart(tmp_path: Path) -> None:
    rows = records()
    rows[1]["text"] = rows[2]["text"]
    desk = Desk(tmp_path, rows)
    assert desk.clusters(desk.run())[0] == [0, 1, 2]
    desk.decide("split", cannot_link([desk.some(1), desk.some(2)]))
    after = desk.run()
    assert after[1]["cluster_id"] != after[2]["cluster_id"]
    pair = sorted(desk.some(1, 2))
    found = [row for row in pq.read_table(desk.output / "pairs.parquet").to_pylist() if [row["a_id"], row["b_id"]] == pair]
    assert [row["relation"] for row in found] == ["exact"]


def test_the_command_lists_exports_and_imports(desk: Desk, dedupe: Command, tmp_path: Path) -> None:
    assert dedupe("decisions", tmp_path / "nothing").exit_code == 2
    desk.run()
    assert "Nobody has decided" in dedupe("decisions", desk.output).stdout
    desk.decide("accept", accepted(desk.some(0, 1, 2)))
    desk.decide("merge", must_link(desk.some(3, 6)), who="bob")
    shown = dedupe("decisions", desk.output).stdout
    assert "ann: accept, 1 fact on 3 articles" in shown
    assert "2 decisions (ann 1, bob 1), of which 2 stand." in shown
    listed = json.loads(dedupe("decisions", desk.output, "--json").stdout)
    assert [one["act"] for one in listed["last"]] == ["merge", "accept"]
    assert "run `dedupe clean` again" in shown
    desk.run()
    assert f"next: dedupe review {desk.output}" in dedupe("decisions", desk.output).stdout
    exported = dedupe("decisions", desk.output, "--export", "-").stdout
    assert dedupe("decisions", desk.output, "--export", tmp_path / "d.jsonl").exit_code == 0
    assert (tmp_path / "d.jsonl").read_text(encoding="utf-8") == exported
    shutil.copytree(desk.output, tmp_path / "other")
    assert json.loads(dedupe("decisions", tmp_path / "other", "--import", tmp_path / "d.jsonl", "--json").stdout) == {
        "imported": 2
    }
    assert json.loads(dedupe("decisions", tmp_path / "other", "--import", tmp_path / "d.jsonl", "--json").stdout) == {
        "imported": 0
    }
    (tmp_path / "d.jsonl").write_text(exported.replace('"ann"', '"eve"'), encoding="utf-8")
    refused = dedupe("decisions", desk.output, "--import", tmp_path / "d.jsonl")
    assert refused.exit_code == 2
    assert "Line 1 is no decision" in refused.stderr
    (tmp_path / "d.jsonl").write_bytes(b"\xff\xfe")
    assert dedupe("decisions", desk.output, "--import", tmp_path / "d.jsonl").exit_code == 2
    assert dedupe("decisions", desk.output, "--import", "x", "--conflicts").exit_code == 2


def test_a_later_word_of_the_same_person_is_said_to_replace_the_earlier(desk: Desk, dedupe: Command) -> None:
    desk.run()
    desk.decide("split", cannot_link([desk.some(0), desk.some(1, 2)]))
    desk.decide("accept", accepted(desk.some(0, 1, 2)))
    shown = dedupe("decisions", desk.output).stdout
    assert "2 decisions (ann 2), of which 1 stands." in shown
    assert shown.count("replaced since") == 1
    assert "split, 1 fact on 3 articles, replaced since" in shown


@pytest.mark.slow
def test_refused_corrections_of_spun_words_stay_refused(tmp_path: Path, seeds: Path) -> None:
    spun = (seeds / "visit-planned-bitcoinist-spun.txt").read_text(encoding="utf-8")
    desk = Desk(tmp_path, [{"text": spun, "url": "http://a.com/1", "site": "a.com"}])
    (first,) = desk.run()
    # Another copy, with the wording as the model restored it, and a word here and there as it was in none.
    honest = first["text"].replace("the", "the very", 1)
    desk.rows.append({"text": honest, "url": "http://b.com/1", "site": "b.com"})
    desk.run()
    edits = [edit for edit in pq.read_table(desk.output / "edits.parquet").to_pylist() if edit["article_id"] == desk.ids[0]]
    wording = [edit for edit in edits if edit["rule"].startswith("R4") and len(edit["before"]) > 3]
    refused = [wording[0], wording[len(wording) // 2], wording[-1]]
    refused += [edit for edit in wording if edit["rule"] == "R401" and edit not in refused][:1]
    for edit in refused:
        desk.decide("undo_repair", refusal_of(Output(desk.output), desk.ids[0], edit["seq"]), queue="spun")
    table = desk.run()
    left = [edit for edit in pq.read_table(desk.output / "edits.parquet").to_pylist() if edit["article_id"] == desk.ids[0]]
    assert desk.summary.decisions == {"honoured": len(refused), "not_found": 0, "contradicted": 0}
    assert 0 < len(left) < len(edits)
    gone = {(edit["rule"], edit["before"], edit["after"]) for edit in refused}
    for rule, before, after in gone:
        named = (rule, before, after)
        had = sum((edit["rule"], edit["before"], edit["after"]) == named for edit in edits)
        has = sum((edit["rule"], edit["before"], edit["after"]) == named for edit in left)
        assert has < had
    assert restore(table[0]["text"], left) == spun.replace("\r\n", "\n")
