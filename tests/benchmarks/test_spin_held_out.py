"""That the benchmark of held-out spun copies measures what it says, and that no honest rewrite passes for a spun copy."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from benchmarks.relations import sources
from benchmarks.rewrites import make
from benchmarks.spin_held_out import held_out, restored, source_spans, spin_to, swapped
from dedupe.match.swaps import swapped_throughout
from dedupe.repair.spin.lexicon import fold, read_lexicon
from dedupe.repair.spin.spinner import Spinner
from dedupe.repair.spin.training import Example, Span

TEXT = "The men said they would go home. They said no more, and the men left."
SPINNER = Spinner({"said": ["noted"], "go home": ["head back to the house"], "men": ["guys"]}, 2)


def test_no_pair_of_a_held_out_row_is_known_in_either_direction() -> None:
    known, unknown = held_out(read_lexicon(), 2)
    ends = {frozenset((fold(pair.original), fold(pair.variant))) for pair in known}
    assert unknown
    assert known
    assert not any(frozenset((fold(pair.original), fold(pair.variant))) in ends for pair in unknown)
    assert held_out(read_lexicon(), 0) == (read_lexicon(), [])


def test_spans_stand_in_the_source_where_they_were() -> None:
    example = spin_to(TEXT, SPINNER, 1.0, 1)
    assert [TEXT[start:end] for start, end in source_spans(example)] == [span.originals[0] for span in example.spans]
    assert swapped(TEXT, example) == 6 / 15


def test_only_what_reads_as_in_the_source_is_restored() -> None:
    example = Example("The guys noted they would go home.", (Span(4, 8, ("men",), True), Span(9, 14, ("said",), True)))
    text = "The men said they would go home."
    assert restored(text, example, text, text) == {"spans": 2, "restored": 2}
    assert restored(text, example, text, example.text)["restored"] == 0
    assert restored(text, example, text, "The men noted they would go home.")["restored"] == 1
    # A span in what repair took out of the source is nobody's to restore.
    assert restored(text, example, "they would go home.", "they would go home.")["spans"] == 0


def test_rewrites_that_no_spinner_made_have_no_words_swapped_throughout() -> None:
    made = make(sources(None, 3), 6, 3)
    pairs = [(one, other) for kind, one, other, _ in made.pairs if kind != "words spun"]
    texts = pa.array([made.articles[name] for pair in pairs for name in pair])
    places = np.arange(len(pairs))
    assert not swapped_throughout(2 * places, 2 * places + 1, lambda rows: texts.take(pa.array(rows))).any()
