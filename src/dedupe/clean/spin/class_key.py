"""The class key: tokens under which a spun copy and its source are nearly the same text, whatever the decoder chose."""

from __future__ import annotations

import hashlib
import math
from collections import defaultdict
from collections.abc import Mapping, Sequence
from functools import cache
from typing import NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

from dedupe.cache import cached_arrays
from dedupe.clean.spin.language_model import SphinxModel
from dedupe.clean.spin.lexicon import Pair, fold, lexicon_version, read_lexicon
from dedupe.clean.spin.phrase_index import PhraseIndex, build_index, longest_phrase
from dedupe.clean.spin.table import phrase_scores
from dedupe.clean.spin.vocabulary import Vocabulary
from dedupe.tokens import Tokens

# To be raised whenever keys of the same lexicon would differ: keys of different versions must not be compared.
_BUILD = 1

# Synonyms chain without end (power, energy, strength, force, pressure, ...): by closing over all pairs most of the vocabulary is one
# class, and honest articles meet. A class stops growing at this many phrases, strongest pairs first.
MOST_MEMBERS = 40

_SEEN = 4.0

# What begins or ends a phrase without saying anything: spinners add and drop these, so they are no tokens of the key.
_DROPPED = (
    "a an the of to in on for by with at from as is are was were be been being it its that this these those and or but if than then so "
    "has have had will would can could may might also within into upon"
).split()


class ClassKey(NamedTuple):
    """Hold the phrases of the lexicon, the class token of each (0: dropped), and the hashes of words that are no tokens of the key."""

    index: PhraseIndex
    tokens: NDArray[np.uint64]
    version: str


def class_names(pairs: Sequence[Pair], rates: Mapping[str, float], most_members: int = MOST_MEMBERS) -> dict[str, str]:
    """Return the representative of each folded phrase: pairs are joined strongest first, while the joined class stays small.

    A pair is as strong as it is frequent in spun text: the rate of its original in English times the variant's share in the row,
    which its rank stands for; what was seen counts more.
    """
    strength: dict[tuple[str, str], float] = defaultdict(float)
    for pair in pairs:
        if pair.condition not in {"science", "science-echo", "style-b"}:
            ends = (fold(pair.original), fold(pair.variant))
            strength[ends] += (_SEEN if pair.basis == "seen" else 1.0) / (1 + pair.rank) ** 2 * rates.get(ends[0], 0.0)
    classes = _Classes(most_members)
    strongest = sorted(strength, key=lambda ends: (-strength[ends], ends))
    for one, other in strongest:
        if " " not in one and " " not in other:
            classes.join(one, other)
    # What reads the same word by word needs no phrase, and phrases cut a text differently where only one word of them was replaced.
    reduced = [ends for ends in strongest if " " in ends[0] + ends[1] and classes.reduce(ends[0]) != classes.reduce(ends[1])]
    for one, other in reduced:
        classes.join(one, other)
    return classes.names()


class _Classes:
    """Disjoint sets of phrases that stop growing at a size."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._parent: dict[str, str] = {}
        self._members: dict[str, int] = {}

    def root(self, phrase: str) -> str:
        top = phrase
        while self._parent.get(top, top) != top:
            top = self._parent[top]
        while self._parent.get(phrase, phrase) != top:
            self._parent[phrase], phrase = top, self._parent.get(phrase, phrase)
        return top

    def join(self, one: str, other: str) -> None:
        a, b = self.root(one), self.root(other)
        self._parent.setdefault(a, a)
        self._parent.setdefault(b, b)
        size = self._members.get(a, 1) + self._members.get(b, 1)
        if a != b and size <= self._most:
            self._parent[b] = a
            self._members[a] = size

    def reduce(self, phrase: str) -> list[str]:
        return [self.root(word) for word in phrase.split(" ") if word not in _DROPPED]

    def names(self) -> dict[str, str]:
        return {phrase: self.root(phrase) for phrase in list(self._parent)}


def build_class_key(
    pairs: Sequence[Pair], rates: Mapping[str, float], version: str, most_members: int = MOST_MEMBERS
) -> ClassKey:
    """Give every phrase its class token; phrases of nothing but dropped words are dropped."""
    classes = class_names(pairs, rates, most_members)
    dropped = set(_DROPPED)
    phrases = sorted({*classes, *dropped})
    tokens = np.zeros(len(phrases), np.uint64)
    for at, phrase in enumerate(phrases):
        name = classes.get(phrase, phrase)
        if not all(word in dropped for word in phrase.split(" ")):
            digest = hashlib.blake2b(name.encode(), digest_size=8).digest()
            tokens[at] = int.from_bytes(digest, "little") & ~1 | 2
    return ClassKey(build_index(phrases), tokens, version)


@cache
def load_class_key(language: str = "en") -> ClassKey:
    """Return the class key of a language's lexicon, from the cache where it was built before (which takes some seconds)."""
    model = SphinxModel()
    version = f"{_BUILD}-{lexicon_version(language)}-{model.version}"

    def build() -> list[NDArray[np.generic]]:
        pairs = read_lexicon(language)
        key = build_class_key(pairs, original_rates(pairs, Vocabulary(model)), version)
        return [*key.index, key.tokens]

    first, second, longer, tokens = cached_arrays(f"spin-classes-{version}", build)
    return ClassKey(PhraseIndex(first, second, longer), tokens, version)


def original_rates(pairs: Sequence[Pair], vocabulary: Vocabulary) -> dict[str, float]:
    """Return the probability of each folded original under the language model."""
    phrases = sorted({fold(pair.original) for pair in pairs})
    scores = phrase_scores([tuple(phrase.split(" ")) for phrase in phrases], vocabulary)
    return {phrase: math.exp(score) for phrase, score in zip(phrases, scores, strict=True)}


@njit(cache=True, nogil=True)
def _classify(hashes, offsets, first, second, longer, class_tokens, out, out_offsets):  # type: ignore[no-untyped-def]
    written = 0
    out_offsets[0] = 0
    for row in range(len(offsets) - 1):
        at = offsets[row]
        while at < offsets[row + 1]:
            phrase, length = longest_phrase(hashes, at, offsets[row + 1], first, second, longer)
            token = class_tokens[phrase] if phrase >= 0 else hashes[at]
            if token != 0:
                out[written] = token
                written += 1
            at += length
        out_offsets[row + 1] = written
    return written


def class_tokens(tokens: Tokens, key: ClassKey) -> tuple[NDArray[np.uint64], NDArray[np.int64]]:
    """Turn the token hashes of a column into class hashes: a phrase of the lexicon into one token, other words into themselves.

    Returns the hashes and the offsets of the articles among them, fit for the kernels that shingle tokens.
    """
    out = np.empty(len(tokens.hashes), np.uint64)
    offsets = np.empty(len(tokens.offsets), np.int64)
    written = _classify(tokens.hashes, tokens.offsets, *key.index, key.tokens, out, offsets)
    return out[:written], offsets
