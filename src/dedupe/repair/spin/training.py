"""Learn the decoder's weights from spun text whose truth is known, and score what a decoder makes of such text."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from importlib import import_module
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from dedupe.repair.spin.decoder import WEIGHT_NAMES, Decoder, Reading
from dedupe.repair.spin.lexicon import fold

# Where training starts; found again from anywhere, but the first decoding needs something to go by.
_START = {"context": 0.6, "bias": -2.0, "rank": -1.0}
_ROUNDS = 3
_SOFT = 0.4


class Span(NamedTuple):
    """Say that a spinner put `start:end` where one of `originals` had been; `hard` where it must be repaired."""

    start: int
    end: int
    originals: tuple[str, ...]
    hard: bool


class Example(NamedTuple):
    """Hold a text and every span that was spun in it, in order."""

    text: str
    spans: tuple[Span, ...]


class Rewrite(NamedTuple):
    """Hold one edit as the scores see it."""

    start: int
    end: int
    after: str


def truths(example: Example, start: int, end: int) -> set[str]:
    """Return how `text[start:end]` may have read before it was spun, folded; the spans within must lie in it whole."""
    outcomes, at = [""], start
    for span in example.spans:
        if span.start < end and span.end > start:
            outcomes = [o + example.text[at : span.start] + original for o in outcomes for original in span.originals][:64]
            at = span.end
    return {_plain(outcome + example.text[at:end]) for outcome in outcomes}


def _plain(text: str) -> str:
    return fold(re.sub(r"\s+", " ", text))


def label(
    decoder: Decoder, example: Example, reading: Reading
) -> tuple[NDArray[np.bool_], NDArray[np.bool_], NDArray[np.float64]]:
    """Say which readings are right, at which sites leaving the words alone is right, and what each site weighs.

    A site that lies on a hard span and has no right reading teaches nothing and weighs 0; at a soft span either is right.
    """
    sites, words, text = reading.sites, reading.words, example.text
    right = np.zeros(len(sites.pair), np.bool_)
    keep = np.zeros(len(sites.start), np.bool_)
    weight = np.ones(len(sites.start))
    for site in range(len(sites.start)):
        a, b = words[sites.start[site]].start, words[sites.end[site] - 1].end
        spans = [span for span in example.spans if span.start < b and span.end > a]
        if not spans:
            keep[site] = True
            continue
        first, last = min([a, *(s.start for s in spans)]), max([b, *(s.end for s in spans)])
        wanted = truths(example, first, last)
        for number in range(sites.row[site], sites.row[site + 1]):
            after = decoder.table.originals[sites.pair[number]] + ("'s" if sites.possessive[site] else "")
            right[number] = _plain(text[first:a] + after + text[b:last]) in wanted
        if not any(span.hard for span in spans):
            keep[site], weight[site] = True, _SOFT
        elif not right[sites.row[site] : sites.row[site + 1]].any():
            weight[site] = 0.0
    return right, keep, weight


def train(examples: Iterable[tuple[Decoder, Example]], penalty: float = 3.0) -> NDArray[np.float64]:
    """Fit the weights by maximum likelihood of the right choices, site by site, each in its decoded context.

    Each example comes with its own decoder, so that it can be read without the rows that rest on it alone. Conditional
    (multinomial) logit with a quadratic penalty, refitted after each decoding.
    """
    weights = np.array([_START.get(name, 0.0) for name in WEIGHT_NAMES])
    prepared = []
    for decoder, example in examples:
        decoder.set_weights(np.zeros(len(WEIGHT_NAMES)))  # with no weights no reading is left out
        reading = decoder.read(example.text)
        prepared.append((decoder, reading, *label(decoder, example, reading)))
    for _ in range(_ROUNDS):
        blocks = []
        for decoder, reading, right, keep, weight in prepared:
            decoder.set_weights(weights)
            decoder.decode(reading)
            blocks.append((decoder.features(reading), reading.sites.row, reading.sites.site, right, keep, weight))
        weights = _fit(blocks, weights, penalty)
    return weights


Block = tuple[
    NDArray[np.float64], NDArray[np.int64], NDArray[np.int64], NDArray[np.bool_], NDArray[np.bool_], NDArray[np.float64]
]


def _fit(blocks: Sequence[Block], start: NDArray[np.float64], penalty: float) -> NDArray[np.float64]:
    # scipy comes with datasketch, ships no types, and takes a second to load
    minimize = import_module("scipy.optimize").minimize

    sites = np.cumsum([0, *(len(block[1]) - 1 for block in blocks)])
    features = np.concatenate([block[0] for block in blocks])
    site = np.concatenate([block[2] + first for block, first in zip(blocks, sites[:-1], strict=True)])
    right, keep, weight = (np.concatenate([block[place] for block in blocks]) for place in (3, 4, 5))
    total = int(sites[-1])

    def loss(weights: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        scores = features @ weights
        top = np.zeros(total)
        np.maximum.at(top, site, scores)
        powers, kept = np.exp(scores - top[site]), np.exp(-top)
        every = np.bincount(site, powers, total) + kept
        good = np.bincount(site, powers * right, total) + kept * keep + 1e-12
        slope = weight[site] * powers * (right / good[site] - 1 / every[site])
        value = -(weight * np.log(good / every)).sum() + penalty * weights @ weights
        return float(value), -(features.T @ slope) + 2 * penalty * weights

    found: NDArray[np.float64] = minimize(loss, start, jac=True, method="L-BFGS-B", options={"maxiter": 200}).x
    return found


def count_outcomes(example: Example, edits: Sequence[Rewrite]) -> Counter[str]:
    """Count spans by tier that were touched and that were restored, and edits that touch no span (`false`) or only soft ones."""
    counts: Counter[str] = Counter(edits=len(edits))
    for span in example.spans:
        tier = "hard" if span.hard else "soft"
        counts[tier] += 1
        touching = [e for e in edits if _meet(e, span)]
        if not touching:
            continue
        counts[f"{tier} touched"] += 1
        first = min([span.start, *(e.start for e in touching)])
        last = max([span.end, *(e.end for e in touching)])
        around = [s for s in example.spans if s.start < last and s.end > first]
        first, last = min([first, *(s.start for s in around)]), max([last, *(s.end for s in around)])
        done, at = "", first
        for edit in edits:
            if (edit.start < last and edit.end > first) or (edit.start == edit.end and first <= edit.start <= last):
                done += example.text[at : edit.start] + edit.after
                at = max(at, edit.end)
        if _plain(done + example.text[at:last]) in truths(example, first, last):
            counts[f"{tier} restored"] += 1
    for edit in edits:
        spans = [span for span in example.spans if _meet(edit, span)]
        if not spans:
            counts["false"] += 1
        elif not any(span.hard for span in spans):
            counts["on soft"] += 1
    return counts


def _meet(edit: Rewrite, span: Span) -> bool:
    return (edit.start < span.end and edit.end > span.start) or (edit.start == edit.end and span.start <= edit.start <= span.end)
