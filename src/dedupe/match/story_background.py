"""How rare a term is in its language, whatever the run holds: tables from wordfreq, folded and cut as the kernel does.

With five articles nothing can be learned from the run; a language's own frequencies say that "the" is common and "Bukele" rare.
wordfreq (Speer, 2022) ships them for some forty languages. A table takes up to a second to build and is kept in the cache folder.
"""

from __future__ import annotations

import importlib.util
from functools import cache
from importlib.metadata import version
from typing import NamedTuple

import numpy as np
import pyarrow as pa

from dedupe.cache import cached_arrays

# A table is looked up by the low bits of the hash, at most half full; 0 marks a free slot.
RARITY_STEP = 0.1  # nats a step of the stored rarity
RAREST = 160  # a frequency of 1 in 9 million words, where the tables of most languages end

# Codes under which wordfreq has the same language. Its own search for a close one takes English for Swahili.
_SAME = {"no": "nb", "nn": "nb", "hr": "sh", "sr": "sh", "bs": "sh", "tl": "fil"}

_FORMAT = 2


class Background(NamedTuple):
    """Hold the tables of several languages one after the other: open addressing, a power of two of slots each.

    Language `i` has `slots[i]` slots from `bases[i]` on; 0 slots where nothing is known of it. `rarity` is -ln of the share of
    all words, in steps of 0.1 nats, uint8.
    """

    hashes: np.ndarray
    rarity: np.ndarray
    bases: np.ndarray
    slots: np.ndarray


def background(languages: list[str]) -> Background:
    """Return the tables of `languages` (BCP-47), in that order; an unknown language has an empty one."""
    tables = [_table(_SAME.get(code, code)) for code in (language.split("-")[0].lower() for language in languages)]
    slots = np.array([len(hashes) for hashes, _ in tables], np.int64)
    bases = np.concatenate([[0], np.cumsum(slots)[:-1]]).astype(np.int64) if len(slots) else slots
    hashes = np.concatenate([hashes for hashes, _ in tables] or [np.zeros(0, np.uint64)])
    rarity = np.concatenate([rarity for _, rarity in tables] or [np.zeros(0, np.uint8)])
    return Background(hashes, rarity, bases, slots)


@cache
def _table(language: str) -> tuple[np.ndarray, np.ndarray]:
    if language == "und" or importlib.util.find_spec("wordfreq") is None or language not in _languages():
        return np.zeros(0, np.uint64), np.zeros(0, np.uint8)

    def build() -> list[np.ndarray]:
        import wordfreq

        return list(build_table(wordfreq.get_frequency_dict(language, "best")))

    hashes, rarity = cached_arrays(f"background-{_FORMAT}-{version('wordfreq')}-{language}", build)
    return hashes, rarity


@cache
def _languages() -> frozenset[str]:
    # Kept, too: importing wordfreq to be told that it has nothing on a language takes a quarter of a second.
    def ask() -> list[np.ndarray]:
        import wordfreq

        return [np.array(sorted(wordfreq.available_languages("best")), "S")]

    (codes,) = cached_arrays(f"background-languages-{version('wordfreq')}", ask)
    return frozenset(code.decode() for code in codes.tolist())


def build_table(frequencies: dict[str, float]) -> tuple[np.ndarray, np.ndarray]:
    """Build the table of one language from its words: slots of hashes, and the rarity in each.

    A word's frequency counts for every term that the kernel makes of it: words that fold or stem to one term add up, and the
    pairs of characters of a script without spaces each take the frequency of the words that hold them.
    """
    from dedupe.match.terms import term_hashes

    words = list(frequencies)
    hashes, rows = term_hashes(pa.array(words, pa.string()))
    share = np.fromiter(frequencies.values(), np.float64, len(words))[rows]
    unique, inverse = np.unique(hashes, return_inverse=True)
    summed = np.bincount(inverse, share, len(unique))
    size = 1 << max(4, (2 * len(unique)).bit_length())
    table, rarity = np.zeros(size, np.uint64), np.zeros(size, np.uint8)
    steps = np.clip(np.round(-np.log(np.maximum(summed, 1e-12)) / RARITY_STEP), 0, RAREST).astype(np.uint8)
    place = ((unique >> np.uint64(8)) % np.uint64(size)).astype(np.int64)
    left = np.arange(len(unique))
    while len(left):
        # All that want a free slot of their own take it; of several that want one, the first in order of hash.
        wanted, first = np.unique(place[left], return_index=True)
        free = table[wanted] == 0
        taken = left[first[free]]
        table[place[taken]], rarity[place[taken]] = unique[taken], steps[taken]
        left = np.setdiff1d(left, taken, assume_unique=True)
        place[left] = (place[left] + 1) % size
    return table, rarity
