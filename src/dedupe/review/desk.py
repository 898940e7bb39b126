"""What a reviewer sits at: one output, the decisions about it, and what they make of its clusters and pairs."""

from __future__ import annotations

from collections import defaultdict
from datetime import UTC, datetime
from threading import Lock
from typing import NamedTuple

import numpy as np

from dedupe.corpus.output import Output
from dedupe.corpus.references import References
from dedupe.decisions.audit import Judged, Tally, draw, judgements, tallies
from dedupe.decisions.facts import Act, Batch, Fact, members_digest, timestamp
from dedupe.decisions.standing import Origin, Refused, Standing, Verdict, standing_of, still_decided
from dedupe.decisions.store import Decisions
from dedupe.review.catalog import Catalog
from dedupe.review.doubts import weigh
from dedupe.review.queues import AGAIN, DECIDED, OPEN, Queue

# So many decisions stay in sight.
_RECENT = 10

# The queue of stories, as decisions name it.
STORIES = "stories"

# From so many facts on a decision is taken in by itself: going through 2,000 takes 0.1 s.
_MANY = 2_000

_STATE_OF = {"open": OPEN, "decided": DECIDED, "reopened": AGAIN}


class Progress(NamedTuple):
    """Hold what the decisions make of an output.

    `states`: (clusters,) of OPEN, DECIDED, AGAIN. `skipped`: (clusters,) whether somebody passed over it. `verdicts`: of the
    clusters that are not open. `pairs`: (flagged pairs,) whether somebody has decided it. `seen`: (stories,) whether somebody has
    looked at it as it is. `recent`: the last batches, the latest
    first. `judged`, `tallies`: what the audit and the other queues say of the tool.
    """

    states: np.ndarray
    skipped: np.ndarray
    verdicts: dict[int, Verdict]
    pairs: np.ndarray
    seen: np.ndarray
    standing: Standing
    recent: tuple[Batch, ...]
    judged: list[Judged]
    tallies: list[Tally]


class Desk:
    """Hold an output open for one reviewer, and keep up with the decisions, whoever makes them."""

    def __init__(self, output: Output, who: str) -> None:
        self.output, self.who = output, who
        self.catalog = Catalog(output)
        doubts = weigh(self.catalog)
        self.bridges = doubts.bridges
        self.queue = Queue(self.catalog, doubts)
        self.decisions = Decisions.open(output.folder)
        self.references = References(output)
        self.flagged = _flagged(self.catalog)
        self._known: tuple[int, Progress] | None = None
        # What was known before the last decision, where that was taken in by itself, and whether all is known from all of them.
        self._before: tuple[int, Progress] | None = None
        self._whole = True
        self._lock = Lock()
        self._facts = 0
        self._samples: dict[tuple[int, int], list[int]] = {}

    def progress(self) -> Progress:
        """Return what the decisions make of the output now; computed anew only where decisions have come."""
        latest = self.decisions.latest()
        with self._lock:
            if self._known is None or self._known[0] != latest:
                self._known, self._before, self._whole = (latest, self._computed()), None, True
            return self._known[1]

    def sample(self, size: int, seed: int) -> list[int]:
        """Return the rows of the articles drawn for an audit: each stands for its edge to its canonical."""
        if (size, seed) not in self._samples:
            rows = np.flatnonzero(~self.catalog.articles["is_canonical"].to_numpy())
            canonicals = self.catalog.articles["canonical_id"].take(rows).to_pylist()
            ends = zip(self.catalog.identities(rows.tolist()), canonicals, strict=True)
            names = [f"{member} {canonical}" for member, canonical in ends]
            self._samples[size, seed] = [int(rows[place]) for place in draw(names, size, seed)]
        return self._samples[size, seed]

    def _computed(self) -> Progress:
        catalog, batches = self.catalog, self.decisions.batches()
        standing = standing_of(batches)
        successors = self.references.successors(self.decisions) if batches else {}
        named = {*standing.latest, *successors.values()}
        contested = {article for conflict in standing.conflicts for article in conflict.articles}
        named |= contested
        named.update(article for batch in batches if batch.act == "audit" for fact in batch.facts for article in fact.articles)
        rows = [row for article in named if (row := catalog.row(article)) is not None]
        states, skipped = np.full(len(catalog.sizes), OPEN, np.int8), np.zeros(len(catalog.sizes), bool)
        seen = np.zeros(catalog.stories.num_rows, bool)
        verdicts = {}
        for place in np.unique(catalog.cluster[rows]).tolist() if rows else []:
            members = catalog.identities(catalog.members(place).tolist())
            by = None if contested and not contested.isdisjoint(members) else standing.arranged.get(members_digest(members))
            verdict = Verdict("decided", by, "") if by else still_decided(members, standing, successors, catalog.has)
            states[place] = _STATE_OF[verdict.state]
            if verdict.state != "open":
                verdicts[place] = verdict
        if standing.skipped:
            shown = {article for batch in batches for fact in batch.facts if fact.kind == "skipped" for article in fact.articles}
            rows = [row for article in shown if (row := catalog.row(article)) is not None]
            for place in np.unique(catalog.cluster[rows]).tolist():
                skipped[place] = members_digest(catalog.identities(catalog.members(place))) in standing.skipped
            for place in {int(catalog.in_story[row]) for row in rows} - {-1}:
                seen[place] = members_digest(catalog.identities(catalog.told(place))) in standing.skipped
        recent = tuple(batches[: -_RECENT - 1 : -1])
        judged, tallied = judgements(batches), tallies(batches)
        self._facts = sum(len(batch.facts) for batch in batches)
        return Progress(states, skipped, verdicts, self._settled(standing), seen, standing, recent, judged, tallied)

    def decided(self, number: int, act: Act, facts: list[Fact], queue: str, bulk: bool) -> None:
        """Take in a decision made at this desk, without going through all the others again.

        After a bulk accept of 64,000 clusters that takes seconds. What only all of them together tell, a contradiction between
        two people, shows at the next reckoning: when anything else has changed, or at the list of conflicts.
        """
        with self._lock:
            if self._known is None or self._known[0] != number - 1 or self._facts + len(facts) < _MANY:
                return
            self._facts += len(facts)
            self._before, self._whole = self._known, False
            before = self._known[1]
            at = timestamp(datetime.now(UTC))
            batch = Batch(number, f"{number:032x}", act, self.who, at, queue, "", bulk, None, tuple(facts))
            origin = Origin(number, batch.uid, act, self.who, at, queue, "")
            states, skipped, verdicts = before.states.copy(), before.skipped.copy(), dict(before.verdicts)
            seen = before.seen.copy()
            rows = [row for fact in facts for article in fact.articles if (row := self.catalog.row(article)) is not None]
            if act == "skip" and queue == STORIES:
                seen[self.catalog.in_story[rows]] = True
            elif act == "skip":
                skipped[self.catalog.cluster[rows]] = True
            elif act != "undo_repair":
                for place in np.unique(self.catalog.cluster[rows]).tolist():
                    # Of a cluster of more than its two articles an audited edge says nothing.
                    if act != "audit" or self.catalog.sizes[place] == len(rows):
                        states[place], verdicts[place] = DECIDED, Verdict("decided", origin, "")
            pairs = before.pairs.copy()
            ends = [np.isin(end[self.flagged], rows) for end in (self.catalog.a, self.catalog.b)]
            pairs |= ends[0] & ends[1] & (act in ("merge", "not_duplicates", "split"))
            recent = (batch, *before.recent)[:_RECENT]
            judged = {(one.a_id, one.b_id, one.who): one for one in (*before.judged, *judgements([batch]))}
            tallied = {one.queue: one for one in before.tallies}
            for one in tallies([batch]):
                counts = zip(one[1:], tallied.get(one.queue, one._replace(agreed=0, disagreed=0, skipped=0))[1:], strict=True)
                tallied[one.queue] = Tally(one.queue, *map(sum, counts))
            refused = tuple(Refused(fact.articles[0], fact.details, origin) for fact in facts if fact.kind == "edit_refused")
            standing = before.standing._replace(refused=(*before.standing.refused, *refused))
            known = Progress(
                states, skipped, verdicts, pairs, seen, standing, recent, [judged[key] for key in sorted(judged)],
                [tallied[name] for name in sorted(tallied)],
            )  # fmt: skip
            self._known = number, known

    def undone(self, number: int, target: int) -> None:
        """Take in that a decision was taken back at this desk: where it was the last one, all is as it was before it."""
        with self._lock:
            if self._known is None or self._before is None or not self._known[0] == target == self._before[0] + 1 == number - 1:
                return
            last, before = self._known[1].recent[0], self._before[1]
            self._facts -= len(last.facts)
            at = timestamp(datetime.now(UTC))
            batch = Batch(number, f"{number:032x}", "undo", self.who, at, last.queue, "", False, last.uid, ())
            recent = (batch, last._replace(standing=False), *before.recent)[:_RECENT]
            self._known, self._before = (number, before._replace(recent=recent)), None

    def reckon(self) -> Progress:
        """Return what all decisions together make of the output, with their contradictions."""
        with self._lock:
            if not self._whole:
                self._known = None
        return self.progress()

    def _settled(self, standing: Standing) -> np.ndarray:
        # A pair is settled by a decision that names both: together, or in different groups.
        groups: dict[str, dict[int, int]] = defaultdict(dict)
        for number, link in enumerate(standing.must_links):
            for article in link.articles:
                groups[article][-1 - number] = 0
        for number, apart in enumerate(standing.cannot_links):
            for at, group in enumerate(apart.groups):
                for article in group:
                    groups[article][number] = at
        edges = self.catalog.edges
        settled = np.zeros(len(self.flagged), bool)
        if groups:
            for at, edge in enumerate(self.flagged.tolist()):
                one, other = (groups.get(edges[name][edge].as_py(), {}) for name in ("a_id", "b_id"))
                settled[at] = any(link < 0 or one[link] != other[link] for link in one.keys() & other.keys())
        return settled


def _flagged(catalog: Catalog) -> np.ndarray:
    """Return the `update` edges, those that are most alike first, one for each two clusters: copies repeat the same question."""
    edges = np.flatnonzero(catalog.edges["relation"].to_numpy() == "update")
    edges = edges[np.argsort(-catalog.edges["jaccard"].to_numpy()[edges], kind="stable")]
    one, other = catalog.cluster[catalog.a[edges]], catalog.cluster[catalog.b[edges]]
    _, first = np.unique(np.minimum(one, other) << 32 | np.maximum(one, other), return_index=True)
    found: np.ndarray = edges[np.sort(first)]
    return found
