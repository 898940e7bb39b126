"""The order of a run on Spark: that of `dedupe.pipeline`, with what it holds of every article, and what it leaves where it is."""

from __future__ import annotations

import pickle
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from dedupe.cluster.canonical import preference_of
from dedupe.cluster.clusters import components
from dedupe.config import Config
from dedupe.engine.spark import Spark, run_task
from dedupe.engine.spark_components import spark_components
from dedupe.engine.stored import Stored
from dedupe.engine.timings import Progress, Timings
from dedupe.gather import distinct
from dedupe.match.bands import choose_bands
from dedupe.match.candidates import least_agreement
from dedupe.match.containment import MOST_AKIN, join_sketches
from dedupe.match.signatures import Signer
from dedupe.match.spun import to_be_read
from dedupe.match.terms import StoryTerms, extract_terms
from dedupe.pipeline import Matched, Similar, Standing, stand
from dedupe.read.parts import Plan, ReadReport, record_offsets
from dedupe.repair.drafts import Drafts
from dedupe.repair.ledger import Draft
from dedupe.repair.repetition import LineCounts
from dedupe.spark.articles import FarArticles, FarVerifier, Pieces
from dedupe.spark.deciding import BINS, DECIDED, DecideBins, GatherMembers, Members, bins_of, joined_up
from dedupe.spark.honouring import find_decided
from dedupe.spark.proposing import (
    LINKS,
    LOOKED_AT,
    MET,
    POSTINGS,
    SHARED,
    BandRows,
    BucketPairs,
    EnoughShared,
    PostingPairs,
    PostingRows,
    SpunPairs,
    band_schema,
    may_be_enough,
)
from dedupe.spark.stages import DONE, PIECES, MergeReads, Prepare, Signs, TakeSketches, TakeTerms, pack_table, unpack_table
from dedupe.stages.deciding import Honoured, Taken
from dedupe.stages.despinning import restore_by_model, restore_by_siblings, tell_spun
from dedupe.stages.maps import gate_threshold, tells_stories
from dedupe.stages.preparing import Prepared, numbered_ids, numbered_rejects, with_spun
from dedupe.stages.shards import ShardPrepared
from dedupe.stages.storytelling import Told, no_stories, tell_stories

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

# Links of candidates that are joined into components in this process: 16 bytes each, and as much again while they are. Above,
# Spark joins them, in rounds that cost some seconds each.
MOST_LINKS = 50_000_000


@dataclass
class Found:
    """Hold a run up to what is to be written: its pieces in Spark, and what is known of them here.

    `articles` is also that of `prepared`, whose `signed` and `shards` are empty.
    """

    pieces: Pieces
    articles: FarArticles
    prepared: Prepared
    matched: Matched
    told: Told
    drafts: Drafts


def carry_out(
    spark: Spark,
    reads: DataFrame,
    plan: Plan,
    config: Config,
    scratch: Path,
    progress: Progress,
    timings: Timings,
    learned: pa.Table | None = None,
    taken: Taken | None = None,
) -> Found:
    """Carry out a run over what `reads` reads, up to what is to be written, honouring the decisions `taken`.

    Where an earlier run has `learned` lines that repeat, no others are.
    """
    pieces, prepared, signs = prepare(spark, reads, plan, config, scratch, progress, timings, learned)
    far: Any = prepared.articles
    honoured = None
    if taken is not None:
        with timings.of("honour decisions"), spark.shown("honour decisions", progress):
            spark.begin("honour decisions")
            num_perm = prepared.signed.signatures.shape[1]
            honoured, gone = find_decided(pieces, far, taken, signs, num_perm, config)
            prepared.rules -= gone
    with timings.of("match and verify"), spark.shown("match and verify", progress):
        matched = match(pieces, far, signs, config, honoured)
    with timings.of("de-spin"):
        spark.begin("de-spin")
        far.fetch(np.flatnonzero(far["is_spun"].to_numpy()) if config.despin == "fix" and config.clean else np.empty(0, np.int64))
        drafts, prepared.unrestored = restore_by_model(far, config, spark)
        drafts = honoured.without_refused(drafts) if honoured else drafts
    with timings.of("stories"):
        spark.begin("stories")
        redrawn = Drafts.of(honoured.rewritten) | drafts if honoured else drafts
        told = tell(pieces, far, signs.n_tokens, matched, redrawn, config, scratch)
    with timings.of("de-spin"):
        spark.begin("de-spin")
        spun = np.fromiter(drafts, np.int64, len(drafts))
        far.fetch(np.flatnonzero(np.isin(matched.canonical, matched.canonical[spun])))
        drafts = restore_by_siblings(drafts, far, matched.canonical, matched.rank, config, spark)
        drafts = honoured.without_refused(drafts) if honoured else drafts
    for row, draft in drafts.items():
        prepared.rules.update(edit.rule for edit in draft.edits[far["n_edits"][row].as_py() :])
    return Found(pieces, far, prepared, matched, told, drafts)


def prepare(
    spark: Spark,
    reads: DataFrame,
    plan: Plan,
    config: Config,
    scratch: Path,
    progress: Progress,
    timings: Timings,
    learned: pa.Table | None,
) -> tuple[Pieces, Prepared, Signs]:
    """Read and repair everything, learn what repeats, tell languages and sign."""
    from pyspark import StorageLevel
    from pyspark.sql import functions as f

    with timings.of("read and repair"), spark.shown("read and repair", progress):
        spark.begin("read and repair")
        reads = reads.persist(StorageLevel.DISK_ONLY)
        reads.count()
        counted = reads.where(f.col("seq") < 0).select("shard", "done").coalesce(spark.partitions)
        told = run_task(counted, MergeReads(), DONE).toArrow().to_pylist()
    with timings.of("learn repeated lines"):
        lines, done = LineCounts(), {}
        for row in told:
            value = pickle.loads(row["done"])  # noqa: S301 - our own workers have packed it
            if row["shard"] < 0:
                lines = lines.merge(value)
            else:
                done[row["shard"]] = value
        residue = lines.finish() if learned is None else learned
    with timings.of("repair and sign"), spark.shown("repair and sign", progress):
        spark.begin("repair and sign")
        shards = sorted(done)
        offsets = dict(
            zip(shards, record_offsets([plan.shards[at] for at in shards], [done[at].numbered for at in shards]), strict=True)
        )
        num_perm = choose_bands(config.threshold, config.recall).num_perm
        task = Prepare(offsets, config, pack_table(residue), num_perm)
        frame = run_task(reads.where(f.col("seq") >= 0), task, PIECES).persist(StorageLevel.DISK_ONLY)
        head = frame.select("shard", "seq", "count", "light", "keys", "done").toArrow()
        head = head.sort_by([("shard", "ascending"), ("seq", "ascending")])
        reads.unpersist()
    pieces = Pieces(spark, frame, head)
    light = pa.concat_tables(unpack_table(blob) for blob in head["light"].to_pylist()) if head.num_rows else _no_light()
    light = _with_own_ids(light)
    keys = [pickle.loads(blob) for blob in head["keys"].to_pylist()]  # noqa: S301 - our own workers have packed it
    rules: Counter[str] = Counter()
    languages: Counter[str] = Counter()
    for blob in head["done"].to_pylist():
        shard: ShardPrepared = pickle.loads(blob)  # noqa: S301 - our own workers have packed it
        rules += shard.rules
        languages += shard.languages
    read = [done[at] for at in shards]
    rejects = pa.concat_tables([pa.Table.from_batches([plan.rejects]), *numbered_rejects(read, [offsets[at] for at in shards])])
    prepared = Prepared(
        Stored([]), FarArticles(pieces, light, scratch), Signer(num_perm)(pa.array([], pa.string())), scratch / "index", [], [],
        rejects.sort_by([("path", "ascending"), ("record", "ascending")]), residue,
        len(plan.rejects) + sum(one.records for one in read), sum((one.report for one in read), ReadReport()), rules, languages,
    )  # fmt: skip
    signs = Signs(*(np.concatenate(arrays) for arrays in zip(*(keys or [Signs.of(prepared.signed)]), strict=True)))
    return pieces, prepared, signs


def match(pieces: Pieces, far: FarArticles, signs: Signs, config: Config, honoured: Honoured | None = None) -> Matched:
    """Find what is alike, as the local engine does: propose over the whole corpus, then decide on each component."""
    scores, keys, n_tokens = far.light["spin_score"].to_numpy(), signs.keys, signs.n_tokens
    similar = Similar(far.texts_of, pieces.spark.workers, n_tokens)
    spun: np.ndarray = scores >= gate_threshold()
    preference = preference_of(far.light)
    known = stand(preference, spun, keys, n_tokens, config, honoured)
    bands = choose_bands(config.threshold, config.recall)
    looked = capped = 0
    links: list[tuple[np.ndarray, np.ndarray]] = []
    near = None
    if known.compared.any():
        pieces.spark.begin("candidates of containment")
        contained, akin, capped = _contained(pieces, known, signs.sketch_sizes)
        links.append(contained)
        # In one go: each look at a few of the articles reads all pieces.
        far.fetch(np.concatenate(to_be_read(akin, n_tokens, scores)))
        told = spun | tell_spun(scores, akin, n_tokens, similar.read)[known.representative]
        if (told != spun).any():
            spun, known = told, stand(preference, told, keys, n_tokens, config, honoured)
        pieces.spark.begin("candidates by bands")
        near, looked = _near_links(pieces, known, config)
    else:
        contained = (np.empty(0, np.int64), np.empty(0, np.int64))
    far.light = with_spun(far.light, pa.array(spun))
    pieces.spark.begin("candidates of spun text")
    links.append(_spun_pairs(pieces, np.flatnonzero(spun & (n_tokens > 0)), n_tokens))
    copies = np.flatnonzero(known.representative != np.arange(far.num_rows))
    links.append((known.representative[copies], copies))
    # Whom people joined are decided on together, whether or not anything else proposes them.
    joined_by_people = [(rows[0], row) for rows, _ in (honoured.links if honoured else ()) for row in rows[1:]]
    links.append((np.array([a for a, _ in joined_by_people], np.int64), np.array([b for _, b in joined_by_people], np.int64)))
    pieces.spark.begin("components")
    labels = _components(pieces.spark, near, links, far.num_rows)
    pieces.spark.begin("verify, relate and cluster")
    decided = _decided(pieces, far, labels, contained, config, honoured)
    return joined_up(known, decided, bands, looked + len(contained[0]), capped, honoured)


def _spun_pairs(pieces: Pieces, suspected: np.ndarray, n_tokens: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    if not len(suspected):
        return np.empty(0, np.int64), np.empty(0, np.int64)
    sketches = join_sketches([pickle.loads(blob) for blob in pieces.take(["signed"], TakeSketches(), suspected)])  # noqa: S301 - our own workers have packed it
    task = SpunPairs(suspected, sketches)
    pairs = pieces.run(["signed"], task, LINKS, lambda rows: (rows.start, n_tokens[rows] > 0)).distinct().toArrow()
    return pairs["a"].to_numpy(), pairs["b"].to_numpy()


def _near_links(pieces: Pieces, known: Standing, config: Config) -> tuple[DataFrame, int]:
    from pyspark import StorageLevel
    from pyspark.sql import functions as f

    bands = choose_bands(config.threshold, config.recall)
    told = pieces.run(["signed"], BandRows(bands), band_schema(bands), lambda rows: (rows.start, known.compared[rows]))
    ordered = told.repartition(pieces.spark.partitions_of(pieces.rows), "key").sortWithinPartitions("key", "row")
    links = run_task(ordered, BucketPairs(bands, least_agreement(config.threshold, bands.num_perm)), LINKS)
    links = links.distinct().persist(StorageLevel.DISK_ONLY)
    looked = links.where(f.col("kind") == LOOKED_AT).agg(f.sum("a")).first()
    return links.where(f.col("kind") != LOOKED_AT).select("a", "b"), int(looked[0] or 0) if looked else 0


def _contained(
    pieces: Pieces, known: Standing, sketch_sizes: np.ndarray
) -> tuple[tuple[np.ndarray, np.ndarray], tuple[np.ndarray, np.ndarray], int]:
    # What may lie inside what, what is akin, and how many hashes too many articles share.
    from pyspark.sql import Window
    from pyspark.sql import functions as f

    told = pieces.run(["signed"], PostingRows(), POSTINGS, lambda rows: (known.compared[rows], known.rank[rows]))
    ordered = told.repartition(pieces.spark.partitions_of(pieces.rows), "hash").sortWithinPartitions("hash", "at")
    counted = run_task(ordered, PostingPairs(), SHARED).groupBy("pair").agg(f.sum("below").alias("below"), f.sum("above"))
    by_rank = np.argsort(known.rank)
    met = run_task(counted.where(may_be_enough(f.col("pair"), f.col("below"))), EnoughShared(sketch_sizes[by_rank]), MET)
    place = f.row_number().over(Window.partitionBy("row", "akin").orderBy(f.desc("shared"), "other"))
    nearest = f.col("akin") & (f.col("place") <= MOST_AKIN)
    found = met.withColumn("place", place).where(f.col("contained") | nearest)
    found = found.select(
        "row", "other", "contained", nearest.alias("akin"), f.when(f.col("row") < 0, f.col("shared")).alias("capped")
    )
    table = found.toArrow()
    row, other, contained, akin = (table[name].to_numpy() for name in ("row", "other", "contained", "akin"))
    inside = contained & (row >= 0)
    small, large = by_rank[row[inside]], by_rank[other[inside]]
    order = np.lexsort((large, small))
    one, two = by_rank[row[akin]], by_rank[other[akin]]
    pairs = distinct(np.minimum(one, two) << 32 | np.maximum(one, two))
    return (small[order], large[order]), (pairs >> 32, pairs & 0xFFFFFFFF), int(pc.sum(table["capped"]).as_py() or 0)


def _components(spark: Spark, near: DataFrame | None, links: list[tuple[np.ndarray, np.ndarray]], n: int) -> np.ndarray:
    # The lowest row that each row is linked with.
    a, b = (np.concatenate([link[side] for link in links]) for side in (0, 1))
    if near is None:
        return components(n, a, b)
    if near.count() + len(a) <= MOST_LINKS:
        pairs = near.toArrow()
        return components(n, np.concatenate([a, pairs["a"].to_numpy()]), np.concatenate([b, pairs["b"].to_numpy()]))
    found = spark_components(near.union(spark.frame(pa.table({"a": a, "b": b})))).toArrow()
    labels = np.arange(n)
    labels[found["a"].to_numpy()] = found["b"].to_numpy()
    return labels


def _decided(
    pieces: Pieces,
    far: FarArticles,
    labels: np.ndarray,
    contained: tuple[np.ndarray, np.ndarray],
    config: Config,
    honoured: Honoured | None,
) -> list[tuple[np.ndarray, Matched]]:
    rows, bins = bins_of(labels, far.light["n_words"].to_numpy())
    if not len(rows):
        return []
    ids, spun = far.light["article_id"], far.light["is_spun"].to_numpy()

    def members(piece: slice) -> Members | None:
        first, stop = np.searchsorted(rows, [piece.start, piece.stop])
        inside = rows[first:stop]
        if not len(inside):
            return None
        return Members(inside - piece.start, inside, bins[first:stop], ids.take(pa.array(inside)).to_pylist(), spun[inside])

    gathered = pieces.run(["articles", "signed"], GatherMembers(), BINS, members)
    small, large = contained
    bin_of = bins[np.searchsorted(rows, small)]
    numbers = distinct(bins)
    own = honoured.by_part(rows, bins) if honoured else {}
    blobs = [pickle.dumps((small[bin_of == number], large[bin_of == number], own.get(number))) for number in numbers.tolist()]
    columns = (numbers.astype(np.int32), np.full(len(numbers), -1), pa.array(blobs, pa.binary()))
    gathered = gathered.union(pieces.spark.frame(pa.table([pa.array(c) for c in columns], schema=BINS)))
    parts = min(len(numbers), 4 * pieces.spark.partitions)
    ordered = gathered.repartition(parts, "bin").sortWithinPartitions("bin", "first")
    done = run_task(ordered, DecideBins(config), DECIDED).toArrow().sort_by("bin")
    return [pickle.loads(blob) for blob in done["blob"].to_pylist()]  # noqa: S301 - our own workers have packed it


def tell(
    pieces: Pieces,
    far: FarArticles,
    n_tokens: np.ndarray,
    matched: Matched,
    drafts: Mapping[int, Draft],
    config: Config,
    scratch: Path,
) -> Told:
    """Find the stories of a run that is to tell them: in this process, from the terms of canonical articles."""
    canonical = matched.canonical
    rows = np.flatnonzero(canonical == np.arange(len(canonical)))
    if not tells_stories(config) or len(rows) < 2:
        return no_stories(len(canonical))

    def terms_of(wanted: np.ndarray) -> Iterator[StoryTerms]:
        if not len(wanted):
            yield extract_terms(pa.array([], pa.string()))
        for blob in pieces.land(["terms"], TakeTerms(), wanted, scratch):
            yield pickle.loads(blob)  # noqa: S301 - our own workers have packed it

    verify = FarVerifier(far, pieces.spark.workers, n_tokens)
    return tell_stories(far, terms_of, rows, drafts, canonical, matched.rank, verify)


def _with_own_ids(light: pa.Table) -> pa.Table:
    # Those of equal identity and text are numbered.
    ids = light["article_id"].combine_chunks()
    rows, values = numbered_ids(light["article_id"])
    if len(rows):
        again = np.zeros(len(ids), bool)
        again[rows] = True
        ids = pc.replace_with_mask(ids, pa.array(again), values["article_id"])
    return light.set_column(light.schema.get_field_index("article_id"), "article_id", ids)


def _no_light() -> pa.Table:
    from dedupe.spark.stages import LIGHT
    from dedupe.stages.maps import PREPARED

    return PREPARED.empty_table().select(LIGHT)
