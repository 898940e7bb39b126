"""The de-spinner's trigram language model: flat arrays for a kernel, from pocketsphinx's file or one's own ARPA file."""

from __future__ import annotations

import gzip
import hashlib
import importlib.util
import math
from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping
from functools import cached_property
from pathlib import Path
from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from dedupe.errors import UsageError

# log base 1.0001, in which Sphinx keeps its scores, to natural logarithms
_SPHINX_UNIT = math.log(1.0001)
_BINS = 1 << 16


class Tables(NamedTuple):
    """Hold a trigram model as arrays, read by the kernels; natural logarithms.

    The words before a word are looked up backwards: `row2[w]:row2[w + 1]` are the bigrams that end in `w`, sorted by the word
    before it (`left2`); `row3[i]:row3[i + 1]` the trigrams that end in bigram `i`, sorted by the word before that.
    """

    prob1: NDArray[np.float32]
    back1: NDArray[np.float32]
    row2: NDArray[np.uint32]
    left2: NDArray[np.uint32]
    prob2: NDArray[np.float32]
    back2: NDArray[np.float32]
    row3: NDArray[np.uint32]
    left3: NDArray[np.uint32]
    prob3: NDArray[np.float32]


class LanguageModel(Protocol):
    """Give what the decoder needs of a language model: its words in the order of their numbers, its tables, and its name.

    A class that has these three can take the place of the model that ships, for another language or another kind of text.
    """

    @property
    def version(self) -> str:
        """A name that changes whenever a score would."""

    def words(self) -> list[str]:
        """Return the words, lower case; a word's position is its number in the tables."""

    def tables(self) -> Tables:
        """Return the tables."""


class _FileModel(ABC):
    # A model that lies in a file, which is read once, when something of it is asked for.

    path: Path

    def words(self) -> list[str]:
        """Return the words, lower case; a word's position is its number in the tables."""
        return self._content[0]

    def tables(self) -> Tables:
        """Return the tables."""
        return self._content[1]

    @cached_property
    def _content(self) -> tuple[list[str], Tables]:
        return self._read()

    @abstractmethod
    def _read(self) -> tuple[list[str], Tables]: ...


class SphinxModel(_FileModel):
    """Read the US English trigram model that the PyPI package pocketsphinx ships (72,547 words, 2.05 and 1.67 million n-grams).

    The file is the bit-packed, quantised trie of CMU Sphinx (`ngram_model_trie.c`). It is unpacked with array operations in
    0.4 s; its own library takes 0.25 s for the queries of one article, the kernel over these arrays a hundredth of that.
    """

    def __init__(self, path: Path | None = None) -> None:
        if path is None:
            found = importlib.util.find_spec("pocketsphinx")
            if found is None or found.origin is None:
                raise UsageError("The English language model is missing.", "Install the package pocketsphinx.")
            path = Path(found.origin).parent / "model" / "en-us" / "en-us.lm.bin"
        self.path = path

    @property
    def version(self) -> str:
        """A name that changes whenever a score would."""
        return f"sphinx-{self.path.stat().st_size}"

    def _read(self) -> tuple[list[str], Tables]:
        data = self.path.read_bytes()
        magic = b"Trie Language Model"
        if not data.startswith(magic) or data[len(magic)] != 3:
            raise UsageError(f"{self.path} is not a Sphinx trie of order 3.", "Give the path of an ARPA file instead.")
        at = len(magic) + 1
        n1, n2, n3 = (int(n) for n in np.frombuffer(data, "<u4", 3, at))
        at += 16  # three counts, and the kind of quantisation
        probs2, backs2, probs3 = np.frombuffer(data, "<f4", 3 * _BINS, at).reshape(3, _BINS)
        at += 12 * _BINS
        unigrams = np.frombuffer(data, np.dtype([("prob", "<f4"), ("back", "<f4"), ("next", "<u4")]), n1 + 1, at)
        at += unigrams.nbytes
        word_bits, next_bits = n1.bit_length(), n3.bit_length()
        width2, width3 = word_bits + 32 + next_bits, word_bits + 16
        size2, size3 = ((1 + n2) * width2 + 7) // 8 + 8, ((1 + n3) * width3 + 7) // 8 + 8
        packed = np.frombuffer(data, np.uint8)
        two, three = packed[at : at + size2], packed[at + size2 : at + size2 + size3]
        at += size2 + size3
        words = data[at + 4 :].decode("utf-8").split("\0")[:n1]
        unit = np.float32(_SPHINX_UNIT)
        return words, Tables(
            unigrams["prob"][:n1] * unit,
            unigrams["back"][:n1] * unit,
            unigrams["next"].astype(np.uint32),
            _field(two, n2, width2, 0, word_bits),
            probs2[_field(two, n2, width2, word_bits + 16, 16)] * unit,
            backs2[_field(two, n2, width2, word_bits, 16)] * unit,
            _field(two, n2 + 1, width2, word_bits + 32, next_bits),
            _field(three, n3, width3, 0, word_bits),
            probs3[_field(three, n3, width3, word_bits, 16)] * unit,
        )


def _field(packed: NDArray[np.uint8], count: int, width: int, offset: int, bits: int) -> NDArray[np.uint32]:
    at = np.arange(count, dtype=np.int64) * width + offset
    first, shift = at >> 3, (at & 7).astype(np.uint64)
    value = np.zeros(count, np.uint64)
    for i in range(4):  # 7 bits of shift and 21 of value reach into four bytes
        value |= packed[first + i].astype(np.uint64) << np.uint64(8 * i)
    return ((value >> shift) & np.uint64((1 << bits) - 1)).astype(np.uint32)


class ArpaModel(_FileModel):
    """Read a trigram model from an ARPA file, plain or gzipped, as KenLM, SRILM and others write them.

    N-grams of an order above 3 are passed over. Raises UsageError where the file is not ARPA.
    """

    def __init__(self, path: Path) -> None:
        self.path = path

    @property
    def version(self) -> str:
        """A name that changes whenever a score would."""
        return "arpa-" + hashlib.sha256(self.path.read_bytes()).hexdigest()[:16]

    def _read(self) -> tuple[list[str], Tables]:
        opener = gzip.open if self.path.suffix == ".gz" else open
        with opener(self.path, "rt", encoding="utf-8", errors="replace") as lines:
            grams = _arpa_sections(lines)
        if not grams[0]:
            raise UsageError(f"{self.path} holds no \\1-grams: section.", "Give an ARPA file, as KenLM's lmplz writes it.")
        return [gram[0].lower() for gram in grams[0]], build_tables(*grams)


Grams = dict[tuple[str, ...], tuple[float, float]]


def _arpa_sections(lines: Iterable[str]) -> tuple[Grams, Grams, Grams]:
    sections: tuple[Grams, Grams, Grams] = ({}, {}, {})
    order = 0
    for line in lines:
        if line.startswith("\\"):
            name = line.strip()
            order = int(name[1]) if name.endswith("-grams:") and name[1].isdigit() else 0
        elif 1 <= order <= 3 and line.strip():
            parts = line.split()
            back = float(parts[order + 1]) if len(parts) > order + 1 else 0.0
            sections[order - 1][tuple(parts[1 : order + 1])] = (float(parts[0]) * math.log(10), back * math.log(10))
    return sections


def build_tables(one: Mapping[tuple[str, ...], tuple[float, float]], two: Grams, three: Grams) -> Tables:
    """Arrange n-grams, each with its natural log-probability and back-off, as the kernels read them."""
    number = {gram[0]: i for i, gram in enumerate(one)}
    bigrams = sorted((number[b], number[a], score) for (a, b), score in two.items() if a in number and b in number)
    place = {(left, word): i for i, (word, left, _) in enumerate(bigrams)}
    trigrams = sorted(
        (place[number[b], number[c]], number[a], score[0])
        for (a, b, c), score in three.items()
        if a in number and b in number and c in number and (number[b], number[c]) in place
    )
    ends2 = np.array([word for word, _, _ in bigrams], np.int64)
    ends3 = np.array([bigram for bigram, _, _ in trigrams], np.int64)
    return Tables(
        np.array([score[0] for score in one.values()], np.float32),
        np.array([score[1] for score in one.values()], np.float32),
        np.searchsorted(ends2, np.arange(len(one) + 1)).astype(np.uint32),
        np.array([left for _, left, _ in bigrams], np.uint32),
        np.array([score[0] for _, _, score in bigrams], np.float32),
        np.array([score[1] for _, _, score in bigrams], np.float32),
        np.searchsorted(ends3, np.arange(len(bigrams) + 1)).astype(np.uint32),
        np.array([left for _, left, _ in trigrams], np.uint32),
        np.array([score for _, _, score in trigrams], np.float32),
    )
