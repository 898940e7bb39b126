"""What a worker does with one shard: the map stages in their order, between files that the engine keeps.

First map: read, local repair, and this shard's part of what is learned from the run. Second map, once that is merged: repair by
what was learned, language, keys and signatures. Both write Arrow IPC files, which the next step maps into memory.
"""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Iterable, Iterator
from functools import lru_cache
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from dedupe.cluster.identity import identify
from dedupe.config import Config
from dedupe.engine.watch import Name, Watch
from dedupe.match.containment import Sketches, join_sketches
from dedupe.match.signatures import Signed, Signer, token_shingle_sets
from dedupe.match.terms import StoryTerms, extract_terms, story_texts
from dedupe.read import read
from dedupe.read.parts import PART_BYTES, ReadBatch, ReadReport, Shard
from dedupe.repair.language import LanguageIdentifier
from dedupe.repair.repetition import LineCounts
from dedupe.repair.spin.class_key import class_tokens, load_class_key
from dedupe.repair.spin.gate import MOST_TOKENS, load_gate
from dedupe.repair.spin.stage import SpinRepair
from dedupe.repair.stages import LocalRepair, RepetitionRepair
from dedupe.schema import ARTICLES, CLEANED, REJECTS
from dedupe.stages.shards import LeftOut, ShardPrepared, ShardRead, piece_of, rejects_of
from dedupe.stages.term_files import keep_terms, terms_beside
from dedupe.tokens import string_buffers, tokenize

_READ = pa.schema([*CLEANED, ("decoded_sha256", pa.string()), ("article_id", pa.string())])
PREPARED = pa.schema(
    [
        *_READ,
        ("language", pa.string()),
        ("language_score", pa.float32()),
        ("spin_score", pa.float32()),
        ("is_spun", pa.bool_()),
        ("n_words", pa.int32()),
        ("n_edits", pa.int32()),
        ("text_sha256", pa.string()),
    ]
)


# The files that hold a `Signed`, an array each.
SIGNED = ("signatures", "keys", "n_tokens", "sketches", "sketch_offsets")


def read_shard(
    shard: Shard,
    config: Config,
    path: Path,
    forgotten: frozenset[str] = frozenset(),
    limit: int | None = None,
    watch: Watch | None = None,
) -> ShardRead:
    """Read a shard and repair each article by itself; write the batches to `path` and the counts beside it, and return these.

    Beyond a size they go on in further files, each a piece of the shard: see `piece_of`. A compressed file cannot be cut, and
    may hold a million articles: pieces bound the memory of what comes next, and are shared out among the workers. Articles that
    were `forgotten` are rejects from here on, so that they teach no lines. With a `limit`, stop after so many records. Under
    `watch`, every article is begun by a note, and some are left out.
    """
    done = ShardRead(0, 0, 0, REJECTS.empty_table(), ReadReport(), LineCounts())
    done.pieces = _write_pieces(path, _read_batches(shard, config, done, forgotten, limit, watch))
    done.save(path)
    return done


# So many bytes, with what repair has noted, fill a piece: twice those of a part that is cut from a file, so that one stays whole.
PIECE_BYTES = 2 * PART_BYTES


def _write_pieces(path: Path, batches: Iterator[pa.RecordBatch]) -> int:
    draft, number = path.with_suffix(".tmp"), 0
    while True:
        size = 0
        with pa.OSFile(str(draft), "wb") as file, pa.ipc.new_file(file, _READ) as writer:
            for batch in batches:
                writer.write_batch(batch)
                size += batch.nbytes
                if size >= PIECE_BYTES:
                    break
        if size or not number:
            draft.replace(piece_of(path, number))
            number += 1
        if size < PIECE_BYTES:
            draft.unlink(missing_ok=True)
            return number


def _read_batches(
    shard: Shard,
    config: Config,
    done: ShardRead,
    forgotten: frozenset[str],
    limit: int | None,
    watch: Watch | None,
) -> Iterator[pa.RecordBatch]:
    # Adds to what is `done` on the way.
    repair = LocalRepair(config)
    rejects: list[pa.RecordBatch] = []
    for got in read(shard, config) if watch is None else _read_parts(shard, config, watch):
        articles, refused, records = got.articles, got.rejects, got.records
        if limit is not None and done.records + records > limit:
            articles = articles.slice(0, max(0, limit - done.records))
            refused = refused.slice(0, max(0, limit - done.records - len(articles)))
            records = len(articles) + len(refused)
        done.records += records
        done.numbered += sum(got.numbered.values())
        done.report += got.report
        rejects.append(refused)
        digests = articles["raw_sha256"] if got.raw_is_text else _sha256(articles["text"])
        # Identity takes the columns as they were read: what a repair fills in later has no say in it.
        known = {"decoded_sha256": digests, "article_id": _article_ids(articles, digests)}
        if forgotten:
            gone = pc.is_in(known["article_id"], pa.array(sorted(forgotten), pa.string()))
            rejects.append(rejects_of(_names(articles.filter(gone)), "forgotten"))
            articles, known = _filtered(articles, known, pc.invert(gone))
        if watch is not None:
            left = pa.array([name not in watch.left_out for name in _names(articles)], pa.bool_())
            rejects.append(rejects_of(_names(articles.filter(pc.invert(left))), "deadly"))
            articles, known = _filtered(articles, known, left)
        if not len(articles):
            continue
        cleaned, lines = _one_by_one(articles, repair, config, watch) if watch else _repaired(articles, repair, config)
        done.lines = done.lines.merge(lines)
        done.articles += len(articles)
        yield pa.RecordBatch.from_arrays([*cleaned.columns, *known.values()], schema=_READ)
        if limit is not None and done.records >= limit:
            break
    done.rejects = pa.Table.from_batches(rejects, REJECTS)


def _read_parts(shard: Shard, config: Config, watch: Watch) -> Iterator[ReadBatch]:
    for part in shard:
        if (part.source, 0) in watch.left_out:
            yield ReadBatch(
                pa.RecordBatch.from_pylist([], ARTICLES), rejects_of([(part.source, 0)], "deadly"), 1, {0: 0}, ReadReport()
            )
            continue
        watch.note((part.source, 0))
        yield from read((part,), config)


def _names(articles: pa.RecordBatch) -> list[Name]:
    return list(zip(articles["source"].to_pylist(), articles["record"].to_pylist(), strict=True))


def _filtered(
    articles: pa.RecordBatch, known: dict[str, pa.Array], left: pa.BooleanArray
) -> tuple[pa.RecordBatch, dict[str, pa.Array]]:
    return articles.filter(left), {name: column.filter(left) for name, column in known.items()}


def _repaired(articles: pa.RecordBatch, repair: LocalRepair, config: Config) -> tuple[pa.RecordBatch, LineCounts]:
    cleaned = repair(articles)
    return cleaned, LineCounts.of(cleaned) if config.clean else LineCounts()


def _one_by_one(articles: pa.RecordBatch, repair: LocalRepair, config: Config, watch: Watch) -> tuple[pa.RecordBatch, LineCounts]:
    lines, done = LineCounts(), []
    for row, name in enumerate(_names(articles)):
        watch.note(name)
        cleaned, counted = _repaired(articles.slice(row, 1), repair, config)
        done.append(cleaned)
        lines = lines.merge(counted)
    return pa.concat_batches(done), lines


def prepare_shard(
    source: Path,
    target: Path,
    offset: int,
    config: Config,
    residue: pa.Table,
    num_perm: int,
    out: LeftOut,
    watch: Watch | None = None,
) -> ShardPrepared:
    """Repair a piece by what the run has taught, tell the language, and sign; write articles and signatures beside each other.

    `offset` is added to the record numbers: what earlier parts of the same file held. Beside `target` come the arrays of
    `Signed`, as `gather_signed` joins them. `source` is removed when all that is whole. Articles that a corpus holds already are
    left `out`. Under `watch` as `read_shard`.
    """
    repair = RepetitionRepair(config, residue)
    signer = Signer(num_perm, config.seed)
    spin = SpinRepair(config)
    done = ShardPrepared(0)
    held = pq.read_table(out.held, columns=["article_id"])["article_id"] if out.held else pa.array([], pa.string())
    signed, terms = [], []
    with pa.memory_map(str(source)) as mapped, pa.OSFile(str(target), "wb") as file, pa.ipc.new_file(file, PREPARED) as writer:
        reader = pa.ipc.open_file(mapped)
        read_batches = (reader.get_batch(number) for number in range(reader.num_record_batches))
        for read_batch in read_batches if watch is None else _watched(read_batches, watch, done.deadly):
            if out.held:
                known = pc.is_in(read_batch["article_id"], held)
                done.known += pc.sum(known).as_py() or 0
                read_batch = read_batch.filter(pc.invert(known))
            batch = repair(read_batch.select(CLEANED.names))
            if offset:
                batch = batch.set_column(batch.schema.get_field_index("record"), "record", pc.add(batch["record"], offset))
            languages, scores = identifier().identify(batch["text"])
            signs, leads, lead_offsets = signer.with_leads(batch["text"], MOST_TOKENS if config.despin != "off" else 0)
            signed.append(signs)
            if tells_stories(config):
                terms.append(extract_terms(story_texts(batch["title"], batch["text"]), languages))
            # Only what is in the gate's language is judged.
            ours = pc.equal(languages, spin.language).to_numpy(zero_copy_only=False)
            spin_scores = pa.array(spin.score_tokens(leads, lead_offsets, ours), from_pandas=True)
            n_edits = pc.list_value_length(batch["edits"]).cast(pa.int32())
            rules = pc.value_counts(pc.struct_field(batch["edits"].flatten(), "rule")) if len(batch["edits"].flatten()) else []
            for count in rules:
                done.rules[count["values"].as_py()] += count["counts"].as_py()
            for count in pc.value_counts(languages):
                done.languages[count["values"].as_py()] += count["counts"].as_py()
            writer.write_batch(
                pa.RecordBatch.from_arrays(
                    [
                        *batch.columns,
                        read_batch["decoded_sha256"],
                        read_batch["article_id"],
                        languages,
                        scores,
                        spin_scores,
                        pa.array(np.zeros(len(batch), bool)),  # told once all scores are known
                        pa.array(signed[-1].n_tokens),
                        n_edits,
                        _text_digests(batch, read_batch["decoded_sha256"]),
                    ],
                    schema=PREPARED,
                )
            )
            done.articles += len(batch)
    parts = signed or [signer(pa.array([], pa.string()))]
    sketches = join_sketches([part.sketches for part in parts])
    arrays = {
        "signatures": np.concatenate([part.signatures for part in parts]),
        "keys": np.concatenate([part.keys for part in parts]),
        "n_tokens": np.concatenate([part.n_tokens for part in parts]),
        "sketches": sketches.hashes,
        "sketch_offsets": sketches.offsets,
    }
    for name, array in arrays.items():
        np.save(f"{target}.{name}.npy", array)
    if tells_stories(config):
        nothing = pa.array([], pa.string())
        keep_terms(terms_beside([target])[0], StoryTerms.concatenate(terms or [extract_terms(nothing, nothing)]))
    done.save(target)
    source.unlink()
    return done


def _watched(batches: Iterable[pa.RecordBatch], watch: Watch, deadly: list[Name]) -> Iterator[pa.RecordBatch]:
    for batch in batches:
        for row, name in enumerate(zip(batch["source"].to_pylist(), batch["record"].to_pylist(), strict=True)):
            if name in watch.left_out:
                deadly.append(name)
                continue
            watch.note(name)
            yield batch.slice(row, 1)


def tells_stories(config: Config) -> bool:
    """Tell whether a run looks for stories."""
    return config.stories and not config.exact_only


def gather_signed(targets: list[Path], folder: Path) -> Signed:
    """Join what `prepare_shard` has signed into one file an array, in `folder`, and map these into memory.

    The files are those of the output's index. Shard after shard is copied, so that memory is that of a shard, and then removed.
    Where all that was done by a run that was cut short, it is taken as it is.
    """
    if was_gathered(targets, folder):
        return load_signed(folder)
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    for name in SIGNED[:-1]:
        heads = [np.load(f"{target}.{name}.npy", mmap_mode="r") for target in targets]
        with open(folder / f"{name}.npy", "wb") as file:
            shape = (sum(len(head) for head in heads), *heads[0].shape[1:])
            kind = np.lib.format.dtype_to_descr(heads[0].dtype)
            np.lib.format.write_array_header_2_0(file, {"descr": kind, "fortran_order": False, "shape": shape})
            for target, head in zip(targets, heads, strict=True):
                # By pieces: to load them first, 0.7 GB of the million that a day joins, costs more than to copy them.
                with open(f"{target}.{name}.npy", "rb") as part:
                    part.seek(head.offset)
                    shutil.copyfileobj(part, file)
                Path(f"{target}.{name}.npy").unlink()
    sizes = [np.diff(np.load(f"{target}.sketch_offsets.npy")) for target in targets]
    np.save(folder / "sketch_offsets.npy", np.concatenate([np.zeros(1, np.int64), np.cumsum(np.concatenate(sizes))]))
    for target in targets:
        Path(f"{target}.sketch_offsets.npy").unlink()
    (folder / _GATHERED).write_text("\n".join(target.name for target in targets), encoding="utf-8")
    return load_signed(folder)


# Names the shards whose arrays are joined. It is written when all are, and removed before any is changed.
_GATHERED = "gathered"


def was_gathered(targets: list[Path], folder: Path) -> bool:
    """Tell whether `folder` holds what these shards have signed."""
    try:
        return (folder / _GATHERED).read_text(encoding="utf-8").split("\n") == [target.name for target in targets]
    except OSError:
        return False


def change_signed(folder: Path) -> None:
    """Note that the arrays in `folder` are no longer those of the shards alone: no other run takes them as they are."""
    (folder / _GATHERED).unlink(missing_ok=True)


def load_signed(folder: Path) -> Signed:
    """Map what `gather_signed` has written."""
    signatures, keys, tokens, sketches, offsets = (
        np.load(folder / f"{name}.npy", mmap_mode="r")
        for name in ("signatures", "keys", "n_tokens", "sketches", "sketch_offsets")
    )
    return Signed(signatures, np.asarray(keys), np.array(tokens), Sketches(sketches, np.array(offsets)))


def gate_threshold() -> float:
    """Return the score from which an article passes the gate."""
    return load_gate().threshold


def class_shingle_sets(column: pa.Array) -> tuple[np.ndarray, np.ndarray]:
    """Return what `shingle_sets` does, under the class key: a word and what a spinner puts in its place are one token."""
    return token_shingle_sets(*class_tokens(tokenize(column), load_class_key()))


@lru_cache(maxsize=1)
def identifier() -> LanguageIdentifier:
    """Return this process's language identifier: its tables are mapped into memory once."""
    return LanguageIdentifier()


def warm() -> None:
    """Load the kernels and tables that every shard needs, so that the first shard finds them ready.

    Runs the map stages themselves over one small article, since only they know what they need.
    """
    warm_cleaning()
    warm_signing()


def warm_cleaning() -> None:
    """Load what repairs an article."""
    row: dict[str, Any] = dict.fromkeys(ARTICLES.names) | {"source": "", "record": 1, "text": "A few\u00ad words.\n\nAnd a line."}
    batch = pa.RecordBatch.from_pylist([row], schema=ARTICLES)
    cleaned = LocalRepair(Config())(batch)
    lines = LineCounts().merge(LineCounts.of(cleaned))
    RepetitionRepair(Config(), lines.finish())(cleaned)


def warm_signing() -> None:
    """Load what tells languages and scores, signs and extracts terms."""
    texts = pa.array(["A few words of a line."])
    identifier().identify(texts)
    _, leads, offsets = Signer(8).with_leads(texts, MOST_TOKENS)
    SpinRepair(Config()).score_tokens(leads, offsets, np.ones(1, np.bool_))
    extract_terms(texts, pa.array(["en"]))


def _sha256(column: pa.Array) -> pa.Array:
    # hashlib works on the Arrow buffer itself: no string is made. 4 µs an article of 5.9 KB.
    data, offsets = string_buffers(column)
    view = data.data
    bounds = offsets.tolist()
    digest = hashlib.sha256
    return pa.array([digest(view[a:b]).hexdigest() for a, b in pairwise(bounds)], pa.string())


def _text_digests(batch: pa.RecordBatch, decoded: pa.Array) -> pa.Array:
    touched = pc.greater(pc.list_value_length(batch["edits"]), 0)
    rows = np.flatnonzero(touched.to_numpy(zero_copy_only=False))
    if not len(rows):
        return decoded
    return pc.replace_with_mask(decoded, touched, _sha256(batch["text"].take(pa.array(rows))))


def _article_ids(batch: pa.RecordBatch, digests: pa.Array) -> pa.Array:
    columns: list[list[Any]] = [batch[name].to_pylist() for name in ("input_id", "url", "publisher", "title")]
    dates = [None if at is None else str(at) for at in batch["published_at"].cast(pa.int64()).to_pylist()]
    return pa.array(list(map(identify, *columns, dates, digests.to_pylist())), pa.string())
