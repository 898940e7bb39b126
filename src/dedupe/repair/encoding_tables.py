"""What the encoding screen knows of characters: one word a code point, an automaton for mojibake, pairs that compose.

Nothing is copied from ftfy: its pattern of bad sequences is read as parsed by Python's own `re`, and turned into a
deterministic automaton over classes of characters (subset construction; Rabin and Scott 1959). So the screen follows
the ftfy that is installed, exactly, and costs a table look-up a character where the pattern costs 0.8 ms an article.
"""

from __future__ import annotations

import importlib
import re
import sys
import unicodedata
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dedupe.repair.encoding_screen import (
    CLASS_BITS,
    COMBINING_SHIFT,
    COMPOSES,
    EMBED,
    FIRE,
    ISOLATE,
    JOINER,
    JOINS,
    MARK,
    RIGHT_TO_LEFT,
    ROLE_SHIFT,
    SPACELESS,
    UNEMBED,
    UNISOLATE,
    WORD_BREAK,
)

Ranges = tuple[tuple[int, int], ...]

# Letters, digits and punctuation beside which no writing system uses a joiner: Latin, Greek, Cyrillic.
NEVER_JOINED: Ranges = (
    (0x0000, 0x02FF),
    (0x0370, 0x052F),
    (0x1E00, 0x206F),
    (0x2C60, 0x2C7F),
    (0xA720, 0xA7FF),
    (0xFB00, 0xFB06),
    (0xFEFF, 0xFEFF),
)
# Thai, Lao, Tibetan, Myanmar, Khmer, Tai Tham, Myanmar's extensions: they write no spaces between words.
SPACELESS_SCRIPTS: Ranges = ((0x0E00, 0x109F), (0x1780, 0x17FF), (0x1A20, 0x1AAF), (0xA9E0, 0xA9FF), (0xAA60, 0xAA7F))
RIGHT_TO_LEFT_SCRIPTS: Ranges = (
    (0x0590, 0x061B),
    (0x061D, 0x08FF),
    (0xFB1D, 0xFDFF),
    (0xFE70, 0xFEFC),
    (0x10800, 0x10FFF),
    (0x1E800, 0x1EFFF),
)

LINE_BREAKS = "\r\x0b\x0c\u2028\u2029"
SOFT_HYPHEN = "\u00ad"
JOINERS = "\u200c\u200d"
WORD_BREAKS = "\u200b"
ZERO_WIDTH = "\u2060\ufeff"
LIGATURES = {0xFB00: "ff", 0xFB01: "fi", 0xFB02: "fl", 0xFB03: "ffi", 0xFB04: "ffl", 0xFB05: "st", 0xFB06: "st"}
# Those of UTR 20 that ftfy removes too, and what Windows-1252 has no sign for.
CONTROLS = "\x00-\x08\x0e-\x1f\x7f\x81\x8d\x8f\x90\x9d\u206a-\u206f\ufff9-\ufffc"
# U+061C, U+200E and U+200F are marks that stand alone; the others open and close.
DIRECTION_ROLES = {
    **dict.fromkeys((0x061C, 0x200E, 0x200F), MARK),
    **dict.fromkeys((0x202A, 0x202B, 0x202D, 0x202E), EMBED),
    0x202C: UNEMBED,
    **dict.fromkeys((0x2066, 0x2067, 0x2068), ISOLATE),
    0x2069: UNISOLATE,
}


@dataclass(frozen=True)
class ScreenTables:
    """Hold the arrays of the screen's kernel, read-only."""

    characters: NDArray[np.uint32]  # [0x110000] the word of each code point
    steps: NDArray[np.uint16]  # [states, classes] next state; 0 a match, 1 inside a line, 2 at its start
    pairs: NDArray[np.int64]  # starter << 21 | follower of what canonical composition can change, sorted
    reach: int  # characters of the longest sequence that the automaton looks for


def in_class(ranges: Ranges) -> str:
    """Write ranges of code points as the inside of a regular expression's brackets."""
    return "".join(f"{re.escape(chr(first))}-{re.escape(chr(last))}" for first, last in ranges)


def build_tables() -> list[NDArray[Any]]:
    """Build the fields of `ScreenTables`, as arrays, from ftfy's pattern of mojibake, in about 0.1 s."""
    from ftfy.badness import BADNESS_RE

    classes, steps, reach = _automaton(BADNESS_RE)
    pairs = _compositions()

    words = np.full(sys.maxunicode + 1, classes[-1], np.uint32)
    words[list(classes)[:-1]] = [classes[point] for point in list(classes)[:-1]]

    words |= np.uint32(JOINS)
    for first, last in NEVER_JOINED:
        words[first : last + 1] &= np.uint32(0xFFFFFFFF ^ JOINS)
    for ranges, flag in ((SPACELESS_SCRIPTS, SPACELESS), (RIGHT_TO_LEFT_SCRIPTS, RIGHT_TO_LEFT)):
        for first, last in ranges:
            words[first : last + 1] |= np.uint32(flag)
    words[np.unique(pairs & 0x1FFFFF)] |= np.uint32(COMPOSES)
    for point in range(0x300, 0x1F000):  # beyond it nothing combines
        combining = unicodedata.combining(chr(point))
        if combining:
            words[point] |= np.uint32(combining << COMBINING_SHIFT)

    roles = dict.fromkeys(_changed_alone(), FIRE)
    for letters, role in ((JOINERS, JOINER), (WORD_BREAKS, WORD_BREAK)):
        roles.update(dict.fromkeys(map(ord, letters), role))
    roles.update(DIRECTION_ROLES)
    words[list(roles)] |= np.array(list(roles.values()), np.uint32) << np.uint32(ROLE_SHIFT)

    return [words, steps, pairs, np.array(reach)]


def _changed_alone() -> Iterator[int]:
    """Yield the code points that some rule changes wherever they stand."""
    removed = re.compile(f"[{CONTROLS}{LINE_BREAKS}{SOFT_HYPHEN}{ZERO_WIDTH}\x80-\x9f]")
    yield from (point for point in range(0x10000) if removed.match(chr(point)))
    yield from LIGATURES
    points = [point for point in range(0xA0, 0x30000) if not 0xAC00 <= point < 0xE000]
    # A line feed between them keeps each from composing with the next.
    composed = unicodedata.normalize("NFC", "\n".join(map(chr, points))).split("\n")
    yield from (point for point, after in zip(points, composed, strict=True) if chr(point) != after)


def _compositions() -> NDArray[np.int64]:
    composed: dict[int, tuple[int, int]] = {}
    followers: dict[int, set[int]] = {}
    for point in range(0xC0, 0x30000):
        parts = unicodedata.decomposition(chr(point)).split()
        if len(parts) == 2 and not parts[0].startswith("<"):
            starter, follower = (int(part, 16) for part in parts)
            if unicodedata.normalize("NFC", chr(starter) + chr(follower)) == chr(point):
                composed[point] = starter, follower
                followers.setdefault(starter, set()).add(follower)
    keys = {starter << 21 | follower for starter, marks in followers.items() for follower in marks}
    for point in composed:
        # A mark that sorts before the one inside a composed letter goes to the base first: Ġ + cedilla is Ģ + dot.
        base = point
        while base in composed:
            base, mark = composed[base]
            order = unicodedata.combining(chr(mark))
            lower = (f for f in followers.get(base, ()) if unicodedata.combining(chr(f)) < order)
            keys.update(point << 21 | follower for follower in lower)
    # Hangul composes by arithmetic (The Unicode Standard, 3.12).
    keys |= {lead << 21 | vowel for lead in range(0x1100, 0x1113) for vowel in range(0x1161, 0x1176)}
    keys |= {block << 21 | tail for block in range(0xAC00, 0xD7A4, 28) for tail in range(0x11A8, 0x11C3)}
    return np.array(sorted(keys), np.int64)


# One item of a sequence: the characters that it takes, or None for the start of the text.
_Item = frozenset[int] | None
# Stands for every character that no set names. It counts as \w, as \s and as in every complement, which can only make
# the screen fire too often.
_OTHER = -1


def _automaton(pattern: re.Pattern[str]) -> tuple[dict[int, int], NDArray[np.uint16], int]:
    """Return each character's class, the table of steps, and the length of the longest sequence."""
    parser: Any = importlib.import_module("re._parser")
    tree = parser.parse(pattern.pattern, pattern.flags)
    named = sorted({*range(0x80), *_named(tree)})
    sequences = list(_expand(list(tree), frozenset([*named, _OTHER])))
    if any(None in sequence[1:] for sequence in sequences):
        raise NotImplementedError("the start of the text inside a sequence")
    anchored = {tuple(sequence[1:]) for sequence in sequences if sequence and sequence[0] is None}
    free = {tuple(sequence) for sequence in sequences if sequence and sequence[0] is not None}

    # An item is numbered once, and a state is the set of sequences' rests that still wait for their next character.
    sets = sorted({item for sequence in anchored | free for item in sequence if item is not None}, key=sorted)
    signatures: dict[tuple[bool, ...], int] = {}
    classes = {}
    for point in [*named, _OTHER]:
        signature = tuple(point in item for item in sets)
        classes[point] = signatures.setdefault(signature, len(signatures))
    if len(signatures) > 1 << CLASS_BITS:
        raise NotImplementedError(f"{len(signatures)} classes of characters")
    members = {item: frozenset(c for s, c in signatures.items() if s[i]) for i, item in enumerate(sets)}
    by_class = {sequence: tuple(members[item] for item in sequence if item is not None) for sequence in anchored | free}
    ever = frozenset(by_class[sequence] for sequence in free)
    inside, start = ever, ever | frozenset(by_class[sequence] for sequence in anchored)

    numbers = {frozenset(): 0, inside: 1, start: 2}
    table = [[0] * len(signatures)]
    waiting = [inside, start] if start != inside else [inside]
    for state in waiting:  # grows while it is walked
        row = []
        for c in range(len(signatures)):
            rests = {sequence[1:] for sequence in state if c in sequence[0]}
            following = frozenset() if () in rests else ever | rests
            if following not in numbers:
                numbers[following] = len(numbers)
                waiting.append(following)
            row.append(numbers[following])
        table.append(row)
    if start == inside:
        table.insert(2, table[1])
    return classes, np.array(table, np.uint16), max(len(sequence) for sequence in by_class)


def _named(tree: Iterable[Any]) -> Iterator[int]:
    """Yield every character that a parsed pattern names."""
    for name, value in tree:
        kind = str(name)
        if kind in {"LITERAL", "NOT_LITERAL"}:
            yield value
        elif kind == "RANGE":
            yield from range(value[0], value[1] + 1)
        elif kind == "IN":
            yield from _named(value)
        elif kind == "BRANCH":
            for branch in value[1]:
                yield from _named(branch)
        elif kind == "SUBPATTERN":
            yield from _named(value[-1])
        elif kind == "MAX_REPEAT":
            yield from _named(value[2])


def _expand(tree: list[Any], alphabet: frozenset[int]) -> Iterator[list[_Item]]:
    """Yield every sequence of sets that a parsed pattern can match, branches and optional parts multiplied out."""
    if not tree:
        yield []
        return
    (name, value), rest = tree[0], tree[1:]
    heads: Iterable[list[_Item]]
    match str(name):
        case "LITERAL" | "NOT_LITERAL" | "IN" | "ANY":
            heads = [[_set_of(str(name), value, alphabet)]]
        case "AT" if str(value) == "AT_BEGINNING":
            heads = [[None]]
        case "BRANCH":
            heads = (head for branch in value[1] for head in _expand(list(branch), alphabet))
        case "SUBPATTERN":
            heads = _expand(list(value[-1]), alphabet)
        case "MAX_REPEAT" if value[1] <= 4:
            heads = (head for n in range(value[0], value[1] + 1) for head in _expand(list(value[2]) * n, alphabet))
        case kind:
            raise NotImplementedError(f"{kind} in the pattern of bad sequences")
    tails = list(_expand(rest, alphabet))
    for head in heads:
        for tail in tails:
            yield [*head, *tail]


def _set_of(kind: str, value: Any, alphabet: frozenset[int]) -> frozenset[int]:
    if kind == "LITERAL":
        return frozenset([value])
    if kind == "NOT_LITERAL":
        return alphabet - {value}
    if kind == "ANY":
        return alphabet - {ord("\n")}
    found: set[int] = set()
    negated = False
    for name, part in value:
        match str(name):
            case "NEGATE":
                negated = True
            case "LITERAL":
                found.add(part)
            case "RANGE":
                found.update(range(part[0], part[1] + 1))
            case "CATEGORY":
                category = {"CATEGORY_SPACE": r"\s", "CATEGORY_WORD": r"\w", "CATEGORY_DIGIT": r"\d"}[str(part)]
                found.update(point for point in alphabet if point == _OTHER or re.match(category, chr(point)))
            case other:
                raise NotImplementedError(f"{other} in the pattern of bad sequences")
    return alphabet - (found - {_OTHER}) if negated else frozenset(found)
