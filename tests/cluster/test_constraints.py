from functools import partial
from itertools import combinations

import numpy as np
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dedupe.cluster.clusters import clusters
from dedupe.cluster.constraints import constrain

# A machine that does other work as well draws slowly; that says nothing of what is tested.
patient = partial(settings, deadline=None, suppress_health_check=[HealthCheck.too_slow])

N = 10
pairs = st.sets(st.tuples(st.integers(0, N - 1), st.integers(0, N - 1)).filter(lambda p: p[0] < p[1]), max_size=14)
sets = st.lists(st.lists(st.integers(0, N - 1), min_size=2, max_size=4, unique=True), max_size=4)
Groups = list[list[int]]


@st.composite
def separations(draw: st.DrawFn) -> list[Groups]:
    found = []
    for rows in draw(sets):
        cut = draw(st.integers(1, len(rows) - 1))
        found.append([rows[:cut], rows[cut:]] if draw(st.booleans()) else [[row] for row in rows])
    return found


def arrays(edges: set[tuple[int, int]]) -> tuple[np.ndarray, np.ndarray]:
    ordered = sorted(edges)
    return np.array([a for a, _ in ordered], np.int64), np.array([b for _, b in ordered], np.int64)


def never(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    return np.zeros(len(a), bool)


def run(
    rank: list[int],
    representative: list[int],
    edges: set[tuple[int, int]],
    forbidden: set[tuple[int, int]],
    links: Groups,
    apart: list[Groups],
) -> tuple[list[int], list[bool], list[int]]:
    stands, decided, holds = constrain(np.array(representative), np.array(rank), links, apart)

    # Edges run between those that stand for their copies, as in a run.
    def among(wanted: set[tuple[int, int]]) -> set[tuple[int, int]]:
        return {(a, b) for a, b in wanted if stands[a] == a and stands[b] == b}

    hub = clusters(np.array(rank), *arrays(among(edges)), never, arrays(among(forbidden)), decided)
    return hub[stands].tolist(), holds, stands.tolist()


def exact(rank: list[int], copies: Groups) -> list[int]:
    representative = list(range(N))
    for rows in copies:
        if all(representative[row] == row for row in rows) and not any(
            rep in rows for at, rep in enumerate(representative) if at not in rows
        ):
            first = min(rows, key=rank.__getitem__)
            for row in rows:
                representative[row] = first
    return representative


def must_not_meet(apart: list[Groups]) -> set[tuple[int, int]]:
    return {(min(a, b), max(a, b)) for groups in apart for one, other in combinations(groups, 2) for a in one for b in other}


@patient(max_examples=400)
@given(st.permutations(range(N)), sets, pairs, pairs, sets, separations())
def test_what_people_keep_apart_never_meets_and_what_they_join_is_together(
    rank: list[int],
    copies: Groups,
    edges: set[tuple[int, int]],
    forbidden: set[tuple[int, int]],
    links: Groups,
    apart: list[Groups],
) -> None:
    representative = exact(rank, copies)
    canonical, holds, stands = run(rank, representative, edges, forbidden, links, apart)
    for a, b in must_not_meet(apart):
        assert canonical[a] != canonical[b]
    for link, held in zip(links, holds, strict=True):
        if held:
            assert len({canonical[row] for row in link}) == 1
    if not apart:
        assert all(holds)
        assert stands == representative
    for row in range(N):
        assert canonical[canonical[row]] == canonical[row]
        assert rank[canonical[row]] <= rank[row]


@patient(max_examples=200)
@given(st.permutations(range(N)), sets, pairs, pairs, sets, separations(), st.randoms())
def test_the_order_of_decisions_changes_nothing(rank, copies, edges, forbidden, links, apart, random) -> None:  # type: ignore[no-untyped-def]
    expected, _, _ = run(rank, exact(rank, copies), edges, forbidden, links, apart)
    random.shuffle(links)
    random.shuffle(apart)
    links = [random.sample(link, len(link)) for link in links]
    assert run(rank, exact(rank, copies), edges, forbidden, links, apart)[0] == expected


@patient(max_examples=200)
@given(st.permutations(range(N)), pairs, pairs)
def test_without_decisions_clusters_are_what_they_were(
    rank: list[int], edges: set[tuple[int, int]], forbidden: set[tuple[int, int]]
) -> None:
    got, _, _ = run(rank, list(range(N)), edges, forbidden, [], [])
    assert got == clusters(np.array(rank), *arrays(edges), never, arrays(forbidden)).tolist()


def simple(links: Groups, apart: list[Groups], edges: set[tuple[int, int]] = frozenset(), forbidden=frozenset()) -> list[int]:  # type: ignore[no-untyped-def, assignment]
    return run(list(range(N)), list(range(N)), set(edges), set(forbidden), links, apart)[0]


def test_who_takes_a_member_takes_all_that_people_joined_with_it() -> None:
    assert simple([[1, 2, 3]], [], {(0, 1)})[:5] == [0, 0, 0, 0, 4]
    # What is near to a joined article only stays by itself: members stand in an edge to the canonical, or in a decision.
    assert simple([[0, 1]], [], {(1, 2)})[:3] == [0, 0, 2]


def test_a_persons_word_goes_over_an_update() -> None:
    assert simple([], [], {(0, 1), (0, 2)}, {(1, 2)})[:3] == [0, 0, 2]
    assert simple([[1, 2]], [], {(0, 1)}, {(1, 2)})[:3] == [0, 0, 0]
    assert simple([[0, 1]], [], set(), {(0, 1)})[:2] == [0, 0]


def test_apart_wins_over_together_and_the_preferred_keep_their_company() -> None:
    assert simple([[0, 1], [1, 2]], [[[0], [2]]])[:3] == [0, 0, 2]
    assert simple([[1, 2], [0, 1]], [[[0], [2]]])[:3] == [0, 0, 2]
    assert simple([[0, 1, 2, 3]], [[[0], [1], [2], [3]]], {(0, 1), (2, 3)})[:4] == [0, 1, 2, 3]


def test_exact_copies_that_a_person_keeps_apart_stand_for_themselves() -> None:
    representative = [0, 0, 0, *range(3, N)]
    stands, decided, _ = constrain(np.array(representative), np.arange(N), [], [[[0], [2]]])
    assert stands[:3].tolist() == [0, 0, 2]
    assert decided.claims == {0: [(0, 0)], 2: [(0, 1)]}
    # The second copy goes with whom a person joined it.
    stands, _, holds = constrain(np.array(representative), np.arange(N), [[1, 2]], [[[0], [2]]])
    assert (stands[:3].tolist(), holds) == ([0, 1, 1], [True])


def test_two_articles_kept_apart_that_a_correction_made_one_constrain_nothing() -> None:
    assert simple([], [[[1], [1]]], {(0, 1)})[:2] == [0, 0]
