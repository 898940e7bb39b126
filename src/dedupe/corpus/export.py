"""Hand an output on in other forms: Parquet by language or month, JSON Lines, CSV, plain files; whole or not at all.

Rows stream from the Parquet of the output, so memory is that of some batches, whatever the corpus. What is written goes to a
name of its own beside the target, and takes the target's name when it is whole.
"""

from __future__ import annotations

import gzip
import os
import re
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, Literal, get_args

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from dedupe.corpus.export_rows import RowWriter
from dedupe.engine.timings import Progress, silent
from dedupe.errors import UsageError, unwritable
from dedupe.quantities import amount
from dedupe.schema import CORPUS
from dedupe.write.manifest import check_files
from dedupe.write.parquet import COMPRESSION_LEVEL, ROW_GROUP_BYTES, TableWriter, with_footer
from dedupe.write.place import beside, is_stream, put_in_place

if TYPE_CHECKING:
    from dedupe.corpus.output import Output

Format = Literal["parquet", "jsonl", "csv", "text"]
Partition = Literal["language", "month"]

_ENDS = {".parquet": "parquet", ".pq": "parquet", ".jsonl": "jsonl", ".ndjson": "jsonl", ".csv": "csv"}
_SOURCE_OF = {"language": "language", "month": "published_at"}
_PACKED = {".gz": "gzip", ".zst": "zstd"}

_ROWS = 1_000

# Rows of all partitions that wait to be written, in memory; and files that are open at a time. A hostile corpus can have a
# language or a month for each article.
_WAITING_BYTES = 128 << 20
_MOST_OPEN = 128

# What an export writes into a folder, and nothing else: no file of ours marks it, since polars refuses a folder with a file in it
# that is no Parquet.
_OURS = re.compile(r"(?:language|month)=[\w.-]+/part-\d{5}\.parquet|([0-9a-f]{2})/\1[0-9a-f]{30}[\w.-]*\.txt")

_UNSAFE = re.compile(r"[^A-Za-z0-9._-]+")
_NAME_LENGTH = 100


@dataclass(frozen=True)
class Exported:
    """Say what was written: where, in which form, how many articles, in how many files and bytes."""

    path: str
    format: Format
    by: Partition | None
    columns: list[str]
    articles: int
    files: int
    bytes: int

    def __repr__(self) -> str:
        by = f" by {self.by}" if self.by else ""
        files = "" if self.files == 1 else f", {self.files:,} files"
        return f"<{amount(self.articles, 'article')} as {self.format}{by} in {self.path}{files}, {self.bytes:,} bytes>"

    def as_dict(self) -> dict[str, Any]:
        """Return plain JSON values."""
        return asdict(self)


def export(
    output: Output,
    target: Path,
    *,
    format: Format | None = None,  # noqa: A002 - what the option of the command is called
    every: bool = False,
    by: Partition | None = None,
    columns: list[str] | None = None,
    spreadsheet: bool = False,
    force: bool = False,
    progress: Progress = silent,
) -> Exported:
    """Write the canonical articles of an output, or `every` one, to `target`, and say what was written.

    The form is what `format` or the name of the target says, else Parquet. `text`, and Parquet `by` language or month, give a
    folder; all others a file, compressed where its name ends in .gz or .zst. `spreadsheet` disarms cells of CSV that a
    spreadsheet would take for formulas.

    A table is compared with its hash before it is read. A pipe or a device takes the bytes once all are written.

    Raises UsageError for what cannot be done as asked, before anything is written; and where the target is there already,
    unless `force`, which replaces a file, or a folder that holds what an export wrote and nothing else. Raises OutputError for
    a table that is damaged.
    """
    form = _form(target, format)
    wanted = _columns(columns, form)
    if by and by not in _SOURCE_OF:
        raise UsageError(f"{by!r} is nothing to divide by.", f"It can be {' or '.join(_SOURCE_OF)}.")
    if by and form != "parquet":
        raise UsageError(
            f"Parquet alone is divided by {by}, and this is {form}.", "Do not divide it, or let the format be parquet."
        )
    if spreadsheet and form != "csv":
        raise UsageError(
            f"Cells are disarmed for a spreadsheet in CSV, and this is {form}.", "Leave that out, or let the format be csv."
        )
    if by and wanted == [by]:
        raise UsageError(f"Divided by {by} that column is the name of the folder, and none is left.", "Name more columns.")
    packed = _PACKED.get(target.suffix.lower())
    if packed and (form in ("parquet", "text") or by):
        raise UsageError(f"{form} is not written as {target.suffix}.", "Parquet is compressed inside; give a name without it.")
    folder = by is not None or form == "text"
    _check_target(target, output.folder, folder, force)
    source = output.path("corpus" if every else "canonical")
    check_files(output.folder, output.manifest, source.name.__eq__)
    facts = {"fingerprint": output.manifest["fingerprint"]}
    with pq.ParquetFile(source) as file, _in_place(target, folder) as draft:
        total, rows = file.metadata.num_rows, 0
        needed = [*wanted, *([_SOURCE_OF[by]] if by else []), *(["article_id"] if form == "text" else [])]
        batches = file.iter_batches(_ROWS, columns=list(dict.fromkeys(needed)))
        with _writer(draft, form, wanted, by, packed, spreadsheet, facts) as write:
            for batch in batches:
                write(batch)
                rows += len(batch)
                progress("export", rows, total)
        files = sorted(path for path in draft.rglob("*") if path.is_file()) if folder else [draft]
        size = sum(path.stat().st_size for path in files)
    return Exported(str(target), form, by, wanted, rows, len(files), size)


def _form(target: Path, given: Format | None) -> Format:
    if given is not None and given not in get_args(Format):
        raise UsageError(f"{given!r} is no form of export.", f"Forms are: {', '.join(get_args(Format))}.")
    if target.name == "-":
        raise UsageError(
            "An export is a file or a folder, and - is neither.",
            "Give it a name, like articles.jsonl, or /dev/stdout and a form.",
        )
    if given is not None:
        return given
    name = target.name.lower()
    for end in _PACKED:
        name = name.removesuffix(end)
    end = Path(f"_{name}").suffix  # also of a name that is nothing but its end
    if end and end not in _ENDS:
        raise UsageError(
            f"{target.name} ends in {end}, which names no form of export.",
            f"Give a name in {', '.join(_ENDS)} ({' or '.join(_PACKED)} behind it compresses), or say which format.",
        )
    found = _ENDS.get(end, "parquet")
    return next(form for form in get_args(Format) if form == found)


def _columns(given: list[str] | None, form: Format) -> list[str]:
    if form == "text":
        if given:
            raise UsageError("Plain files hold the text alone.", "Name no columns, or let the format be jsonl.")
        return ["text"]
    if given == []:
        raise UsageError("No column is named.", f"Columns are: {', '.join(CORPUS.names)}.")
    unknown = [name for name in given or () if name not in CORPUS.names]
    if unknown:
        raise UsageError(f"There is no column {', '.join(map(repr, unknown))}.", f"Columns are: {', '.join(CORPUS.names)}.")
    return list(dict.fromkeys(given or CORPUS.names))


def _check_target(target: Path, output: Path, folder: bool, force: bool) -> None:
    inside = target.resolve()
    if inside == output.resolve() or output.resolve() in inside.parents:
        raise UsageError(f"{target} lies in the output itself.", "Give a place outside of it.")
    if inside in output.resolve().parents:
        raise UsageError(f"{target} holds the output itself.", "Give a place beside it.")
    if not target.exists() and not target.is_symlink():
        return
    if target.is_dir():
        if not any(target.iterdir()) and folder:
            return
        ours = _is_export(target)
        if not (ours and folder and force):
            what = "holds an earlier export" if ours else "is a folder that holds more than an export wrote"
            replacing = "another name, or replace it by force" if folder else "another name, or a form that is a folder again"
            raise UsageError(f"{target} {what}.", f"Give {replacing if ours else 'another name'}.")
    elif folder or not (force or is_stream(target)):
        hint = "Give another name." if folder else "Give another name, or replace it by force."
        raise UsageError(f"{target} is there already.", hint)


def _is_export(folder: Path) -> bool:
    """Tell whether a folder holds what an export writes and nothing else, so that replacing it loses nothing of anybody's."""
    files = (path for path in folder.rglob("*") if not path.is_dir() or path.is_symlink())
    return all(_OURS.fullmatch(path.relative_to(folder).as_posix()) for path in files)


@contextmanager
def _in_place(target: Path, folder: bool) -> Iterator[Path]:
    """Give a name to write to, which takes the target's place when all is written, and goes when it is not."""
    try:
        work = Path(tempfile.mkdtemp(prefix=f".{target.name[:40]}-", dir=beside(target)))
    except OSError as error:
        raise unwritable(target, error) from error
    try:
        draft = work / "new"
        if folder:
            draft.mkdir()
        yield draft
        if not folder:
            with open(draft, "rb") as file:
                os.fsync(file.fileno())  # a name must not be there before what it names
        old = work / "old"
        if folder and target.exists():
            # A folder cannot replace one that holds something: the old one steps aside, and goes with our work folder.
            os.replace(target, old)
        try:
            put_in_place(draft, target)
        except OSError:
            if old.exists():
                os.replace(old, target)
            raise
    finally:
        shutil.rmtree(work, ignore_errors=True)


@contextmanager
def _writer(
    draft: Path,
    form: Format,
    columns: list[str],
    by: Partition | None,
    packed: str | None,
    spreadsheet: bool,
    facts: dict[str, object],
) -> Iterator[Callable[[pa.RecordBatch], object]]:
    schema = pa.schema([CORPUS.field(name) for name in columns])
    if by:
        parts = _Partitions(draft, schema, by, facts)
        yield parts.write
        parts.close()
    elif form == "parquet":
        table = TableWriter(draft, schema, facts)
        yield lambda batch: table.write(batch.select(columns))
        table.close()
    elif form == "text":
        yield lambda batch: _write_texts(batch, draft)
    else:
        with _opened(draft, packed) as file:
            rows = RowWriter(file, form, columns, spreadsheet)
            yield rows.write


@contextmanager
def _opened(path: Path, packed: str | None) -> Iterator[IO[bytes]]:
    with open(path, "wb") as file:
        if packed == "gzip":
            # No name and no time in the head: the same rows give the same bytes.
            with gzip.GzipFile("", "wb", fileobj=file, mtime=0) as stream:
                yield stream  # type: ignore[misc]
        elif packed == "zstd":
            import zstandard

            with zstandard.ZstdCompressor(COMPRESSION_LEVEL).stream_writer(file) as stream:
                yield stream
        else:
            yield file


def safe_name(value: str | None) -> str:
    """Return a value as the name of a file: letters, digits, `-`, `_` and inner points; `unknown` where nothing is left.

    What a name is made of comes out of articles; it must not leave the folder, nor mean something to a file system.
    """
    name = _UNSAFE.sub("_", value or "").strip("._")[:_NAME_LENGTH].strip("._")
    return name or "unknown"


def _write_texts(batch: pa.RecordBatch, folder: Path) -> None:
    # In folders by the first two characters of the ID, since many file systems are slow with a million files in one.
    for identity, text in zip(batch["article_id"].to_pylist(), batch["text"].to_pylist(), strict=True):
        name = safe_name(identity)
        place = folder / name[:2]
        place.mkdir(exist_ok=True)
        (place / f"{name}.txt").write_bytes((text or "").encode())


class _Partitions:
    """Write Parquet into folders named `language=en`, as DuckDB, pandas, polars and Spark read them.

    Rows wait until a row group of their folder is full, or until all that wait are too many: then the largest goes first. With
    too many files open the one that waited longest is closed, and its folder gets another when it comes again.
    """

    def __init__(self, folder: Path, schema: pa.Schema, by: Partition, facts: dict[str, object]) -> None:
        self._folder, self._by = folder, by
        # The name of the folder is the column.
        self._columns = [name for name in schema.names if name != by]
        self._schema = with_footer(pa.schema([schema.field(name) for name in self._columns]), facts)
        self._waiting: dict[str, list[pa.RecordBatch]] = {}
        self._bytes: dict[str, int] = {}
        self._open: dict[str, pq.ParquetWriter] = {}
        self._parts: dict[str, int] = {}

    def write(self, batch: pa.RecordBatch) -> None:
        """Add the rows of a batch, each to its folder."""
        keys = self._keys(batch)
        rows = batch.select(self._columns)
        for key in pc.unique(keys).to_pylist():
            part = rows.filter(pc.equal(keys, key))
            name = safe_name(key)
            self._waiting.setdefault(name, []).append(part)
            self._bytes[name] = self._bytes.get(name, 0) + part.nbytes
            if self._bytes[name] >= ROW_GROUP_BYTES:
                self._flush(name)
        while sum(self._bytes.values()) > _WAITING_BYTES:
            self._flush(max(self._bytes, key=lambda name: (self._bytes[name], name)))

    def close(self) -> None:
        """Write what waits, and the footers."""
        for name in sorted(self._waiting):
            self._flush(name)
        for writer in self._open.values():
            writer.close()

    def _keys(self, batch: pa.RecordBatch) -> pa.Array:
        if self._by == "language":
            return batch["language"].fill_null("unknown")
        # Without its zone, which is UTC: with it Arrow asks the system for its rules, and not every system has any.
        return pc.strftime(batch["published_at"].cast(pa.timestamp("us")), "%Y-%m").fill_null("unknown")

    def _flush(self, name: str) -> None:
        batches = self._waiting.pop(name)
        del self._bytes[name]
        writer = self._open.pop(name, None) or self._next_file(name)
        table = pa.Table.from_batches(batches).cast(self._schema).combine_chunks()
        writer.write_table(table, row_group_size=max(1, table.num_rows))
        self._open[name] = writer  # the last used stands last
        while len(self._open) > _MOST_OPEN:
            self._open.pop(next(iter(self._open))).close()

    def _next_file(self, name: str) -> pq.ParquetWriter:
        folder = self._folder / f"{self._by}={name}"
        folder.mkdir(exist_ok=True)
        part = self._parts[name] = self._parts.get(name, -1) + 1
        path = folder / f"part-{part:05}.parquet"
        return pq.ParquetWriter(path, self._schema, compression="zstd", compression_level=COMPRESSION_LEVEL)
