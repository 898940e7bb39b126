"""The dataset card of an output: what the tables hold, in the form that dataset hubs read."""

from __future__ import annotations

from typing import Any

import pyarrow as pa

from dedupe.quantities import amount
from dedupe.schema import CLUSTERS, CORPUS, EDITS, ID_MAP, PAIRS, REJECTS, RESIDUE, STORIES

_TABLES: dict[str, tuple[str, pa.Schema | None]] = {
    "corpus": ("every article, repaired, with its cluster", CORPUS),
    "canonical": ("one article a cluster, the same columns: what to train on or to feed on", None),
    "pairs": ("every verified edge between two articles", PAIRS),
    "clusters": ("one row a cluster, with why its canonical was chosen", CLUSTERS),
    "stories": ("one row a story", STORIES),
    "edits": ("the ledger: undone in descending seq, it gives the decoded text back exactly", EDITS),
    "rejects": ("what was read and is no article, with the reason", REJECTS),
    "residue": ("lines that a publisher repeats, which left the text", RESIDUE),
    "id_map": ("what became of each cluster of the output before", ID_MAP),
}


def card(counts: dict[str, Any], rows: dict[str, int], languages: list[str], settings: dict[str, Any]) -> str:
    """Return the card as Markdown with a YAML head."""
    # The library that reads cards fails on a table without rows, so only those that hold some are named.
    named = [name for name in ("canonical", *(name for name in _TABLES if name != "canonical")) if rows[name]]
    head = ["---", *(["configs:"] if named else [])]
    for name in named:
        head += [f"- config_name: {name}", "  data_files:", "  - split: train", f"    path: {name}.parquet"]
        head += ["  default: true"] if name == "canonical" else []
    codes = sorted({code.split("-")[0] for code in languages if code != "und"})
    if codes:
        head += ["language:", *(f"- {code}" for code in codes)]
    head += ["tags:", "- news", "- deduplicated", "---"]
    body = [
        "# A deduplicated news corpus",
        "",
        f"{amount(counts['articles'], 'article')} in {amount(counts['clusters'], 'cluster')},"
        f" made by dedupe from {amount(counts['records'], 'record')};"
        f" {counts['rejects']:,} rejected with reasons. Two articles are near-duplicates from a Jaccard similarity of"
        f" {settings['threshold']:g} of their word shingles up; every edge was computed exactly.",
        "",
        "| table | rows | what it holds |",
        "| --- | ---: | --- |",
        *(f"| `{name}.parquet` | {rows[name]:,} | {about} |" for name, (about, _) in _TABLES.items()),
        "",
    ]
    for name, (_, schema) in _TABLES.items():
        if schema is None:
            continue
        body += [f"## {name}", "", "| column | type | what it holds |", "| --- | --- | --- |"]
        body += [f"| `{f.name}` | {_type(f.type)} | {(f.metadata or {}).get(b'comment', b'').decode()} |" for f in schema]
        body += [""]
    return "\n".join([*head, "", *body])


def _type(kind: pa.DataType) -> str:
    return f"list of {kind.value_type}" if pa.types.is_list(kind) else str(kind)
