"""Which articles a spun one is compared with: the same pairs as by counting what any two have in common, however few at a time."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dedupe.match import spun as module
from dedupe.match.containment import Sketches
from dedupe.match.spun import propose_spun

ARTICLES = 12


def counted(sketches: list[set[int]], rows: set[int], spun: set[int], most: int) -> list[tuple[int, int]]:
    pairs = []
    for a, b in combinations(sorted(rows), 2):
        if not {a, b} & spun:
            continue
        shared = 0
        for held in sketches[a] & sketches[b]:
            holders = [row for row in rows if held in sketches[row]]
            shared += len(holders) * len(spun & set(holders)) <= most
        if shared >= max(2, 0.1 * min(len(sketches[a]), len(sketches[b]))):
            pairs.append((a, b))
    return pairs


@given(
    st.lists(st.sets(st.integers(0, 40), max_size=25), min_size=ARTICLES, max_size=ARTICLES),
    st.sets(st.integers(0, ARTICLES - 1)),
    st.sets(st.integers(0, ARTICLES - 1)),
    st.sampled_from([3, 20, 10**6]),
    st.sampled_from([1, 10, 10**6]),
    st.sampled_from([1, 64, 10**6]),
)
def test_pairs_are_those_with_enough_in_common(
    sketches: list[set[int]], rows: set[int], spun: set[int], most: int, meetings: int, hashes: int
) -> None:
    offsets = np.cumsum([0, *map(len, sketches)])
    # In the upper bits, as hashes are spread.
    flat = np.array([held << 50 for sketch in sketches for held in sorted(sketch)], np.uint64)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "_MOST_PAIRS", most)
        patch.setattr(module, "_MEETINGS_AT_ONCE", meetings)
        patch.setattr(module, "_HASHES_AT_ONCE", hashes)
        a, b = propose_spun(Sketches(flat, offsets), np.array(sorted(rows), np.int64), np.array(sorted(spun), np.int64))
    assert list(zip(a.tolist(), b.tolist(), strict=True)) == counted(sketches, rows, spun & rows, most)
