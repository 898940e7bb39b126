"""What a sample shows: a few repairs of every rule, and a few matches."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pyarrow.compute as pc

from dedupe.pipeline import Matched
from dedupe.stages.preparing import Prepared


def examples(prepared: Prepared, matched: Matched, each: int = 2) -> list[dict[str, str]]:
    """Return `each` repairs of every rule, and some matches: what a person wants to see before the whole run."""
    shown: Counter[str] = Counter()
    examples: list[dict[str, str]] = []
    columns = prepared.articles.select(["source", "record", "edits", "title", "text"])
    for row in columns.filter(pc.greater(pc.list_value_length(columns["edits"]), 0)).to_pylist():
        for edit in row["edits"]:
            if shown[edit["rule"]] < each:
                shown[edit["rule"]] += 1
                where = f"{row['source']}:{row['record']}"
                examples.append(
                    {"what": edit["rule"], "where": where, "before": edit["before"][:200], "after": edit["after"][:200]}
                )
    members = np.flatnonzero(matched.canonical != np.arange(len(matched.canonical)))[: 5 * each]
    for member in members:
        one, other = (columns.slice(int(at), 1).to_pylist()[0] for at in (member, matched.canonical[member]))
        examples.append(
            {
                "what": f"match {matched.similarity[member]:.2f}",
                "where": f"{one['source']}:{one['record']}",
                "before": (one["title"] or one["text"])[:100],
                "after": f"{other['source']}:{other['record']} {(other['title'] or other['text'])[:100]}",
            }
        )
    return examples
