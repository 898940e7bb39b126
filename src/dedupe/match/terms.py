"""The salient terms of an article: names, numbers, dates and rare words, and how rare each is in its language and in the run.

An event is told by who and where (the cast: names) and by what is done, said and counted (the action: words, numbers, dates).
News tells it first, so terms are those of the lead; that also makes long and short articles comparable.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numba import njit

from dedupe.match.story_background import RARITY_STEP, background
from dedupe.match.story_collect import terms_of_column
from dedupe.match.story_scan import hash_column, month_table, upper_table
from dedupe.tokens import fold_table, string_buffers

# Words of the lead that terms are taken from, headline included. On stories-dev 120 to 400 and all words do alike; on newspaper
# articles 300 words make a third fewer pairs that are months apart at equal recall of those of one day than whole texts do.
LEAD_WORDS = 300
MOST_TERMS = 128

# A word that makes up more than 1 in 1,300 of its language's words tells no event.
COMMONEST = 72

# The background counts as much as so many articles of the run: it decides for small runs and fades in large ones.
BACKGROUND_ARTICLES = 100_000

# A term in fewer than 1 of 1,000 articles is no rarer for it: else weight would hang on misspellings, and the name that twenty
# articles share, since they report on its bearer, would count less than one that stands in two.
RAREST_SHARE = 1e-3

_KINDS = (np.uint64, np.uint8, np.uint8, np.int32, np.uint8, np.uint32)


class StoryTerms(NamedTuple):
    """Hold the terms of a column: article `i` has terms `offsets[i]:offsets[i + 1]`, sorted by hash.

    `kinds`: NAME, NAMES (two in a row), NUMBER, DATE or WORD of `story_scan`. `rarities`: -ln of the term's share of the words
    of its language, in steps of 0.1. `starts`, `sizes`: bytes of its first occurrence in the text.
    `passages`: hash of the long line that holds it, 0 for a short one.
    """

    hashes: np.ndarray
    kinds: np.ndarray
    rarities: np.ndarray
    starts: np.ndarray
    sizes: np.ndarray
    passages: np.ndarray
    offsets: np.ndarray

    def take(self, rows: np.ndarray) -> StoryTerms:
        """Return the terms of `rows`, in that order."""
        places = ranges(self.offsets, rows)
        offsets = np.concatenate([[0], np.cumsum(np.diff(self.offsets)[rows])]).astype(np.int64)
        return StoryTerms._make([*(column[places] for column in self[:-1]), offsets])

    @staticmethod
    def concatenate(parts: list[StoryTerms]) -> StoryTerms:
        """Join the terms of several columns."""
        columns = [np.concatenate(column) for column in zip(*(part[:-1] for part in parts), strict=True)]
        sizes = np.concatenate([np.diff(part.offsets) for part in parts])
        return StoryTerms._make([*columns, np.concatenate([[0], np.cumsum(sizes)]).astype(np.int64)])


def ranges(offsets: np.ndarray, rows: np.ndarray) -> np.ndarray:
    """Return the numbers of `offsets[row]:offsets[row + 1]` for all `rows`, one after the other."""
    sizes = np.diff(offsets)[rows]
    ends = np.cumsum(sizes)
    places: np.ndarray = np.arange(sizes.sum()) + np.repeat(offsets[rows] - ends + sizes, sizes)
    return places


def story_texts(titles: pa.Array, texts: pa.Array) -> pa.Array:
    """Join headlines to texts, a line each: what `extract_terms` and `evidence` are to be given."""
    return pc.binary_join_element_wise(titles.fill_null(""), texts.fill_null(""), "\n")


def extract_terms(column: pa.Array, languages: pa.Array | None = None) -> StoryTerms:
    """Extract the terms of a string column; `languages` are BCP-47 codes, null or `und` where unknown."""
    data, offsets = string_buffers(column)
    names, language = ["und"], np.zeros(len(column), np.int64)
    if languages is not None and len(column):
        encoded = languages.fill_null("und").dictionary_encode()
        names = encoded.dictionary.to_pylist()
        language = encoded.indices.to_numpy(zero_copy_only=False).astype(np.int64)
    room = len(column) * MOST_TERMS
    out = [np.empty(room, kind) for kind in _KINDS]
    ends = np.zeros(len(column) + 1, np.int64)
    tables = (fold_table(), upper_table(), *month_table(), language, *background(names))
    total = terms_of_column(*(data, offsets, *tables, LEAD_WORDS, MOST_TERMS, COMMONEST, *out, ends))
    return StoryTerms._make([*(column[:total].copy() for column in out), ends])


def term_hashes(words: pa.Array) -> tuple[np.ndarray, np.ndarray]:
    """Return the hashes of all single-word terms in `words`, and the row that each comes from."""
    data, offsets = string_buffers(words)
    room = int(offsets[-1] - offsets[0]) // 2 + 2 * len(offsets)
    hashes, rows = np.empty(room, np.uint64), np.empty(room, np.int64)
    longest = int(np.diff(offsets).max(initial=0)) // 2 + 2
    count = hash_column(data, offsets, fold_table(), upper_table(), longest, hashes, rows)
    return hashes[:count], rows[:count]


@njit(cache=True, nogil=True)
def _count(hashes):  # type: ignore[no-untyped-def]
    # A table of slots that doubles, since sorting all terms of a run costs more. Hash and count lie side by side: one look at
    # memory for each term, not three.
    size, distinct = 1 << 12, 0
    table = np.zeros((size, 2), np.uint64)
    for at in range(len(hashes)):
        slot = np.int64(hashes[at] >> np.uint64(8)) & (size - 1)
        while table[slot, 0] != 0 and table[slot, 0] != hashes[at]:
            slot = (slot + 1) & (size - 1)
        table[slot, 1] += np.uint64(1)
        if table[slot, 0] != 0:
            continue
        table[slot, 0] = hashes[at]
        distinct += 1
        if 2 * distinct > size:
            small, size = table, 2 * size
            table = np.zeros((size, 2), np.uint64)
            for row in range(len(small)):
                slot = np.int64(small[row, 0] >> np.uint64(8)) & (size - 1)
                while small[row, 0] != 0 and table[slot, 0] != 0:
                    slot = (slot + 1) & (size - 1)
                if small[row, 0] != 0:
                    table[slot] = small[row]
    return table[table[:, 0] != 0]


@dataclass
class TermCounts:
    """Count the articles that hold each term: a partial aggregate, merged in any order.

    `hashes` are sorted. Memory is 12 bytes a distinct term, some twenty an article.
    """

    articles: int = 0
    hashes: np.ndarray = field(default_factory=lambda: np.empty(0, np.uint64))
    counts: np.ndarray = field(default_factory=lambda: np.empty(0, np.int32))

    @classmethod
    def of(cls, terms: StoryTerms) -> TermCounts:
        """Count a batch."""
        table = _count(terms.hashes)
        hashes, counts = table[np.argsort(table[:, 0])].T
        return cls(len(terms.offsets) - 1, np.ascontiguousarray(hashes), counts.astype(np.int32))

    def merge(self, other: TermCounts) -> TermCounts:
        """Return the counts of both; neither is changed."""
        hashes, place = np.unique(np.concatenate([self.hashes, other.hashes]), return_inverse=True)
        counts = np.bincount(place, np.concatenate([self.counts, other.counts]), len(hashes)).astype(np.int32)
        return TermCounts(self.articles + other.articles, hashes, counts)

    def finish(self) -> pa.Table:
        """Return the terms of two or more articles as a table `term_hash`, `articles`, for the index; 1 is said by absence."""
        several = self.counts > 1
        return pa.table(
            {"term_hash": self.hashes[several].view(np.int64), "articles": self.counts[several]},
            schema=pa.schema([("term_hash", pa.int64()), ("articles", pa.int32())], {"articles": str(self.articles)}),
        )

    @classmethod
    def load(cls, table: pa.Table) -> TermCounts:
        """Read what `finish` returned."""
        hashes = table["term_hash"].to_numpy().view(np.uint64)
        return cls(int(table.schema.metadata[b"articles"]), hashes, table["articles"].to_numpy())


@njit(cache=True, nogil=True)
def _weigh(hashes, rarities, known, counts, table, expected, articles, numbers, weights):  # type: ignore[no-untyped-def]
    mask = np.uint64(len(table) - 1)
    for row in range(len(known)):
        slot = (known[row] >> np.uint64(8)) & mask
        while table[slot] >= 0:
            slot = (slot + np.uint64(1)) & mask
        table[slot] = row
    alone = np.empty(len(expected), np.float32)
    for rarity in range(len(expected)):
        alone[rarity] = -np.log(min(1.0, max(RAREST_SHARE, (1 + expected[rarity]) / articles)))
    # Most terms are of one rarity wherever they stand: a logarithm a term of the run, not one an occurrence.
    last, weight = np.full(len(known), -1, np.int16), np.empty(len(known), np.float32)
    for at in range(len(hashes)):
        slot = (hashes[at] >> np.uint64(8)) & mask
        while table[slot] >= 0 and known[table[slot]] != hashes[at]:
            slot = (slot + np.uint64(1)) & mask
        number, rarity = table[slot], rarities[at]
        numbers[at] = number
        if number < 0:
            weights[at] = alone[rarity]
            continue
        if last[number] != rarity:
            last[number] = rarity
            weight[number] = -np.log(min(1.0, max(RAREST_SHARE, (counts[number] + expected[rarity]) / articles)))
        weights[at] = weight[number]


def weigh(terms: StoryTerms, counts: TermCounts) -> tuple[np.ndarray, np.ndarray]:
    """Return the weight of each term, -ln of the share of articles expected to hold it, and its number in the run.

    The share is that of the run, with the language's background added as if it were `BACKGROUND_ARTICLES` more. Weights are
    float32. Numbers, int32, go up with the hashes and are those of the terms that two or more articles hold; -1 for the others.
    """
    several = counts.counts > 1
    known = counts.hashes[several]
    table = np.full(1 << max(4, (2 * len(known)).bit_length()), -1, np.int32)
    expected = -BACKGROUND_ARTICLES * np.expm1(-LEAD_WORDS * np.exp(-RARITY_STEP * np.arange(256)))
    numbers, weights = np.empty(len(terms.hashes), np.int32), np.empty(len(terms.hashes), np.float32)
    articles = counts.articles + BACKGROUND_ARTICLES
    _weigh(terms.hashes, terms.rarities, known, counts.counts[several], table, expected, articles, numbers, weights)
    return weights, numbers
