"""A realistic corpus of any size, from a seed of its own or from a file of articles, with planted near-copies.

Run `python -m benchmarks.corpus --articles 30000 --seed 1 OUT.jsonl`. Articles stream, so a million
need no more memory than a thousand.
"""

from __future__ import annotations

import argparse
import itertools
import json
import re
import time
import unicodedata
from collections import Counter, defaultdict, deque
from collections.abc import Callable, Iterable, Iterator
from datetime import date, timedelta
from functools import cache
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

Article = dict[str, str]
COLUMNS = ("id", "title", "text", "source", "url", "date")
SCHEMA = pa.schema([(name, pa.string()) for name in COLUMNS])
PLANTED_SHARE = 0.05
# Length of news articles in words, fitted to 6,000 scraped ones: log-normal, mean 950, median 780.
MEAN_WORDS, SIGMA_WORDS = 950.0, 0.57
WORDS = 20_000
# A copy must not turn the words that residue rules know into others, or the copies would be cleaner than their model.
# fmt: off
RESIDUE_WORDS = frozenset((
    "advertisement", "article", "by", "caption", "click", "comment", "comments", "contributed", "cookie", "cookies",
    "copyright", "credit", "editor", "email", "facebook", "follow", "getty", "image", "images", "link", "newsletter",
    "newsletters", "photo", "photos", "press", "read", "related", "report", "reserved", "reuters", "rights", "share",
    "sign", "story", "subscribe", "twitter", "updates", "video",
))
# fmt: on


# Apostrophes in all their disguises, characters of no width, accents: what stands inside a word and is no part of it.
_JOINED = re.compile("['`\u00b4\u2018\u2019\u02bc\u00ad\u200b-\u200d\u2060\ufeff\u0300-\u036f]")


def word_shingles(text: str, size: int = 3) -> set[tuple[str, ...]]:
    """Return the exact set of word shingles after folding, by plain Python: the oracle of all figures on pairs.

    Case, accents and apostrophes do not tell articles apart. For scripts that write spaces.
    """
    folded = unicodedata.normalize("NFD", text.casefold())
    words = re.findall(r"[^\W_]+", _JOINED.sub("", folded))
    return {tuple(words[at : at + size]) for at in range(max(1, len(words) - size + 1))} if words else set()


def jaccard(first: set[tuple[str, ...]], second: set[tuple[str, ...]]) -> float:
    """Return the share of shingles that both hold among those that either holds; 0 for two empty sets."""
    shared = len(first & second)
    return shared / max(1, len(first) + len(second) - shared)


@cache
def vocabulary(language: str, count: int = WORDS) -> tuple[list[str], np.ndarray]:
    """Return words of a language, and a pool of their numbers in which each stands as often as its frequency asks.

    The pool has shape (2**20,), int32. Frequencies are those of the wordfreq library.
    """
    from wordfreq import get_frequency_dict  # noqa: PLC0415  (a file as model needs no word list)

    spaced = language not in ("zh", "ja")
    known = get_frequency_dict(language, wordlist="small")
    words = [word for word in known if (word.isalpha() and (word.isascii() or language != "en")) or not spaced][:count]
    frequencies = np.array([known[word] for word in words])
    pool = np.searchsorted(np.cumsum(frequencies) / frequencies.sum(), (np.arange(2**20) + 0.5) / 2**20)
    return words, np.minimum(pool, len(words) - 1).astype(np.int32)


def _names(rng: np.random.Generator, count: int) -> list[str]:
    onsets = ["b", "br", "d", "f", "g", "gr", "h", "k", "l", "m", "n", "p", "r", "s", "st", "t", "tr", "v", "w"]
    parts = [onsets, ["a", "e", "i", "o", "u", "ai", "ee"], ["n", "r", "l", "s", "ck", "nd", "th", ""]]
    lengths = rng.integers(4, 7, count).tolist()
    return ["".join(str(rng.choice(parts[at % 3])) for at in range(length)).capitalize() for length in lengths]


class Writer:
    """Write articles in one language: Zipf words, a topic for each article, names, numbers, sentences, quotations."""

    LEADS = 3  # plain, capital, capital after a quotation mark
    TAILS = (" ", ", ", ". ", ".\n", '." ', '."\n', "'s ")
    UNSPACED_TAILS = ("", "、", "。", "。\n", "」。", "」。\n", "")

    def __init__(self, language: str, seed: int) -> None:
        rng = np.random.default_rng([seed, 7, *language.encode()])
        words, self._pool = vocabulary(language)
        names = _names(rng, 1500)
        numbers = [str(number) for number in (*range(2, 60), *range(1995, 2026), *range(100, 1000, 50))]
        self._names = np.arange(len(words), len(words) + len(names))
        self._numbers = np.arange(self._names[-1] + 1, self._names[-1] + 1 + len(numbers))
        tails, opening = (self.UNSPACED_TAILS, "「") if language == "zh" else (self.TAILS, '"')
        self._pieces = [
            lead + tail
            for word in (*words, *names, *numbers)
            for lead in (word, word[:1].upper() + word[1:], opening + word[:1].upper() + word[1:])
            for tail in tails
        ]

    def write(self, rng: np.random.Generator, count: int, sentence: tuple[int, int] = (8, 31)) -> str:
        """Return `count` words as paragraphs, one a line."""
        numbers = self._pool[rng.integers(0, len(self._pool), count)]
        # An article comes back to its own words: a sixth of a real one is its topic's nouns and its people.
        topic = np.concatenate([self._pool[rng.integers(0, len(self._pool), 40)], rng.choice(self._names, 12)])
        dice = rng.random(count)
        topical = dice < 0.17
        numbers[topical] = rng.choice(topic, int(topical.sum()))
        numeric = dice > 0.985
        numbers[numeric] = rng.choice(self._numbers, int(numeric.sum()))
        ends = np.cumsum(rng.integers(*sentence, count // sentence[0] + 1))
        ends = np.append(ends[ends < count - 2], count) - 1
        starts = np.append(0, ends[:-1] + 1)
        quoted = rng.random(len(ends)) < 0.12
        paragraph = rng.random(len(ends)) < 0.38
        paragraph[-1] = True
        inner = rng.random(count)
        tails = np.where(inner < 0.06, 1, np.where(inner > 0.99, 6, 0))
        tails[ends] = 2 + paragraph + 2 * quoted
        leads = (numbers >= self._names[0]).astype(np.int64)
        leads[starts] = 1 + quoted
        spelled = (numbers.astype(np.int64) * self.LEADS + leads) * len(self.TAILS) + tails
        return "".join(map(self._pieces.__getitem__, spelled.tolist())).rstrip()


class Publisher:
    """Hold what one publisher does to every article: its name, its style, and the lines its pages leave behind."""

    # What publishers say about themselves in their own words, in all their articles or none.
    SELF = (
        "{person} covers {place} for {name} and writes its Sunday column.",
        "Get the best of {name} in your inbox every morning, from {place} to the world.",
        "Listen to {person} and friends on the {name} podcast, wherever you are.",
        "{name} is owned by its readers in {place}. If you value its work, become a member today.",
        "Do you know more about this story? Write to {person} at {name}.",
    )

    def __init__(self, number: int, seed: int) -> None:
        rng = np.random.default_rng([seed, 11, number])
        kinds = ["Herald", "Times", "Post", "Courier", "Online", "Tribune", "News", "Wire"]
        self.name = f"{_names(rng, 1)[0]} {rng.choice(kinds)}"
        self.host = re.sub(r"\W", "", self.name.lower()) + f"{number}.example"
        self.typographic = bool(rng.random() < 0.5)
        self.gap = "\n\n" if rng.random() < 0.7 else "\n"
        self.bylines, self.datelines, self.agency = rng.random(3) < (0.4, 0.5, 0.2)
        lines = (
            "Advertisement",
            "Leave a Comment",
            "Copy link to section",
            "Share this article",
            f"Follow {self.name} on Facebook and Twitter",
            f"Sign up for the {self.name} newsletter",
            f"Copyright {self.name}. All rights reserved.",
            *(line.format(name=self.name, person=" ".join(_names(rng, 2)), place=_names(rng, 1)[0]) for line in self.SELF),
        )
        chosen = [line for line in lines if rng.random() < 0.2]
        cut = int(rng.integers(0, len(chosen) + 1))
        self.head, self.foot = chosen[:cut], chosen[cut:]


# What happens to UTF-8 that is taken for Windows-1252; the five bytes that the code page lacks pass as they are.
_CP1252 = {byte: bytes([byte]).decode("cp1252", "ignore") or chr(byte) for byte in range(0x80, 0xA0)}


def generate(count: int, seed: int, words: float = MEAN_WORDS) -> Iterator[Article]:
    """Yield articles made from a seed: 80 publishers, 4 % in other languages, 0.4 % garbled by a wrong code page.

    `words` is their mean length.
    """
    english = Writer("en", seed)
    others = ("de", "es", "fr", "pt", "ru", "zh")
    writers = cache(lambda language: english if language == "en" else Writer(language, seed))
    publishers = [Publisher(number, seed) for number in range(80)]
    shares = 1 / np.arange(2, 82)
    for number in range(count):
        rng = np.random.default_rng([seed, 13, number])
        publisher = publishers[int(rng.choice(80, p=shares / shares.sum()))]
        language = "en" if rng.random() > 0.04 else str(rng.choice(others))
        writer = writers(language)
        title = english.write(rng, int(rng.integers(5, 12))).replace("\n", " ") if language == "en" else writer.write(rng, 9)
        length = rng.lognormal(np.log(words) - SIGMA_WORDS**2 / 2, SIGMA_WORDS)
        body = writer.write(rng, int(np.clip(length, 60, 8000)))
        if publisher.datelines:
            body = f"{english.write(rng, 1).strip('.').upper()} - {body}"
        by = [f"By {' '.join(_names(rng, 2))}"] if publisher.bylines else []
        credit = ["The Associated Press contributed to this report."] if publisher.agency and rng.random() < 0.3 else []
        text = "\n".join([*by, *publisher.head, body, *credit, *publisher.foot])
        garbled = rng.random() < 0.004
        if publisher.typographic or garbled:
            text = re.sub('"([^"\n]*)"', "“\\1”", text).replace("'", "\u2019")
        if garbled:
            text = text.encode().decode("latin-1").translate(_CP1252)
        day = date(2012, 1, 1) + timedelta(days=int(rng.integers(0, 4700)))
        yield {
            "id": f"g{seed}-{number}",
            "title": title.rstrip(".").strip('"'),
            "text": text.replace("\n", publisher.gap),
            "source": publisher.name,
            "url": f"https://{publisher.host}/{day:%Y/%m}/{seed}-{number}",
            "date": day.isoformat() if rng.random() > 0.05 else "",
        }


_WORD = re.compile(r"([^\W\d_]+(?:['\u2019](?!s\b)[^\W\d_]+)?)")
_ADDRESS = re.compile(r"(https?://\S+|www\.\S+|\S*@\S+)")
_ENDINGS = ("ing", "ed", "ly", "s", "")


class Variants:
    """Hold the articles of a file as numbers of their pieces, so that a copy costs one table and a join an article."""

    def __init__(self, articles: list[Article], function_words: int = 200) -> None:
        lines = Counter(line for article in articles for line in {line.strip() for line in article["text"].split("\n")})
        # A line that three articles share is residue, a credit or a heading: copies keep it word for word.
        self._kept = {line for line, count in lines.items() if count >= 3}
        self._numbers: dict[str, int] = {}
        self._rows = [(article, self._encode(article["title"]), self._encode(article["text"])) for article in articles]
        self._pieces = list(self._numbers)
        counts: Counter[str] = Counter()
        capitals: Counter[str] = Counter()
        frequency = np.zeros(len(self._pieces), np.int64)
        for _, _, text in self._rows:
            frequency += np.bincount(text, minlength=len(self._pieces))
        for piece, times in zip(self._pieces, frequency.tolist(), strict=True):
            if piece.isascii() and piece.isalpha() and len(piece) > 2:
                counts[piece.lower()] += times
                capitals[piece.lower()] += times * piece[0].isupper()
        common = {word for word, _ in counts.most_common(function_words)} | RESIDUE_WORDS
        classes: dict[tuple[str, bool], list[str]] = defaultdict(list)
        for word in sorted(counts.keys() - common, key=lambda word: (-counts[word], word)):
            ending = next(ending for ending in _ENDINGS if word.endswith(ending))
            classes[ending, capitals[word] * 2 > counts[word]].append(word)
        self._bands = [band for words in classes.values() for band in _bands(words)]

    def _encode(self, text: str) -> np.ndarray:
        pieces: list[str] = []
        for line in text.split("\n"):
            for at, part in enumerate([line] if line.strip() in self._kept else _ADDRESS.split(line)):
                pieces += _WORD.split(part) if at % 2 == 0 and line.strip() not in self._kept else [part]
            pieces.append("\n")
        numbers = self._numbers
        return np.array([numbers.setdefault(piece, len(numbers)) for piece in pieces[:-1]], np.int32)

    def copy(self, number: int, seed: int) -> Iterator[Article]:
        """Yield all articles once: copy 0 as they are, copy k with content words exchanged for others.

        A word's place is taken by one of like frequency, ending and case. The exchange is one permutation for the whole
        copy, so its articles relate to one another as the originals do, while articles of two copies share little: over
        400 real ones the Jaccard of an article with its own copy is 0.08 in the median and 0.26 at most.
        """
        table = self._pieces
        if number:
            rng = np.random.default_rng([seed, 17, number])
            exchanged: dict[str, str] = {}
            for band in self._bands:
                order = rng.permutation(len(band)).tolist()
                # Each word takes the place of the next one in a ring, so none stays itself.
                exchanged |= {band[one]: band[two] for one, two in zip(order, [*order[1:], *order[:1]], strict=True)}
            table = [_like(piece, exchanged.get(piece.lower())) for piece in self._pieces]
        for article, title, text in self._rows:
            made = dict(article)
            if number:
                made["id"] = f"{article['id']}-{number}"
                made["title"] = "".join(map(table.__getitem__, title.tolist()))
                made["text"] = "".join(map(table.__getitem__, text.tolist()))
                made["url"] = re.sub(r"^([^?#]+)", rf"\1-{number}", article["url"])
            yield made


def _bands(words: list[str]) -> Iterator[list[str]]:
    # Frequencies fall as a power of the rank, so bands double in width: 16, 32, 64, ...
    start = 0
    while start < len(words):
        yield words[start : 2 * start + 16]
        start = 2 * start + 16


def _like(piece: str, word: str | None) -> str:
    if word is None or not piece.isalpha():
        return piece
    return word if piece.islower() else word.upper() if piece.isupper() and len(piece) > 1 else word.capitalize()


def read_articles(path: Path) -> list[Article]:
    """Read a Parquet or JSON Lines file with the columns of `COLUMNS`; those that are missing are empty."""
    if path.suffix == ".parquet":
        rows = pq.read_table(path).to_pylist()
    else:
        rows = [json.loads(line) for line in path.read_text(encoding="utf-8").split("\n") if line]
    return [{name: str(row.get(name) or "") for name in COLUMNS} for row in rows]


def from_file(path: Path, count: int, seed: int) -> Iterator[Article]:
    """Yield `count` articles after the model of a file: itself first, then its copies."""
    variants = Variants(read_articles(path)[:count])
    copies = itertools.chain.from_iterable(variants.copy(number, seed) for number in itertools.count())
    return itertools.islice(copies, count)


def near_copy(text: str, donor: str, rng: np.random.Generator) -> tuple[str, list[str]]:
    """Return a near-copy and the names of its one to three edits: changed words, a cut, a paragraph from a donor."""
    chances = (("words", 0.7), ("cut", 0.45), ("insert", 0.35))
    done = [kind for kind, chance in chances if rng.random() < chance] or ["words"]
    lines = text.split("\n")
    if "cut" in done:
        keep = max(1, round(len(lines) * float(rng.uniform(0.75, 0.97))))
        start = int(rng.choice([0, len(lines) - keep]))
        lines = lines[start : start + keep]
    if "insert" in done:
        longest = sorted(donor.split("\n"), key=len)[-4:]
        lines.insert(int(rng.integers(0, len(lines) + 1)), str(rng.choice(longest)))
    text = "\n".join(lines)
    if "words" in done:
        pieces = _WORD.split(text)
        spare = [word for word in _WORD.findall(donor) if len(word) > 3] or ["word"]
        share = float(rng.uniform(0.005, 0.06))
        for at in np.flatnonzero(rng.random(len(pieces) // 2) < share).tolist():
            if len(pieces[2 * at + 1]) > 3:
                pieces[2 * at + 1] = _like(pieces[2 * at + 1], str(rng.choice(spare)).lower())
        text = "".join(pieces)
    return text, done


def plant(articles: Iterator[Article], count: int, seed: int, note: Callable[[dict[str, object]], object]) -> Iterator[Article]:
    """Yield `count` articles, `PLANTED_SHARE` of them near-copies of one of the last thousand; note each true pair."""
    rng = np.random.default_rng([seed, 19])
    recent: deque[Article] = deque(maxlen=1000)
    for number in range(count):
        if len(recent) > 1 and rng.random() < PLANTED_SHARE:
            original, donor = (recent[int(rng.integers(0, len(recent)))] for _ in range(2))
            text, edits = near_copy(original["text"], donor["text"], rng)
            made = {**original, "id": f"{original['id']}-p{number}", "text": text}
            made["url"] = re.sub(r"^([^?#]+)", rf"\1-p{number}", original["url"])
            exact = jaccard(word_shingles(original["text"]), word_shingles(text))
            note({"a": original["id"], "b": made["id"], "edits": edits, "jaccard": round(exact, 6)})
            yield made
        else:
            article = next(articles)
            recent.append(article)
            yield article


def write(articles: Iterable[Article], path: Path, batch: int = 1000) -> int:
    """Write articles as JSON Lines, or as Parquet where the path ends so; return how many."""
    articles, written = iter(articles), 0
    if path.suffix == ".parquet":
        with pq.ParquetWriter(path, SCHEMA, compression="zstd") as file:
            while rows := list(itertools.islice(articles, batch)):
                file.write_batch(pa.RecordBatch.from_pylist(rows, SCHEMA))
                written += len(rows)
        return written
    with path.open("w", encoding="utf-8", newline="\n") as lines:
        for article in articles:
            lines.write(json.dumps(article, ensure_ascii=False) + "\n")
            written += 1
    return written


def make(out: Path, count: int, seed: int, model: Path | None = None, words: float = MEAN_WORDS) -> int:
    """Write a corpus and, beside it as `.truth.jsonl`, its planted pairs with exact Jaccard; return how many pairs."""
    out.parent.mkdir(parents=True, exist_ok=True)
    honest = from_file(model, count, seed) if model else generate(count, seed, words)
    pairs = 0
    with out.with_suffix(".truth.jsonl").open("w", encoding="utf-8") as truth:

        def note(pair: dict[str, object]) -> None:
            nonlocal pairs
            pairs += 1
            truth.write(json.dumps(pair) + "\n")

        write(plant(honest, count, seed, note), out)
    return pairs


def main() -> None:
    """Make a corpus from the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("out", type=Path, help="where to write: .jsonl or .parquet")
    parser.add_argument("--articles", type=int, default=30_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--from", type=Path, dest="model", help="file of articles whose copies to write (.parquet or .jsonl)")
    parser.add_argument("--words", type=float, default=MEAN_WORDS, help="mean length of articles that no file is the model of")
    given = parser.parse_args()
    started = time.perf_counter()
    pairs = make(given.out, given.articles, given.seed, given.model, given.words)
    facts = f"{pairs:,} planted pairs, {given.out.stat().st_size / 1e6:,.0f} MB"
    print(f"{given.articles:,} articles, {facts} in {time.perf_counter() - started:.1f} s: {given.out}")


if __name__ == "__main__":
    main()
