"""Which of two texts that differ in their words alone reads worse: the one that was spun, by a dictionary known to us or not."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise

import numpy as np

from dedupe.repair.spin.kernel import rescore
from dedupe.repair.spin.siblings import matching_blocks
from dedupe.repair.spin.vocabulary import Vocabulary
from dedupe.repair.spin.words import Word, read_words

# So much of two texts is compared. The first 1,000 words hold 60 swaps and more, but where repair took a gallery from one of the
# two alone they may hold none. Takes 25 ms, for the few pairs that are one text with words swapped.
_MOST_WORDS = 3_000
_PHRASE = 5

# What a word more costs a reading, in nats: it is given back, so that the longer of two wordings is not the worse for it.
_PER_WORD = 3.0
# Beyond this a gain says no more about a place.
_MOST_GAIN = 12.0

# A spun text reads worse by so many nats a swap on average, and by so many standard errors: generated copies by 3.5 nats and 4
# errors as a rule; one with 32 swaps of words that the lexicon half knows by 1.9 and 2.5. This only says which of two is the spun
# one; that one of them is, `match.swaps` has found, as of none of 4,600 honest pairs. Two versions of one wire report, which it
# never takes so, differ by 2.3 errors at most.
_LEAST_PLACES = 8
_LEAST_GAIN = 1.5
_LEAST_ERRORS = 2.0


def worse_reading(one: str, other: str, vocabulary: Vocabulary) -> int:
    """Tell which text reads worse where one has words in place of the other's: -1 the first, 1 the second, 0 neither clearly.

    A language model scores both wordings of every place, each between its own neighbours. An editor's changes read better or
    worse as it happens; a spinner's nearly all read worse. Names, numbers and words that the vocabulary lacks are left out.
    """
    gains = swap_gains(one, other, vocabulary)
    if len(gains) < _LEAST_PLACES:
        return 0
    mean = float(gains.mean())
    errors = mean / max(float(gains.std()) / math.sqrt(len(gains)), 1e-6)
    return (mean > 0) - (mean < 0) if abs(mean) >= _LEAST_GAIN and abs(errors) >= _LEAST_ERRORS else 0


def swap_gains(one: str, other: str, vocabulary: Vocabulary) -> np.ndarray:
    """Return by how many nats the first text reads better than the second, for each phrase in which they differ: (n,)."""
    ours, theirs = read_words(one)[:_MOST_WORDS], read_words(other)[:_MOST_WORDS]
    blocks = [(0, 0, 0), *matching_blocks(ours, theirs), (len(ours), len(theirs), 0)]
    spelled: list[tuple[int, ...]] = []
    context: list[tuple[int, int, int, int]] = []
    for before, after in pairwise(blocks):
        i, j, k, m = before[0] + before[2], after[0], before[1] + before[2], after[1]
        if 0 < j - i <= _PHRASE and 0 < m - k <= _PHRASE:
            sides = ((ours, i, j, one), (theirs, k, m, other))
            if all(_plain(words[start:stop], text, vocabulary) for words, start, stop, text in sides):
                for words, start, stop, _ in sides:
                    spelled.append(_numbers(words[start:stop], vocabulary))
                    context.append(_around(words, start, stop, vocabulary))
    if not spelled:
        return np.zeros(0)
    row = np.cumsum([0, *map(len, spelled)]).astype(np.int64)
    flat = np.array([number for numbers in spelled for number in numbers], np.int64)
    scores = np.empty(len(spelled))
    rescore(np.arange(len(spelled)), np.array(context, np.int64), row, flat, *vocabulary.arrays(), scores)
    scores += _PER_WORD * np.diff(row)
    gains: np.ndarray = np.clip(scores[::2] - scores[1::2], -_MOST_GAIN, _MOST_GAIN)
    return gains


def _numbers(words: Sequence[Word], vocabulary: Vocabulary) -> tuple[int, ...]:
    return tuple(number for word in words for number in vocabulary.of(word.folded))


def _plain(words: Sequence[Word], text: str, vocabulary: Vocabulary) -> bool:
    return not any(
        word.protected
        or (text[word.start].isupper() and not word.opens)
        or any(char.isdigit() for char in word.folded)
        or not vocabulary.knows(word.folded)
        for word in words
    )


def _around(words: Sequence[Word], start: int, stop: int, vocabulary: Vocabulary) -> tuple[int, int, int, int]:
    """Return the two words before a place and the two after it, as `rescore` takes them."""
    left: list[int] = []
    at = start
    while len(left) < 2:
        if words[at].opens or at == 0:
            left += [vocabulary.begin, vocabulary.begin]
        else:
            at -= 1
            left += reversed(vocabulary.of(words[at].folded))
    right: list[int] = []
    at = stop
    while len(right) < 2:
        if at == len(words) or words[at].opens:
            right += [vocabulary.end, -1]
        else:
            right += vocabulary.of(words[at].folded)
            at += 1
    return left[1], left[0], right[0], right[1]
