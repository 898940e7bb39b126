"""The figures of a report, from the columns of an output's tables that are cheap to read."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from dedupe.gather import distinct
from dedupe.repair.rules import RULES
from dedupe.report.copying import copied, publishers_of
from dedupe.report.examples import doubtful, examples, is_spun
from dedupe.report.rows import OnDisk, Quoted, columns_of, labels, table_rows
from dedupe.report.timeline import timeline

_CORPUS = (
    *("article_id", "cluster_id", "story_id", "is_canonical", "relation", "cluster_size", "similarity"),
    *("language", "published_at", "publisher", "url", "n_edits"),
)
_BINS = 40
_CURVE_POINTS = 50
_SIZES = ((1, 1), (2, 2), (3, 3), (4, 5), (6, 10), (11, 20), (21, 50), (51, 100), (101, None))
# A pair this near to the threshold would be told otherwise by a threshold that one might as well have chosen.
NEAR_THRESHOLD = 0.05
_WEAKEST = 8
_REJECTED_SHOWN = 3


def figures(folder: Path, manifest: dict[str, Any], quoted: Quoted | None = None) -> dict[str, Any]:
    """Return everything that the report of an output says, as plain JSON values.

    `quoted`: the articles of the run that writes the output, where corpus.parquet is not to be read, or not there yet. All
    but `run` depends on the input of the run alone.
    """
    quoted = quoted or OnDisk(folder)
    corpus = quoted.columns(list(_CORPUS))
    matching, settings = manifest["matching"], manifest["settings"]
    canonical = corpus["is_canonical"].to_numpy()
    sizes = corpus["cluster_size"].to_numpy()[canonical]
    publishers = publishers_of(corpus)
    told = _stories(corpus)
    edits = columns_of(folder, "edits", ["rule", "confidence"], "rule")
    n_edits = corpus["n_edits"].to_numpy()
    return {
        "numbers": {
            "files": manifest["input"]["files"],
            "records": manifest["counts"]["records"],
            "articles": corpus.num_rows,
            "rejects": manifest["counts"]["rejects"],
            "canonical": len(sizes),
            "copies": corpus.num_rows - len(sizes),
            "clusters_of_several": int((sizes > 1).sum()),
            "largest_cluster": int(sizes.max(initial=0)),
            "edits": edits.num_rows,
            "repaired": int((n_edits > 0).sum()),
            **told,
        },
        "events": manifest["counts"]["events"],
        "rules": _rules(edits["rule"], np.repeat(np.arange(len(n_edits)), n_edits)),
        "examples": examples(edits["rule"], n_edits, quoted),
        "doubtful": doubtful(edits, quoted),
        "rejects": _rejects(folder),
        "languages": _languages(corpus["language"]),
        "sizes": _cluster_sizes(sizes),
        "similarity": _similarity(folder, settings["threshold"], matching["bands"], matching["rows"]),
        "weakest": _weakest(folder, corpus, quoted),
        "timeline": timeline(corpus["published_at"], canonical),
        **copied(corpus, publishers, quoted, folder),
        "decisions": manifest["counts"]["decisions"],
        "settings": settings,
        "matching": matching,
        "fingerprint": manifest["fingerprint"],
        "input_sha256": manifest["input"]["sha256"],
        "generation": manifest["generation"],
        "versions": manifest["dedupe"],
        "run": manifest["run"],
    }


def _stories(corpus: pa.Table) -> dict[str, int]:
    inside = corpus["story_id"].drop_null()
    return {"stories": len(inside.unique()), "articles_in_stories": len(inside)}


def _counts(column: pa.ChunkedArray) -> list[tuple[str, int]]:
    counted = [(entry["values"].as_py(), entry["counts"].as_py()) for entry in pc.value_counts(column)]
    return sorted(counted, key=lambda pair: (-pair[1], str(pair[0])))


def _rules(rule: pa.ChunkedArray, owners: np.ndarray) -> list[dict[str, Any]]:
    if not len(rule):
        return []
    encoded = rule.unify_dictionaries().combine_chunks()
    codes, names = encoded.indices.to_numpy().astype(np.int64), encoded.dictionary.to_pylist()
    edits = np.bincount(codes, minlength=len(names))
    touched = np.bincount(distinct(owners * len(names) + codes) % len(names), minlength=len(names))
    found: list[dict[str, Any]] = [
        {
            "code": code,
            "name": RULES[code].name if code in RULES else code,
            "gains": RULES[code].gains if code in RULES else "",
            "edits": int(edits[place]),
            "articles": int(touched[place]),
        }
        for place, code in enumerate(names)
        if edits[place]
    ]
    # Spun text first: it is the repair that changes what an article says.
    return sorted(found, key=lambda row: (not is_spun(row["code"]), -row["edits"], row["code"]))


def _rejects(folder: Path) -> list[dict[str, Any]]:
    table = columns_of(folder, "rejects", ["code", "path", "record"])
    found = []
    for code, count in _counts(table["code"]):
        rows = pc.indices_nonzero(pc.equal(table["code"], code))[:_REJECTED_SHOWN].to_pylist()
        shown = table_rows(folder / "rejects.parquet", ["path", "record", "sentence"], rows)
        found.append({"code": code, "count": count, "shown": shown})
    return found


def _languages(column: pa.ChunkedArray) -> list[dict[str, Any]]:
    return [{"language": name, "articles": count} for name, count in _counts(column)]


def _cluster_sizes(sizes: np.ndarray) -> list[dict[str, Any]]:
    found = []
    for low, high in _SIZES:
        inside = (sizes >= low) & (sizes <= high) if high else sizes >= low
        name = f"{low:,}" if low == high else f"{low:,} to {high:,}" if high else f"{low:,} or more"
        found.append({"size": name, "clusters": int(inside.sum()), "articles": int(sizes[inside].sum())})
    while found and not found[-1]["clusters"]:
        found.pop()
    return found


def _similarity(folder: Path, threshold: float, bands: int, rows: int) -> dict[str, Any]:
    from dedupe.match.bands import Bands

    pairs = columns_of(folder, "pairs", ["relation", "jaccard"], "relation")
    # A story joins different articles: its edges rest on names and times, not on shared wording.
    pairs = pairs.filter(pc.not_equal(pairs["relation"].cast(pa.string()), "story"))
    relation, jaccard = pairs["relation"].cast(pa.string()), pairs["jaccard"].to_numpy().astype(np.float64)
    apart = pc.is_in(relation, pa.array(["part_of", "update"])).to_numpy()
    # Bin edges are decimal fractions; a hair is added so that 0.3 stored in 32 bits falls where 0.3 belongs.
    place = np.minimum((jaccard * _BINS + 1e-5).astype(np.int64), _BINS - 1)
    joined, kept = (np.bincount(place[chosen], minlength=_BINS) for chosen in (~apart, apart))
    banding = Bands(bands, rows)
    near = pc.equal(relation, "near").to_numpy()
    return {
        "threshold": threshold,
        "bands": bands,
        "rows": rows,
        "relations": [{"relation": name, "pairs": count} for name, count in _counts(relation)],
        "near_threshold": int((near & (jaccard >= threshold) & (jaccard < threshold + NEAR_THRESHOLD)).sum()),
        "bins": [
            {"from": n / _BINS, "to": (n + 1) / _BINS, "joined": int(joined[n]), "apart": int(kept[n])} for n in range(_BINS)
        ],
        "curve": [[n / _CURVE_POINTS, round(banding.recall(n / _CURVE_POINTS), 6)] for n in range(_CURVE_POINTS + 1)],
    }


def _weakest(folder: Path, corpus: pa.Table, quoted: Quoted) -> list[dict[str, Any]]:
    clusters = columns_of(folder, "clusters", ["weakest_similarity", "weakest_id", "canonical_id"])
    clusters = clusters.filter(pc.is_valid(clusters["weakest_similarity"]))
    order = pc.sort_indices(clusters, [("weakest_similarity", "ascending"), ("canonical_id", "ascending")])[:_WEAKEST]
    chosen = clusters.take(order).to_pylist()
    ids = corpus["article_id"]
    wanted = pa.array([row[name] for row in chosen for name in ("weakest_id", "canonical_id")], pa.string())
    places = pc.index_in(wanted, ids.combine_chunks()).to_pylist()
    named = labels(quoted, places)
    relations = corpus["relation"].take(pa.array(places[::2], pa.int64())).to_pylist()
    return [
        {"similarity": round(row["weakest_similarity"], 4), "relation": relation, "copy": copy, "canonical": canonical}
        for row, relation, copy, canonical in zip(chosen, relations, named[::2], named[1::2], strict=True)
    ]
