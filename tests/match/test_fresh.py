"""Articles that join others: what they may be like is what a look at all of them finds, less the pairs that were there."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dedupe.gather import may_be_among
from dedupe.match.bands import choose_bands
from dedupe.match.candidates import LARGE_BUCKET, find_candidates
from dedupe.match.containment import SCALE, Sketches, propose_contained

BANDS = choose_bands(0.5, 0.99)


@given(
    st.lists(st.integers(0, 2**64 - 1), max_size=60),
    st.lists(st.integers(0, 2**64 - 1), max_size=9),
    st.integers(0, 60),
    st.integers(20, 64),
)
def test_what_is_wanted_is_never_screened_out(hashes: list[int], others: list[int], count: int, top: int) -> None:
    low = np.uint64(2**top - 1)
    values = np.array(hashes, np.uint64) & low
    wanted = np.concatenate([values[:count], np.array(others, np.uint64) & low])
    places = may_be_among(values, wanted, top)
    assert (np.diff(places) > 0).all()
    assert set(np.flatnonzero(np.isin(values, wanted))) <= set(places)


def test_hardly_anything_else_is_let_through() -> None:
    values = np.random.default_rng(1).integers(0, 2**63, 3_000_000, dtype=np.uint64) << np.uint64(1)
    assert 0 < len(may_be_among(values, values[:10_000])) - 10_000 < 20_000


@pytest.mark.parametrize("fresh", [1, 40, 299, 300])
def test_pairs_with_a_new_article_are_those_of_a_look_at_all(fresh: int) -> None:
    chance = np.random.default_rng(2)
    originals = chance.integers(0, 2**32, (60, BANDS.num_perm), dtype=np.uint32)
    signatures = originals[chance.integers(0, 60, 300)]
    signatures[chance.random(signatures.shape) < 0.3] = 7
    signatures[200:280] = signatures[200]  # a large bucket
    rows = np.flatnonzero(chance.random(300) < 0.9)
    whole, joined = (find_candidates(signatures, rows, BANDS, 0.5, 2, first) for first in (0, fresh))
    new = np.maximum(whole.a, whole.b) >= fresh
    assert (joined.a.tolist(), joined.b.tolist()) == (whole.a[new].tolist(), whole.b[new].tolist())
    expected = [members.tolist() for members in whole.large if members.max() >= fresh]
    assert [members.tolist() for members in joined.large] == expected
    assert fresh >= 280 or max(map(len, expected)) > LARGE_BUCKET


@pytest.mark.parametrize("fresh", [1, 150, 399, 400])
def test_what_may_lie_inside_a_new_article_or_around_it_is_that_of_a_look_at_all(fresh: int) -> None:
    chance = np.random.default_rng(3)
    pool = [np.unique(chance.integers(0, 2**64 // SCALE, 40, dtype=np.uint64)) for _ in range(80)]
    sketches = [np.sort(chance.permutation(pool[chance.integers(80)])[: chance.integers(3, 40)]) for _ in range(400)]
    hashes, sizes = np.concatenate(sketches), np.array([len(sketch) for sketch in sketches])
    given = Sketches(hashes, np.concatenate([[0], np.cumsum(sizes)]).astype(np.int64))
    rank = chance.permutation(400)
    whole, joined = (propose_contained(given, np.arange(400), rank, first) for first in (0, fresh))
    new = np.maximum(whole.small, whole.large) >= fresh
    assert list(zip(joined.small, joined.large, strict=True)) == list(zip(whole.small[new], whole.large[new], strict=True))
    assert fresh == 400 or len(joined.small)
