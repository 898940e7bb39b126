"""De-spinning in its place in the order: by the model once clusters are known, then by what other copies of an article say.

It reads clusters and stories, changes text and ledger, and never an edge: matching has compared the text as it was before.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
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
    sides = _in_blocks(pool, _worse, len(a), lambda block: tuple(texts_of(side[block]).to_pylist() for side in (a, b)))
    # Of a pair whose reading ends its worker neither is told to be spun.
    worse = np.zeros(len(a), np.int64)
    worse[list(sides)] = list(sides.values())
    spun[a[worse < 0]] = True
    spun[b[worse > 0]] = True
    return spun


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
    # Read as workers ask for them. In workers where there are any, even one block: this process matches meanwhile, and a thread
    # of Python beside it takes every other turn from it.
    done = _in_blocks(
        pool,
        _repair,
        len(spun),
        lambda block: (take_table(articles, ["text", "edits"], spun[block]).to_pylist(), scores[spun[block]].tolist(), config),
        least=1,
    )
    return known | Drafts({int(spun[place]): draft for place, draft in done.items()}), len(spun) - len(done)


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
    done = _in_blocks(pool, _follow, len(wanted), lambda block: ([job_of(*wanted[place]) for place in block], config))
    # What ends its worker stays as the model left it.
    return drafts | Drafts({wanted[place][0]: draft for place, draft in done.items()})


def _follow(jobs: list[tuple[Draft, list[Sibling], float]], config: Config) -> list[bytes]:
    spin = SpinRepair(config)
    for draft, siblings, spin_score in jobs:
        spin.repair_by_siblings(draft, siblings, max(spin_score, spin.gate.threshold))
    return [pack(job[0]) for job in jobs]


def _in_blocks(
    pool: Workers | None,
    function: Callable[..., list[Done]],
    number: int,
    job_of: Callable[[np.ndarray], tuple[Any, ...]],
    least: int = 2,
) -> dict[int, Done]:
    # What `function` makes of so many items, by their places; nothing of one that ends its worker also by itself. `job_of` gives
    # the arguments of a block of places. `least`: blocks that are worth workers, each of which loads model and lexicon in 0.2 s.
    done: dict[int, Done] = {}
    for at_once in (_AT_ONCE, 1):
        # Those of a block that has ended its worker once more come again, each by itself.
        left = np.setdiff1d(np.arange(number), np.fromiter(done, np.int64, len(done)))
        blocks = [left[start : start + at_once] for start in range(0, len(left), at_once)]
        jobs = (job_of(block) for block in blocks)
        shared = pool is not None and (len(blocks) >= least or at_once == 1)
        made = pool.map(function, jobs, rescue=_nothing) if pool and shared else (function(*job) for job in jobs)
        deadly = 0
        for block, one in zip(blocks, made, strict=True):
            deadly += not one
            if deadly > MOST_DEADLY:
                raise WorkerDiedError
            done.update(zip(block.tolist(), one, strict=bool(one)))
    return done


def _nothing(*_: object) -> list[Any]:
    return []


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
