"""The words of one text as the de-spinner sees them: what may be changed, what a phrase may reach over, where sentences end."""

from __future__ import annotations

import re
from typing import NamedTuple

# Addresses, handles, hashtags, code and file names are never touched: they name things that exist under that name only.
_PROTECTED = (
    r"(?:https?://|www\.)\S+|\S+@\S+\.\w+|[@#]\w+|`[^`\n]*`|<[^<>\n]*>|\{[^{}\n]*\}"
    r"|\w+(?:[._/\\]\w+)*(?:\(\)|\.(?:com|org|net|io|gov|edu|co|uk|html?|php|js|py|txt|pdf|jpe?g|png|gif))\b\S*|\w*_\w+|\w+\\\S+"
)
_WORD = r"(?:[A-Za-z]\.){2,}|[$€£]?\d[\d.,:/]*\d?[A-Za-z%]*(?:[\-‑][^\W_]+)*|[^\W\d_]+(?:['’\-‑][^\W\d_]+|-\d+|&[^\W\d_]+)*"
_TOKEN = re.compile(f"(?P<protected>{_PROTECTED})|(?P<word>{_WORD})|(?P<quote>[\"“”«»])|(?P<stop>[.!?…:;]|\n)|(?P<other>[^\\s])")

# Bases that with 's are contractions of their own, not possessives.
_NO_POSSESSIVE = frozenset(
    "it he she that this there here what who where how let when why one everyone everything nothing something".split()
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
    opens, quoted, end = True, False, -2
    for match in _TOKEN.finditer(text):
        kind = match.lastgroup
        start = match.start()
        if kind == "stop":
            opens = True
            if match.group() == "\n":
                quoted = False
        elif kind == "quote":
            mark = match.group()
            quoted = mark in "“«" or (mark == '"' and not quoted)
        elif kind in {"word", "protected"}:
            raw = match.group().rstrip(".,:/") if kind == "word" and match.group()[-1] in ",:/" else match.group()
            # An acronym spelled like a pronoun would be scored as one.
            folded = "u.s." if raw == "US" else raw.replace("\u2019", "'").replace("\u2011", "-").lower()
            joined = not opens and text[end:start] in {" ", "\u00a0"}
            possessive = folded.endswith("'s") and folded[:-2] not in _NO_POSSESSIVE
            words.append(Word(start, start + len(raw), folded, possessive, joined, opens, quoted, kind == "protected"))
            opens, end = False, start + len(raw)
    return words
