"""Rewrites of articles whose relation is known because they were made: cut, added to, spun, corrected, changed in a fact."""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.templates import DAYS, FIRST, LAST, MONTHS, PLACES, TEMPLATES

TITLES = {
    "president", "secretary", "senator", "governor", "professor", "director", "general", "attorney", "chief", "judge",
    "mayor", "party", "press", "fox", "virgin", "first", "second", "third", "fourth", "fifth",
}  # fmt: skip
LEXICON = Path(__file__).parents[1] / "src" / "dedupe" / "lexicon" / "en"


@dataclass
class Made:
    """Hold a generated corpus: articles by ID, and the kind of each planted pair with the relations that are right."""

    articles: dict[str, str] = field(default_factory=dict)
    pairs: list[tuple[str, str, str, frozenset[str]]] = field(default_factory=list)
    digests: list[list[str]] = field(default_factory=list)

    def add(self, kind: str, right: str, *texts: str) -> list[str]:
        """Add an original and its rewrite, and return their IDs."""
        names = [f"{kind.replace(' ', '-')}-{len(self.articles)}-{part}" for part in range(len(texts))]
        self.articles |= dict(zip(names, texts, strict=True))
        self.pairs.append((kind, names[0], names[1], frozenset(right.split())))
        return names


class Lexicon:
    """Replace words and phrases as article spinners do, by the project's own lexicon."""

    def __init__(self, rng: random.Random) -> None:
        self._rng = rng
        self._variants: dict[str, list[str]] = {}
        for path in sorted(LEXICON.glob("[wp]*.tsv")):
            for line in path.read_text(encoding="utf-8").splitlines()[1:]:
                original, variants, *_ = line.split("\t")
                self._variants.setdefault(original.lower(), variants.split("|"))

    def spin(self, text: str, share: float) -> str:
        """Replace this share of the places where a phrase of up to three words, or a word, has variants."""

        def variant(match: re.Match[str]) -> str:
            known = self._variants.get(match.group().lower())
            if not known or self._rng.random() > share or match.group()[0].isupper():
                return match.group()
            return self._rng.choice(known)

        for length in (3, 2, 1):
            text = re.sub(r"\b[a-z]+(?: [a-z]+){%d}\b" % (length - 1), variant, text)  # noqa: UP031
        return text


def paragraphs(text: str) -> list[str]:
    """Return the lines that say anything."""
    return [line for line in text.split("\n") if line.strip()]


def _lead(text: str, rng: random.Random) -> str:
    words = [match.end() for match in re.finditer(r"\S+", text)]
    return text[: words[min(len(words) - 1, max(100, round(len(words) * rng.uniform(0.1, 0.6))))]]


# What stands on the page and is no part of the report: captions, credits, offers. A fact that is changed in them is none.
_PAGE = re.compile(
    r"Hide Caption|photos?:|REUTERS/|Getty|Replay More|MUST WATCH|Slideshow|toggle caption|newsletter|sign up|copyright|©"
    r"|AP Photo|Image \d|read more|see also|related:|contributed to this report|https?:|[@#]\w",
    re.IGNORECASE,
)


def reports(line: str) -> bool:
    """Tell whether a line reports something: it ends as a sentence does, and is no caption, credit, heading, list or offer."""
    words = line.split()
    capitals = sum(word[0].isupper() or word[0].isdecimal() for word in words)
    return len(words) >= 8 and line.rstrip()[-1] in '.!?"”’' and capitals < 0.4 * len(words) and not _PAGE.search(line)


def _within(text: str, pattern: str) -> list[re.Match[str]]:
    """Find a pattern in the lines that report, behind the first 250 characters."""
    spans = [(match.start(), match.end()) for match in re.finditer(r"[^\n]+", text) if reports(match.group())]
    found = re.compile(pattern)
    return [match for begin, end in spans for match in found.finditer(text, max(begin, 250), end)]


def _abridged(text: str, rng: random.Random) -> str:
    lines = paragraphs(text)
    kept = set(range(min(2, len(lines))))
    order = list(range(2, len(lines)))
    rng.shuffle(order)
    wanted = max(100, len(text.split()) * rng.uniform(0.15, 0.7))
    for at in order:
        if sum(len(lines[place].split()) for place in kept) >= wanted:
            break
        kept.add(at)
    return "\n\n".join(lines[place] for place in sorted(kept))


def _sentences_cut(text: str, rng: random.Random) -> str | None:
    # The first two sentences stay, half of the others go, and one word in a hundred is put otherwise. What is no sentence stays.
    lines, seen = [], 0
    for line in paragraphs(text):
        if not reports(line):
            lines.append(line)
            continue
        kept = []
        for sentence in re.split(r"(?<=[a-z0-9][.!?])[”\"]? (?=[A-Z“\"])", line):
            if seen < 2 or rng.random() < 0.5:
                words = sentence.split(" ")
                kept.append(" ".join("otherwise" if rng.random() < 0.01 and word.islower() else word for word in words))
            seen += 1
        lines.append(" ".join(kept))
    changed = "\n\n".join(line for line in lines if line)
    return changed if len(changed.split()) >= 100 else None


def _added(text: str, donor: str, rng: random.Random) -> str:
    lines = paragraphs(text)
    lines.insert(rng.randint(1, len(lines)), _longest(donor)[: len(text) // 3])
    return "\n\n".join(lines)


def _exchanged(text: str, donor: str, rng: random.Random) -> str | None:
    lines = paragraphs(text)
    places = [at for at in range(1, len(lines)) if reports(lines[at]) and len(lines[at]) < len(text) // 3]
    if not places:
        return None
    at = rng.choice(places)
    lines[at] = _longest(donor)[: max(200, len(lines[at]))]
    return "\n\n".join(lines)


def _longest(text: str) -> str:
    return max([line for line in paragraphs(text)[1:] if reports(line)] or [text[:300]], key=len)


def _typo(text: str, rng: random.Random) -> str:
    places = _within(text, r"\b[A-Za-z][a-z]{5,}\b")
    for match in sorted(rng.sample(places, min(len(places), rng.randint(1, 4))), key=lambda m: -m.start()):
        word, at = match.group(), rng.randrange(1, len(match.group()) - 1)
        wrong = rng.choice(
            [word[:at] + word[at + 1 :], word[:at] + word[at] + word[at:], word[:at] + word[at + 1] + word[at] + word[at + 2 :]]
        )
        text = text[: match.start()] + wrong + text[match.end() :]
    return text


def _headline(text: str, rng: random.Random) -> str:
    # In place of the headline, or above a text that has none.
    donor = list(re.findall(r"[A-Za-z]{4,}", text[200:])) or ["news"]
    lines = paragraphs(text)
    headline = " ".join(rng.choice(donor) for _ in range(7)).title()
    return "\n\n".join([headline, *(lines[1:] if len(lines[0].split()) <= 20 and not reports(lines[0]) else lines)])


def _dateline(text: str, rng: random.Random) -> str:
    body = re.sub(r"^[A-Z][^\n—]{0,60} — ", "", "\n\n".join(paragraphs(text)), flags=re.MULTILINE)
    lines = paragraphs(body)
    at = 1 if len(lines) > 1 and len(lines[0]) < 120 else 0
    lines[at] = (
        f"{rng.choice(PLACES).upper()}, "
        f"{rng.choice(MONTHS)} {rng.randint(1, 28)} ({rng.choice(['AP', 'Reuters', 'AFP'])}) — {lines[at]}"
    )
    return "\n\n".join(lines)


def _number(text: str, rng: random.Random) -> str | None:
    places = _within(text, r"(?<![\w.,:/-])\d{1,4}(?![\w:/]|[.,]\d)")
    if not places:
        return None
    chosen = rng.choice(places)
    other = rng.choice([value for value in range(2, 99) if value != int(chosen.group())])
    return text[: chosen.start()] + str(other) + text[chosen.end() :]


def _toll(text: str, rng: random.Random) -> str | None:
    changed = _number(text, rng)
    more = "Crews were expected to go on with their work through the night, and a fuller account was promised for the morning."
    return changed and f"{changed}\n\n{more}"


# The first sentences of a developing story, and what stands there when more is known. The rest of the text stays.
_DEVELOPMENTS = (
    (
        "At least {0} people were killed when a bus left the road near {2} early on {3}, officials said.",
        "The toll of a bus crash near {2} rose to {1} on {3} when three more bodies were found, officials said.",
    ),
    (
        "Rescuers in {2} pulled {0} survivors out of the rubble by {3} evening, and the search went on.",
        "The search in {2} went on after rescuers had pulled {1} survivors out of the rubble by {3} evening.",
    ),
    (
        "The storm left {0} homes without power in {2}, the utility said on {3}.",
        "Power was still out in {1} homes around {2} late on {3}, according to the utility.",
    ),
    (
        "Police in {2} arrested {0} people on {3} in a raid on what they called a ring of car thieves.",
        "The number of people held after the raid on a ring of car thieves in {2} grew to {1} on {3}, police said.",
    ),
)


def _exchange_word(text: str, words: list[str], others: list[str], rng: random.Random) -> str | None:
    places = _within(text, rf"(?<=[a-z,] )(?:{'|'.join(words)})\b")
    if not places:
        return None
    old = rng.choice(places)
    return text[: old.start()] + rng.choice([word for word in others if word != old.group()]) + text[old.end() :]


def _day(text: str, rng: random.Random) -> str | None:
    return _exchange_word(text, DAYS, DAYS, rng) or _exchange_word(text, MONTHS, MONTHS, rng)


def _people(text: str) -> list[tuple[str, str]]:
    # Two words with a capital in the middle of a sentence, neither of which is written small anywhere, nor is a day or a month;
    # and the second stands without the first, too, as surnames do.
    pairs = [match.groups() for match in _within(text, r"(?<=[a-z,] )([A-Z][a-z]{2,}) ([A-Z][a-z]{3,})(?=[ ,.](?![A-Z]))")]
    small = set(re.findall(r"\b[a-z]+\b", text)) | {word.lower() for word in (*DAYS, *MONTHS)} | TITLES
    alone = {match.group() for match in _within(text, r"(?<=[a-z,.] )[A-Z][a-z]{3,}(?= [a-z])")}
    return [(one, other) for one, other in pairs if not small & {one.lower(), other.lower()} and other in alone - {one}]


def _name(text: str, rng: random.Random) -> str | None:
    people = _people(text)
    if not people:
        return None
    old = rng.choice(people)[0]
    return text[:250] + re.sub(rf"\b{old}\b", rng.choice([name for name in FIRST if name != old]), text[250:])


def _surname(text: str, rng: random.Random) -> str | None:
    people = _people(text)
    if not people:
        return None
    old = rng.choice(people)[1]
    return re.sub(rf"\b{old}\b", rng.choice([name for name in LAST if name != old]), text)


Rewrite = Callable[[str, random.Random], "str | None"]

# Kind, how it is made, the relations that are right. A cut at or above the threshold is `near`, by the definition of near;
# headline and dateline are no part of a repaired text, and a page that shouts keeps residue which is known by its casing.
REWRITES: tuple[tuple[str, Rewrite, str], ...] = (
    ("cut to the lead", _lead, "near contained"),
    ("abridged", _abridged, "near contained"),
    ("sentences cut, words changed", _sentences_cut, "near contained"),
    ("typo corrected", _typo, "near"),
    ("headline changed", _headline, "near exact"),
    ("dateline changed", _dateline, "near exact"),
    ("casing changed", lambda text, _: text.upper(), "exact near"),
    ("number changed", _number, "update"),
    ("toll changed, paragraph added", _toll, "update"),
    ("date changed", _day, "update"),
    ("first name changed", _name, "update"),
    ("surname changed", _surname, "update"),
)


def make(sources: Iterator[str], each: int, seed: int) -> Made:
    """Make `each` pairs of every kind from texts that are used once each; and digests of three articles that stand beside it."""
    rng = random.Random(seed)
    lexicon = Lexicon(rng)
    made = Made()
    usable = (text for text in sources if len(text.split()) >= 180)
    for kind, rewrite, right in REWRITES:
        count = 0
        for text in usable:
            changed = rewrite(text, rng)
            if changed and changed != text:
                made.add(kind, right, text, changed)
                count += 1
            if count == each:
                break
    for _ in range(each):
        for kind, way in (("paragraph added", _added), ("paragraph exchanged", _exchanged)):
            changed = None
            while changed is None:
                text = next(usable)
                changed = way(text, next(usable), rng)
            made.add(kind, "near", text, changed)
        text = next(usable)
        made.add("words spun", "near spun", text, lexicon.spin(text, rng.uniform(0.05, 0.25)))
        early, late = rng.choice(_DEVELOPMENTS)
        one, other = rng.sample(range(3, 90), 2)
        facts = one, other, rng.choice(PLACES), rng.choice(DAYS)
        text = next(usable)
        made.add("developing story", "update", f"{early.format(*facts)}\n\n{text}", f"{late.format(*facts)}\n\n{text}")
    for number in range(each):
        template = TEMPLATES[number % len(TEMPLATES)]
        made.add("template filled anew", "update", template(rng), template(rng))
    for number in range(each):
        three = [next(usable) for _ in range(3)]
        names = [f"digest-{number}-{part}" for part in range(3)]
        made.articles |= dict(zip(names, three, strict=True))
        made.articles[f"digest-{number}"] = "\n\n".join(three)
        made.pairs += [("part of a digest", name, f"digest-{number}", frozenset(["part_of"])) for name in names]
        made.digests.append(names)
    return made
