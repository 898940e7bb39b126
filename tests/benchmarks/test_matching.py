from itertools import pairwise

import numpy as np
import pytest

from benchmarks.corpus import jaccard, word_shingles
from benchmarks.matching import LOWEST, Generator, Result, Truth, figure, generate, judge, render, true_pairs


@pytest.fixture(scope="module")
def truth() -> Truth:
    pytest.importorskip("wordfreq")
    return generate(seed=1, others=50, scale=0.2)


def perfect(truth: Truth, threshold: float) -> Result:
    edges = {pair: ("near", exact) for pair, exact in truth.pairs.items() if exact >= threshold}
    return Result(edges, [(name, name, "canonical", 1.0) for name in truth.texts], 0, 0.0)


def test_pairs_spread_over_all_similarities(truth: Truth) -> None:
    steps = np.histogram(list(truth.pairs.values()), np.append(np.arange(LOWEST, 0.99, 0.05), 1.001))[0]
    assert steps.sum() > 5000
    assert steps.min() > 50
    assert min(truth.pairs.values()) >= LOWEST


def test_truth_is_the_exact_jaccard_of_the_texts(truth: Truth) -> None:
    for one, two in list(truth.pairs)[::500]:
        assert one < two
        assert truth.pairs[one, two] == jaccard(word_shingles(truth.texts[one]), word_shingles(truth.texts[two]))


def test_clusters_share_nothing_with_one_another(truth: Truth) -> None:
    heads = [name for name in truth.texts if name.endswith("-0") or name.startswith("o")][:120]
    assert not true_pairs({name: truth.texts[name] for name in heads}, lowest=0.1)


def test_generation_repeats_itself(truth: Truth) -> None:
    again = generate(seed=1, others=50, scale=0.2)
    assert list(again.texts.items()) == list(truth.texts.items())
    assert again.pairs == truth.pairs


def test_copies_come_near_the_similarity_asked_for() -> None:
    pytest.importorskip("wordfreq")
    maker = Generator(4)
    for target in (0.4, 0.6, 0.9):
        original = maker.article()
        copies = [word_shingles(render(maker.copy(original, target))) for _ in range(12)]
        found = [jaccard(one, two) for one, two in pairwise(copies)]
        assert np.mean(found) == pytest.approx(target, abs=0.12)


def test_a_perfect_run_is_judged_perfect(truth: Truth) -> None:
    figures = judge(truth, perfect(truth, 0.5), 0.5)
    assert figures["recall"] == figures["recall_even"] == figures["recall_close"] == 1
    assert figures["below"] == figures["members_below"] == figures["worst_error"] == 0


def test_faults_of_a_run_are_seen(truth: Truth) -> None:
    result = perfect(truth, 0.5)
    close = [pair for pair, exact in truth.pairs.items() if 0.5 <= exact <= 0.55]
    for pair in close[::2]:
        del result.edges[pair]
    low = next(pair for pair, exact in truth.pairs.items() if exact < 0.45)
    result.edges[low] = ("near", 0.9)
    result.canonicals.append((*low, "near", 0.9))
    figures = judge(truth, result, 0.5)
    assert figures["recall_close"] == pytest.approx(0.5, abs=0.01)
    assert figures["recall_even"] < figures["recall_close"] + 0.5
    assert figures["recall"] < 1
    assert figures["below"] == figures["members_below"] == 1
    assert figures["worst_error"] > 0.4


def test_contained_articles_stand_on_other_ground(truth: Truth) -> None:
    result = perfect(truth, 0.5)
    low = next(pair for pair, exact in truth.pairs.items() if exact < 0.45)
    result.edges[low] = ("contained", truth.pairs[low])
    assert judge(truth, result, 0.5)["below"] == 0


def test_figures_are_found_wherever_they_stand() -> None:
    assert figure({"matching": {"pairs": "many", "candidates": 7}}, "candidates") == 7
    assert figure({"matching": [1]}, "candidates") is None
