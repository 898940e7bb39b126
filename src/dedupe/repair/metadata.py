"""Move a title, a date and a byline out of the text into their columns, where the columns are empty.

They stand in the first lines only. A line whose content the column already holds leaves the text too; one that says something
else stays, since then nobody knows which is right.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import datetime, timedelta
from functools import cache

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numba import njit
from numpy.typing import NDArray

from dedupe.repair.ledger import Draft, Replacement
from dedupe.repair.line_keys import LineKeys, build_keys, screen_lines
from dedupe.repair.line_removal import Removal, remove_lines
from dedupe.repair.metadata_dates import DATE, MONTHS, TIME, WEEKDAYS, read_date
from dedupe.repair.residue import agencies
from dedupe.tokens import string_buffers
from dedupe.zones import ZONE_NAMES

TITLE, DATED, BYLINE = "R300", "R301", "R302"

ZONE = 800  # code points: title, dek, byline, two dates and a caption fit; no paragraph of the body is reached that matters
_MOST_LINES = 6
_LINE = 200  # bytes of the longest headline, byline or date line; the longest title in 6,000 articles has 190
_LEAST_BODY = 200
_BLANK = " \t\r\x0b\x0c"

_HEADS = (
    "by, written by, posted by, story by, von, par, por, date, published, publication date, publish date, updated, last "
    "updated, posted, "
    "first published, created, last modified, veröffentlicht, aktualisiert, publié, mis à jour, publicado, actualizado, am, "
    "pm, a m, p m, on, t, st, nd, rd, th, de, "
)

_LABEL = (
    r"(?:date|publication date|publish date|(?:first )?published|posted|created|(?:last )?updated|last modified|"
    r"veröffentlicht|aktualisiert|"
    r"publié(?: le)?|mis à jour(?: le)?|publicado(?: el)?|actualizado(?: el)?)(?: ?(?:on|at|am) | ?[:|] ?| )"
)
_ANONYMOUS = re.compile(r"\(\?P<\w+>")
_BARE_DATE, _BARE_TIME = _ANONYMOUS.sub("(?:", DATE), _ANONYMOUS.sub("(?:", TIME)
_WHEN = rf"(?:(?:{_BARE_TIME}[,.]? ?(?:on )?)?{_BARE_DATE}(?:(?:T|,? (?:at |- |\| |– )?){_BARE_TIME})?)"
_DATE_LINE = re.compile(rf"(?:{_LABEL})?{_WHEN}(?:[ ,;|/•·–-]+(?:{_LABEL})?(?:{_WHEN}|{_BARE_TIME}))?\.?", re.IGNORECASE)
_TIME_LINE = re.compile(rf"(?:last )?updated ?(?:at |: ?)?{_BARE_TIME}\.?", re.IGNORECASE)
_UPDATED = re.compile(r"\W*(?:last )?(?:updated|modified)|aktualisiert|mis à jour|actualizado", re.IGNORECASE)
_DATE_PREFIX = re.compile(rf"[ \t]*date[: ] ?({_BARE_DATE})[ \t]+(?=\S)", re.IGNORECASE)
_MONTH_PREFIX = re.compile(r"[ \t]*date[: ] ?([0-9]{4}-(?:0[1-9]|1[0-2]))[ \t]+(?=\S)", re.IGNORECASE)

_WORD = r"(?:[A-ZÀ-ÖØ-Þ][\w'’-]*\.?|[A-Z]\.(?:[A-Z]\.)*)"
_PERSON = rf"{_WORD}(?: (?:(?:de|del|della|van|von|der|den|bin|al|el|la|le|du|da|dos|di) ){{0,2}}{_WORD}){{1,3}}"
_BYLINE = re.compile(
    rf"(?:By|BY|by|Written by|Posted by|Story by|Von|Par|Por)[: ] ?(?P<names>{_PERSON}(?:(?:, {_PERSON}){{0,5}},? (?:and|AND|"
    rf"&|und|et|y) {_PERSON})?)"
    rf"(?:(?P<between>,| ?\||,? for| of| ?/| -| –| —) ?(?P<of>(?:the |The )?{_WORD}(?: (?:of |the |and |& "
    rf"){{0,2}}{_WORD}){{0,4}}))?"
    r"(?:[ ,|]+[\w.+-]+@[\w.-]+)?"
)
_ROLE = re.compile(
    r"\b(?:staff|writer|reporter|correspondent|editor|columnist|contributor|bureau|chief|photographer|opinion|guest|special|"
    r"producer)\b",
    re.IGNORECASE,
)
_NOT_NAMES = (
    "the this that these those any all popular demand monday tuesday wednesday thursday friday saturday sunday election day "
    "time contrast comparison law default design word early late mid most some many no one two three new year christmas "
    "independence labor memorial now then end sunrise sunset midnight noon using making his her its their my our"
)
_NO_NAME = frozenset(_NOT_NAMES.split()) | frozenset(
    month for month in MONTHS if len(month) > 3 and month not in ("april", "june", "august", "march", "mars", "januar")
)

_SEPARATOR = re.compile(r" (?:\||–|—|-|::|»|·) ")
_SITE = re.compile(r"(?:The |the )?[A-Z0-9][\w.'’&-]*(?: (?:of |the |and |& )?[A-Z0-9][\w.'’&-]*){0,3}")
_NEWSY = re.compile(
    r"\b(?:news|times|post|daily|journal|herald|tribune|gazette|chronicle|telegraph|guardian|press|magazine|online|media|"
    r"radio|tv|"
    r"today|globe|observer|independent|finance|report|wire|network|world|reuters|cnn|bbc|npr|nbc|cbs|abc|insider|review|"
    r"blog)\b|\.(?:com|org|net|co)\b",
    re.IGNORECASE,
)
_FUNCTION_WORDS = "is are was were to in for on with at from by as after before over says wins his her not be it"
_FUNCTION = frozenset(_FUNCTION_WORDS.split())
# What stands first in a text without being its headline: a dateline, a label, a time, a byline with more than names, and at its
# end the credit of a picture. Of 6,000 articles whose titles were taken away, 90 began so.
_NO_HEADLINE = re.compile(
    r"(?:.{0,60}\((?:Reuters|AP|AFP|dpa|CNN|CNNMoney|UPI|Bloomberg)\)|(?i:story highlights|key points|editor's note|"
    r"related\b|close )|"
    r"(?i:(?:last )?updated)\b.*[0-9]|By [A-Z].*,|.*\([^()]*(?:[Pp]hoto|/ ?(?:Reuters|AP|AFP|Getty)\b)[^()]*\)$)"
)
# A full stop behind a word, and a sentence behind that: "Nancy Pelosi is a genius. She took the rift ..."
_SENTENCE_WITHIN = re.compile(r"(?:[a-z]{4}|[0-9]{2})[.!]['\"”’)]* ['\"“‘(]?[A-Z]|[.!?]['\"”’]+\)$")
_UNFINISHED = frozenset("a an and as at but by for from her his in its of on or that the their to which with".split())
# The characters that make two headlines the same: letters and digits, ASCII ones without case. As in `_same_first_line`.
_LETTERS = re.compile("[A-Za-z0-9\u00c0-\u1fff\u3040-\ufeff\U00010000-\U0010ffff]+")


@cache
def _keys() -> LineKeys:
    heads = [head.strip() for head in _HEADS.split(",")]
    return build_keys([*((head, _LINE, 0) for head in (*heads, *MONTHS, *WEEKDAYS, *ZONE_NAMES)), ("date", 4 * ZONE, 0)])


def screen(batch: pa.RecordBatch) -> NDArray[np.bool_]:
    """Say for each article of a batch (columns text and title) whether `extract` may change it (3 µs an article)."""
    text, title = batch.column("text"), batch.column("title")
    heads = screen_lines(pc.utf8_slice_codeunits(text, 0, ZONE), _keys())
    first = _same_first_line(*string_buffers(text), *string_buffers(title), _LINE)
    fired: NDArray[np.bool_] = heads | first
    return fired


def extract(draft: Draft, disabled: frozenset[str] = frozenset()) -> None:
    """Move what the first lines say into the empty fields title, published_at (ISO 8601, UTC), author and publisher."""
    if DATED not in disabled:
        _cut_date_prefix(draft)
    removals, passed = [], 0
    for number, (start, end) in enumerate(_first_lines(draft.text)):
        line = draft.text[start:end]
        rule = None
        if TITLE not in disabled and number == 0 and _take_title(draft, line, draft.text[end:]):
            rule = TITLE
        elif DATED not in disabled and _take_date(draft, line):
            rule = DATED
        elif BYLINE not in disabled and _take_byline(draft, line):
            rule = BYLINE
        if rule:
            removals.append(Removal(start, end, rule, "metadata in a line of its own"))
            continue
        passed += 1
        if passed > 2 or line.endswith((".", ".”", '."')):
            break
    remove_lines(draft, removals)


def _first_lines(text: str) -> Iterator[tuple[int, int]]:
    at = found = 0
    while at < len(text) and found < _MOST_LINES:
        stop = text.find("\n", at)
        stop = len(text) if stop < 0 else stop
        line = text[at:stop]
        start, end = at + len(line) - len(line.lstrip(_BLANK)), at + len(line.rstrip(_BLANK))
        at = stop + 1
        if start >= end:
            continue
        if end > ZONE or len(line.encode("utf-8", "surrogatepass")) > _LINE:
            return
        found += 1
        yield start, end


def _fill(draft: Draft, rule: str, field: str, value: str, confidence: float, assumed: str = "") -> None:
    draft.fields.setdefault(field, None)
    evidence = f"from the text; {assumed}" if assumed else "from the text"
    draft.replace(rule, [Replacement(0, len(draft.fields.get(field) or ""), value, confidence, evidence)], field=field)


def _letters(text: str) -> str:
    # ASCII case alone, as the kernel folds it.
    return "".join(_LETTERS.findall(text)).translate(_LOWER)


_LOWER = {code: code + 32 for code in range(65, 91)}


def _take_title(draft: Draft, line: str, rest: str) -> bool:
    known = draft.fields.get("title")
    if known and known.strip():
        return bool(_letters(line)) and _letters(line) == _letters(known)
    headline, site = split_site(line)
    if not _is_headline(headline, rest):
        return False
    _fill(draft, TITLE, "title", headline, 0.9)
    publisher = draft.fields.get("publisher")
    if site and not (publisher and publisher.strip()):
        _fill(draft, TITLE, "publisher", site, 0.8)
    return True


def split_site(line: str) -> tuple[str, str]:
    """Split `Title – Site name` into both; the site is empty where the last part may be of the headline.

    >>> split_site("Trump invites Bukele to White House for talks – Crypto Finance")
    ('Trump invites Bukele to White House for talks', 'Crypto Finance')
    >>> split_site("Obama Wins Ohio - Race Is Over")
    ('Obama Wins Ohio - Race Is Over', '')
    """
    parts = list(_SEPARATOR.finditer(line))
    if not parts:
        return line, ""
    last = parts[-1]
    headline, site = line[: last.start()].strip(), line[last.end() :].strip()
    words = headline.split()
    if len(words) < 4 or len(site) > 40 or not _SITE.fullmatch(site) or _FUNCTION & set(site.lower().split()):
        return line, ""
    plain = sum(word.islower() and len(word) > 3 for word in words)
    sure = "|" in last[0] or _NEWSY.search(site) or (plain >= 2 and " " in site)
    return (headline, site) if sure else (line, "")


def _is_headline(line: str, rest: str) -> bool:
    words = line.split()
    spaceless = not line.isascii() and len(words) < 4 and len(line) >= 8
    if not (4 <= len(words) <= 30 or spaceless) or line.endswith((".", ":", ";", ",", "。", "…", "-", "–", "—")):
        return False
    if line[0] in "\"“‘'«([*•-–—#@" or line[0].islower() or line.endswith(("”", '"')):
        return False
    if _NO_HEADLINE.match(line.replace("’", "'")) or _SENTENCE_WITHIN.search(line) or words[-1].lower() in _UNFINISHED:
        return False
    # Of 6,000 articles 40 begin with a question that is none of capitals; not one of them is the headline.
    if line.endswith("?") and sum(word[0].islower() for word in words) * 3 > len(words):
        return False
    body = rest.lstrip(" \t\r")
    if body.lstrip("\n \t\r")[:1].islower():  # the line was broken off in mid-sentence
        return False
    if not body.startswith("\n") or len(body.strip()) < _LEAST_BODY or _DATE_LINE.fullmatch(line) or _BYLINE.fullmatch(line):
        return False
    # The body's first paragraph is a paragraph: longer than the headline, and a sentence.
    for paragraph in body.strip().split("\n", 6)[:6]:
        if len(paragraph) > max(len(line), 100) and re.search(r"[.!?。！？][\"”’')\]]*\s*$", paragraph):
            return True
    return False


def _cut_date_prefix(draft: Draft) -> None:
    found = _MONTH_PREFIX.match(draft.text)
    if found:  # no day: the month leaves, unless another is known, and fills no column
        known = draft.fields.get("published_at")
        if known and known.strip() and not known.startswith(found[1]):
            return
    else:
        found = _DATE_PREFIX.match(draft.text)
        dated = read_date(found[1]) if found else None
        if found is None or dated is None or not _accept_date(draft, *dated):
            return
    draft.replace(DATED, [Replacement(0, found.end(), "", 1.0, "metadata before the first sentence")])


def _take_date(draft: Draft, line: str) -> bool:
    core = line.strip(" \t*•·|()[]")
    if _TIME_LINE.fullmatch(core):
        return True
    if not _DATE_LINE.fullmatch(core):
        return False
    dated = read_date(core)
    return dated is not None and _accept_date(draft, *dated, bool(_UPDATED.match(core)))


def _accept_date(draft: Draft, moment: datetime, assumed: str, updated: bool = False) -> bool:
    known = draft.fields.get("published_at")
    if not known or not known.strip():
        _fill(draft, DATED, "published_at", moment.isoformat(), 0.7 if updated else 1.0, assumed)
        return True
    # A day apart is the same date in another zone.
    before = datetime.fromisoformat(known)
    if before.tzinfo is None:
        before = before.replace(tzinfo=moment.tzinfo)
    return (updated and moment >= before) or abs(before - moment) <= timedelta(days=1)


def _take_byline(draft: Draft, line: str) -> bool:
    found = _BYLINE.fullmatch(line.strip(" \t*•·|–—-"))
    if not found or {word.lower().strip(".,") for word in found["names"].split()} & _NO_NAME:
        return False
    names, of = found["names"], found["of"] or ""
    if _ROLE.search(names):
        return False
    if of and not (_ROLE.search(of) or agencies(of) or _NEWSY.search(of) or of.isupper()):
        # Behind a comma may stand one more author; behind anything else nobody knows what.
        if found["between"].strip() != ",":
            return False
        names, of = f"{names}, {of}", ""
    author, publisher = draft.fields.get("author"), draft.fields.get("publisher")
    if author and author.strip():
        if _letters(names) not in _letters(author) and _letters(author) not in _letters(names):
            return False
    else:
        _fill(draft, BYLINE, "author", names.title() if names.isupper() else names, 0.9)
    if of and not _ROLE.search(of):
        draft.credits += [name for name in agencies(of) if name not in draft.credits]
        if not (publisher and publisher.strip()):
            _fill(draft, BYLINE, "publisher", of.removeprefix("the ").removeprefix("The ") if agencies(of) else of, 0.8)
    return True


@njit(cache=True, nogil=True)
def _next_letter(data, at, stop):  # type: ignore[no-untyped-def]
    # Return where the next byte of a letter or digit stands (what else is skipped), or `stop`.
    while at < stop:
        byte = data[at]
        if byte < 0x80:
            if 0x30 <= byte <= 0x39 or 0x41 <= byte <= 0x5A or 0x61 <= byte <= 0x7A:
                return at
            at += 1
        elif byte == 0xC2:
            at += 2
        elif (
            byte == 0xE2
            or (byte == 0xE3 and at + 1 < stop and data[at + 1] == 0x80)
            or (byte == 0xEF and at + 1 < stop and data[at + 1] >= 0xBC)
        ):
            at += 3
        else:
            return at
    return stop


@njit(cache=True, nogil=True)
def _same_first_line(data, offsets, titles, title_offsets, longest):  # type: ignore[no-untyped-def]
    # Whether a short first line has the same letters as the title; where there is no title, whether there is a short first line.
    fired = np.zeros(len(offsets) - 1, np.bool_)
    for row in range(len(offsets) - 1):
        at, stop = offsets[row], offsets[row + 1]
        while at < stop and (data[at] == 0x20 or (0x09 <= data[at] <= 0x0D)):
            at += 1
        end = at
        while end < stop and data[end] != 0x0A:
            end += 1
        more = end < stop
        while end > at and (data[end - 1] == 0x20 or (0x09 <= data[end - 1] <= 0x0D)):
            end -= 1
        if end - at > longest:
            continue
        p, last = title_offsets[row], title_offsets[row + 1]
        p = _next_letter(titles, p, last)
        if p >= last:
            fired[row] = more
            continue
        at = _next_letter(data, at, end)
        while at < end and p < last:
            a, b = data[at], titles[p]
            a = a + 0x20 if 0x41 <= a <= 0x5A else a
            b = b + 0x20 if 0x41 <= b <= 0x5A else b
            if a != b:
                break
            at, p = _next_letter(data, at + 1, end), _next_letter(titles, p + 1, last)
        fired[row] = at >= end and p >= last
    return fired
