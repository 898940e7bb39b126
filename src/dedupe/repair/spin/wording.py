"""From the decoder's choices to edits of a text: smallest span, case, the article before, no word twice."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from typing import NamedTuple

from dedupe.repair.spin.decoder import Choice, Decoder
from dedupe.repair.spin.lexicon import fold
from dedupe.repair.spin.sites import takes_an
from dedupe.repair.spin.words import Word

_LOWER_IN_TITLES = frozenset(
    ["a", "an", "the", "of", "to", "in", "on", "for", "by", "with", "at", "from", "as", "and", "or", "but", "than"]
)
_REPEATED = frozenset(["of", "to", "the", "a", "an", "in", "on", "for", "with", "at", "by", "from", "as", "is", "are", "be"])


class Correction(NamedTuple):
    """Put `after` in place of `start:end` of the text."""

    start: int
    end: int
    after: str
    choice: Choice
    quoted: bool


def write_corrections(text: str, words: Sequence[Word], choices: Sequence[Choice], decoder: Decoder) -> list[Correction]:
    """Word the choices as edits, in order and apart from each other. What would change nothing is left out."""
    corrections: list[Correction] = []
    starts = [word.start for word in words]
    taken = {at for choice in choices for at in range(choice.start, choice.end)}
    for choice in choices:
        own = range(choice.start, choice.end)
        first, last = words[choice.start], words[choice.end - 1]
        original = decoder.table.originals[choice.pair] + (text[last.end - 2 : last.end] if choice.possessive else "")
        if choice.end - choice.start > 1 and text[first.start : last.end].islower():
            original = original.lower()  # the words of a name, but not as a name
        start, end, original = _smallest(text, first.start, last.end, original)
        new = match_case(original, text[start:end], in_title(text, start, end)).split()
        at, following = bisect_left(starts, start), bisect_left(starts, end)
        if following < len(words) and words[following].joined and words[following].folded in _REPEATED:
            word = words[following].folded
            if following not in taken and len(new) > 1 and fold(new[-1]) == word:
                new.pop()
            elif following in own and following + 1 < len(words) and words[following + 1].folded == word:
                end = words[following].end  # "tons of of": the spinner's "of" goes, the writer's stays
        after = " ".join(new)
        article = words[at - 1] if at and words[at].joined and (at - 1 not in taken or at - 1 in own) else None
        if article is not None and article.folded in {"a", "an"}:
            right = "an" if takes_an(new[0]) else "a"
            if new[0].lower() in {"a", "an", "the"}:
                start, after = article.start, match_case(after, text[article.start : article.end], False)
            elif right != article.folded:
                start, after = article.start, f"{match_case(right, text[article.start : article.end], False)} {after}"
        if fold(text[start:end]) != fold(after):
            corrections.append(Correction(start, end, after, choice, first.quoted))
    return corrections


def _smallest(text: str, start: int, end: int, after: str) -> tuple[int, int, str]:
    """Leave out the words that both begin or end with, but never all of one side: an edit replaces something by something."""
    old, new = text[start:end].split(" "), after.split(" ")
    while len(old) > 1 and len(new) > 1 and fold(old[0]) == fold(new[0]):
        start += len(old.pop(0)) + 1
        new.pop(0)
    while len(old) > 1 and len(new) > 1 and fold(old[-1]) == fold(new[-1]):
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
            word if at and word in _LOWER_IN_TITLES and not parts[0].islower() else _capital(word)
            for at, word in enumerate(words)
        )
    return _capital(original) if parts[0][:1].isupper() else original


def _capital(word: str) -> str:
    return word[:1].upper() + word[1:]
