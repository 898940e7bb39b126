"""Lines learned from the run: what one publisher repeats in articles that otherwise differ is residue.

Learned are only lines that read like residue: that hold a word of address or advertisement to the reader (a cue). Headings,
names, quotations, questions and the template sentences of short reports recur as well, and are the article's own; they are
never counted.

Counting is a partial aggregate for each batch; partials merge in any order into the same table, and memory is bounded: of a
publisher with more than `MOST_LINES` such lines only the articles are kept whose hash ends in d zero bits, with the smallest d
that fits. Each partial's d is at most the union's, so that what is kept depends on the articles alone.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from dedupe.repair.ledger import Draft
from dedupe.repair.line_hashes import (
    BINS,
    BODY,
    FIRST,
    LEAST_BYTES,
    STRONG,
    cue_table,
    find_hashes,
    fold_table,
    learn_lines,
    mix_hash,
    opening_table,
)
from dedupe.repair.line_removal import remove_spans
from dedupe.schema import RESIDUE
from dedupe.tokens import string_buffers

RULE = "R200"
MOST_LINES = 32_768  # of a publisher: some 8,000 articles, enough to find a line that stands in one of 500 of them
SAMPLE = 64  # articles of a line that are compared with each other

# The bars: articles that otherwise differ, and share of the publisher's articles; they hold for 5 articles and for 5 million.
LEAST_CONTEXTS = 3
NOBODYS_CONTEXTS = 5  # where neither publisher nor URL is known; of 6,000 such articles of 129 publishers 23 lines, all residue
LEAST_SHARE = 0.0005
SAME_BINS = 4  # of eight: copies of one article with Jaccard 0.6 agree in four with probability 0.83, others with 0.1 in 0.005

_STRONG_WORDS = (
    "newsletter newsletters subscribe subscribers subscribing subscription inbox podcast podcasts app copyright columnist "
    "columnists editor editors correspondent contributor contributors homepage website http https www com org tips "
    "unsubscribe email mail twitter facebook instagram youtube linkedin whatsapp telegram flipboard click clicking "
    "tap advertisement sponsored transcripts republished reprinted syndicate syndicated author bio commentary columns "
    "comments airs weeknights livestream coverage donate donation membership playlist spotify "
    "itunes cookies privacy rss"
)
_FIRST_WORDS = (
    "follow read watch listen get join visit contact support share send see check click tune download sign subscribe like "
    "view more for want"
)
# Words of reports: a sentence with one of them may recur and still be news.
_BODY_WORDS = (
    "said says say told asked declined respond responded responding reply replied denied police sheriff officers arrested "
    "charged suspect anyone investigation shooting crash according statement spokesman spokeswoman spokesperson he she i "
    "they tweeted wrote court killed died weather temperatures winds percent voters poll"
)


def _cue_words() -> dict[str, int]:
    cues: dict[str, int] = {}
    for words, bit in ((_STRONG_WORDS, STRONG), (_FIRST_WORDS, FIRST), (_BODY_WORDS, BODY)):
        for word in words.split():
            cues[word] = cues.get(word, 0) | int(bit)
    return cues


@cache
def _cues() -> tuple[NDArray[np.uint64], NDArray[np.uint8]]:
    return cue_table(_cue_words())


@cache
def _owner_hash(name: str) -> int:
    # 0 is a row to pass over.
    return int.from_bytes(hashlib.blake2b(name.encode(), digest_size=8).digest(), "little") | 1


def owner_names(batch: pa.RecordBatch) -> pa.StringArray:
    """Name who answers for each article: its publisher, else the host of its URL, else nobody (empty)."""
    publisher = pc.utf8_trim_whitespace(batch.column("publisher").fill_null(""))
    unknown = pc.equal(publisher, "")
    # Where all name their publisher no URL is read: a microsecond each.
    hosts = pc.struct_field(
        pc.extract_regex(
            batch.column("url").filter(unknown), r"^(?:[a-zA-Z][a-zA-Z0-9+.-]*:)?//(?:[^/@]*@)?(?:www\.)?(?P<host>[^/:?#]+)"
        ),
        "host",
    )
    return pc.replace_with_mask(publisher, unknown, pc.utf8_lower(hosts.fill_null("")))


def _owners(batch: pa.RecordBatch) -> tuple[list[str], NDArray[np.uint64], NDArray[np.int64]]:
    encoded = owner_names(batch).dictionary_encode()
    names = encoded.dictionary.to_pylist()
    hashes = np.array([_owner_hash(name) for name in names] or [0], np.uint64)
    indices = encoded.indices.to_numpy(zero_copy_only=False).astype(np.int64)
    return names, hashes[indices], indices


@dataclass
class _Publisher:
    """Hold what is counted of one publisher: its articles, and a row for each line of each."""

    articles: int = 0
    depth: int = 0
    lines: NDArray[np.uint64] = field(default_factory=lambda: np.zeros((0, 3), np.uint64))  # hash of line, of article, signature

    def add(self, other: _Publisher) -> _Publisher:
        both = _Publisher(self.articles + other.articles, max(self.depth, other.depth), np.concatenate([self.lines, other.lines]))
        both.lines = both.kept()
        while len(both.lines) > MOST_LINES and both.depth < 63:
            both.depth += 1
            both.lines = both.kept()
        return both

    def kept(self) -> NDArray[np.uint64]:
        if not self.depth:
            return self.lines
        kept: NDArray[np.uint64] = self.lines[self.lines[:, 1] & np.uint64((1 << self.depth) - 1) == 0]
        return kept


@dataclass
class LineCounts:
    """Count, for each publisher, the articles and contexts of each line that can be learned.

    `merge` is associative and commutative, and changes neither side: same articles, same table.
    """

    publishers: dict[str, _Publisher] = field(default_factory=dict)
    texts: dict[int, str] = field(default_factory=dict)

    @classmethod
    def of(cls, batch: pa.RecordBatch) -> LineCounts:
        """Count a batch with the columns text, publisher and url."""
        names, owners, indices = _owners(batch)
        data, offsets = string_buffers(batch.column("text"))
        room = 1 + int(offsets[-1] - offsets[0]) // LEAST_BYTES + len(batch)
        rows, spans = np.empty(room, np.int64), np.empty((room, 2), np.int64)
        hashes, signatures = np.empty(room, np.uint64), np.empty(room, np.uint64)
        articles = np.zeros(len(batch), np.uint64)
        count = learn_lines(data, offsets, owners, fold_table(), *_cues(), rows, spans, hashes, signatures, articles)
        # A line that an article holds twice counts once.
        order = np.lexsort((hashes[:count], rows[:count]))
        same = (np.diff(rows[order]) == 0) & (np.diff(hashes[order]) == 0)
        first = order[np.concatenate(([True], ~same))] if count else order
        rows, spans, hashes, signatures = rows[first], spans[first], hashes[first], signatures[first]
        counts = cls()
        lines = np.stack([hashes, articles[rows], signatures], axis=1)
        of_line, totals = indices[rows], np.bincount(indices, minlength=len(names))
        for number, name in enumerate(names):
            held = _Publisher(int(totals[number]), 0, lines[of_line == number])
            counts.publishers[name] = held.add(_Publisher())
        # Hashes fold case and punctuation: of several spellings the first in order is shown, however the articles are batched.
        view = data.data
        spelled: dict[int, bytes] = {}
        starts = offsets[rows, np.newaxis] + spans
        for line, (begin, end) in zip(hashes.tolist(), starts.tolist(), strict=True):
            text = bytes(view[begin:end])
            spelled[line] = min(text, spelled.get(line, text))
        counts.texts = {line: text.decode() for line, text in spelled.items()}
        return counts

    def as_arrays(self) -> tuple[list[Any], dict[str, NDArray[Any]]]:
        """Return the counts as plain values and arrays, for a file; `of_arrays` reads them."""
        held = list(self.publishers.values())
        lines = np.concatenate([np.zeros((0, 3), np.uint64), *(one.lines for one in held)])
        told = [(name, one.articles, one.depth, len(one.lines)) for name, one in self.publishers.items()]
        return [told, list(self.texts.values())], {"lines": lines, "spelled": np.array(list(self.texts), np.uint64)}

    @classmethod
    def of_arrays(cls, told: list[Any], arrays: Mapping[str, NDArray[Any]]) -> LineCounts:
        """Return what `as_arrays` has written."""
        counts, begin = cls(), 0
        for name, articles, depth, size in told[0]:
            counts.publishers[name] = _Publisher(articles, depth, arrays["lines"][begin : begin + size])
            begin += size
        counts.texts = dict(zip(arrays["spelled"].tolist(), told[1], strict=True))
        return counts

    def merge(self, other: LineCounts) -> LineCounts:
        """Return the counts of both."""
        publishers = dict(self.publishers)
        for name, counted in other.publishers.items():
            publishers[name] = publishers[name].add(counted) if name in publishers else counted
        texts = self.texts | other.texts
        for line in self.texts.keys() & other.texts.keys():
            texts[line] = min(self.texts[line], other.texts[line])
        return LineCounts(publishers, texts)

    def finish(self) -> pa.Table:
        """Return the learned lines as a table of schema RESIDUE, sorted by publisher, then most frequent first."""
        learned = [
            (name, line, self.texts[line], articles, contexts)
            for name, counted in self.publishers.items()
            for line, articles, contexts in _learned(counted, LEAST_CONTEXTS if name else NOBODYS_CONTEXTS)
        ]
        learned.sort(key=lambda row: (row[0], -row[3], row[2], row[1]))
        rows = [dict(zip(RESIDUE.names, (name, _signed(line), *rest), strict=True)) for name, line, *rest in learned]
        return pa.Table.from_pylist(rows, RESIDUE)


def _learned(counted: _Publisher, least: int) -> list[tuple[int, int, int]]:
    lines = counted.lines[np.lexsort((counted.lines[:, 2], counted.lines[:, 1], counted.lines[:, 0]))]
    if not len(lines):
        return []
    starts = np.flatnonzero(np.concatenate(([True], lines[1:, 0] != lines[:-1, 0])))
    sizes = np.diff(np.append(starts, len(lines)))
    scale = 1 << counted.depth
    found = []
    for start, size in zip(starts[sizes >= least].tolist(), sizes[sizes >= least].tolist(), strict=True):
        if size * scale < LEAST_SHARE * counted.articles:
            continue
        sample = lines[start : start + min(size, SAMPLE), 2]
        differing = _contexts(sample)
        if differing >= least:
            found.append((int(lines[start, 0]), size * scale, int(differing * size * scale / len(sample))))
    return found


def _contexts(signatures: NDArray[np.uint64]) -> float:
    """Return the effective number of articles that otherwise differ: n² over the ordered pairs that are alike (inverse Simpson).

    Forty copies of one article with 5 % of their words changed are 1.2; counted one by one against those before, they would be 4.
    """
    bins = np.stack([(signatures >> np.uint64(8 * b)).astype(np.uint8) for b in range(BINS)], axis=1)
    alike = (bins[:, None, :] == bins[None, :, :]).sum(axis=2) >= SAME_BINS
    return float(len(bins) ** 2 / np.count_nonzero(alike))


def _signed(value: int) -> int:
    return value - (1 << 64) if value >= 1 << 63 else value


class RepeatedLines:
    """Find the learned lines in articles, and remove them."""

    def __init__(self, table: pa.Table) -> None:
        self._slots = 1 << max(4, (4 * table.num_rows).bit_length())
        self._known = np.zeros(self._slots, np.uint64)
        self._openings = opening_table(table.column("line").to_pylist())
        self._evidence: dict[int, str] = {}
        self._publishers = set(table.column("publisher").to_pylist())
        self._rows: dict[int, int] = {}
        for number, row in enumerate(table.to_pylist()):
            key = mix_hash((row["line_hash"] & 0xFFFFFFFFFFFFFFFF) ^ _owner_hash(row["publisher"]))
            slot = key % self._slots
            while self._known[slot]:
                slot = (slot + 1) % self._slots
            self._known[slot] = key
            self._evidence[slot] = f"line of {row['publisher'] or 'nobody known'} in {row['articles']:,} articles"
            self._rows[slot] = number

    def screen(self, batch: pa.RecordBatch) -> NDArray[np.bool_]:
        """Say for each article whether it holds a learned line of its publisher."""
        fired = np.zeros(len(batch), np.bool_)
        if self._evidence:
            names, owners, indices = _owners(batch)
            taught = np.array([name in self._publishers for name in names] or [False])
            data, offsets = string_buffers(batch.column("text"))
            self._find(data, offsets, np.where(taught[indices], owners, np.uint64(0)), fired, np.zeros((0, 3), np.int64))
        return fired

    def held(self, batch: pa.RecordBatch) -> dict[int, str]:
        """Return which learned lines stand in texts of their publishers, by row of the table, each as one of the texts has it."""
        found: dict[int, str] = {}
        batch = batch.filter(pa.array(self.screen(batch)))
        _, owners, _ = _owners(batch)
        data, offsets = string_buffers(batch.column("text"))
        spans = np.zeros((1 + np.count_nonzero(data == 0x0A), 3), np.int64)
        for row in range(len(batch)):
            count = self._find(data, offsets[row : row + 2], owners[row : row + 1], np.zeros(1, np.bool_), spans)
            for begin, end, slot in spans[:count].tolist():
                line = data[offsets[row] + begin : offsets[row] + end].tobytes().decode()
                found[self._rows[slot]] = min(line, found.get(self._rows[slot], line))
        return found

    def remove(self, draft: Draft, publisher: str) -> None:
        """Remove the learned lines of a publisher (as `owner_names` names it) from the draft's text."""
        text = draft.text
        blob = text.encode("utf-8", "surrogatepass")
        data, offsets = np.frombuffer(blob, np.uint8), np.array([0, len(blob)], np.int64)
        spans = np.zeros((1 + text.count("\n"), 3), np.int64)
        count = self._find(data, offsets, np.array([_owner_hash(publisher)], np.uint64), np.zeros(1, np.bool_), spans)
        if count:
            slots = spans[:count, 2].tolist()
            found = np.ascontiguousarray(spans[:count, :2])
            remove_spans(draft, blob, found, np.zeros(count, np.int64), [RULE], [self._evidence[slot] for slot in slots])

    def _find(
        self,
        data: NDArray[np.uint8],
        offsets: NDArray[np.int64],
        owners: NDArray[np.uint64],
        fired: NDArray[np.bool_],
        spans: NDArray[np.int64],
    ) -> int:
        return int(find_hashes(data, offsets, owners, fold_table(), self._openings, self._known, fired, spans))
