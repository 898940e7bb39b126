"""What a decision has to know of the articles of an output, so that every later run finds them again."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cached_property

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from dedupe.corpus.output import Output
from dedupe.decisions.facts import Fact, Reference, edit_refused
from dedupe.decisions.sketches import sketch_bytes
from dedupe.decisions.store import Decisions
from dedupe.errors import UsageError
from dedupe.match.containment import Sketches
from dedupe.repair.refusal import place_of
from dedupe.stages.deciding import find_articles
from dedupe.write.index import read_index


class References:
    """Make references to the articles of one output: its IDs, addresses and sketches are read once, when first asked for."""

    def __init__(self, output: Output) -> None:
        self._output = output

    def of(self, ids: Iterable[str]) -> list[Reference]:
        """Return a reference to each article, as `Decisions.record` takes them. Raises UsageError for an ID that is not there."""
        wanted = list(dict.fromkeys(ids))
        rows = pc.index_in(pa.array(wanted, pa.string()), self._table["article_id"]).to_pylist()
        missing = next((one for one, row in zip(wanted, rows, strict=True) if row is None), None)
        if missing is not None:
            raise UsageError(f"No article of {self._output.folder} has the ID {missing}.", "Open the page again.")
        taken = self._table.select(["article_id", "url", "publisher"]).take(pa.array(rows, pa.int64())).to_pylist()
        return [Reference(**row, sketch=self._sketch(at)) for row, at in zip(taken, rows, strict=True)]

    def successors(self, decisions: Decisions) -> dict[str, str]:
        """Return, for decided articles that this output no longer has, the ID under which it has their corrected text."""
        found = find_articles(decisions.articles(), self._table, Sketches(*self._sketches))
        ids = self._table["article_id"]
        now = {old: ids[row].as_py() for old, row in found.items()}
        return {old: new for old, new in now.items() if old != new}

    @cached_property
    def _table(self) -> pa.Table:
        return self._output.table("corpus", ["article_id", "url", "publisher"]).combine_chunks()

    @cached_property
    def _sketches(self) -> tuple[np.ndarray, np.ndarray]:
        index = read_index(self._output.folder, self._output.manifest)
        return index.sketches, index.sketch_offsets

    def _sketch(self, row: int) -> bytes:
        hashes, offsets = self._sketches
        return sketch_bytes(hashes[offsets[row] : offsets[row + 1]])


def refusal_of(output: Output, article_id: str, seq: int) -> Fact:
    """Return the fact that edit `seq` of an article was wrong. Raises UsageError where the article has no such edit."""
    edits = output.select("edits", "article_id", [article_id])
    edit = next((one for one in edits if one["seq"] == seq), None)
    if edit is None:
        raise UsageError(f"Article {article_id} has no edit {seq}.", "Open the page again.")
    field = edit["field"]
    if field == "published_at":
        # The ledger holds a time as it was written, the column as a moment.
        value = max((one for one in edits if one["field"] == field), key=lambda one: one["seq"])["after"]
    else:
        value = output.select("corpus", "article_id", [article_id], [field])[0][field] or ""
    place = place_of(value, edits, seq)
    return edit_refused(article_id, field, edit["rule"], edit["before"], edit["after"], place.source, place.left, place.right)
