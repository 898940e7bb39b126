"""From the decoder's choices to edits of a text: smallest span, case, the article before, no word twice."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from dedupe.clean.spin.decoder import Choice, Decoder
from dedupe.clean.spin.lexicon import fold
from dedupe.clean.spin.sites import takes_an
from dedupe.clean.spin.words import Word

_LOWER_IN_TITLES = frozenset("a an the of to in on for by with at from as and or but than".split())
_REPEATED = frozenset("of to the a an in on for with at by from as is are be".split())


class Correction(NamedTuple):
    """Put `after` in place of `start:end` of the text."""

    start: int
    end: int
    after: str
    choice: Choice


def write_corrections(text: str, words: Sequence[Word], choices: Sequence[Choice], decoder: Decoder) -> list[Correction]:
    """Word the choices as edits, in order and apart from each other. What would change nothing is left out."""
    corrections: list[Correction] = []
    taken = {at for choice in choices for at in range(choice.start, choice.end)}
    for choice in choices:
        first, last = words[choice.start], words[choice.end - 1]
        start, end = first.start, last.end
        before = text[start:end]
        original = decoder.table.originals[choice.pair] + (before[-2:] if choice.possessive else "")
        after = match_case(original, before, in_title(text, start, end))
        old, new = before.split(), after.split()
        if choice.end < len(words) and words[choice.end].joined and choice.end not in taken:
            following = words[choice.end].folded
            if len(new) > 1 and fold(new[-1]) == following and following in _REPEATED:
                new.pop()
                end, old = _drop_last(text, start, end, old) if fold(old[-1]) == following else (end, old)
        after = " ".join(new)
        if choice.start and first.joined and choice.start - 1 not in taken:
            article = words[choice.start - 1]
            if article.folded in {"a", "an"} and new:
                right = "an" if takes_an(new[0]) else "a"
                if fold(new[0]) in {"a", "an", "the"}:
                    start, after = article.start, match_case(after, text[article.start : article.end], False)
                elif right != article.folded:
                    start = article.start
                    after = f"{match_case(right, text[start : article.end], False)} {after}"
        start, end, after = _smallest(text, start, end, after)
        if text[start:end] != after:
            corrections.append(Correction(start, end, after, choice))
    return corrections


def _drop_last(text: str, start: int, end: int, old: list[str]) -> tuple[int, list[str]]:
    kept = old[:-1]
    return (start + len(text[start:end].rstrip().rsplit(None, 1)[0]), kept) if kept else (end, old)


def _smallest(text: str, start: int, end: int, after: str) -> tuple[int, int, str]:
    """Leave out the words that both begin or end with, but never all of one side: an edit replaces something by something."""
    old, new = text[start:end].split(" "), after.split(" ")
    while len(old) > 1 and len(new) > 1 and old[0] == new[0]:
        start += len(old.pop(0)) + 1
        new.pop(0)
    while len(old) > 1 and len(new) > 1 and old[-1] == new[-1]:
        end -= len(old.pop()) + 1
        new.pop()
    return start, end, " ".join(new)


def in_title(text: str, start: int, end: int) -> bool:
    """Tell whether a place stands in a line whose longer words nearly all have capitals."""
    low, high = text.rfind("\n", 0, start) + 1, text.find("\n", end)
    line = text[low : high if high >= 0 else len(text)]
    if len(line) > 160:
        return False
    longer = [word for word in line.split() if len(word) > 3 and word[0].isalpha()]
    return len(longer) > 1 and sum(word[0].isupper() for word in longer) >= 0.8 * len(longer)


def match_case(original: str, before: str, title: bool) -> str:
    """Write an original as what stood there was written: in capitals, as a title, with a capital, or as it is."""
    letters = [c for c in before if c.isalpha()]
    if len(letters) > 3 and all(c.isupper() for c in letters):
        return original.upper()
    parts = before.split()
    capitals = [part for part in parts if part[:1].isupper()]
    if not capitals:
        return original
    longer = [part for part in parts if part.lower() not in _LOWER_IN_TITLES]
    if title or (len(longer) > 1 and all(part[:1].isupper() for part in longer)):
        words = original.split(" ")
        return " ".join(
            word if at and word in _LOWER_IN_TITLES and not parts[0].islower() else _capital(word) for at, word in enumerate(words)
        )
    return _capital(original) if parts[0][:1].isupper() else original


def _capital(word: str) -> str:
    return word[:1].upper() + word[1:]
