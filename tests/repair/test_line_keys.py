"""Lines by their first and last words: the kernel against a model in plain Python, over rows, lengths and alphabets."""

from __future__ import annotations

import re

import pyarrow as pa
from hypothesis import example, given, settings
from hypothesis import strategies as st

from dedupe.repair.line_keys import build_keys, find_lines, screen_lines
from dedupe.tokens import string_buffers

HEADS = {"share": 0, "read more": 1, "read more about": 2, "été": 3}
TAILS = {"report": 4, "to this report": 5}
WORD, NOTHING, LIMIT = 6, 7, 90  # asked by "~reuters" and by the empty key
KEYS = build_keys(
    [
        *((key, LIMIT, asker) for key, asker in HEADS.items()),
        *((f"... {key}", LIMIT, asker) for key, asker in TAILS.items()),
        ("~reuters", LIMIT, WORD),
        ("", LIMIT, NOTHING),
    ]
)
PIECES = ["share", "Read", "more", "about", "ÉTÉ", "to", "this", "report", "Reuters", "said", "中", "1", "–", "“", "."]


def expected(text: str) -> list[tuple[int, int, int]]:
    found, start = [], 0
    for raw in text.split("\n"):
        line = raw.strip(" \t\r")
        at = start + len(raw) - len(raw.lstrip(" \t\r"))
        start += len(raw) + 1
        words = [word.lower() for word in re.findall(r"[A-Za-zÀ-ÿ一-鿿]+", line)]
        askers = sum(1 << asker for key, asker in HEADS.items() if words[: len(key.split())] == key.split())
        askers += sum(1 << asker for key, asker in TAILS.items() if words[-len(key.split()) :] == key.split())
        askers += ("reuters" in words[-8:]) << WORD
        askers += (not words) << NOTHING
        if line and askers and len(line.encode()) <= LIMIT:
            found.append((at, at + len(line), askers))
    return found


@settings(max_examples=300, deadline=None)
@given(st.lists(st.lists(st.one_of(st.sampled_from(PIECES), st.sampled_from(["\n", "\n\n", "\r\n", "\t"]))).map(" ".join)))
@example(["share\n" * 40, "", "said é\n" * 40 + "Share"])
@example([f"{'x' * n}\nReuters" for n in range(70)])
def test_lines_are_those_of_the_model(texts: list[str]) -> None:
    column = pa.array(["before", *texts, "behind"], pa.string()).slice(1, len(texts))
    found: list[list[tuple[int, int, int]]] = [[] for _ in texts]
    offsets = string_buffers(column)[1].tolist()
    for row, begin, end, askers, line in find_lines(column, KEYS):
        first, last = (len(texts[row].encode()[: at - offsets[row]].decode()) for at in (begin, end))
        assert texts[row][first:last] == line
        found[row].append((first, last, askers))
    assert found == [expected(text) for text in texts]
    assert screen_lines(column, KEYS).tolist() == [bool(expected(text)) for text in texts]
