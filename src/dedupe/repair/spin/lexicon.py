"""The lexicon of the de-spinner: originals, the variants a spinner puts in their place, and what each row rests on."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from functools import cache, lru_cache
from importlib import resources
from importlib.resources.abc import Traversable
from typing import NamedTuple

from dedupe.errors import UsageError

BASES = frozenset({"written", "seen", "offered", "published"})

# When a row may be used. Everything but `always` asks for a text that the gate takes for spun; `signal` rows read well and are
# never corrected; `style-b` and `science` rows are of other spinners and ask for signs of those; `name` needs a capital;
# `count` and `date` speak of numbers.
CONDITIONS = frozenset({"", "always", "spun", "context", "signal", "style-b", "science", "science-echo", "name", "count", "date"})


class Pair(NamedTuple):
    """Hold one original and one variant of it, both as written in the file; `rank` is the variant's place in its row, from 0."""

    original: str
    variant: str
    rank: int
    basis: str
    condition: str
    groups: frozenset[str]
    source: str


@lru_cache(maxsize=1 << 18)
def fold(phrase: str) -> str:
    """Fold a phrase as the de-spinner compares it: lower case, straight apostrophes, single spaces."""
    return " ".join(phrase.replace("\u2019", "'").lower().split())


def _files(language: str) -> list[Traversable]:
    folder = resources.files("dedupe") / "lexicon" / language
    if not folder.is_dir():
        return []
    return sorted((entry for entry in folder.iterdir() if entry.name.endswith(".tsv")), key=lambda entry: entry.name)


@cache
def lexicon_version(language: str = "en") -> str:
    """Return a hash of all tables of a language: whatever is built from them is kept under it."""
    digest = hashlib.sha256()
    for entry in _files(language):
        digest.update(entry.name.encode() + b"\0" + entry.read_bytes() + b"\0")
    return digest.hexdigest()[:16]


def read_lexicon(language: str = "en", keep: Callable[[Pair], bool] | None = None) -> list[Pair]:
    """Read every `*.tsv` of a language's folder, in order of name; `keep` leaves rows out, for measuring without them.

    Raises UsageError that names file and line where a row is not `original, variants, basis[, condition]`.
    """
    return [pair for pair in _all_pairs(language) if keep is None or keep(pair)]


@lru_cache(maxsize=1)
def _all_pairs(language: str) -> list[Pair]:
    # The class key and the decoder's table are built one after the other, both from all rows: 0.7 s to read.
    return [pair for entry in _files(language) for pair in _rows(entry.name, entry.read_text(encoding="utf-8"))]


def _rows(name: str, content: str) -> Iterator[Pair]:
    for number, line in enumerate(content.split("\n"), 1):
        if number == 1 or not line.strip() or line.startswith("#"):
            continue
        cells = line.split("\t")
        basis, _, groups = cells[2].partition(":") if len(cells) > 2 else ("", "", "")
        condition = cells[3].strip() if len(cells) > 3 else ""
        if basis not in BASES or condition not in CONDITIONS or not cells[0].strip():
            raise UsageError(
                f"Line {number} of the lexicon's {name} is not `original, variants, basis, condition`: {line[:80]!r}.",
                f"The basis is one of {', '.join(sorted(BASES))}; the condition one of {', '.join(sorted(CONDITIONS - {''}))}.",
            )
        original = " ".join(cells[0].split())
        for rank, variant in enumerate(cells[1].split("|")):
            variant = " ".join(variant.split())
            if variant and fold(variant) != fold(original):
                yield Pair(original, variant, rank, basis, condition, frozenset(filter(None, groups.split(","))), name)
