"""One run from paths to an output folder: plan, carry out the pipeline, publish, and say what was done."""

from __future__ import annotations

import tempfile
import time
from collections import Counter
from collections.abc import Callable, Sequence, Set
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from dedupe.adopting import FORGOTTEN, forgotten_ids, previous_digest, read_previous
from dedupe.cluster.canonical import why_canonical
from dedupe.cluster.lasting import Previous, id_map_table, lasting_ids
from dedupe.config import Config
from dedupe.deciding import take_decisions
from dedupe.decisions.store import Decisions
from dedupe.engine.local import Pool, useful_workers
from dedupe.errors import DedupeError
from dedupe.examples import examples
from dedupe.match.edges import DECIDED, RELATIONS, STORY
from dedupe.match.relations import evidence
from dedupe.pipeline import Matched, carry_out
from dedupe.preparing import Prepared
from dedupe.read import plan as plan_input
from dedupe.read.parts import Plan
from dedupe.schema import REJECTS
from dedupe.storytelling import Told
from dedupe.timings import Progress, Timings, silent
from dedupe.write.card import card
from dedupe.write.index import write_index
from dedupe.write.manifest import file_digest, input_digest, load_manifest, manifest, run_section
from dedupe.write.publish import MANIFEST, publish, writing
from dedupe.write.publish import begin as begin_run
from dedupe.write.tables import Clustered, Edge, Storied, write_tables


@dataclass
class Summary:
    """Say what a run did, in numbers: the same that the command prints and `--json` gives."""

    output: str | None
    files: int
    bytes: int
    records: int
    articles: int
    rejects: dict[str, int]
    skipped: str
    columns: list[str]
    events: dict[str, int]
    rules: dict[str, int]
    edits: int
    repeated_lines: int
    languages: dict[str, int]
    candidates: int
    verified: int
    edges: dict[str, int]
    large_buckets: int
    capped_hashes: int
    clusters: int
    clusters_of_several: int
    largest_cluster: int
    duplicates: int
    stories: int
    articles_in_stories: int
    largest_story: int
    decisions: dict[str, int]
    reused: dict[str, int]
    taken_over: int
    known: int
    threshold: float
    seconds: float
    timings: dict[str, float] = field(default_factory=dict)
    worker_deaths: int = 0
    examples: list[dict[str, str]] = field(default_factory=list)

    def as_dict(self) -> dict[str, Any]:
        """Return plain JSON values."""
        return asdict(self)


def clean(
    paths: Sequence[str | Path],
    output: str | Path = "output",
    config: Config | None = None,
    *,
    workers: int | Pool | None = None,
    fresh: bool = False,
    previous: str | Path | None = None,
    relearn: bool = False,
    progress: Progress = silent,
) -> Summary:
    """Clean and deduplicate articles, write the corpus into `output`, and return what was done.

    An output already in place is replaced whole, at the end; its cluster IDs are carried over unless `fresh`. `previous` is an
    output that hands on its IDs, and the lines it has learned unless `relearn`; where it is `output` itself, its articles stay,
    and those of `paths` join them. `workers`: how many processes, or a pool that is running already and stays the caller's.
    Raises UsageError for paths that cannot be read as given, OutputError where the output cannot be written or another run holds
    it.
    """
    given = [str(path) for path in paths]
    held = Path(previous) if previous is not None else None
    return _run(
        lambda scratch: plan_input(given, config or Config(), spool=scratch),
        given, Path(output), config or Config(), workers, progress,
        None if fresh else held, fresh=fresh, relearn=relearn,
    )  # fmt: skip


def forget(output: str | Path, ids: Set[str], *, workers: int | Pool | None = None, progress: Progress = silent) -> Summary:
    """Take articles out of an output for good: out of every table, the index, the report and the decisions.

    The corpus is put together anew from what it holds, so that clusters are those of the articles that are left. A tombstone of
    each ID stays, by which later runs know the article when they read it again, and reject it.
    """
    target = Path(output)
    config = Config.from_mapping(load_manifest(target)["settings"], str(target))
    empty = Plan([], pa.RecordBatch.from_pylist([], REJECTS), 0, 0, {})
    summary = _run(lambda _: empty, [], target, config, workers, progress, target, forgotten=frozenset(ids))
    Decisions.open(target).forget(ids)
    return summary


def _run(
    plan_of: Callable[[Path], Plan],
    given: list[str],
    target: Path,
    config: Config,
    workers: int | Pool | None,
    progress: Progress,
    previous: Path | None,
    *,
    fresh: bool = False,
    relearn: bool = False,
    forgotten: frozenset[str] = frozenset(),
) -> Summary:
    begin = time.perf_counter()
    pool = workers if isinstance(workers, Pool) else Pool(useful_workers(given, workers), "dedupe.warmed")
    with writing(target), pool if pool is not workers else nullcontext():
        run = begin_run(target)
        scratch, new = run / "scratch", run / "new"
        plan = plan_of(scratch)
        before = None if fresh else read_previous(previous or target, explicit=previous is not None)
        taken, handed_on = take_decisions(target, previous)
        timings = Timings()
        held = None if relearn else previous
        buried = forgotten | forgotten_ids(target) | (forgotten_ids(previous) if previous else frozenset())
        prepared, matched, told = carry_out(
            plan, config, scratch, pool, progress, timings,
            taken=taken, previous=held, joins=_same(held, target), forgotten=buried,
        )  # fmt: skip
        with timings.of("write"):
            summary = _write(new, plan, prepared, matched, told, config, before, buried, pool.workers, given, timings, begin)
            progress("write", 1, 2)
        publish(target, run)
        if handed_on is not None:
            Decisions.open(target).import_lines(handed_on.export_lines())
        progress("write", 2, 2)
    summary.output = str(target)
    summary.worker_deaths = pool.deaths
    summary.seconds = time.perf_counter() - begin
    return summary


def sample(paths: Sequence[str | Path], config: Config | None = None, *, limit: int) -> Summary:
    """Carry out a run over the first `limit` records and write nothing: to see what would be taken, repaired and matched."""
    begin = time.perf_counter()
    config = config or Config()
    with tempfile.TemporaryDirectory(prefix="dedupe-") as folder:
        plan = plan_input([str(path) for path in paths], config, spool=Path(folder))
        timings = Timings()
        prepared, matched, told = carry_out(plan, config, Path(folder), Pool(1), silent, timings, limit)
        summary = _summary(plan, prepared, matched, told, config, timings, begin)
        summary.examples = examples(prepared, matched)
        del prepared, matched, told  # Windows removes no file that is mapped
    return summary


def _same(one: Path | None, other: Path) -> bool:
    return one is not None and one.resolve() == other.resolve()


def _write(
    new: Path,
    plan: Plan,
    prepared: Prepared,
    matched: Matched,
    told: Told,
    config: Config,
    before: Previous | None,
    forgotten: frozenset[str],
    threads: int,
    paths: list[str],
    timings: Timings,
    begin: float,
) -> Summary:
    articles = prepared.articles
    hubs, cluster = np.unique(matched.canonical, return_inverse=True)
    lasting = lasting_ids("cluster", articles["article_id"], cluster, hubs, before)
    names = pa.array(lasting.names, pa.string())
    clustered = Clustered(names, cluster, matched.canonical, matched.similarity, _relations(matched), lasting.since)
    story_hubs, story = _numbered(told.leader)
    tales = lasting_ids("story", articles["article_id"], story, story_hubs, before)
    storied = Storied(pa.array(tales.names, pa.string()), story, story_hubs, tales.since)
    buried: list[tuple[Any, ...]] = [("article", one, None, FORGOTTEN, 0) for one in sorted(forgotten)]
    changes = [*lasting.changes, *tales.changes, *buried]
    edge = _edges(matched, told)
    summary = _summary(plan, prepared, matched, told, config, timings, begin)
    bands = matched.bands
    matching = {
        "shingle": "3 words, or 5 characters of scripts without spaces",
        "scheme": "affine32",
        "seed": config.seed,
        "num_perm": bands.num_perm,
        "bands": bands.number,
        "rows": bands.rows,
        "recall_at_threshold": round(bands.recall(config.threshold), 4),
    }
    facts = {
        "fingerprint": config.fingerprint(),
        "minhash": {"scheme": "affine32", "seed": config.seed, "num_perm": bands.num_perm},
    }
    rows = write_tables(
        new,
        articles,
        prepared.stored.batches,
        clustered,
        storied,
        edge,
        _reasons(matched, names, cluster),
        prepared.rejects,
        prepared.residue,
        id_map_table(changes),
        facts,
        threads,
    )
    if summary.records != rows["corpus"] + rows["rejects"]:
        raise DedupeError(
            f"{summary.records:,} records were read, but {rows['corpus']:,} articles and {rows['rejects']:,} rejects came out.",
            "This is a defect of dedupe: nothing was published; please report it with the input.",
        )
    counts = {
        "records": summary.records,
        "articles": summary.articles,
        "rejects": sum(summary.rejects.values()),
        "clusters": summary.clusters,
        "duplicates": summary.duplicates,
        "edits": summary.edits,
        "rules": summary.rules,
        "languages": summary.languages,
        "events": summary.events,
        "decisions": summary.decisions,
    }
    np.save(prepared.index / "spun.npy", articles["is_spun"].to_numpy())
    write_index(new, prepared.index, {"fingerprint": config.fingerprint(), **matching})
    (new / "README.md").write_text(card(counts, rows, list(summary.languages), config.as_dict()), encoding="utf-8")
    files = sorted(path for path in new.rglob("*") if path.is_file())
    with ThreadPoolExecutor(max(1, threads)) as pool:
        digests = list(pool.map(file_digest, files))
    tables = {
        path.relative_to(new).as_posix(): {"sha256": digest, **({"rows": rows[path.stem]} if path.suffix == ".parquet" else {})}
        for path, digest in zip(files, digests, strict=True)
    }
    inputs = {"files": plan.n_files, "sha256": input_digest(articles, prepared.rejects), "previous": previous_digest(before)}
    inputs["decisions"] = matched.honoured.digest if matched.honoured else None
    run = run_section(paths, time.perf_counter() - begin, timings.seconds, threads)
    (new / MANIFEST).write_text(
        manifest(config, before.generation + 1 if before else 1, inputs, counts, matching, tables, run), encoding="utf-8"
    )
    return summary


def _numbered(leader: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    # The leaders in order of row, and the number of each article's own among them; -1 where it has none.
    hubs, number = np.unique(leader, return_inverse=True)
    alone = int(len(hubs) > 0 and hubs[0] < 0)
    return hubs[alone:], number - alone


def _edges(matched: Matched, told: Told) -> Edge:
    edges, honoured = matched.edges, matched.honoured
    deciders = honoured.deciders(np.flatnonzero(matched.relation == DECIDED), matched.canonical) if honoured else {}
    # Of two facts that differ, that of the smaller ID is named first, as its article is in pairs.parquet.
    id_place = matched.preference[-1]
    turned = id_place[edges.a] > id_place[edges.b]
    a, b = np.where(turned, edges.b, edges.a), np.where(turned, edges.a, edges.b)
    words = evidence(a, b, edges.relation, edges.overlap, edges.star, matched.representative, matched.facts, deciders)
    # What two articles are to each other stands in one row: a pair that has a nearer relation is no `story` besides.
    fresh = ~np.isin(told.a << 32 | told.b, edges.a << 32 | edges.b)
    words += [said for said, new in zip(told.evidence, fresh.tolist(), strict=True) if new]
    relation = np.array(RELATIONS, object)[np.concatenate([edges.relation, np.full(int(fresh.sum()), STORY)])]
    both = zip(edges.overlap, told.overlap, strict=True)
    size_a, size_b, shared = (np.concatenate([near, story[fresh]]) for near, story in both)
    return Edge(
        np.concatenate([edges.a, told.a[fresh]]),
        np.concatenate([edges.b, told.b[fresh]]),
        pa.array(relation, pa.string()),
        size_a,
        size_b,
        shared,
        pa.array(words, pa.string()),
    )


def _relations(matched: Matched) -> pa.Array:
    names = np.array([*RELATIONS, "canonical"], object)
    return pa.array(names[matched.relation], pa.string())  # -1, an article that is its own canonical, is the last of them


def _reasons(matched: Matched, names: pa.Array, cluster: np.ndarray) -> pa.Array:
    # The runner-up is the next in the order of preference; single articles have none.
    order = np.argsort(matched.rank)
    order = order[np.argsort(cluster[order], kind="stable")]
    starts = np.searchsorted(cluster[order], np.arange(len(names)))
    sizes = np.bincount(cluster, minlength=len(names))
    reasons = np.full(len(names), "it is the only one", object)
    for place in np.flatnonzero(sizes > 1):
        first, second = order[starts[place] : starts[place] + 2]
        reasons[place] = why_canonical(matched.preference, int(first), int(second))
    for row, why in (matched.honoured.why_chosen(matched.canonical) if matched.honoured else {}).items():
        reasons[cluster[row]] = why
    return pa.array(reasons, pa.string())


def _summary(
    plan: Plan, prepared: Prepared, matched: Matched, told: Told, config: Config, timings: Timings, begin: float
) -> Summary:
    sizes = np.unique(matched.canonical, return_counts=True)[1]
    tale_sizes = np.unique(told.leader[told.leader >= 0], return_counts=True)[1]
    relations = np.bincount(matched.edges.relation, minlength=len(RELATIONS)).tolist()
    rejects = Counter(prepared.rejects["code"].to_pylist())
    return Summary(
        output=None,
        files=plan.n_files,
        bytes=plan.n_bytes,
        records=prepared.records,
        articles=prepared.articles.num_rows,
        rejects=_sorted(rejects),
        skipped=plan.skipped_sentence(),
        columns=[
            f"{kind}: {taken}" + (f" ({count:,} files)" if count > 1 else "")
            for (kind, taken), count in sorted(prepared.report.columns.items())
        ],
        events=_sorted(prepared.report.events),
        rules=_sorted(prepared.rules),
        edits=sum(prepared.rules.values()),
        repeated_lines=prepared.residue.num_rows,
        languages=_sorted(prepared.languages),
        candidates=matched.candidates,
        verified=matched.verified,
        edges={name: count for name, count in zip(RELATIONS, relations, strict=True) if count},
        large_buckets=matched.large_buckets,
        capped_hashes=matched.capped_hashes,
        clusters=len(sizes),
        clusters_of_several=int((sizes > 1).sum()),
        largest_cluster=int(sizes.max(initial=0)),
        duplicates=int((sizes - 1).sum()),
        stories=len(tale_sizes),
        articles_in_stories=int(tale_sizes.sum()),
        largest_story=int(tale_sizes.max(initial=0)),
        decisions=matched.honoured.counts() if matched.honoured else {},
        reused=prepared.reused,
        taken_over=prepared.fresh,
        known=prepared.known,
        threshold=config.threshold,
        seconds=time.perf_counter() - begin,
        timings=timings.seconds,
    )


def _sorted(counter: Counter[str]) -> dict[str, int]:
    return dict(sorted(counter.items(), key=lambda item: (-item[1], item[0])))
