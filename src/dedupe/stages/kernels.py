"""Loading of compiled kernels ahead of need: at the first start in two processes, later while workers read."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pyarrow as pa

from dedupe.cache import note_compiled
from dedupe.engine.local import Pool, default_workers
from dedupe.match.bands import choose_bands
from dedupe.match.containment import Proposed, propose_contained
from dedupe.match.edges import Edges, find_edges
from dedupe.match.relations import relate
from dedupe.match.signatures import Signer
from dedupe.match.spun import propose_swapped
from dedupe.match.stories import find_stories
from dedupe.match.story_vectors import vectors
from dedupe.match.terms import extract_terms
from dedupe.match.verify import TextsOf, Verifier
from dedupe.repair.spin.stage import load_decoder
from dedupe.stages.despinning import load_despinning
from dedupe.stages.maps import warm_cleaning, warm_signing


def compile_kernels() -> None:
    """Compile what every run needs, once, before processes start that would each do it again.

    Two processes share the work, since the compiler uses one core: it halves the first thing that a user waits for. What only
    some runs need (telling the relations of articles that are alike) is compiled when it is first needed.
    """
    # The longest first; what the last two share with it is compiled by then.
    parts = [(part,) for part in (warm_signing, load_despinning, warm_cleaning, load_grouping, _tell_stories)]
    with Pool(min(2, default_workers())) as pool:
        for _ in pool.map(_load, parts):
            pass
    note_compiled()


def _load(part: Callable[[], None]) -> None:
    part()


def load_grouping() -> None:
    """Load the kernels that every run matches and clusters with."""
    _match(["one two three four", "one two three five", "six"])


def load_matching(stories: bool, despin: bool) -> None:
    """Load the kernels of all of matching, by relating three texts: a third of a second, while workers read.

    With those of stories where the run tells any, and the tables of the de-spinner where it looks for spun articles.
    """
    words = [f"w{number}" for number in range(60)]
    edges, proposed, verify, read, n_tokens = _match(
        [" ".join(words), " ".join([*words[:30], "2", *words[31:]]), " ".join(words[:40])]
    )
    relate(edges, proposed, 0.5, verify, read)
    propose_swapped((np.arange(2), np.arange(1, 3)), n_tokens, np.zeros(3, np.float32), read)
    if stories:
        _tell_stories()
    if despin:
        load_decoder()


def _match(given: list[str]) -> tuple[Edges, Proposed, Verifier, TextsOf, np.ndarray]:
    texts, rows, bands = pa.array(given), np.arange(len(given)), choose_bands(0.5, 0.9)
    signed = Signer(bands.num_perm)(texts)

    def read(wanted: np.ndarray) -> pa.Array:
        return texts.take(pa.array(wanted))

    verify = Verifier(read)
    edges = find_edges(signed.signatures, rows, signed.n_tokens, rows, bands, 0.5, verify, read).edges
    return edges, propose_contained(signed.sketches, rows, rows), verify, read, signed.n_tokens


def _tell_stories() -> None:
    terms = extract_terms(pa.array(["one two three four", "one two three five", "six"]))
    find_stories(vectors([terms], 3), np.zeros(3, np.int64), np.arange(3))
