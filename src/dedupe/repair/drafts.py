"""Many drafts at a time, packed: as Python objects the ledger of a spun article takes twenty times its text."""

from __future__ import annotations

import pickle
import zlib
from collections.abc import Iterator, Mapping
from typing import Self

from dedupe.repair.ledger import Draft, Edit


def pack(draft: Draft) -> bytes:
    """Return a draft as bytes. Of an article of 1,000 words with 170 edits some 10 KB, in 1 ms; as objects it takes 120 KB."""
    told = draft.fields, draft.credits, [tuple(edit) for edit in draft.edits]
    return zlib.compress(pickle.dumps(told, pickle.HIGHEST_PROTOCOL), 1)


def unpack(packed: bytes) -> Draft:
    """Return the draft that `pack` was given."""
    fields, found_credits, edits = pickle.loads(zlib.decompress(packed))  # noqa: S301 - a process of this run has packed it
    draft = Draft("", map(Edit._make, edits))
    draft.fields, draft.credits = fields, found_credits
    return draft


class Drafts(Mapping[int, Draft]):
    """Hold drafts by row, packed. Each is unpacked where it is asked for: what is changed of it then is not kept."""

    def __init__(self, packed: Mapping[int, bytes] | None = None) -> None:
        self._packed = dict(packed or {})

    @classmethod
    def of(cls, drafts: Mapping[int, Draft]) -> Self:
        """Pack drafts."""
        return cls({row: pack(draft) for row, draft in drafts.items()})

    def __getitem__(self, row: int) -> Draft:
        return unpack(self._packed[row])

    def __contains__(self, row: object) -> bool:
        return row in self._packed

    def __iter__(self) -> Iterator[int]:
        return iter(self._packed)

    def __len__(self) -> int:
        return len(self._packed)

    def __or__(self, other: Mapping[int, Draft]) -> Drafts:
        """Return both; where both have a row, that of the other."""
        return Drafts(self._packed | (other if isinstance(other, Drafts) else Drafts.of(other))._packed)
