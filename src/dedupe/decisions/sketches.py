"""A few bytes that know a text again: the lowest of its shingle hashes."""

from __future__ import annotations

import numpy as np

_MOST = 64

# A sketch of the index holds hashes below 2 to the 60th; 32 bits of those tell the texts of any corpus apart.
_SHIFT = np.uint64(28)


def sketch_bytes(hashes: np.ndarray) -> bytes:
    """Return the sketch to keep with a decision, from an article's sorted hashes in the index (uint64)."""
    return (np.asarray(hashes[:_MOST]) >> _SHIFT).astype("<u4").tobytes()


def short_hashes(hashes: np.ndarray) -> np.ndarray:
    """Return hashes of the index as sketches hold them: (n,) uint32."""
    return (hashes >> _SHIFT).astype(np.uint32)


def sketch_hashes(sketch: bytes) -> np.ndarray:
    """Return the hashes of a sketch: (n,) uint32, ascending."""
    return np.frombuffer(sketch, "<u4").astype(np.uint32)


def resemblance(one: np.ndarray, other: np.ndarray) -> float:
    """Estimate the Jaccard similarity of two texts from their sketches: 0 to 1; 0 where either says nothing.

    The share of the hashes of both that are in both, up to where the shorter reach of the two ends (bottom-k sketches: Cohen and
    Kaplan, 2007, doi:10.1145/1281100.1281133).
    """
    if not len(one) or not len(other):
        return 0.0
    reach = min(int(sketch[-1]) if len(sketch) == _MOST else 2**32 for sketch in (one, other))
    one, other = one[one <= reach], other[other <= reach]
    both = len(np.intersect1d(one, other))
    return both / max(1, len(np.union1d(one, other)))
