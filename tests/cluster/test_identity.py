import numpy as np
import pyarrow as pa
import pytest

from dedupe.cluster.identity import canonical_url, carry_over, identify, new_cluster_id, number_equals
from dedupe.cluster.lasting import Previous, cluster_ids
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
    first = new_cluster_id("x", set())
    assert new_cluster_id("x", {first}) != first


def test_carry_over_prefers_the_largest_overlap() -> None:
    new, old = np.array([0, 0, 0, 1, 1]), np.array([5, 5, 6, 6, 6])
    assert carry_over(new, old) == [(0, 5, 2), (1, 6, 2)]


def previous(clusters: dict[str, str]) -> Previous:
    table = pa.table({"article_id": list(clusters), "cluster_id": list(clusters.values())})
    return Previous(table, ID_MAP.empty_table())


def test_ids_last_and_the_map_says_what_became_of_each() -> None:
    before = previous({"a": "k", "b": "k", "c": "g", "d": "s", "e": "s", "x": "gone"})
    ids = pa.chunked_array([["a", "b", "c", "n", "d", "e", "m"]])
    # a+b unchanged; c grew by n; d and e split; m is new; x is gone.
    canonical = np.array([0, 0, 2, 2, 4, 5, 6])
    names, cluster, id_map = cluster_ids(ids, canonical, before)
    now = dict(zip(ids.to_pylist(), names.take(pa.array(cluster)).to_pylist(), strict=True))
    assert now["a"] == now["b"] == "k"
    assert now["c"] == now["n"] == "g"
    assert sorted([now["d"] == "s", now["e"] == "s"]) == [False, True]
    assert now["m"] not in {"k", "g", "s", "gone"}
    changes = {(row["old_id"], row["change"]) for row in id_map.to_pylist()}
    assert changes == {("k", "kept"), ("g", "grew"), ("s", "split"), ("gone", "gone"), (None, "new")}


def test_a_gone_id_stays_a_tombstone() -> None:
    before = previous({"x": new_cluster_id("m", set())})
    _, _, id_map = cluster_ids(pa.chunked_array([["a"]]), np.array([0]), before)
    second = Previous(pa.table({"article_id": ["a"], "cluster_id": ["ca"]}), id_map)
    names, _, later = cluster_ids(pa.chunked_array([["m"]]), np.array([0]), second)
    assert names[0].as_py() != before.articles["cluster_id"][0].as_py()
    assert "gone" in {row["change"] for row in later.to_pylist() if row["old_id"] == before.articles["cluster_id"][0].as_py()}
