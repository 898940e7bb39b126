"""The order of a run: read, repair, learn, match, cluster, write. Every other module does one of these and knows no order."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from dedupe.cluster.canonical import preference_columns, preference_rank
from dedupe.cluster.clusters import JoinsOf, clusters
from dedupe.cluster.identity import number_equals
from dedupe.config import Config
from dedupe.deciding import Honoured, Taken, honour, rewrite, sign_again
from dedupe.despinning import drafted, restore_by_model, restore_by_siblings
from dedupe.engine.local import Pool
from dedupe.kernels import load_matching
from dedupe.maps import (
    PREPARED,
    ShardRead,
    class_shingle_sets,
    gate_threshold,
    gather_signed,
    load_signed,
    load_terms,
    prepare_shard,
    read_shard,
    tells_stories,
)
from dedupe.match.bands import Bands, choose_bands
from dedupe.match.containment import propose_contained
from dedupe.match.edges import (
    DECIDED,
    EXACT,
    JOINING,
    KEEPING_APART,
    NEAR,
    Edges,
    exact_groups,
    expand_exact,
    find_edges,
    joined,
)
from dedupe.match.relations import joins_near, relate
from dedupe.match.signatures import Signed
from dedupe.match.spun import given_away, propose_spun, relate_spun
from dedupe.match.verify import Verifier
from dedupe.read.parts import Plan, ReadReport, record_offsets
from dedupe.repair.ledger import Draft
from dedupe.repair.repetition import LineCounts
from dedupe.stored import Stored
from dedupe.storytelling import Told, no_stories, tell_stories

# Called with the name of the stage, how much of it is done, and how much there is.
Progress = Callable[[str, int, int], None]


def silent(_stage: str, _done: int, _total: int) -> None:
    """Show no progress."""


@dataclass
class Timings:
    """Keep how long each stage took, in seconds, in the order in which they ran."""

    seconds: dict[str, float] = field(default_factory=dict)

    @contextmanager
    def of(self, stage: str) -> Iterator[None]:
        """Time one stage."""
        begin = time.perf_counter()
        yield
        self.seconds[stage] = self.seconds.get(stage, 0.0) + time.perf_counter() - begin


@dataclass
class Prepared:
    """Hold what cleaning hands to matching: the articles, in files, and what was counted on the way.

    `articles`: all columns, mapped, for those that are small; texts are taken from `stored`. `signed` is mapped from `index`.
    """

    stored: Stored
    articles: pa.Table
    signed: Signed
    index: Path
    shards: list[Path]
    rejects: pa.Table
    residue: pa.Table
    records: int
    report: ReadReport
    rules: Counter[str]
    languages: Counter[str]

    def put(self, rows: np.ndarray, values: dict[str, pa.Array], name: str) -> None:
        """Put other values in some rows (ascending); the batches that hold them go into a file of that name in the scratch."""
        if len(rows):
            spun = self.articles["is_spun"]
            self.stored = self.stored.put(rows, values, self.index.with_name(f"{name}.arrow"))
            self.articles = _with_spun(self.stored.columns(PREPARED), spun)

    def texts_of(self, rows: np.ndarray) -> pa.Array:
        """Return the texts of some rows, in the order asked for."""
        return self.stored.take("text", rows)


@dataclass
class Matched:
    """Hold what matching hands to writing.

    For each article the row of its canonical, how similar and in which relation to it (-1: it is its own); every verified edge,
    with the facts that keep `update`s apart; and what was looked at on the way.
    """

    bands: Bands
    preference: list[np.ndarray]
    rank: np.ndarray
    canonical: np.ndarray
    similarity: np.ndarray
    relation: np.ndarray
    representative: np.ndarray
    edges: Edges
    facts: dict[int, str]
    candidates: int
    verified: int
    large_buckets: int
    capped_hashes: int
    honoured: Honoured | None = None


def carry_out(
    plan: Plan,
    config: Config,
    scratch: Path,
    pool: Pool,
    progress: Progress,
    timings: Timings,
    limit: int | None = None,
    taken: Taken | None = None,
) -> tuple[Prepared, Matched, Told]:
    """Carry out a run up to what is to be written, honouring the decisions `taken`; with a `limit`, over so many records only."""
    prepared = prepare(plan, config, scratch, pool, progress, timings, limit)
    honoured = None
    if taken is not None:
        with timings.of("honour decisions"):
            honoured = find_decided(prepared, taken, config)
    matched = match(prepared, config, pool, progress, timings, honoured)
    with timings.of("de-spin"):
        drafts = restore_by_model(prepared.articles, config, pool)
        drafts = honoured.without_refused(drafts) if honoured else drafts
    with timings.of("stories"):
        told = tell(prepared, matched, honoured.rewritten | drafts if honoured else drafts, config, pool.workers)
    with timings.of("de-spin"):
        # Members of a cluster alone: another article on the event words its sentences in its own way, and is no witness.
        drafts = restore_by_siblings(drafts, prepared.articles, matched.canonical, matched.rank, config, pool)
        drafts = honoured.without_refused(drafts) if honoured else drafts
        rows, values, rules = drafted(prepared.articles, drafts)
        prepared.put(rows, values, "despun")
        prepared.rules += rules
    return prepared, matched, told


def find_decided(prepared: Prepared, taken: Taken, config: Config) -> Honoured:
    """Find the articles of all decisions, and take refused edits back before anything is compared."""
    honoured = honour(taken, prepared.articles, prepared.signed.sketches)
    if honoured.refusals:
        rows, values, gone = rewrite(honoured, prepared.articles)
        if len(rows):
            prepared.put(rows, values, "refused")
            sign_again(prepared.index, rows, values["text"], config.seed)
            prepared.signed = load_signed(prepared.index)
        prepared.rules -= gone
    return honoured


def tell(prepared: Prepared, matched: Matched, drafts: dict[int, Draft], config: Config, threads: int = 1) -> Told:
    """Find the stories of a run that is to tell them."""
    if not tells_stories(config):
        return no_stories(len(prepared.articles))
    verify = Verifier(prepared.texts_of, threads, sizes=prepared.signed.n_tokens)
    canonical = matched.canonical
    rows = np.flatnonzero(canonical == np.arange(len(canonical)))
    if len(rows) < 2:
        return no_stories(len(canonical))
    return tell_stories(prepared.articles, load_terms(prepared.shards, rows), rows, drafts, canonical, matched.rank, verify)


def prepare(
    plan: Plan, config: Config, scratch: Path, pool: Pool, progress: Progress, timings: Timings, limit: int | None = None
) -> Prepared:
    """Read and repair everything, learn what repeats, tell languages and sign."""
    with timings.of("read and repair"):
        reads = _read_all(plan, config, scratch, pool, progress, limit)
    with timings.of("learn repeated lines"):
        lines = LineCounts()
        for read in reads:
            lines = lines.merge(read.lines)
        residue = lines.finish()
    num_perm = choose_bands(config.threshold, config.recall).num_perm
    offsets = record_offsets(plan.shards, [read.numbered for read in reads])
    with timings.of("repair and sign"):
        jobs = [
            (scratch / f"read-{n:05}.arrow", scratch / f"prepared-{n:05}.arrow", offsets[n], config, residue, num_perm)
            for n in range(len(reads))
        ]
        rules: Counter[str] = Counter()
        languages: Counter[str] = Counter()
        total, done = sum(read.articles for read in reads), 0
        for shard in pool.map(prepare_shard, jobs):
            done += shard.articles
            rules += shard.rules
            languages += shard.languages
            progress("repair and sign", done, total)
    shards = [job[1] for job in jobs]
    stored = Stored.of(shards)
    report = sum((read.report for read in reads), ReadReport())
    rejects = pa.concat_tables([pa.Table.from_batches([plan.rejects]), *_numbered_rejects(reads, offsets)])
    records = len(plan.rejects) + sum(read.records for read in reads)
    prepared = Prepared(
        stored,
        stored.columns(PREPARED),
        gather_signed(shards, scratch / "index"),
        scratch / "index",
        shards,
        rejects.sort_by([("path", "ascending"), ("record", "ascending")]), residue,
        records, report, rules, languages,
    )  # fmt: skip
    prepared.put(*_numbered_ids(prepared.articles["article_id"]), "numbered")
    return prepared


def match(
    prepared: Prepared, config: Config, pool: Pool, progress: Progress, timings: Timings, honoured: Honoured | None = None
) -> Matched:
    """Find what is alike, verify it, tell what it is to each other, and choose each cluster's canonical."""
    articles, signed = prepared.articles, prepared.signed
    bands = choose_bands(config.threshold, config.recall)
    read = prepared.texts_of
    verify = Verifier(read, pool.workers, sizes=signed.n_tokens)
    by_class = Verifier(read, pool.workers, class_shingle_sets, signed.n_tokens)
    with timings.of("match and verify"):
        scores = articles["spin_score"].to_numpy()
        spun = given_away(scores, gate_threshold(), signed.sketches, signed.n_tokens, verify, by_class)
        prepared.articles = articles = _with_spun(articles, pa.array(spun))
        preference = preference_columns(articles)
        rank = preference_rank(preference)
        representative = exact_groups(signed.keys, rank)
        if honoured:
            representative = honoured.constrain(representative, rank)
        # With no article to compare, only the edges between equal texts are left.
        tokens = np.zeros_like(signed.n_tokens) if config.exact_only else signed.n_tokens
        rows = np.flatnonzero((representative == np.arange(len(rank))) & (tokens > 0))
        with ThreadPoolExecutor(1) as beside:
            contained = beside.submit(propose_contained, signed.sketches, rows, rank)
            found = find_edges(signed.signatures, representative, tokens, rank, bands, config.threshold, verify, read)
            proposed = contained.result()
        progress("match and verify", 1, 3)
        edges, facts = relate(found.edges, proposed, config.threshold, verify, read)
        if honoured:
            # Exact copies that a person keeps apart stand for themselves, and met like any two articles.
            edges.relation[(signed.keys[edges.a] == signed.keys[edges.b]).all(axis=1)] = EXACT
        verified = found.n_verified + len(proposed.small)
        if spun[rows].any():
            pairs = propose_spun(signed.sketches, rows, np.flatnonzero(spun))
            edges, looked = relate_spun(edges, pairs, spun, by_class, read)
            verified += looked
        progress("match and verify", 2, 3)
    with timings.of("cluster"):

        def joins_of(a: np.ndarray, b: np.ndarray) -> np.ndarray:
            return joins_near(a, b, config.threshold, verify, read)

        joining, apart = np.isin(edges.relation, JOINING), np.isin(edges.relation, KEEPING_APART)
        decided = honoured.constraints if honoured else None
        hub = clusters(rank, edges.a[joining], edges.b[joining], joins_of, (edges.a[apart], edges.b[apart]), decided)
        canonical = hub[representative]
        if honoured:
            canonical = honoured.choose(canonical, rank)
        relation, similarity = _to_canonical(representative, canonical, edges, verify, joins_of if honoured else None)
        whole = _with_decided(expand_exact(edges, representative, verify), relation, canonical, verify)
        progress("match and verify", 3, 3)
    return Matched(
        bands, preference, rank, canonical, similarity, relation, representative, whole, facts,
        found.n_candidates + len(proposed.small), verified, found.large_buckets, proposed.capped, honoured,
    )  # fmt: skip


def _to_canonical(
    representative: np.ndarray, canonical: np.ndarray, edges: Edges, verify: Verifier, joins_of: JoinsOf | None
) -> tuple[np.ndarray, np.ndarray]:
    # The edge between an article's representative and its canonical's; one that clustering computed, since no bucket had proposed
    # it, is a near one. Where people decided (`joins_of` is given) there may be none that joins: then the relation is their word.
    n = len(canonical)
    relation, similarity = np.full(n, -1, np.int8), np.ones(n)
    members = canonical != np.arange(n)
    stands = representative[canonical]
    relation[members & (representative == stands)] = EXACT
    apart = np.flatnonzero(representative != stands)
    one, other = representative[apart], stands[apart]
    wanted = np.minimum(one, other) << 32 | np.maximum(one, other)
    keys = edges.a << 32 | edges.b
    place = np.minimum(np.searchsorted(keys, wanted), max(0, len(keys) - 1))
    known = keys[place] == wanted if len(keys) else np.zeros(len(wanted), bool)
    relation[apart], similarity[apart] = NEAR, 0.0
    relation[apart[known]] = edges.relation[place[known]]
    similarity[apart[known]] = edges.overlap.jaccard[place[known]]
    computed = apart[~known]
    similarity[computed] = verify(one[~known], other[~known]).jaccard
    if joins_of is not None:
        relation[apart[known & ~np.isin(relation[apart], JOINING)]] = DECIDED
        relation[computed[~joins_of(one[~known], other[~known])]] = DECIDED
    return relation, similarity


def _with_decided(edges: Edges, relation: np.ndarray, canonical: np.ndarray, verify: Verifier) -> Edges:
    # What a person decided stands in place of whatever the texts alone made of that pair.
    rows = np.flatnonzero(relation == DECIDED)
    if not len(rows):
        return edges
    a, b = np.minimum(rows, canonical[rows]), np.maximum(rows, canonical[rows])
    return joined([Edges(a, b, np.full(len(a), DECIDED), verify(a, b), np.zeros(len(a), bool)), edges])


def _read_all(plan: Plan, config: Config, scratch: Path, pool: Pool, progress: Progress, limit: int | None) -> list[ShardRead]:
    reads: list[ShardRead] = []
    jobs = [(s, config, scratch / f"read-{n:05}.arrow") for n, s in enumerate(plan.shards)]
    if limit is None:
        for read in pool.map(read_shard, jobs, meanwhile=load_matching):
            reads.append(read)
            progress("read and repair", len(reads), len(jobs))
        return reads
    left = limit
    for job in jobs:
        if left <= 0:
            break
        reads.append(read_shard(*job, left))
        left -= reads[-1].records
    return reads


def _numbered_rejects(reads: list[ShardRead], offsets: list[int]) -> Iterator[pa.Table]:
    for read, offset in zip(reads, offsets, strict=False):
        records = read.rejects["record"].to_numpy()
        # Record 0 speaks of a whole file and stays 0.
        moved = pa.array(np.where(records > 0, records + offset, records))
        yield read.rejects.set_column(1, read.rejects.schema.field("record"), moved)


def _numbered_ids(ids: pa.ChunkedArray) -> tuple[np.ndarray, dict[str, pa.Array]]:
    # Most runs have no equal IDs; finding that out costs one hash table in C++.
    if len(ids.unique()) == len(ids):
        return np.empty(0, np.int64), {}
    numbered = pa.array(number_equals(ids.to_pylist()), pa.string())
    rows = np.flatnonzero(pc.not_equal(ids, numbered).to_numpy())
    return rows, {"article_id": numbered.take(pa.array(rows))}


def _with_spun(articles: pa.Table, spun: pa.Array) -> pa.Table:
    return articles.set_column(articles.schema.get_field_index("is_spun"), "is_spun", spun)
