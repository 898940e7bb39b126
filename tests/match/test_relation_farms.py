import random
import time

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dedupe.match.candidates import least_agreement
from dedupe.match.relation_farms import MOST_KEPT, Star, number_keys, star_edges, thinned, unproven
from dedupe.match.relations import joins_near
from dedupe.match.signatures import Signer
from dedupe.match.verify import Verifier

REPORT = (
    "The level of the river at the old bridge stood at {} inches this morning, {} below that of the day before, and "
    "the water is expected "
    "to fall by another {} inches until the end of the week. Boats of more than {} tons may not pass the lock for now. "
    "The office for "
    "waterways reads the gauge every hour and puts the figures up at the harbor and on its page. It asks owners of "
    "boats on the banks "
    "to look after their ropes, and walkers to keep away from the edge where the bank was washed out in the spring."
)
MORE = " The report was read out on the radio at noon, and again in the evening."


def star(texts: list[str], rank: np.ndarray | None = None) -> tuple[Star, np.ndarray]:
    column = pa.array(texts, pa.string())

    def texts_of(rows: np.ndarray) -> pa.Array:
        return column.take(pa.array(rows))

    verify = Verifier(texts_of)
    members = np.arange(len(texts)) if rank is None else np.argsort(rank, kind="stable")
    found = star_edges(members, Signer(96)(column).signatures, least_agreement(0.5, 96), 0.5, verify, texts_of)
    return found, joins_near(found.a, found.b, 0.5, verify, texts_of)


def reports(count: int) -> list[str]:
    rng = random.Random(count)
    return [REPORT.format(*(rng.randint(2, 999) for _ in range(4))) for _ in range(count)]


def test_numbers_are_those_of_the_text_in_any_order() -> None:
    keys = number_keys(pa.array(["of 12 and 15", "15 of 12", "12 15 15", "", "none", "XII", "12 and 15, 12", "１２ 15"]))
    assert keys[0] == keys[1]
    assert len({*keys[[0, 2, 6]].tolist()}) == 3
    assert keys[3] == keys[4] == keys[5] == 0


def test_copies_in_a_bucket_of_one_template_are_found_and_nothing_else_joins() -> None:
    texts = reports(150)
    copies = {len(texts) + at: at * 7 for at in range(20)}
    texts += [texts[source] + MORE for source in copies.values()]
    found, joins = star(texts)
    assert {(a, b) for a, b in zip(found.a[joins].tolist(), found.b[joins].tolist(), strict=True)} == {
        (source, copy) for copy, source in copies.items()
    }


def test_one_article_in_hundreds_of_copies_is_a_star_around_the_preferred() -> None:
    rng = random.Random(2)
    words = REPORT.format(1, 2, 3, 4).split()
    texts = []
    for _ in range(200):
        copy = list(words)
        copy[rng.randrange(60, len(words))] = "somewhere"
        texts.append(" ".join(copy))
    rank = np.array(rng.sample(range(200), 200))
    found, joins = star(texts, rank)
    preferred = int(np.argmin(rank))
    assert joins.all()
    assert (np.bincount(np.concatenate([found.a, found.b]), minlength=200) > 0).all()
    assert ((found.a == preferred) | (found.b == preferred)).sum() == 199


def test_a_copy_with_a_number_more_meets_the_others_too() -> None:
    words = REPORT.format(1, 2, 3, 4)
    texts = [words + (MORE if at % 2 else "") + (" A copy has 77 words more." if at % 5 == 0 else "") for at in range(100)]
    found, joins = star(texts)
    together = np.bincount(np.concatenate([found.a[joins], found.b[joins]]), minlength=100)
    assert (together > 0).all()


def test_the_cost_of_a_template_grows_with_the_reports_not_with_their_square() -> None:
    texts = reports(1500)
    star(texts[:100])
    begin = time.process_time()
    found, joins = star(texts)
    assert not joins.any()
    assert found.looked <= 8 * len(texts)
    assert time.process_time() - begin < 30


def test_empty_and_single_buckets_are_no_trouble() -> None:
    assert len(star([])[0].a) == 0
    assert len(star(["one two three"])[0].a) == 0


def full(count: int) -> tuple[np.ndarray, np.ndarray]:
    a, b = np.triu_indices(count, 1)
    return a.astype(np.int64), b.astype(np.int64)


def test_all_pairs_of_a_farm_no_larger_than_a_bucket_stay() -> None:
    assert thinned(*full(65), np.arange(65), 64).all()


@pytest.mark.parametrize("count", [66, 300])
def test_a_larger_farm_keeps_the_pairs_with_its_preferred_articles(count: int) -> None:
    rank = np.random.default_rng(count).permutation(count)
    a, b = full(count)
    kept = thinned(a, b, rank, 64)
    best = set(np.argsort(rank)[: MOST_KEPT + 1].tolist())
    assert all(one in best or other in best for one, other in zip(a[kept].tolist(), b[kept].tolist(), strict=True))
    assert (np.bincount(np.concatenate([a[kept], b[kept]]), minlength=count) >= MOST_KEPT).all()
    assert kept.sum() <= MOST_KEPT * count


@given(st.integers(2, 40), st.integers(0, 6), st.randoms())
def test_whatever_the_edges_few_stay_and_their_order_changes_nothing(count: int, most: int, chance: random.Random) -> None:
    pairs = [(a, b) for a in range(count) for b in range(a + 1, count) if chance.random() < 0.7]
    rank = np.array(chance.sample(range(count), count))
    a, b = (np.array([pair[side] for pair in pairs], np.int64) for side in (0, 1))
    kept = thinned(a, b, rank, most)
    degree = np.bincount(np.concatenate([a, b]), minlength=count)
    assert kept[(degree[a] <= most) | (degree[b] <= most)].all()
    assert kept.sum() <= (most + MOST_KEPT) * count
    mixed = np.array(chance.sample(range(len(pairs)), len(pairs)), np.int64)
    assert (thinned(a[mixed], b[mixed], rank, most) == kept[mixed]).all()


def test_members_of_a_cluster_are_compared_with_its_first_and_asked_once() -> None:
    hub = np.array([0, 0, 0, 0, 4, 4, 6])
    rank = np.array([0, 3, 1, 2, 5, 4, 6])
    marked = np.array([1, 2, 3, 4, 5, 6])
    nothing = np.empty(0, np.int64)
    pairs = [set(zip(*(side.tolist() for side in unproven(hub, rank, marked, nothing, width)), strict=True)) for width in (1, 2)]
    assert pairs == [{(2, 3), (1, 2), (4, 5)}, {(2, 3), (1, 2), (1, 3), (4, 5)}]
    known = np.array([1 << 32 | 2, 4 << 32 | 5])
    left = unproven(hub, rank, marked, known, 2)
    assert set(zip(*(side.tolist() for side in left), strict=True)) == {(2, 3), (1, 3)}
    assert len(unproven(hub, rank, nothing, nothing, 2)[0]) == 0
