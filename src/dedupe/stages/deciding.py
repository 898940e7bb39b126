"""Decisions in their place in the order: found again among the articles of a run, and handed to matching, clusters and texts."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from dedupe.cluster.constraints import Constraints, constrain
from dedupe.cluster.identity import canonical_url
from dedupe.decisions.facts import Reference, batch_line
from dedupe.decisions.sketches import resemblance, short_hashes, sketch_bytes, sketch_hashes
from dedupe.decisions.standing import Chosen, Origin, Standing, standing_of
from dedupe.decisions.store import Decisions
from dedupe.gather import take_table
from dedupe.match.containment import Sketches
from dedupe.match.signatures import Signer
from dedupe.repair.ledger import Draft, Edit
from dedupe.repair.refusal import Refusal, without_refused
from dedupe.schema import EDIT, TIMESTAMP
from dedupe.stages.maps import change_signed, load_signed
from dedupe.tokens import tokenize

# An article at the same address is the same article corrected where its text still is half the same; one at another address, or
# at none, where the text is all but the same and the publisher no other.
_SAME_ADDRESS, _NO_ADDRESS = 0.5, 0.8

# Fewer hashes in common than this are no likeness: some four sentences.
_LEAST_SHARED = 4

_FIELDS = ("title", "author", "publisher", "published_at")


class Taken(NamedTuple):
    """Hold the decisions that a run honours: what stands, what finds the articles again, and the hash of both."""

    standing: Standing
    references: dict[str, Reference]
    digest: str


def take_decisions(output: Path, previous: Path | None) -> tuple[Taken | None, Decisions | None]:
    """Return what a run into `output` has to honour, None where nothing, and the store to take over into that output's own.

    The output's own decisions; where it has none, those of `previous`, which then become its own.
    """
    own = Decisions.open(output)
    other = Decisions.open(previous) if previous is not None and not own.latest() else None
    source = other or own
    if not source.latest():
        return None, None
    batches = [batch for batch in source.batches() if batch.standing]
    standing = standing_of(batches)
    if not (standing.must_links or standing.cannot_links or standing.canonicals or standing.refused):
        return None, other
    binding = [batch for batch in batches if any(fact.kind != "skipped" for fact in batch.facts)]
    named = {one for batch in binding for fact in batch.facts for one in fact.articles}
    references = source.articles(named)
    lines = sorted(batch_line(batch, [references[one] for fact in batch.facts for one in fact.articles]) for batch in binding)
    return Taken(standing, references, hashlib.sha256("\n".join(lines).encode()).hexdigest()), other


def find_articles(wanted: Mapping[str, Reference], articles: pa.Table, sketches: Sketches) -> dict[str, int]:
    """Return the rows in which articles that were decided about stand: by ID, else as a corrected text.

    `articles`: article_id, url, publisher. A corrected text has the same address and is half alike, or it is all but the same and
    of no other publisher; where several rows fit equally well, none is taken. A row whose own ID was decided about is that
    article and no other.
    """
    names = list(wanted)
    rows = pc.index_in(pa.array(names, pa.string()), articles["article_id"].combine_chunks()).to_pylist()
    found = {name: row for name, row in zip(names, rows, strict=True) if row is not None}
    own = set(found.values())
    missing = [wanted[name] for name in names if name not in found]
    if not missing:
        return found

    def alike(reference: Reference, row: int) -> float:
        hashes = sketches.hashes[sketches.offsets[row] : sketches.offsets[row + 1]]
        return resemblance(sketch_hashes(reference.sketch), sketch_hashes(sketch_bytes(hashes)))

    by_address = _by_address(missing, articles["url"])
    by_text = _by_text(missing, sketches)
    publishers, urls = articles["publisher"], articles["url"]
    for reference in missing:
        same = [row for row in by_address.get(reference.article_id, ()) if row not in own]
        other = [row for row in by_text.get(reference.article_id, ()) if row not in own and row not in same]
        owner = _owner(reference.publisher, reference.url)
        owners = {row: _owner(publishers[row].as_py(), urls[row].as_py()) for row in other}
        other = [row for row in other if owner is None or owners[row] in (None, owner)]
        for candidates, least in ((same, _SAME_ADDRESS), (other, _NO_ADDRESS)):
            scores = {row: alike(reference, row) for row in candidates}
            best = max(scores.values(), default=0.0)
            fitting = [row for row, score in scores.items() if score == best >= least]
            if len(fitting) == 1:
                found[reference.article_id] = fitting[0]
                break
    return found


def _owner(publisher: str | None, url: str | None) -> str | None:
    # Who published it, as far as it says: the publisher as given, else the host.
    return publisher or (canonical_url(url).partition("/")[0] if url else None)


def _by_address(missing: Sequence[Reference], urls: pa.ChunkedArray) -> dict[str, list[int]]:
    wanted: dict[str, list[str]] = {}
    for reference in missing:
        if reference.url:
            wanted.setdefault(canonical_url(reference.url), []).append(reference.article_id)
    found: dict[str, list[int]] = {}
    for row, url in enumerate(urls.to_pylist() if wanted else ()):
        for name in wanted.get(canonical_url(url), ()) if url else ():
            found.setdefault(name, []).append(row)
    return found


def _by_text(missing: Sequence[Reference], sketches: Sketches) -> dict[str, list[int]]:
    # Rows that share some hashes of a sketch: one pass over the sketches of all rows, then a count.
    wanted = {reference.article_id: sketch_hashes(reference.sketch) for reference in missing}
    pool = np.unique(np.concatenate([np.empty(0, np.uint32), *wanted.values()]))
    if not len(pool):
        return {}
    hashes = short_hashes(sketches.hashes)
    places = np.flatnonzero(np.isin(hashes, pool))
    rows = np.searchsorted(sketches.offsets, places, side="right") - 1
    order = np.argsort(hashes[places], kind="stable")
    hashes, rows = hashes[places][order], rows[order]
    found = {}
    for name, own in wanted.items():
        begin, end = np.searchsorted(hashes, own), np.searchsorted(hashes, own, side="right")
        met = Counter(row for first, last in zip(begin.tolist(), end.tolist(), strict=True) for row in rows[first:last].tolist())
        found[name] = sorted(row for row, shared in met.items() if shared >= _LEAST_SHARED)
    return found


@dataclass
class Honoured:
    """Hold what standing decisions mean for the rows of a run, and count what became of them.

    `links`, `apart`: rows of every must-link and cannot-link whose articles were found. `chosen`: row of each chosen canonical.
    `refusals`: by row. `rewritten`: drafts of the articles whose text a refusal changed before matching.
    """

    standing: Standing
    digest: str
    rows: dict[str, int]
    links: list[tuple[list[int], Origin]]
    apart: list[list[list[int]]]
    chosen: list[tuple[int, Chosen]]
    refusals: dict[int, list[Refusal]]
    rewritten: dict[int, Draft] = field(default_factory=dict)
    constraints: Constraints | None = None
    found: int = 0
    missing: int = 0
    contradicted: int = 0

    def constrain(self, representative: np.ndarray, rank: np.ndarray) -> np.ndarray:
        """Work out the constraints on clusters; return who stands for the exact copies of each row under them."""
        representative, self.constraints, holds = constrain(representative, rank, [rows for rows, _ in self.links], self.apart)
        self.contradicted += holds.count(False)
        return representative

    def choose(self, canonical: np.ndarray, rank: np.ndarray) -> np.ndarray:
        """Return the row of each article's canonical with the chosen ones in their place.

        Where people chose two for one cluster, the one that comes first in the order of preference stands.
        """
        picked: dict[int, int] = {}
        for row, _ in self.chosen:
            hub = int(canonical[row])
            picked[hub] = min(picked.get(hub, row), row, key=lambda one: int(rank[one]))
        self.contradicted += sum(picked[int(canonical[row])] != row for row, _ in self.chosen)
        moved = np.arange(len(canonical))
        moved[list(picked)] = list(picked.values())
        chosen: np.ndarray = moved[canonical]
        return chosen

    def why_chosen(self, canonical: np.ndarray) -> dict[int, str]:
        """Return, for each canonical that a person chose, that in words."""
        return {row: f"{chosen.by.who} chose it on {chosen.by.at[:10]}" for row, chosen in self.chosen if canonical[row] == row}

    def deciders(self, members: np.ndarray, canonical: np.ndarray) -> dict[int, str]:
        """Say who put these members into their clusters, where no edge did; keys are `a << 32 | b` of member and canonical."""
        said = {}
        for row, hub in zip(members.tolist(), canonical[members].tolist(), strict=True):
            by = self._linked.get(row)
            said[min(row, hub) << 32 | max(row, hub)] = (
                f"decided by {by.who} on {by.at[:10]}" if by else "by a decision on the canonical, which it is not like"
            )
        return said

    @cached_property
    def _linked(self) -> dict[int, Origin]:
        return {row: by for rows, by in self.links for row in rows}

    def without_refused(self, drafts: dict[int, Draft]) -> dict[int, Draft]:
        """Return the drafts without the edits of their text that people refused."""
        mine = {row: [one for one in self.refusals[row] if one.field == "text"] for row in drafts if row in self.refusals}
        return drafts | {row: without_refused(drafts[row], refusals)[0] for row, refusals in mine.items() if refusals}

    def counts(self) -> dict[str, int]:
        """Return how many decisions were honoured, found no article, or contradict another one."""
        return {
            "honoured": self.found - self.contradicted,
            "not_found": self.missing,
            "contradicted": self.contradicted,
        }


def honour(taken: Taken, articles: pa.Table, sketches: Sketches) -> Honoured:
    """Find the articles of all standing decisions in a run."""
    standing = taken.standing
    rows = find_articles(taken.references, articles.select(["article_id", "url", "publisher"]), sketches)
    result = Honoured(standing, taken.digest, rows, [], [], [], {})
    for link in standing.must_links:
        places = sorted({rows[one] for one in link.articles if one in rows})
        if len(places) > 1:
            result.links.append((places, link.by))
        result.missing += len(places) < 2
    for apart in standing.cannot_links:
        groups = [sorted({rows[one] for one in group if one in rows}) for group in apart.groups]
        groups = [group for group in groups if group]
        if len(groups) > 1:
            result.apart.append(groups)
        result.missing += len(groups) < 2
    for chosen in standing.canonicals:
        if chosen.article in rows:
            result.chosen.append((rows[chosen.article], chosen))
        result.missing += chosen.article not in rows
    for refused in standing.refused:
        if refused.article in rows:
            told = {name: refused.details[name] for name in Refusal._fields}
            result.refusals.setdefault(rows[refused.article], []).append(Refusal(**told))
        result.missing += refused.article not in rows
    result.found = len(result.links) + len(result.apart) + len(result.chosen) + sum(map(len, result.refusals.values()))
    return result


def rewrite(honoured: Honoured, articles: pa.Table) -> tuple[np.ndarray, dict[str, pa.Array], Counter[str]]:
    """Take refused edits back before matching: return the rows that change, their values, and the edits that went, by rule."""
    rows = np.array(sorted(honoured.refusals), np.int64)
    gone: Counter[str] = Counter()
    before = take_table(articles, ["text", *_FIELDS, "edits"], rows).to_pylist()
    drafts = []
    for row, values in zip(rows.tolist(), before, strict=True):
        edits = [Edit(**edit) for edit in values["edits"]]
        # The ledger holds a time as it was written, the column as a moment.
        written = [edit.after for edit in edits if edit.field == "published_at"]
        at = written[-1] if written else values["published_at"] and values["published_at"].isoformat()
        old = Draft(values["text"] or "", edits, **{name: values[name] for name in _FIELDS} | {"published_at": at})
        draft, found = without_refused(old, honoured.refusals[row])
        lost = found.count(False)
        honoured.missing, honoured.found = honoured.missing + lost, honoured.found - lost
        gone += Counter(edit.rule for edit in old.edits) - Counter(edit.rule for edit in draft.edits)
        drafts.append(draft)
    changed = [at for at, draft in enumerate(drafts) if len(draft.edits) != len(before[at]["edits"])]
    rows, drafts = rows[changed], [drafts[at] for at in changed]
    honoured.rewritten = dict(zip(rows.tolist(), drafts, strict=True))
    return rows, _columns(drafts), gone


def _columns(drafts: list[Draft]) -> dict[str, pa.Array]:
    texts = pa.array([draft.text for draft in drafts], pa.string())
    moments = [datetime.fromisoformat(at) if (at := draft.fields["published_at"]) else None for draft in drafts]
    named: dict[str, list[Any]] = {name: [draft.fields[name] or None for draft in drafts] for name in _FIELDS[:-1]}
    return {
        "text": texts,
        **{name: pa.array(values, pa.string()) for name, values in named.items()},
        "published_at": pa.array([at.replace(tzinfo=at.tzinfo or UTC) if at else None for at in moments], TIMESTAMP),
        "edits": pa.array([[edit._asdict() for edit in draft.edits] for draft in drafts], pa.list_(EDIT)),
        "n_edits": pa.array([len(draft.edits) for draft in drafts], pa.int32()),
        "n_words": pa.array(np.diff(tokenize(texts).offsets).astype(np.int32)),
        "text_sha256": pa.array([hashlib.sha256(draft.text.encode()).hexdigest() for draft in drafts], pa.string()),
    }


def sign_again(index: Path, rows: np.ndarray, texts: pa.Array, seed: int) -> None:
    """Put the signatures, keys and sketches of rewritten articles into the files of the index."""
    change_signed(index)
    signed = load_signed(index)
    new = Signer(signed.signatures.shape[1], seed)(texts)
    for name, fresh in zip(("signatures", "keys", "n_tokens"), new[:3], strict=True):
        np.load(index / f"{name}.npy", mmap_mode="r+")[rows] = fresh
    hashes, offsets = np.array(signed.sketches.hashes), signed.sketches.offsets
    sizes = np.diff(offsets)
    pieces, done = [], 0
    for at, row in enumerate(rows.tolist()):
        pieces += [hashes[done : offsets[row]], new.sketches.hashes[new.sketches.offsets[at] : new.sketches.offsets[at + 1]]]
        done = offsets[row + 1]
    sizes[rows] = np.diff(new.sketches.offsets)
    del signed
    np.save(index / "sketches.npy", np.concatenate([*pieces, hashes[done:]]))
    np.save(index / "sketch_offsets.npy", np.concatenate([np.zeros(1, np.int64), np.cumsum(sizes)]))
