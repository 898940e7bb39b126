"""Corpora for the tests of the review: news that never was, in copies of every kind, and articles that mean harm."""

import json
import random
from pathlib import Path
from typing import Any

TOPICS = "harbour budget election glacier orchestra railway vaccine satellite drought museum ferry tariff stadium reactor".split()
WORDS = (
    "council minister report project workers region company officials decision plan market river city station people court "
    "engineers public figures month season proposal committee supply growth research agreement border schools energy"
).split()
VERBS = "announced rejected delayed expects reviewed approved questioned defended published criticised".split()


def sentence(rng: random.Random, topic: str) -> str:
    words = [rng.choice(WORDS) for _ in range(rng.randint(7, 15))]
    words[rng.randrange(len(words))] = topic
    return f"The {rng.choice(WORDS)} {rng.choice(VERBS)} {' '.join(words)}."


def paragraphs(rng: random.Random, topic: str, count: int = 6) -> list[str]:
    return [" ".join(sentence(rng, topic) for _ in range(4)) for _ in range(count)]


def family(rng: random.Random, number: int, size: int) -> list[dict[str, Any]]:
    """One article in copies: as it is, with a paragraph reworded, abridged, longer."""
    topic = TOPICS[number % len(TOPICS)]
    text = paragraphs(rng, topic)
    title = f"Case {number}: the {topic} and the {rng.choice(WORDS)}"
    rows = []
    for copy in range(size):
        own = list(text)
        kind = copy % 4
        if kind == 1:
            own[2] = " ".join(sentence(rng, topic) for _ in range(4))
        elif kind == 2:
            own = own[:4] if number % 3 == 0 else [*own, sentence(rng, topic)]
        elif kind == 3:
            own[1], own[4] = paragraphs(rng, topic, 2)
        rows.append(
            {
                "id": f"{number}-{copy}",
                "title": title,
                "text": "\n\n".join(own),
                "publisher": ["Herald", "Courier", "Gazette", "Tribune"][copy % 4],
                "date": f"2024-03-{1 + (number + copy) % 28:02}",
                "url": f"https://{['herald', 'courier', 'gazette', 'tribune'][copy % 4]}.example/{number}/{copy}",
            }
        )
    return rows


def generated(clusters: int, seed: int = 5) -> list[dict[str, Any]]:
    """A corpus of so many clusters of two to six articles, and as many single ones as a fifth of that."""
    rng = random.Random(seed)
    rows = [row for number in range(clusters) for row in family(rng, number, 2 + number % 5)]
    return rows + [row for number in range(clusters, clusters + clusters // 5) for row in family(rng, number, 1)]


HOSTILE = [
    "<script>window.hurt = 1</script>",
    '<img src=x onerror="window.hurt = 2">',
    '"><svg onload=window.hurt=3>',
    "{{ 7 * 7 }} {% for x in ().__class__.__base__.__subclasses__() %}{{ x }}{% endfor %} ${7*7} #{7*7}",
    "evil \u202egnp.exe\u202c and \u2066isolated\u2069 \x1b[31mred\x07",
    "' OR 1=1; DROP TABLE batches; --",
    "</textarea></title></style><script src=https://evil.example/x.js></script>",
    "<style>body{display:none}</style><base href='https://evil.example/'>",
    "<form action='https://evil.example/'><button name=act value=accept>",
]


def hostile() -> list[dict[str, Any]]:
    """Articles that mean harm, in two copies each, so that they stand in clusters and in diffs."""
    rng = random.Random(7)
    rows = []
    for number, attack in enumerate(HOSTILE):
        text = paragraphs(rng, "harbour")
        for copy in range(2):
            body = [*text[:2], f"{attack} said the council {number}.", *text[2:]]
            if copy:
                body[4] = f"{sentence(rng, 'ferry')} {attack}"
            url = ["javascript:window.hurt=4//", "data:text/html,<script>window.hurt=5</script>", "https://a.example/"][
                number % 3
            ]
            rows.append(
                {
                    "id": f"h{number}-{copy}",
                    "title": f"{attack} {number}",
                    "text": "\n\n".join(body),
                    "url": f"{url}{number}{copy}",
                    "publisher": attack,
                    "author": attack,
                    "date": "2024-05-05",
                }
            )
    line = " ".join(sentence(rng, "reactor") for _ in range(16_000))
    rows += [
        {"id": f"long-{copy}", "title": "One line", "text": line + " End." * copy, "date": "2024-05-06"} for copy in range(2)
    ]
    solid = f"{' '.join(paragraphs(rng, 'museum'))} {'x' * 1_000_000}"
    rows += [{"id": f"solid-{copy}", "title": "x" * 5000, "text": solid} for copy in range(2)]
    return rows


def written(path: Path, rows: list[dict[str, Any]]) -> Path:
    path.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), encoding="utf-8")
    return path
