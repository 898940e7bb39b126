"""The order in which articles are preferred, and who stands for equal texts: the quick ways give what plain sorting gives."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
from hypothesis import given
from hypothesis import strategies as st

from dedupe.cluster.canonical import Preference, preference_of
from dedupe.match.edges import exact_groups

columns = st.integers(0, 40).flatmap(
    lambda n: st.tuples(st.lists(st.integers(0, 3), min_size=n, max_size=n), st.lists(st.booleans(), min_size=n, max_size=n))
)


@given(columns)
def test_the_spun_come_last_and_otherwise_all_stay_in_order(drawn: tuple[list[int], list[bool]]) -> None:
    values, spun = np.array(drawn[0], np.int64), np.array(drawn[1], bool)
    telling = [values, np.arange(len(values))[::-1]]
    places = np.empty(len(values), np.int64)
    places[np.lexsort(telling[::-1])] = np.arange(len(values))
    preference = Preference(telling, places)
    order = np.lexsort(preference.columns_with(spun)[::-1])
    assert preference.rank_with(spun)[order].tolist() == list(range(len(values)))


@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 2)), max_size=40), st.randoms())
def test_the_most_preferred_of_equal_keys_stands_for_all(keys: list[tuple[int, int]], chance: object) -> None:
    rank = np.arange(len(keys))
    chance.shuffle(rank)  # type: ignore[attr-defined]
    first: dict[tuple[int, int], int] = {}
    for row in np.argsort(rank).tolist():
        first.setdefault(keys[row], row)
    found = exact_groups(np.array(keys, np.uint64).reshape(-1, 2), rank)
    assert found.tolist() == [first[key] for key in keys]


def test_of_two_articles_the_fuller_then_the_earlier_then_that_of_the_lower_id_comes_first() -> None:
    table = pa.table(
        {
            "article_id": ["d", "c", "b", "a"],
            "n_words": pa.array([100, 100, 100, 200], pa.int32()),
            "published_at": pa.array([2, 2, 1, None], pa.timestamp("us", tz="UTC")),
            "title": ["t"] * 4,
            "author": pa.array([None] * 4, pa.string()),
            "publisher": pa.array([None] * 4, pa.string()),
            "n_edits": pa.array([0] * 4, pa.int32()),
        }
    )
    # The fourth tells one thing less, but that comes after its length.
    assert preference_of(table).rank.tolist() == [3, 2, 1, 0]
