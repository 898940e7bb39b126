"""De-spinning in its place in the order: by the model once clusters are known, then by what other copies of an article say.

It reads clusters and stories, changes text and ledger, and never an edge: matching has compared the text as it was before.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, TypeVar

import numpy as np
import pyarrow as pa

from dedupe.config import Config
from dedupe.engine import Workers
from dedupe.engine.watch import MOST_DEADLY
from dedupe.errors import WorkerDiedError
from dedupe.gather import take_table
from dedupe.match.spun import propose_swapped
from dedupe.match.verify import TextsOf
from dedupe.repair.drafts import Drafts, pack
from dedupe.repair.ledger import Draft, Edit
from dedupe.repair.spin.reading import worse_reading
from dedupe.repair.spin.siblings import Sibling
from dedupe.repair.spin.stage import SpinRepair, corrections, load_decoder
from dedupe.schema import EDIT
from dedupe.stages.maps import class_shingle_sets, gate_threshold
from dedupe.tokens import tokenize

# Spun articles that a worker takes at a time: one takes 20 to 50 ms.
_AT_ONCE = 16

# Drafts whose values are put in place at a time: of 1,500 with 370 edits each, the peak is 718 MB, and was 769 at 1,024.
_PUT_ROWS = 256

# Drafts that are Python objects at a time: one with 170 edits takes 250 KB, and the columns made of it 30.
_UNPACKED_ROWS = 64

Done = TypeVar("Done")

# Other copies that a spun article is compared with: the canonical first, then members in order of preference.
_MOST_SIBLINGS = 8


def load_despinning() -> None:
    """Build the tables of the de-spinner, and load its kernels, by repairing a sentence."""
    class_shingle_sets(pa.array(["one two three four five"]))
    decoder = load_decoder()
    corrections("The White Home has not issued a proper response.", decoder)


def tell_spun(
    scores: np.ndarray,
    akin: tuple[np.ndarray, np.ndarray],
    n_tokens: np.ndarray,
    texts_of: TextsOf,
    pool: Workers | None = None,
    threads: int = 1,
) -> np.ndarray:
    """Tell which articles are spun: those that pass the gate, and those that read worse than their source. (n,) bool.

    `scores`: (n,) float32, NaN where an article was not judged. `akin`: pairs that may be one text with words swapped.
    """
    spun: np.ndarray = scores >= gate_threshold()
    a, b = propose_swapped(akin, n_tokens, scores, texts_of, threads)
    untold = ~spun[a] & ~spun[b]
    a, b = a[untold], b[untold]
    if not len(a):
        return spun
    blocks = [(one, other) for one, other in zip(_blocks(a, texts_of), _blocks(b, texts_of), strict=True)]
    worse = np.array([side for sides in _shared_out(pool, _worse, blocks, len(blocks)) for side in sides], np.int64)
    spun[a[worse < 0]] = True
    spun[b[worse > 0]] = True
    return spun


def _blocks(rows: np.ndarray, texts_of: TextsOf) -> list[list[str]]:
    return [texts_of(rows[start : start + _AT_ONCE]).to_pylist() for start in range(0, len(rows), _AT_ONCE)]


def _worse(one: list[str], other: list[str]) -> list[int]:
    vocabulary = load_decoder().table.vocabulary
    return [worse_reading(*texts, vocabulary) for texts in zip(one, other, strict=True)]


def restore_by_model(articles: pa.Table, config: Config, pool: Workers, known: Drafts | None = None) -> tuple[Drafts, int]:
    """Restore the wording of every article that passes the gate, by the language model; return the drafts by row.

    An article that ends the worker that restores it, also by itself, has none and stays as it is; how many did, is returned, too.
    `known`: those that an earlier run has restored. Raises WorkerDiedError where the deaths do not end.
    """
    if config.despin != "fix" or not config.clean:
        return Drafts(), 0
    known = known or Drafts()
    spun = np.flatnonzero(articles["is_spun"].to_numpy())
    spun = spun[~np.isin(spun, np.fromiter(known, np.int64, len(known)))]
    scores = articles["spin_score"].to_numpy()
    done: dict[int, bytes] = {}
    for at_once in (_AT_ONCE, 1):
        # Those of a block that has ended its worker once more come again, each by itself.
        left = spun[~np.isin(spun, np.fromiter(done, np.int64, len(done)))]
        if not len(left):
            break
        blocks = [left[start : start + at_once] for start in range(0, len(left), at_once)]
        # Read as workers ask for them. In workers where there are any, even one block: this process matches meanwhile, and a
        # thread of Python beside it takes every other turn from it.
        jobs = ((take_table(articles, ["text", "edits"], block).to_pylist(), scores[block].tolist(), config) for block in blocks)
        deadly = 0
        for block, drafts in zip(blocks, pool.map(_repair, jobs, rescue=_leave), strict=True):
            deadly += not drafts
            if deadly > MOST_DEADLY:
                raise WorkerDiedError
            done.update(zip(block.tolist(), drafts, strict=bool(drafts)))
    return known | Drafts(done), len(spun) - len(done)


def _leave(*_: object) -> list[bytes]:
    # No drafts of a block that ends its worker.
    return []


def _repair(rows: list[dict[str, Any]], scores: list[float], config: Config) -> list[bytes]:
    spin = SpinRepair(config)
    drafts = []
    for row, score in zip(rows, scores, strict=True):
        draft = Draft(row["text"], [Edit(**edit) for edit in row["edits"]])
        # One that its source gave away is repaired like one that passed the gate by itself.
        spin.repair(draft, max(score, spin.gate.threshold))
        drafts.append(pack(draft))
    return drafts


def restore_by_siblings(
    drafts: Drafts, articles: pa.Table, group: np.ndarray, rank: np.ndarray, config: Config, pool: Workers
) -> Drafts:
    """Let other copies of the same passages override the model, in one pass: each sees the others as the model left them.

    `group`: (n,) number of the cluster of each article. `rank`: (n,) order of preference.
    """
    spun = np.fromiter(drafts, np.int64, len(drafts))
    members = np.flatnonzero(np.isin(group, group[spun]))
    members = members[np.lexsort((rank[members], group[members]))]
    starts = np.searchsorted(group[members], group[spun])
    stops = np.searchsorted(group[members], group[spun], side="right")
    scores = articles["spin_score"].to_numpy()

    def job_of(row: int, start: int, stop: int) -> tuple[Draft, list[Sibling], float]:
        others = [int(other) for other in members[start:stop] if other != row][:_MOST_SIBLINGS]
        told = take_table(articles, ["text", "article_id", "is_spun"], np.array(others, np.int64)).to_pylist()
        siblings = [
            Sibling(drafts[other].text if other in drafts else one["text"], one["is_spun"], one["article_id"][:12])
            for other, one in zip(others, told, strict=True)
        ]
        return drafts[row], siblings, float(scores[row])

    accompanied = np.flatnonzero(stops - starts > 1)
    wanted = list(zip(*(column[accompanied].tolist() for column in (spun, starts, stops)), strict=True))
    blocks = [wanted[start : start + _AT_ONCE] for start in range(0, len(wanted), _AT_ONCE)]
    jobs = (([job_of(*one) for one in block], config) for block in blocks)
    done = [draft for followed in _shared_out(pool, _follow, jobs, len(blocks)) for draft in followed]
    return drafts | Drafts(dict(zip(spun[accompanied].tolist(), done, strict=True)))


def _follow(jobs: list[tuple[Draft, list[Sibling], float]], config: Config) -> list[bytes]:
    spin = SpinRepair(config)
    for draft, siblings, spin_score in jobs:
        spin.repair_by_siblings(draft, siblings, max(spin_score, spin.gate.threshold))
    return [pack(job[0]) for job in jobs]


def _shared_out(
    pool: Workers | None, function: Callable[..., list[Done]], jobs: Iterable[tuple[Any, ...]], number: int
) -> Iterator[list[Done]]:
    # Each process loads the language model and the lexicon, in 0.2 s: one job is done in this one alone.
    return pool.map(function, jobs) if pool and number > 1 else (function(*job) for job in jobs)


def drafted_parts(
    articles: pa.Table, drafts: Mapping[int, Draft]
) -> Iterator[tuple[np.ndarray, dict[str, pa.Array], Counter[str]]]:
    """Yield what `drafted` returns, for some of the drafts at a time, so that memory is theirs."""
    rows = sorted(drafts)
    for start in range(0, len(rows), _PUT_ROWS):
        yield _drafted_block(articles, drafts, rows[start : start + _PUT_ROWS])


def _drafted_block(
    articles: pa.Table, drafts: Mapping[int, Draft], block: list[int]
) -> tuple[np.ndarray, dict[str, pa.Array], Counter[str]]:
    parts = [
        drafted(articles, {row: drafts[row] for row in block[first : first + _UNPACKED_ROWS]})
        for first in range(0, len(block), _UNPACKED_ROWS)
    ]
    changed, values, rules = zip(*parts, strict=True)
    columns = {name: pa.concat_arrays([part[name] for part in values]) for name in values[0]}
    return np.concatenate(changed), columns, sum(rules, Counter[str]())


def drafted(articles: pa.Table, drafts: Mapping[int, Draft]) -> tuple[np.ndarray, dict[str, pa.Array], Counter[str]]:
    """Return the rows that drafts change, the new values of their columns, and the edits that were added, by rule."""
    rules: Counter[str] = Counter()
    changed: list[int] = []
    for row, draft in sorted(drafts.items()):
        new = draft.edits[articles["n_edits"][row].as_py() :]
        rules.update(edit.rule for edit in new)
        if new:
            changed.append(row)
    texts = pa.array([drafts[row].text for row in changed], pa.string())
    counts = np.diff(tokenize(texts).offsets).astype(np.int32)
    values: dict[str, pa.Array] = {
        "text": texts,
        "edits": pa.array([[edit._asdict() for edit in drafts[row].edits] for row in changed], pa.list_(EDIT)),
        "n_edits": pa.array([len(drafts[row].edits) for row in changed], pa.int32()),
        "n_words": pa.array(counts, pa.int32()),
        "text_sha256": pa.array([hashlib.sha256(drafts[row].text.encode()).hexdigest() for row in changed], pa.string()),
    }
    return np.array(changed, np.int64), values, rules
