import time

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from dedupe.cluster.clusters import clusters, components

N = 12
pairs = st.sets(st.tuples(st.integers(0, N - 1), st.integers(0, N - 1)).filter(lambda p: p[0] < p[1]), max_size=24)


def arrays(edges: set[tuple[int, int]]) -> tuple[np.ndarray, np.ndarray]:
    ordered = sorted(edges)
    return np.array([a for a, _ in ordered], np.int64), np.array([b for _, b in ordered], np.int64)


def run(
    rank: list[int], edges: set[tuple[int, int]], hidden: set[tuple[int, int]] = frozenset(), cannot=frozenset()
) -> list[int]:  # type: ignore[no-untyped-def]
    def joins_of(a: np.ndarray, b: np.ndarray) -> np.ndarray:
        return np.array([(min(x, y), max(x, y)) in hidden for x, y in zip(a.tolist(), b.tolist(), strict=True)], bool)

    return clusters(np.array(rank), *arrays(edges), joins_of, arrays(set(cannot)) if cannot else None).tolist()


def plain(rank: list[int], joining: set[tuple[int, int]], component: list[int], cannot: set[tuple[int, int]]) -> list[int]:
    """The rule as DESIGN states it, article by article."""
    canonical = list(range(N))
    free = sorted(range(N), key=lambda row: (component[row], rank[row]))
    while free:
        hub, taken, rest = free[0], [free[0]], []
        for other in free[1:]:
            joins = component[other] == component[hub] and (min(hub, other), max(hub, other)) in joining
            if joins and not any((min(other, t), max(other, t)) in cannot for t in taken):
                canonical[other] = hub
                taken.append(other)
            else:
                rest.append(other)
        free = rest
    return canonical


@given(pairs)
def test_components_are_those_of_a_plain_walk(edges: set[tuple[int, int]]) -> None:
    label = list(range(N))
    for _ in range(N):
        for a, b in edges:
            label[a] = label[b] = min(label[a], label[b])
    assert components(N, *arrays(edges)).tolist() == label


@given(st.permutations(range(N)), pairs, pairs, pairs)
def test_clusters_follow_the_stated_rule(
    rank: list[int], edges: set[tuple[int, int]], hidden: set[tuple[int, int]], cannot: set[tuple[int, int]]
) -> None:
    component = components(N, *arrays(edges)).tolist()
    got = run(rank, edges, hidden, cannot)
    assert got == plain(rank, edges | hidden, component, cannot)
    for row, hub in enumerate(got):
        assert row == hub or (min(row, hub), max(row, hub)) in edges | hidden
        assert got[hub] == hub
    for a, b in cannot:
        assert got[a] != got[b]


@given(st.permutations(range(N)), pairs, st.permutations(range(N)))
def test_the_order_of_articles_changes_nothing(rank: list[int], edges: set[tuple[int, int]], moved: list[int]) -> None:
    before = run(rank, edges)
    new_rank = [0] * N
    for row in range(N):
        new_rank[moved[row]] = rank[row]
    after = run(new_rank, {(min(moved[a], moved[b]), max(moved[a], moved[b])) for a, b in edges})
    assert [after[moved[row]] for row in range(N)] == [moved[before[row]] for row in range(N)]


def test_strangers_are_not_chained() -> None:
    chain = {(n, n + 1) for n in range(N - 1)}
    assert run(list(range(N)), chain) == [0, 0, 2, 2, 4, 4, 6, 6, 8, 8, 10, 10]


def test_a_cluster_of_thousands_with_two_that_stand_apart_is_walked_once() -> None:
    n = 30_000
    a, b = np.zeros(n - 1, np.int64), np.arange(1, n)
    begin = time.process_time()
    canonical = clusters(np.arange(n), a, b, lambda one, other: np.zeros(len(one), bool), (np.array([1, 5]), np.array([2, 9])))
    assert np.flatnonzero(canonical != 0).tolist() == [2, 9]
    # The square of its size would take minutes.
    assert time.process_time() - begin < 10
