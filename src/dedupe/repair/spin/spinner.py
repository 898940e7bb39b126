"""Make spun copies with their truth, to measure with: what a spinner of the kind that the lexicon describes would write."""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Sequence
from typing import NamedTuple

from dedupe.repair.spin.lexicon import Pair
from dedupe.repair.spin.training import Example, Span
from dedupe.repair.spin.words import read_words

_LEFT_ALONE = frozenset({"science", "science-echo", "style-b", "count", "date"})


class Spinner(NamedTuple):
    """Hold the variants of each folded original, most probable first, and the most words that an original has."""

    variants: dict[str, list[str]]
    longest: int


def build_spinner(pairs: Sequence[Pair], most: int = 3) -> Spinner:
    """Make a spinner of a lexicon's rows, or of a part of them; of each row the first `most` variants."""
    ranked: dict[str, dict[str, int]] = defaultdict(dict)
    for pair in pairs:
        if pair.condition not in _LEFT_ALONE and pair.rank < most and not pair.variant[0].isdigit():
            key = " ".join(word.folded for word in read_words(pair.original))
            ranked[key][pair.variant] = min(pair.rank, ranked[key].get(pair.variant, pair.rank))
    variants = {key: sorted(found, key=lambda v: (found[v], v)) for key, found in ranked.items() if key}
    return Spinner(variants, max((1 + key.count(" ") for key in variants), default=1))


def spin(text: str, spinner: Spinner, rate: float, seed: int) -> Example:
    """Replace phrases, longest first, each with probability `rate` by a variant; a phrase is replaced alike all through a text.

    As spinners do: the first letter's case is kept; numbers, addresses and lower-case compounds are left; so are articles
    before a variant that no longer suits them.
    """
    draw = random.Random(seed)
    words = read_words(text)
    chosen: dict[str, str | None] = {}
    pieces: list[str] = []
    spans: list[Span] = []
    done = length = i = 0
    while i < len(words):
        for j in range(min(len(words), i + spinner.longest), i, -1):
            part = words[i:j]
            key = " ".join(word.folded for word in part)
            if key not in spinner.variants or any(w.protected for w in part) or not all(w.joined for w in part[1:]):
                continue
            if key not in chosen:
                options = spinner.variants[key]
                chosen[key] = (
                    draw.choices(options, [1 / (k + 1) for k in range(len(options))])[0] if draw.random() < rate else None
                )
            variant = chosen[key]
            if variant is not None:
                start, end = words[i].start, words[j - 1].end
                if text[start].isupper():
                    variant = variant[0].upper() + variant[1:]
                pieces += [text[done:start], variant]
                length += start - done
                spans.append(Span(length, length + len(variant), (text[start:end],), True))
                length += len(variant)
                done = end
            i = j
            break
        else:
            i += 1
    return Example("".join([*pieces, text[done:]]), tuple(spans))
