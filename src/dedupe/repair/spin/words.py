"""The words of one text as the de-spinner sees them: what may be changed, what a phrase may reach over, where sentences end."""

from __future__ import annotations

import re
from typing import NamedTuple

# Addresses, handles, hashtags, code and file names are never touched: they name things that exist under that name only. Whatever
# holds one of these signs is left alone up to the next space, which takes one pass over any text whatever.
_SIGN = re.compile(
    r"[@#_\\{}<>`]|://|\(\)|www\.|/[^\s/]{1,40}/|\w\.(?:com|org|net|io|gov|edu|co|uk|html?|php|js|py|txt|pdf|jpe?g|png|gif)\b",
    re.IGNORECASE,
)
_CODE = re.compile(r"`[^`\n]{1,200}`")
_SPACE = re.compile(r"\s")
_WORD = r"(?:[A-Za-z]\.){2,}|[$€£]?\d[\d.,:/]*[A-Za-z%]*(?:[\-‑][^\W_]+)*|[^\W\d_]+(?:['’\-‑][^\W\d_]+|-\d+|&[^\W\d_]+)*"
_TOKEN = re.compile(f'(?P<word>{_WORD})|(?P<quote>["“”«»])|(?P<stop>[.!?…:;]|\n)')

# Bases that with 's are contractions of their own, not possessives.
_NO_POSSESSIVE = frozenset(
    [
        "it",
        "he",
        "she",
        "that",
        "this",
        "there",
        "here",
        "what",
        "who",
        "where",
        "how",
        "let",
        "when",
        "why",
        "one",
        "everyone",
        "everything",
        "nothing",
        "something",
    ]
)


class Word(NamedTuple):
    """Hold one word: its place in code points, folded form, and how it hangs together with the word before."""

    start: int
    end: int
    folded: str
    possessive: bool
    """Whether it ends in 's that is no contraction; `folded` holds it."""
    joined: bool
    """Whether only a space stands between it and the word before: phrases reach over nothing else."""
    opens: bool
    """Whether a sentence begins here."""
    quoted: bool
    """Whether it stands within quotation marks."""
    protected: bool


def read_words(text: str) -> list[Word]:
    """Split a text into words. Punctuation ends phrases, sentence marks and line ends end sentences."""
    words: list[Word] = []
    shielded = _shielded(text)
    opens, quoted, end = True, False, -2
    for match in _TOKEN.finditer(text):
        kind, start = match.lastgroup, match.start()
        while shielded and shielded[-1][1] <= start:
            shielded.pop()
        protected = bool(shielded) and shielded[-1][0] <= start
        if kind == "word":
            raw = match.group()
            if not raw[-1].isalnum() and raw[-1] not in ".%":
                raw = raw.rstrip(",:/.")
            elif raw[-1] == "." and raw[0].isdigit():
                raw = raw.rstrip(".,:/")
            # An acronym spelled like a pronoun would be scored as one.
            folded = "u.s." if raw == "US" else raw.replace("\u2019", "'").replace("\u2011", "-").lower()
            joined = not opens and text[end:start] in {" ", "\u00a0"}
            possessive = folded.endswith("'s") and folded[:-2] not in _NO_POSSESSIVE
            words.append(Word(start, start + len(raw), folded, possessive, joined, opens, quoted, protected))
            opens, end = False, start + len(raw)
        elif protected:
            continue
        elif kind == "stop":
            opens = True
            if match.group() == "\n":
                quoted = False
        else:
            mark = match.group()
            quoted = mark in "“«" or (mark == '"' and not quoted)
    return words


def _shielded(text: str) -> list[tuple[int, int]]:
    """Return the places that are not to be touched, last first."""
    places = [match.span() for match in _CODE.finditer(text)]
    end = 0
    for match in _SIGN.finditer(text):
        if match.start() < end:
            continue
        start = max(text.rfind(space, end, match.start()) for space in " \n\t\u00a0") + 1
        stop = _SPACE.search(text, match.end())
        start, end = max(start, end), stop.start() if stop else len(text)
        places.append((start, end))
    return sorted(places, reverse=True)
