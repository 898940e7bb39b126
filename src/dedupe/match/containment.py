"""Candidates for containment: which articles may lie almost whole inside a longer one.

A signature cannot see this: an abridged copy of a fifth of an article has a Jaccard of 0.2 with it. A scaled MinHash sketch
can: it keeps every shingle hash below a bound, so the share of a sketch that another holds estimates the share of the article
(FracMinHash: Irber et al., 2022, doi:10.1101/2022.01.11.475838; Hera, Pierce-Ward and Koslicki, 2023,
doi:10.1101/gr.277651.123).
"""

from __future__ import annotations

import math
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np
from numba import njit

from dedupe.gather import distinct, frozen, may_be_among, release

# One shingle hash in so many is kept. An article of 100 words then has 6 hashes on average and none once in 400; the sketch of
# an article of 950 words takes 480 bytes. docs/relations.md has the sweep.
SCALE = 16
BOUND = np.uint64(2**64 // SCALE)
# So many of the lowest bits of a hash vary.
HASH_BITS = 64 - (SCALE.bit_length() - 1)

# A hash that more articles share than this is looked up in the most preferred of them only. Those are what a cluster of many
# copies gathers around, and what keeps a phrase that every page carries from proposing every pair. Such hashes are counted
# and reported.
LONGEST_POSTING = 64

# An article lies inside another when it holds this share of its shingles.
CONTAINED = 0.8

# A pair is proposed where the sketches share no less than a true pair would, but for 2.5 standard deviations (1 in 160).
_DEVIATIONS = 2.5

# Texts that share so much of their sketches may be one text with words swapped: where 30 % of them are, 0.27 and more of the
# smaller sketch is left. A sketch of twenty hashes shows a quarter as two or more only (2 standard deviations), so the bound is
# lower where a text is short. One side may be longer by what repair knew as residue in the other's wording alone. Each article
# is paired with the few that share most with it.
_LEAST_AKIN, _AKIN = 2, 0.15
_SWAPPED, _AKIN_DEVIATIONS = 0.25, 1.5
_AKIN_LENGTH = 0.35
MOST_AKIN = 6

_ONE = np.uint64(1)


class Sketches(NamedTuple):
    """Hold the sketches of a column: article `i` has the sorted, distinct hashes `hashes[offsets[i]:offsets[i + 1]]`, uint64."""

    hashes: np.ndarray
    offsets: np.ndarray


class Proposed(NamedTuple):
    """Hold proposed pairs, `small` perhaps inside `large`, sorted; and what was left out to stay near-linear.

    `capped`: hashes that more than `LONGEST_POSTING` articles share. `skipped`: how many lookups the cap saved. `akin`: pairs
    `a < b` of like length that have some of their text in common, sorted.
    """

    small: np.ndarray
    large: np.ndarray
    capped: int
    skipped: int
    akin: tuple[np.ndarray, np.ndarray]


@njit(cache=True, nogil=True)
def keep_low(shingles, count, bound, kept):  # type: ignore[no-untyped-def]
    """Write the distinct hashes of `shingles[:count]` below `bound` to `kept`, sorted, and return their number."""
    written = 0
    for at in range(count):
        if shingles[at] < bound:
            kept[written] = shingles[at]
            written += 1
    # Shell's sort with the gaps of Gonnet and Baeza-Yates (1991): a sketch has some sixty hashes, and the library's sort would
    # take two seconds to compile.
    gap = written
    while gap > 1:
        gap = max(1, gap * 5 // 11)
        for at in range(gap, written):
            value = kept[at]
            place = at
            while place >= gap and kept[place - gap] > value:
                kept[place] = kept[place - gap]
                place -= gap
            kept[place] = value
    distinct = 0
    for at in range(written):
        if distinct == 0 or kept[at] != kept[distinct - 1]:
            kept[distinct] = kept[at]
            distinct += 1
    return distinct


def join_sketches(parts: list[Sketches]) -> Sketches:
    """Join the sketches of consecutive batches into those of one column."""
    sizes = [np.zeros(1, np.int64), *(np.diff(part.offsets) for part in parts)]
    return Sketches(np.concatenate([np.empty(0, np.uint64), *(part.hashes for part in parts)]), np.cumsum(np.concatenate(sizes)))


@njit(cache=True, nogil=True)
def _pack(hashes, offsets, rows, gained, bits, ordered):  # type: ignore[no-untyped-def]
    # One word holds hash and article, so that one plain sort gives posting lists in order of preference.
    count = 0
    for number in range(len(rows)):
        for at in range(offsets[rows[number]], offsets[rows[number] + 1]):
            ordered[count] = ((hashes[at] << gained) >> bits << bits) | np.uint64(number)
            count += 1


@njit(cache=True, nogil=True)
def _post(ordered, bits, first, starts, runs, filled):  # type: ignore[no-untyped-def]
    # For each article of a block, which begins with `first`, where the runs of its shared hashes begin.
    low = (_ONE << bits) - _ONE
    begin = 0
    for at in range(1, len(ordered) + 1):
        if at < len(ordered) and ordered[at] >> bits == ordered[begin] >> bits:
            continue
        if at - begin > 1:
            for place in range(begin, at):
                row = np.int64(ordered[place] & low) - first
                if 0 <= row < len(filled):
                    runs[starts[first + row] - starts[first] + filled[row]] = begin
                    filled[row] += 1
        begin = at


@njit(cache=True, nogil=True, inline="always")
def _keep_best(near, best, other, same):  # type: ignore[no-untyped-def]
    # Those that share most, equals in order of preference: which comes first changes nothing, nor does one that comes again.
    for slot in range(len(near)):
        if near[slot] == other:
            return
    slot = len(best)
    while slot > 0:
        ahead = near[slot - 1]
        if ahead >= 0 and (best[slot - 1] > same or (best[slot - 1] == same and ahead < other)):
            break
        slot -= 1
        if slot + 1 < len(best):
            near[slot + 1], best[slot + 1] = near[slot], best[slot]
    if slot < len(best):
        near[slot], best[slot] = other, same


@njit(cache=True, nogil=True, inline="always")
def _least_akin(smaller):  # type: ignore[no-untyped-def]
    # Fewer hashes of a sketch of `smaller` than this are too few for a text with words swapped; numbers or columns of them.
    spread = np.sqrt(smaller * (_SWAPPED * (1 - _SWAPPED)))
    return np.maximum(_LEAST_AKIN, np.minimum(_AKIN * smaller, _SWAPPED * smaller - _AKIN_DEVIATIONS * spread))


@njit(cache=True, nogil=True)
def _propose(  # type: ignore[no-untyped-def]
    first, runs, filled, starts, ordered, bits, least, longest, known, tiny, shared, behind, pairs, akin, best
):  # fmt: skip
    # Returns (pairs found, runs cut, lookups saved) of a part of a block. Articles are numbered by preference here; `shared` and
    # `behind` are all zero. Each pair is met once, by the later of the two; where some are `known`, by all that are not.
    # `akin[row]` gets those of like length that share most with a row, `best` how much; -1 where there are fewer.
    some = known.any()
    low = (_ONE << bits) - _ONE
    touched = np.empty(len(shared) + 1, np.int32)
    found = 0
    cut = 0
    saved = 0
    for row in range(first, first + len(filled)):
        size = starts[row + 1] - starts[row]
        if known[row]:
            continue
        run = starts[row] - starts[first]
        met = 0
        for at in range(run, run + filled[row - first]):
            begin = runs[at]
            end = begin + longest
            key = ordered[begin] >> bits
            if end < len(ordered) and ordered[end] >> bits == key:
                cut += np.int64(ordered[begin] & low) == row
                saved += 1
            late = 1
            for place in range(begin, min(end, len(ordered))):
                other = np.int64(ordered[place] & low)
                if other == row:
                    late = 0
                    if not some:
                        break
                    continue
                if some and ordered[place] >> bits != key:
                    break
                # No branch: nothing could predict it.
                touched[met] = other
                met += shared[other] == 0
                shared[other] += 1
            if late and not some:  # the row stands too late in this posting to be looked up itself
                for place in range(begin, end):
                    behind[np.int64(ordered[place] & low)] += 1
        for at in range(met):
            other = touched[at]
            theirs = shared[other]
            shared[other] = 0
            # One shared hash is nothing, but for the article that has no other: nine in ten end here.
            if theirs == 1 and size > 1 and not tiny[other]:
                behind[other] = 0
                continue
            ours = theirs - behind[other]
            behind[other] = 0
            other_size = starts[other + 1] - starts[other]
            smaller = min(size, other_size)
            larger = other_size > size or (other_size == size and other > row)
            if larger or some:
                proposed = (larger or known[other]) and theirs >= least[min(smaller, len(least) - 1)]
            else:
                proposed = ours >= least[min(smaller, len(least) - 1)]
            if proposed:
                if found < len(pairs):
                    pairs[found, 0] = row if larger else other
                    pairs[found, 1] = other if larger else row
                found += 1
            if smaller < _AKIN_LENGTH * max(size, other_size):
                continue
            enough = _least_akin(smaller)
            if theirs >= enough:
                _keep_best(akin[row], best[row], other, theirs)
            if not some and ours >= enough:
                _keep_best(akin[other], best[other], row, ours)
    return found, cut, saved


def count_shared(sketch: np.ndarray, sketches: Sketches) -> np.ndarray:
    """Count for each article how many hashes its sketch shares with another one, given sorted: (n,) int64.

    One pass over all hashes, some 4 ns each: the upper bits of a hash tell nearly all that are not wanted.
    """
    places = may_be_among(sketches.hashes, sketch, HASH_BITS)
    places = places[np.isin(sketches.hashes[places], sketch)]
    articles = np.searchsorted(sketches.offsets, places, side="right") - 1
    return np.bincount(articles, minlength=len(sketches.offsets) - 1)


def least_shared(size: int) -> int:
    """Return how many hashes a sketch of this size must share with another for its article to be proposed as contained."""
    spread = math.sqrt(CONTAINED * (1 - CONTAINED) * size)
    return max(min(size, 2), math.floor(CONTAINED * size - _DEVIATIONS * spread))


_LARGEST = 1 << 16

# Articles whose shared hashes are written down at a time; each block scans all hashes once, 0.2 s for 25 million.
_BLOCK_ROWS = 1 << 18

# Parts of a block that threads take in turn: the later an article stands, the more stand before it.
_PARTS = 8

# Rows whose lists of two threads are merged at a time.
_MERGED_ROWS = 1 << 16


class _Lookups:
    # What one thread keeps while it goes through its parts: scratch that is all zero between two articles, and what it found.
    def __init__(self, articles: int) -> None:
        self.shared, self.behind = (np.zeros(articles, np.int32) for _ in range(2))
        self.akin, self.best = (np.full((articles, MOST_AKIN), -1, np.int32) for _ in range(2))
        self.pairs = [np.empty((0, 2), np.int32)]
        self.cut = self.saved = 0

    def propose(
        self,
        parts: list[tuple[int, int]],
        first: int,
        runs: np.ndarray,
        filled: np.ndarray,
        starts: np.ndarray,
        *postings: Any,
    ) -> None:
        # Go through some parts of the block that begins with `first`.
        for begin, stop in parts:
            own, here = runs[starts[begin] - starts[first] :], filled[begin - first : stop - first]
            pairs = np.empty((max(1024, stop - begin), 2), np.int32)
            while True:
                found, cut, saved = _propose(
                    *(begin, own, here, starts, *postings, self.shared, self.behind, pairs, self.akin, self.best)
                )
                if found <= len(pairs):
                    break
                pairs = np.empty((found, 2), np.int32)
            self.pairs.append(pairs[:found].copy())
            self.cut, self.saved = self.cut + cut, self.saved + saved


def _joined_akin(parts: list[_Lookups]) -> np.ndarray:
    # Those that share most with each row by any of the threads; each pair was met by one.
    if len(parts) == 1:
        return parts[0].akin
    nobody = np.iinfo(np.int64).max
    for begin in range(0, len(parts[0].akin), _MERGED_ROWS):
        rows = slice(begin, begin + _MERGED_ROWS)
        keys = [np.where(one.akin[rows] < 0, nobody, -one.best[rows].astype(np.int64) << 32 | one.akin[rows]) for one in parts]
        best = np.sort(np.concatenate(keys, axis=1), axis=1)[:, :MOST_AKIN]
        parts[0].akin[rows] = np.where(best == nobody, -1, best & 0xFFFFFFFF)
    return parts[0].akin


def propose_contained(sketches: Sketches, rows: np.ndarray, rank: np.ndarray, fresh: int = 0, threads: int = 1) -> Proposed:
    """Propose the pairs of `rows` of which one may lie inside the other.

    `rows`: row numbers, one of each set of exact copies. `rank`: (n,) place of every article in the order of preference,
    which says whom the cap spares. The cost is `LONGEST_POSTING` lookups a hash at most, whatever the corpus is like; 8 bytes
    a hash, and as much again for those of a block. Pairs of two rows before `fresh` are left out. `threads` change nothing but
    the time.
    """
    rows = rows[np.argsort(rank[rows], kind="stable")]
    sizes = (sketches.offsets[1:] - sketches.offsets[:-1])[rows]
    starts = np.concatenate([[0], np.cumsum(sizes)])
    bits = np.uint64(max(1, len(rows).bit_length()))
    # The upper bits of a hash below the bound are zero and make room; what is cut off below can only propose a pair that
    # verification refuses.
    ordered = np.empty(starts[-1], np.uint64)
    _pack(frozen(sketches.hashes), frozen(sketches.offsets), rows, np.uint64(64 - HASH_BITS), bits, ordered)
    release(sketches.hashes)
    if fresh:
        # Of two articles that are known nothing is asked, so a hash that no new one has says nothing.
        ordered = ordered[may_be_among(ordered, ordered[np.repeat(rows >= fresh, sizes)])]
    ordered.sort()
    least = np.fromiter(map(least_shared, range(min(int(sizes.max(initial=0)), _LARGEST) + 1)), np.int32)
    known, tiny = rows < fresh, sizes <= 1
    threads = min(threads, _PARTS)
    mine = [_Lookups(len(rows)) for _ in range(threads)]
    with ThreadPoolExecutor(threads) as pool:
        for first in range(0, len(rows), _BLOCK_ROWS):
            size = min(_BLOCK_ROWS, len(rows) - first)
            runs, filled = np.empty(starts[first + size] - starts[first], np.int64), np.zeros(size, np.int32)
            _post(ordered, bits, first, starts, runs, filled)
            parts = list(pairwise((first + np.arange(_PARTS + 1) * size // _PARTS).tolist()))
            postings = starts, ordered, bits, least, LONGEST_POSTING, known, tiny
            under_way = [
                pool.submit(one.propose, parts[number::threads], first, runs, filled, *postings)
                for number, one in enumerate(mine)
            ]
            for done in under_way:
                done.result()
    together = np.concatenate([pairs for one in mine for pairs in one.pairs])
    small, large = rows[together[:, 0]], rows[together[:, 1]]
    order = np.lexsort((large, small))
    cut, saved = sum(one.cut for one in mine), sum(one.saved for one in mine)
    return Proposed(small[order], large[order], cut, saved, _akin(rows, _joined_akin(mine)))


def akin_enough(size: np.ndarray, other_size: np.ndarray, shared: np.ndarray) -> np.ndarray:
    """Tell which pairs are of like length and share enough of their sketches to be akin, as the kernel does. (n,) bool."""
    smaller, larger = np.minimum(size, other_size), np.maximum(size, other_size)
    enough: np.ndarray = (shared >= _least_akin.py_func(smaller)) & (smaller >= _AKIN_LENGTH * larger)
    return enough


def _akin(rows: np.ndarray, akin: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    number, slot = np.nonzero(akin >= 0)
    one, other = rows[number], rows[akin[number, slot]]
    pairs = distinct(np.minimum(one, other) << 32 | np.maximum(one, other))
    return pairs >> 32, pairs & 0xFFFFFFFF
