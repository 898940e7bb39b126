import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dedupe.decisions.audit import Judged, draw, judgements, needed_threshold, precision_by_relation, tallies, wilson
from dedupe.decisions.facts import Act, Batch, Fact, accepted, cannot_link, must_link

A, B, C = (f"{number:032x}" for number in range(3))


def batch(number: int, act: Act, queue: str, *facts: Fact, who: str = "ann", bulk: bool = False, standing: bool = True) -> Batch:
    return Batch(number, str(number), act, who, f"2026-01-01T00:00:{number:02}.000000Z", queue, "", bulk, None, facts, standing)


def judged(similarity: float, right: bool, relation: str = "near") -> Judged:
    return Judged(A, B, relation, similarity, right, "ann")


@pytest.mark.parametrize(
    ("right", "total", "low", "high"),
    # By hand from Wilson's formula with z = 1.959964; the second is the case of Newcombe 1998, table I: 15 of 148.
    [(0, 10, 0.0, 0.2775), (15, 148, 0.0624, 0.1605), (10, 10, 0.7225, 1.0), (81, 263, 0.2553, 0.3662)],
)
def test_the_interval_is_wilsons(right: int, total: int, low: float, high: float) -> None:
    assert wilson(right, total) == pytest.approx((low, high), abs=5e-5)


@given(st.integers(1, 500).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))
def test_the_interval_holds_the_share_and_stays_within_0_and_1(counts: tuple[int, int]) -> None:
    low, high = wilson(*counts)
    assert 0 <= low <= counts[0] / counts[1] <= high <= 1
    # Turning right into wrong mirrors it.
    mirrored = wilson(counts[1] - counts[0], counts[1])
    assert math.isclose(low, 1 - mirrored[1], abs_tol=1e-12)


def test_nothing_judged_says_nothing() -> None:
    assert wilson(0, 0) == (0.0, 1.0)
    assert precision_by_relation([]) == []
    assert needed_threshold([], 0.9) is None


@settings(deadline=None)
@given(st.sets(st.text(max_size=5), max_size=30), st.integers(0, 40), st.integers(0, 9), st.randoms())
def test_the_draw_depends_on_no_order_and_grows(names, size, seed, random) -> None:  # type: ignore[no-untyped-def]
    ordered = sorted(names)
    drawn = [ordered[at] for at in draw(ordered, size, seed)]
    assert len(drawn) == len(set(drawn)) == min(size, len(ordered))
    shuffled = ordered[:]
    random.shuffle(shuffled)
    assert [shuffled[at] for at in draw(shuffled, size, seed)] == drawn
    assert [ordered[at] for at in draw(ordered, size + 3, seed)][: len(drawn)] == drawn


def test_the_draw_is_uniform() -> None:
    names = [str(number) for number in range(20)]
    hits = [0] * 20
    for seed in range(2_000):
        for at in draw(names, 5, seed):
            hits[at] += 1
    # 500 expected each; five standard deviations are 97.
    assert max(abs(count - 500) for count in hits) < 97


def test_the_audit_counts_its_own_queue_each_edge_and_person_once() -> None:
    batches = [
        batch(1, "audit", "audit", must_link([A, B], "near", 0.7)),
        batch(2, "audit", "audit", cannot_link([[A], [B]], "near", 0.7)),
        batch(3, "audit", "audit", must_link([B, A], "near", 0.7), who="bob"),
        batch(4, "audit", "audit", cannot_link([[A], [C]], "spun", 0.4)),
        batch(5, "audit", "audit", must_link([B, C], "spun", 0.4), standing=False),
        batch(6, "merge", "doubt", must_link([B, C], "spun", 0.4)),
        batch(7, "accept", "audit", accepted([A, B])),
    ]
    found = judgements(batches)
    assert [(one.relation, one.right, one.who) for one in found] == [
        ("near", False, "ann"),
        ("near", True, "bob"),
        ("spun", False, "ann"),
    ]
    table = {row.relation: (row.judged, row.right) for row in precision_by_relation(found)}
    assert table == {"near": (2, 1), "spun": (1, 0), "all": (3, 1)}


def test_other_queues_are_tallied_apart_and_a_bulk_act_is_one() -> None:
    batches = [
        batch(1, "accept", "doubt", *(accepted([A, B]) for _ in range(50)), bulk=True),
        batch(2, "split", "doubt", cannot_link([[A], [B]])),
        batch(3, "skip", "spun", accepted([A])),
        batch(4, "accept", "doubt", accepted([A]), standing=False),
        batch(5, "audit", "audit", must_link([A, B], "near", 0.7)),
    ]
    assert tallies(batches) == [("doubt", 1, 1, 0), ("spun", 0, 0, 1)]


def test_the_needed_threshold_is_the_lowest_that_is_right_often_enough() -> None:
    edges = [judged(0.5 + at / 100, right=at >= 10) for at in range(50)]
    found = needed_threshold(edges, 0.9)
    assert found is not None
    # From 0.56 on 40 of 44 are right; one lower, 40 of 45 are not nine tenths.
    assert (found.threshold, found.judged, found.right, found.kept) == (0.56, 44, 40, 1.0)
    assert found.low < 40 / 44 < found.high
    assert needed_threshold(edges, 1.0) == needed_threshold(edges[10:], 1.0)
    assert needed_threshold([judged(0.9, False)] * 30, 0.5) is None
    assert needed_threshold(edges[-19:], 0.5) is None
    assert needed_threshold([judged(0.7, at % 2 == 0) for at in range(40)], 0.9) is None
