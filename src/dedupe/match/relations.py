"""What two articles are to each other: every verified pair gets one relation, and the evidence for it in words.

Relations that join a cluster are few and strict. A pair that contradicts itself in a fact is an `update`; one that lies in a text
which holds other articles too is `part_of`. Both keep their articles apart, also where a third article would bring them together.
"""

from __future__ import annotations

import numpy as np

from dedupe.gather import leaders
from dedupe.match.containment import CONTAINED, Proposed
from dedupe.match.edges import CONTAINED_IN, DECIDED, EXACT, NEAR, PART_OF, UPDATE, Edges
from dedupe.match.facts import contradictions
from dedupe.match.signatures import shingle_sets
from dedupe.match.verify import Overlaps, TextsOf, Verifier
from dedupe.tokens import SHINGLE_CHARACTERS, shingle_tokens, tokenize

# Fewer shingles than this say too little: a line of residue, a score, a stock phrase lies in many articles. About 27 words.
LEAST_SHINGLES = 25

# A part of a digest is an article of its own from here on; and two articles in one text are two where neither shares more
# than this share of its shingles with the other.
_LEAST_PART = 40
_DISJOINT = 0.2

# Up to this share of a digest an article is a part of it; beyond, the digest is that article with something added.
_PART_SHARE = 0.75


# An article opens with another where so many of its first shingles are the other's: some two sentences of the first five,
# since a headline, a dateline or a sentence of its own may stand before or between them.
_OPENING, _OPENING_SHARED = 100, 25


# What the evidence of an edge ends with where not all pairs of its bucket were compared.
STARRED = "; one of a bucket too large for all pairs, compared with its preferred article"


def joins_near(a: np.ndarray, b: np.ndarray, threshold: float, verify: Verifier, texts_of: TextsOf) -> np.ndarray:
    """Tell which pairs of rows are `near`: at or above the threshold, with no fact that differs. (n,) bool."""
    near = verify(a, b).jaccard >= threshold
    places = np.flatnonzero(near)
    near[places] = [not said for said in contradictions(a[places], b[places], texts_of)]
    return near


def contradicting(
    a: np.ndarray, b: np.ndarray, threshold: float, verify: Verifier, texts_of: TextsOf
) -> tuple[Edges, dict[int, str]]:
    """Return the `update`s among pairs `a < b` of large buckets that had not been compared, and the facts, as `relate` does."""
    overlap = verify(a, b)
    near = np.flatnonzero(overlap.jaccard >= threshold)
    said = contradictions(a[near], b[near], texts_of)
    places = near[np.array([bool(words) for words in said], bool)]
    facts = {int(one) << 32 | int(other): words for one, other, words in zip(a[near], b[near], said, strict=True) if words}
    found = Overlaps(*(column[places] for column in overlap))
    return Edges(a[places], b[places], np.full(len(places), UPDATE), found, np.ones(len(places), bool)), facts


def relate(
    edges: Edges, proposed: Proposed, threshold: float, verify: Verifier, texts_of: TextsOf
) -> tuple[Edges, dict[int, str]]:
    """Type the pairs at or above the threshold and those proposed as contained.

    All rows are representatives of sets of exact copies. A proposed pair that proves to be at or above the threshold is typed
    like one that the bands found. Returns the typed pairs, and which fact differs for each `update`, under the key `a << 32 | b`.
    """
    a, b, overlap, star = edges.a, edges.b, edges.overlap, edges.star
    a, b, overlap, star = _with_contained(a, b, overlap, star, proposed, threshold, verify)
    said = contradictions(a, b, texts_of)
    differs = np.array([bool(words) for words in said], bool)
    jaccard = overlap.jaccard
    relation = np.where(jaccard >= threshold, NEAR, CONTAINED_IN).astype(np.int8)
    relation[differs] = UPDATE
    # From here on: which article lies in which, by pairs that contradict each other in nothing.
    swap = (overlap.size_a > overlap.size_b) | ((overlap.size_a == overlap.size_b) & (a > b))
    small, large = np.where(swap, b, a), np.where(swap, a, b)
    size, whole = np.minimum(overlap.size_a, overlap.size_b), np.maximum(overlap.size_a, overlap.size_b)
    held = ~differs & (overlap.shared >= CONTAINED * size) & (size < whole) & (size >= LEAST_SHINGLES)
    share = overlap.shared / np.maximum(whole, 1)
    parts = held & (share < _PART_SHARE) & (size >= _LEAST_PART)
    digests = _digests(small[parts], large[parts], size[parts], whole[parts], verify)
    relation[held & (share < _PART_SHARE) & np.isin(large, digests)] = PART_OF
    loose = np.flatnonzero(relation == CONTAINED_IN)
    shared_matter = _shared_matter(small[loose], large[loose], size[loose], whole[loose], verify)
    loose = loose[np.isin(small[loose], shared_matter)]
    relation[loose[~_opens_with(large[loose], small[loose], texts_of)]] = PART_OF
    facts = {int(a[at]) << 32 | int(b[at]): said[at] for at in np.flatnonzero(differs)}
    return Edges(a, b, relation, overlap, star), facts


def _with_contained(
    a: np.ndarray, b: np.ndarray, overlap: Overlaps, star: np.ndarray, proposed: Proposed, threshold: float, verify: Verifier
) -> tuple[np.ndarray, np.ndarray, Overlaps, np.ndarray]:
    low, high = np.minimum(proposed.small, proposed.large), np.maximum(proposed.small, proposed.large)
    new = ~np.isin(low << 32 | high, a << 32 | b)
    low, high = low[new], high[new]
    found = verify(low, high)
    smaller = np.minimum(found.size_a, found.size_b)
    good = (found.shared >= CONTAINED * smaller) & (smaller >= LEAST_SHINGLES) | (found.jaccard >= threshold)
    a, b = np.concatenate([a, low[good]]), np.concatenate([b, high[good]])
    star = np.concatenate([star, np.zeros(int(good.sum()), bool)])
    columns = [np.concatenate([one, other[good]]) for one, other in zip(overlap, found, strict=True)]
    order = np.lexsort((b, a))
    return a[order], b[order], Overlaps(*(column[order] for column in columns)), star[order]


def _digests(small: np.ndarray, large: np.ndarray, size: np.ndarray, whole: np.ndarray, verify: Verifier) -> np.ndarray:
    # Rows that hold two articles which do not overlap, or hold a row that does. All parts are compared with the largest one,
    # so that a hundred abridged copies of one article cost a hundred comparisons; they share its lead, and make no digest of
    # it.
    rest, hub = _beside_largest(large, size, small)
    shared = verify(small[rest], small[hub]).shared
    digests = set(large[rest[shared < _DISJOINT * size[rest]]].tolist())
    for at in np.argsort(whole, kind="stable").tolist():
        if int(small[at]) in digests:
            digests.add(int(large[at]))
    return np.fromiter(digests, np.int64, len(digests))


def _shared_matter(small: np.ndarray, large: np.ndarray, size: np.ndarray, whole: np.ndarray, verify: Verifier) -> np.ndarray:
    # Rows whose text lies in two articles that have nothing else in common: a statement both quote, or residue. It is part of
    # both and a copy of neither, unless it is what they open with: then both are longer versions of it.
    rest, hub = _beside_largest(small, whole, large)
    shared = verify(large[rest], large[hub]).shared
    beyond = shared - size[rest] < _DISJOINT * (whole[rest] - size[rest])
    return np.unique(small[rest[beyond]])


def _beside_largest(group: np.ndarray, size: np.ndarray, row: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    # Places of the pairs of each group but its largest, and of that one for each of them; of equally large ones it is the first
    # row.
    order = np.lexsort((row, -size, group))
    hub = leaders(group[order])
    rest = np.flatnonzero(hub != np.arange(len(hub)))
    return order[rest], order[hub[rest]]


def _opens_with(large: np.ndarray, small: np.ndarray, texts_of: TextsOf) -> np.ndarray:
    if not len(large):
        return np.zeros(0, bool)
    rows, places = np.unique(np.concatenate([large, small]), return_inverse=True)
    texts = texts_of(rows)
    tokens, (shingles, offsets) = tokenize(texts), shingle_sets(texts)
    opens = np.empty(len(large), bool)
    opening = np.empty(_OPENING + SHINGLE_CHARACTERS, np.uint64)
    for pair, (one, other) in enumerate(zip(places[: len(large)].tolist(), places[len(large) :].tolist(), strict=True)):
        begin, end = int(tokens.offsets[one]), int(tokens.offsets[one + 1])
        count = shingle_tokens(tokens.hashes[begin:end], min(end - begin, len(opening)), opening)
        opens[pair] = np.isin(opening[:count], shingles[offsets[other] : offsets[other + 1]]).sum() >= _OPENING_SHARED
    return opens


def evidence(
    a: np.ndarray,
    b: np.ndarray,
    relation: np.ndarray,
    overlap: Overlaps,
    star: np.ndarray,
    representative: np.ndarray,
    facts: dict[int, str],
    deciders: dict[int, str] | None = None,
) -> list[str]:
    """Say in words what each relation rests on, one sentence a pair; of a `story` the stories say it.

    `representative`: (n,) the row that stands for each article's exact copies, under which `facts` are kept. `deciders`: who
    decided, for each `decided` pair, under the key `low << 32 | high` of its own rows.
    """
    one, other = representative[a], representative[b]
    keys = (np.minimum(one, other) << 32 | np.maximum(one, other)).tolist()
    columns = zip(
        relation.tolist(), *(column.tolist() for column in overlap), star.tolist(), keys, (one > other).tolist(), strict=True
    )
    said = [
        _sentence(kind, size_a, size_b, shared, facts_turned(facts.get(key, ""), turned)) + (STARRED if starred else "")
        for kind, size_a, size_b, shared, starred, key, turned in columns
    ]
    for at in np.flatnonzero(relation == DECIDED).tolist():
        low, high = sorted((int(a[at]), int(b[at])))
        said[at] = f"{(deciders or {})[low << 32 | high]}; {said[at]}"
    return said


def _sentence(kind: int, size_a: int, size_b: int, shared: int, fact: str) -> str:
    small, large = min(size_a, size_b), max(size_a, size_b)
    if kind == EXACT:
        return "the same text after folding"
    if kind == UPDATE:
        return f"{fact}; {shared:,} of {size_a + size_b - shared:,} shingles shared"
    if kind == CONTAINED_IN:
        return f"{shared:,} of {small:,} shingles lie in the longer one, which has {large:,}"
    if kind == PART_OF:
        return f"{shared:,} of {small:,} shingles lie in one of {large:,} that holds other articles too"
    return f"{shared:,} of {size_a + size_b - shared:,} shingles shared"


def facts_turned(fact: str, turned: bool) -> str:
    """Return the two facts of an `update`, the other one first where they are to be `turned`."""
    if not turned or not fact:
        return fact
    first, second = fact.split(" against ", 1)
    return f"{second} against {first}"
