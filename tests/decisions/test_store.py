import json
import multiprocessing
import sqlite3
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dedupe.decisions.facts import (
    Batch,
    Fact,
    Reference,
    accepted,
    batch_line,
    batch_uid,
    cannot_link,
    canonical,
    edit_refused,
    must_link,
    skipped,
    timestamp,
)
from dedupe.decisions.store import Decisions, decisions_path
from dedupe.errors import OutputError, UsageError

IDS = [f"{number:032x}" for number in range(8)]
REFERENCES = [Reference(one, f"http://a.com/{one}", None, b"1234") for one in IDS]

someone = st.sampled_from(["ann", "bob", "Čeněk"])
some_ids = st.lists(st.sampled_from(IDS), min_size=2, max_size=5, unique=True)
plain_text = st.text(st.characters(codec="utf-8"), max_size=20)


@st.composite
def facts(draw: st.DrawFn) -> tuple[str, Fact]:
    ids = draw(some_ids)
    kind = draw(st.sampled_from(["accept", "merge", "split", "not_duplicates", "make_canonical", "undo_repair", "audit", "skip"]))
    if kind == "split":
        cut = draw(st.integers(1, len(ids) - 1))
        return kind, cannot_link([ids[:cut], ids[cut:]])
    if kind == "undo_repair":
        return kind, edit_refused(ids[0], "text", "R100", *(draw(plain_text) for _ in range(5)))
    return kind, {
        "accept": accepted(ids),
        "merge": must_link(ids),
        "not_duplicates": cannot_link([[one] for one in ids]),
        "make_canonical": canonical(ids[0], ids),
        "audit": must_link(ids[:2], relation="near", similarity=draw(st.floats(0, 1))),
        "skip": skipped(ids),
    }[kind]


def filled(folder: Path, steps: list[tuple[str, tuple[str, Fact] | None, str, bool]]) -> Decisions:
    decisions = Decisions.open(folder / "out")
    for who, step, note, bulk in steps:
        if step is None:
            decisions.undo(who=who)
        else:
            decisions.record(step[0], [step[1]], who=who, queue="doubt", articles=REFERENCES, note=note, bulk=bulk)  # type: ignore[arg-type]
    return decisions


steps = st.lists(st.tuples(someone, st.none() | facts(), plain_text, st.booleans()), max_size=6)
in_one_folder = settings(
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow], max_examples=30, deadline=None
)


@in_one_folder
@given(steps)
def test_an_export_imported_elsewhere_says_the_same(tmp_path_factory: pytest.TempPathFactory, given_steps: list) -> None:  # type: ignore[type-arg]
    folder = tmp_path_factory.mktemp("decisions")
    ours = filled(folder, given_steps)
    lines = list(ours.export_lines())
    theirs = Decisions(folder / "theirs.sqlite")
    # In any order of lines, since an undo may come before what it takes back.
    assert theirs.import_lines(lines[::-1]) == len(lines)
    assert theirs.import_lines(lines) == 0
    assert sorted(theirs.export_lines()) == sorted(lines)
    mine, other = ours.standing(), theirs.standing()
    assert [one[:1] for one in mine.must_links] == [one[:1] for one in other.must_links]
    assert [one[:1] for one in mine.cannot_links] == [one[:1] for one in other.cannot_links]
    assert {batch.uid: batch.standing for batch in ours.batches()} == {batch.uid: batch.standing for batch in theirs.batches()}


def test_undoing_an_undo_brings_the_act_back(tmp_path: Path) -> None:
    decisions = Decisions.open(tmp_path / "out")
    act = decisions.record("merge", [must_link(IDS[:2])], who="ann", queue="doubt", articles=REFERENCES)
    undo = decisions.undo(who="ann")
    assert undo is not None
    assert decisions.standing().must_links == ()
    again = decisions.undo(undo, who="bob")
    assert [link.articles for link in decisions.standing().must_links] == [tuple(IDS[:2])]
    assert again is not None
    decisions.undo(again, who="ann")
    assert decisions.standing().must_links == ()
    assert [batch.standing for batch in decisions.batches()] == [False, True, False, True]
    with pytest.raises(UsageError, match="already"):
        decisions.undo(act, who="ann")
    with pytest.raises(UsageError, match="no decision 99"):
        decisions.undo(99, who="ann")


def test_undo_takes_back_the_last_own_act_and_the_one_before(tmp_path: Path) -> None:
    decisions = Decisions.open(tmp_path / "out")
    assert decisions.undo(who="ann") is None
    for ids in (IDS[:2], IDS[2:4]):
        decisions.record("merge", [must_link(ids)], who="ann", queue="doubt", articles=REFERENCES)
    decisions.record("merge", [must_link(IDS[4:6])], who="bob", queue="doubt", articles=REFERENCES)
    for left in ([tuple(IDS[:2]), tuple(IDS[4:6])], [tuple(IDS[4:6])]):
        decisions.undo(who="ann")
        assert [link.articles for link in decisions.standing().must_links] == left
    assert decisions.undo(who="ann") is None


def test_looking_makes_no_file(tmp_path: Path) -> None:
    decisions = Decisions.open(tmp_path / "out")
    assert (decisions.batches(), decisions.latest(), decisions.recent(), decisions.articles()) == ([], 0, [], {})
    assert list(decisions.export_lines()) == []
    assert decisions.import_lines(["", "\n"]) == 0
    assert list(tmp_path.iterdir()) == []
    assert decisions_path(tmp_path / "out") == tmp_path / "out.decisions.sqlite"


def test_nothing_is_changed_or_removed(tmp_path: Path) -> None:
    decisions = Decisions.open(tmp_path / "out")
    decisions.record("accept", [accepted(IDS[:2])], who="ann", queue="doubt", articles=REFERENCES)
    with sqlite3.connect(decisions.path) as connection:
        for table in ("batches", "facts", "articles"):
            for statement in (f"DELETE FROM {table}", f"UPDATE {table} SET rowid = 9", f"UPDATE {table} SET article_id = ''"):
                with pytest.raises(sqlite3.Error):
                    connection.execute(statement)
            with pytest.raises(sqlite3.IntegrityError, match="never changed or removed"):
                connection.execute(f"DELETE FROM {table}")
    assert len(decisions.batches()) == 1


def test_the_last_ten_come_last_first(tmp_path: Path) -> None:
    decisions = Decisions.open(tmp_path / "out")
    for number in range(12):
        decisions.record("skip", [skipped(IDS[:2])], who="ann", queue="doubt", articles=REFERENCES, note=str(number))
    assert [batch.note for batch in decisions.recent()] == [str(number) for number in range(11, 1, -1)]
    assert decisions.latest() == 12


def write_some(path: Path, who: str) -> None:
    for _ in range(15):
        Decisions(path).record("skip", [skipped(IDS[:2])], who=who, queue="doubt", articles=REFERENCES)


def test_processes_write_at_once(tmp_path: Path) -> None:
    path = tmp_path / "shared.sqlite"
    context = multiprocessing.get_context("fork" if "fork" in multiprocessing.get_all_start_methods() else "spawn")
    writers = [context.Process(target=write_some, args=(path, who)) for who in ("ann", "bob", "bob")]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    batches = Decisions(path).batches()
    assert [writer.exitcode for writer in writers] == [0, 0, 0]
    assert len({batch.uid for batch in batches}) == len(batches) == 45
    for who in ("ann", "bob"):
        times = [batch.at for batch in batches if batch.who == who]
        assert times == sorted(set(times))


def a_batch(**changes: object) -> Batch:
    now = timestamp(datetime.now(UTC))
    batch = Batch(0, "", "merge", "ann", now, "doubt", "", False, None, (must_link(IDS[:2]),))._replace(**changes)
    return batch._replace(uid=batch_uid(batch))


FORGED = {
    "its uid": json.dumps(json.loads(batch_line(a_batch(), REFERENCES[:2])) | {"who": "eve"}),
    "not JSON": "{",
    "no JSON object": "[]",
    "has not exactly": json.dumps(json.loads(batch_line(a_batch(), REFERENCES[:2])) | {"more": 1}),
    "lies in the future": batch_line(a_batch(at=timestamp(datetime.now(UTC) + timedelta(days=3))), REFERENCES[:2]),
    "is no act": batch_line(a_batch(act="drop table"), REFERENCES[:2]),
    "no UTC time": batch_line(a_batch(at="2026-13-01T00:00:00.000000Z"), REFERENCES[:2]),
    "not described": batch_line(a_batch(), REFERENCES[:1]),
    "no article ID": batch_line(a_batch(facts=(must_link(["x", "y"]),)), REFERENCES[:2]),
    "one group of two or more": batch_line(a_batch(facts=(must_link(IDS[:1]),)), REFERENCES[:2]),
    "share nothing": batch_line(a_batch(facts=(cannot_link([IDS[:2], IDS[1:3]]),)), REFERENCES[:3]),
    "one of its members": batch_line(a_batch(facts=(canonical(IDS[0], IDS[1:3]),)), REFERENCES[:3]),
    "who decided": batch_line(a_batch(who="  "), REFERENCES[:2]),
    "show nothing": batch_line(a_batch(who="\x1b[2J"), REFERENCES[:2]),
    "between 0 and 1": batch_line(a_batch(facts=(must_link(IDS[:2], "near", 7.0),)), REFERENCES[:2]),
    "names the batch it takes back": batch_line(a_batch(undoes="0" * 32), REFERENCES[:2]),
    "no kind of fact": batch_line(a_batch(facts=(Fact("obey", (tuple(IDS[:2]),), {}),)), REFERENCES[:2]),  # type: ignore[arg-type]
    "is of no length": batch_line(a_batch(), [one._replace(sketch=b"123") for one in REFERENCES[:2]]),
    "the url of": batch_line(a_batch(), [one._replace(url=7) for one in REFERENCES[:2]]),  # type: ignore[arg-type]
}


@pytest.mark.parametrize("said", FORGED)
def test_forged_lines_are_refused_with_the_whole_import(tmp_path: Path, said: str) -> None:
    decisions = Decisions.open(tmp_path / "out")
    good = batch_line(a_batch(), REFERENCES[:2])
    with pytest.raises(UsageError, match="Line 2 ") as refused:
        decisions.import_lines([good, FORGED[said]])
    assert said.casefold() in refused.value.sentence.casefold()
    assert not decisions.path.exists()
    assert decisions.import_lines([good]) == 1


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    st.recursive(st.none() | st.booleans() | st.integers() | plain_text, lambda inner: st.lists(inner, max_size=3), max_leaves=6),
    st.sampled_from(["uid", "act", "who", "at", "queue", "note", "bulk", "undoes", "facts", "articles"]),
)
def test_any_other_value_in_a_line_is_refused_in_words(value: object, name: str) -> None:
    line = json.loads(batch_line(a_batch(), REFERENCES[:2]))
    if line[name] == value:
        return
    with pytest.raises(UsageError):
        Decisions(Path("nowhere.sqlite")).import_lines([json.dumps(line | {name: value})])


def test_a_file_that_is_none_of_ours_is_refused(tmp_path: Path) -> None:
    decisions = Decisions.open(tmp_path / "out")
    decisions.path.write_bytes(b"no database" * 100)
    with pytest.raises(OutputError):
        decisions.batches()
    decisions.path.unlink()
    with sqlite3.connect(decisions.path) as connection:
        connection.execute("CREATE TABLE theirs (x)")
    with pytest.raises(OutputError, match="none of dedupe's"):
        decisions.record("skip", [skipped(IDS[:1])], who="ann", queue="doubt", articles=REFERENCES)
    with sqlite3.connect(decisions.path) as connection:
        connection.execute("PRAGMA user_version = 99")
    with pytest.raises(OutputError, match="newer"):
        decisions.batches()


def test_a_decision_that_makes_no_sense_is_not_kept(tmp_path: Path) -> None:
    decisions = Decisions.open(tmp_path / "out")
    for facts_given, articles in (([], REFERENCES), ([must_link(IDS[:2])], []), ([must_link([IDS[0], IDS[0]])], REFERENCES)):
        with pytest.raises(UsageError):
            decisions.record("merge", facts_given, who="ann", queue="doubt", articles=articles)
    assert decisions.batches() == []


def test_what_forgets_an_article_takes_nothing_else_back(tmp_path: Path) -> None:
    ours = Decisions(tmp_path / "ours.sqlite")
    for ids in (IDS[:2], IDS[2:5], IDS[5:7]):
        ours.record("merge", [must_link(ids)], who="ann", queue="doubt", articles=REFERENCES)
    ours.undo(2, who="bob")
    # Imported, so that the undo stands before what it takes back.
    decisions = Decisions(tmp_path / "theirs.sqlite")
    decisions.import_lines(list(ours.export_lines())[::-1])
    assert decisions.forget({IDS[0], IDS[2]}) == 2
    assert [link.articles for link in decisions.standing().must_links] == [tuple(IDS[5:7])]
    assert not {IDS[0], IDS[2]} & decisions.articles().keys()
    lines = list(decisions.export_lines())
    assert len(lines) == 3
    assert Decisions(tmp_path / "again.sqlite").import_lines(lines) == 3
