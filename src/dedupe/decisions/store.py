"""The file that keeps decisions: SQLite beside the output, added to and never changed.

A run replaces its output whole; the file lies beside it, as `OUTPUT.decisions.sqlite`, and outlives every run. Triggers refuse
to change or remove a row. Any number of processes may read and write: each act is one short transaction, and a writer waits for
another. There is no write-ahead log, so that the one file is all there is to copy.
"""

from __future__ import annotations

import json
import os
import sqlite3
from collections.abc import Iterable, Iterator, Sequence, Set
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

from dedupe.decisions.facts import (
    Act,
    Batch,
    Fact,
    Reference,
    batch_line,
    batch_uid,
    check_batch,
    read_batch_line,
    timestamp,
)
from dedupe.decisions.standing import Conflict, Standing, standing_of
from dedupe.errors import OutputError, UsageError

_VERSION = 1
_PATIENCE_SECONDS = 30.0
_SCHEMA = """
CREATE TABLE batches (
  id INTEGER PRIMARY KEY AUTOINCREMENT, uid TEXT NOT NULL UNIQUE, act TEXT NOT NULL, who TEXT NOT NULL, at TEXT NOT NULL,
  queue TEXT NOT NULL, note TEXT NOT NULL, bulk INTEGER NOT NULL, undoes TEXT
);
CREATE TABLE facts (
  id INTEGER PRIMARY KEY AUTOINCREMENT, batch INTEGER NOT NULL REFERENCES batches (id), kind TEXT NOT NULL, groups TEXT NOT NULL,
  details TEXT NOT NULL
);
CREATE INDEX facts_of_batch ON facts (batch);
CREATE TABLE articles (article_id TEXT PRIMARY KEY, url TEXT, publisher TEXT, sketch BLOB NOT NULL) WITHOUT ROWID;
"""
_TRIGGER = """
CREATE TRIGGER {table}_{verb} BEFORE {verb} ON {table}
BEGIN SELECT RAISE(ABORT, 'decisions are added, never changed or removed'); END;
"""


def decisions_path(output: Path) -> Path:
    """Return where the decisions about an output lie: beside its folder, under its name."""
    folder = Path(os.path.abspath(output))
    return folder.with_name(f"{folder.name}.decisions.sqlite")


class Decisions:
    """Keep and read the decisions about an output.

    Opening makes no file: the first decision does. Safe to use from several threads and processes, since every call has its own
    connection. Raises OutputError where the file is none of ours or cannot be used.
    """

    def __init__(self, path: Path) -> None:
        self.path = path

    @classmethod
    def open(cls, output: Path) -> Decisions:
        """Open the decisions that lie beside an output folder, whether or not there are any."""
        return cls(decisions_path(output))

    def record(
        self,
        act: Act,
        facts: Iterable[Fact],
        *,
        who: str,
        queue: str,
        articles: Iterable[Reference],
        note: str = "",
        bulk: bool = False,
    ) -> int:
        """Keep one act of a person and return its number in this file.

        `articles` describes every article that the facts name (`dedupe.corpus.references` makes them from an output). `bulk`:
        one act over many clusters that were not looked at one by one. Raises UsageError for facts that make no sense.
        """
        return self._add(act, tuple(facts), list(articles), who, queue, note, bulk, None)

    def undo(self, batch_id: int | None = None, *, who: str) -> int | None:
        """Take back a batch, by a batch of its own; return that one's number, or None where there is nothing to take back.

        Without a number, the latest standing act of this person that is no undo. Undoing an undo brings the act back.
        Raises UsageError for a number that is not there, or that was taken back already.
        """
        batches = self.batches()
        if batch_id is None:
            own = [batch for batch in batches if batch.standing and batch.who == who and batch.act != "undo"]
            if not own:
                return None
            target = own[-1]
        else:
            found = [batch for batch in batches if batch.batch_id == batch_id]
            if not found:
                raise UsageError(f"There is no decision {batch_id}.", "`dedupe decisions OUTPUT` lists them.")
            target = found[0]
            if not target.standing:
                raise UsageError(f"Decision {batch_id} was taken back already.", "Undo the undo to bring it back.")
        return self._add("undo", (), [], who, target.queue, "", False, target.uid)

    def recent(self, n: int = 10) -> list[Batch]:
        """Return the last batches recorded here, the latest first; undone ones and undos are among them."""
        return self.batches()[: -n - 1 : -1] if n > 0 else []

    def batches(self) -> list[Batch]:
        """Return all batches, in the order in which they came into this file."""
        if not self.path.exists():
            return []
        with self._connected() as connection:
            facts: dict[int, list[Fact]] = {}
            for batch, kind, groups, details in connection.execute("SELECT batch, kind, groups, details FROM facts ORDER BY id"):
                read = tuple(tuple(group) for group in json.loads(groups))
                facts.setdefault(batch, []).append(Fact(kind, read, json.loads(details)))
            rows = connection.execute("SELECT id, uid, act, who, at, queue, note, bulk, undoes FROM batches ORDER BY id")
            batches = [Batch._make([*row[:7], bool(row[7]), row[8], tuple(facts.get(row[0], ())), True]) for row in rows]
        return _with_standing(batches)

    def latest(self) -> int:
        """Return the number of the last batch, 0 for none: what was computed from the decisions holds until it grows."""
        if not self.path.exists():
            return 0
        with self._connected() as connection:
            found: int | None = connection.execute("SELECT max(id) FROM batches").fetchone()[0]
        return found or 0

    def articles(self, ids: Iterable[str] | None = None) -> dict[str, Reference]:
        """Return what is known of the articles that decisions name: of all, or of some."""
        if not self.path.exists():
            return {}
        with self._connected() as connection:
            rows = connection.execute("SELECT article_id, url, publisher, sketch FROM articles ORDER BY article_id")
            wanted = None if ids is None else set(ids)
            return {row[0]: Reference(*row) for row in rows if wanted is None or row[0] in wanted}

    def standing(self) -> Standing:
        """Return what holds now, of all that was decided."""
        return standing_of(self.batches())

    def conflicts(self) -> list[Conflict]:
        """Return where standing decisions contradict one another; see `Standing.conflicts` for which of them holds meanwhile."""
        return list(self.standing().conflicts)

    def export_lines(self) -> Iterator[str]:
        """Yield every batch as one line of JSON, undone ones and undos as well, in the order recorded."""
        known = self.articles()
        for batch in self.batches():
            named = dict.fromkeys(one for fact in batch.facts for one in fact.articles)
            yield batch_line(batch, [known[one] for one in named])

    def import_lines(self, lines: Iterable[str]) -> int:
        """Add the batches of an export that are not here yet, and return how many: all of them or, where a line is bad, none.

        Nobody's decision is replaced: what contradicts another is listed by `conflicts`. Raises UsageError naming the bad line.
        """
        read: list[tuple[Batch, list[Reference]]] = []
        for number, line in enumerate(lines, start=1):
            if not line.strip():
                continue
            try:
                read.append(read_batch_line(line))
            except UsageError as error:
                hint = "Nothing was imported; export the decisions again with `dedupe decisions OUTPUT --export FILE`."
                raise UsageError(f"Line {number:,} is no decision: {error.sentence}", hint) from None
        if not read:
            return 0
        with self._connected(create=True) as connection:
            return sum(self._insert(connection, batch, articles) is not None for batch, articles in read)

    def forget(self, ids: Set[str]) -> int:
        """Write the file anew without these articles, and return from how many facts they went.

        The one exception to what is kept for good: a takedown asks for it. Links among the other articles of a fact stay; notes
        of the acts that named a forgotten one do not, for they may quote it. The file is replaced whole.
        """
        batches, known = self.batches(), self.articles()
        if not ids & known.keys():
            return 0
        draft = Decisions(self.path.with_name(f"{self.path.name}.tmp"))
        draft.path.unlink(missing_ok=True)
        left = _left_of(batches, ids)
        with draft._connected(create=True) as connection:
            for batch in batches:
                told = left[batch.uid]
                if told.facts or told.act == "undo":
                    named = {one for fact in told.facts for one in fact.articles}
                    draft._insert(connection, told, [known[one] for one in sorted(named)])
        os.replace(draft.path, self.path)
        return sum(1 for batch in batches for fact in batch.facts if ids & set(fact.articles))

    def _add(
        self,
        act: Act,
        facts: tuple[Fact, ...],
        articles: list[Reference],
        who: str,
        queue: str,
        note: str,
        bulk: bool,
        undoes: str | None,
    ) -> int:
        moment = datetime.now(UTC)
        check_batch(Batch(0, "", act, who, timestamp(moment), queue, note, bulk, undoes, facts), articles)
        with self._connected(create=True) as connection:
            # Inside the transaction, so that what one person does later has the later time, whatever the clock does.
            last = connection.execute("SELECT max(at) FROM batches WHERE who = ?", (who,)).fetchone()[0]
            while last is not None and timestamp(moment) <= last:
                moment = datetime.fromisoformat(last) + timedelta(microseconds=1)
            batch = Batch(0, "", act, who, timestamp(moment), queue, note, bulk, undoes, facts)
            number = self._insert(connection, batch._replace(uid=batch_uid(batch)), articles)
        assert number is not None
        return number

    def _insert(self, connection: sqlite3.Connection, batch: Batch, articles: Sequence[Reference]) -> int | None:
        if connection.execute("SELECT 1 FROM batches WHERE uid = ?", (batch.uid,)).fetchone():
            return None
        cursor = connection.execute(
            "INSERT INTO batches (uid, act, who, at, queue, note, bulk, undoes) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            (batch.uid, batch.act, batch.who, batch.at, batch.queue, batch.note, batch.bulk, batch.undoes),
        )
        number = cursor.lastrowid
        connection.executemany(
            "INSERT INTO facts (batch, kind, groups, details) VALUES (?, ?, ?, ?)",
            ((number, fact.kind, json.dumps(fact.groups), json.dumps(dict(fact.details))) for fact in batch.facts),
        )
        connection.executemany("INSERT OR IGNORE INTO articles VALUES (?, ?, ?, ?)", articles)
        return number

    @contextmanager
    def _connected(self, create: bool = False) -> Iterator[sqlite3.Connection]:
        # One transaction: a writer holds the file from its first statement on, so that two never see the same last time.
        connection: sqlite3.Connection | None = None
        try:
            connection = sqlite3.connect(self.path, timeout=_PATIENCE_SECONDS, isolation_level=None)
            connection.execute("BEGIN IMMEDIATE" if create else "BEGIN")
            version = connection.execute("PRAGMA user_version").fetchone()[0]
            if version > _VERSION:
                raise OutputError(
                    f"{self.path} was written by a newer version of dedupe.", "Upgrade with: pip install --upgrade article-dedupe"
                )
            if version == 0:
                self._make(connection)
            yield connection
            connection.execute("COMMIT")
        except sqlite3.Error as error:
            raise OutputError(
                f"The decisions in {self.path} cannot be used: {error}.", "Check that the file is whole and may be written."
            ) from error
        finally:
            if connection is not None:
                connection.close()  # what was not committed is rolled back

    def _make(self, connection: sqlite3.Connection) -> None:
        if connection.execute("SELECT 1 FROM sqlite_master").fetchone():
            raise OutputError(f"{self.path} is a database, but none of dedupe's.", "Move it away.")
        triggers = (
            _TRIGGER.format(table=table, verb=verb) for table in ("batches", "facts", "articles") for verb in ("UPDATE", "DELETE")
        )
        for statement in [*_SCHEMA.split(";\n"), *triggers]:
            if statement.strip():
                connection.execute(statement)
        connection.execute(f"PRAGMA user_version = {_VERSION}")


def _left_of(batches: Sequence[Batch], ids: Set[str]) -> dict[str, Batch]:
    # Each batch by its uid, as it is without these articles. Its uid is another then, and so is that of whatever takes it back;
    # an undo may stand before the batch that it names, where both were imported.
    known = {batch.uid: batch for batch in batches}
    left: dict[str, Batch] = {}
    for batch in batches:
        chain = [batch]
        while chain[-1].undoes in known and chain[-1].undoes not in left:
            chain.append(known[chain[-1].undoes])
        for one in reversed(chain):
            facts = tuple(kept for fact in one.facts for kept in _without(fact, ids))
            touched = any(ids & set(fact.articles) for fact in one.facts)
            undoes = left[one.undoes].uid if one.undoes in left else one.undoes
            told = one._replace(facts=facts, note="" if touched else one.note, undoes=undoes)
            left[one.uid] = told._replace(uid=batch_uid(told)) if touched or undoes != one.undoes else one
    return left


def _without(fact: Fact, ids: Set[str]) -> Iterator[Fact]:
    if not ids & set(fact.articles):
        yield fact
        return
    groups = tuple(group for group in (tuple(one for one in group if one not in ids) for group in fact.groups) if group)
    several = len(groups) > 1 if fact.kind == "cannot_link" else sum(map(len, groups)) > 1
    if fact.kind in ("must_link", "cannot_link") and several:
        yield fact._replace(groups=groups)


def _with_standing(batches: list[Batch]) -> list[Batch]:
    # A batch stands where no standing batch takes it back. What undoes what forms no circle, since a uid is a hash of what it
    # names; so each is settled once those that take it back are.
    undone_by: dict[str, list[str]] = {}
    for batch in batches:
        if batch.undoes is not None:
            undone_by.setdefault(batch.undoes, []).append(batch.uid)
    stands: dict[str, bool] = {}
    for batch in batches:
        waiting = [batch.uid]
        while waiting:
            uid = waiting[-1]
            open_ones = [one for one in undone_by.get(uid, ()) if one not in stands]
            if uid not in stands and open_ones:
                waiting += open_ones
                continue
            stands[uid] = not any(stands[one] for one in undone_by.get(uid, ()))
            waiting.pop()
    return [batch._replace(standing=stands[batch.uid]) for batch in batches]
