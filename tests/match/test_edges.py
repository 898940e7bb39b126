import random

import numpy as np
import pyarrow as pa
import pytest

from dedupe.match.bands import choose_bands
from dedupe.match.candidates import LARGE_BUCKET
from dedupe.match.edges import Edges, exact_groups, expand_exact, find_edges
from dedupe.match.signatures import Signer, shingle_sets
from dedupe.match.verify import Verifier


def match(texts: list[str], threshold: float = 0.5, threads: int = 1) -> Edges:
    column = pa.array(texts, pa.string())
    bands = choose_bands(threshold, 0.995)
    signed = Signer(bands.num_perm)(column)
    rank = np.arange(len(texts))
    representative = exact_groups(signed.keys, rank)

    def texts_of(rows: np.ndarray) -> pa.Array:
        return column.take(pa.array(rows))

    verify = Verifier(texts_of, threads)
    found = find_edges(signed.signatures, representative, signed.n_tokens, rank, bands, threshold, verify, texts_of)
    return expand_exact(found.edges, representative, verify)


def plain_shingles(text: str) -> set[tuple[str, ...]]:
    words = text.lower().split()
    return {tuple(words[at : at + 3]) for at in range(max(1, len(words) - 2))}


def corpus(seed: int, articles: int = 60, words: int = 60) -> list[str]:
    """Random articles, with copies of some of them in which more and more words are changed."""
    rng = random.Random(seed)
    vocabulary = [f"w{n}" for n in range(3000)]
    texts = [" ".join(rng.choices(vocabulary, k=words)) for _ in range(articles)]
    for source in range(0, articles, 4):
        for changes in (0, 1, 3, 6, 12):
            copy = texts[source].split()
            for place in rng.sample(range(words), changes):
                copy[place] = rng.choice(vocabulary)
            texts.append(" ".join(copy))
    rng.shuffle(texts)
    return texts


@pytest.mark.parametrize("seed", range(4))
def test_edges_are_those_of_brute_force(seed: int) -> None:
    texts = corpus(seed)
    sets = [plain_shingles(text) for text in texts]
    expected = {}
    for a in range(len(texts)):
        for b in range(a + 1, len(texts)):
            jaccard = len(sets[a] & sets[b]) / len(sets[a] | sets[b])
            if jaccard >= 0.5:
                expected[a, b] = jaccard
    edges = match(texts)
    found = {(a, b): j for a, b, j in zip(edges.a.tolist(), edges.b.tolist(), edges.overlap.jaccard.tolist(), strict=True)}
    # Nothing that is no pair, every similarity exact; of the pairs at most the share that the bands may miss.
    assert found == pytest.approx({pair: expected[pair] for pair in found})
    assert len(found) >= 0.98 * len(expected) > 20


def test_threads_change_nothing() -> None:
    texts = corpus(7)
    one, three = match(texts, threads=1), match(texts, threads=3)
    assert all((left == right).all() for left, right in zip(one[:3], three[:3], strict=True))
    assert (one.overlap.shared == three.overlap.shared).all()


def test_exact_copies_have_edges_of_their_own_and_share_those_of_their_representative() -> None:
    base = " ".join(f"w{n}" for n in range(50))
    near = base.replace("w25", "other")
    edges = match([base, base.upper(), near, near + "!"])
    pairs = {(a, b): r for a, b, r in zip(edges.a.tolist(), edges.b.tolist(), edges.relation.tolist(), strict=True)}
    assert pairs == {(0, 1): 0, (2, 3): 0, (0, 2): 1, (0, 3): 1, (1, 2): 1, (1, 3): 1}
    assert edges.overlap.jaccard[edges.relation == 0].tolist() == [1.0, 1.0]


def test_short_articles_are_compared_and_empty_ones_never_merge() -> None:
    edges = match(["Goal!", "goal", "Update", "!!!", "???", "", "!!!"])
    assert {(a, b) for a, b in zip(edges.a.tolist(), edges.b.tolist(), strict=True)} == {(0, 1), (3, 6)}


@pytest.mark.parametrize(
    "text",
    [
        "北京市政府今天宣布将在明年春季开始建设一条新的地铁线路，全长约四十公里，预计三年内完工并投入使用。",
        "東京都は本日、来年の春から新しい地下鉄の路線の建設を始めると発表した。全長は約四十キロで、三年以内に完成する予定だ。",
        "กรุงเทพมหานครประกาศวันนี้ว่าจะเริ่มก่อสร้างรถไฟฟ้าสายใหม่ในฤดูใบไม้ผลิปีหน้า โดยมีระยะทางประมาณสี่สิบกิโลเมตร",
    ],
)
def test_scripts_without_spaces_match(text: str) -> None:
    other = "".join(reversed(text))
    edges = match([text, text[:-6], other])
    assert list(zip(edges.a.tolist(), edges.b.tolist(), strict=True)) == [(0, 1)]
    assert 0.5 <= edges.overlap.jaccard[0] < 1


def test_a_large_bucket_is_a_star_that_says_so_and_loses_nobody() -> None:
    rng = random.Random(3)
    base = [f"w{n}" for n in range(120)]
    texts = []
    for _ in range(LARGE_BUCKET + 40):
        copy = list(base)
        copy[rng.randrange(120)] = f"x{rng.randrange(10**6)}"
        texts.append(" ".join(copy))
    edges = match(texts)
    assert edges.star.any()
    joined = np.zeros(len(texts), bool)
    joined[edges.a] = joined[edges.b] = True
    assert joined.all()


def test_shingles_of_the_kernel_are_as_many_as_those_of_plain_python() -> None:
    for text in corpus(1, articles=5):
        assert len(shingle_sets(pa.array([text]))[0]) == len(plain_shingles(text))
