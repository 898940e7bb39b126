"""Facts of a stretch of text: numbers by value, months and days, names; and which of them contradict each other."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable
from operator import itemgetter
from typing import NamedTuple

from dedupe.match.relation_words import (
    AGENCIES,
    ALIASES,
    CAPITAL_ONLY,
    DAYS,
    MONTHS,
    MULTIPLIERS,
    NUMBERS,
    PLAIN,
    SUFFIXES,
    TITLES,
)

NUMBER, MONTH, DAY, NAME = "number", "month", "day", "name"


class Fact(NamedTuple):
    """Hold one fact: its kind, its value (a float, or a folded word), and how it is written.

    `part` tells of a name that a word beside it carries a capital too: "White House", "Joe Biden". `unit` is what is written
    right before a number: a currency.
    """

    kind: str
    value: float | str
    written: str
    part: bool = False
    unit: str = ""


_WORD = re.compile(r"\d+(?:[.,]\d+)*|[^\W\d_]+(?:['’][^\W\d_]+)*")
_UNIT = re.compile(r"(?:[A-Za-z]{1,3}|[$€£¥₹₩₽₺₪฿])$")
_GROUPED = re.compile(r"\d{1,3}(?:,\d{3})+(?:\.\d+)?")
_POINTED = re.compile(r"\d{1,3}(?:\.\d{3}){2,}(?:,\d+)?|\d{1,3}(?:\.\d{3})+,\d+")
_DECIMAL_COMMA = re.compile(r"\d+,\d{1,2}")
_PUNCTUATION = " \t\r\n.,;:!?()[]{}\"'“”‘’«»*|/-–—"
# Behind one of these a word begins a sentence, unless an abbreviation stands before the point.
_ENDS = frozenset(".!?:;•*|>\n")
_QUOTES = " \t\"'“”‘’«»([—–-"
_GERMAN = re.compile(r"\b(?:der|die|das|und|nicht|ist|eine?|einer|einem|mit|von|den|dem|des|für|auf|im|zum|zur)\b")
SENTENCE_ENDS = (b".", b"!", b"?", b'"', b")", "”".encode(), "’".encode(), "…".encode())
_LINE_REACH = 400  # bytes of a line that show how it is written
_JOINED_BEFORE = re.compile(rb".?[\w-]\Z|\d[.,]\Z", re.DOTALL)
_JOINED_BEHIND = re.compile(rb"[\w-]|[.,]\d")
_MOST_COUNTED = 1000
_REACH = 60  # bytes that are looked back and on for the rest of a word, and for where a sentence begins


def facts_of(text: bytes, line: int, begin: int, end: int, stop: int, has_names: Callable[[bytes], bool]) -> list[Fact]:
    """Return the facts of `text[begin:end]`, a part of the line `text[line:stop]`, in their order.

    Words that begin or end outside are taken whole, and so is a number of several words. `has_names` is asked, with the text,
    whether capitals tell names in this line; only where there is one.
    """
    low = max(line, begin - _REACH)
    window = text[low : min(stop, end + _REACH)]
    if window.isascii():
        whole, start, last = window.decode("ascii"), begin - low, end - low
    else:
        head, body = (part.decode("utf-8", "ignore") for part in (text[low:begin], text[begin:end]))
        whole, start, last = (
            head + body + text[end : min(stop, end + _REACH)].decode("utf-8", "ignore"),
            len(head),
            len(head + body),
        )
    first = max(whole.rfind(" ", 0, start), whole.rfind("\t", 0, start), whole.rfind("\xa0", 0, start)) + 1
    while last < len(whole) and not whole[last].isspace():
        last += 1
    # Only these words and two on either side are read: the words beside one tell whether it is a name, or part of a number.
    begin_at, end_at = first, last
    for _ in range(2):
        begin_at = max(0, whole.rfind(" ", 0, max(0, begin_at - 1)) + 1)
        end_at = whole.find(" ", end_at + 1) if 0 <= end_at < len(whole) else -1
    found = list(_WORD.finditer(whole, begin_at, end_at if end_at >= 0 else len(whole)))
    words = [match.group() for match in found]
    at = next((place for place, match in enumerate(found) if match.start() >= first), len(found))
    if 0 < at < len(found) and words[at].casefold() in MULTIPLIERS and _number(words, found, whole, at - 1)[1] > 1:
        at -= 1  # "3 million" is one number, also where only the million differs
    facts: list[Fact] = []
    more = line < low
    while at < len(found) and found[at].start() < last:
        value, used = _number(words, found, whole, at)
        if used:
            facts.append(_fact(NUMBER, value, whole, found, at, used))
            at += used
            continue
        fact = _date(words[at], whole, found, at) or _name(words[at], whole, found, at, more)
        if fact and (fact.kind != NAME or has_names(text)):
            facts.append(fact)
        at += 1
    return facts


def _fact(kind: str, value: float | str, whole: str, found: list[re.Match[str]], at: int, used: int) -> Fact:
    # As it is written, with what is joined to it without a space: '$12', 'two-day', '3-1'.
    start, end = found[at].start(), found[at + used - 1].end()
    while start > 0 and not whole[start - 1].isspace() and found[at].start() - start < 20:
        start -= 1
    while end < len(whole) and not whole[end].isspace() and end - found[at + used - 1].end() < 20:
        end += 1
    unit = _UNIT.search(whole[start : found[at].start()])
    return Fact(kind, value, whole[start:end].strip(_PUNCTUATION), unit=unit.group() if unit else "")


def _number(words: list[str], found: list[re.Match[str]], whole: str, at: int) -> tuple[float, int]:
    # The value of the number that begins here, and how many words it takes; 0 words where none does.
    word = words[at]
    used = 1
    if word[0].isdecimal():
        value = _digits(word)
        if at + 1 < len(words) and found[at + 1].start() == found[at].end():
            suffix = words[at + 1].casefold()
            if suffix in SUFFIXES:
                return value * SUFFIXES[suffix], 2
            if suffix in ("st", "nd", "rd", "th"):
                used = 2
    elif word.casefold() in NUMBERS:
        value = NUMBERS[word.casefold()]
        if value >= 20 and at + 1 < len(words) and 0 < NUMBERS.get(words[at + 1].casefold(), 0) < 10:
            value += NUMBERS[words[at + 1].casefold()]
            used = 2
    else:
        return 0.0, 0
    total = float(value)
    while at + used < len(words):
        joint = whole[found[at + used - 1].end() : found[at + used].start()]
        factor = MULTIPLIERS.get(words[at + used].casefold())
        if factor is None or len(joint) > 1:
            break
        total *= factor
        used += 1
    return total, used


def _digits(word: str) -> float:
    if _GROUPED.fullmatch(word):
        return float(word.replace(",", ""))
    if _POINTED.fullmatch(word):
        return float(word.replace(".", "").replace(",", "."))
    if _DECIMAL_COMMA.fullmatch(word):
        return float(word.replace(",", "."))
    if word.count(".") == 1 and "," not in word:
        return float(word)
    # "3.4.5" or "1,2,3": a version or a list, taken as one thing.
    return float(re.sub(r"[.,]", "", word)[:300])


def _date(word: str, whole: str, found: list[re.Match[str]], at: int) -> Fact | None:
    folded = word.casefold()
    if folded in CAPITAL_ONLY and not word[0].isupper():
        return None
    if folded in MONTHS:
        return _fact(MONTH, float(MONTHS[folded]), whole, found, at, 1)
    return _fact(DAY, float(DAYS[folded]), whole, found, at, 1) if folded in DAYS else None


def _name(word: str, whole: str, found: list[re.Match[str]], at: int, more: bool) -> Fact | None:
    if not _is_capital(word):
        return None
    part = _capital_follows(found, at, whole)
    if _opens_sentence(whole, found[at].start(), more):
        # "Maria Duarte said", but "Warship Sukanya sailed": whether it is written small elsewhere will tell.
        if not part:
            return None
        part = False
    name = fold_name(word)
    follows = at > 0 and _is_capital(found[at - 1].group()) and _capital_follows(found, at - 1, whole)
    # "told Reuters" names who reported it; Michael Bloomberg and President Fox are people.
    agency = name in AGENCIES and not (follows and fold_name(found[at - 1].group()) not in AGENCIES)
    if name in TITLES or agency or not name:
        return None
    return Fact(NAME, name, word, part or follows)


def fold_name(word: str) -> str:
    """Fold a name for comparison: no case, no accents, no possessive, one spelling where two are usual."""
    folded = re.sub(r"['’]s?$", "", word.casefold()).replace("'", "").replace("’", "")
    folded = "".join(char for char in unicodedata.normalize("NFD", folded) if not unicodedata.combining(char))
    return ALIASES.get(folded, folded)


def _opens_sentence(whole: str, start: int, more: bool) -> bool:
    head = whole[:start].rstrip(_QUOTES)
    if not head:
        return not more
    if head[-1] not in _ENDS:
        return False
    last = re.search(r"([^\W\d_]+)\.$", head)
    return not (last and (len(last.group(1)) == 1 or last.group(1).casefold() in TITLES or last.group(1).casefold() in MONTHS))


def _capital_follows(found: list[re.Match[str]], at: int, whole: str) -> bool:
    if at + 1 >= len(found):
        return False
    following = found[at + 1]
    return _is_capital(following.group()) and whole[found[at].end() : following.start()] in (" ", "-")


def _is_capital(word: str) -> bool:
    return word[0].isupper() and word.casefold() not in PLAIN


def title_case(text: bytes, line: int, stop: int) -> bool:
    """Tell whether most words of a line carry a capital, as in a headline, a list or a shout, so that capitals tell no names.

    A sentence may have many too, and a long line is no headline, whatever it ends with.
    """
    sentence = stop - line > _LINE_REACH or text[line:stop].rstrip().endswith(SENTENCE_ENDS)
    stop = min(stop, line + _LINE_REACH)
    written = text[line:stop].decode("utf-8", "ignore")
    if " the " not in written and len(_GERMAN.findall(written)) >= 2:
        return True  # every noun has a capital
    words = re.findall(r"[^\W\d_]{4,}", written)
    capitals = sum(map(str.isupper, map(itemgetter(0), words)))
    return len(words) >= 3 and capitals > (0.85 if sentence else 0.6) * len(words)


def unmatched(
    one: list[Fact], other: list[Fact], left: bytes, right: bytes, numbers_only: bool, lines: bool
) -> tuple[str, str] | None:
    """Return how two facts of one kind are written that contradict each other, or None.

    Facts that both sides hold are struck out. What is left on one side only contradicts nothing. With `numbers_only`, where a
    sentence is put otherwise, numbers that the other text holds as often, elsewhere, are struck out too: they have moved. With
    `lines`, where several lines are put otherwise, it is enough that it holds them.
    """
    for kind in (NUMBER,) if numbers_only else (NUMBER, MONTH, DAY, NAME):
        a = [fact for fact in one if fact.kind == kind]
        b = [fact for fact in other if fact.kind == kind]
        for fact in list(a):
            same = next((candidate for candidate in b if _same(fact, candidate)), None)
            if same:
                a.remove(fact)
                b.remove(same)
        if kind == NUMBER:
            # The same sum in dollars and in dirhams is no contradiction.
            a, b = [x for x in a if any(_comparable(x, y) for y in b)], [y for y in b if any(_comparable(x, y) for x in a)]
            if numbers_only:
                a, b = [f for f in a if not _moved(f, left, right, lines)], [f for f in b if not _moved(f, right, left, lines)]
        if not a or not b:
            continue
        if kind == NAME:
            a, b = _names_left(a, b, left, right)
            if not a or not b:
                continue
            return " ".join(f.written for f in a), " ".join(f.written for f in b)
        return a[0].written, b[0].written
    return None


def _same(a: Fact, b: Fact) -> bool:
    if a.kind == NAME:
        return same_name(str(a.value), str(b.value))
    return a.value == b.value or (a.kind == NUMBER and _rounded(a, b))


def _comparable(a: Fact, b: Fact) -> bool:
    return not a.unit or not b.unit or a.unit == b.unit


def _rounded(a: Fact, b: Fact) -> bool:
    # "3.49 billion" and "3.5 billion": one is the other with fewer digits, but at least two. Whole numbers are counts: a toll
    # of 150 is not one of 148.
    short, long = sorted((a, b), key=_precision)
    digits = _precision(short)
    return 2 <= digits < _precision(long) and "." in long.written and float(f"{long.value:.{digits}g}") == short.value


def _precision(fact: Fact) -> int:
    return len(f"{fact.value:.12g}".replace(".", "").strip("0"))


def same_name(a: str, b: str) -> bool:
    """Tell whether two folded words are one name: equal, or one a misspelling of the other.

    A letter too many, too few, or two in the wrong order count from five letters on; another letter only from seven on, since
    Iran is not Iraq, nor Gambia Zambia.
    """
    if a == b:
        return True
    short, long = sorted((a, b), key=len)
    if long == f"{short}s":
        return True
    if len(long) - len(short) > 1 or len(long) < 5:
        return False
    if len(long) > len(short):
        return any(long[:at] + long[at + 1 :] == short for at in range(len(long)))
    differing = [at for at in range(len(a)) if a[at] != b[at]]
    if len(differing) == 1:
        return len(a) >= 7
    first, last = differing[0], differing[-1]
    return len(differing) == 2 and last == first + 1 and a[first] == b[last] and a[last] == b[first]


def _names_left(a: list[Fact], b: list[Fact], left: bytes, right: bytes) -> tuple[list[Fact], list[Fact]]:
    one, other = "".join(str(f.value) for f in a), "".join(str(f.value) for f in b)
    if one == other or _initials(a, other) or _initials(b, one):
        return [], []
    for x in a:
        for y in b:
            # "Boris said" and "Johnson said", where either text names Boris Johnson; but not Chris for Hugo before Christie.
            for full in (f"{x.written} {y.written}", f"{y.written} {x.written}"):
                if _count(left, full) or _count(right, full):
                    return [], []
    # A word that stands alone and is written small elsewhere carries its capital for some other reason.
    return [f for f in a if f.part or not _small(f, left, right)], [f for f in b if f.part or not _small(f, left, right)]


def _initials(facts: list[Fact], short: str) -> bool:
    return len(facts) > 1 and "".join(str(f.value)[0] for f in facts) == short


def _moved(fact: Fact, text: bytes, other: bytes, lines: bool) -> bool:
    # A number that both texts hold elsewhere, in the same place, says nothing about this one.
    return _count(other, fact.written) >= (1 if lines else _count(text, fact.written))


def _small(fact: Fact, left: bytes, right: bytes) -> bool:
    written = fact.written.lower()
    return _count(left, written) > 0 or _count(right, written) > 0


def _count(text: bytes, written: str) -> int:
    # How often it stands as a word of its own, or as a number of its own. By plain search, which is 20 times as fast as an
    # expression with these bounds; and no further than a report would go.
    word, count = written.encode(), 0
    at = text.find(word)
    for _ in range(_MOST_COUNTED):
        if at < 0:
            break
        stop = at + len(word)
        count += not (_JOINED_BEFORE.match(text[max(0, at - 2) : at]) or _JOINED_BEHIND.match(text, stop))
        at = text.find(word, stop)
    return count
