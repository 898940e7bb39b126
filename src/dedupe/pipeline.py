"""The order of a run: read, repair, learn, match, cluster, write. Every other module does one of these and knows no order."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pyarrow as pa

from dedupe.cache import note_compiled
from dedupe.clean.repetition import LineCounts
from dedupe.cluster.canonical import preference_columns, preference_rank
from dedupe.cluster.clusters import clusters
from dedupe.cluster.identity import number_equals
from dedupe.config import Config
from dedupe.engine.local import Pool
from dedupe.maps import ShardRead, prepare_shard, read_shard, warm
from dedupe.match.bands import Bands, choose_bands
from dedupe.match.candidates import agreements
from dedupe.match.edges import Edges, Found, exact_groups, expand_exact, find_edges
from dedupe.match.signatures import Signer
from dedupe.match.verify import Verifier
from dedupe.read.parts import Plan, ReadReport, record_offsets

# Called with the name of the stage, how much of it is done, and how much there is.
Progress = Callable[[str, int, int], None]


def silent(_stage: str, _done: int, _total: int) -> None:
    """Show no progress."""


def compile_kernels() -> None:
    """Compile everything that a run needs, once, before processes start that would each do it again."""
    warm()
    load_matching()
    note_compiled()


def load_matching() -> None:
    """Load the kernels of matching, by matching two texts: it takes half a second, which this process has while workers read."""
    texts = pa.array(["one two three four", "one two three four five"])
    rows, bands = np.arange(2), choose_bands(0.5, 0.9)
    signed = Signer(bands.num_perm)(texts)
    verify = Verifier(lambda wanted: texts.take(pa.array(wanted)))
    find_edges(signed.signatures, rows, signed.n_tokens, rows, bands, 0.5, verify)
    agreements(signed.signatures, 0, rows)


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
    """Hold what cleaning hands to matching: the articles, mapped into memory, and what was counted on the way."""

    articles: pa.Table
    signatures: np.ndarray
    keys: np.ndarray
    n_tokens: np.ndarray
    rejects: pa.Table
    residue: pa.Table
    records: int
    report: ReadReport
    rules: Counter[str]
    languages: Counter[str]


@dataclass
class Matched:
    """Hold what matching hands to writing: for each article the row of its canonical, and every verified edge."""

    bands: Bands
    preference: list[np.ndarray]
    canonical: np.ndarray
    similarity: np.ndarray
    representative: np.ndarray
    edges: Edges
    found: Found


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
    articles = pa.concat_tables(pa.ipc.open_file(pa.memory_map(str(job[1]))).read_all() for job in jobs)
    articles = articles.set_column(
        articles.schema.get_field_index("article_id"), "article_id", _unique_ids(articles["article_id"])
    )
    report = sum((read.report for read in reads), ReadReport())
    rejects = pa.concat_tables([pa.Table.from_batches([plan.rejects]), *_numbered_rejects(reads, offsets)])
    signatures, keys, n_tokens = (
        np.concatenate([np.load(f"{job[1]}.{name}.npy", mmap_mode="r") for job in jobs])
        for name in ("signatures", "keys", "tokens")
    )
    records = len(plan.rejects) + sum(read.records for read in reads)
    return Prepared(
        articles, signatures, keys, n_tokens, rejects.sort_by([("path", "ascending"), ("record", "ascending")]), residue,
        records, report, rules, languages,
    )  # fmt: skip


def match(prepared: Prepared, config: Config, threads: int, progress: Progress, timings: Timings) -> Matched:
    """Find what is alike, verify it, and choose each cluster's canonical."""
    articles = prepared.articles
    bands = choose_bands(config.threshold, config.recall)
    text = articles["text"].combine_chunks() if articles["text"].num_chunks == 1 else articles["text"]

    def texts_of(rows: np.ndarray) -> pa.Array:
        taken = text.take(pa.array(rows))
        return taken.combine_chunks() if isinstance(taken, pa.ChunkedArray) else taken

    verify = Verifier(texts_of, threads)
    with timings.of("match and verify"):
        preference = preference_columns(articles)
        rank = preference_rank(preference)
        representative = exact_groups(prepared.keys, rank)
        # With no article to compare, only the edges between equal texts are left.
        tokens = np.zeros_like(prepared.n_tokens) if config.exact_only else prepared.n_tokens
        found = find_edges(prepared.signatures, representative, tokens, rank, bands, config.threshold, verify)
        progress("match and verify", 1, 2)
        edges = expand_exact(found.edges, representative, verify)
    with timings.of("cluster"):

        def joins_of(a: np.ndarray, b: np.ndarray) -> np.ndarray:
            joined: np.ndarray = representative[a] == representative[b]
            if not config.exact_only:
                apart = ~joined
                joined[apart] = verify(representative[a[apart]], representative[b[apart]]).jaccard >= config.threshold
            return joined

        canonical = clusters(rank, edges.a, edges.b, joins_of)
        members = np.flatnonzero(canonical != np.arange(len(canonical)))
        similarity = np.ones(len(canonical))
        apart = members[representative[members] != representative[canonical[members]]]
        similarity[apart] = verify(representative[apart], representative[canonical[apart]]).jaccard
        progress("match and verify", 2, 2)
    return Matched(bands, preference, canonical, similarity, representative, edges, found)


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


def _unique_ids(ids: pa.ChunkedArray) -> pa.Array:
    # Most runs have no equal IDs; finding that out costs one hash table in C++.
    if len(ids.unique()) == len(ids):
        return ids
    return pa.array(number_equals(ids.to_pylist()), pa.string())
