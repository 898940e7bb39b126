"""The decoder: of all readings of a spun text, the one that a noisy channel and a language model together find most probable."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from importlib import resources
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from dedupe.repair.spin import kernel
from dedupe.repair.spin.sites import AGREEMENT, TEXT_FEATURES, Sites, find_sites
from dedupe.repair.spin.table import FEATURE, PAIR_FEATURES, PhraseTable
from dedupe.repair.spin.words import Word, read_words

WEIGHT_NAMES = ("context", *PAIR_FEATURES, *TEXT_FEATURES)
_BIAS = WEIGHT_NAMES.index("bias")

# Beyond this a gain in log-probability says no more about a reading; agreement is an average of such gains.
_AGREEMENT_LIMIT = 12.0

# A reading below this would need a gain in context that 1 in 1,000 has; it is half of all readings, and of the time they take.
_LEAST_BIAS = -6.0


def read_weights(language: str = "en") -> NDArray[np.float64]:
    """Read the weights of a language's decoder, in the order of WEIGHT_NAMES."""
    stored = json.loads((resources.files("dedupe") / "lexicon" / language / "decoder.json").read_text(encoding="utf-8"))
    return np.array([stored["weights"][name] for name in WEIGHT_NAMES])


class Choice(NamedTuple):
    """Say that words `start:end` stand for `pair`; `gain` is what the context gains (nats), `confidence` its share there."""

    start: int
    end: int
    pair: int
    possessive: bool
    gain: float
    confidence: float


@dataclass
class Reading:
    """Hold one text while it is decoded: its words and sites, and, once decoded, what each reading gains in its context."""

    words: list[Word]
    sites: Sites
    numbers: list[tuple[int, ...]]
    """of each reading"""
    kept: list[tuple[int, ...]]
    """of each word as it stands"""
    gains: NDArray[np.float64]
    taken: list[int]
    """the readings on the best path, in order"""


class Decoder:
    """Read spun text back. One object serves one process; it holds nothing of a text once done with it.

    The score of a reading is `context` times the language model's log-probability plus a weighted sum of the features of its pair
    and place: a log-linear noisy channel. Leaving a word alone scores 0 beside the language model. The weights are trained
    on spun text with its truth, each site against its alternatives (see the page on de-spinning). `caution` is taken off every
    edit's score: higher makes fewer edits.
    """

    def __init__(self, table: PhraseTable, weights: NDArray[np.float64], caution: float = 0.0) -> None:
        self.table = table
        self.set_weights(weights, caution)
        self._numbers: dict[tuple[int, bool], tuple[int, ...]] = {}

    def set_weights(self, weights: NDArray[np.float64], caution: float = 0.0) -> None:
        """Take other weights, for training and for curves."""
        self.weights = weights.copy()
        self.weights[_BIAS] -= caution
        pair_weights = self.weights[1 : 1 + len(PAIR_FEATURES)].astype(np.float32)
        self._pair_bias = (self.table.features @ pair_weights).astype(np.float64)
        self._text_weights = self.weights[1 + len(PAIR_FEATURES) :]

    def read(self, text: str) -> Reading:
        """Find words and sites of a text."""
        words = read_words(text)
        sites = _hopeful(find_sites(words, text, self.table), self._pair_bias)
        of = self.table.vocabulary.of
        numbers = [
            self._reading_numbers(pair, bool(sites.possessive[site])) for pair, site in zip(sites.pair, sites.site, strict=True)
        ]
        return Reading(words, sites, numbers, [of(word.folded) for word in words], np.zeros(len(numbers)), [])

    def decode(self, reading: Reading) -> list[Choice]:
        """Return the edits of the best reading, in order of place: decoded twice, then with agreement over the text."""
        self._search(reading)
        self._agree(reading)
        self._search(reading)
        scores = self.scores(reading)
        choices = []
        for taken in reading.taken:
            site = reading.sites.site[taken]
            rivals = scores[reading.sites.row[site] : reading.sites.row[site + 1]]
            top = max(0.0, float(rivals.max()))
            share = np.exp(scores[taken] - top) / (np.exp(-top) + np.exp(rivals - top).sum())
            sites = reading.sites
            choices.append(
                Choice(
                    int(sites.start[site]), int(sites.end[site]), int(sites.pair[taken]), bool(sites.possessive[site]),
                    float(reading.gains[taken]), float(share),
                )
            )  # fmt: skip
        return choices

    def seen(self, pair: int) -> bool:
        """Tell whether a pair was met in real spun text."""
        return bool(self.table.features[pair, FEATURE["seen"]])

    def scores(self, reading: Reading) -> NDArray[np.float64]:
        """Return the log-odds of each reading against leaving its words alone, between the neighbours it has on the best path."""
        scores: NDArray[np.float64] = reading.gains * max(self.weights[0], 0.05) + self.bias(reading)
        return scores

    def sureness(self, reading: Reading) -> float:
        """Return how much better a decoded text reads than as it stands, in nats a word."""
        return float(self.scores(reading)[reading.taken].sum()) / max(1, len(reading.words))

    def bias(self, reading: Reading) -> NDArray[np.float64]:
        """Return what each reading scores beside the language model."""
        bias: NDArray[np.float64] = self._pair_bias[reading.sites.pair] + reading.sites.text_features @ self._text_weights
        return bias

    def features(self, reading: Reading) -> NDArray[np.float64]:
        """Return the features of each reading, in the order of WEIGHT_NAMES, for training."""
        pairs = self.table.features[reading.sites.pair]
        return np.concatenate([reading.gains[:, None], pairs, reading.sites.text_features], axis=1).astype(np.float64)

    def _reading_numbers(self, pair: int, possessive: bool) -> tuple[int, ...]:
        key = (int(pair), possessive)
        numbers = self._numbers.get(key)
        if numbers is None:
            of, words = self.table.vocabulary.of, self.table.folded[pair].split(" ")
            if possessive:
                words[-1] += "'s"
            numbers = self._numbers[key] = tuple(n for word in words for n in of(word))
        return numbers

    def _search(self, reading: Reading) -> None:
        words, sites, vocabulary = reading.words, reading.sites, self.table.vocabulary
        n = len(words)
        if n == 0:
            return
        bias = self.bias(reading)
        starting: list[list[int]] = [[] for _ in range(n)]
        for number in range(len(bias)):
            starting[sites.start[sites.site[number]]].append(number)
        edges: list[int] = []
        ends: list[int] = []
        spelled: list[tuple[int, ...]] = []
        row = np.zeros(n + 1, np.int64)
        for i in range(n):
            edges.append(-1)
            ends.append(i + 1)
            spelled.append(reading.kept[i])
            for number in starting[i]:
                edges.append(number)
                ends.append(int(sites.end[sites.site[number]]))
                spelled.append(reading.numbers[number])
            row[i + 1] = len(edges)
        edge = np.array(edges, np.int64)
        padded = np.append(bias, 0.0)
        opens = np.array([word.opens for word in words] + [True])
        word_row, flat = _flatten(spelled)
        path = np.empty(n, np.int64)
        kernel.decode(
            n, opens, row, np.array(ends, np.int64), padded[edge], word_row, flat, max(float(self.weights[0]), 0.05),
            vocabulary.begin, vocabulary.end, *vocabulary.arrays(), path,
        )  # fmt: skip
        reading.taken = [int(edge[e]) for e in path if e >= 0 and edge[e] >= 0]
        self._weigh(reading)

    def _weigh(self, reading: Reading) -> None:
        """Set what each reading gains over leaving its words alone, between the neighbours that the best path gives it."""
        sites = reading.sites
        if len(sites.start) == 0:
            return
        spelled: list[tuple[int, ...]] = []
        site_of: list[int] = []
        for site, (i, j) in enumerate(zip(sites.start.tolist(), sites.end.tolist(), strict=True)):
            spelled.append(tuple(number for kept in reading.kept[i:j] for number in kept))
            readings = reading.numbers[sites.row[site] : sites.row[site + 1]]
            spelled.extend(readings)
            site_of.extend([site] * (1 + len(readings)))
        word_row, flat = _flatten(spelled)
        scores = np.empty(len(spelled))
        context = _neighbours(reading, self.table.vocabulary.begin, self.table.vocabulary.end)
        kernel.rescore(np.array(site_of, np.int64), context, word_row, flat, *self.table.vocabulary.arrays(), scores)
        kept_at = sites.row[:-1] + np.arange(len(sites.start))
        reading.gains = np.delete(scores, kept_at) - scores[kept_at][sites.site]

    def _agree(self, reading: Reading) -> None:
        sites = reading.sites
        if len(sites.pair) == 0:
            return
        clipped = np.clip(reading.gains, -_AGREEMENT_LIMIT, _AGREEMENT_LIMIT)
        margin = np.empty(len(clipped))
        for site in range(len(sites.start)):
            low, high = sites.row[site], sites.row[site + 1]
            margin[low:high] = clipped[low:high] - _best_rival(clipped[low:high])
        total = np.bincount(sites.pair, margin)[sites.pair]
        others = np.bincount(sites.pair)[sites.pair] - 1
        sites.text_features[:, AGREEMENT] = np.where(others > 0, (total - margin) / np.maximum(others, 1), 0)


def _hopeful(sites: Sites, bias: NDArray[np.float64]) -> Sites:
    """Leave out the readings that no context would carry, and the sites that have no other."""
    chosen = bias[sites.pair] >= _LEAST_BIAS
    counts = np.bincount(sites.site[chosen], minlength=len(sites.start))
    left = counts > 0
    return Sites(
        sites.start[left],
        sites.end[left],
        sites.variant[left],
        sites.possessive[left],
        np.concatenate([[0], np.cumsum(counts[left])]),
        (np.cumsum(left) - 1)[sites.site[chosen]],
        sites.pair[chosen],
        sites.text_features[chosen],
    )


def _best_rival(gains: NDArray[np.float64]) -> NDArray[np.float64]:
    """For each reading of a site the best gain of the others and of leaving it alone, which gains 0."""
    if len(gains) == 1:
        return np.zeros(1)
    order = np.argsort(gains)
    best = np.full(len(gains), gains[order[-1]])
    best[order[-1]] = gains[order[-2]]
    result: NDArray[np.float64] = np.maximum(best, 0.0)
    return result


def _flatten(spelled: Sequence[tuple[int, ...]]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    row = np.zeros(len(spelled) + 1, np.int64)
    np.cumsum([len(numbers) for numbers in spelled], out=row[1:])
    return row, np.array([number for numbers in spelled for number in numbers], np.int64)


def _neighbours(reading: Reading, begin: int, end: int) -> NDArray[np.int64]:
    """Return the two words before and after each site on the best path; -1 past the end of a sentence."""
    words, sites = reading.words, reading.sites
    n = len(words)
    first = list(range(n))  # of the segment that holds a word, its first word, the word after it, and how it is spelled
    after = list(range(1, n + 1))
    spelled = list(reading.kept)
    for taken in reading.taken:
        i, j = int(sites.start[sites.site[taken]]), int(sites.end[sites.site[taken]])
        for at in range(i, j):
            first[at], after[at], spelled[at] = i, j, reading.numbers[taken]
    context = np.full((len(sites.start), 4), -1, np.int64)
    for site, (i, j) in enumerate(zip(sites.start.tolist(), sites.end.tolist(), strict=True)):
        left: list[int] = []
        at = i
        while len(left) < 2:
            if words[at].opens:
                left += [begin, begin]
                break
            at -= 1
            if after[at] <= i:
                left.extend(reversed(spelled[at]))
                at = first[at]
            else:  # the best path takes this word into a phrase that reaches into the site
                left.extend(reversed(reading.kept[at]))
        right: list[int] = []
        at = j
        while len(right) < 2:
            if at == n or words[at].opens:
                right.append(end)
                break
            if first[at] >= j:
                right.extend(spelled[at])
                at = after[at]
            else:
                right.extend(reading.kept[at])
                at += 1
        context[site, :2] = left[1], left[0]
        context[site, 2 : 2 + min(2, len(right))] = right[:2]
    return context
