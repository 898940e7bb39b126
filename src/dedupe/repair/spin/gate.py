"""The gate: whether an article reads as spun, from how much more often its phrases stand in spun than in honest text."""

from __future__ import annotations

import csv
import hashlib
from functools import cache
from importlib import resources
from typing import NamedTuple

import numpy as np
import pyarrow as pa
from numba import njit
from numpy.typing import NDArray

from dedupe.cache import cached_arrays
from dedupe.repair.spin.phrase_index import PhraseIndex, build_index, longest_phrase, pair_key
from dedupe.tokens import tokenize

# A spun article of this many tokens scores 40 and more; what follows would only cost time.
MOST_TOKENS = 500

# A subject repeats its own words: what a phrase says again is little news. Without this an honest page of fitness advice,
# with "meal plan" in every paragraph, scored like a spun one.
_AGAIN = np.float32(0.2)

_MARK_BITS = 17


class Gate(NamedTuple):
    """Hold the phrases that tell spun from honest text, and the weight of each: a log-likelihood ratio, in nats."""

    phrases: PhraseIndex
    weights: NDArray[np.float32]
    per_token: float
    """what each token of the text takes off, so that a long honest text on an odd subject does not add up to a spun one"""
    threshold: float


@njit(cache=True, nogil=True)
def _marked(table, lengths):  # type: ignore[no-untyped-def]
    # A bit for the hash of each key of a table that has one of these lengths: 16 KB, which the nearest memory keeps.
    marks = np.zeros(1 << (_MARK_BITS - 6), np.uint64)
    for entry in table:
        if (entry >> np.uint64(24)) & np.uint64(lengths):
            mark = entry >> np.uint64(64 - _MARK_BITS)
            marks[mark >> np.uint64(6)] |= np.uint64(1) << (mark & np.uint64(63))
    return marks


@njit(cache=True, nogil=True, inline="always")
def _is_marked(marks, key):  # type: ignore[no-untyped-def]
    mark = key >> np.uint64(64 - _MARK_BITS)
    return (marks[mark >> np.uint64(6)] >> (mark & np.uint64(63))) & np.uint64(1)


@njit(cache=True, nogil=True)
def _score_column(  # type: ignore[no-untyped-def]
    hashes, offsets, wanted, first, second, longer, weights, per_token, scores
):
    # Weight and row last met side by side: one fetch from memory for both. Rows count exactly up to 2**24: no batch has more.
    state = np.empty((len(weights), 2), np.float32)
    state[:, 0] = weights
    state[:, 1] = -1
    # Two tokens of three begin no phrase, alone or with the next. Those that may are told first, without a branch, and only they
    # are looked up: half of the time.
    alone, paired = _marked(first, 1), _marked(second, 0xFF)
    places = np.empty(MOST_TOKENS + 1, np.int64)
    for row in range(len(offsets) - 1):
        if not wanted[row]:
            scores[row] = np.nan
            continue
        end = min(offsets[row + 1], offsets[row] + MOST_TOKENS)
        count = np.int64(0)
        for at in range(offsets[row], end):
            places[count] = at
            # The last token has none behind it; what it is paired with then is looked up and not found.
            pair = pair_key(hashes[at], hashes[min(at + 1, end - 1)])
            count += np.int64(_is_marked(alone, hashes[at]) | _is_marked(paired, pair))
        total = np.float32(0.0)
        free = offsets[row]
        for place in range(count):
            at = places[place]
            if at < free:
                continue
            phrase, length = longest_phrase(hashes, at, end, first, second, longer)
            if phrase >= 0:
                if state[phrase, 1] == np.float32(row):
                    total += state[phrase, 0] * _AGAIN
                else:
                    state[phrase, 1] = np.float32(row)
                    total += state[phrase, 0]
            free = at + length
        scores[row] = total - per_token * np.float32(end - offsets[row])


def score_tokens(
    hashes: NDArray[np.uint64], offsets: NDArray[np.int64], gate: Gate, wanted: NDArray[np.bool_] | None = None
) -> NDArray[np.float32]:
    """Score each article of a tokenized column. Shape (n,), float32, in nats: above 0 the text reads as spun.

    Articles that are not `wanted` get NaN.
    """
    scores = np.empty(len(offsets) - 1, np.float32)
    wanted = np.ones(len(scores), np.bool_) if wanted is None else wanted
    _score_column(hashes, offsets, wanted, *gate.phrases, gate.weights, np.float32(gate.per_token), scores)
    return scores


def score(column: pa.Array, gate: Gate) -> NDArray[np.float32]:
    """Score each article of a string column as `score_tokens` does."""
    tokens = tokenize(column)
    return score_tokens(tokens.hashes, tokens.offsets, gate)


@cache
def load_gate(language: str = "en") -> Gate:
    """Read the phrases and weights of a language from `gate.csv`, whose first rows hold the threshold and the cost of a token."""
    content = (resources.files("dedupe") / "lexicon" / language / "gate.csv").read_bytes()

    def build() -> list[NDArray[np.generic]]:
        rows = [(row["phrase"], float(row["weight"])) for row in csv.DictReader(content.decode("utf-8").splitlines())]
        settings = {phrase: weight for phrase, weight in rows if phrase.startswith("#")}
        phrases = [(phrase, weight) for phrase, weight in rows if not phrase.startswith("#")]
        weights = np.array([weight for _, weight in phrases], np.float32)
        return [
            *build_index([phrase for phrase, _ in phrases]),
            weights,
            np.array([settings["#per_token"], settings["#threshold"]]),
        ]

    # Built in 0.5 s, which every worker would take again.
    *index, weights, settings = cached_arrays(f"spin-gate-{hashlib.sha256(content).hexdigest()[:16]}", build)
    return Gate(PhraseIndex(*index), weights, float(settings[0]), float(settings[1]))
