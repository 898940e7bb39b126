"""The words that the decoder can score: those of the language model, and those of the lexicon that it does not know."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping

import numpy as np
from numpy.typing import NDArray

from dedupe.cache import cached_arrays
from dedupe.repair.spin.language_model import LanguageModel, Tables

_NUMBERS = (
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen "
    "seventeen eighteen nineteen twenty"
).split()

# Natural logarithms. Of words that the model and wordfreq both know, the model's probability is 0.5 times wordfreq's (median; 0.3
# for the rarest). A word that neither knows must cost more than any that one of them does.
_WORDFREQ_OFFSET = -0.7
_RAREST = -17.0
_UNKNOWN = -16.0
_NUMBER = -8.0


class Vocabulary:
    """Number the words of a text as the kernels take them; a word may be several of the model's (a hyphen, a possessive).

    `unigrams` continues the model's with the words it does not know, at the frequency that wordfreq gives them, so that an
    unknown original can be weighed against a known variant. Words that neither knows share one number.
    """

    def __init__(self, model: LanguageModel) -> None:
        words, tables = _load(model)
        self.model_version = model.version
        self._numbers: dict[str, tuple[int, ...]] = {word: (i,) for i, word in enumerate(words)}
        self._extra: dict[str, float] = {}
        self._base = len(words)
        self.begin, self.end = self._numbers["<s>"][0], self._numbers["</s>"][0]
        self._unknown = self._add("\0unknown", _UNKNOWN)
        self._number = self._add("\0number", _NUMBER)
        # An acronym that is spelled like a pronoun; see read_words.
        self._numbers["u.s."] = self.of("united") + self.of("states")
        self._tables = tables
        self._arrays: Tables | None = None

    def _add(self, word: str, value: float) -> tuple[int, ...]:
        self._numbers[word] = (self._base + len(self._extra),)
        self._extra[word] = value
        self._arrays = None
        return self._numbers[word]

    @property
    def extra(self) -> dict[str, float]:
        """The words that were added to the model's, each with its log-probability."""
        return {word: value for word, value in self._extra.items() if word[0] != "\0"}

    def of(self, word: str) -> tuple[int, ...]:
        """Return the numbers of a folded word; never empty."""
        numbers = self._numbers.get(word)
        if numbers is not None:
            return numbers
        if word[0] in "$€£0123456789":
            if word.isdigit() and len(word) < 3 and int(word) < len(_NUMBERS):
                return self._numbers.get(_NUMBERS[int(word)], self._number)
            return self._number
        if word.endswith("'s") and len(word) > 2:
            return self.of(word[:-2]) + self._numbers.get("'s", ())
        if "-" in word.strip("-"):
            return tuple(number for part in word.split("-") if part for number in self.of(part))
        return self._unknown

    def knows(self, word: str) -> bool:
        """Tell whether a folded word has a number of its own, in all its parts."""
        return not set(self.of(word)) & set(self._unknown)

    def add(self, words: Mapping[str, float]) -> None:
        """Add words, each with its log-probability, that the model does not know."""
        for word, value in words.items():
            if word not in self._numbers:
                self._add(word, value)

    def learn(self, words: Iterable[str]) -> None:
        """Add the words that the model does not know, at the frequency of wordfreq's large English list."""
        from wordfreq import word_frequency  # 0.3 s and 30 MB; only tables are built with it

        for word in words:
            parts = [word.removesuffix("'s")] if "-" not in word else word.removesuffix("'s").split("-")
            for part in parts:
                if part and part not in self._numbers and part[0] not in "$€£0123456789":
                    frequency = word_frequency(part, "en")
                    if frequency > 0:
                        self._add(part, max(_RAREST, math.log(frequency) + _WORDFREQ_OFFSET))

    def arrays(self) -> Tables:
        """Return the tables in the order in which the kernels take them, read-only, so that one compiled version serves all."""
        if self._arrays is None:
            more = np.array(list(self._extra.values()), np.float32)
            unigrams = np.concatenate([self._tables.prob1, more])
            unigrams.flags.writeable = False
            self._arrays = self._tables._replace(prob1=unigrams)
        return self._arrays

    def unigram(self, numbers: Iterable[int]) -> float:
        """Return the sum of the log-probabilities of words taken singly."""
        unigrams = self.arrays()[0]
        return float(sum(float(unigrams[number]) for number in numbers))


def _load(model: LanguageModel) -> tuple[list[str], Tables]:
    """Take words and tables from the cache, mapped into memory and so shared by processes; unpack them there first if need be."""

    def build() -> list[NDArray[np.generic]]:
        return [np.frombuffer("\n".join(model.words()).encode(), np.uint8).copy(), *model.tables()]

    spelled, *arrays = cached_arrays(f"spin-{model.version}", build)
    return spelled.tobytes().decode().split("\n"), Tables(*arrays)
