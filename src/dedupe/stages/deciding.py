"""Decisions in their place in the order: found again among the articles of a run, and handed to matching, clusters and texts."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cached_property
from itertools import chain
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from dedupe.cluster.constraints import Constraints, constrain
from dedupe.cluster.identity import canonical_url
from dedupe.decisions.facts import Reference, batch_line
from dedupe.decisions.sketches import resemblance, short_hashes, sketch_bytes, sketch_hashes
from dedupe.decisions.standing import Origin, Standing, standing_of
from dedupe.decisions.store import Decisions
from dedupe.gather import take_table
from dedupe.match.containment import Sketches
from dedupe.match.signatures import Signer
from dedupe.repair.drafts import Drafts
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


class Likely(NamedTuple):
    """Name a row that may hold an article that was decided about, corrected since: by its address or by its text."""

    article_id: str
    row: int
    same_address: bool
    alike: float


def find_articles(wanted: Mapping[str, Reference], articles: pa.Table, sketches: Sketches) -> dict[str, int]:
    """Return the rows in which articles that were decided about stand: by ID, else as a corrected text.

    `articles`: article_id, url, publisher. See `find_rows` for what is taken for one article.
    """
    return find_rows(wanted, articles["article_id"], lambda missing: likely_rows(missing, articles, sketches))


def find_rows(
    wanted: Mapping[str, Reference], ids: pa.ChunkedArray, likely: Callable[[list[Reference]], Iterable[Likely]]
) -> dict[str, int]:
    """Return the rows of articles by ID, else as a corrected text. `likely` is asked for rows of those whose IDs are no more.

    A corrected text has the same address and is half alike, or it is all but the same and of no other publisher; where several
    rows fit equally well, none is taken. A row whose own ID was decided about is that article and no other.
    """
    names = list(wanted)
    rows = pc.index_in(pa.array(names, pa.string()), ids.combine_chunks()).to_pylist()
    found = {name: row for name, row in zip(names, rows, strict=True) if row is not None}
    missing = [wanted[name] for name in names if name not in found]
    if not missing:
        return found
    own = set(found.values())
    met: dict[str, list[Likely]] = {}
    for one in likely(missing):
        if one.row not in own:
            met.setdefault(one.article_id, []).append(one)
    for name, rivals in met.items():
        for same_address, least in ((True, _SAME_ADDRESS), (False, _NO_ADDRESS)):
            scores = {one.row: one.alike for one in rivals if one.same_address == same_address}
            best = max(scores.values(), default=0.0)
            fitting = [row for row, alike in scores.items() if alike == best >= least]
            if len(fitting) == 1:
                found[name] = fitting[0]
                break
    return found


def likely_rows(missing: Sequence[Reference], articles: pa.Table, sketches: Sketches) -> list[Likely]:
    """Return the rows with the address of a missing article, or with some of its text and no other publisher.

    `articles`: url, publisher. What is said of a row depends on that row alone.
    """
    by_address = _by_address(missing, articles["url"])
    by_text = _by_text(missing, sketches)
    publishers, urls = articles["publisher"], articles["url"]
    found = []
    for reference in missing:
        owner = _owner(reference.publisher, reference.url)
        same = by_address.get(reference.article_id, [])
        others = [row for row in by_text.get(reference.article_id, ()) if row not in same]
        if owner is not None:
            others = [row for row in others if _owner(publishers[row].as_py(), urls[row].as_py()) in (None, owner)]
        sketch = sketch_hashes(reference.sketch)
        for row in (*same, *others):
            hashes = sketches.hashes[sketches.offsets[row] : sketches.offsets[row + 1]]
            alike = resemblance(sketch, sketch_hashes(sketch_bytes(hashes)))
            found.append(Likely(reference.article_id, row, row in same, alike))
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

    `digest`: of the decisions. `links`, `apart`: rows of every must-link and cannot-link whose articles were found. `chosen`:
    row of each chosen canonical. `refusals`: by row. `rewritten`: drafts of the articles whose text a refusal changed before
    matching. `unheld`: links that contradict what is kept apart; `outvoted`: canonicals where another one stands.
    """

    digest: str
    links: list[tuple[list[int], Origin]] = field(default_factory=list)
    apart: list[list[list[int]]] = field(default_factory=list)
    chosen: list[tuple[int, Origin]] = field(default_factory=list)
    refusals: dict[int, list[Refusal]] = field(default_factory=dict)
    rewritten: dict[int, Draft] = field(default_factory=dict)
    constraints: Constraints | None = None
    found: int = 0
    missing: int = 0
    unheld: int = 0
    outvoted: int = 0

    def constrain(self, representative: np.ndarray, rank: np.ndarray) -> np.ndarray:
        """Work out the constraints on clusters; return who stands for the exact copies of each row under them."""
        representative, self.constraints, holds = constrain(representative, rank, [rows for rows, _ in self.links], self.apart)
        self.unheld = holds.count(False)
        return representative

    def choose(self, canonical: np.ndarray, rank: np.ndarray) -> np.ndarray:
        """Return the row of each article's canonical with the chosen ones in their place.

        Where people chose two for one cluster, the one that comes first in the order of preference stands.
        """
        picked: dict[int, int] = {}
        for row, _ in self.chosen:
            hub = int(canonical[row])
            picked[hub] = min(picked.get(hub, row), row, key=lambda one: int(rank[one]))
        self.outvoted = sum(picked[int(canonical[row])] != row for row, _ in self.chosen)
        moved = np.arange(len(canonical))
        moved[list(picked)] = list(picked.values())
        chosen: np.ndarray = moved[canonical]
        return chosen

    def by_part(self, rows: np.ndarray, parts: np.ndarray) -> dict[int, Honoured]:
        """Return what concerns the clusters of each part of a run that has any decision, by its rows' places in the part.

        `rows`: (n,) ascending, those in any part. `parts`: (n,) number of each row's part; no must-link goes across parts.
        """
        order = np.argsort(parts, kind="stable")
        place = np.empty(len(rows), np.int64)
        place[order] = np.arange(len(rows)) - np.searchsorted(parts[order], parts[order])
        named = {
            row
            for one in (*(rows for rows, _ in self.links), *chain(*self.apart), [row for row, _ in self.chosen])
            for row in one
        }
        inside = np.flatnonzero(np.isin(rows, sorted(named)))
        at = dict(zip(rows[inside].tolist(), zip(parts[inside].tolist(), place[inside].tolist(), strict=True), strict=True))
        found: dict[int, Honoured] = {}

        def of(part: int) -> Honoured:
            return found.setdefault(part, Honoured(self.digest))

        for linked, by in self.links:
            of(at[linked[0]][0]).links.append(([at[row][1] for row in linked], by))
        for groups in self.apart:
            # Of groups that no part holds two of, none can clash.
            for part in sorted({at[row][0] for group in groups for row in group if row in at}):
                met = [[at[row][1] for row in group if row in at and at[row][0] == part] for group in groups]
                of(part).apart.append([group for group in met if group])
        for row, by in self.chosen:
            if row in at:
                of(at[row][0]).chosen.append((at[row][1], by))
        return found

    def why_chosen(self, canonical: np.ndarray) -> dict[int, str]:
        """Return, for each canonical that a person chose, that in words."""
        return {row: f"{by.who} chose it on {by.at[:10]}" for row, by in self.chosen if canonical[row] == row}

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

    def without_refused(self, drafts: Drafts) -> Drafts:
        """Return the drafts without the edits of their text that people refused."""
        mine = {row: [one for one in self.refusals[row] if one.field == "text"] for row in drafts if row in self.refusals}
        return drafts | {row: without_refused(drafts[row], refusals)[0] for row, refusals in mine.items() if refusals}

    def counts(self) -> dict[str, int]:
        """Return how many decisions were honoured, found no article, or contradict another one."""
        return {
            "honoured": self.found - self.unheld - self.outvoted,
            "not_found": self.missing,
            "contradicted": self.unheld + self.outvoted,
        }


def honour(taken: Taken, rows: dict[str, int]) -> Honoured:
    """Return what all standing decisions mean for a run in which `find_rows` has found the articles in these rows."""
    standing = taken.standing
    result = Honoured(taken.digest)
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
            result.chosen.append((rows[chosen.article], chosen.by))
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
