"""One run from paths to an output folder: plan, carry out the pipeline, publish, and say what was done."""

from __future__ import annotations

import json
import tempfile
import time
from collections.abc import Callable, Sequence, Set
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from dedupe.cluster.identity import with_equals
from dedupe.cluster.lasting import Previous
from dedupe.config import Config
from dedupe.decisions.store import Decisions
from dedupe.engine import memory
from dedupe.engine.local import Pool, beside, useful_workers
from dedupe.engine.timings import Progress, Timings, silent
from dedupe.errors import DedupeError, UsageError
from dedupe.pipeline import Matched, carry_out, index_terms
from dedupe.read import plan as plan_input
from dedupe.read.parts import Plan
from dedupe.report.figures import figures
from dedupe.report.page import load_templates, write_report
from dedupe.report.rows import OfRun
from dedupe.schema import REJECTS
from dedupe.stages.adopting import forgotten_ids, learned_lines, previous_digest, read_previous
from dedupe.stages.deciding import Honoured, Taken, take_decisions
from dedupe.stages.examples import examples
from dedupe.stages.preparing import Prepared
from dedupe.stages.results import name_results
from dedupe.stages.storytelling import Told
from dedupe.summary import Summary, summarise
from dedupe.write.card import card
from dedupe.write.index import FOLDER, write_index
from dedupe.write.manifest import file_digest, input_digest, load_manifest, manifest, reading, run_section
from dedupe.write.publish import MANIFEST, flush, publish, writing
from dedupe.write.publish import begin as begin_run
from dedupe.write.tables import placing, write_tables

# From paths, settings, a scratch folder, progress, timings, lines that an earlier run has learned, IDs of forgotten articles, and
# decisions: a run up to what is to be written.
Carried = Callable[
    [list[str], Config, Path, Progress, Timings, pa.Table | None, frozenset[str], Taken | None],
    tuple[Plan, Prepared, Matched, Told],
]


# Given the scratch folder of the run: writes there what has to be read, and returns the paths of it.
Spooled = Callable[[Path], Sequence[str | Path]]


def clean(
    paths: Sequence[str | Path] | Spooled,
    output: str | Path = "output",
    config: Config | None = None,
    *,
    workers: int | Pool | None = None,
    fresh: bool = False,
    previous: str | Path | None = None,
    relearn: bool = False,
    progress: Progress = silent,
    carried: Carried | None = None,
) -> Summary:
    """Clean and deduplicate articles, write the corpus into `output`, and return what was done.

    An output already in place is replaced whole, at the end; its cluster IDs are carried over unless `fresh`. `previous` is an
    output that hands on its IDs, and the lines it has learned unless `relearn`; where it is `output` itself, its articles stay,
    and those of `paths` join them. `paths` may be what writes them into the scratch, which goes with the run, even one that is
    killed. `workers`: how many processes, or a pool that is running already and stays the caller's.
    `carried`: what carries the run out, where that is not this machine's processes. Raises UsageError for paths that cannot be
    read as given, OutputError where the output cannot be written or another run holds it.
    """
    held = Path(previous) if previous is not None else None
    for path in () if callable(paths) else paths:
        # The next run would refuse to read it, as an output is no folder of articles.
        if Path(path).is_dir() and _same(Path(path), Path(output)) and not (Path(output) / MANIFEST).exists():
            raise UsageError(f"{output} holds the articles, so the output cannot go there.", "Give another folder with -o.")
    return _run(
        lambda given, scratch: plan_input(given, config or Config(), spool=scratch),
        paths, Path(output), config or Config(), workers, progress,
        None if fresh else held, fresh=fresh, relearn=relearn, carried=carried,
    )  # fmt: skip


def forget(output: str | Path, ids: Set[str], *, workers: int | Pool | None = None, progress: Progress = silent) -> Summary:
    """Take articles out of an output for good: out of every table, the index, the report and the decisions.

    The corpus is put together anew from what it holds, so that clusters are those of the articles that are left. A tombstone of
    each ID stays, by which later runs know the article when they read it again, and reject it. Articles equal in identity and
    text go with it: only the order of the input tells their IDs apart, so no later run could reject the one and take the other.
    """
    target = Path(output)
    with reading(target, "corpus.parquet"):
        ids = with_equals(ids, pq.read_table(target / "corpus.parquet", columns=["article_id"])["article_id"])
    config = Config.from_mapping(load_manifest(target)["settings"], str(target))
    empty = Plan([], pa.RecordBatch.from_pylist([], REJECTS), 0, 0, {})
    summary = _run(lambda *_: empty, [], target, config, workers, progress, target, forgotten=frozenset(ids))
    Decisions.open(target).forget(ids)
    return summary


def _run(
    plan_of: Callable[[list[str], Path], Plan],
    paths: Sequence[str | Path] | Spooled,
    target: Path,
    config: Config,
    workers: int | Pool | None,
    progress: Progress,
    previous: Path | None,
    *,
    fresh: bool = False,
    relearn: bool = False,
    forgotten: frozenset[str] = frozenset(),
    carried: Carried | None = None,
) -> Summary:
    begin = time.perf_counter()
    with writing(target), ExitStack() as ours:
        run = begin_run(target)
        scratch, new = run / "scratch", run / "new"
        given = [str(path) for path in (paths(scratch) if callable(paths) else paths)]
        pool = workers if isinstance(workers, Pool) else ours.enter_context(_pool(given, workers))
        # First: of an output whose map of IDs is damaged nothing else is worth telling.
        before_us = [target] if previous is None or _same(previous, target) else [target, previous]
        buried = forgotten.union(*map(forgotten_ids, before_us))
        before = None if fresh else read_previous(previous or target, explicit=previous is not None)
        taken, handed_on = take_decisions(target, previous)
        timings = Timings()
        held = None if relearn else previous
        if carried is None:
            plan = plan_of(given, scratch)
            prepared, matched, told = carry_out(
                plan, config, scratch, pool, progress, timings,
                taken=taken, previous=held, joins=_same(held, target), forgotten=buried, index=new / FOLDER,
            )  # fmt: skip
        else:
            if _same(held, target):
                raise UsageError(
                    f"{target} is to take articles in, which a run on Spark cannot do.",
                    "Run it without Spark, or give all of the input and relearn.",
                )
            learned = learned_lines(held, config) if held else None
            plan, prepared, matched, told = carried(given, config, scratch, progress, timings, learned, buried, taken)
            index_terms(new / FOLDER, prepared, matched.honoured)
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


def _pool(given: list[str], workers: int | None) -> Pool:
    return Pool(useful_workers(given, workers), "dedupe.stages.warmed")


def sample(paths: Sequence[str | Path], config: Config | None = None, *, limit: int, progress: Progress = silent) -> Summary:
    """Carry out a run over the first `limit` records and write nothing: to see what would be taken, repaired and matched."""
    begin = time.perf_counter()
    config = config or Config()
    with tempfile.TemporaryDirectory(prefix="dedupe-") as folder:
        plan = plan_input([str(path) for path in paths], config, spool=Path(folder))
        timings = Timings()
        with Pool(1) as pool:  # left, it stops what goes on beside a run that was interrupted
            prepared, matched, told = carry_out(plan, config, Path(folder), pool, progress, timings, limit)
        summary = summarise(plan, prepared, matched, told, config, timings, begin)
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
    results = name_results(prepared.articles, matched, told, before, forgotten)
    prepared.let_go()
    memory.give_back()
    summary = summarise(plan, prepared, matched, told, config, timings, begin)
    if before and not prepared.adopted:
        summary.gone = _gone(before, prepared.articles)
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
    described = partial(manifest, config, before.generation + 1 if before else 1)
    found: dict[str, Any] = {}

    def look() -> None:
        articles = prepared.articles
        place = placing(articles["article_id"].combine_chunks(), results.clustered, results.storied)
        stated = json.loads(described(read.result(), counts, matching, {}, {}))
        found.update(figures(new, stated, OfRun(prepared.columns, place(slice(0, len(articles))))))
        load_templates()

    with beside(_inputs, plan, prepared.articles, prepared.rejects, before, matched.honoured) as read:
        rows = write_tables(
            new,
            prepared.articles,
            prepared.stored.batches,
            results.clustered,
            results.storied,
            results.edge,
            results.reasons,
            prepared.rejects,
            prepared.residue,
            results.id_map,
            facts,
            threads,
            prepared.adopted.folder if prepared.adopted else None,
            look,
        )
    if summary.records != rows["corpus"] + rows["rejects"]:
        raise DedupeError(
            f"{summary.records:,} records were read, but {rows['corpus']:,} articles and {rows['rejects']:,} rejects came out.",
            "This is a defect of dedupe: nothing was published; please report it with the input.",
        )
    np.save(prepared.index / "spun.npy", prepared.articles["is_spun"].to_numpy())
    write_index(new, prepared.index, {"fingerprint": config.fingerprint(), **matching})
    (new / "README.md").write_text(card(counts, rows, list(summary.languages), config.as_dict()), encoding="utf-8")
    run = run_section(paths, time.perf_counter() - begin, timings.seconds, threads)
    # The report names no hash of a file: the tables are hashed and reach the disk while it is laid out.
    files = sorted(path for path in new.rglob("*") if path.is_file())
    with beside(_checked, new, files, rows, threads) as checked:
        write_report(new, found | {"run": run})
        # A path that is no Unicode stands in it as JSON's own escapes.
        (new / MANIFEST).write_text(
            described(read.result(), counts, matching, run, checked.result()), encoding="utf-8", errors="backslashreplace"
        )
    return summary


def _gone(before: Previous, articles: pa.Table) -> int:
    # How many articles of the output before are not among these.
    held = pc.is_in(before.articles["article_id"], articles["article_id"].combine_chunks())
    return int(np.count_nonzero(~held.to_numpy()))


def _inputs(
    plan: Plan, articles: pa.Table, rejects: pa.Table, before: Previous | None, honoured: Honoured | None
) -> dict[str, Any]:
    inputs = {"files": plan.n_files, "sha256": input_digest(articles, rejects), "previous": previous_digest(before)}
    return inputs | {"decisions": honoured.digest if honoured else None}


def _checked(new: Path, files: Sequence[Path], rows: dict[str, int], threads: int) -> dict[str, dict[str, Any]]:
    # What the manifest says of each file, which is on the disk then.
    with beside(flush, files) as flushed, ThreadPoolExecutor(max(1, threads)) as pool:
        digests = list(pool.map(file_digest, files))
        flushed.result()
    return {
        path.relative_to(new).as_posix(): {"sha256": digest, **({"rows": rows[path.stem]} if path.suffix == ".parquet" else {})}
        for path, digest in zip(files, digests, strict=True)
    }
