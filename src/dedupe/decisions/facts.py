"""The facts that people decide: statements about articles, never about clusters, so that they outlive any run.

A person's act in the review page (a split, say) is one **batch** of facts. Every fact names whole groups of articles, so that
splitting three off a cluster of a thousand is one fact and not three thousand.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Literal, NamedTuple, get_args

from dedupe.errors import UsageError

Act = Literal["accept", "not_duplicates", "split", "merge", "make_canonical", "undo_repair", "audit", "skip", "undo"]
Kind = Literal["must_link", "cannot_link", "canonical", "edit_refused", "accepted", "skipped"]

ACTS: tuple[Act, ...] = get_args(Act)
KINDS: tuple[Kind, ...] = get_args(Kind)

_ID = re.compile("[0-9a-f]{32}")
_UID = re.compile("[0-9a-f]{32}")
_AT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z")
_SKETCH_BYTES = 4 * 64
_LONGEST = {"who": 200, "queue": 200, "note": 10_000, "url": 10_000_000, "publisher": 10_000_000}

# Clocks of two machines differ; a decision from next week would win over every later one of its author.
_AHEAD = timedelta(days=1)


class Reference(NamedTuple):
    """Hold what finds an article again: its ID, and for the day when a correction has changed that, URL and sketch.

    `sketch`: the lowest shingle hashes of its text, four bytes each, as `sketch_bytes` writes them.
    """

    article_id: str
    url: str | None
    publisher: str | None
    sketch: bytes


class Fact(NamedTuple):
    """State one thing about articles; made by the functions below, which say what each kind means.

    `groups`: article IDs. `details`: what else a kind needs, plain JSON values.
    """

    kind: Kind
    groups: tuple[tuple[str, ...], ...]
    details: Mapping[str, Any]

    @property
    def articles(self) -> tuple[str, ...]:
        """All articles that the fact names, each once, in the order given."""
        return tuple(dict.fromkeys(one for group in self.groups for one in group))


class Batch(NamedTuple):
    """Hold one act of a person.

    `batch_id`: number in this file. `uid`: hash of the content, the same in every file. `at`: UTC, ISO 8601. `queue`: where the
    person was (`doubt`, `spun`, `audit`, ...). `undoes`: uid of the batch that this one takes back. `standing`: whether no
    standing batch takes it back.
    """

    batch_id: int
    uid: str
    act: Act
    who: str
    at: str
    queue: str
    note: str
    bulk: bool
    undoes: str | None
    facts: tuple[Fact, ...]
    standing: bool = True


def must_link(articles: Iterable[str], relation: str | None = None, similarity: float | None = None) -> Fact:
    """State that all these articles are one article in copies. For a judged edge, say its relation and similarity (audit)."""
    return Fact("must_link", (tuple(articles),), _edge(relation, similarity))


def cannot_link(groups: Iterable[Iterable[str]], relation: str | None = None, similarity: float | None = None) -> Fact:
    """State that no article of one group is the same article as one of another; within a group nothing is said.

    Not duplicates: every article a group of its own. Split: the ticked ones are one group, the rest is the other.
    """
    return Fact("cannot_link", tuple(tuple(group) for group in groups), _edge(relation, similarity))


def canonical(article: str, members: Iterable[str]) -> Fact:
    """State that of these members, itself included, this article stands for the cluster."""
    return Fact("canonical", ((article,), tuple(members)), {})


def accepted(members: Iterable[str]) -> Fact:
    """State that a cluster is right as it is: a later run keeps its members together, and it is not asked about again."""
    return Fact("accepted", (tuple(members),), {})


def skipped(members: Iterable[str]) -> Fact:
    """State that a person has passed over a cluster: it constrains nothing, and queues may put it last."""
    return Fact("skipped", (tuple(members),), {})


def edit_refused(article: str, field: str, rule: str, before: str, after: str, source: str, left: str, right: str) -> Fact:
    """State that an edit of an article was wrong: the field keeps its wording there.

    `source`: what the field had in that place before any repair; `left`, `right`: what stood around it then. See
    `dedupe.corpus.references.refusal_of`, which finds them.
    """
    details = {"field": field, "rule": rule, "before": before, "after": after, "source": source, "left": left, "right": right}
    return Fact("edit_refused", ((article,),), details)


def _edge(relation: str | None, similarity: float | None) -> dict[str, Any]:
    return {} if relation is None else {"relation": relation, "similarity": None if similarity is None else round(similarity, 6)}


def timestamp(moment: datetime) -> str:
    """Return a moment as batches hold it: UTC, ISO 8601, microseconds, so that times sort as text."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def batch_uid(batch: Batch) -> str:
    """Return the hash of a batch's content, 128 bits, hex: whoever changes a line of an export makes it another batch."""
    facts = [[fact.kind, fact.groups, dict(fact.details)] for fact in batch.facts]
    content = [batch.act, batch.who, batch.at, batch.queue, batch.note, batch.bulk, batch.undoes, facts]
    return hashlib.sha256(json.dumps(content, sort_keys=True, separators=(",", ":")).encode()).hexdigest()[:32]


def members_digest(articles: Iterable[str]) -> str:
    """Return one name for a set of articles, whatever their order."""
    return hashlib.sha256("\n".join(sorted(articles)).encode()).hexdigest()[:32]


def batch_line(batch: Batch, articles: Iterable[Reference]) -> str:
    """Return a batch as one line of JSON, with what finds its articles again."""
    value = {
        "uid": batch.uid,
        "act": batch.act,
        "who": batch.who,
        "at": batch.at,
        "queue": batch.queue,
        "note": batch.note,
        "bulk": batch.bulk,
        "undoes": batch.undoes,
        "facts": [{"kind": fact.kind, "groups": fact.groups, "details": dict(fact.details)} for fact in batch.facts],
        "articles": [one._asdict() | {"sketch": one.sketch.hex()} for one in articles],
    }
    return json.dumps(value, ensure_ascii=False)


def read_batch_line(line: str) -> tuple[Batch, list[Reference]]:
    """Read a line that `batch_line` wrote, trusting nothing in it. Raises UsageError that says what is wrong."""
    try:
        value = json.loads(line)
    except (ValueError, RecursionError):
        raise UsageError("It is not JSON.") from None
    _demand(isinstance(value, dict), "it is no JSON object")
    _only(value, {"uid", "act", "who", "at", "queue", "note", "bulk", "undoes", "facts", "articles"}, "the batch")
    _demand(isinstance(value["facts"], list) and isinstance(value["articles"], list), "facts and articles are lists")
    facts = []
    for fact in value["facts"]:
        _demand(isinstance(fact, dict), "a fact is an object")
        _only(fact, {"kind", "groups", "details"}, "a fact")
        groups = fact["groups"]
        _demand(isinstance(groups, list) and all(isinstance(group, list) for group in groups), "groups are lists of lists")
        facts.append(Fact(fact["kind"], tuple(tuple(group) for group in groups), fact["details"]))
    articles = []
    for one in value["articles"]:
        _demand(isinstance(one, dict), "an article is an object")
        _only(one, {"article_id", "url", "publisher", "sketch"}, "an article")
        try:
            articles.append(Reference(one["article_id"], one["url"], one["publisher"], bytes.fromhex(one["sketch"])))
        except (TypeError, ValueError):
            raise UsageError("A sketch is not hexadecimal.") from None
    told = [value[name] for name in ("uid", "act", "who", "at", "queue", "note", "bulk", "undoes")]
    batch = Batch._make([0, *told, tuple(facts), True])
    check_batch(batch, articles)
    expected = batch_uid(batch)
    _demand(batch.uid == expected, "its uid is not that of its content, so the line was changed")
    _demand(batch.at <= timestamp(datetime.now(UTC) + _AHEAD), "its time lies in the future")
    return batch, articles


def check_batch(batch: Batch, articles: Sequence[Reference]) -> None:
    """Check the form of a batch and of its articles, whoever made them. Raises UsageError that says what is wrong."""
    _demand(batch.act in ACTS, f"{batch.act!r} is no act")
    for name in ("who", "queue", "note"):
        _demand(_is_text(getattr(batch, name), _LONGEST[name]), f"{name} is no text, or one of more than {_LONGEST[name]:,}")
    _demand(bool(batch.who.strip()), "it does not say who decided")
    _demand((batch.who + batch.queue).isprintable(), "who or queue holds characters that show nothing")
    _demand(isinstance(batch.at, str) and bool(_AT.fullmatch(batch.at)) and _is_moment(batch.at), "its time is no UTC time")
    _demand(isinstance(batch.bulk, bool), "bulk is neither true nor false")
    _demand((batch.act == "undo") == (batch.undoes is not None), "an undo, and nothing else, names the batch it takes back")
    _demand(batch.undoes is None or _matches(_UID, batch.undoes), "what it takes back is no uid")
    _demand((batch.act == "undo") == (not batch.facts), "every act but an undo holds facts")
    for fact in batch.facts:
        _check_fact(fact)
    for one in articles:
        _demand(_matches(_ID, one.article_id), f"{one.article_id!r} is no article ID")
        for name in ("url", "publisher"):
            given = getattr(one, name)
            _demand(given is None or _is_text(given, _LONGEST[name]), f"the {name} of {one.article_id} is no text")
        _demand(len(one.sketch) <= _SKETCH_BYTES and len(one.sketch) % 4 == 0, f"the sketch of {one.article_id} is of no length")
    known = {one.article_id for one in articles}
    missing = next((one for fact in batch.facts for one in fact.articles if one not in known), None)
    _demand(missing is None, f"article {missing} is not described")


def _check_fact(fact: Fact) -> None:
    _demand(fact.kind in KINDS, f"{fact.kind!r} is no kind of fact")
    _demand(isinstance(fact.details, Mapping), "details are an object")
    for group in fact.groups:
        _demand(all(_matches(_ID, one) for one in group), f"{fact.kind} names something that is no article ID")
        _demand(0 < len(group) == len(set(group)), f"{fact.kind} has an empty group, or an article twice in one")
    sizes = [len(group) for group in fact.groups]
    if fact.kind == "must_link":
        _demand(len(sizes) == 1 and sizes[0] > 1, "must_link takes one group of two or more")
    elif fact.kind == "cannot_link":
        _demand(len(sizes) > 1 and sum(sizes) == len(fact.articles), "cannot_link takes two or more groups that share nothing")
    elif fact.kind == "canonical":
        _demand(len(sizes) == 2 and sizes[0] == 1, "canonical takes an article and its members")
        _demand(fact.groups[0][0] in fact.groups[1], "the canonical is one of its members")
    else:
        _demand(len(sizes) == 1, f"{fact.kind} takes one group")
    if fact.kind == "edit_refused":
        wanted = {"field", "rule", "before", "after", "source", "left", "right"}
        _demand(sizes == [1], "edit_refused takes one article")
        _demand(set(fact.details) == wanted, f"edit_refused holds {', '.join(sorted(wanted))}")
        _demand(all(_is_text(value, 10_000_000) for value in fact.details.values()), "an edit is made of texts")
    elif fact.details:
        _demand(fact.kind in {"must_link", "cannot_link"}, f"{fact.kind} has no details")
        _demand(set(fact.details) == {"relation", "similarity"}, "a judged edge has a relation and a similarity")
        share = fact.details["similarity"]
        _demand(_is_text(fact.details["relation"], 100), "a relation is a word")
        _demand(share is None or (type(share) in (int, float) and 0 <= share <= 1), "a similarity is between 0 and 1")


def _demand(holds: bool, otherwise: str) -> None:
    if not holds:
        raise UsageError(f"{otherwise[0].upper()}{otherwise[1:]}.")


def _only(value: dict[str, Any], names: set[str], what: str) -> None:
    _demand(set(value) == names, f"{what} has not exactly: {', '.join(sorted(names))}")


def _matches(pattern: re.Pattern[str], value: object) -> bool:
    return isinstance(value, str) and pattern.fullmatch(value) is not None


def _is_moment(at: str) -> bool:
    try:
        datetime.fromisoformat(at)
    except ValueError:
        return False
    return True


def _is_text(value: object, longest: int) -> bool:
    # Half of a surrogate pair is no text: no file and no database takes it.
    return isinstance(value, str) and len(value) <= longest and not any("\ud800" <= char <= "\udfff" for char in value)
