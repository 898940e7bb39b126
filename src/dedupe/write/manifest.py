"""The manifest of an output: what went in, under which settings, what came out, and how to check it."""

from __future__ import annotations

import hashlib
import json
import platform
import shlex
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from dedupe import __version__
from dedupe.config import Config
from dedupe.errors import DedupeError, OutputError, UsageError
from dedupe.schema import SCHEMA_VERSION, TABLES
from dedupe.tokens import string_buffers
from dedupe.write.publish import MANIFEST

# After each block a thread waits for its turn where another runs Python: 70 MB take 0.08 s so, and 0.20 by hashlib's 256 KB.
_BLOCK_BYTES = 4 << 20


def input_digest(articles: pa.Table, rejects: pa.Table) -> str:
    """Hash what was read: source, record and decoded text of every article, and every reject."""
    read = articles.select(["source", "record", "decoded_sha256"])
    return tables_digest([read, rejects.select(["path", "record", "code"])])


def tables_digest(tables: Iterable[pa.Table]) -> str:
    """Hash tables column by column, whatever their chunks. A null counts as an empty string."""
    digest = hashlib.sha256()
    for table in tables:
        for column in table.columns:
            digest.update(_column_digest(column.cast(pa.string())))
    return digest.hexdigest()


def _column_digest(column: pa.ChunkedArray) -> bytes:
    # Bytes and lengths apart, straight from the buffers: the same however the column is cut into chunks.
    data, lengths = hashlib.sha256(), hashlib.sha256()
    for chunk in column.chunks:
        buffer, offsets = string_buffers(chunk)
        data.update(buffer[offsets[0] : offsets[-1]].data)
        lengths.update(np.diff(offsets).data)
    return data.digest() + lengths.digest()


def file_digest(path: Path) -> str:
    """Return the SHA-256 of a file, hex."""
    digest, buffer = hashlib.sha256(), memoryview(bytearray(_BLOCK_BYTES))
    with open(path, "rb", buffering=0) as file:
        while read := file.readinto(buffer):
            digest.update(buffer[:read])
    return digest.hexdigest()


def manifest(
    config: Config,
    generation: int,
    inputs: dict[str, Any],
    counts: dict[str, Any],
    matching: dict[str, Any],
    run: dict[str, Any],
    tables: dict[str, dict[str, Any]],
) -> str:
    """Return manifest.json. All but its `run` section depends on the input of the run alone.

    `generation` counts the runs that handed their IDs on to this one, itself included. `tables`: the hash of each file, and how
    many rows a table has.
    """
    return (
        json.dumps(
            {
                "dedupe": {"version": __version__, "schema_version": SCHEMA_VERSION},
                "settings": config.as_dict(),
                "fingerprint": config.fingerprint(),
                "generation": generation,
                "input": inputs,
                "counts": counts,
                "matching": matching,
                "tables": tables,
                "run": run,
            },
            indent=2,
            sort_keys=True,
            ensure_ascii=False,
        )
        + "\n"
    )


# What is taken from a manifest without a further look, and the kind of each; "*" is every entry by whatever name.
_NUMBER = (int, float)
_FORM: dict[str, Any] = {
    "dedupe": {"version": str, "schema_version": int},
    "settings": {**dict.fromkeys(("clean", "exact_only", "stories"), bool), "no_rules": list, "threshold": _NUMBER},
    "fingerprint": str,
    "generation": int,
    "input": {"files": int, "sha256": str},
    "counts": {
        **dict.fromkeys(("records", "rejects"), int),
        **{name: {"*": int} for name in ("rules", "languages", "events", "decisions")},
    },
    "matching": {**dict.fromkeys(("num_perm", "seed", "bands", "rows"), int), "scheme": str, "shingle": str},
    "tables": {f"{name}.parquet": {"rows": int} for name in TABLES} | {"*": {"sha256": str}},
    "run": {
        "finished_at": str, "paths": list, "seconds": _NUMBER, "timings": {"*": _NUMBER}, "versions": dict, "workers": int,
    },
}  # fmt: skip


def load_manifest(output: Path) -> dict[str, Any]:
    """Read the manifest of an output, and check that what commands take from it is there.

    Raises UsageError where there is none, OutputError where it is damaged, DedupeError where it is of a newer version.
    """
    try:
        loaded: dict[str, Any] = json.loads((output / MANIFEST).read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise UsageError(f"{output} holds no output of dedupe.", "Run `dedupe clean PATH -o OUTPUT` first.") from None
    except NotADirectoryError:
        raise UsageError(f"{output} is a file, and no output of dedupe.", "Give the folder that a run has written.") from None
    except (ValueError, RecursionError, OSError) as error:
        raise damaged(output, MANIFEST, error) from None
    for name, form in _FORM.items():
        wrong = _wrong(loaded, {name: form})
        if wrong is not None:
            raise damaged(output, MANIFEST, f"its {wrong!r} is missing or of another kind" if wrong else "it is no JSON object")
        if name == "dedupe" and loaded[name]["schema_version"] > SCHEMA_VERSION:
            raise DedupeError(
                f"{output} was written by dedupe {loaded[name]['version']} (schema {loaded[name]['schema_version']});"
                f" this one reads up to {SCHEMA_VERSION}.",
                "Upgrade with: pip install --upgrade article-dedupe",
            )
    return loaded


def _wrong(value: Any, form: Any) -> str | None:
    # The path of the first entry that is not as its form says; "" where the value itself is not.
    if not isinstance(form, dict):
        return None if isinstance(value, form) else ""
    if not isinstance(value, dict):
        return ""
    asked = [(key, kind) for name, kind in form.items() for key in (value if name == "*" else [name])]
    found = ((key, _wrong(value.get(key), kind)) for key, kind in asked)
    return next((f"{key}.{inner}".rstrip(".") for key, inner in found if inner is not None), None)


def damaged(output: Path, name: str, why: object) -> OutputError:
    """Return what to raise of a file of an output that is missing or damaged: which command makes it again."""
    said = str(why).splitlines()[0].rstrip(".") if str(why) else type(why).__name__
    state = "missing" if isinstance(why, FileNotFoundError) else f"damaged: {said}"
    return OutputError(f"{name} of {output} is {state}.", remedy(output, [name]))


@contextmanager
def reading(output: Path, name: str) -> Iterator[None]:
    """Say of a file of an output that cannot be read which command makes it again, by an OutputError."""
    try:
        yield
    except (pa.ArrowException, OSError, KeyError) as error:
        raise damaged(output, name, error) from error


def remedy(output: Path, names: Iterable[str]) -> str:
    """Return what to do about files of an output that are missing or cannot be read, as the hint of an error."""
    # Without what gives IDs no run can hand them on.
    fresh = any(name.startswith(("manifest", "corpus", "clusters", "stories", "id_map")) for name in names)
    again = f"`dedupe clean{' --fresh' if fresh else ''}` on all of its input with -o {shlex.quote(str(output))}"
    if "id_map.parquet" not in names:
        return f"Run {again} to make it again."
    return (
        "Bring id_map.parquet back from a copy, since it names the articles that were forgotten on request; or delete it, run"
        f" {again}, and forget them again."
    )


def check_files(output: Path, loaded: Mapping[str, Any], names: Callable[[str], bool]) -> None:
    """Compare files of an output with the hashes in its manifest. Raises OutputError for one that is another, or missing.

    1.7 GB a second and core: a run that builds on an output must not hand its damage on.
    """
    wanted = [name for name in loaded["tables"] if names(name)]

    def digest_of(name: str) -> str | OSError:
        try:
            return file_digest(output / name)
        except OSError as error:
            return error

    with ThreadPoolExecutor(2) as pool:
        for name, found in zip(wanted, pool.map(digest_of, wanted), strict=True):
            if isinstance(found, OSError):
                raise damaged(output, name, found)
            if found != loaded["tables"][name]["sha256"]:
                raise damaged(output, name, "its hash is not the one in the manifest")


def run_section(paths: list[str], seconds: float, timings: Mapping[str, float], workers: int) -> dict[str, Any]:
    """Return what the manifest says of the run itself: what does not depend on its input alone."""
    return {
        "finished_at": datetime.now(UTC).isoformat(timespec="seconds"),
        "paths": paths,
        "seconds": round(seconds, 3),
        "timings": {stage: round(taken, 3) for stage, taken in timings.items()},
        "workers": workers,
        "versions": {
            "dedupe": __version__,
            "numpy": np.__version__,
            "pyarrow": pa.__version__,
            "python": platform.python_version(),
        },
    }
