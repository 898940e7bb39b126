"""Tables whose columns unpack to far more than their files hold are refused before they fill the memory; honest ones are read."""

from __future__ import annotations

import io
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from dedupe.read import streams
from dedupe.read.messages import unpacked_in_file, unpacked_in_stream
from dedupe.read.pages import walk

from .conftest import read_paths

# Reading needs up to 600 MB for these, beside 2 GB of addresses for Arrow and the allocators; most of them come to 100 GB.
_SPACE = 4 << 30
_READ = """
import resource, sys
from dedupe.config import Config
from dedupe.read import plan, read
resource.setrlimit(resource.RLIMIT_AS, (int(sys.argv[2]), int(sys.argv[2])))
batches = [batch for shard in plan([sys.argv[1]], Config()).shards for batch in read(shard, Config())]
print(*(code for batch in batches for code in batch.rejects.column("code").to_pylist()))
"""


def _repeated(value: Any, times: int) -> pa.Array:
    return pa.DictionaryArray.from_arrays(pa.array(np.zeros(times, np.int32)), pa.array([value]))


def _in_lists(values: pa.Array, lists: int) -> pa.Array:
    return pa.ListArray.from_arrays(np.linspace(0, len(values), lists + 1).astype(np.int32), values)


def _write(path: Path, columns: dict[str, Any], **options: Any) -> None:
    pq.write_table(pa.table(columns), path, compression="zstd", **options)


def _long_pages(path: Path) -> None:
    _write(path, {"text": ["x" * (50 << 20)] * 8}, use_dictionary=False)


def _lying_footer(path: Path) -> None:
    """Write pages of 400 MB whose footer says that they come to no more than some bytes."""
    _long_pages(path)
    data = path.read_bytes()
    size = pq.read_metadata(path).row_group(0).column(0).total_uncompressed_size
    given, said = _varint(size), b"\x80\x80\x80\x80\x01"[5 - len(_varint(size)) :]
    assert len(given) == len(said)
    assert data.count(given) >= 2
    path.write_bytes(data.replace(given, said))


def _varint(number: int) -> bytes:
    found = bytearray()
    number <<= 1
    while number > 127:
        found.append(number & 127 | 128)
        number >>= 7
    return bytes([*found, number])


def _many_rows(path: Path) -> None:
    _write(path, {"text": _repeated("y" * 100_000, 1_000_000)})


def _many_values(path: Path) -> None:
    _write(path, {"text": ["one", "two"], "tags": _in_lists(_repeated("y" * 50_000, 2_000_000), 2)})


def _many_columns(path: Path) -> None:
    _write(path, {"text": _repeated("t", 2_000), **{f"column_{n}": _repeated("y" * 60_000, 2_000) for n in range(100)}})


def _growing_values(path: Path) -> None:
    texts = ["z" * (1 << 20) + str(n) for n in range(1_000)]
    _write(path, {"text": texts}, use_dictionary=False, column_encoding={"text": "DELTA_BYTE_ARRAY"})


def _many_nulls(path: Path) -> None:
    _write(path, {"text": pa.nulls(400_000_000, pa.string())}, row_group_size=1 << 30)


def _arrow(path: Path, columns: dict[str, Any], compression: str | None = None, stream: bool = False) -> None:
    table = pa.table(columns)
    options = pa.ipc.IpcWriteOptions(compression=compression)
    with (pa.ipc.new_stream if stream else pa.ipc.new_file)(str(path), table.schema, options=options) as writer:
        writer.write_table(table)


def _long_buffers(path: Path) -> None:
    _arrow(path, {"text": ["x" * (400 << 20)]}, "zstd")


def _long_buffers_in_a_stream(path: Path) -> None:
    _arrow(path, {"text": ["x" * (400 << 20)]}, "zstd", stream=True)


def _long_dictionary(path: Path) -> None:
    _arrow(path, {"text": _repeated("x" * (400 << 20), 1)}, "zstd")


def _one_long_run(path: Path) -> None:
    _arrow(path, {"text": pa.RunEndEncodedArray.from_arrays(pa.array([100_000_000], pa.int32()), ["y" * 100_000])})


def _lists_of_one_another(path: Path) -> None:
    values = pa.array(["y"] * 3_000)
    lists = pa.ListViewArray.from_arrays(np.zeros(3_000, np.int32), np.full(3_000, 3_000, np.int32), values)
    _arrow(path, {"text": ["a"] * 3_000, "lists": lists})


def _views_of_one_string(path: Path) -> None:
    view = pa.array(["y" * 900_000], pa.string_view())
    views = pa.Array.from_buffers(
        pa.string_view(), 3_000, [None, pa.py_buffer(view.buffers()[1].to_pybytes() * 3_000), view.buffers()[2]]
    )
    _arrow(path, {"text": views})


def _lists_of_nulls(path: Path) -> None:
    lists = pa.FixedSizeListArray.from_arrays(pa.nulls(2_000_000_000), 1_000_000_000)
    _arrow(path, {"text": ["a", "b"], "lists": lists})


def _nulls_alone(path: Path) -> None:
    _arrow(path, {"text": pa.nulls(2_000_000_000)})


@pytest.mark.skipif(sys.platform != "linux", reason="a process can be held to an amount of memory on Linux only")
@pytest.mark.parametrize(
    "make", [_long_pages, _lying_footer, _many_rows, _many_values, _many_columns, _growing_values, _many_nulls]
)
def test_a_parquet_bomb_is_refused_before_it_fills_the_memory(tmp_path: Path, make: Any) -> None:
    make(tmp_path / "a.parquet")
    _is_refused(tmp_path / "a.parquet")


def _is_refused(path: Path) -> None:
    assert path.stat().st_size < 1 << 20
    arguments = [sys.executable, "-c", _READ, str(path), str(_SPACE)]
    done = subprocess.run(arguments, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout.split()) == (0, ["bomb"]), done.stderr


@pytest.mark.skipif(sys.platform != "linux", reason="a process can be held to an amount of memory on Linux only")
@pytest.mark.parametrize(
    "make",
    [
        *(_long_buffers, _long_buffers_in_a_stream, _long_dictionary, _one_long_run, _lists_of_one_another),
        *(_views_of_one_string, _lists_of_nulls, _nulls_alone),
    ],
)
def test_an_arrow_bomb_is_refused_before_it_fills_the_memory(tmp_path: Path, make: Any) -> None:
    make(tmp_path / "a.arrow")
    _is_refused(tmp_path / "a.arrow")


@pytest.mark.parametrize("compression", [None, "zstd", "lz4"])
@pytest.mark.parametrize("stream", [False, True])
def test_what_arrow_data_unpacks_to_is_known_before(tmp_path: Path, compression: str | None, stream: bool) -> None:
    texts = [os.urandom(20).hex() for _ in range(5_000)]
    columns = {"text": texts, "section": pa.array(["news", "sport"] * 2_500).dictionary_encode(), "nested": [[{"a": 1}]] * 5_000}
    _arrow(tmp_path / "a.arrow", columns, compression, stream)
    with pa.memory_map(str(tmp_path / "a.arrow")) as file:
        unpacked = unpacked_in_stream(file, 0) if stream else unpacked_in_file(file)
    size = pa.table(columns).nbytes
    assert size <= unpacked < 1.1 * size + 1_000 or (compression is None and unpacked == 8 * (5_000 * 5 + 2))
    assert len(read_paths([tmp_path]).rows) == 5_000


@pytest.mark.parametrize("stream", [False, True])
def test_damaged_messages_raise_nothing(stream: bool) -> None:
    sink = io.BytesIO()
    table = pa.table({"text": ["one", "two"] * 50})
    options = pa.ipc.IpcWriteOptions(compression="zstd")
    with (pa.ipc.new_stream if stream else pa.ipc.new_file)(sink, table.schema, options=options) as writer:
        writer.write_table(table)
    noise = np.random.default_rng(5)
    for at in range(len(sink.getvalue())):
        data = bytearray(sink.getvalue())
        data[at] = noise.integers(256)
        source = pa.BufferReader(bytes(data))
        assert (unpacked_in_stream(source, 0) if stream else unpacked_in_file(source)) is not None


def test_the_messages_of_cut_files_are_judged_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    table = pa.table({"text": ["x" * 1_000_000, "y"]})
    with pa.ipc.new_file(str(tmp_path / "a.arrow"), table.schema, options=pa.ipc.IpcWriteOptions(compression="zstd")) as writer:
        for _ in range(100):
            writer.write_table(table)
    assert len(read_paths([tmp_path], part_bytes=10_000).rows) == 200
    monkeypatch.setattr(streams, "BOMB_FLOOR", 1 << 20)
    got = read_paths([tmp_path], part_bytes=10_000)
    assert (got.rows, got.codes()) == ([], ["bomb"])


def test_columns_that_repeat_are_no_bomb(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(streams, "BOMB_FLOOR", 1 << 20)
    rows = 100_000
    texts = [os.urandom(20).hex() for _ in range(rows)]
    columns = {"text": texts, "publisher": ["The Daily Example of Somewhere"] * rows, "tags": [["news", "sport"]] * rows}
    _write(tmp_path / "a.parquet", {**columns, "none": pa.nulls(rows, pa.string())})
    got = read_paths([tmp_path], part_bytes=1 << 20)
    assert (len(got.rows), got.rejects) == (rows, [])
    assert [row["text"] for row in got.rows] == texts


def test_a_row_that_repeats_a_string_too_often_costs_only_itself(tmp_path: Path) -> None:
    noise = os.urandom(600_000).hex()
    tags = pa.ListArray.from_arrays(np.array([0, 1, 301, 302], np.int32), _repeated(noise, 302))
    _write(tmp_path / "a.parquet", {"text": ["one", "two", "three"], "tags": tags})
    got = read_paths([tmp_path])
    assert [(row["record"], row["text"]) for row in got.rows] == [(1, "one"), (3, "three")]
    assert [(reject["record"], reject["code"]) for reject in got.rejects] == [(2, "too_large")]


@pytest.mark.parametrize("version", ["1.0", "2.0"])
@pytest.mark.parametrize("dictionary", [True, False])
def test_page_headers_are_read_as_they_were_written(version: str, dictionary: bool) -> None:
    sink = io.BytesIO()
    values = [None if n % 7 == 0 else f"value {n % 50} " + "long " * 900 for n in range(3_000)]
    table = pa.table({"plain": values, "lists": [[value, value] for value in values]})
    pq.write_table(table, sink, data_page_version=version, use_dictionary=dictionary, row_group_size=2_000, data_page_size=4_096)
    metadata = pq.read_metadata(sink)
    for group in range(metadata.num_row_groups):
        for at in range(2):
            column = metadata.row_group(group).column(at)
            start = column.dictionary_page_offset if dictionary else column.data_page_offset
            pages = walk(sink, start, column.total_compressed_size, column.num_values)
            assert pages.values == column.num_values
            assert pages.shared == (column.num_values if dictionary else 0)
            assert bool(pages.dictionary) == dictionary
            assert 0.99 * column.total_uncompressed_size < pages.unpacked < column.total_uncompressed_size


def test_damaged_page_headers_end_the_walk() -> None:
    noise = np.random.default_rng(5)
    for size in (0, 1, 3, 40, 5_000):
        for _ in range(200):
            walk(io.BytesIO(noise.bytes(size)), 0, size, 1_000)
    assert walk(io.BytesIO(b"\x1c" * 100_000), 0, 100_000, 9).values == 0
