import random
from collections import Counter
from itertools import combinations

import numpy as np
import pyarrow as pa
import pytest

from dedupe.match.bands import Bands, choose_bands
from dedupe.match.candidates import find_candidates, least_agreement
from dedupe.match.containment import MOST_AKIN, least_shared, propose_contained
from dedupe.match.signatures import Signed, Signer
from dedupe.spark import proposing
from dedupe.spark.proposing import LARGE, PAIR, BandRows, BucketPairs, EnoughShared, PostingPairs, PostingRows


@pytest.fixture(scope="module")
def column() -> pa.Array:
    rng = random.Random(7)
    words = [f"w{n}" for n in range(400)]
    base = [[rng.choice(words) for _ in range(80)] for _ in range(60)]
    texts = [*base, *([*text[:60], *rng.sample(words, 10)] for text in base), *(text[:40] for text in base[:20])]
    farm = [rng.choice(words) for _ in range(90)]
    texts += [[*farm, *rng.sample(words, 2)] for _ in range(90)]
    return pa.array([" ".join(text) for text in texts])


def told(name: str, signed: Signed, monkeypatch: pytest.MonkeyPatch, extra: object) -> pa.RecordBatch:
    monkeypatch.setattr(proposing, "signed_of", lambda _: signed)
    monkeypatch.setattr(proposing.pickle, "loads", lambda _: extra)
    return pa.record_batch({"signed": [b""], "extra": [b""]})


def sorted_batches(batches: list[pa.RecordBatch], keys: list[str]) -> list[pa.RecordBatch]:
    table = pa.Table.from_batches(batches).sort_by([(key, "ascending") for key in keys]).combine_chunks()
    return table.to_batches(max_chunksize=37)


def test_links_hold_every_candidate_of_the_local_engine(column: pa.Array, monkeypatch: pytest.MonkeyPatch) -> None:
    bands = choose_bands(0.5, 0.995)
    signed, rows = Signer(bands.num_perm)(column), np.arange(len(column))
    batch = told("bands", signed, monkeypatch, (0, np.ones(len(column), bool)))
    ordered = sorted_batches(list(BandRows(bands)(iter([batch]))), ["key", "row"])
    links = pa.Table.from_batches(BucketPairs(bands, least_agreement(0.5, bands.num_perm))(iter(ordered))).to_pylist()
    expected = find_candidates(signed.signatures, rows, bands, 0.5)
    pairs = {(row["a"], row["b"]) for row in links if row["kind"] == PAIR}
    local = set(zip(expected.a.tolist(), expected.b.tolist(), strict=True))
    assert local <= pairs
    # Four bits of a value agree by chance once in sixteen: little more comes out.
    assert len(pairs) < 1.1 * len(local) + 5
    assert expected.large
    large = Counter(row["a"] for row in links if row["kind"] == LARGE)
    assert {int(rows[0]) for rows in expected.large} == set(large)
    assert [row["a"] for row in links if row["kind"] == proposing.LOOKED_AT] == [expected.raw]


def test_contained_pairs_are_those_of_the_local_engine(column: pa.Array, monkeypatch: pytest.MonkeyPatch) -> None:
    signed = Signer(8)(column)
    rank = np.random.default_rng(1).permutation(len(column))
    compared = np.ones(len(column), bool)
    compared[3] = False
    expected = propose_contained(signed.sketches, np.flatnonzero(compared), rank)
    assert expected.capped
    batch = told("postings", signed, monkeypatch, (0, compared, rank))
    for at_once in (1 << 18, 100):
        monkeypatch.setattr(proposing, "_PAIRS_AT_ONCE", at_once)
        ordered = sorted_batches(list(PostingRows()(iter([batch]))), ["hash", "rank"])
        shared = pa.Table.from_batches(PostingPairs()(iter(ordered)))
        names = [name for name in shared.column_names if name != "shared"]
        summed = shared.group_by(names).aggregate([("shared", "sum")]).rename_columns(shared.column_names)
        found = pa.Table.from_batches(EnoughShared(rank)(iter(summed.to_batches()))).to_pylist()
        pairs = sorted((row["row"], row["other"]) for row in found if row["contained"] and row["row"] >= 0)
        assert pairs == list(zip(expected.small.tolist(), expected.large.tolist(), strict=True))
        assert [row["shared"] for row in found if row["row"] < 0] == [expected.capped]
        akin: dict[int, list[tuple[int, int, int]]] = {}
        for row in found:
            if row["akin"]:
                akin.setdefault(row["row"], []).append((-row["shared"], row["other_rank"], row["other"]))
        nearest = {(one, other) for one, met in akin.items() for _, _, other in sorted(met)[:MOST_AKIN]}
        both = sorted({(min(pair), max(pair)) for pair in nearest})
        assert both == list(zip(*(side.tolist() for side in expected.akin), strict=True))
        assert both


def test_a_digest_never_loses_an_agreement() -> None:
    rng = np.random.default_rng(2)
    for num_perm in (5, 16, 126):
        signatures = rng.integers(0, 2**32, (20, num_perm), np.uint32)
        signatures[1::2, ::2] = signatures[::2, ::2]
        digests = proposing._digests(signatures).view(np.int64)
        for least in (1, num_perm // 2):
            judge = BucketPairs(Bands(num_perm, 1), least)
            a, b = np.array(list(combinations(range(20), 2))).T
            alike = judge._alike(digests, a, b)
            same = (signatures[a] == signatures[b]).sum(axis=1) >= least
            assert alike[same].all()
            assert num_perm < 126 or least == 1 or alike.sum() == same.sum()


def test_least_shared_is_asked_for_each_size() -> None:
    enough, few = least_shared(60), least_shared(60) - 1
    columns = {"row": [1, 2, -1], "other": [2, 3, -1], "size": [60, 60, 0], "other_size": [900, 900, 0], "other_rank": [2, 3, 0]}
    batch = pa.RecordBatch.from_pydict(columns | {"shared": [enough, few, 0]}, schema=proposing.SHARED)
    (kept,) = EnoughShared(np.arange(4))(iter([batch]))
    assert kept["row"].to_pylist() == [1, -1]
    assert kept["akin"].to_pylist() == [False, False]
