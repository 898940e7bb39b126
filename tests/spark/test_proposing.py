import random
from collections import Counter
from itertools import combinations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest

from dedupe.match.bands import Bands, choose_bands
from dedupe.match.candidates import find_candidates, least_agreement
from dedupe.match.containment import MOST_AKIN, least_shared, propose_contained
from dedupe.match.signatures import Signed, Signer
from dedupe.spark import proposing
from dedupe.spark.proposing import CAPPED, LARGE, PAIR, BandRows, BucketPairs, EnoughShared, PostingPairs, PostingRows


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
    batch = told("postings", signed, monkeypatch, (compared, rank))
    by_rank, sizes = np.argsort(rank), np.diff(signed.sketches.offsets)
    for at_once in (1 << 18, 100):
        monkeypatch.setattr(proposing, "_PAIRS_AT_ONCE", at_once)
        ordered = sorted_batches(list(PostingRows()(iter([batch]))), ["hash", "at"])
        shared = pa.Table.from_batches(PostingPairs()(iter(ordered)))
        summed = shared.group_by("pair").aggregate([("below", "sum"), ("above", "sum")]).rename_columns(shared.column_names)
        looked_at = summed.filter(proposing.may_be_enough(pc.field("pair"), pc.field("below")))
        assert looked_at.num_rows < summed.num_rows
        judge = EnoughShared(sizes[by_rank])
        found = pa.Table.from_batches(judge(iter(looked_at.combine_chunks().to_batches()))).to_pylist()
        # What is left out by its one shared hash comes to nothing.
        assert sum(map(len, judge(iter(summed.combine_chunks().to_batches())))) == len(found)
        assert [row["shared"] for row in found if row["row"] == CAPPED] == [expected.capped]
        real = [row for row in found if row["row"] != CAPPED]
        pairs = sorted((by_rank[row["row"]], by_rank[row["other"]]) for row in real if row["contained"])
        assert pairs == list(zip(expected.small.tolist(), expected.large.tolist(), strict=True))
        akin: dict[int, list[tuple[int, int]]] = {}
        for row in real:
            if row["akin"]:
                akin.setdefault(row["row"], []).append((-row["shared"], row["other"]))
        nearest = {(by_rank[one], by_rank[other]) for one, met in akin.items() for _, other in sorted(met)[:MOST_AKIN]}
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


def test_one_shared_hash_is_enough_for_an_article_that_has_no_more() -> None:
    single, enough = least_shared(1), least_shared(60)
    assert single == 1
    posting = {"hash": [1, 1, 1], "at": [0 << 1, 1 << 1, 2 << 1 | 1]}
    met = pa.Table.from_batches(PostingPairs()(iter([pa.RecordBatch.from_pydict(posting, schema=proposing.POSTINGS)])))
    kept = met.filter(proposing.may_be_enough(pc.field("pair"), pc.field("below")))
    assert kept.num_rows == 3  # two pairs with the article of one hash, and the count of long lists
    found = pa.Table.from_batches(EnoughShared(np.array([60, 900, 1]))(iter(kept.to_batches()))).to_pylist()
    assert [(row["row"], row["other"]) for row in found if row["contained"]] == [(2, 0), (2, 1), (CAPPED, CAPPED)]
    for shared, told in ((enough, [(0, 1)]), (enough - 1, [])):
        batch = pa.RecordBatch.from_pydict({"pair": [1], "below": [shared], "above": [shared]}, schema=proposing.SHARED)
        rows = pa.Table.from_batches(EnoughShared(np.array([60, 900]))(iter([batch]))).to_pylist()
        assert [(row["row"], row["other"]) for row in rows if row["contained"]] == told
