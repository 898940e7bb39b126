"""Repairs as a reader can judge them: a passage with what stood there struck out and what stands there now beside it."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from dedupe.report.marks import Mark, Part, densest, marks_of, passage
from dedupe.report.rows import Quoted

_EACH = 2
_PASSAGES = 4
_DOUBTFUL = 8
# Of a rule so many edits are looked at to find different ones: a hundred in a row are often one share bar.
_LOOKED_AT = 24
# Code points shown: around a character, of a passage of spun text, of a line that went.
_AROUND = 70
_SPUN = 420
_LONGEST = 300
# A longer text is quoted without its surroundings: undoing its ledger costs its length at every edit.
_QUOTABLE = 200_000


def is_spun(code: str) -> bool:
    """Tell whether a rule repairs spun text."""
    return code.startswith("R4")


def examples(rule: pa.ChunkedArray, n_edits: np.ndarray, quoted: Quoted) -> dict[str, list[dict[str, Any]]]:
    """Return a few examples of each rule, taken evenly over the corpus.

    `rule`: the rule of each row of the ledger; `n_edits`: how many of them each article has, whose ledgers follow one another in
    the order of the corpus.
    """
    owners = np.repeat(np.arange(len(n_edits)), n_edits)
    first = np.cumsum(n_edits) - n_edits
    chosen = _chosen(rule, owners, quoted)
    wanted = sorted({owner for found in chosen.values() for owner, edit in found if _needs_surroundings(edit)})
    texts = {owner: row["text"] for owner, row in zip(wanted, quoted.articles(["text"], wanted), strict=True)}
    wanted = [owner for owner in wanted if len(texts[owner]) <= _QUOTABLE]
    spans = [range(int(first[owner]), int(first[owner] + n_edits[owner])) for owner in wanted]
    ledger = iter(quoted.edits([row for span in spans for row in span]))
    marked = {
        owner: (texts[owner], marks_of(texts[owner], [next(ledger) for _ in span]))
        for owner, span in zip(wanted, spans, strict=True)
    }
    named = sorted({owner for found in chosen.values() for owner, _ in found})
    ids = {owner: row["article_id"] for owner, row in zip(named, quoted.articles(["article_id"], named), strict=True)}
    return {
        code: [
            {"article_id": ids[owner], **_example(edit, marked.get(owner) if _needs_surroundings(edit) else None)}
            for owner, edit in found
        ]
        for code, found in chosen.items()
    }


def doubtful(edits: pa.Table, quoted: Quoted) -> list[dict[str, Any]]:
    """Return the repairs of spun text that are least sure, each wording once. `edits`: rule and confidence of the ledger."""
    rows = np.flatnonzero(pc.starts_with(edits["rule"].cast(pa.string()), "R4").to_numpy())
    order = rows[np.argsort(edits["confidence"].to_numpy()[rows], kind="stable")][: 4 * _DOUBTFUL].tolist()
    found: dict[tuple[str, str], dict[str, Any]] = {}
    for edit in quoted.edits(order):
        told = {"before": edit["before"], "after": edit["after"], "confidence": round(edit["confidence"], 3)}
        found.setdefault((edit["before"], edit["after"]), {**told, "evidence": edit["evidence"]})
    return list(found.values())[:_DOUBTFUL]


def _needs_surroundings(edit: dict[str, Any]) -> bool:
    # Residue and metadata are whole lines, which tell by themselves what they were; a character or a word does not.
    return bool(edit["field"] == "text" and (is_spun(edit["rule"]) or edit["rule"] < "R100"))


def _chosen(rule: pa.ChunkedArray, owners: np.ndarray, quoted: Quoted) -> dict[str, list[tuple[int, dict[str, Any]]]]:
    if not len(rule):
        return {}
    encoded = rule.unify_dictionaries().combine_chunks()
    codes = encoded.indices.to_numpy()
    wanted: dict[str, list[int]] = {}
    for place, code in enumerate(encoded.dictionary.to_pylist()):
        rows = np.flatnonzero(codes == place)
        if len(rows):
            wanted[code] = rows[np.unique(np.linspace(0, len(rows) - 1, _LOOKED_AT).astype(np.int64))].tolist()
    flat = [row for rows in wanted.values() for row in rows]
    read = dict(zip(flat, quoted.edits(flat), strict=True))
    chosen: dict[str, list[tuple[int, dict[str, Any]]]] = {}
    for code, places in sorted(wanted.items()):
        seen: set[object] = set()
        for row in places:
            told = int(owners[row]) if is_spun(code) else (read[row]["before"], read[row]["after"])
            if told not in seen and len(seen) < (_PASSAGES if is_spun(code) else _EACH):
                seen.add(told)
                chosen.setdefault(code, []).append((int(owners[row]), read[row]))
    return chosen


def _example(edit: dict[str, Any], marked: tuple[str, list[Mark]] | None) -> dict[str, Any]:
    return {
        "field": edit["field"],
        "confidence": round(edit["confidence"], 3),
        "evidence": edit["evidence"],
        "parts": _surrounded(edit, *marked) if marked else _alone(edit),
    }


def _surrounded(edit: dict[str, Any], text: str, marks: list[Mark]) -> list[Part]:
    code = edit["rule"]
    marks = [mark for mark in marks if code in mark.rules]
    if is_spun(code):
        start = max(0, densest(marks, _SPUN - _AROUND) - _AROUND)
        return passage(text, marks, start, start + _SPUN)
    same = [mark for mark in marks if mark.before == edit["before"]] or marks
    if len(same[0].before) + same[0].end - same[0].start > _LONGEST:
        return _alone(edit)
    return passage(text, same[:1], max(0, same[0].start - _AROUND), same[0].end + _AROUND)


def _alone(edit: dict[str, Any]) -> list[Part]:
    return [(kind, _short(value)) for kind, value in (("gone", edit["before"]), ("put", edit["after"])) if value]


def _short(value: str) -> str:
    value = value.strip("\n") or value
    return value if len(value) <= _LONGEST else value[:_LONGEST].rstrip() + " …"
