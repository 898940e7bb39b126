"""Tables that take over chunks of an earlier run: byte for byte those that compressing everything gives."""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dedupe.write.parquet import TableWriter
from dedupe.write.splice import ColumnsOf, Earlier, Reused
from dedupe.write.thrift import BINARY, BYTE, DOUBLE, FALSE, I16, I32, I64, LIST, STRUCT, TRUE, decode, encode

SCHEMA = pa.schema(
    [
        ("article_id", pa.string()),
        ("text", pa.string()),
        ("text_sha256", pa.string()),
        ("credits", pa.list_(pa.string())),
        ("size", pa.int32()),
        ("score", pa.float32()),
    ]
)
IMPLIED = {"text": "text_sha256"}
Row = dict[str, object]


def rows(count: int, seed: int = 1) -> list[Row]:
    chance = random.Random(seed)
    made: list[Row] = []
    for number in range(count):
        text = " ".join(f"{chance.random():.6f}" for _ in range(chance.randrange(30)))
        made.append(
            {
                "article_id": f"{seed}-{number}", "text": text, "text_sha256": str(hash(text)), "size": number % 3,
                "credits": ["AP"] * (number % 2), "score": None if number % 5 else number / 8,
            }
        )  # fmt: skip
    return made


def written(path: Path, table: list[Row], reused: Reused | None = None, facts: dict[str, object] | None = None) -> bytes:
    writer = TableWriter(path, SCHEMA, facts or {}, reused)
    for start in range(0, len(table), 70):
        for batch in pa.Table.from_pylist(table[start : start + 70], SCHEMA).to_batches():
            writer.write(batch)
    writer.close()
    return path.read_bytes()


@pytest.fixture(autouse=True)
def small_groups(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("dedupe.write.parquet.ROW_GROUP_BYTES", 40_000)


@pytest.fixture
def copied(monkeypatch: pytest.MonkeyPatch) -> list[set[str]]:
    seen: list[set[str]] = []
    unchanged = Earlier.unchanged

    def watched(self: Earlier, number: int, rows: int, columns: ColumnsOf) -> set[str]:
        seen.append(unchanged(self, number, rows, columns))
        return seen[-1]

    monkeypatch.setattr(Earlier, "unchanged", watched)
    return seen


def size_of(number: int, value: int) -> Callable[[list[Row]], list[Row]]:
    return lambda table: [row | {"size": value} if at == number else row for at, row in enumerate(table)]


def text_of(number: int) -> Callable[[list[Row]], list[Row]]:
    changed = {"text": "Another text.", "text_sha256": "another"}
    return lambda table: [row | changed if at == number else row for at, row in enumerate(table)]


@pytest.mark.parametrize(
    ("change", "whole", "without"),
    [
        (lambda table: table, None, set()),
        (lambda table: table + rows(90, 2), None, set()),
        (size_of(3, 9), 0, {"size"}),
        (text_of(3), 0, {"text", "text_sha256"}),
        (lambda table: table[1:], None, None),
        (lambda table: table[:350] + table[360:], None, None),
        (lambda table: table[::-1], None, None),
        (lambda table: table[:10], None, None),
        (lambda table: [], None, None),
    ],
    ids=["same", "grown", "size", "text", "first-gone", "middle-gone", "turned", "few", "none"],
)
def test_the_bytes_are_those_of_a_file_made_anew(
    change: Callable[[list[Row]], list[Row]], whole: int | None, without: set[str] | None, tmp_path: Path, copied: list[set[str]]
) -> None:
    old = rows(400)
    written(tmp_path / "old.parquet", old, facts={"run": 1})
    new = change(old)
    anew = written(tmp_path / "anew.parquet", new)
    assert written(tmp_path / "new.parquet", new, Reused(tmp_path / "old.parquet", IMPLIED)) == anew
    assert pq.read_table(tmp_path / "new.parquet").to_pylist() == new
    if without is not None:
        assert len(copied) > 3
        assert copied[whole or 0] == set(SCHEMA.names) - without
        assert copied[1] == set(SCHEMA.names)


def test_a_text_is_taken_by_its_hash_and_not_read(tmp_path: Path) -> None:
    old = rows(200)
    written(tmp_path / "old.parquet", old)
    # Told to be unchanged by its hash, so it is copied: this cannot happen, and shows whence the text comes.
    new = [row | {"text": str(row["text"])[::-1]} for row in old]
    written(tmp_path / "new.parquet", new, Reused(tmp_path / "old.parquet", IMPLIED))
    assert pq.read_table(tmp_path / "new.parquet").to_pylist() == old


def test_nothing_is_copied_from_a_file_of_other_columns_or_another_writer(tmp_path: Path, copied: list[set[str]]) -> None:
    old = rows(200)
    table = pa.Table.from_pylist(old, SCHEMA)
    pq.write_table(table.drop_columns("size"), tmp_path / "columns.parquet")
    anew = written(tmp_path / "anew.parquet", old)
    other = tmp_path / "other.parquet"
    other.write_bytes(anew.replace(b"parquet-cpp-arrow", b"another-cpp-arrow"))
    for file in (tmp_path / "columns.parquet", other):
        assert written(tmp_path / "new.parquet", old, Reused(file, IMPLIED)) == anew
    assert copied
    assert not any(copied)


numbers = st.integers(-(2**62), 2**62)
leaves = st.one_of(
    st.tuples(st.sampled_from((I16, I32, I64)), numbers),
    st.tuples(st.just(BINARY), st.binary(max_size=300)),
    st.tuples(st.just(DOUBLE), st.binary(min_size=8, max_size=8)),
    st.tuples(st.just(BYTE), st.integers(0, 255)),
    st.booleans().map(lambda truth: (TRUE if truth else FALSE, truth)),
    st.lists(numbers, max_size=40).map(lambda items: (LIST, (I64, items))),
)
structs = st.recursive(
    st.dictionaries(st.integers(1, 200), leaves, max_size=6).map(lambda fields: dict(sorted(fields.items()))),
    lambda inner: st.dictionaries(
        st.integers(1, 200),
        st.one_of(inner.map(lambda one: (STRUCT, one)), st.lists(inner, max_size=20).map(lambda all_: (LIST, (STRUCT, all_)))),
        max_size=4,
    ).map(lambda fields: dict(sorted(fields.items()))),
    max_leaves=8,
)


@given(structs)
def test_a_struct_comes_back_as_it_was(struct: dict[int, tuple[int, object]]) -> None:
    assert decode(encode(struct)) == struct


def test_a_struct_that_is_cut_short_is_none() -> None:
    data = encode({1: (BINARY, b"abc"), 40: (STRUCT, {2: (I32, 7)})})
    for end in range(len(data)):
        with pytest.raises((ValueError, IndexError)):
            decode(data[:end])
