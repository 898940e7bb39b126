"""What people decided about rows, made free of contradictions before clustering: who is one block, who must not meet."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np


class Constraints(NamedTuple):
    """Hold decisions about the rows that stand for their exact copies.

    `block`: (n,) the row that stands for all that people joined with a row, or its own. `members`: the rows of each block of
    several, most preferred first. `claims`: for a row the (decision, group) pairs of those that keep it apart:
    two rows with different groups of one decision never share a cluster.
    """

    block: np.ndarray
    members: dict[int, list[int]]
    claims: dict[int, list[tuple[int, int]]]


def constrain(
    representative: np.ndarray, rank: np.ndarray, links: Sequence[Sequence[int]], apart: Sequence[Sequence[Sequence[int]]]
) -> tuple[np.ndarray, Constraints, list[bool]]:
    """Return who stands for each row's exact copies, the constraints, and for each of the links whether it holds as a whole.

    `representative`: (n,) as the texts alone have it; exact copies that people keep apart get one of their own. `rank`: (n,) the
    order of preference. `links`: sets of rows that are one article. `apart`: for each decision, the groups of rows that must not
    meet. Where links contradict what is kept apart, also through other links or equal texts, apart wins; who then stays with whom
    is settled in order of preference, so the order of the decisions has no say.
    """
    blocks = _Blocks(apart)
    order = sorted(range(len(links)), key=lambda number: sorted(int(rank[row]) for row in links[number]))
    holds = [True] * len(links)
    for number in order:
        holds[number] = len(blocks.gather(sorted(set(links[number]), key=lambda row: int(rank[row])))) < 2
    named = np.array(sorted(blocks.named()), np.int64)
    representative = representative.copy()
    touched = np.flatnonzero(np.isin(representative, np.unique(representative[named])))
    for group in _runs(touched[np.lexsort((rank[touched], representative[touched]))], representative):
        for leader, rows in blocks.gather(group).items():
            representative[rows] = leader
    return representative, _of_representatives(blocks, representative, rank, touched), holds


def _runs(rows: np.ndarray, key: np.ndarray) -> list[list[int]]:
    cuts = np.flatnonzero(np.diff(key[rows])) + 1
    return [part.tolist() for part in np.split(rows, cuts)] if len(rows) else []


def _of_representatives(blocks: _Blocks, representative: np.ndarray, rank: np.ndarray, touched: np.ndarray) -> Constraints:
    standing = np.unique(representative[touched])
    together: dict[int, list[int]] = {}
    for row in standing[np.argsort(rank[standing], kind="stable")].tolist():
        together.setdefault(blocks.root(row), []).append(row)
    block = np.arange(len(representative))
    members = {rows[0]: rows for rows in together.values() if len(rows) > 1}
    for first, rows in members.items():
        block[rows] = first
    claims: dict[int, set[tuple[int, int]]] = {}
    for row, own in blocks.claims_of_rows.items():
        claims.setdefault(int(representative[row]), set()).update(own)
    return Constraints(block, members, {row: sorted(own) for row, own in claims.items()})


class _Blocks:
    """Join rows into blocks, none of which holds two rows that a decision keeps apart."""

    def __init__(self, apart: Sequence[Sequence[Sequence[int]]]) -> None:
        self.claims_of_rows: dict[int, list[tuple[int, int]]] = {}
        for decision, groups in enumerate(apart):
            counts = Counter(row for rows in groups for row in set(rows))
            for group, rows in enumerate(groups):
                # Two articles that a decision keeps apart may be one row by now, since a correction made them one.
                for row in sorted(set(rows)):
                    if counts[row] == 1:
                        self.claims_of_rows.setdefault(row, []).append((decision, group))
        self._parent: dict[int, int] = {}
        self._claims: dict[int, dict[int, int]] = {row: dict(own) for row, own in self.claims_of_rows.items()}

    def named(self) -> set[int]:
        """Return the rows that any decision names."""
        return {*self._parent, *self.claims_of_rows}

    def root(self, row: int) -> int:
        """Return the row that stands for the block of a row."""
        while self._parent.setdefault(row, row) != row:
            self._parent[row] = self._parent[self._parent[row]]
            row = self._parent[row]
        return row

    def gather(self, rows: Sequence[int]) -> dict[int, list[int]]:
        """Join rows, most preferred first, into as few blocks as the claims allow; return the rows of each by its first."""
        leaders: dict[int, list[int]] = {}
        for row in rows:
            leader = next((one for one in leaders if self._join(one, row)), row)
            leaders.setdefault(leader, []).append(row)
        return leaders

    def _join(self, one: int, other: int) -> bool:
        one, other = self.root(one), self.root(other)
        if one == other:
            return True
        ours, theirs = self._claims.get(one, {}), self._claims.get(other, {})
        if len(ours) < len(theirs):
            one, other, ours, theirs = other, one, theirs, ours
        if any(ours.get(decision, group) != group for decision, group in theirs.items()):
            return False
        self._parent[other] = one
        if theirs:
            self._claims[one] = ours | theirs
        return True
