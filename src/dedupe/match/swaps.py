"""Whether one of two texts is the other with words swapped all through it: what a spinner leaves, whatever its dictionary.

Two texts that are the same but for phrases put in each other's place, one for one, from the first paragraph to the last. Edited
versions, updates and templates differ in sentences, in a stretch, or in facts. Which of the two is the spun one this cannot tell.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple

import numpy as np
import pyarrow.compute as pc
from numba import njit

from dedupe.match.relation_alignment import align, gap_end
from dedupe.match.verify import TextsOf
from dedupe.tokens import string_buffers, tokenize

# Texts are read in blocks of pairs, so that memory is that of a block; each block looks through all files of a run.
_BLOCK_PAIRS = 2048

# The first 16,000 characters of a spun article, some 2,600 words, hold 160 swaps and more.
_MOST_CHARACTERS = 16_000

# A phrase in place of another has so many words at most; it is looked for in windows of so many.
_PHRASE = 4
_WINDOW = 50

# What the lowest of 612 generated copies with 15 to 30 % of the words swapped show: 25 swaps, and shares of 0.83, 0.06, 0.38 and
# 0.054. Of 4,600 honest pairs that share text (newspapers, reports of events, British and Indian English, the rewrites of
# benchmarks.rewrites) none reaches all of these bounds: python -m benchmarks.spin_swaps.
_LEAST_SWAPS = 12
_PARALLEL = 0.75
_RATE = 0.055
_EVEN = 0.35
# Words exchanged one by one, at random or by a key, are no spinner's: that has phrases in its dictionary.
_UNEQUAL = 0.05


class Swaps(NamedTuple):
    """Describe how pairs differ, (n,) each: the number of swaps, and shares.

    `parallel`: of the words of the shorter text, those that stand in the other too or are swapped; `rate`: of those the swapped
    ones; `even`: of its windows of 50 words those with a swap; `unequal`: of the places that differ those with more words on one
    side. What only the longer text holds says nothing: residue that repair knew in the source's wording alone stays in a copy.
    """

    number: np.ndarray
    parallel: np.ndarray
    rate: np.ndarray
    even: np.ndarray
    unequal: np.ndarray


@njit(cache=True, nogil=True)
def _plain(data, base, starts, begin, end):  # type: ignore[no-untyped-def]
    # Names and numbers are facts: only words that begin with a small letter are taken for swapped.
    for at in range(begin, end):
        byte = data[base + starts[at]]
        if byte < 97 or byte > 122:
            return False
    return True


@njit(cache=True, nogil=True)
def _describe(a, b, data, bases, hashes, starts, offsets, out):  # type: ignore[no-untyped-def]
    partner = np.empty(_MOST_CHARACTERS, np.int32)
    for pair in range(len(a)):
        short, long = a[pair], b[pair]
        if offsets[long + 1] - offsets[long] < offsets[short + 1] - offsets[short]:
            short, long = long, short
        one, other = offsets[short], offsets[long]
        n, m = offsets[short + 1] - one, offsets[long + 1] - other
        align(hashes[one : one + n], hashes[other : other + m], partner)
        matched = theirs = ours = gaps = swaps = swapped = unequal = windows = 0
        last = -1
        i = j = 0
        while i < n or j < m:
            if i < n and partner[i] == j:
                matched += 1
                i += 1
                j += 1
                continue
            i_end, j_end = gap_end(partner, i, n, m)
            left, right = i_end - i, j_end - j
            if left <= _PHRASE and right <= _PHRASE:
                ours += left
                theirs += right
                gaps += 1
                unequal += left != right
                if (
                    left > 0
                    and right > 0
                    and _plain(data, bases[short], starts, one + i, one + i_end)
                    and _plain(data, bases[long], starts, other + j, other + j_end)
                ):
                    swaps += 1
                    swapped += max(left, right)
                    windows += i // _WINDOW != last
                    last = i // _WINDOW
            i, j = i_end, j_end
        out[pair, 0] = swaps
        out[pair, 1] = (matched + ours) / max(n, 1)
        out[pair, 2] = swapped / max(matched + max(ours, theirs), 1)
        out[pair, 3] = windows / max(n // _WINDOW, 1)
        out[pair, 4] = unequal / max(gaps, 1)


def describe_swaps(a: np.ndarray, b: np.ndarray, texts_of: TextsOf, threads: int = 1) -> Swaps:
    """Align each pair `(a[k], b[k])` of rows word by word, and say how they differ. 50 µs a pair, tokenizing included."""
    found = np.empty((len(a), 5))
    blocks = threads * -(-len(a) // (threads * _BLOCK_PAIRS))  # as many for each thread
    pairs = max(1, -(-len(a) // max(1, blocks)))

    def work(start: int) -> None:
        one, other = a[start : start + pairs], b[start : start + pairs]
        rows = np.unique(np.concatenate([one, other]))
        texts = pc.utf8_slice_codeunits(texts_of(rows), 0, _MOST_CHARACTERS)
        data, bases = string_buffers(texts)
        tokens = tokenize(texts)
        places = np.searchsorted(rows, one), np.searchsorted(rows, other)
        part = found[start : start + pairs]
        _describe(*places, data, bases, tokens.hashes, tokens.starts, tokens.offsets, part)

    with ThreadPoolExecutor(threads) as pool:
        list(pool.map(work, range(0, len(a), pairs)))
    return Swaps(*found.T)


def swapped_throughout(a: np.ndarray, b: np.ndarray, texts_of: TextsOf, threads: int = 1) -> np.ndarray:
    """Tell which pairs of rows are one text with words swapped all through it. (n,) bool."""
    swaps = describe_swaps(a, b, texts_of, threads)
    alike: np.ndarray = (
        (swaps.number >= _LEAST_SWAPS)
        & (swaps.parallel >= _PARALLEL)
        & (swaps.rate >= _RATE)
        & (swaps.even >= _EVEN)
        & (swaps.unequal >= _UNEQUAL)
    )
    return alike
