"""Repair what went wrong with an article's characters on their way: decoding, entities, controls, invisible noise.

`screen` says for a whole column which texts could be touched at all (1.5 % of real news); `repair` does the exact work
on those. Mojibake is ftfy's business (Robyn Speer, Apache-2.0), line by line, so that one broken paragraph is mended
and the honest ones around it are never looked at together with it.

Published text keeps what its typesetters meant: curly quotes, dashes, no-break spaces (French sets them before ; : ! ?,
and every reader takes them as spaces), full-width CJK punctuation, digraphs such as ĳ, and blank lines.
"""

from __future__ import annotations

import functools
import re
import unicodedata
from collections.abc import Callable, Iterator
from importlib import metadata
from itertools import islice
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from dedupe.cache import cached_arrays
from dedupe.repair.encoding_screen import EMBED, ISOLATE, UNEMBED, UNISOLATE, ascii_kinds, fires, has_sequence
from dedupe.repair.encoding_tables import (
    CONTROLS,
    DIRECTION_ROLES,
    JOINERS,
    LIGATURES,
    LINE_BREAKS,
    NEVER_JOINED,
    RIGHT_TO_LEFT_SCRIPTS,
    SOFT_HYPHEN,
    SPACELESS_SCRIPTS,
    WORD_BREAKS,
    ZERO_WIDTH,
    ScreenTables,
    build_tables,
    in_class,
)
from dedupe.repair.ledger import Draft, Replacement, differences, replaced
from dedupe.tokens import string_buffers

if TYPE_CHECKING:
    from ftfy import TextFixerConfig

# One repair can uncover another (an entity inside mojibake), so they run until nothing changes. Real text takes two or
# three rounds; only text built to waste time takes more. It is left as it is, so that a second repair leaves it too.
MAX_ROUNDS = 12
# Above it ftfy would have to cut a line in two, and where it cuts would depend on what was repaired before.
MAX_LINE = 1_000_000
# Unicode's Stream-Safe Text Format (UAX 15) bounds the marks on one letter: sorting them takes quadratic time.
MAX_MARKS = 30
# Beyond this many places of one rule the rest becomes one replacement: the ledger would join most of them anyway.
MAX_PLACES = 2_000
# ftfy takes 50 µs for the shortest broken line. An article of 10 MB has fewer paragraphs; what has more is left.
MAX_BROKEN_LINES = 10_000
# The one repair that guesses: text may hold a sequence that only looks like mojibake.
MOJIBAKE_CONFIDENCE = 0.98

_LINE = re.compile(f"[^\n{LINE_BREAKS}]+\n?")  # with its line feed, as ftfy cuts them
_LINE_BREAK = re.compile(f"\r\n|[{LINE_BREAKS}\x85]")
_TAG = re.compile(r"<[A-Za-z/!]")
_ENTITIES = re.compile(r"&(?:#?[0-9A-Za-z]{1,24};)+")
_AMPERSANDS = re.compile(r"&(?:(?:amp|AMP|#0{0,20}38|#[xX]0{0,20}26);)+")
_TERMINAL = re.compile(r"\x1b\[[0-9;]*[A-Za-z]")
_WINDOWS = re.compile("[\x80\x82-\x8c\x8e\x91-\x9c\x9e\x9f]")
_CONTROL = re.compile(f"[{CONTROLS}]")
_NEVER_JOINED, _SPACELESS = in_class(NEVER_JOINED), in_class(SPACELESS_SCRIPTS)
_ZERO_WIDTH = re.compile(
    f"[{ZERO_WIDTH}]"
    f"|(?<![^{_NEVER_JOINED}])[{JOINERS}](?![^{_NEVER_JOINED}])"
    f"|(?<![{_SPACELESS}])[{WORD_BREAKS}](?![{_SPACELESS}])"
)
# The characters that it is about: to look for these first takes a tenth of the time on a long text.
_WIDTHLESS = re.compile(f"[{ZERO_WIDTH}{JOINERS}{WORD_BREAKS}]")
_SOFT_HYPHEN = re.compile(SOFT_HYPHEN)
_DIRECTION = re.compile(f"[{''.join(map(chr, DIRECTION_ROLES))}]")
# What five of the rules are about. Few texts have any of it, and one look for all takes a sixth of the time of five.
_ON_SIGHT = re.compile(f"[{CONTROLS}{LINE_BREAKS}\x80-\x9f{''.join(map(chr, LIGATURES))}]")
_RIGHT_TO_LEFT = re.compile(f"[{in_class(RIGHT_TO_LEFT_SCRIPTS)}]")
_LIGATURE = re.compile(f"[{''.join(map(chr, LIGATURES))}]")


def screen(column: pa.StringArray) -> NDArray[np.bool_]:
    """Return, for each text of a column, whether `repair` could change it; null is False.

    Sound: whatever `repair` would change fires, in titles and names as in texts. Precise: it fires on 1.5 % of
    real news, all but a few of which are then changed, and takes 4 µs for an article of 5.9 KB.
    """
    if not len(column):
        return np.zeros(0, np.bool_)
    data, offsets = string_buffers(column)
    tables = _tables()
    found: NDArray[np.bool_] = fires(data, offsets, ascii_kinds(), tables.characters, tables.steps, tables.pairs, tables.reach)
    if column.null_count:
        found &= column.is_valid().to_numpy(zero_copy_only=False)
    return found


def repair(draft: Draft, disabled: frozenset[str] = frozenset(), field: str = "text") -> None:
    """Apply every encoding rule that is not disabled to one field, until nothing changes, and write the ledger.

    Repairing twice is repairing once, and `restore` gives the field back exactly.
    """
    text = draft.fields[field] or ""
    made: list[tuple[str, list[Replacement]]] = []
    for _ in range(MAX_ROUNDS):
        begun, seen = text, True
        for code, find in _STEPS:
            if code == _BY_SIGHT[0]:
                seen = bool(_ON_SIGHT.search(text))
            if code in disabled or (code in _BY_SIGHT and not seen):
                continue
            wanted = find(text)
            if wanted:
                text = replaced(text, wanted)
                made.append((code, wanted))
        # Most texts pass the screen after one round, which takes a thousandth of the time of another one.
        if text == begun or not screen(pa.array([text], pa.string()))[0]:
            break
    else:
        return
    for code, wanted in made:
        draft.replace(code, wanted, field)


def repair_metadata(draft: Draft, disabled: frozenset[str] = frozenset()) -> None:
    """Apply the same rules to every field but the text; plain ASCII costs nothing, and honest letters a screening."""
    for name, value in draft.fields.items():
        if name == "text" or not value or (value.isascii() and value.isprintable() and "&" not in value):
            continue
        if screen(pa.array([value], pa.string()))[0]:
            repair(draft, disabled, name)


@functools.cache
def _tables() -> ScreenTables:
    name = f"encoding-{unicodedata.unidata_version}-ftfy-{metadata.version('ftfy')}"
    characters, steps, pairs, reach = cached_arrays(name, build_tables)
    return ScreenTables(characters, steps, pairs, int(reach))


@functools.cache
def _config() -> TextFixerConfig:
    from ftfy import TextFixerConfig

    # Only what belongs to decoding: every other repair is a rule of its own here.
    return TextFixerConfig(fix_c1_controls=False)


def _each(pattern: re.Pattern[str], text: str, after: Callable[[str], str], named: bool = False) -> list[Replacement]:
    """Replace every match; `named` puts the code points into the evidence, for what no one can see."""
    matches = list(islice(pattern.finditer(text), MAX_PLACES + 1))
    if len(matches) > MAX_PLACES:
        whole = pattern.sub(lambda match: after(match[0]), text)
        return differences(text, whole, most=0, evidence=f"more than {MAX_PLACES:,} places")
    found = []
    for match in matches:
        new = after(match[0])
        if new != match[0]:
            evidence = _named(match[0]) if named else ""
            found.append(Replacement(match.start(), match.end(), new, evidence=evidence))
    return found


def _named(letters: str) -> str:
    return " ".join(f"U+{ord(letter):04X}" for letter in letters)


def _nothing(_: str) -> str:
    return ""


def _entities(text: str) -> list[Replacement]:
    # Where there are tags, the text is about markup or still is markup, and its entities belong to it.
    if "&" not in text or _TAG.search(text):
        return []
    return _each(_ENTITIES, text, _unescaped)


def _unescaped(entities: str) -> str:
    from ftfy.fixes import unescape_html

    for _ in range(MAX_ROUNDS):  # &amp;lt; is < escaped twice
        # Any depth of escaped ampersands at once: one at a time would take quadratic time.
        fixed: str = unescape_html(_AMPERSANDS.sub("&", entities, count=1))
        if fixed == entities or not _ENTITIES.match(fixed):
            return fixed
        entities = fixed
    return entities


def _mojibake(text: str) -> list[Replacement]:
    if text.isascii():
        return []
    # The automaton is ftfy's own pattern of mojibake, and most texts that the screen fires on have something else: 0.3 ms.
    tables = _tables()
    if not has_sequence(np.frombuffer(text.encode(), np.uint8), tables.characters, tables.steps):
        return []
    from ftfy import fix_encoding_and_explain
    from ftfy.badness import is_bad

    every = list(_lines(text))
    suspect = screen(pa.array([line for line, _ in every], pa.string())).nonzero()[0]
    broken = (every[n] for n in suspect if len(every[n][0]) <= MAX_LINE and is_bad(every[n][0]))
    lines = list(islice(broken, MAX_BROKEN_LINES + 1))
    if len(lines) > MAX_BROKEN_LINES:
        return []
    found: list[Replacement] = []
    for line, start in lines:
        fixed, plan = fix_encoding_and_explain(line, _config())
        if fixed == line or not plan:
            continue
        names = [step.parameter for step in plan]
        if set(names) <= {"latin-1", "windows-1252", "fix_c1_controls"}:
            continue  # no mojibake, only controls that Windows-1252 has signs for: a rule of its own
        most = MAX_PLACES - len(found)
        found += differences(line, fixed, start, most, MOJIBAKE_CONFIDENCE, " → ".join(names))
    return found


def _lines(text: str) -> Iterator[tuple[str, int]]:
    for match in _LINE.finditer(text):
        yield match[0], match.start()


def _windows_controls(text: str) -> list[Replacement]:
    return _each(_WINDOWS, text, lambda control: control.encode("latin-1").decode("windows-1252"), named=True)


def _ligatures(text: str) -> list[Replacement]:
    return _each(_LIGATURE, text, lambda letter: LIGATURES[ord(letter)])


def _line_breaks(text: str) -> list[Replacement]:
    return _each(_LINE_BREAK, text, lambda _: "\n")


def _terminal_escapes(text: str) -> list[Replacement]:
    return _each(_TERMINAL, text, _nothing) if "\x1b" in text else []


def _controls(text: str) -> list[Replacement]:
    return _each(_CONTROL, text, _nothing, named=True)


def _zero_width(text: str) -> list[Replacement]:
    if text.isascii():
        return []
    places = list(islice((one.start() for one in _WIDTHLESS.finditer(text)), MAX_PLACES + 1))
    if len(places) > MAX_PLACES:
        return _each(_ZERO_WIDTH, text, _nothing, named=True)
    return [Replacement(at, at + 1, "", evidence=_named(text[at])) for at in places if _ZERO_WIDTH.match(text, at)]


def _soft_hyphens(text: str) -> list[Replacement]:
    return _each(_SOFT_HYPHEN, text, _nothing) if SOFT_HYPHEN in text else []


def _direction_marks(text: str) -> list[Replacement]:
    if text.isascii() or not _DIRECTION.search(text):
        return []
    stray: list[int] = []
    for line, start in _lines(text):
        marks = [match.start() for match in _DIRECTION.finditer(line)]
        lone = marks if marks and not _RIGHT_TO_LEFT.search(line) else _without_partner(line, marks)
        stray += [start + i for i in lone]
    if len(stray) > MAX_PLACES:
        kept = list(text)
        for i in stray:
            kept[i] = ""
        return differences(text, "".join(kept), most=0, evidence=f"more than {MAX_PLACES:,} places")
    return [Replacement(i, i + 1, "", evidence=f"U+{ord(text[i]):04X}") for i in stray]


def _without_partner(line: str, marks: list[int]) -> list[int]:
    stray = []
    for opening, closing in ((EMBED, UNEMBED), (ISOLATE, UNISOLATE)):
        opened: list[int] = []
        for i in marks:
            role = DIRECTION_ROLES[ord(line[i])]
            if role == opening:
                opened.append(i)
            elif role == closing:
                if opened:
                    opened.pop()
                else:
                    stray.append(i)
        stray += opened
    return sorted(stray)


def _composed(text: str) -> list[Replacement]:
    if unicodedata.is_normalized("NFC", text):
        return []
    found: list[Replacement] = []
    for line, start in _lines(text):
        if not line.isascii() and not _too_many_marks().search(line):
            fixed = unicodedata.normalize("NFC", line)
            if fixed != line:
                found += differences(line, fixed, start, MAX_PLACES - len(found))
    return found


@functools.cache
def _too_many_marks() -> re.Pattern[str]:
    marks = "".join(chr(point) for point in range(0x300, 0x1F000) if unicodedata.combining(chr(point)))
    return re.compile(f"[{marks}]{{{MAX_MARKS + 1}}}")


# In ftfy's order: what decoding needs as evidence (C1 controls, soft hyphens, ligatures) is still there when it looks.
_STEPS: tuple[tuple[str, Callable[[str], list[Replacement]]], ...] = (
    ("R003", _entities),
    ("R001", _mojibake),
    ("R002", _windows_controls),
    ("R010", _ligatures),
    ("R004", _line_breaks),
    ("R005", _terminal_escapes),
    ("R006", _controls),
    ("R007", _zero_width),
    ("R008", _soft_hyphens),
    ("R009", _direction_marks),
    ("R011", _composed),
)
# Those that change nothing but characters of `_ON_SIGHT`: they follow each other, so that one look before the first serves all.
_BY_SIGHT = ("R002", "R010", "R004", "R005", "R006")
