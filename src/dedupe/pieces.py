"""The pieces of a run by themselves: repair a text, restore a spun one, sign a column, compare two texts."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from dedupe.config import Config
from dedupe.errors import UsageError
from dedupe.match.containment import Proposed
from dedupe.match.edges import EXACT, JOINING, RELATIONS, joined
from dedupe.match.relations import evidence, relate
from dedupe.match.signatures import Signer, shingle_sets
from dedupe.match.spun import propose_spun, relate_spun
from dedupe.match.verify import Verifier
from dedupe.read.decode import replace_surrogates
from dedupe.read.tables import plain
from dedupe.repair.ledger import Draft, Edit, restore
from dedupe.repair.spin.stage import SpinRepair
from dedupe.repair.stages import LocalRepair
from dedupe.schema import ARTICLES
from dedupe.settings import checked
from dedupe.stages.despinning import tell_spun
from dedupe.stages.maps import class_shingle_sets, gate_threshold, identifier

if TYPE_CHECKING:
    from datasketch import MinHash

_SHOWN = 60


@dataclass(frozen=True)
class Repaired:
    """Hold a text after repair, what was taken out of it into fields of its own, and the ledger of all that was changed."""

    text: str
    title: str | None
    author: str | None
    publisher: str | None
    published_at: datetime | None
    credits: tuple[str, ...]
    edits: tuple[Edit, ...]

    @property
    def original(self) -> str:
        """The text as it was given, restored from the edits."""
        return restore(self.text, self.edits)

    def __repr__(self) -> str:
        return f"<repaired by {len(self.edits):,} edits: {_shown(self.text)!r}>"


@dataclass(frozen=True)
class Despun:
    """Hold a text whose wording was restored where a spinner had swapped it.

    `spin_score` is in nats, None where the text is not in a language that is judged; `is_spun` whether it passed the gate.
    """

    text: str
    spin_score: float | None
    is_spun: bool
    edits: tuple[Edit, ...]

    @property
    def original(self) -> str:
        """The text as it was given, restored from the edits."""
        return restore(self.text, self.edits)

    def __repr__(self) -> str:
        score = "not judged" if self.spin_score is None else f"scores {self.spin_score:.1f}"
        return f"<{'spun' if self.is_spun else 'not spun'}, {score}, {len(self.edits):,} edits: {_shown(self.text)!r}>"


@dataclass(frozen=True)
class Comparison:
    """Hold what two texts are to each other, as a run would say of two articles with these texts and no other beside them.

    `relation` is None where they are neither copies, nor parts, nor versions of each other; `joins` whether it makes them one
    article. `shared` of the `size_a` and `size_b` distinct shingles are in both.
    """

    relation: str | None
    joins: bool
    jaccard: float
    containment_a: float
    containment_b: float
    shared: int
    size_a: int
    size_b: int
    evidence: str

    def __repr__(self) -> str:
        return f"<{self.relation or 'not related'}, Jaccard {self.jaccard:.2f}; {self.evidence}>"


class Signatures:
    """Hold the MinHash signatures of a column: `values`, (n, num_perm) uint32, in datasketch's scheme `affine32`."""

    def __init__(self, values: NDArray[np.uint32], seed: int) -> None:
        self.values = values
        self.seed = seed

    def __len__(self) -> int:
        return len(self.values)

    @property
    def num_perm(self) -> int:
        """Values of each signature."""
        return int(self.values.shape[1])

    def __repr__(self) -> str:
        return f"<{len(self):,} signatures of {self.num_perm} values, seed {self.seed}>"

    def jaccard(self, a: int, b: int) -> float:
        """Estimate the Jaccard similarity of two rows, to ±0.044 with 128 values; `compare` computes it exactly."""
        return float((self.values[a] == self.values[b]).mean())

    def to_datasketch(self) -> list[MinHash]:
        """Return datasketch's own objects: for its LSH, LSH Forest and storage, or to be merged with others of its making."""
        from datasketch import MinHash

        permutations = MinHash(num_perm=self.num_perm, seed=self.seed, scheme="affine32").permutations
        return [MinHash(seed=self.seed, hashvalues=row, permutations=permutations, scheme="affine32") for row in self.values]


def repair_text(
    text: str,
    *,
    title: str | None = None,
    author: str | None = None,
    publisher: str | None = None,
    url: str | None = None,
    config: Config | None = None,
) -> Repaired:
    """Repair one text by what stands in it: encoding, residue, metadata.

    What is known of the article helps: a first line that repeats the title leaves the text. Two things need a whole run: lines
    that a publisher repeats, and what other copies of the article say.
    """
    told = {"title": title, "author": author, "publisher": publisher, "url": url}
    known = {name: _text(value, name) for name, value in told.items() if value is not None}
    given = {"text": _text(text), "source": "", "record": 1} | known
    batch = pa.RecordBatch.from_pylist([dict.fromkeys(ARTICLES.names) | given], schema=ARTICLES)
    row = LocalRepair(checked(config))(batch).to_pylist()[0]
    return Repaired(
        text=row["text"],
        title=row["title"],
        author=row["author"],
        publisher=row["publisher"],
        published_at=row["published_at"],
        credits=tuple(row["credits"]),
        edits=tuple(Edit(**edit) for edit in row["edits"]),
    )


def despin_text(text: str, *, force: bool = False, config: Config | None = None) -> Despun:
    """Score one text for being spun, and restore its wording where it is.

    With `force` the model reads it whatever the score and the language say: for text that is known to be spun and too short to be
    judged. Only English is judged. The first call loads a language model of 350 MB, in about a second.
    """
    text = _text(text)
    column = pa.array([text], pa.string())
    spin = SpinRepair(checked(config))
    languages, _ = identifier().identify(column)
    judged = languages[0].as_py() == spin.language
    score = float(spin.score(column)[0]) if judged else float("nan")
    is_spun = bool(score >= gate_threshold())
    draft = Draft(text)
    if is_spun or force:
        spin.repair(draft, gate_threshold())
    return Despun(draft.text, None if np.isnan(score) else score, is_spun, tuple(draft.edits))


def signatures(texts: Iterable[str | None], *, num_perm: int = 128, seed: int = 1) -> Signatures:
    """Sign every text of a column: a list of strings, or a column of pyarrow, pandas or polars.

    Rows are bit-identical to datasketch's `MinHash(num_perm, seed, scheme="affine32")` fed with `shingle_hashes` of the text, so
    both can stand in one index. A text without a word gets the signature of an empty set. Raises UsageError for what is no
    column of strings.
    """
    if num_perm < 1:
        raise UsageError(f"{num_perm} permutations make no signature.", "Give 1 or more as num_perm; 128 is usual.")
    if not 0 <= seed < 2**32:
        raise UsageError(f"{seed} is no seed.", "Give one from 0 to 4,294,967,295; 1 is usual.")
    signer = Signer(num_perm, seed)
    parts = [signer.sign(chunk) for chunk in _strings(texts)]
    return Signatures(np.concatenate([*parts, np.empty((0, num_perm), np.uint32)]), seed)


def shingle_hashes(text: str) -> list[int]:
    """Return the distinct 32-bit hashes of a text's shingles, of which its signature is made.

    A shingle is three folded words, or five characters of scripts without spaces.
    """
    shingles, _ = shingle_sets(pa.array([_text(text)], pa.string()))
    found: list[int] = np.unique(shingles >> np.uint64(32)).tolist()
    return found


def compare(a: str, b: str, *, config: Config | None = None) -> Comparison:
    """Compare two texts exactly, and tell what they are to each other, with the evidence in words.

    As they are given: what `repair_text` would take out counts, too. The threshold is that of the settings.
    """
    settings = checked(config)
    texts = pa.array([_text(a), _text(b)], pa.string())
    pair = np.array([0]), np.array([1])

    def read(rows: NDArray[np.int64]) -> pa.Array:
        return texts.take(pa.array(rows))

    verify, by_class = Verifier(read), Verifier(read, sets_of=class_shingle_sets)
    overlap = verify(*pair)
    signed = Signer(1, settings.seed)(texts)
    facts: dict[int, str] = {}
    if (signed.keys[0] == signed.keys[1]).all():
        relation = int(EXACT)
        said = "the same text after folding"
        jaccard = 1.0
    else:
        small_first = overlap.size_a[0] <= overlap.size_b[0]
        proposed = Proposed(*(pair if small_first else pair[::-1]), 0, 0, pair)
        edges, facts = relate(joined([]), proposed, settings.threshold, verify, read)
        spun = tell_spun(_scores(texts, settings), pair, signed.n_tokens, read)
        if spun.any():
            pairs = propose_spun(signed.sketches, np.arange(2), np.flatnonzero(spun))
            edges, _ = relate_spun(edges, pairs, spun, by_class, read)
        relation = int(edges.relation[0]) if len(edges) else -1
        overlap = edges.overlap if len(edges) else overlap
        jaccard = float(overlap.jaccard[0])
        said = (
            evidence(*edges[:3], edges.overlap, edges.star, np.arange(2), facts)[0]
            if len(edges)
            else f"{overlap.shared[0]:,} of {overlap.size_a[0] + overlap.size_b[0] - overlap.shared[0]:,} shingles shared"
        )
    size_a, size_b, shared = (int(column[0]) for column in overlap)
    return Comparison(
        relation=RELATIONS[relation] if relation >= 0 else None,
        joins=relation in JOINING,
        jaccard=jaccard,
        containment_a=1.0 if relation == EXACT else shared / max(size_a, 1),
        containment_b=1.0 if relation == EXACT else shared / max(size_b, 1),
        shared=shared,
        size_a=size_a,
        size_b=size_b,
        evidence=said,
    )


def _scores(texts: pa.Array, config: Config) -> NDArray[np.float32]:
    spin = SpinRepair(config)
    languages, _ = identifier().identify(texts)
    return np.where(np.array(languages.to_pylist()) == spin.language, spin.score(texts), np.float32("nan"))


def _text(value: object, what: str = "text") -> str:
    if not isinstance(value, str):
        raise UsageError(f"The {what} is {value!r:.60}, not a string.", f"Give a string as {what}.")
    found: str = _whole(value)
    return found


def _whole(value: Any) -> Any:
    # As in files: halves of a character that no encoding has.
    return replace_surrogates(value)[0] if isinstance(value, str) and not value.isascii() else value


def _strings(texts: Any) -> list[pa.Array]:
    if isinstance(texts, str | bytes):
        raise UsageError("A single text is no column.", "Give a list with it.")
    try:
        if isinstance(texts, pa.ChunkedArray):
            column = texts
        elif hasattr(texts, "__arrow_c_stream__"):
            column = pa.chunked_array(texts)
        else:
            given = texts if hasattr(texts, "__arrow_c_array__") else [_whole(text) for text in texts]
            column = pa.chunked_array([pa.array(given, None if len(given) else pa.string(), from_pandas=True)])
        chunks = [plain(chunk) for chunk in column.chunks]
        wrong = {str(chunk.type) for chunk in chunks} - {"string", "large_string", "null"}
        if wrong:
            raise UsageError(f"The column holds {', '.join(sorted(wrong))}, not strings.", "Give a column of texts.")
        return [chunk.cast(pa.large_string()) for chunk in chunks]
    except (pa.ArrowException, TypeError) as error:
        raise UsageError(f"This is no column of strings: {error}.", "Give a list of strings, or a column of texts.") from error


def _shown(text: str) -> str:
    plain = "".join(char if char.isprintable() else " " for char in text[: _SHOWN + 1])
    return plain if len(text) <= _SHOWN else plain[: _SHOWN - 1] + "…"
