"""Identities that last: of an article, whatever its path or repair; of a cluster, from one run to the next."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence, Set
from urllib.parse import parse_qsl, urlencode, urlsplit

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from dedupe.gather import begins

# 80 bits: among a billion groups the chance that two ever meet is 1 in 2 million, and then one of them takes another.
GROUP_ID_DIGITS = 20

# Parameters that say how a reader came to a page, never which page it is.
_TRACKING = ("utm_", "fbclid", "gclid", "mc_cid", "mc_eid", "cmpid", "ocid", "ref_src", "igshid")


def canonical_url(url: str) -> str:
    """Return one spelling for all addresses of a page: case and ports by RFC 3986, no fragment, no tracking, no `www.`."""
    try:
        parts = urlsplit(url.strip())
        host = (parts.hostname or "").removeprefix("www.").rstrip(".")
        port = parts.port
    except ValueError:
        return url.strip()
    if not host:
        return url.strip()
    if port and port not in (80, 443):
        host = f"{host}:{port}"
    query = urlencode(
        sorted(pair for pair in parse_qsl(parts.query, keep_blank_values=True) if not pair[0].lower().startswith(_TRACKING))
    )
    return f"{host}{parts.path.rstrip('/') or '/'}" + (f"?{query}" if query else "")


def identify(
    input_id: str | None, url: str | None, publisher: str | None, title: str | None, published: str | None, text_sha256: str
) -> str:
    """Return an article's ID: 128 bits, hex, of its identity and its decoded text before any repair.

    Identity is the input's own ID, else the URL, else publisher, title and date, else nothing: never a path, a record number or
    repaired text, so moving a folder or a better repair changes no ID.
    """
    if input_id:
        parts = ("id", input_id)
    elif url:
        parts = ("url", canonical_url(url))
    elif publisher or title or published:
        parts = ("told", "\x1f".join((publisher or "", title or "", published or "")))
    else:
        parts = ("none", "")
    return hashlib.sha256("\x1e".join((*parts, text_sha256)).encode()).hexdigest()[:32]


def number_equals(ids: Sequence[str]) -> list[str]:
    """Give equal IDs numbers in input order, so that each article has its own: the second `x` becomes a hash of `x` and 2."""
    seen: dict[str, int] = {}
    unique = []
    for identity in ids:
        count = seen[identity] = seen.get(identity, 0) + 1
        unique.append(identity if count == 1 else _nth(identity, count))
    return unique


def _nth(identity: str, number: int) -> str:
    return hashlib.sha256(f"{identity}\x1e{number}".encode()).hexdigest()[:32]


def with_equals(wanted: Set[str], ids: pa.ChunkedArray) -> set[str]:
    """Return the `wanted` IDs and those of all articles equal to them in identity and text, which `number_equals` told apart.

    `ids`: all IDs of a corpus. A microsecond for each: whether it has a second can only be asked by hashing.
    """
    held = ids.combine_chunks()
    found = set(wanted)
    doubled = pc.is_in(pa.array([_nth(one, 2) for one in held.to_pylist()], pa.string()), held)
    several = held.filter(doubled).to_pylist()
    there = set(held.to_pylist()) if several else set()
    for first in several:
        group, number = {first}, 2
        while (one := _nth(first, number)) in there:
            group.add(one)
            number += 1
        if group & found:
            found |= group
    return found


def new_group_ids(kind: str, article_ids: pa.Array, taken: pa.Array) -> pa.Array:
    """Return IDs that no group of this or an earlier run has: each that of an article, or a hash of it where it is taken.

    `kind` is cluster or story; its first letter begins the IDs. `article_ids`: of one article a group. `taken`: the IDs that
    were ever given.
    """
    names = pc.binary_join_element_wise(kind[0], pc.utf8_slice_codeunits(article_ids, 0, GROUP_ID_DIGITS), "")
    attempt = 0
    while len(again := _given_before(names, taken)):
        attempt += 1
        whole = (f"{kind}\x1e{one}\x1e{attempt}" for one in article_ids.take(pa.array(again)).to_pylist())
        others = [kind[0] + hashlib.sha256(one.encode()).hexdigest()[:GROUP_ID_DIGITS] for one in whole]
        mask = np.zeros(len(names), bool)
        mask[again] = True
        names = pc.replace_with_mask(names, pa.array(mask), pa.array(others, pa.string()))
    return names


def _given_before(names: pa.Array, taken: pa.Array) -> np.ndarray:
    # Rows whose name is taken, or stands in an earlier row.
    given = pc.is_in(names, taken).to_numpy(zero_copy_only=False)
    encoded = names.dictionary_encode()
    if len(encoded.dictionary) < len(names):
        first = np.zeros(len(names), bool)
        first[np.unique(encoded.indices.to_numpy(), return_index=True)[1]] = True
        given = given | ~first
    return np.flatnonzero(given)


def carry_over(new: np.ndarray, old: np.ndarray, since: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Match new clusters with old ones: the numbers of the new and, row for row, of the old, each at most once.

    `new` and `old`: for each article that both runs hold, its cluster in either. `since`: the run in which each old cluster got
    its ID. An old cluster hands its ID to the new one that holds most of its members; of several that meet in one, the oldest
    wins, then the one that brings more members. So a cluster that neither gained nor lost a member always keeps its ID. Ties go
    to the lower number.
    """
    keys, shared = np.unique(new * max(1, len(since)) + old, return_counts=True)
    heirs, sources = np.divmod(keys, max(1, len(since)))
    order = np.lexsort((heirs, -shared, sources))
    order = order[begins(sources[order])]
    order = order[np.lexsort((sources[order], -shared[order], since[sources[order]], heirs[order]))]
    order = order[begins(heirs[order])]
    return heirs[order], sources[order]
