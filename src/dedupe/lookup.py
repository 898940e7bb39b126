"""Tell what new articles are to an existing corpus, through its index, without running it again."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from dedupe.errors import OutputError
from dedupe.match.bands import choose_bands
from dedupe.match.candidates import agreements, least_agreement
from dedupe.match.facts import contradictions
from dedupe.match.signatures import Signer, shingle_sets
from dedupe.match.verify import Verifier
from dedupe.output import Output
from dedupe.read import plan, read
from dedupe.repair.ledger import restore
from dedupe.repair.stages import LocalRepair, RepetitionRepair
from dedupe.write.index import read_index

_BEST = 5


class Lookup:
    """Hold an output's index in memory-mapped form, to match article after article against it."""

    def __init__(self, output: Output) -> None:
        self.output, self.config = output, output.config
        self.ids = output.table("corpus", ["article_id", "cluster_id", "source", "title"])
        self.index = read_index(output.folder, self.ids.num_rows)
        bands = choose_bands(self.config.threshold, self.config.recall)
        if self.index.facts.get("num_perm") != bands.num_perm or self.index.facts.get("seed") != self.config.seed:
            raise OutputError(
                f"The index of {output.folder} was made with other settings.",
                "Run `dedupe clean` on the same input to build it again.",
            )
        self._least = least_agreement(self.config.threshold, bands.num_perm)
        self._sign = Signer(bands.num_perm, self.config.seed)
        self._local = LocalRepair(self.config)
        self._repeated = RepetitionRepair(self.config, output.table("residue"))
        self._file = pq.ParquetFile(output.path("corpus"))
        self._group_starts = np.cumsum(
            [0] + [self._file.metadata.row_group(n).num_rows for n in range(self._file.num_row_groups)]
        )

    def match(self, articles: pa.RecordBatch) -> list[list[dict[str, Any]]]:
        """Return, for each article as read, the articles of the corpus that it is like, most similar first.

        Each with its relation (exact, near, or update, where a fact differs) and the evidence for it.
        """
        texts = self._repeated(self._local(articles))["text"]
        signed = self._sign(texts)
        return [self._match_one(texts.slice(row, 1), signed.signatures[row], signed.keys[row]) for row in range(len(texts))]

    def _match_one(self, text: pa.Array, signature: np.ndarray, key: np.ndarray) -> list[dict[str, Any]]:
        exact = (np.asarray(self.index.keys) == key).all(axis=1)
        if len(shingle_sets(text)[0]) and not self.config.exact_only:
            counts = _agreements(signature, self.index.signatures)
            rows = np.flatnonzero((counts >= self._least) | exact)
        else:
            rows = np.flatnonzero(exact)
        if not len(rows):
            return []
        texts = pa.concat_arrays([text.cast(pa.string()), self._texts(rows)])
        new, others = np.zeros(len(rows), np.int64), np.arange(1, len(rows) + 1)

        def read(wanted: np.ndarray) -> pa.Array:
            return texts.take(pa.array(wanted))

        overlap = Verifier(read)(new, others)
        jaccards = np.where(exact[rows], 1.0, overlap.jaccard)
        like = np.flatnonzero(jaccards >= self.config.threshold)
        found = []
        for at, said in zip(like.tolist(), contradictions(new[like], others[like], read), strict=True):
            row = int(rows[at])
            relation = "exact" if exact[row] else "update" if said else "near"
            known = self.ids.slice(row, 1).to_pylist()[0]
            evidence = said if relation == "update" else f"{int(overlap.shared[at]):,} shingles shared"
            found.append({"relation": relation, "jaccard": round(float(jaccards[at]), 4), "evidence": evidence, **known})
        return sorted(found, key=lambda match: (-match["jaccard"], match["article_id"]))

    def _texts(self, rows: np.ndarray) -> pa.Array:
        # Only the row groups that hold a candidate are read, and de-spun articles are compared as they were before.
        texts: list[str] = []
        groups = np.searchsorted(self._group_starts, rows, side="right") - 1
        for group in np.unique(groups):
            table = self._file.read_row_group(int(group), columns=["text", "article_id"])
            texts += self._before_despinning(table.take(pa.array(rows[groups == group] - self._group_starts[group])))
        return pa.array(texts, pa.string())

    def _before_despinning(self, table: pa.Table) -> list[str]:
        edits = self.output.select("edits", "article_id", table["article_id"].to_pylist())
        texts = []
        for identity, text in zip(table["article_id"].to_pylist(), table["text"].to_pylist(), strict=True):
            spun = [e for e in edits if e["article_id"] == identity and e["rule"].startswith("R4") and e["field"] == "text"]
            texts.append(restore(text, spun))
        return texts


def _agreements(signature: np.ndarray, signatures: np.ndarray) -> np.ndarray:
    # The kernel takes one array: the query stands in front of the index, a block of it at a time.
    counts = np.empty(len(signatures), np.int32)
    block = 1 << 16
    for start in range(0, len(signatures), block):
        part = np.concatenate([signature[None], signatures[start : start + block]])
        counts[start : start + block] = agreements(part, 0, np.arange(1, len(part)))
    return counts


def match_files(output: Output, paths: Sequence[str]) -> list[dict[str, Any]]:
    """Match every article of the files against an output: one result an article, with its best matches."""
    lookup = Lookup(output)
    results = []
    with tempfile.TemporaryDirectory(prefix="dedupe-") as folder:
        for shard in plan(list(paths), output.config, spool=Path(folder)).shards:
            for batch in read(shard, output.config):
                places = zip(batch.articles["source"].to_pylist(), batch.articles["record"].to_pylist(), strict=True)
                for (source, record), matches in zip(places, lookup.match(batch.articles), strict=True):
                    results.append({"source": source, "record": record, "matches": matches[:_BEST], "n_matches": len(matches)})
                for reject in batch.rejects.to_pylist():
                    results.append(
                        {"source": reject["path"], "record": reject["record"], "rejected": reject["sentence"], "matches": []}
                    )
    return results


def show_matches(results: list[dict[str, Any]], output: Output) -> None:
    """Print what each article is to the corpus."""
    for result in results:
        where = f"{result['source']}:{result['record']}"
        if "rejected" in result:
            click.echo(f"{where}  rejected: {result['rejected']}")
        elif not result["matches"]:
            click.echo(f"{where}  new: nothing in {output.folder} is like it")
        for match in result["matches"]:
            title = "".join(char if char.isprintable() else " " for char in match["title"] or "")
            click.echo(
                f"{where}  {match['relation']} {match['jaccard']:.2f}  {match['article_id'][:12]}"
                f"  {match['source']}  {title[:60]}"
            )
    if any(result["matches"] for result in results):
        best = next(result["matches"][0] for result in results if result["matches"])
        click.echo(f"\nnext: dedupe explain {best['article_id'][:12]} -o {output.folder}")
