"""What a worker does with one shard: the map stages in their order, between files that the engine keeps.

First map: read, local repair, and this shard's part of what is learned from the run. Second map, once that is merged: repair by
what was learned, language, keys and signatures. Both write Arrow IPC files, which the next step maps into memory.
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import pairwise
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from dedupe.cluster.identity import identify
from dedupe.config import Config
from dedupe.match.containment import Sketches, join_sketches
from dedupe.match.signatures import Signed, Signer, token_shingle_sets
from dedupe.match.terms import StoryTerms, extract_terms, story_texts
from dedupe.read import read
from dedupe.read.parts import ReadReport, Shard
from dedupe.repair.language import LanguageIdentifier
from dedupe.repair.repetition import LineCounts
from dedupe.repair.spin.class_key import class_tokens, load_class_key
from dedupe.repair.spin.gate import MOST_TOKENS, load_gate
from dedupe.repair.spin.stage import SpinRepair
from dedupe.repair.stages import LocalRepair, RepetitionRepair
from dedupe.schema import ARTICLES, CLEANED, REJECTS
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


@dataclass
class ShardRead:
    """Report the first map of a shard: what was read, rejected and learned."""

    articles: int
    numbered: int
    records: int
    rejects: pa.Table
    report: ReadReport
    lines: LineCounts

    def save(self, path: Path) -> None:
        """Keep the report beside the shard's file `path`, for a run that goes on where this one stops."""
        sink = pa.BufferOutputStream()
        with pa.ipc.new_stream(sink, self.rejects.schema) as writer:
            writer.write_table(self.rejects)
        events, columns = self.report.events, [[*taken, count] for taken, count in self.report.columns.items()]
        names, arrays = self.lines.as_arrays()
        told = [self.articles, self.numbered, self.records, events, columns, names]
        _keep(path, told, {**arrays, "rejects": np.frombuffer(sink.getvalue(), np.uint8)})

    @classmethod
    def load(cls, path: Path) -> ShardRead | None:
        """Return what `save` has kept, None where nothing whole is there."""
        kept = _kept(path, may_be_gone=True)
        if kept is None:
            return None
        (articles, numbered, records, events, columns, names), arrays = kept
        rejects = pa.ipc.open_stream(pa.py_buffer(arrays.pop("rejects"))).read_all()
        report = ReadReport(Counter(events), Counter({(kind, taken): count for kind, taken, count in columns}))
        return cls(articles, numbered, records, rejects, report, LineCounts.of_arrays(names, arrays))


@dataclass
class ShardPrepared:
    """Report the second map of a shard."""

    articles: int
    rules: Counter[str] = field(default_factory=Counter)
    languages: Counter[str] = field(default_factory=Counter)

    def save(self, path: Path) -> None:
        """Keep the report beside the shard's file `path`, once that is whole."""
        _keep(path, [self.articles, self.rules, self.languages], {})

    @classmethod
    def load(cls, path: Path) -> ShardPrepared | None:
        """Return what `save` has kept, None where nothing whole is there."""
        kept = _kept(path)
        return cls(kept[0][0], Counter(kept[0][1]), Counter(kept[0][2])) if kept else None


def _keep(path: Path, told: list[Any], arrays: dict[str, np.ndarray]) -> None:
    # Written under another name first: what a run that was killed has left is whole or not there.
    draft = path.with_suffix(".tmp.npz")
    sizes = {entry.name: entry.stat().st_size for entry in path.parent.glob(f"{path.name}*")}
    words = json.dumps([sizes, told]).encode("utf-8", "surrogatepass")
    columns: dict[str, Any] = {"told": np.frombuffer(words, np.uint8), **arrays}
    np.savez(draft, **columns)
    draft.replace(path.with_suffix(".npz"))


def _kept(path: Path, may_be_gone: bool = False) -> tuple[list[Any], dict[str, np.ndarray]] | None:
    # None also where one of the shard's files has another size. The first half of a shard is removed when the second is made.
    try:
        with np.load(path.with_suffix(".npz")) as file:
            arrays = {name: file[name] for name in file.files}
        sizes, told = json.loads(arrays.pop("told").tobytes().decode("utf-8", "surrogatepass"))
        if not (may_be_gone and not path.exists()) and any((path.parent / name).stat().st_size != sizes[name] for name in sizes):
            return None
    except (OSError, ValueError, KeyError, EOFError, BadZipFile):
        return None
    return told, arrays


def read_shard(shard: Shard, config: Config, path: Path, limit: int | None = None) -> ShardRead:
    """Read a shard and repair each article by itself; write the batches to `path` and the counts beside it, and return these.

    With a `limit`, stop after so many records.
    """
    repair = LocalRepair(config)
    lines = LineCounts()
    rejects: list[pa.RecordBatch] = []
    done = ShardRead(0, 0, 0, REJECTS.empty_table(), ReadReport(), lines)
    draft = path.with_suffix(".tmp")
    with pa.OSFile(str(draft), "wb") as file, pa.ipc.new_file(file, _READ) as writer:
        for got in read(shard, config):
            articles, refused, records = got.articles, got.rejects, got.records
            if limit is not None and done.records + records > limit:
                articles = articles.slice(0, max(0, limit - done.records))
                refused = refused.slice(0, max(0, limit - done.records - len(articles)))
                records = len(articles) + len(refused)
            done.records += records
            done.numbered += sum(got.numbered.values())
            done.report += got.report
            rejects.append(refused)
            if not len(articles):
                continue
            digests = _sha256(articles["text"])
            # Identity takes the columns as they were read: what a repair fills in later has no say in it.
            ids = _article_ids(articles, digests)
            cleaned = repair(articles)
            done.lines = done.lines.merge(LineCounts.of(cleaned)) if config.clean else done.lines
            writer.write_batch(pa.RecordBatch.from_arrays([*cleaned.columns, digests, ids], schema=_READ))
            done.articles += len(articles)
            if limit is not None and done.records >= limit:
                break
    done.rejects = pa.Table.from_batches(rejects, REJECTS)
    draft.replace(path)
    done.save(path)
    return done


def prepare_shard(source: Path, target: Path, offset: int, config: Config, residue: pa.Table, num_perm: int) -> ShardPrepared:
    """Repair by what the run has taught, tell the language, and sign; write articles and signatures beside each other.

    `offset` is added to the record numbers: what earlier parts of the same file held. Beside `target` come the arrays of
    `Signed`, as `gather_signed` joins them. `source` is removed when all that is whole.
    """
    repair = RepetitionRepair(config, residue)
    signer = Signer(num_perm, config.seed)
    spin = SpinRepair(config)
    done = ShardPrepared(0)
    signed, terms = [], []
    with pa.memory_map(str(source)) as mapped, pa.OSFile(str(target), "wb") as file, pa.ipc.new_file(file, PREPARED) as writer:
        reader = pa.ipc.open_file(mapped)
        for number in range(reader.num_record_batches):
            read_batch = reader.get_batch(number)
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
        np.savez(f"{target}.terms.npz", *StoryTerms.concatenate(terms or [extract_terms(nothing, nothing)]))
    done.save(target)
    source.unlink()
    return done


def tells_stories(config: Config) -> bool:
    """Tell whether a run looks for stories."""
    return config.stories and not config.exact_only


def gather_signed(targets: list[Path], folder: Path) -> Signed:
    """Join what `prepare_shard` has signed into one file an array, in `folder`, and map these into memory.

    The files are those of the output's index. Shard after shard is copied, so that memory is that of a shard.
    """
    folder.mkdir()
    for name in ("signatures", "keys", "n_tokens", "sketches"):
        heads = [np.load(f"{target}.{name}.npy", mmap_mode="r") for target in targets]
        with open(folder / f"{name}.npy", "wb") as file:
            shape = (sum(len(head) for head in heads), *heads[0].shape[1:])
            kind = np.lib.format.dtype_to_descr(heads[0].dtype)
            np.lib.format.write_array_header_2_0(file, {"descr": kind, "fortran_order": False, "shape": shape})
            for target in targets:
                np.load(f"{target}.{name}.npy").tofile(file)
    sizes = [np.diff(np.load(f"{target}.sketch_offsets.npy")) for target in targets]
    np.save(folder / "sketch_offsets.npy", np.concatenate([np.zeros(1, np.int64), np.cumsum(np.concatenate(sizes))]))
    return load_signed(folder)


def load_signed(folder: Path) -> Signed:
    """Map what `gather_signed` has written."""
    signatures, keys, tokens, sketches, offsets = (
        np.load(folder / f"{name}.npy", mmap_mode="r")
        for name in ("signatures", "keys", "n_tokens", "sketches", "sketch_offsets")
    )
    return Signed(signatures, np.asarray(keys), np.array(tokens), Sketches(sketches, np.array(offsets)))


def load_terms(targets: list[Path], rows: np.ndarray) -> StoryTerms:
    """Read the terms that `prepare_shard` has extracted, of some rows in ascending order, a shard at a time."""
    parts, first = [], 0
    for target in targets:
        with np.load(f"{target}.terms.npz") as columns:
            shard = StoryTerms._make([columns[name] for name in columns.files])
        stop = first + len(shard.offsets) - 1
        parts.append(shard.take(rows[np.searchsorted(rows, first) : np.searchsorted(rows, stop)] - first))
        first = stop
    return StoryTerms.concatenate(parts)


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
    row: dict[str, Any] = dict.fromkeys(ARTICLES.names) | {"source": "", "record": 1, "text": "A few words.\n\nAnd a line."}
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
