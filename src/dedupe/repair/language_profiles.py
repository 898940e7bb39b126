"""Turn langdetect's 55 profiles into flat arrays a kernel can search, once, and keep them memory-mapped.

langdetect (Nakatani Shuyo's language-detection, Apache-2.0) holds each profile as JSON: how often every 1-, 2- and
3-gram of letters was seen in that language's Wikipedia. Parsing them takes 0.4 s and 260 MB as Python dicts. Here they
become one file of 6 MB in the user's cache folder, named by everything it was computed from.
"""

from __future__ import annotations

import importlib.metadata
import json
import math
import os
import sys
import tempfile
import unicodedata
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dedupe.cache import cache_dir

FORMAT_VERSION = 1

# A character is 13 bits of number and three flags, so that one table look-up says all the kernel asks of it.
CODE_BITS = 13
CODE_MASK = (1 << CODE_BITS) - 1
BEYOND_LATIN = 0x2000  # U+0300 and above: what langdetect counts against the Latin letters
ASCII_LETTER = 0x4000  # "A" to "z", the six signs between "Z" and "a" included, as langdetect compares
UPPER = 0x8000  # upper case after normalisation: two in a row make a capital word, whose n-grams do not count

UNKNOWN_CODE = 0  # in no profile, so neither is any n-gram that holds it
SPACE_CODE = 1

# A slot of the hash table is an n-gram's key (3 x 13 bits) above the number of its row, in one 64-bit word.
ROW_BITS = 20
SLOT_BITS = 18  # 262,144 slots for 84,000 n-grams of two and three letters: a third full, 1.2 probes a look-up
HASH_MULTIPLIER = 0x9E3779B97F4A7C15  # 2^64 / golden ratio (Knuth, TAOCP 6.4)

# langdetect's defaults: p + alpha / BASE_FREQ. It draws alpha anew (0.5 +- 0.05) in each trial; we take its mean.
SMOOTHING = 0.5 / 10_000


@dataclass(frozen=True)
class Profiles:
    """Hold the profiles as read-only arrays; `codes` names the columns of every result."""

    codes: tuple[str, ...]  # langdetect's language codes, sorted
    characters: NDArray[np.uint16]  # [0x110000] number and flags of every code point after normalisation
    slots: NDArray[np.uint64]  # [2^SLOT_BITS] open addressing, linear probing, 0 is free
    starts: NDArray[np.int32]  # [rows + 1] where a row's entries start; rows below 2^13 are the single letters
    languages: NDArray[np.uint8]  # [entries] column of the language
    gains: NDArray[np.float64]  # [entries] log((p + SMOOTHING) / SMOOTHING), nats over a language that lacks it
    typical: NDArray[np.float64]  # [languages] nats an n-gram that text drawn from the profile itself would gain
    vietnamese: NDArray[np.uint32]  # [6, 25] letter x tone mark -> composed letter; first row and column name them


def load_profiles() -> Profiles:
    """Return the profiles from the cache, or build them and try to cache them."""
    folder = cache_dir()
    if folder is None:
        return build_profiles()
    path = folder / _cache_name()
    cached = _read(path)
    if cached is not None:
        return cached
    profiles = build_profiles()
    _write(path, profiles)
    return profiles


def build_profiles() -> Profiles:
    """Build the arrays from the installed langdetect: about a second, the same bytes each time."""
    from langdetect import detector_factory
    from langdetect.utils.ngram import NGram

    sources = {}
    for path in sorted(Path(detector_factory.PROFILES_DIRECTORY).iterdir()):
        if path.is_file() and not path.name.startswith("."):
            profile = json.loads(path.read_text("utf-8"))
            sources[str(profile["name"])] = profile
    codes = tuple(sorted(sources))

    entries: dict[str, list[tuple[int, float]]] = {}
    typical = np.zeros(len(codes))
    for column, code in enumerate(codes):
        frequencies: dict[str, int] = sources[code]["freq"]
        totals: list[int] = sources[code]["n_words"]
        weighted = []
        for gram, count in frequencies.items():
            if not 1 <= len(gram) <= 3:
                continue
            gain = math.log1p(count / totals[len(gram) - 1] / SMOOTHING)
            entries.setdefault(gram, []).append((column, gain))
            weighted.append(count * gain)
        typical[column] = math.fsum(weighted) / sum(totals)

    letters = sorted({letter for gram in entries for letter in gram} - {" "})
    number = {letter: SPACE_CODE + 1 + i for i, letter in enumerate(letters)}
    number[" "] = SPACE_CODE
    if len(number) + 1 > CODE_MASK:
        raise ValueError(f"{len(number)} letters do not fit {CODE_BITS} bits")

    longer = sorted(gram for gram in entries if len(gram) > 1)
    singles = [""] * (CODE_MASK + 1)
    for letter in letters:
        singles[number[letter]] = letter
    rows = [entries.get(gram, []) for gram in [*singles, *longer]]
    flat = [entry for row in rows for entry in row]
    starts = np.zeros(len(rows) + 1, np.int32)
    np.cumsum([len(row) for row in rows], out=starts[1:])

    return Profiles(
        codes=codes,
        characters=_freeze(_character_table(number, NGram.normalize)),
        slots=_freeze(_hash_table(longer, number)),
        starts=_freeze(starts),
        languages=_freeze(np.array([column for column, _ in flat], np.uint8)),
        gains=_freeze(np.array([gain for _, gain in flat], np.float64)),
        typical=_freeze(typical),
        vietnamese=_freeze(_vietnamese_table(NGram)),
    )


def _character_table(number: dict[str, int], normalize: Any) -> NDArray[np.uint16]:
    table = np.zeros(sys.maxunicode + 1, np.uint16)
    for point in range(sys.maxunicode + 1):
        letter = chr(point)
        # langdetect's normalisation knows no block beyond the basic plane
        normal = normalize(letter) if point < 0x10000 else letter
        code = number.get(normal, UNKNOWN_CODE)
        if normal.isupper():
            code |= UPPER
        if "A" <= letter <= "z":
            code |= ASCII_LETTER
        elif point >= 0x300:
            code |= BEYOND_LATIN
        table[point] = code
    return table


def _hash_table(grams: list[str], number: dict[str, int]) -> NDArray[np.uint64]:
    size = 1 << SLOT_BITS
    slots = [0] * size
    for i, gram in enumerate(grams):
        key = 0
        for letter in gram:
            key = key << CODE_BITS | number[letter]
        slot = (key * HASH_MULTIPLIER & 0xFFFFFFFFFFFFFFFF) >> (64 - SLOT_BITS)
        while slots[slot]:
            slot = (slot + 1) % size
        slots[slot] = key << ROW_BITS | (CODE_MASK + 1 + i)
    return np.array(slots, np.uint64)


def _vietnamese_table(ngram: Any) -> NDArray[np.uint32]:
    table = np.zeros((len(ngram.DMARK_CLASS) + 1, len(ngram.TO_NORMALIZE_VI_CHARS) + 1), np.uint32)
    table[0, 1:] = [ord(letter) for letter in ngram.TO_NORMALIZE_VI_CHARS]
    table[1:, 0] = [ord(mark) for mark in ngram.DMARK_CLASS]
    for i, composed in enumerate(ngram.NORMALIZED_VI_CHARS):
        table[i + 1, 1:] = [ord(letter) for letter in composed]
    return table


def _freeze(array: NDArray[Any]) -> NDArray[Any]:
    # Memory-mapped arrays are read-only, and numba compiles anew for writable ones: both ways give one type.
    array.flags.writeable = False
    return array


def _cache_name() -> str:
    # isupper() follows Python's Unicode tables, so they are part of what the file was computed from.
    langdetect = importlib.metadata.version("langdetect")
    return f"language-{FORMAT_VERSION}-langdetect-{langdetect}-unicode-{unicodedata.unidata_version}.npy"


_ARRAYS = [field.name for field in fields(Profiles) if field.name != "codes"]
_ALIGN = 64


def _padding(size: int) -> int:
    return -size % _ALIGN


def _write(path: Path, profiles: Profiles) -> None:
    """Write one .npy of bytes: the length of a JSON heading, the heading, the arrays, each at a multiple of 64."""
    arrays = [np.ascontiguousarray(getattr(profiles, name)) for name in _ARRAYS]
    heading = json.dumps(
        {"codes": profiles.codes, "arrays": [[a.dtype.str, list(a.shape)] for a in arrays]}, separators=(",", ":")
    ).encode()
    parts = [len(heading).to_bytes(8, "little") + heading, *(a.tobytes() for a in arrays)]
    blob = b"".join(part + bytes(_padding(len(part))) for part in parts)
    temporary = None
    try:
        descriptor, temporary = tempfile.mkstemp(dir=path.parent, prefix=path.stem, suffix=".part")
        with os.fdopen(descriptor, "wb") as file:
            np.save(file, np.frombuffer(blob, np.uint8))
        os.replace(temporary, path)
    except OSError:
        # A full or read-only disk costs the second it takes to build them again, not the run.
        if temporary is not None:
            Path(temporary).unlink(missing_ok=True)


def _read(path: Path) -> Profiles | None:
    try:
        blob = np.load(path, mmap_mode="r", allow_pickle=False)
        return _parse(np.asarray(blob))
    except (OSError, ValueError, KeyError, TypeError, EOFError):
        return None


def _parse(blob: NDArray[np.uint8]) -> Profiles:
    if blob.dtype != np.uint8 or blob.ndim != 1 or len(blob) < 8:
        raise ValueError("not a language cache")
    size = int.from_bytes(blob[:8].tobytes(), "little")
    heading = json.loads(blob[8 : 8 + size].tobytes())
    position = 8 + size
    position += _padding(position)
    arrays: dict[str, Any] = {}
    for name, (dtype, shape) in zip(_ARRAYS, heading["arrays"], strict=True):
        length = np.dtype(dtype).itemsize * math.prod(shape)
        arrays[name] = blob[position : position + length].view(dtype).reshape(shape)
        position += length + _padding(length)
    profiles = Profiles(codes=tuple(heading["codes"]), **arrays)
    if not _is_sound(profiles):
        raise ValueError("not the arrays a kernel can read")
    return profiles


def _is_sound(profiles: Profiles) -> bool:
    """Say whether a kernel, which checks no bounds, stays within these arrays (0.5 ms)."""
    rows = len(profiles.starts) - 1
    columns = len(profiles.codes)
    dtypes = {
        "characters": "u2", "slots": "u8", "starts": "i4", "languages": "u1",
        "gains": "f8", "typical": "f8", "vietnamese": "u4",
    }  # fmt: skip
    return (
        all(getattr(profiles, name).dtype == np.dtype(dtype) for name, dtype in dtypes.items())
        and all(getattr(profiles, name).ndim == 1 for name in dtypes if name != "vietnamese")
        and len(profiles.characters) == sys.maxunicode + 1
        and len(profiles.slots) == 1 << SLOT_BITS
        and rows > CODE_MASK
        and len(profiles.typical) == columns > 1
        and profiles.vietnamese.ndim == 2
        and int(profiles.vietnamese.max()) <= sys.maxunicode
        and int((profiles.slots & np.uint64((1 << ROW_BITS) - 1)).max()) < rows
        and int(np.count_nonzero(profiles.slots)) < len(profiles.slots) // 2
        and int(profiles.starts[0]) == 0
        and bool(np.all(np.diff(profiles.starts) >= 0))
        and int(profiles.starts[-1]) == len(profiles.languages) == len(profiles.gains)
        and int(profiles.languages.max()) < columns
    )
