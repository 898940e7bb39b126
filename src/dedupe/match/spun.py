"""Candidates for the relation `spun`: which articles a spun one may be a copy of, by their class keys.

Under the class key a word and what a spinner puts in its place are one token, so that a spun copy and its source share most of
their shingles, whatever was swapped. Only pairs with a spun side are looked for: two honest articles are never `spun`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import pairwise

import numpy as np

from dedupe.gather import begins, may_be_among, release
from dedupe.match.containment import HASH_BITS, Sketches
from dedupe.match.edges import SPUN, Edges, joined
from dedupe.match.swaps import swapped_throughout
from dedupe.match.verify import Overlaps, TextsOf, Verifier

# Jaccard of class shingles from which a spun article is the copy of another. Real spun articles and their sources stand at 0.65
# to 0.75 on average; the highest of honest pairs in 1,000 articles below 0.01. docs/despin.md has the figures.
THRESHOLD = 0.3

# Every third shingle or so survives a spinner as it was, so a copy still shares this share of the plain sketch with its source,
# and two hashes at least; two other articles share one by chance. Verification by class key decides.
_LEAST_SHARE, _LEAST_SHARED = 0.1, 2

# A hash that would propose more pairs than this is a phrase of many articles, and proposes none: where a thousand articles of
# random words counted as spun, their common phrases proposed 289 million.
_MOST_PAIRS = 1 << 16

_HASHES_AT_ONCE = 1 << 21

# Meetings of a spun article and another one in a hash that are counted at a time: 100 MB. Those of 20,000 articles that were
# all spun took 700 MB.
_MEETINGS_AT_ONCE = 1 << 22


# Generated copies are longer than their source by 0.5 to 16 %, and by up to 110 % where repair knew galleries and captions in the
# source's wording alone. Texts of one length to the word had words exchanged one by one, or numbers and names as in a template:
# no spinner's work, and read no further.
_SHORTER = 0.4


def propose_swapped(
    akin: tuple[np.ndarray, np.ndarray], n_tokens: np.ndarray, scores: np.ndarray, texts_of: TextsOf, threads: int = 1
) -> tuple[np.ndarray, np.ndarray]:
    """Return those of the pairs `akin` that are one text with words swapped all through it: one of the two may be spun."""
    a, b = to_be_read(akin, n_tokens, scores)
    swapped = swapped_throughout(a, b, texts_of, threads)
    return a[swapped], b[swapped]


def to_be_read(akin: tuple[np.ndarray, np.ndarray], n_tokens: np.ndarray, scores: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return those of the pairs `akin` whose texts tell whether words were swapped.

    `scores`: (n,) float32, NaN where an article was not judged.
    """
    a, b = akin
    wanted = ~np.isnan(scores[a]) & ~np.isnan(scores[b])
    short, long = np.minimum(n_tokens[a], n_tokens[b]), np.maximum(n_tokens[a], n_tokens[b])
    wanted &= (short < long) & (short >= _SHORTER * long)
    return a[wanted], b[wanted]


def propose_spun(sketches: Sketches, rows: np.ndarray, spun: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the pairs of `rows` (a < b) whose sketches have something in common, one of them in `spun` at least.

    Two looks at each hash of the corpus, some 4 ns each where few articles are spun: linear in the corpus, nothing where none is.
    """
    sizes = np.diff(sketches.offsets)
    wanted, suspect = np.zeros(len(sizes), bool), np.zeros(len(sizes), bool)
    wanted[rows], suspect[spun] = True, True
    suspect &= wanted
    mine = np.flatnonzero(suspect)
    if not len(mine):
        return np.empty(0, np.int64), np.empty(0, np.int64)
    hashes = np.concatenate([sketches.hashes[sketches.offsets[row] : sketches.offsets[row + 1]] for row in mine.tolist()])
    owners = np.repeat(mine, sizes[mine])
    order = np.argsort(hashes, kind="stable")
    hashes, owners = hashes[order], owners[order]
    # How many articles hold each hash: times its spun ones, so many pairs would it propose.
    holders = np.zeros(len(hashes), np.int64)
    for low, _, _ in _looked_up(sketches, wanted, hashes):
        holders += np.bincount(low, minlength=len(hashes))
    first = np.flatnonzero(begins(hashes))
    alike = np.diff(first, append=len(hashes))
    holders = np.repeat(holders[first], alike)
    few = holders * np.repeat(alike, alike) <= _MOST_PAIRS
    hashes, owners, holders = hashes[few], owners[few], holders[few]
    found = [np.empty(0, np.int64)]
    for begin, end in _blocks(owners, holders, len(sizes)):
        inside = (owners >= begin) & (owners < end)
        met, shared = np.unique(_meetings(sketches, wanted, suspect, hashes[inside], owners[inside]), return_counts=True)
        least = np.minimum(sizes[met >> 32], sizes[met & 0xFFFFFFFF])
        found.append(met[shared >= np.maximum(_LEAST_SHARED, _LEAST_SHARE * least)])
    pairs = np.sort(np.concatenate(found))
    return pairs >> 32, pairs & 0xFFFFFFFF


def _blocks(owners: np.ndarray, holders: np.ndarray, articles: int) -> Iterator[tuple[int, int]]:
    # Spun articles, from row to row, that meet about as many others as may be in memory.
    met = np.cumsum(np.bincount(owners, holders, articles))
    cuts = np.searchsorted(met, np.arange(_MEETINGS_AT_ONCE, met[-1], _MEETINGS_AT_ONCE), "right")
    yield from pairwise(np.unique([0, *cuts, articles]).tolist())


def _meetings(sketches: Sketches, wanted: np.ndarray, suspect: np.ndarray, hashes: np.ndarray, owners: np.ndarray) -> np.ndarray:
    # Of each article that holds one of these sorted hashes, and the spun one that owns it, the pair `a << 32 | b`, once for each
    # hash. Of two spun ones, that with the higher row owns it.
    met = [np.empty(0, np.int64)]
    for low, high, places in _looked_up(sketches, wanted, hashes):
        counts = high - low
        within = np.arange(counts.sum()) - np.repeat(np.cumsum(counts) - counts, counts)
        one, other = np.repeat(places, counts), owners[np.repeat(low, counts) + within]
        once = (one < other) | ~suspect[one]
        one, other = one[once], other[once]
        met.append(np.minimum(one, other) << 32 | np.maximum(one, other))
    return np.concatenate(met)


def _looked_up(sketches: Sketches, wanted: np.ndarray, hashes: np.ndarray) -> Iterator[tuple[np.ndarray, np.ndarray, np.ndarray]]:
    # For each hash of a wanted article that is among the sorted `hashes`: where it begins and ends there, and the article. Some
    # articles at a time, so that memory is theirs.
    offsets = sketches.offsets
    cuts = np.searchsorted(offsets, np.arange(0, offsets[-1] + _HASHES_AT_ONCE, _HASHES_AT_ONCE))
    for first, last in pairwise(np.unique(np.minimum([0, *cuts, len(wanted)], len(wanted))).tolist()):
        block = sketches.hashes[offsets[first] : offsets[last]]
        maybe = may_be_among(block, hashes, HASH_BITS)
        low, high = (np.searchsorted(hashes, block[maybe], side) for side in ("left", "right"))
        places = np.searchsorted(offsets, offsets[first] + maybe, "right") - 1
        hit = (high > low) & wanted[places]
        yield low[hit], high[hit], places[hit]
    release(sketches.hashes)


_NUMBER = re.compile(r"\d[\d.,]*\d\b")
# A spinner writes "12 months" for a year, "1000's" for thousands, "Nineties" for 1990s and "twentieth" for 20th: such phrases are
# no facts to tell two articles apart by, nor are numbers with letters on them.
_WORDING = re.compile(r"\b(?:12 months|24 hours|30 days|60 (?:minutes|seconds)|100 years|1000['’]s)\b")


def numbers_differ(one: str, other: str) -> bool:
    """Tell whether each of two texts holds a number that the other lacks, of two digits or more.

    Those are the facts that a spinner leaves as they are. Names and small numbers it swaps like any word, so they tell nothing.
    """
    texts = (_WORDING.sub(" ", text) for text in (one, other))
    left, right = ({number.replace(",", "") for number in _NUMBER.findall(text)} for text in texts)
    return bool(left - right) and bool(right - left)


def relate_spun(
    edges: Edges, pairs: tuple[np.ndarray, np.ndarray], spun: np.ndarray, verify: Verifier, texts_of: TextsOf
) -> tuple[Edges, int]:
    """Add the `spun` edges to the others, and return how many pairs were verified.

    `pairs`: as proposed. `spun`: (n,) bool. `verify`: by class key. A pair is `spun` from `THRESHOLD` up, or where words are
    swapped all through it that the class key does not know; if no number differs. One of a spun and an honest article is so
    whatever was found before, since swapped words make `near` and `update` of it by chance; two spun ones are only where nothing
    was found.
    """
    a, b = pairs
    known = np.isin(a << 32 | b, edges.a << 32 | edges.b)
    wanted = ~known | (spun[a] != spun[b])
    a, b = a[wanted], b[wanted]
    overlap = verify(a, b)
    enough = overlap.jaccard >= THRESHOLD
    below = np.flatnonzero(~enough & (overlap.shared > 0))
    enough[below] = swapped_throughout(a[below], b[below], texts_of, verify.threads)
    alike = np.flatnonzero(enough)
    texts = zip(texts_of(a[alike]).to_pylist(), texts_of(b[alike]).to_pylist(), strict=True)
    alike = alike[[not numbers_differ(one, other) for one, other in texts]] if len(alike) else alike
    found = Edges(
        a[alike], b[alike], np.full(len(alike), SPUN), Overlaps(*(c[alike] for c in overlap)), np.zeros(len(alike), bool)
    )
    return joined([found, edges]), len(a)
