"""The salient terms of an article: names, numbers, dates and rare words, and how rare each is in its language and in the run.

An event is told by who and where (the cast: names) and by what is done, said and counted (the action: words, numbers, dates).
News tells it first, so terms are those of the lead; that also makes long and short articles comparable.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from dedupe.match.story_background import background
from dedupe.match.story_collect import terms_of_column
from dedupe.match.story_scan import hash_column, month_table, upper_table
from dedupe.tokens import fold_table, string_buffers

# Words of the lead that terms are taken from, headline included. On stories-dev 120 to 400 and all words do alike; on newspaper
# articles 300 words make a third fewer pairs that are months apart at equal recall of those of one day than whole texts do.
LEAD_WORDS = 300
MOST_TERMS = 128

# A word that makes up more than 1 in 1,300 of its language's words tells no event.
COMMONEST = 72

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
        """Return the terms of `rows`, in that order. Rows in a row are copied as one: most of a column costs a third so."""
        if not len(rows):
            return self.slice(0, 0)
        ends = np.append(np.flatnonzero(np.diff(rows) != 1) + 1, len(rows))
        begins, stops = self.offsets[rows[np.append(0, ends[:-1])]], self.offsets[rows[ends - 1] + 1]
        runs = list(zip(begins.tolist(), stops.tolist(), strict=True))
        offsets = np.concatenate([[0], np.cumsum(np.diff(self.offsets)[rows])]).astype(np.int64)
        return StoryTerms._make([*(np.concatenate([column[begin:end] for begin, end in runs]) for column in self[:-1]), offsets])

    def slice(self, start: int, stop: int) -> StoryTerms:
        """Return the terms of the rows `start:stop`, as views."""
        offsets = self.offsets[start : stop + 1]
        return StoryTerms._make([*(column[offsets[0] : offsets[-1]] for column in self[:-1]), offsets - offsets[0]])

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
