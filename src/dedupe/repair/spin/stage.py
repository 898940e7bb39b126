"""The de-spinner as a stage of cleaning: which articles of a column are spun, and the repair of one that is."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from dedupe.config import Config
from dedupe.repair.ledger import MAX_EDITS_OF_A_RULE, Draft, Replacement
from dedupe.repair.spin.gate import Gate, load_gate, score, score_tokens
from dedupe.repair.spin.siblings import Sibling, sibling_replacements
from dedupe.repair.spin.words import read_words

if TYPE_CHECKING:
    from dedupe.repair.spin.decoder import Decoder
    from dedupe.repair.spin.wording import Correction

MODEL_RULE = "R400"
SIBLING_RULE = "R401"
SPIN_RULES = (MODEL_RULE, SIBLING_RULE)

# What the decoder must gain, in nats a word, before a text that passed the gate is changed. Spun articles, each read without what
# rests on it, gain 0.7 to 2.5, honest ones 0.12 on average; of those that score highest at the gate the highest gains 0.30.
SURENESS = 0.4

# A text with more words than this is a book; the decoder takes memory in proportion.
_MOST_WORDS = 20_000


class SpinRepair:
    """Score articles for being spun, and restore the wording of those that are, as `despin` of the settings asks.

    `fix` scores and repairs, `flag` only scores, `off` does neither. What it takes (the gate 0.1 s, the decoder's language model
    and lexicon 0.5 s, once built) is loaded at first use.
    """

    def __init__(self, config: Config, language: str = "en") -> None:
        self._mode = config.despin if config.clean else "off"
        self._by_model = MODEL_RULE not in config.no_rules
        self._by_sibling = SIBLING_RULE not in config.no_rules
        self.language = language

    @property
    def gate(self) -> Gate:
        """The gate of the language."""
        return load_gate(self.language)

    def score(self, column: pa.Array) -> NDArray[np.float32]:
        """Return the `spin_score` of each article, in nats: shape (n,), float32; NaN where nothing is scored.

        At or above `gate.threshold` an article is repaired. The caller leaves out what is not in this stage's language.
        """
        if self._mode == "off":
            return np.full(len(column), np.nan, np.float32)
        return score(column, self.gate)

    def score_tokens(
        self, hashes: NDArray[np.uint64], offsets: NDArray[np.int64], wanted: NDArray[np.bool_]
    ) -> NDArray[np.float32]:
        """Return what `score` does, for articles given as tokens; NaN for those that are not `wanted`."""
        if self._mode == "off":
            return np.full(len(wanted), np.nan, np.float32)
        return score_tokens(hashes, offsets, self.gate, wanted)

    def repair(self, draft: Draft, spin_score: float | None = None) -> None:
        """Restore the wording of one article by the model, where its score passes the gate."""
        if self._mode != "fix" or not self._by_model:
            return
        if spin_score is None:
            spin_score = float(self.score(pa.array([draft.text], pa.string()))[0])
        if spin_score < self.gate.threshold:
            return
        decoder = load_decoder(self.language)
        found = corrections(draft.text, decoder, SURENESS)
        _replace(draft, MODEL_RULE, [_replacement(c, draft.text, decoder) for c in found])

    def repair_by_siblings(self, draft: Draft, siblings: Sequence[Sibling], spin_score: float) -> None:
        """Restore the wording of one spun article as other copies of the same passages have it.

        `spin_score` is that of the article before any repair; one that did not pass the gate is left alone, since where honest
        articles differ each says what it means.
        """
        if self._mode == "fix" and self._by_sibling and spin_score >= self.gate.threshold and siblings:
            decoder = load_decoder(self.language)
            _replace(draft, SIBLING_RULE, sibling_replacements(draft.text, siblings, decoder.table))


@cache
def load_decoder(language: str = "en") -> Decoder:
    """Load the decoder of a language with the model, the lexicon and the weights that ship for it, once a process."""
    from dedupe.repair.spin.decoder import Decoder, read_weights
    from dedupe.repair.spin.language_model import SphinxModel
    from dedupe.repair.spin.table import load_table

    return Decoder(load_table(SphinxModel(), language), read_weights(language))


def corrections(text: str, decoder: Decoder, sureness: float = 0.0) -> list[Correction]:
    """Decode one text, whatever the gate says of it, and word what the decoder chose as edits.

    Portions whose reading gains less than `sureness` nats a word are left alone.
    """
    from dedupe.repair.spin.wording import write_corrections

    found: list[Correction] = []
    for start, end in _portions(text):
        reading = decoder.read(text[start:end])
        choices = decoder.decode(reading)
        if decoder.sureness(reading) < sureness:
            continue
        for correction in write_corrections(text[start:end], reading.words, choices, decoder):
            found.append(correction._replace(start=correction.start + start, end=correction.end + start))
    return found


def _replace(draft: Draft, rule: str, replacements: Sequence[Replacement]) -> None:
    # A spun article of 1,200 words has more edits than the ledger takes of one rule without joining them, and each has its own
    # evidence. From the last on, so that the places of those before it stay what they are.
    for end in range(len(replacements), 0, -MAX_EDITS_OF_A_RULE):
        draft.replace(rule, replacements[max(0, end - MAX_EDITS_OF_A_RULE) : end])


def _portions(text: str) -> list[tuple[int, int]]:
    """Cut a very long text at line ends into portions that are decoded one by one."""
    if len(text) <= _MOST_WORDS:  # a word takes a character at least
        return [(0, len(text))]
    words = read_words(text)
    portions, start = [], 0
    for at in range(_MOST_WORDS, len(words), _MOST_WORDS):
        end = words[at].start
        portions.append((start, end))
        start = end
    return [*portions, (start, len(text))]


def _replacement(correction: Correction, text: str, decoder: Decoder) -> Replacement:
    choice = correction.choice
    variant = text[correction.start : correction.end]
    basis = "seen in spun text" if decoder.seen(choice.pair) else "in the lexicon"
    evidence = f"the pair is {basis}; context {choice.gain:+.1f} nats"
    if correction.quoted:
        evidence += "; inside quotation marks"
    if not variant:
        evidence += "; added"
    return Replacement(correction.start, correction.end, correction.after, round(choice.confidence, 3), evidence)
