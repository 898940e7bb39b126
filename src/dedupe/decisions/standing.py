"""What holds now, of all that people decided: undone acts left out, changes of mind followed, contradictions listed.

One person's later word on the same articles replaces the earlier one. Between people nobody's word is replaced: where two
contradict each other, both stand, a conflict is listed, and until they settle it the safer one holds: articles that one of them
keeps apart stay apart, since a wrong join loses an article and a missed one only shows it twice.

All of it depends on the set of batches and their times alone, not on the order in which they came into a file.
"""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Literal, NamedTuple

from dedupe.decisions.facts import Batch, members_digest

# Acts after which a run has all that they name in one cluster.
_JOINING = frozenset({"accept", "merge"})


class Origin(NamedTuple):
    """Name the batch that a standing fact is from."""

    batch_id: int
    uid: str
    act: str
    who: str
    at: str
    queue: str
    note: str

    def __str__(self) -> str:
        return f"{self.who} on {self.at[:10]} (decision {self.batch_id})"


class Together(NamedTuple):
    """Say that these articles are one article in copies."""

    articles: tuple[str, ...]
    by: Origin


class Apart(NamedTuple):
    """Say that no article of one group is the same article as one of another."""

    groups: tuple[tuple[str, ...], ...]
    by: Origin


class Chosen(NamedTuple):
    """Say that of these members this article is the canonical."""

    article: str
    members: tuple[str, ...]
    by: Origin


class Refused(NamedTuple):
    """Say that an edit of this article was wrong; `details` as in `facts.edit_refused`."""

    article: str
    details: Mapping[str, Any]
    by: Origin


class Conflict(NamedTuple):
    """Name decisions that contradict each other: all in one chain of must-links against a cannot-link, or two canonicals.

    `holds` says in a sentence what a run does meanwhile.
    """

    kind: Literal["link", "canonical"]
    articles: tuple[str, ...]
    origins: tuple[Origin, ...]
    holds: str


class Standing(NamedTuple):
    """Hold what was decided and holds now.

    `accepted`, `skipped`: by `members_digest` of the cluster's articles, from whom. `arranged`: every set of articles
    that some decision left as it is, by digest; `latest`: for each article the last of those sets that holds it. `disputed`: for
    each article that conflicts name, their places among the conflicts.
    """

    must_links: tuple[Together, ...]
    cannot_links: tuple[Apart, ...]
    canonicals: tuple[Chosen, ...]
    refused: tuple[Refused, ...]
    accepted: dict[str, Origin]
    skipped: dict[str, Origin]
    conflicts: tuple[Conflict, ...]
    arranged: dict[str, Origin]
    latest: dict[str, Together]
    disputed: dict[str, tuple[int, ...]]


class Verdict(NamedTuple):
    """Say whether a cluster is `decided`, was decided but `reopened`, or is `open`; by whom; and why it is open again."""

    state: Literal["decided", "reopened", "open"]
    by: Origin | None
    why: str


def still_decided(
    members: Sequence[str],
    standing: Standing,
    successors: Mapping[str, str] | None = None,
    present: Callable[[str], bool] = lambda _: False,
) -> Verdict:
    """Tell whether a person has decided this cluster as it is now, for queues.

    It is decided where some standing decision left exactly these articles together. `successors`: for decided articles that the
    output no longer has, the ID under which a corrected text stands in it now (`dedupe.corpus.references.successors`). `present`
    tells whether the output has an article: what is to be one cluster and stands in several of it waits for the next run.
    """
    inside = set(members)
    for place in sorted({place for one in inside for place in standing.disputed.get(one, ())}):
        conflict = standing.conflicts[place]
        if len(inside.intersection(conflict.articles)) > 1:
            names = " and ".join(dict.fromkeys(origin.who for origin in conflict.origins))
            return Verdict("reopened", conflict.origins[0], f"{names} decided differently")
    by = standing.arranged.get(members_digest(members))
    if by is not None:
        return Verdict("decided", by, "")
    moved = successors or {}
    before = {new: old for old, new in moved.items()}
    known = [standing.latest[one] for one in (*members, *(before[m] for m in members if m in before)) if one in standing.latest]
    if not known:
        return Verdict("open", None, "")
    last = max(known, key=lambda one: (one.by.at, one.by.uid))
    held = {moved.get(one, one) for one in last.articles}
    if last.by.act in _JOINING and inside < held and all(present(one) for one in held - inside):
        return Verdict("decided", last.by, "")
    changed = sum(1 for one in last.articles if moved.get(one, one) != one and moved[one] in inside)
    whys = [
        f"{count:,} {'article' if count == 1 else 'articles'} {verb}"
        for count, verb in ((len(inside - held), "joined"), (len(held - inside), "left"), (changed, "changed"))
        if count
    ]
    return Verdict("reopened", last.by, f"{', '.join(whys)} since {last.by}")


def standing_of(batches: Iterable[Batch]) -> Standing:
    """Return what holds of the batches, whose `standing` says which were taken back."""
    people: dict[str, _Person] = defaultdict(_Person)
    accepted: dict[str, Origin] = {}
    skipped: dict[str, Origin] = {}
    arranged: dict[str, Origin] = {}
    latest: dict[str, Together] = {}
    word: dict[str, Origin] = {}
    for batch in sorted(batches, key=lambda batch: (batch.at, batch.uid)):
        if not batch.standing:
            continue
        origin = Origin(batch.batch_id, batch.uid, batch.act, batch.who, batch.at, batch.queue, batch.note)
        person = people[batch.who]
        for fact in batch.facts:
            sets: tuple[tuple[str, ...], ...] = ()
            if fact.kind in {"must_link", "accepted"}:
                person.link(Together(fact.groups[0], origin))
                sets = fact.groups
            elif fact.kind == "cannot_link":
                person.separate(Apart(fact.groups, origin))
                # The whole of a split is decided until a run has carried it out; its parts are afterwards.
                sets = (fact.articles, *fact.groups)
            elif fact.kind == "canonical":
                person.choose(Chosen(fact.groups[0][0], fact.groups[1], origin))
                sets = (fact.groups[1],)
            elif fact.kind == "edit_refused":
                person.refused.append(Refused(fact.groups[0][0], fact.details, origin))
            else:
                skipped[members_digest(fact.groups[0])] = origin
            for one in sets:
                digest = members_digest(one)
                arranged[digest] = origin
                word.update(dict.fromkeys(one, origin))
                if fact.kind == "accepted":
                    accepted[digest] = origin
                # Of a cluster of more than its two articles an audited edge says nothing.
                if batch.act != "audit":
                    latest.update(dict.fromkeys(one, Together(one, origin)))
    must = sorted((one for person in people.values() for one in person.together.values()), key=_order)
    cannot = sorted((one for person in people.values() for one in person.apart.values()), key=_order)
    chosen = sorted((one for person in people.values() for one in person.chosen), key=_order)
    refused = sorted((one for person in people.values() for one in person.refused), key=_order)
    groups = linked_groups(must)
    for members, links in groups:
        if links > 1:
            # Two merges that share an article are one cluster after the next run.
            last = max((word[one] for one in members), key=lambda by: (by.at, by.uid))
            arranged.setdefault(members_digest(members), last)
    conflicts = (*_contradicted(must, cannot, groups), *_two_canonicals(chosen))
    disputed: dict[str, tuple[int, ...]] = {}
    for place, conflict in enumerate(conflicts):
        for article in conflict.articles:
            disputed[article] = (*disputed.get(article, ()), place)
    return Standing(
        tuple(must), tuple(cannot), tuple(chosen), tuple(refused), accepted, skipped, conflicts, arranged, latest, disputed
    )  # fmt: skip


def _order(one: Together | Apart | Chosen | Refused) -> tuple[str, str, str]:
    return (one.by.at, one.by.uid, repr(one[0]))


class _Person:
    """Follow one person's decisions in the order in which they were made, the later word replacing the earlier."""

    def __init__(self) -> None:
        self.together: dict[int, Together] = {}
        self.apart: dict[int, Apart] = {}
        self.chosen: list[Chosen] = []
        self.refused: list[Refused] = []
        self._naming: dict[str, set[int]] = defaultdict(set)
        self._next = 0

    def link(self, new: Together) -> None:
        """Join articles; of what this person kept apart, pairs that are both among them are no longer."""
        joined = set(new.articles)
        for key in self._touching(new.articles, self.apart):
            old = self.apart[key]
            if sum(not joined.isdisjoint(group) for group in old.groups) < 2:
                continue
            self._drop(self.apart, key)
            inside = [tuple(one for one in group if one in joined) for group in old.groups]
            outside = [tuple(one for one in group if one not in joined) for group in old.groups]
            self._put(self.apart, Apart(tuple(group for group in outside if group), old.by))
            for at, group in enumerate(inside):
                rest = tuple(one for other, left in enumerate(outside) if other != at for one in left)
                if group and rest:
                    self._put(self.apart, Apart((group, rest), old.by))
        self._put(self.together, new)

    def separate(self, new: Apart) -> None:
        """Keep groups apart; what this person joined across them falls into the groups, and into what none of them names."""
        place = {one: at for at, group in enumerate(new.groups) for one in group}
        for key in self._touching(place, self.together):
            old = self.together[key]
            parts: dict[int, list[str]] = defaultdict(list)
            for one in old.articles:
                parts[place.get(one, -1)].append(one)
            if len(parts.keys() - {-1}) < 2:
                continue
            self._drop(self.together, key)
            for part in parts.values():
                self._put(self.together, Together(tuple(part), old.by))
        self._put(self.apart, new)

    def choose(self, new: Chosen) -> None:
        """Choose a canonical, over any chosen before that is among the members."""
        self.chosen = [old for old in self.chosen if old.article not in new.members]
        self.chosen.append(new)

    def _touching(self, articles: Iterable[str], among: Mapping[int, object]) -> list[int]:
        return sorted({key for one in articles for key in self._naming.get(one, ()) if key in among}) if among else []

    def _put(self, where: dict[int, Any], new: Together | Apart) -> None:
        named = new.articles if isinstance(new, Together) else [one for group in new.groups for one in group]
        if len(new[0]) < 2:
            return
        where[self._next] = new
        for one in named:
            self._naming[one].add(self._next)
        self._next += 1

    def _drop(self, where: dict[int, Any], key: int) -> None:
        del where[key]


def linked_groups(must: Sequence[Together]) -> list[tuple[tuple[str, ...], int]]:
    """Return the groups of articles that must-links join, also through others, and of how many links each is made."""
    named: dict[str, int] = {}
    parent = list(range(len(must)))

    def root(link: int) -> int:
        while parent[link] != link:
            parent[link] = parent[parent[link]]
            link = parent[link]
        return link

    for number, link in enumerate(must):
        for one in link.articles:
            other = named.setdefault(one, number)
            if other != number:
                parent[root(number)] = root(other)
    links: dict[int, list[int]] = defaultdict(list)
    for number in range(len(must)):
        links[root(number)].append(number)
    return [
        (must[numbers[0]].articles, 1)
        if len(numbers) == 1
        else (tuple(sorted({one for number in numbers for one in must[number].articles})), len(numbers))
        for numbers in links.values()
    ]


def _contradicted(
    must: Sequence[Together], cannot: Sequence[Apart], groups: Sequence[tuple[tuple[str, ...], int]]
) -> list[Conflict]:
    if not cannot:
        return []
    mentioned = {one for apart in cannot for group in apart.groups for one in group}
    group_of = {one: number for number, (group, _) in enumerate(groups) for one in group if one in mentioned}
    links: dict[str, list[int]] = defaultdict(list)
    found = []
    for apart in cannot:
        # In each linked group, the articles that this decision names, and the group that it puts each in.
        named: dict[int, dict[str, int]] = defaultdict(dict)
        for place, group in enumerate(apart.groups):
            for one in group:
                if one in group_of:
                    named[group_of[one]][one] = place
        for _, places in sorted(named.items()):
            if len(set(places.values())) < 2:
                continue
            if not links:
                for number, link in enumerate(must):
                    for one in link.articles:
                        links[one].append(number)
            first = next(iter(places))
            chain, last = _chain(first, {one for one, place in places.items() if place != places[first]}, links, must)
            origins = tuple(dict.fromkeys((apart.by, *(must[number].by for number in chain))))
            found.append(
                Conflict("link", (first, last), origins, f"they stay apart, as {apart.by} said, until one of them is taken back")
            )
    return found


def _chain(start: str, targets: set[str], links: Mapping[str, list[int]], must: Sequence[Together]) -> tuple[list[int], str]:
    # The shortest chain of must-links from an article to one that it must not be with.
    came: dict[str, tuple[str, int] | None] = {start: None}
    waiting, seen = deque([start]), set[int]()
    while waiting:
        at = waiting.popleft()
        if at in targets:
            chain, one = [], at
            while (step := came[one]) is not None:
                one = step[0]
                chain.append(step[1])
            return chain[::-1], at
        for number in links[at]:
            if number in seen:
                continue
            seen.add(number)
            for other in must[number].articles:
                if other not in came:
                    came[other] = (at, number)
                    waiting.append(other)
    raise AssertionError("they are of one linked group")


def _two_canonicals(chosen: Sequence[Chosen]) -> list[Conflict]:
    by_member: dict[str, list[int]] = defaultdict(list)
    for number, one in enumerate(chosen):
        for member in one.members:
            by_member[member].append(number)
    pairs = sorted({tuple(sorted((number, other))) for number, one in enumerate(chosen) for other in by_member[one.article]})
    return [
        Conflict(
            "canonical",
            (chosen[one].article, chosen[other].article),
            (chosen[one].by, chosen[other].by),
            "of the two the one that the tool itself prefers is canonical, until one of them is taken back",
        )
        for one, other in pairs
        if chosen[one].article != chosen[other].article
    ]
