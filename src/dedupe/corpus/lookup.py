"""Tell what new articles are to an existing corpus, through its index, without running it again."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple

import click
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from dedupe.console import one_line
from dedupe.corpus.output import Output
from dedupe.engine.timings import Progress, silent
from dedupe.errors import OutputError, command
from dedupe.match.bands import choose_bands
from dedupe.match.candidates import agreements, least_agreement
from dedupe.match.containment import Proposed, Sketches, count_shared, least_shared
from dedupe.match.edges import CONTAINED_IN, EXACT, JOINING, NEAR, PART_OF, RELATIONS, Edges
from dedupe.match.relations import evidence, relate
from dedupe.match.signatures import Signer
from dedupe.match.spun import propose_spun, relate_spun
from dedupe.match.verify import Overlaps, Verifier
from dedupe.read import plan, read
from dedupe.repair.ledger import restore
from dedupe.repair.spin.stage import SpinRepair
from dedupe.repair.stages import LocalRepair, RepetitionRepair
from dedupe.stages.despinning import tell_spun
from dedupe.stages.maps import class_shingle_sets, identifier
from dedupe.write.index import Index, read_index

_BEST = 5

# Articles of the corpus that a new one is compared with, equal ones counted once; those whose hashes agree most. Reading them is
# what a look-up takes its time for.
_MOST = 256

# Texts of row groups that are kept for the next article: reading one takes 45 ms.
_HELD_BYTES = 256 << 20

# Of what an article lies in, and what lies in it, so many are read: by this a digest is known.
_MOST_PARTS = 64


class _Query(NamedTuple):
    """Hold what is compared of one new article."""

    text: pa.Array
    signature: np.ndarray
    key: np.ndarray
    sketch: np.ndarray
    n_tokens: int
    spin_score: float


class Lookup:
    """Hold an output's index in memory-mapped form, to match article after article against it.

    `index`: that of the output, where somebody has read it already. Raises OutputError where the index is missing, damaged, or of
    another corpus.
    """

    def __init__(self, output: Output, index: Index | None = None) -> None:
        self.output, self.config = output, output.config
        self.ids = output.table("corpus", ["article_id", "cluster_id", "story_id", "source", "title"]).combine_chunks()
        self.index = index or read_index(output.folder, output.manifest)
        bands = choose_bands(self.config.threshold, self.config.recall)
        if self.index.facts.get("num_perm") != bands.num_perm or self.index.facts.get("seed") != self.config.seed:
            raise OutputError(
                f"The index of {output.folder} was made with other settings.",
                "Run `dedupe clean` on the same input to build it again.",
            )
        self._least = least_agreement(self.config.threshold, bands.num_perm)
        self._sketches = Sketches(self.index.sketches, np.asarray(self.index.sketch_offsets))
        self._sizes = np.diff(self._sketches.offsets)
        self._keys = np.asarray(self.index.keys)
        self._sign = Signer(bands.num_perm, self.config.seed)
        self._local = LocalRepair(self.config)
        self._repeated = RepetitionRepair(self.config, output.table("residue"))
        self._spin = SpinRepair(self.config)
        self._held: dict[int, pa.ChunkedArray] = {}
        with output.reading("corpus"):
            self._file = pq.ParquetFile(output.path("corpus"))
        self._group_starts = np.cumsum(
            [0] + [self._file.metadata.row_group(n).num_rows for n in range(self._file.num_row_groups)]
        )

    def match(self, articles: pa.RecordBatch) -> Iterator[list[dict[str, Any]]]:
        """Yield, for each article as read, the articles of the corpus that it is like: those that would join it first.

        Each with its relation (exact, near, contained, part_of, spun or update) and the evidence for it.
        """
        texts = self._repeated(self._local(articles))["text"].cast(pa.string())
        signed = self._sign(texts)
        scores = np.full(len(texts), np.nan, np.float32)
        languages, _ = identifier().identify(texts)
        ours = np.flatnonzero(pc.equal(languages, self._spin.language).to_numpy(zero_copy_only=False))
        scores[ours] = self._spin.score(texts.take(pa.array(ours)))
        hashes, offsets = signed.sketches
        for row in range(len(texts)):
            yield self._match_one(
                _Query(
                    texts.slice(row, 1),
                    signed.signatures[row],
                    signed.keys[row],
                    hashes[offsets[row] : offsets[row + 1]],
                    int(signed.n_tokens[row]),
                    float(scores[row]),
                )
            )

    def _match_one(self, query: _Query) -> list[dict[str, Any]]:
        exact = np.flatnonzero((self._keys == query.key).all(axis=1))
        found = [(row, EXACT, 1.0, "the same text after folding") for row in exact.tolist()]
        if query.n_tokens and not self.config.exact_only:
            found += self._compare(query, exact)
        known = self.ids.take(pa.array([row for row, *_ in found], pa.int64())).to_pylist()
        matches = [
            {"relation": RELATIONS[kind], "jaccard": round(jaccard, 4), "evidence": said, **article}
            for (_, kind, jaccard, said), article in zip(found, known, strict=True)
        ]
        joins = {RELATIONS[kind] for kind in JOINING}
        return sorted(matches, key=lambda match: (match["relation"] not in joins, -match["jaccard"], match["article_id"]))

    def _compare(self, query: _Query, exact: np.ndarray) -> list[tuple[int, np.int8, float, str]]:
        # The stages of a run, over the new article (row 0), the known ones that its hashes propose, and those that tell whether
        # one of them is a digest.
        rows, copies = self._candidates(query, exact)
        parts = self._parts(rows[: len(copies)])
        rows = np.concatenate([rows, np.setdiff1d(parts, rows)])
        place = {row: at for at, row in enumerate(rows.tolist(), 1)}
        texts = pa.concat_arrays([query.text, self._texts(rows)])

        def read(wanted: np.ndarray) -> pa.Array:
            return texts.take(pa.array(wanted))

        verify = Verifier(read)
        new, others = np.zeros(len(copies), np.int64), np.arange(1, len(copies) + 1)
        overlap = verify(new, others)
        near = np.flatnonzero(overlap.jaccard >= self.config.threshold)
        overlap = Overlaps(*(column[near] for column in overlap))
        edges = Edges(new[near], others[near], np.full(len(near), NEAR), overlap, np.zeros(len(near), bool))
        known = [(place[a], place[b]) for a in place for b in self._partners.get(a, []) if b in place]
        small, large = np.array([*zip(new.tolist(), others.tolist(), strict=True), *known], np.int64).reshape(-1, 2).T
        edges, facts = relate(edges, Proposed(small, large, 0, 0, (new, others)), self.config.threshold, verify, read)
        edges = self._with_spun(edges, query, rows, texts)
        said = evidence(edges.a, edges.b, edges.relation, edges.overlap, edges.star, np.arange(len(texts)), facts)
        found = []
        for edge in np.flatnonzero((edges.a == 0) & (edges.b <= len(copies))).tolist():
            words, relation = said[edge], edges.relation[edge]
            if relation in (CONTAINED_IN, PART_OF):
                shorter = edges.overlap.size_a[edge] < edges.overlap.size_b[edge]
                words += f"; the new article is the {'shorter' if shorter else 'longer'} one"
            jaccard = float(edges.overlap.jaccard[edge])
            found += [(row, relation, jaccard, words) for row in copies[int(edges.b[edge]) - 1]]
        return found

    def _candidates(self, query: _Query, exact: np.ndarray) -> tuple[np.ndarray, list[list[int]]]:
        # One row of each set of equal articles, and the sets.
        counts = _agreements(query.signature, self.index.signatures)
        shared = count_shared(query.sketch, self._sketches)
        smaller = np.minimum(self._sizes, len(query.sketch))
        met = np.flatnonzero(shared)
        least = np.full(len(counts), np.iinfo(np.int64).max)
        least[met] = [least_shared(size) for size in smaller[met].tolist()]
        if not np.isnan(query.spin_score):
            least[met] = np.minimum(least[met], np.maximum(2, smaller[met] // 10))
        rows = np.setdiff1d(np.flatnonzero((counts >= self._least) | (shared >= least)), exact)
        _, first, group = np.unique(self._keys[rows], axis=0, return_index=True, return_inverse=True)
        group = group.ravel()
        # By the share of places in which the signatures agree, or that of the smaller sketch: whichever is more.
        likeness = np.maximum(counts / len(query.signature), shared / np.maximum(smaller, 1))[rows[first]]
        kept = np.argsort(-likeness, kind="stable")[:_MOST]
        return rows[first[kept]], [rows[group == one].tolist() for one in kept.tolist()]

    @cached_property
    def _partners(self) -> dict[int, list[int]]:
        # What each article lies in, and what lies in it, as the run has found them.
        pairs = self.output.table("pairs", ["a_id", "b_id", "relation"])
        names = pa.array([RELATIONS[CONTAINED_IN], RELATIONS[PART_OF]])
        pairs = pairs.filter(pc.is_in(pairs["relation"], names))
        a, b = (pc.index_in(pairs[name], self.ids["article_id"]).to_pylist() for name in ("a_id", "b_id"))
        partners: dict[int, list[int]] = {}
        for one, other in zip(a, b, strict=True):
            partners.setdefault(one, []).append(other)
            partners.setdefault(other, []).append(one)
        return partners

    def _parts(self, rows: np.ndarray) -> np.ndarray:
        found = [self._partners.get(row, [])[:_MOST_PARTS] for row in rows.tolist()]
        return np.array(sorted({row for part in found for row in part}), np.int64)

    def _with_spun(self, edges: Edges, query: _Query, rows: np.ndarray, texts: pa.Array) -> Edges:
        scores = np.concatenate([[query.spin_score], self._scores[rows]]).astype(np.float32)
        if np.isnan(scores).all():
            return edges

        def read(wanted: np.ndarray) -> pa.Array:
            return texts.take(pa.array(wanted))

        signed, by_class = self._sign(texts), Verifier(read, sets_of=class_shingle_sets)
        others = np.arange(1, len(texts))
        spun = tell_spun(scores, (np.zeros_like(others), others), signed.n_tokens, read)
        a, b = propose_spun(signed.sketches, np.arange(len(texts)), np.flatnonzero(spun))
        return relate_spun(edges, (a[a == 0], b[a == 0]), spun, by_class, read)[0]

    @cached_property
    def _scores(self) -> np.ndarray:
        scores: np.ndarray = self.output.table("corpus", ["spin_score"])["spin_score"].to_numpy()
        return scores

    def _texts(self, rows: np.ndarray) -> pa.Array:
        # Only the row groups that hold a candidate are read, and de-spun articles are compared as they were before.
        texts = np.empty(len(rows), object)
        groups = np.searchsorted(self._group_starts, rows, side="right") - 1
        for group in np.unique(groups):
            here = np.flatnonzero(groups == group)
            texts[here] = self._texts_of_group(int(group)).take(pa.array(rows[here] - self._group_starts[group])).to_pylist()
        for at in np.flatnonzero(np.isin(rows, self._despun)).tolist():
            texts[at] = self._before_despinning(self.ids["article_id"][int(rows[at])].as_py(), texts[at])
        return pa.array(texts, pa.string())

    def _texts_of_group(self, group: int) -> pa.ChunkedArray:
        column = self._held.pop(group, None)
        if column is None:
            with self.output.reading("corpus"):
                column = self._file.read_row_group(group, columns=["text"], use_threads=False)["text"]
        self._held[group] = column  # the last one read stands last
        while len(self._held) > 1 and sum(held.nbytes for held in self._held.values()) > _HELD_BYTES:
            self._held.pop(next(iter(self._held)))
        return column

    @cached_property
    def _despun(self) -> np.ndarray:
        edits = self.output.table("edits", ["article_id", "field", "rule"])
        edits = edits.filter(pc.and_(pc.starts_with(edits["rule"], "R4"), pc.equal(edits["field"], "text")))
        despun: np.ndarray = pc.index_in(edits["article_id"].unique(), self.ids["article_id"]).to_numpy()
        return despun

    def _before_despinning(self, identity: str, text: str) -> str:
        edits = self.output.select("edits", "article_id", [identity])
        return restore(text, [edit for edit in edits if edit["rule"].startswith("R4") and edit["field"] == "text"])


def _agreements(signature: np.ndarray, signatures: np.ndarray) -> np.ndarray:
    # The kernel takes one array: the query stands in front of the index, a block of it at a time.
    counts = np.empty(len(signatures), np.int32)
    block = 1 << 16
    for start in range(0, len(signatures), block):
        part = np.concatenate([signature[None], signatures[start : start + block]])
        counts[start : start + block] = agreements(part, 0, np.arange(1, len(part)))
    return counts


def match_files(lookup: Lookup, paths: Sequence[str], progress: Progress = silent) -> list[dict[str, Any]]:
    """Match every article of the files against an output: one result an article, with its best matches."""
    results: list[dict[str, Any]] = []
    with tempfile.TemporaryDirectory(prefix="dedupe-") as folder:
        found = plan(list(paths), lookup.config, spool=Path(folder))
        rejects = found.rejects.to_pylist()
        batches = (batch for shard in found.shards for batch in read(shard, lookup.config))
        # Read one ahead: how many articles there are is known where there is no next batch; until then it is one more.
        batch, seen = next(batches, None), 0
        while batch is not None:
            seen, after = seen + batch.articles.num_rows, next(batches, None)
            places = zip(batch.articles["source"].to_pylist(), batch.articles["record"].to_pylist(), strict=True)
            for (source, record), matches in zip(places, lookup.match(batch.articles), strict=True):
                results.append({"source": source, "record": record, "matches": matches[:_BEST], "n_matches": len(matches)})
                progress("match", len(results), seen + (after is not None))
            rejects += batch.rejects.to_pylist()
            batch = after
    rejected = [{"source": r["path"], "record": r["record"], "rejected": r["sentence"], "matches": []} for r in rejects]
    return results + rejected


def show_matches(results: list[dict[str, Any]], output: Output) -> None:
    """Print what each article is to the corpus."""
    for result in results:
        where = one_line(f"{result['source']}:{result['record']}")
        if "rejected" in result:
            click.echo(f"{where}  rejected: {result['rejected']}")
        elif not result["matches"]:
            click.echo(f"{where}  new: nothing in {output.folder} is like it")
        for match in result["matches"]:
            title = one_line(match["title"] or "")
            story = f"  story {match['story_id']}" if match["story_id"] else ""
            click.echo(
                f"{where}  {match['relation']} {match['jaccard']:.2f}  {match['article_id'][:12]}"
                f"  {one_line(match['source'])}  {title[:60]}{story}".rstrip()
            )
    if any(result["matches"] for result in results):
        best = next(result["matches"][0] for result in results if result["matches"])
        click.echo(f"\nnext: {command('explain', best['article_id'][:12], '-o', output.folder)}")
