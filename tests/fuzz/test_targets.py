"""What is fuzzed for hours by a command holds for some hundred inputs here."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from fuzz.readers import seeds
from fuzz.targets import read_anything, restore_anything

SEEDS = sorted(seeds().values())
FEW = settings(max_examples=150, deadline=None)

# Pieces that set the stages of repair off, between text of any kind.
PIECES = [
    "Advertisement", "\n", "\n\n", "By Jane Doe", "Published: April 3, 2025", "WASHINGTON (Reuters) - ", "Leave a Comment", "\x1e",
    "It isnâ€™t", "cafÃ©", "&amp;", "&#39;", "\u200b", "\ufeff", "\r\n", "\r", "\x00", "ﬁ", "\u2028", "Share this:", " – Springfield Herald",
    "The Associated Press contributed to this report.", "Sign up for our newsletter.", "e\u0301", "\U0001f600", "\u202e",
]  # fmt: skip
texts = st.lists(st.one_of(st.sampled_from(PIECES), st.text(st.characters(exclude_categories=["Cs"]), max_size=12)), max_size=25)


def test_seeds_are_read() -> None:
    for data in SEEDS:
        read_anything(data)


@FEW
@given(
    data=st.sampled_from(SEEDS),
    flips=st.lists(st.tuples(st.integers(0, 5_000), st.integers(0, 255)), max_size=5),
    cut=st.integers(0, 300),
)
def test_damaged_seeds_are_rows_and_rejects(data: bytes, flips: list[tuple[int, int]], cut: int) -> None:
    changed = bytearray(data[: len(data) - cut % len(data)] if cut % 3 == 0 else data)
    for place, value in flips:
        changed[place % len(changed)] = value
    read_anything(bytes(changed))


@FEW
@given(texts)
def test_any_text_is_restored_through_all_stages(pieces: list[str]) -> None:
    restore_anything("".join(pieces).encode())
