"""Tell the language of every article of a column, by langdetect's profiles, exactly and at 1 % of its cost.

langdetect draws n-grams at random and stops as soon as one language looks certain, so its probability says nothing: it
is 0.99 sure that "Goal!" is Romanian and that Armenian is Estonian. Here all n-grams of a fixed sample
count, and two figures decide: the *margin*, by how many nats an n-gram the best language beats the next, and the *fit*,
how the text's gain an n-gram compares with what running text of that language usually gains. The score is their
logistic regression; below `MIN_SCORE`, or with fewer letters than `MIN_LETTERS`, the language is `und`.

Languages langdetect lacks: of 1,943 documents in 67 languages without a profile, 66 % come out `und` (all in scripts of
their own; Icelandic, Belarusian, Kazakh, Tatar, Yoruba, ...). The rest take the name of a close relative: Bosnian and
Serbian in Latin letters `hr`, Malay `id`, Nynorsk `no`, Dari `fa`, Galician `es`, Azerbaijani `tr`, Luxembourgish `de`,
Serbian in Cyrillic `mk`.
"""

from __future__ import annotations

import math

import numpy as np
import pyarrow as pa
from numba import njit
from numpy.typing import NDArray

from dedupe.repair.language_ngrams import add_up, byte_classes, shared_gains
from dedupe.repair.language_profiles import load_profiles
from dedupe.tokens import string_buffers

# Characters that are read, from so many places spread over the first `REACH` bytes. langdetect reads 10,000
# characters and no more; 10,000 bytes never go beyond them. Of 1,731 documents in its languages of which langdetect is
# certain, all get its answer with samples from 400 characters up. In languages it lacks the likeliest one then differs
# more often: in 13 of 705 at 400, 8 at 800, 6 at 1,200, 4 at 1,600, 0 at 10,000. An article of 5.9 KB takes 14, 28,
# 35, 48 and 98 µs. The number of places changes nothing in plain text; four see past an opening of captions.
SAMPLE = 1200
REGIONS = 4
REACH = 10_000

# Most texts show their language in far less, so a third of the sample is read first, and the whole of it only where that
# leaves doubt: for 1 of 1,000 news articles and half of the documents in 128 languages. Of 7,900 texts that are sure by
# the first look, none is told otherwise by the second (at a score of 0.6 it would be 7). 14 µs in place of 35.
FIRST_LOOK = 400
SURE = 0.85

# Right answers among those told, by letters, for news sentences cut short in languages with a profile (NTREX): 5-8
# letters 0.66, 8-12 0.71, 12-16 0.83, 16-20 0.88, 20-24 0.91, 24-30 0.94, 30-40 0.96, 40-60 0.99, 60 and more 0.998.
MIN_LETTERS = 24

# A language whose usual text would gain nearly twice as much is out of the running. Traditional Chinese would
# otherwise go to Korean, whose profile holds Han: right for 0.90 of the documents, langdetect for 0.43.
MIN_FIT = 0.6

# score = logistic(BIAS + MARGIN_WEIGHT log(margin) + FIT_WEIGHT min(fit, 1)), fitted to cuts of 24 letters to whole
# documents in 128 languages, those without a profile (never right) at a quarter of the weight, so that at a score of
# 0.5 the answer is right for 0.8 of the texts in the others. Half the documents give (-17.3, 1.08, 21.6), the other
# half (-15.9, 1.06, 20.0).
BIAS = -16.6
MARGIN_WEIGHT = 1.07
FIT_WEIGHT = 20.8

# At 0.2, 0.3, 0.4, 0.5: of the texts of 60 letters and more in languages with a profile, 0.994, 0.992, 0.990, 0.986 are
# told, and 0.9970, 0.9975, 0.9980, 0.9983 of those rightly; of documents in other languages 0.42, 0.33, 0.27, 0.22 are
# told. The lowest of 6,000 American news articles, a transcript in capitals, has 0.41.
MIN_SCORE = 0.3

UNDETERMINED = "und"

# langdetect's codes are BCP-47 but for these, whose profiles tell the script, not the country.
_BCP47 = {"zh-cn": "zh-Hans", "zh-tw": "zh-Hant"}

# Share of its profile's own gain that running text of a language reaches: 0.84 to 0.98, but a profile keeps few of the
# n-grams of Han, and those of Japanese and Gujarati are of other text than news (medians over 29 documents each).
_USUAL_SHARE = 0.92
_USUAL_SHARES = {"zh-cn": 0.29, "zh-tw": 0.30, "ja": 0.64, "gu": 0.70}


@njit(cache=True, nogil=True)
def _decide(sums, counts, usual, best, scores):  # type: ignore[no-untyped-def]
    # One text at a time: vector logarithms may differ in the last bit with a text's place in the batch.
    for text in range(len(sums)):
        best[text] = sums.shape[1]
        letters, grams = counts[text]
        if letters < MIN_LETTERS:
            continue
        first = 0.0
        second = 0.0
        winner = -1
        for language in range(sums.shape[1]):
            gain = sums[text, language]
            if gain < MIN_FIT * usual[language] * grams:
                continue
            if gain > first:
                second = first
                first = gain
                winner = language
            elif gain > second:
                second = gain
        if winner < 0 or first == second:
            continue
        margin = (first - second) / grams
        fit = min(first / grams / usual[winner], 1.0)
        score = 1.0 / (1.0 + math.exp(-(BIAS + MARGIN_WEIGHT * math.log(margin) + FIT_WEIGHT * fit)))
        if score >= MIN_SCORE:
            best[text] = winner
            scores[text] = score


class LanguageIdentifier:
    """Identify languages; make one for a process and keep it, its tables are mapped from the user's cache (2 ms)."""

    def __init__(self) -> None:
        """Load the profiles, or build them the first time (0.6 s)."""
        self._profiles = load_profiles()
        self._classes = byte_classes()
        profiles = self._profiles
        self._shared = shared_gains(profiles.starts, profiles.languages, profiles.gains, len(profiles.codes))
        shares = [_USUAL_SHARES.get(code, _USUAL_SHARE) for code in self._profiles.codes]
        self._usual = self._profiles.typical * np.array(shares)
        self._names = pa.array([*(_BCP47.get(code, code) for code in self._profiles.codes), UNDETERMINED], pa.string())

    @property
    def languages(self) -> list[str]:
        """Return the BCP-47 codes that can come out, `und` last."""
        names: list[str] = self._names.to_pylist()
        return names

    def identify(self, column: pa.Array) -> tuple[pa.Array, pa.Array]:
        """Return the BCP-47 code and the score (float32, 0 to 1) of every text of a string column.

        `und` and a score of 0 where a text is null or empty, has too few letters, or could as well be of another
        language or of none we know. A text's answer depends on nothing but the text.
        """
        best, scores = self._told(column, FIRST_LOOK)
        doubtful = np.flatnonzero(scores < SURE)
        if len(doubtful):
            best[doubtful], scores[doubtful] = self._told(column.take(pa.array(doubtful)), SAMPLE)
        return self._names.take(pa.array(best)), pa.array(scores)

    def _told(self, column: pa.Array, sample: int) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
        sums, counts = self._add_up(column, sample)
        best = np.empty(len(column), np.int64)
        scores = np.zeros(len(column), np.float32)
        _decide(sums, counts, self._usual, best, scores)
        return best, scores

    def _add_up(
        self, column: pa.Array, sample: int = SAMPLE, reach: int = REACH
    ) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
        profiles = self._profiles
        sums = np.zeros((len(column), len(profiles.codes)))
        counts = np.zeros((len(column), 2), np.int64)
        if len(column):
            data, offsets = string_buffers(column)
            data = data.view()
            data.flags.writeable = False  # as Arrow's buffers are: a column of empty texts is no reason to compile anew
            add_up(
                data, offsets, sample, REGIONS, reach, profiles.characters, profiles.vietnamese, self._classes,
                profiles.slots, profiles.starts, profiles.languages, profiles.gains, *self._shared, sums, counts,
            )  # fmt: skip
        return sums, counts
