"""Articles as vectors of their terms: each term a number of the run, each number with a weight.

Built a shard at a time, since a run's terms as they were extracted take four times the memory: what is kept is six bytes a term,
600 MB for a million articles.
"""

# Kernels start their variables as plain numbers and go on with those of numpy, which numba takes for one.
# mypy: disable-error-code="assignment"

from __future__ import annotations

from collections.abc import Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from typing import NamedTuple

import numpy as np
from numba import njit

from dedupe.match.story_background import RARITY_STEP
from dedupe.match.story_scan import NUMBER
from dedupe.match.terms import LEAD_WORDS, MOST_TERMS, StoryTerms

# The background counts as much as so many articles of the run: it decides for small runs and fades in large ones.
BACKGROUND_ARTICLES = 100_000

# A term in fewer than 1 of 1,000 articles is no rarer for it: else weight would hang on misspellings, and the name that twenty
# articles share, since they report on its bearer, would count less than one that stands in two.
RAREST_SHARE = 1e-3

_FIRST_SLOTS = 1 << 12


class Vectors(NamedTuple):
    """Hold the vectors of articles: article `i` has terms `offsets[i]:offsets[i + 1]`, sorted by number.

    `terms`: int32, the number of the term in the run, doubled, plus 1 where it belongs to the action and not to the cast; -1 for
    a term of no other article. `passages`: uint16 hash of the long line that holds it, 0 for a short one. `weights`: that of each
    number. `norms`: (n, 2), the lengths of cast and action of each article, terms of its own alone included.
    """

    terms: np.ndarray
    passages: np.ndarray
    offsets: np.ndarray
    weights: np.ndarray
    norms: np.ndarray


class _Numbered:
    # The terms of one half of all hashes, numbered as they come.
    def __init__(self, half: int) -> None:
        self.half = half
        self.table, self.distinct = np.zeros((_FIRST_SLOTS, 3), np.uint64), 0

    def learn(self, part: StoryTerms, acts: np.ndarray, terms: np.ndarray) -> None:
        known = self.table, self.distinct
        self.table, self.distinct = _learn(part.hashes, part.rarities, acts, np.uint64(self.half), *known, terms)

    def columns(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        # The hash, the count and the sum of rarities of each number.
        known = np.empty(self.distinct, np.uint64)
        counts, rarities = np.empty((2, self.distinct), np.int64)
        used = self.table[self.table[:, 0] > 0]
        number = (used[:, 1] >> 32).astype(np.int64)
        known[number], counts[number], rarities[number] = used[:, 0], used[:, 1] & 0xFFFFFFFF, used[:, 2]
        return known, counts, rarities


def vectors(parts: Iterable[StoryTerms], articles: int, threads: int = 1) -> Vectors:
    """Build the vectors of so many articles, whose terms come in parts, in order of row. `threads` change nothing but the time.

    A term weighs -ln of the share of articles expected to hold it: that of the run, with the background of its language added as
    if it were `BACKGROUND_ARTICLES` more. Where articles of several languages hold it, its rarity is the mean of theirs. Numbers
    go up with the hashes of the terms.
    """
    # What is never written to takes no memory.
    terms, passages = np.empty(articles * MOST_TERMS, np.int32), np.empty(articles * MOST_TERMS, np.uint16)
    offsets, row = np.zeros(articles + 1, np.int64), 0
    halves = _Numbered(0), _Numbered(1)
    under_way: list[Future[None]] = []
    with ThreadPoolExecutor(min(2, threads)) as pool:
        for part in parts:
            begin, end, rows = int(offsets[row]), int(offsets[row]) + len(part.hashes), len(part.offsets) - 1
            offsets[row + 1 : row + 1 + rows] = begin + part.offsets[1:]
            short = (part.passages >> 16).astype(np.uint16)
            passages[begin:end] = np.where(part.passages > 0, np.maximum(short, 1), 0)
            row += rows
            # The next part is read while this one is learned.
            for one in under_way:
                one.result()
            under_way = [pool.submit(half.learn, part, part.kinds >= NUMBER, terms[begin:end]) for half in halves]
        for one in under_way:
            one.result()
    known, counts, rarities = (np.concatenate(both) for both in zip(*(half.columns() for half in halves), strict=True))
    expected = -np.expm1(-LEAD_WORDS * np.exp(-RARITY_STEP * rarities / counts))
    share = (counts + BACKGROUND_ARTICLES * expected) / (articles + BACKGROUND_ARTICLES)
    weights = -np.log(np.clip(share, RAREST_SHARE, 1.0)).astype(np.float32)
    several = np.flatnonzero(counts > 1)
    several = several[np.argsort(known[several])]
    renumbered = np.full(len(known), -1, np.int32)
    renumbered[several] = np.arange(len(several))
    norms = np.zeros((articles, 2))
    cuts = np.linspace(0, articles, threads + 1).astype(np.int64)
    finish = partial(_finish, terms, offsets, halves[0].distinct, weights, renumbered, norms)
    with ThreadPoolExecutor(threads) as pool:
        list(pool.map(finish, cuts[:-1], cuts[1:]))
    total = int(offsets[-1])
    return Vectors(terms[:total], passages[:total], offsets, weights[several], norms)


@njit(cache=True, nogil=True)
def _learn(hashes, rarities, action, half, table, distinct, terms):  # type: ignore[no-untyped-def]
    # Terms are numbered as they come, by a table of slots that doubles: sorting all terms of a run costs several times as much.
    # Only those of one half, which the uppermost bit of a hash tells, and which is written between the number and the action.
    # A slot holds the hash (0 where it is free), the number beside the count, and the sum of rarities: one look at memory a term.
    one, upper = np.uint64(1), np.uint64(32)
    for at in range(len(hashes)):
        if hashes[at] >> np.uint64(63) != half:
            continue
        mask = np.uint64(len(table) - 1)
        slot = (hashes[at] >> np.uint64(8)) & mask
        while (table[slot, 0] != hashes[at]) & (table[slot, 0] != 0):
            slot = (slot + one) & mask
        if table[slot, 0] == 0:
            table[slot, 0], table[slot, 1] = hashes[at], np.uint64(distinct) << upper
            distinct += 1
        table[slot, 1] += one
        table[slot, 2] += np.uint64(rarities[at])
        terms[at] = np.int64(table[slot, 1] >> upper) << 2 | np.int64(half) << 1 | action[at]
        if 2 * distinct > len(table):
            small, table = table, np.zeros((2 * len(table), 3), np.uint64)
            mask = np.uint64(len(table) - 1)
            for row in range(len(small)):
                slot = (small[row, 0] >> np.uint64(8)) & mask
                while (small[row, 0] != 0) & (table[slot, 0] != 0):
                    slot = (slot + one) & mask
                if small[row, 0] != 0:
                    table[slot] = small[row]
    return table, distinct


@njit(cache=True, nogil=True)
def _finish(terms, offsets, lower, weights, renumbered, norms, begin, stop):  # type: ignore[no-untyped-def]
    for article in range(begin, stop):
        names, deeds = 0.0, 0.0
        for at in range(offsets[article], offsets[article + 1]):
            number, acts = (terms[at] >> 2) + lower * (terms[at] >> 1 & 1), terms[at] & 1
            square = np.float64(weights[number]) * np.float64(weights[number])
            names += 0.0 if acts else square
            deeds += square if acts else 0.0
            terms[at] = renumbered[number] << 1 | acts if renumbered[number] >= 0 else -1
        norms[article, 0], norms[article, 1] = np.sqrt(names), np.sqrt(deeds)
