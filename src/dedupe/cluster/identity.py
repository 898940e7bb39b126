"""Identities that last: of an article, whatever its path or repair; of a cluster, from one run to the next."""

from __future__ import annotations

import hashlib
from collections.abc import Container, Sequence
from urllib.parse import parse_qsl, urlencode, urlsplit

import numpy as np

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
        unique.append(identity if count == 1 else hashlib.sha256(f"{identity}\x1e{count}".encode()).hexdigest()[:32])
    return unique


def new_group_id(kind: str, article_id: str, taken: Container[str]) -> str:
    """Return an ID that no group of this or an earlier run has: that of one of its articles, or a hash of it where it is taken.

    `kind` is cluster or story; its first letter begins the ID.
    """
    candidate, attempt = kind[0] + article_id[:GROUP_ID_DIGITS], 0
    while candidate in taken:
        attempt += 1
        candidate = kind[0] + hashlib.sha256(f"{kind}\x1e{article_id}\x1e{attempt}".encode()).hexdigest()[:GROUP_ID_DIGITS]
    return candidate


def carry_over(new: np.ndarray, old: np.ndarray, since: np.ndarray) -> list[tuple[int, int]]:
    """Match new clusters with old ones: (new, old) pairs, each at most once.

    `new` and `old`: for each article that both runs hold, its cluster in either. `since`: the run in which each old cluster got
    its ID. An old cluster hands its ID to the new one that holds most of its members; of several that meet in one, the oldest
    wins, then the one that brings more members. So a cluster that neither gained nor lost a member always keeps its ID. Ties go
    to the lower number.
    """
    pairs, shared = np.unique(np.stack([new, old], axis=1), axis=0, return_counts=True)
    order = np.lexsort((pairs[:, 0], -shared, pairs[:, 1]))
    pairs, shared = pairs[order], shared[order]
    first = np.ones(len(pairs), bool)
    first[1:] = pairs[1:, 1] != pairs[:-1, 1]
    heirs, brought = pairs[first], shared[first]
    order = np.lexsort((heirs[:, 1], -brought, since[heirs[:, 1]], heirs[:, 0]))
    heirs = heirs[order]
    first = np.ones(len(heirs), bool)
    first[1:] = heirs[1:, 0] != heirs[:-1, 0]
    return [(int(one), int(other)) for one, other in heirs[first]]
