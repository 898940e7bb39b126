import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dedupe.cluster.identity import canonical_url, carry_over, identify, new_group_ids, number_equals
from dedupe.cluster.lasting import Previous, id_map_table, lasting_ids
from dedupe.schema import ID_MAP


@pytest.mark.parametrize(
    "url",
    [
        "https://www.example.com/a/story",
        "http://example.com/a/story/",
        "HTTPS://Example.COM:443/a/story?utm_source=x&fbclid=1#top",
    ],
)
def test_one_page_has_one_address(url: str) -> None:
    assert canonical_url(url) == "example.com/a/story"


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("http://e.com/a?id=1", "http://e.com/a?id=2"),
        ("http://e.com/A", "http://e.com/a"),
        ("http://e.com:8080/", "http://e.com/"),
    ],
)
def test_different_pages_have_different_addresses(one: str, other: str) -> None:
    assert canonical_url(one) != canonical_url(other)


@pytest.mark.parametrize("url", ["", "no url", "http://[broken", "http://e.com:port/"])
def test_what_is_no_address_stays_as_it_is(url: str) -> None:
    assert canonical_url(url) == url


def test_identity_is_the_first_that_is_known() -> None:
    sha = "0" * 64
    by_id = identify("7", "http://e.com/a", "P", "T", None, sha)
    assert by_id == identify("7", "http://other.com", None, None, None, sha)
    by_url = identify(None, "http://e.com/a", "P", "T", None, sha)
    assert by_url == identify(None, "https://www.e.com/a#x", "Q", None, None, sha)
    assert by_url != by_id
    assert identify(None, None, "P", "T", None, sha) != identify(None, None, "Q", "T", None, sha)
    assert identify(None, None, None, None, None, sha) != identify(None, None, None, None, None, "1" * 64)
    assert len(by_id) == 32
    assert int(by_id, 16) >= 0


def test_equal_ids_are_numbered_in_input_order() -> None:
    ids = number_equals(["a" * 32, "b" * 32, "a" * 32, "a" * 32])
    assert ids[:2] == ["a" * 32, "b" * 32]
    assert len(set(ids)) == 4
    assert ids == number_equals(["a" * 32, "b" * 32, "a" * 32, "a" * 32])


def test_a_new_cluster_never_takes_an_id_that_was_used() -> None:
    articles, none = pa.array(["x" * 32, "y" * 32]), pa.array([], pa.string())
    first = new_group_ids("cluster", articles, none)
    assert first.to_pylist() == ["c" + "x" * 20, "c" + "y" * 20]
    second = new_group_ids("cluster", articles, first.slice(0, 1))
    assert second[0] != first[0]
    assert second[1] == first[1]
    third = new_group_ids("cluster", articles, pa.concat_arrays([first.slice(0, 1), second.slice(0, 1)]))
    assert len({*first.to_pylist(), second[0].as_py(), third[0].as_py()}) == 4


def test_two_new_clusters_never_get_one_id() -> None:
    # IDs of articles that begin alike: one of the two takes another.
    names = new_group_ids("story", pa.array(["z" * 20 + "1", "z" * 20 + "2"]), pa.array([], pa.string())).to_pylist()
    assert names[0] == "s" + "z" * 20
    assert len(set(names)) == 2


def carried(new: np.ndarray, old: np.ndarray, since: list[int]) -> list[tuple[int, int]]:
    return list(zip(*(side.tolist() for side in carry_over(new, old, np.array(since))), strict=True))


def test_an_id_goes_where_most_members_went() -> None:
    new, old = np.array([0, 0, 0, 1, 1]), np.array([0, 0, 1, 1, 1])
    assert carried(new, old, [1, 1]) == [(0, 0), (1, 1)]


def test_a_merge_keeps_the_older_id_whatever_the_sizes() -> None:
    new, old = np.array([0, 0, 0, 0]), np.array([0, 0, 0, 1])
    assert carried(new, old, [2, 1]) == [(0, 1)]
    assert carried(new, old, [1, 1]) == [(0, 0)]


@given(st.lists(st.tuples(st.integers(0, 5), st.integers(0, 5)), min_size=1), st.lists(st.integers(1, 3), min_size=6, max_size=6))
def test_an_unchanged_group_keeps_its_id_and_none_is_used_twice(groups: list[tuple[int, int]], since: list[int]) -> None:
    new, old = np.array([g[0] for g in groups]), np.array([g[1] for g in groups])
    matched = carried(new, old, since)
    assert len({n for n, _ in matched}) == len({o for _, o in matched}) == len(matched)
    for group in set(new.tolist()):
        sources = set(old[new == group].tolist())
        if len(sources) == 1 and set(new[old == next(iter(sources))].tolist()) == {group}:
            assert (group, next(iter(sources))) in matched


def previous(
    clusters: dict[str, str], id_map: pa.Table | None = None, since: dict[str, int] | None = None, generation: int = 1
) -> Previous:
    table = pa.table({"article_id": list(clusters), "cluster_id": list(clusters.values())})
    empty = ID_MAP.empty_table() if id_map is None else id_map
    schema = pa.schema([("id", pa.string()), ("since", pa.int32())])
    told = pa.table([list(since or {}), list((since or {}).values())], schema=schema)
    return Previous(table, {"cluster": told, "story": schema.empty_table()}, empty, generation)


def run(ids: list[str], canonical: list[int], before: Previous | None) -> tuple[dict[str, str], pa.Table, list[int]]:
    hubs, cluster = np.unique(np.array(canonical), return_inverse=True)
    lasting = lasting_ids("cluster", pa.chunked_array([ids]), cluster, hubs, before)
    return (
        {one: lasting.names[at].as_py() for one, at in zip(ids, cluster.tolist(), strict=True)},
        id_map_table([lasting.changes]),
        lasting.since.tolist(),
    )


def test_ids_last_and_the_map_says_what_became_of_each() -> None:
    before = previous({"a": "k", "b": "k", "c": "g", "d": "s", "e": "s", "x": "gone"}, since={"g": 1}, generation=4)
    # a and b unchanged; c grew by n; d and e split; m is new; x is gone.
    now, id_map, since = run(["a", "b", "c", "n", "d", "e", "m"], [0, 0, 2, 2, 4, 5, 6], before)
    assert now["a"] == now["b"] == "k"
    assert now["c"] == now["n"] == "g"
    assert sorted([now["d"] == "s", now["e"] == "s"]) == [False, True]
    assert now["m"] not in {"k", "g", "s", "gone"}
    assert {(row["old_id"], row["change"]) for row in id_map.to_pylist()} == {
        ("k", "kept"), ("g", "grew"), ("s", "split"), ("gone", "gone"), (None, "new"),
    }  # fmt: skip
    assert since == [1, 1, 1, 5, 5]


def test_a_retired_id_is_never_given_to_something_else() -> None:
    fresh, _, _ = run(["m"], [0], None)
    gone = fresh["m"]
    # First the cluster goes, then it is merged into another, then its article comes back.
    _, after_first, _ = run(["a"], [0], previous({"x": gone}))
    live = previous({"a": "ca"}, after_first, generation=2)
    _, after_second, _ = run(["a", "b"], [0, 1], live)
    now, third, _ = run(["m"], [0], previous({"a": "ca", "b": "cb"}, after_second, generation=3))
    assert now["m"] != gone
    assert (gone, "gone") in {(row["old_id"], row["change"]) for row in third.to_pylist()}


def test_a_merged_id_leaves_its_tombstone_for_good() -> None:
    now, id_map, _ = run(["a", "b"], [0, 0], previous({"a": "old", "b": "young"}, since={"old": 1, "young": 2}, generation=2))
    assert set(now.values()) == {"old"}
    _, later, _ = run(["a", "b"], [0, 0], previous({"a": "old", "b": "old"}, id_map, {"old": 1}, 3))
    assert ("young", "old", "merged") in {(row["old_id"], row["new_id"], row["change"]) for row in later.to_pylist()}
