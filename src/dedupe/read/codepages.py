"""Which code page bytes are in, by the letters that languages use it for: langdetect's counts of up to three letters in a row.

charset-normalizer, which counts on longer texts, took two in three short texts of western languages for another page.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from functools import cache
from itertools import islice
from pathlib import Path

import orjson

# Windows-1252 comes first: what reads alike in two pages is taken as in the first of them.
PAGES: dict[str, tuple[str, ...]] = {
    "cp1252": ("af", "ca", "cy", "da", "de", "en", "es", "et", "fi", "fr", "id", "it", "nl", "no", "pt", "sq", "sv"),
    "cp1250": ("cs", "hr", "hu", "pl", "ro", "sk", "sl"),
    "iso8859_2": ("cs", "hr", "hu", "pl", "ro", "sk", "sl"),
    "cp1251": ("bg", "mk", "ru", "uk"),
    "koi8_r": ("ru",),
    "cp866": ("ru",),
    "cp1253": ("el",),
    "cp1254": ("tr",),
    "cp1255": ("he",),
    "cp1256": ("ar", "fa", "ur"),
    "cp1257": ("et", "lt", "lv"),
    "cp874": ("th",),
}
_USUAL = "cp1252"
_OF_OTHER_SCRIPTS = frozenset({"cp1251", "koi8_r", "cp866", "cp1253", "cp1255", "cp1256", "cp874"})

# All below are natural logarithms of chances, and were chosen by the accuracy on 6,000 texts of 30 to 2,000 characters.
# So much must another page be better than the likely one: in one text, and in one of the lines of a file.
_BETTER = 2.0
_BETTER_IN_FILE = 15.0
# Mean of a character in text that is clearly of a page; texts of Latin letters below it are taken as Windows-1252, which other
# languages use, too. Text of other scripts has -8 and better, East Asian text read in a page of theirs -9.7 and worse.
_CLEAR = -10.5
_CLEAR_IN_OTHER_SCRIPTS = -9.2
_SIGN, _RARE_SIGN, _WESTERN, _UNSEEN, _MISCASED = (math.log(chance) for chance in (1e-3, 1e-5, 1e-7, 1e-8, 1e-2))
_WORD_END = math.log(0.15)

_SIGNS = frozenset("“”„’‘‚–—…«»‹›€§°·•´™£¿¡\xa0\xad")
_RARE_SIGNS = frozenset("²³½ºª©®")
_IN_WORDS = frozenset("’·\xad")
_HIGH = re.compile(rb"[\x80-\xff]")
_HIGH_RUN = re.compile(rb"[\x80-\xff]{2,}")
_OUTSIDE = re.compile(r"[^\x00-\x7f]")
_STRETCH = 20  # so many letters outside ASCII, of one line, are taken to be of one language
_MOST_SEEN = 1_000  # characters outside ASCII, of the 25 that a page takes to be known: 12 us each


def code_page(data: bytes, likely: str | None = None) -> str | None:
    """Return the code page of text that is no UTF-8, or None where it fits none of these.

    `likely` is the page of the file that holds the text: where the text fits it clearly, no other page is tried.
    """
    ends = [match.end() for match in islice(_HIGH.finditer(data), _MOST_SEEN)]
    data = data[: ends[-1] + 1] if ends else data
    if likely in PAGES and (merit := _merit(data, likely)) is not None and merit > _CLEAR * len(ends):
        return likely
    # In other scripts, letters outside ASCII stand together; in Latin ones they are among those of ASCII.
    foreign = sum(map(len, _HIGH_RUN.findall(data))) > 0.5 * len(ends)
    first = likely if likely in PAGES else _USUAL
    found, best = None, -math.inf
    for page in sorted(PAGES, key=lambda page: page != first):
        if page in _OF_OTHER_SCRIPTS and not foreign:
            continue
        merit = _merit(data, page)
        handicap = (_BETTER_IN_FILE if likely else _BETTER) if found == first else 0.0
        if merit is not None and merit > best + handicap:
            found, best = page, merit
    if foreign:
        return found if best > _CLEAR_IN_OTHER_SCRIPTS * len(ends) else None
    return found if found == first or best > _CLEAR * len(ends) or _merit(data, _USUAL) is None else _USUAL


def _merit(data: bytes, page: str) -> float | None:
    """Return the logarithm of how likely the characters outside ASCII are, each stretch in the best of a page's languages."""
    try:
        text = f" {data.decode(page)} "
    except UnicodeDecodeError:
        return None
    signs = 0.0
    stretches: list[list[str]] = []
    last = 0
    for match in _OUTSIDE.finditer(text):
        at = match.start()
        before, letter, after = text[at - 1], text[at], text[at + 1]
        if letter.isalpha() or "\u0e00" <= letter <= "\u0e7f":  # Thai has vowels that are no letters
            signs += _MISCASED if letter.isupper() and before.islower() else 0.0
            if not stretches or len(stretches[-1]) >= _STRETCH or text.find("\n", last, at) >= 0:
                stretches.append([])
            last = at
            stretches[-1].append(_lower((before if before.isalpha() else " ") + letter + (after if after.isalpha() else " ")))
        elif letter in _SIGNS and (letter in _IN_WORDS or not (before.isalpha() and after.isalpha())):
            signs += _SIGN
        else:
            signs += _RARE_SIGN if letter in _RARE_SIGNS else _UNSEEN
    least = _WESTERN if page == _USUAL else _UNSEEN
    profiles = [_profile(language) for language in PAGES[page]]
    return signs + sum(
        max(sum(max(least, _chance(profile, gram)) for gram in stretch) for profile in profiles) for stretch in stretches
    )


def _chance(profile: dict[str, float], gram: str) -> float:
    """Return the logarithm of the chance of three letters, from that of fewer where the three were not seen together."""
    if (found := profile.get(gram)) is not None:
        return found
    one, two, three = (profile.get(letter, _UNSEEN) for letter in gram)
    return max(profile.get(gram[:2], one + two) + three, one + profile.get(gram[1:], two + three))


def _lower(text: str) -> str:
    return text.replace("İ", "\0").lower().replace("\0", "İ")  # which becomes two characters in lower case


@cache
def _profile(language: str) -> dict[str, float]:
    """Load what is needed of a profile: single letters, and what holds one outside ASCII; all 24 take 60 ms."""
    from langdetect import detector_factory

    held = orjson.loads(Path(detector_factory.PROFILES_DIRECTORY, language).read_bytes())
    counts: Counter[str] = Counter()
    for gram, count in held["freq"].items():
        if len(gram) == 1 or not gram.isascii():
            counts[_lower(gram)] += count
    chances = {gram: math.log(count / held["n_words"][len(gram) - 1]) for gram, count in counts.items()}
    return {" ": _WORD_END, **chances}
