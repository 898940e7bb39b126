import random

import numpy as np
import pyarrow as pa
import pytest

from dedupe.match import containment
from dedupe.match.containment import BOUND, LONGEST_POSTING, SCALE, Proposed, Sketches, join_sketches, propose_contained
from dedupe.match.signatures import Signer, shingle_sets

WORDS = [f"w{number}" for number in range(20_000)]


def text(rng: random.Random, count: int) -> list[str]:
    return rng.choices(WORDS, k=count)


def propose(texts: list[str]) -> Proposed:
    rows = np.arange(len(texts))
    return propose_contained(Signer(1)(pa.array(texts, pa.string())).sketches, rows, rows)


def test_a_sketch_is_the_low_hashes_of_the_shingle_set() -> None:
    rng = random.Random(1)
    column = pa.array([" ".join(text(rng, count)) for count in (0, 1, 2, 3, 500, 5000)] + ["same " * 500, ""])
    sketches = Signer(1)(column).sketches
    shingles, offsets = shingle_sets(column)
    for row in range(len(column)):
        whole = shingles[offsets[row] : offsets[row + 1]]
        kept = sketches.hashes[sketches.offsets[row] : sketches.offsets[row + 1]]
        assert kept.tolist() == whole[whole < BOUND].tolist()


def test_batches_joined_are_the_sketch_of_the_whole() -> None:
    rng = random.Random(2)
    column = pa.array([" ".join(text(rng, 300)) for _ in range(40)])
    parts = [Signer(1)(part).sketches for part in (column[:7], column[7:7], column[7:])]
    joined, whole = join_sketches(parts), Signer(1)(column).sketches
    assert joined.hashes.tolist() == whole.hashes.tolist()
    assert joined.offsets.tolist() == whole.offsets.tolist()
    assert join_sketches([]).offsets.tolist() == [0]


@pytest.mark.parametrize("words", [100, 150, 400])
def test_an_abridged_copy_of_a_hundred_words_is_found_in_a_text_of_five_thousand(words: int) -> None:
    rng = random.Random(words)
    texts, wanted = [], []
    for number in range(300):
        long = text(rng, 5000 if number % 2 else 1200)
        start = rng.choice([0, 0, rng.randrange(len(long) - words)])
        wanted.append((len(texts), len(texts) + 1))
        texts += [" ".join(long[start : start + words]), " ".join(long)]
    texts += [" ".join(text(rng, 300)) for _ in range(500)]
    proposed = propose(texts)
    found = set(zip(proposed.small.tolist(), proposed.large.tolist(), strict=True))
    assert sum(pair in found for pair in wanted) >= 0.97 * len(wanted)
    # What has nothing in common is not proposed, so that verification costs little.
    assert len(found) <= 1.02 * len(wanted)


def test_an_article_inside_many_others_is_proposed_with_each() -> None:
    rng = random.Random(4)
    small = text(rng, 200)
    texts = [" ".join(small)] + [" ".join(text(rng, 100) + small + text(rng, 100)) for _ in range(20)]
    assert (propose(texts).small == 0).sum() == 20


def test_a_phrase_of_every_page_is_capped_reported_and_hides_no_copy() -> None:
    rng = random.Random(5)
    residue = text(rng, 150)
    texts = [" ".join(text(rng, 200) + residue) for _ in range(3 * LONGEST_POSTING)]
    story = text(rng, 800)
    texts += [" ".join(story + residue), " ".join(story[:250])]
    proposed = propose(texts)
    assert proposed.capped > 0
    assert proposed.skipped > 0
    pairs = set(zip(proposed.small.tolist(), proposed.large.tolist(), strict=True))
    assert (len(texts) - 1, len(texts) - 2) in pairs


def test_the_cap_keeps_the_preferred_copies_of_a_large_cluster() -> None:
    rng = random.Random(6)
    story = text(rng, 600)
    texts = []
    for _ in range(3 * LONGEST_POSTING):
        copy = list(story)
        copy[rng.randrange(600)] = "changed"
        texts.append(" ".join(copy))
    texts.append(" ".join(story[:200]))
    proposed = propose(texts)
    large = proposed.large[proposed.small == len(texts) - 1]
    # The most preferred article is among them: clusters gather around it.
    assert 0 in large.tolist()


def test_order_of_the_articles_changes_nothing_but_the_numbers() -> None:
    rng = random.Random(7)
    texts = []
    for _ in range(60):
        long = text(rng, 700)
        texts += [" ".join(long), " ".join(long[:200])]
    order = list(range(len(texts)))
    rng.shuffle(order)
    proposed = propose(texts)
    rank = np.array(order)
    turned = propose_contained(Signer(1)(pa.array([texts[at] for at in order])).sketches, np.arange(len(texts)), rank)
    back = {(order[small], order[large]) for small, large in zip(turned.small.tolist(), turned.large.tolist(), strict=True)}
    assert back == set(zip(proposed.small.tolist(), proposed.large.tolist(), strict=True))


def test_only_the_rows_asked_for_are_compared_and_none_is_no_trouble() -> None:
    rng = random.Random(8)
    long = text(rng, 500)
    column = pa.array([" ".join(long), " ".join(long[:200]), " ".join(long[:250]), "", "two words"])
    sketches, rank = Signer(1)(column).sketches, np.arange(5)
    proposed = propose_contained(sketches, np.array([1, 0]), rank)
    assert (proposed.small.tolist(), proposed.large.tolist()) == ([1], [0])
    assert len(propose_contained(sketches, np.empty(0, np.int64), rank).small) == 0
    assert len(propose_contained(sketches, np.array([3, 4]), rank).small) == 0


def test_room_for_pairs_grows(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = random.Random(9)
    base = text(rng, 400)
    texts = [" ".join(base[: 300 + number]) for number in range(60)]
    monkeypatch.setattr(containment, "LONGEST_POSTING", 1000)
    assert len(propose(texts).small) > 1024


@pytest.mark.parametrize("fresh", [0, 300])
def test_threads_change_nothing(fresh: int) -> None:
    chance = np.random.default_rng(8)
    phrases = [np.unique(chance.integers(0, 2**64 // SCALE, 40, dtype=np.uint64)) for _ in range(4)]
    sketches = [np.sort(chance.permutation(phrases[chance.integers(4)])[: chance.integers(1, 40)]) for _ in range(400)]
    offsets = np.cumsum([0, *map(len, sketches)])
    given, rank = Sketches(np.concatenate(sketches), offsets), chance.permutation(400)
    one, *others = (propose_contained(given, np.arange(400), rank, fresh, threads) for threads in (1, 2, 3, 50))
    assert min(len(one.small), len(one.akin[0])) > 100
    assert fresh or one.skipped > 100
    for other in others:
        assert (other.small.tolist(), other.large.tolist()) == (one.small.tolist(), one.large.tolist())
        assert (other.capped, other.skipped) == (one.capped, one.skipped)
        assert [side.tolist() for side in other.akin] == [side.tolist() for side in one.akin]
