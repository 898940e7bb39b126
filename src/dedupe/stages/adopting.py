"""Taking over what an earlier output holds, so that a run reads and repairs only what is new.

The articles of that output become shards of this run, as they were when they were matched: their texts before de-spinning, their
ledgers, their signatures from the index, the pairs that were verified between them. What the earlier run had learned about lines
that repeat holds for the new articles too.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from itertools import accumulate, pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from dedupe.cluster.lasting import Kind, Previous
from dedupe.config import Config
from dedupe.engine.local import Pool
from dedupe.errors import DedupeError, UsageError
from dedupe.match.edges import JOINING, KEEPING_APART, RELATIONS, UPDATE, Edges, joined
from dedupe.match.relations import STARRED, facts_turned
from dedupe.match.verify import Overlaps
from dedupe.repair.drafts import Drafts, pack
from dedupe.repair.ledger import Draft, Edit, restore
from dedupe.repair.spin.stage import MODEL_RULE, SPIN_RULES
from dedupe.schema import EDIT, EDITS, FORGOTTEN, RESIDUE
from dedupe.stages.maps import PREPARED, SIGNED, tells_stories
from dedupe.stages.term_files import count_articles, keep_terms, load_terms, terms_within
from dedupe.tokens import tokenize
from dedupe.write.index import link
from dedupe.write.manifest import check_files, damaged, load_manifest, reading, tables_digest
from dedupe.write.publish import MANIFEST

_KINDS: dict[Kind, str] = {"cluster": "clusters.parquet", "story": "stories.parquet"}
_ID_MAP = "id_map.parquet"
# What hands IDs on, and what else the articles of an output are made from, besides its index. Each is hashed before it is read,
# 1.7 GB a second and core: what a flipped byte makes of an ID can be read as well as the ID.
_NAMING = ("corpus.parquet", *_KINDS.values())
_TAKEN = ("canonical.parquet", "edits.parquet", "pairs.parquet", "rejects.parquet")

_FROM_CORPUS = [name for name in PREPARED.names if name not in ("edits", "decoded_sha256", "language_score", "is_spun")]


@dataclass
class Adopted:
    """Hold what was taken over: the output, the hash of its corpus, its articles in shards and the tables that hold for all.

    `restored`: spun articles as the model left them, by row, since nothing that joins them has a say in that; empty where people
    had decided about some.
    """

    folder: Path
    digest: str
    shards: list[Path]
    terms: list[Path]
    articles: int
    kept: np.ndarray
    rejects: pa.Table
    rules: Counter[str]
    languages: Counter[str]
    restored: Drafts

    def signed_as(self, scratch: Path) -> Path:
        """Return the path that the arrays of the index go by, as those of a shard do."""
        target = scratch / "adopted.arrow"
        index = self.folder / "index"
        paths = {name: scratch / f"{target.name}.{name}.npy" for name in SIGNED}
        if self.kept.all():
            for name, path in paths.items():
                link(index / f"{name}.npy", path)
            return target
        offsets = np.load(index / "sketch_offsets.npy")
        sizes = np.diff(offsets)
        within = np.repeat(self.kept, sizes)
        for name in SIGNED[:-2]:
            np.save(paths[name], np.load(index / f"{name}.npy", mmap_mode="r")[self.kept])
        np.save(paths["sketches"], np.load(index / "sketches.npy", mmap_mode="r")[within])
        np.save(paths["sketch_offsets"], np.concatenate([np.zeros(1, np.int64), np.cumsum(sizes[self.kept])]))
        return target

    def spun(self) -> np.ndarray:
        """Return which articles the earlier run took for spun: (articles,) bool."""
        found: np.ndarray = np.load(self.folder / "index" / "spun.npy")[self.kept]
        return found

    def edges(self, ids: pa.Array, representative: np.ndarray) -> tuple[Edges, dict[int, str]]:
        """Return the verified pairs of the earlier run between representatives of exact copies, and the facts of `update`s.

        `ids`: (n,) of this run's articles. `representative`: (n,) the row that stands for each article's exact copies.
        """
        pairs = pq.read_table(self.folder / "pairs.parquet")
        pairs = pairs.filter(pc.is_in(pairs["relation"], pa.array([RELATIONS[code] for code in (*JOINING[1:], *KEEPING_APART)])))
        pairs = pairs.filter(pc.and_(pc.is_in(pairs["a_id"], ids), pc.is_in(pairs["b_id"], ids)))
        one, other = (representative[pc.index_in(pairs[side], ids).to_numpy().astype(np.int64)] for side in ("a_id", "b_id"))
        shared = pairs["shared"].to_numpy()
        # Sizes from shares: exact as long as a text has fewer than a million shingles.
        sizes = [np.rint(shared / np.maximum(pairs[f"containment_{side}"].to_numpy(), 1e-9)).astype(np.int32) for side in "ab"]
        swap = one > other
        relation = pc.index_in(pairs["relation"], pa.array(RELATIONS)).to_numpy().astype(np.int8)
        said = pairs["evidence"].to_pylist()
        edges = Edges(
            np.where(swap, other, one),
            np.where(swap, one, other),
            relation,
            Overlaps(np.where(swap, *sizes[::-1]), np.where(swap, *sizes), shared.astype(np.int32)),
            np.array([words.endswith(STARRED) for words in said], bool),
        )
        keys = edges.a << 32 | edges.b
        # Facts are kept with that of the smaller row first.
        facts = {
            int(keys[at]): facts_turned(said[at].split("; ")[0], swap[at]) for at in np.flatnonzero(relation == UPDATE).tolist()
        }
        return joined([edges.take(np.flatnonzero(edges.a != edges.b))]), facts


def forgotten_ids(folder: Path) -> frozenset[str]:
    """Return the IDs of articles that were forgotten on request, as the map of an output keeps them; none where there is none."""
    path = folder / _ID_MAP
    if not path.exists():
        return frozenset()
    try:
        manifest = load_manifest(folder)
    except DedupeError:  # an output whose manifest is damaged is made anew, and still says what was forgotten
        manifest = None
    if manifest:
        check_files(folder, manifest, _ID_MAP.__eq__)
    try:
        kept = pq.read_table(path, filters=[("change", "=", FORGOTTEN)])
    except (OSError, pa.ArrowException) as error:
        raise damaged(folder, path.name, error) from error
    return frozenset(kept["old_id"].to_pylist())


def read_previous(folder: Path, explicit: bool) -> Previous | None:
    """Return what an output hands on to a run, None where there is none, which is a UsageError where it was named.

    Raises OutputError where a file of it is damaged.
    """
    if not (folder / MANIFEST).exists():
        if explicit:
            raise UsageError(f"{folder} holds no output of dedupe.", "Name the folder of an earlier run.")
        return None
    manifest = load_manifest(folder)
    check_files(folder, manifest, _NAMING.__contains__)
    with reading(folder, "corpus.parquet or a table beside it"):
        articles = pq.read_table(folder / "corpus.parquet", columns=["article_id", "cluster_id", "story_id"])
        since = {kind: _since(folder, kind) for kind in _KINDS}
        return Previous(articles, since, pq.read_table(folder / _ID_MAP), manifest["generation"])


def _since(folder: Path, kind: Kind) -> pa.Table:
    return pq.read_table(folder / _KINDS[kind], columns=[f"{kind}_id", "since"]).rename_columns(["id", "since"])


def previous_digest(before: Previous | None) -> str | None:
    """Hash what was taken from the output before: its groups, its tombstones and its number."""
    if before is None:
        return None
    generation = pa.table({"generation": [before.generation]})
    return tables_digest([generation, before.articles, before.since["cluster"], before.since["story"], before.id_map])


def lines_hold(settings: dict[str, Any], config: Config) -> bool:
    """Tell whether the lines learned under the `settings` of an earlier run are those to go by now."""
    return bool(settings["clean"] == config.clean and set(settings["no_rules"]) == config.no_rules)


def learned_lines(folder: Path, config: Config) -> pa.Table | None:
    """Return the lines that the run behind an output had learned, None where it was not to learn any."""
    manifest = load_manifest(folder)
    if not lines_hold(manifest["settings"], config):
        return None
    check_files(folder, manifest, "residue.parquet".__eq__)
    try:
        return pq.read_table(folder / "residue.parquet").cast(RESIDUE)
    except (pa.ArrowException, OSError) as error:
        raise damaged(folder, "residue.parquet", error) from error


def adopt(folder: Path, config: Config, scratch: Path, pool: Pool, forgotten: frozenset[str]) -> Adopted:
    """Make shards of the articles of an output, but for those forgotten.

    Raises UsageError where it was made otherwise, OutputError where a file of it is damaged.
    """
    manifest = load_manifest(folder)
    differing = sorted(name for name, value in config.as_dict().items() if manifest["settings"].get(name) != value)
    if differing:
        raise UsageError(
            f"{folder} was made with other settings for {', '.join(differing)}, so new articles cannot join it.",
            "Give the same settings, or all the input and relearn.",
        )
    check_files(folder, manifest, lambda name: name in _TAKEN or name.startswith("index/"))
    corpus = pq.ParquetFile(folder / "corpus.parquet")
    table = pq.read_table(folder / "corpus.parquet", columns=["n_edits", "article_id"])
    counts = table["n_edits"].to_numpy()
    kept = pc.invert(pc.is_in(table["article_id"], pa.array(sorted(forgotten), pa.string()))).to_numpy()
    groups = [corpus.metadata.row_group(n).num_rows for n in range(corpus.num_row_groups)]
    rows = [0, *accumulate(groups)]
    ends = np.concatenate([[0], np.cumsum(counts)])
    edits: str = manifest["tables"]["edits.parquet"]["sha256"]
    jobs = [
        (
            folder,
            number,
            (edits, int(ends[start]), int(ends[stop])),
            scratch / f"adopted-{number:05}.arrow",
            kept[start:stop],
        )
        for number, (start, stop) in enumerate(pairwise(rows))
    ]
    restored: dict[int, bytes] = {}
    start = 0
    for number, drafts in pool.map(adopt_group, jobs):
        restored |= {start + row: draft for row, draft in drafts}
        start += number
    _edit_group.cache_clear()  # where one process does all; workers are let go of
    return Adopted(
        folder,
        manifest["tables"]["corpus.parquet"]["sha256"],
        [job[-2] for job in jobs],
        _terms(folder, kept, scratch) if tells_stories(config) else [],
        int(kept.sum()),
        kept,
        pq.read_table(folder / "rejects.parquet"),
        Counter({rule: count for rule, count in manifest["counts"]["rules"].items() if rule not in SPIN_RULES}),
        Counter(manifest["counts"]["languages"]),
        Drafts({} if manifest["input"].get("decisions") else restored),
    )


def _terms(folder: Path, kept: np.ndarray, scratch: Path) -> list[Path]:
    # The files that hold the terms of the articles to be kept.
    files = terms_within(folder / "index")
    with reading(folder, "index/terms"):
        held = sum(count_articles(files))
    if held != len(kept):
        raise damaged(folder, "index/terms", f"it speaks of {held:,} articles, the corpus of {len(kept):,}")
    if kept.all():
        return files
    ours = []
    for number, part in enumerate(load_terms(files, np.flatnonzero(kept))):
        ours.append(scratch / f"adopted-{number:05}.terms")
        keep_terms(ours[-1], part)
    return ours


# Row, and packed draft, of a spun article as the model had left it.
_Restored = tuple[int, bytes]


def adopt_group(
    folder: Path, number: int, edits: tuple[str, int, int], target: Path, kept: np.ndarray
) -> tuple[int, list[_Restored]]:
    """Write the rows to be `kept` of a row group of a corpus as a shard; return how many, and what the model had restored.

    `edits`: the hash of the table of edits, and which of its rows are theirs.
    """
    table = pq.ParquetFile(folder / "corpus.parquet").read_row_group(number, columns=[*_FROM_CORPUS, "language_score"])
    batch = pa.RecordBatch.from_arrays([column.combine_chunks() for column in table.columns], schema=table.schema)
    bounds = pa.array(np.concatenate([[0], np.cumsum(batch["n_edits"].to_numpy())]).astype(np.int32))
    ledgers = pa.ListArray.from_arrays(bounds, _edits(folder, *edits))
    columns = {name: batch[name] for name in batch.schema.names}
    columns |= {"edits": ledgers, "decoded_sha256": batch["raw_sha256"], "is_spun": pa.array(np.zeros(len(batch), bool))}
    batch = pa.RecordBatch.from_arrays(
        [columns[name].cast(PREPARED.field(name).type) for name in PREPARED.names], schema=PREPARED
    )
    batch, restored = _before_despinning(batch if kept.all() else batch.filter(pa.array(kept)))
    with pa.OSFile(str(target), "wb") as file, pa.ipc.new_file(file, PREPARED) as writer:
        writer.write_batch(batch)
    return len(batch), restored


def _edits(folder: Path, digest: str, first: int, last: int) -> pa.StructArray:
    # Rows `first:last` of edits.parquet, from the row groups that hold them.
    path = folder / "edits.parquet"
    pieces, begin = [EDITS.empty_table()], 0
    metadata = pq.read_metadata(path)
    for number in range(metadata.num_row_groups):
        size = metadata.row_group(number).num_rows
        if begin < last and first < begin + size:
            group = _edit_group(path, digest, number)
            pieces.append(group.slice(max(first - begin, 0), min(last, begin + size) - max(first, begin)))
        begin += size
    table = pa.concat_tables(pieces).combine_chunks()
    columns = [table[field.name].combine_chunks() for field in EDIT]
    return pa.StructArray.from_arrays(columns, fields=list(EDIT))


# A group of edits is that of three or four groups of articles, and a worker takes these in order.
@lru_cache(maxsize=1)
def _edit_group(path: Path, _digest: str, number: int) -> pa.Table:
    return pq.ParquetFile(path).read_row_group(number).cast(EDITS)


def _before_despinning(batch: pa.RecordBatch) -> tuple[pa.RecordBatch, list[_Restored]]:
    rows, restored = list(_despun(batch)), []
    if not rows:
        return batch, []
    texts, edits, counts = batch["text"].to_pylist(), batch["edits"].to_pylist(), batch["n_edits"].to_pylist()
    for row in rows:
        kept = [edit for edit in edits[row] if edit["rule"] not in SPIN_RULES]
        # The model comes first, then the other copies of the article.
        modelled = [edit for edit in edits[row] if edit["rule"] == MODEL_RULE]
        both = len(kept) + len(modelled)
        text = restore(texts[row], edits[row][both:])
        restored.append((row, pack(Draft(text, [Edit(**edit) for edit in edits[row][:both]]))))
        texts[row] = restore(text, modelled)
        edits[row], counts[row] = kept, len(kept)
    words = np.diff(tokenize(pa.array([texts[row] for row in rows], pa.string())).offsets).astype(np.int32)
    n_words = batch["n_words"].to_numpy().copy()
    n_words[rows] = words
    made = {
        "text": pa.array(texts, pa.string()),
        "edits": pa.array(edits, pa.list_(EDIT)),
        "n_edits": pa.array(counts, pa.int32()),
        "n_words": pa.array(n_words),
    }
    for name, column in made.items():
        batch = batch.set_column(batch.schema.get_field_index(name), PREPARED.field(name), column)
    return batch, restored


def _despun(batch: pa.RecordBatch) -> Iterator[int]:
    # Spin is the last thing that is repaired, so its edits end a ledger.
    lists = batch["edits"]
    ours = pc.is_in(pc.struct_field(lists.flatten(), "rule"), pa.array(SPIN_RULES)).to_numpy(zero_copy_only=False)
    places = pc.list_parent_indices(lists).to_numpy()[ours]
    yield from np.unique(places).tolist()
