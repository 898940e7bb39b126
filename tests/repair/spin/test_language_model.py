from __future__ import annotations

import gzip
import math
from pathlib import Path

import numpy as np
import pytest

from dedupe.errors import UsageError
from dedupe.repair.spin import kernel
from dedupe.repair.spin.language_model import ArpaModel, SphinxModel, Tables
from dedupe.repair.spin.vocabulary import Vocabulary

ARPA = """\\data\\
ngram 1=5
ngram 2=3
ngram 3=1

\\1-grams:
-1.0\t<s>\t-0.5
-1.2\t</s>
-0.8\tthe\t-0.3
-2.0\tcat\t-0.2
-2.5\tsat\t-0.1

\\2-grams:
-0.4\t<s> the\t-0.05
-0.9\tthe cat\t-0.15
-1.1\tcat sat\t0

\\3-grams:
-0.2\tthe cat sat

\\end\\
"""


def score(tables: Tables, words: list[str], *sequence: str) -> float:
    """Log-probability of the last word, base 10, by the kernel."""
    earlier, before, word = (words.index(w) for w in sequence)
    out = np.zeros(1)
    context = np.array([[earlier, before, -1, -1]])
    kernel.rescore(np.zeros(1, np.int64), context, np.array([0, 1]), np.array([word]), *tables, out)
    return float(out[0]) / math.log(10)


@pytest.fixture
def arpa(tmp_path: Path) -> Path:
    path = tmp_path / "small.arpa"
    path.write_text(ARPA)
    return path


def test_an_arpa_file_scores_as_its_lines_say(arpa: Path) -> None:
    model = ArpaModel(arpa)
    tables, words = model.tables(), model.words()
    assert score(tables, words, "the", "cat", "sat") == pytest.approx(-0.2, abs=1e-5)
    # no such trigram: the bigram and the back-off weight of its history, here 0 for want of "<s> cat"
    assert score(tables, words, "<s>", "cat", "sat") == pytest.approx(-1.1, abs=1e-5)
    assert score(tables, words, "<s>", "the", "cat") == pytest.approx(-0.9 - 0.05, abs=1e-5)
    # no such bigram either
    assert score(tables, words, "<s>", "the", "sat") == pytest.approx(-2.5 - 0.3 - 0.05, abs=1e-5)


def test_a_gzipped_arpa_file_is_the_same_model(arpa: Path, tmp_path: Path) -> None:
    packed = tmp_path / "small.arpa.gz"
    packed.write_bytes(gzip.compress(arpa.read_bytes()))
    for one, other in zip(ArpaModel(arpa).tables(), ArpaModel(packed).tables(), strict=True):
        np.testing.assert_array_equal(one, other)


def test_a_file_of_another_kind_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "notes.txt"
    path.write_text("nothing of the kind\n")
    with pytest.raises(UsageError, match="1-grams"):
        ArpaModel(path).tables()
    path.write_bytes(b"\0" * 100)
    with pytest.raises(UsageError, match="Sphinx"):
        SphinxModel(path).tables()


def test_the_model_that_ships_scores_as_its_own_library_does() -> None:
    pocketsphinx = pytest.importorskip("pocketsphinx")
    model = SphinxModel()
    library = pocketsphinx.NGramModel.readfile(str(model.path))
    tables, words = model.tables(), model.words()
    text = [
        "the",
        "president",
        "said",
        "that",
        "people",
        "familiar",
        "with",
        "the",
        "matter",
        "met",
        "in",
        "the",
        "white",
        "house",
        "next",
        "month",
    ]
    for sequence in zip(text, text[1:], text[2:], strict=False):
        theirs = library.prob(list(reversed(sequence))) * math.log(1.0001) / math.log(10)
        assert score(tables, words, *sequence) == pytest.approx(theirs, abs=1e-3)


def test_words_that_the_model_lacks_are_split_or_weighed(arpa: Path) -> None:
    vocabulary = Vocabulary(ArpaModel(arpa))
    the, cat = vocabulary.of("the"), vocabulary.of("cat")
    assert vocabulary.of("cat's") == cat  # no 's in this model
    assert vocabulary.of("the-cat") == the + cat
    assert vocabulary.of("zyzzyva") == vocabulary.of("qwertz")
    vocabulary.learn(["dog"])
    assert vocabulary.of("dog") != vocabulary.of("zyzzyva")
    assert vocabulary.unigram(vocabulary.of("dog")) > vocabulary.unigram(vocabulary.of("zyzzyva"))
