"""The class key: tokens under which a spun copy and its source are nearly the same text, whatever the decoder chose."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Sequence
from functools import cache
from typing import NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

from dedupe.cache import cached_arrays
from dedupe.repair.spin.lexicon import Pair, fold, lexicon_version, read_lexicon
from dedupe.repair.spin.phrase_index import PhraseIndex, build_index, longest_phrase
from dedupe.tokens import Tokens

# To be raised whenever keys of the same lexicon would differ: keys of different versions must not be compared.
_BUILD = 1

# Synonyms chain without end (power, energy, strength, force, pressure, ...): by closing over all pairs most of the vocabulary
# is one class, and honest articles meet. A class stops growing at this many phrases, strongest pairs first. Jaccard of real spun
# articles with their sources at 5, 20, 100: 0.65, 0.71, 0.72; of honest pairs the highest in 1,000 is below 0.01 at all of them.
MOST_MEMBERS = 100

# What begins or ends a phrase without saying anything: spinners add and drop these, so they are no tokens of the key.
_DROPPED = (
    "a an the of to in on for by with at from as is are was were be been being it its that this these those and or "
    "but if than then so has have had will would can could may might also within into upon"
).split()


class ClassKey(NamedTuple):
    """Hold the phrases of the lexicon and the class token of each; 0 for what is no token of the key."""

    phrases: PhraseIndex
    tokens: NDArray[np.uint64]
    version: str


def class_names(pairs: Sequence[Pair], most_members: int = MOST_MEMBERS) -> dict[str, str]:
    """Return the representative of each folded phrase: pairs are joined strongest first, while the joined class stays small.

    A pair is strong where it was seen, where the variant stands early in its row, and where several tables hold it.
    """
    strength: dict[tuple[str, str], float] = defaultdict(float)
    for pair in pairs:
        if pair.condition not in {"science", "science-echo", "style-b"}:
            strength[fold(pair.original), fold(pair.variant)] += (2.0 if pair.basis == "seen" else 1.0) / (1 + pair.rank)
    parent: dict[str, str] = {}
    members: dict[str, int] = {}

    def root(phrase: str) -> str:
        top = phrase
        while parent.get(top, top) != top:
            top = parent[top]
        while parent.get(phrase, phrase) != top:
            parent[phrase], phrase = top, parent.get(phrase, phrase)
        return top

    for ends in sorted(strength, key=lambda ends: (-strength[ends], ends)):
        one, other = root(ends[0]), root(ends[1])
        size = members.get(one, 1) + members.get(other, 1)
        if one != other and size <= most_members:
            parent[other] = one
            members[one] = size
    return {phrase: root(phrase) for ends in strength for phrase in ends}


def build_class_key(pairs: Sequence[Pair], version: str, most_members: int = MOST_MEMBERS) -> ClassKey:
    """Give every phrase its class token; phrases of nothing but dropped words are dropped."""
    classes = class_names(pairs, most_members)
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
    version = f"{_BUILD}-{lexicon_version(language)}"

    def build() -> list[NDArray[np.generic]]:
        key = build_class_key(read_lexicon(language), version)
        return [*key.phrases, key.tokens]

    first, second, longer, tokens = cached_arrays(f"spin-classes-{version}", build)
    return ClassKey(PhraseIndex(first, second, longer), tokens, version)


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
    written = _classify(tokens.hashes, tokens.offsets, *key.phrases, key.tokens, out, offsets)
    return out[:written], offsets
