"""Estimate the gate's weights: how much more often each phrase of the lexicon stands in spun than in honest text."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pyarrow as pa
from numba import njit
from numpy.typing import NDArray

from dedupe.repair.spin.lexicon import Pair, fold
from dedupe.repair.spin.phrase_index import PhraseIndex, build_index, longest_phrase
from dedupe.repair.spin.table import phrase_scores
from dedupe.repair.spin.vocabulary import Vocabulary
from dedupe.tokens import tokenize

# A real spinner's dictionary is not ours: it is taken to spin as ours would with this probability, and to leave a phrase else.
_ALIKE = 0.6
# Added to both rates (per million tokens), so that a phrase met a few times says little.
_PRIOR = 1.0
# Newspapers are not all there is: what is frequent in English at large says less than its rarity in newspapers would have it.
# Without this, 10 of 86 honest web pages of other kinds passed.
_GENERAL = 0.25
# No phrase alone decides.
_CAP = 2.5
# Weights below this are noise. Leaving out more costs margin: with 0.5 for phrases of several words two honest articles passed.
_LEAST = 0.15

# What each token of a text takes off, so that a long honest text on an odd subject does not add up to a spun one; and what a
# text must reach. Of 3,000 newspaper articles that were not counted none passes (highest 1.9),
# of 86 web pages of other kinds none (2.4); real spun articles, of 68 words and more, score 6 to 37.
PER_TOKEN = 0.02
THRESHOLD = 4.0


@njit(cache=True, nogil=True)
def _count(hashes, offsets, first, second, longer, counts):  # type: ignore[no-untyped-def]
    for row in range(len(offsets) - 1):
        at = offsets[row]
        while at < offsets[row + 1]:
            phrase, length = longest_phrase(hashes, at, offsets[row + 1], first, second, longer)
            if phrase >= 0:
                counts[phrase] += 1
            at += length


def _rates(texts: Sequence[str], index: PhraseIndex, phrases: int) -> NDArray[np.float64]:
    tokens = tokenize(pa.array(list(texts), pa.string()))
    counts = np.zeros(phrases)
    _count(tokens.hashes, tokens.offsets, *index, counts)
    return counts / max(1, len(tokens.hashes)) * 1e6


def gate_weights(
    honest: Sequence[str], spun: Sequence[str], pairs: Sequence[Pair], vocabulary: Vocabulary
) -> list[tuple[str, float]]:
    """Return the phrases that tell spun from honest text, each with its log-likelihood ratio in nats, sorted by phrase.

    `spun` are copies made by `spinner.spin` with the same lexicon. Counts are of the longest phrase at each place, as the gate
    reads. A phrase's weight is log((s + prior) / (h + prior)), where h is its rate in honest text, s a mixture of the two
    rates, and the prior grows with the phrase's rate in English at large.
    """
    phrases = sorted({fold(text) for pair in pairs for text in (pair.original, pair.variant)})
    index = build_index(phrases)
    plain, made = _rates(honest, index, len(phrases)), _rates(spun, index, len(phrases))
    mixed = _ALIKE * made + (1 - _ALIKE) * plain
    prior = _PRIOR + _GENERAL * _general_rates(phrases, vocabulary)
    weights = np.clip(np.log((mixed + prior) / (plain + prior)), -_CAP, _CAP).round(2)
    # A phrase without weight stays where a shorter one with weight begins it: it keeps that one from being counted.
    heavy = {phrase for phrase, weight in zip(phrases, weights, strict=True) if abs(weight) >= _LEAST}
    firsts = {phrase.split(" ")[0] for phrase in heavy}
    met = plain + made > 1
    return [
        (phrase, float(weight) if phrase in heavy else 0.0)
        for phrase, weight, seen in zip(phrases, weights, met, strict=True)
        if phrase in heavy or (seen and " " in phrase and phrase.split(" ")[0] in firsts and _masks(phrase, heavy))
    ]


def _general_rates(phrases: Sequence[str], vocabulary: Vocabulary) -> NDArray[np.float64]:
    from wordfreq import word_frequency

    words = [tuple(phrase.split(" ")) for phrase in phrases]
    rates = np.exp(np.array(phrase_scores(words, vocabulary))) * 1e6
    single = [word_frequency(phrase[0], "en") * 1e6 if len(phrase) == 1 else 0.0 for phrase in words]
    return np.maximum(np.where([len(phrase) > 1 for phrase in words], rates, 0.0), single)


def _masks(phrase: str, heavy: set[str]) -> bool:
    words = phrase.split(" ")
    return any(" ".join(words[:size]) in heavy for size in range(1, len(words)))
