"""The salient terms of an article: names, numbers, dates and rare words, and how rare each is."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pyarrow as pa

from dedupe.match.story_background import background
from dedupe.match.story_scan import month_table, scan, terms_of_column, upper_table
from dedupe.tokens import fold_table, string_buffers

MOST_TERMS = 128
COMMONEST = 72


class StoryTerms(NamedTuple):
    hashes: np.ndarray
    kinds: np.ndarray
    times: np.ndarray
    rarities: np.ndarray
    starts: np.ndarray
    sizes: np.ndarray
    offsets: np.ndarray


def extract_terms(column: pa.Array, languages: pa.Array | None = None) -> StoryTerms:
    data, offsets = string_buffers(column)
    if languages is None:
        names, language = ["en"], np.zeros(len(column), np.int64)
    else:
        encoded = languages.fill_null("und").dictionary_encode()
        names = encoded.dictionary.to_pylist()
        language = encoded.indices.to_numpy(zero_copy_only=False).astype(np.int64)
    room = len(column) * MOST_TERMS
    out = (
        np.empty(room, np.uint64), np.empty(room, np.uint8), np.empty(room, np.uint8), np.empty(room, np.uint8),
        np.empty(room, np.int32), np.empty(room, np.uint8),
    )
    ends = np.zeros(len(column) + 1, np.int64)
    tables = background(names)
    total = terms_of_column(
        data, offsets, fold_table(), upper_table(), *month_table(), language, *tables, MOST_TERMS, COMMONEST, *out, ends
    )
    return StoryTerms(*(a[:total].copy() for a in out), ends)


def term_hashes(column: pa.Array) -> tuple[np.ndarray, np.ndarray]:
    data, offsets = string_buffers(column)
    hashes, rows = [], []
    room = int(np.diff(offsets).max(initial=0)) // 2 + 2
    h, p, f = np.empty(room, np.uint64), np.empty((2, room), np.int32), np.empty(room, np.uint8)
    no_months = np.zeros(1024, np.uint64), np.zeros(1024, np.int64)
    for row in range(len(column)):
        count = scan(data, offsets[row], offsets[row + 1], fold_table(), upper_table(), *no_months, h, p, f)
        hashes.append(h[:count].copy())
        rows.append(np.full(count, row))
    return np.concatenate(hashes), np.concatenate(rows)
