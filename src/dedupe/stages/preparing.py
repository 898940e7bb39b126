"""The first half of a run: everything is read and repaired, lines that repeat are learned, languages told, texts signed.

Each shard is done by itself and kept in files whose names are hashes of all that they depend on: the stretch of the input, and
the settings that have a say. A run that was cut short finds them again, and so does one with other settings, as far as they do
not matter.
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from dedupe import __version__
from dedupe.cluster.identity import number_equals
from dedupe.config import Config
from dedupe.engine import memory
from dedupe.engine.local import Pool
from dedupe.engine.stored import Columns, Stored
from dedupe.engine.timings import Progress, Timings
from dedupe.engine.watch import carefully
from dedupe.match.bands import choose_bands
from dedupe.match.signatures import Signed
from dedupe.read.parts import Plan, ReadReport, Shard, record_offsets
from dedupe.repair.repetition import LineCounts
from dedupe.stages.adopting import Adopted
from dedupe.stages.kernels import load_matching
from dedupe.stages.maps import (
    PREPARED,
    gather_signed,
    prepare_shard,
    read_shard,
    tells_stories,
    was_gathered,
)
from dedupe.stages.shards import LeftOut, ShardPrepared, ShardRead, piece_of, rejects_of
from dedupe.stages.term_files import terms_beside

# The folder in the scratch with the arrays of all shards, which becomes the index of the output.
_INDEX = "index"


@dataclass
class Prepared:
    """Hold what cleaning hands to matching: the articles, in files, and what was counted on the way.

    `articles`: all columns, mapped, for those that are small; texts are taken from `stored`. `signed` is mapped from `index`.
    `reused`: how many articles of each stage an earlier run had done. `adopted`: what was taken over from an output, whose
    articles come first; `known`: how many of the input were among these. `terms`: the files with the terms of all articles, none
    where no stories are told. `unrestored`: how many spun articles stay as they are, since restoring them ends a worker.
    """

    stored: Stored
    articles: pa.Table
    signed: Signed
    index: Path
    shards: list[Path]
    terms: list[Path]
    rejects: pa.Table
    residue: pa.Table
    records: int
    report: ReadReport
    rules: Counter[str]
    languages: Counter[str]
    reused: dict[str, int] = field(default_factory=dict)
    adopted: Adopted | None = None
    known: int = 0
    unrestored: int = 0

    @property
    def fresh(self) -> int:
        """The first row that is new."""
        return self.adopted.articles if self.adopted else 0

    def put(self, rows: np.ndarray, values: dict[str, pa.Array], name: str) -> None:
        """Put other values in some rows (ascending); the batches that hold them go into a file of that name in the scratch."""
        if len(rows):
            spun = self.articles["is_spun"]
            self.stored = self.stored.put(rows, values, self.index.with_name(f"{name}.arrow"))
            self.articles = with_spun(self.stored.columns(PREPARED), spun)

    def put_parts(self, parts: Iterator[tuple[np.ndarray, dict[str, pa.Array], Counter[str]]], name: str) -> Counter[str]:
        """Put the values of each part in place, and return what was counted of all of them.

        The articles are mapped anew at the end alone, which takes 0.5 s of a million; no part is held while the next is made.
        """
        counted: Counter[str] = Counter()
        number = 0
        while part := next(parts, None):
            self.stored = self.stored.put(*part[:2], self.index.with_name(f"{name}-{number}.arrow"))
            counted += part[2]
            del part
            memory.give_back()
            number += 1
        if number:
            self.let_go()
        return counted

    def let_go(self) -> None:
        """Map the articles anew: of what was read of the old mapping every page counted as memory, 0.8 KB an article."""
        self.articles = with_spun(self.stored.columns(PREPARED), self.articles["is_spun"])

    @property
    def columns(self) -> Columns:
        """The articles for those who read texts of many: what they read does not stay in memory."""
        return Columns(self.stored, self.articles)

    def texts_of(self, rows: np.ndarray) -> pa.Array:
        """Return the texts of some rows, in the order asked for."""
        return self.stored.take("text", rows)


def with_spun(articles: pa.Table, spun: pa.Array) -> pa.Table:
    """Say of each article whether it is spun."""
    return articles.set_column(articles.schema.get_field_index("is_spun"), "is_spun", spun)


def prepare(
    plan: Plan,
    config: Config,
    scratch: Path,
    pool: Pool,
    progress: Progress,
    timings: Timings,
    limit: int | None = None,
    learned: pa.Table | None = None,
    adopted: Adopted | None = None,
    forgotten: frozenset[str] = frozenset(),
) -> Prepared:
    """Read and repair everything, learn what repeats, tell languages and sign; with a `limit`, so many records only.

    What was `adopted` comes first. Where an earlier run has `learned` lines that repeat, no others are learned.

    What `scratch` holds of an earlier run is used where it is of the same input under the same settings, and removed elsewhere.
    """
    sources = [scratch / f"read-{_read_key(shard, config, forgotten)}.arrow" for shard in plan.shards]
    with timings.of("read and repair"):
        reads, reused = _read_all(plan, sources, config, forgotten, pool, progress, limit)
    while True:
        with timings.of("learn repeated lines"):
            lines = LineCounts()
            for read in reads:
                lines = lines.merge(read.lines)
            residue = lines.finish() if learned is None else learned
        offsets = record_offsets(plan.shards[: len(reads)], [read.numbered for read in reads])
        pieces = [_Piece(at, piece_of(sources[at], number)) for at, read in enumerate(reads) for number in range(read.pieces)]
        with timings.of("repair and sign"):
            num_perm = choose_bands(config.threshold, config.recall).num_perm
            out = LeftOut(adopted.folder / "corpus.parquet", adopted.digest) if adopted else LeftOut()
            how = _prepare_how(config, residue, num_perm, out)
            shards = [_target(piece.source, offsets[piece.shard], how) for piece in pieces]
            _sweep(scratch, {source.stem.removeprefix("read-") for source in sources}, {shard.stem for shard in shards})
            known = _known(shards)
            missing = [piece for piece, done in zip(pieces, known, strict=True) if done is None]
            lost = sorted({piece.shard for piece in missing if not piece.source.exists()})
            again = [(plan.shards[at], config, sources[at], forgotten) for at in lost]
            if _read_again(dict(zip(lost, again, strict=True)), reads, pool):
                break
    with timings.of("repair and sign"):
        rest = config, residue, num_perm, out
        jobs = [(piece.source, target, offsets[piece.shard], *rest) for piece, target in zip(pieces, shards, strict=True)]
        done, taken = _prepare_all(jobs, known, pool, progress, sum(read.articles for read in reads))
    later = [
        rejects_of([(path, record + offsets[piece.shard]) for path, record in one.deadly], "deadly")
        for one, piece in zip(done, pieces, strict=True)
    ]
    rejects = pa.concat_tables([pa.Table.from_batches([plan.rejects, *later]), *numbered_rejects(reads, offsets)])
    arrays, records = shards, len(plan.rejects) + sum(read.records for read in reads) - sum(one.known for one in done)
    if not shards and not adopted:
        arrays = shards = [prepared_nothing(scratch, config, residue, num_perm)]
    terms = terms_beside(shards) if tells_stories(config) else []
    if adopted:
        terms = [*adopted.terms, *terms]
        arrays, shards = [adopted.signed_as(scratch), *shards], [*adopted.shards, *shards]
        rejects, records = pa.concat_tables([adopted.rejects, rejects]), records + adopted.articles + len(adopted.rejects)
    stored = Stored.of(shards)
    articles = stored.columns(PREPARED)
    # Waited for whatever happens: it takes files away that the next run would look for.
    with ThreadPoolExecutor(1) as thread:
        gathered = thread.submit(gather_signed, arrays, scratch / _INDEX)
        numbered = numbered_ids(articles["article_id"])
    prepared = Prepared(
        stored=stored,
        articles=articles,
        signed=gathered.result(),
        index=scratch / _INDEX,
        shards=shards,
        terms=terms,
        rejects=rejects.sort_by([("path", "ascending"), ("record", "ascending")]),
        residue=residue,
        records=records,
        report=sum((read.report for read in reads), ReadReport()),
        rules=sum((shard.rules for shard in done), adopted.rules if adopted else Counter()),
        languages=sum((shard.languages for shard in done), adopted.languages if adopted else Counter()),
        reused={stage: count for stage, count in (("read and repair", reused), ("repair and sign", taken)) if count},
        adopted=adopted,
        known=sum(one.known for one in done),
    )
    prepared.put(*numbered, "numbered")
    return prepared


def prepared_nothing(scratch: Path, config: Config, residue: pa.Table, num_perm: int) -> Path:
    """Make the files of a shard that holds nothing, by the stages themselves: for a run whose input is all rejects."""
    read, target = scratch / "read-nothing.arrow", scratch / "prepared-nothing.arrow"
    read_shard((), config, read)
    prepare_shard(read, target, 0, config, residue, num_perm, LeftOut())
    return target


def _read_key(shard: Shard, config: Config, forgotten: frozenset[str]) -> str:
    settings = {name: config.as_dict()[name] for name in ("fields", "html", "max_article_bytes", "clean", "no_rules")}
    told = json.dumps([__version__, [asdict(part) for part in shard], settings, sorted(forgotten)], sort_keys=True)
    return hashlib.sha256(told.encode("utf-8", "surrogatepass")).hexdigest()[:32]


def _prepare_how(config: Config, residue: pa.Table, num_perm: int, out: LeftOut) -> str:
    digest = hashlib.sha256()
    for batch in residue.combine_chunks().to_batches():
        digest.update(batch.serialize())
    settings = (config.clean, sorted(config.no_rules), config.despin != "off", tells_stories(config), config.seed, num_perm)
    return f"{__version__} {settings} {digest.hexdigest()} {out.digest}"


def _target(source: Path, offset: int, how: str) -> Path:
    key = hashlib.sha256(f"{source.name} {offset} {how}".encode()).hexdigest()[:16]
    return source.with_name(f"{source.name.split('.')[0].replace('read', 'prepared')}-{key}.arrow")


def _sweep(scratch: Path, keys: set[str], targets: set[str]) -> None:
    # What an earlier run has left of other input or other settings, or of its later stages, would only fill the disk.
    for entry in scratch.iterdir():
        stem = entry.name.split(".")[0]
        mine = stem in targets if stem.startswith("prepared-") else stem.removeprefix("read-") in keys
        if stem.startswith(("read-", "prepared-")) and not mine:
            entry.unlink()


def _read_all(
    plan: Plan,
    sources: list[Path],
    config: Config,
    forgotten: frozenset[str],
    pool: Pool,
    progress: Progress,
    limit: int | None,
) -> tuple[list[ShardRead], int]:
    reads: list[ShardRead] = []
    if limit is not None:
        for shard, source in zip(plan.shards, sources, strict=True):
            if limit <= 0:
                break
            reads.append(read_shard(shard, config, source, forgotten, limit))
            limit -= reads[-1].records
        return reads, 0
    known = [ShardRead.load(source) for source in sources]
    left = zip(plan.shards, sources, known, strict=True)
    missing = [(shard, config, source, forgotten) for shard, source, done in left if done is None]
    progress("read and repair", len(sources) - len(missing), len(sources))
    load = partial(load_matching, tells_stories(config), config.despin != "off")
    fresh = pool.map(read_shard, missing, load, lambda *item: _read_carefully(pool, *item))
    for done in known:
        reads.append(next(fresh) if done is None else done)
        progress("read and repair", len(reads), len(sources))
    return reads, sum(done.articles for done in known if done is not None)


class _Piece(NamedTuple):
    """Name a piece of the shard of that number, and the file that holds its first half."""

    shard: int
    source: Path


def _known(targets: Sequence[Path]) -> list[ShardPrepared | None]:
    gathered = was_gathered(list(targets), targets[0].with_name(_INDEX)) if targets else False
    return [ShardPrepared.load(target, gathered) for target in targets]


def _read_again(jobs: Mapping[int, tuple[Any, ...]], reads: list[ShardRead], pool: Pool) -> bool:
    # What was prepared under other settings has given its first half away. Tells whether that is what it was: where the file is
    # gone by now, or another, its articles are rejects, and what the run has learned is to be learned without them.
    found = pool.map(read_shard, jobs.values(), rescue=lambda *item: _read_carefully(pool, *item))
    same = True
    for at, read in zip(jobs, found, strict=True):
        same &= _counts(read) == _counts(reads[at])
        reads[at] = read
    return same


def _counts(read: ShardRead) -> tuple[int, ...]:
    return read.articles, read.numbered, read.records, read.pieces


def _prepare_all(
    jobs: Sequence[tuple[Any, ...]], known: Sequence[ShardPrepared | None], pool: Pool, progress: Progress, total: int
) -> tuple[list[ShardPrepared], int]:
    missing = [job for job, done in zip(jobs, known, strict=True) if done is None]
    fresh = pool.map(prepare_shard, missing, rescue=lambda *item: _prepare_carefully(pool, *item))
    done, count = [], 0
    for one in known:
        done.append(next(fresh) if one is None else one)
        count += done[-1].articles
        progress("repair and sign", count, total)
    return done, sum(one.articles for one in known if one is not None)


def _read_carefully(pool: Pool, shard: Shard, config: Config, path: Path, forgotten: frozenset[str]) -> ShardRead:
    job = (shard, config, path, forgotten, None)
    return carefully(path.with_suffix(".watch"), lambda watch: pool.alone(read_shard, *job, watch))


def _prepare_carefully(pool: Pool, source: Path, target: Path, *rest: Any) -> ShardPrepared:
    return carefully(target.with_suffix(".watch"), lambda watch: pool.alone(prepare_shard, source, target, *rest, watch))


def numbered_rejects(reads: Sequence[ShardRead], offsets: Sequence[int]) -> Iterator[pa.Table]:
    """Yield the rejects of each shard, with record numbers that count through whole files."""
    for read, offset in zip(reads, offsets, strict=False):
        records = read.rejects["record"].to_numpy()
        # Record 0 speaks of a whole file and stays 0.
        moved = pa.array(np.where(records > 0, records + offset, records))
        yield read.rejects.set_column(1, read.rejects.schema.field("record"), moved)


def numbered_ids(ids: pa.ChunkedArray) -> tuple[np.ndarray, dict[str, pa.Array]]:
    """Return the rows whose ID another has too, and the IDs of their own that they get: see `number_equals`."""
    # Most runs have no equal IDs; finding that out costs one hash table in C++.
    if len(ids.unique()) == len(ids):
        return np.empty(0, np.int64), {}
    numbered = pa.array(number_equals(ids.to_pylist()), pa.string())
    rows = np.flatnonzero(pc.not_equal(ids, numbered).to_numpy())
    return rows, {"article_id": numbered.take(pa.array(rows))}
