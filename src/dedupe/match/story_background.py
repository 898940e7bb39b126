"""How rare a term is in its language, whatever the run holds: tables from wordfreq, folded and cut as the kernel does.

With five articles nothing can be learned from the run; a language's own frequencies say that "the" is common and "Bukele" rare.
wordfreq (Speer, 2022) ships them for some forty languages. A table takes up to a second to build and is kept in the cache folder.
"""

from __future__ import annotations

import importlib.util
import os
import tempfile
from functools import cache
from importlib.metadata import version
from typing import NamedTuple

import numpy as np
import pyarrow as pa

from dedupe.cache import cache_dir

# A table is looked up by the low bits of the hash, at most half full; 0 marks a free slot.
RARITY_STEP = 0.1  # nats a step of the stored rarity
RAREST = 160  # a frequency of 1 in 9 million words, where the tables of most languages end

# Codes under which wordfreq has the same language. Its own search for a close one takes English for Swahili.
_SAME = {"no": "nb", "nn": "nb", "hr": "sh", "sr": "sh", "bs": "sh", "tl": "fil"}

_FORMAT = 1


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
    nothing = np.zeros(0, np.uint64), np.zeros(0, np.uint8)
    if importlib.util.find_spec("wordfreq") is None:
        return nothing
    folder = cache_dir()
    path = folder / f"background-{_FORMAT}-{version('wordfreq')}-{language or 'und'}.npz" if folder else None
    if path and path.exists():
        try:
            with np.load(path) as stored:
                return stored["hashes"], stored["rarity"]
        except (OSError, ValueError, KeyError):
            pass  # a damaged cache is built again
    import wordfreq

    if language not in wordfreq.available_languages("best"):
        return nothing
    hashes, rarity = build_table(wordfreq.get_frequency_dict(language, "best"))
    if folder and path:
        with tempfile.NamedTemporaryFile(dir=folder, suffix=".npz", delete=False) as file:
            np.savez(file, hashes=hashes, rarity=rarity)
        os.replace(file.name, path)
    return hashes, rarity


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
