"""What a run did, in numbers."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np

from dedupe.config import Config
from dedupe.engine.timings import Timings
from dedupe.match.edges import RELATIONS
from dedupe.pipeline import Matched
from dedupe.read.columns import check_fields
from dedupe.read.parts import Plan
from dedupe.stages.preparing import Prepared
from dedupe.stages.results import story_pairs
from dedupe.stages.storytelling import Told


@dataclass
class Summary:
    """Say what a run did, in numbers: the same that the command prints and `--json` gives."""

    output: str | None
    files: int
    bytes: int
    read: int
    records: int
    articles: int
    rejects: dict[str, int]
    why_rejected: str
    skipped: str
    columns: list[str]
    unseen: list[str]
    events: dict[str, int]
    rules: dict[str, int]
    edits: int
    repeated_lines: int
    languages: dict[str, int]
    candidates: int
    verified: int
    edges: dict[str, int]
    large_buckets: int
    capped_hashes: int
    clusters: int
    clusters_of_several: int
    largest_cluster: int
    duplicates: int
    stories: int
    articles_in_stories: int
    largest_story: int
    story_pairs: int
    decisions: dict[str, int]
    reused: dict[str, int]
    taken_over: int
    known: int
    threshold: float
    seconds: float
    timings: dict[str, float] = field(default_factory=dict)
    worker_deaths: int = 0
    unrestored: int = 0
    gone: int = 0
    examples: list[dict[str, str]] = field(default_factory=list)

    def as_dict(self) -> dict[str, Any]:
        """Return plain JSON values."""
        return asdict(self)


def summarise(
    plan: Plan, prepared: Prepared, matched: Matched, told: Told, config: Config, timings: Timings, begin: float
) -> Summary:
    """Say in numbers what a run did that began at `begin` of the performance counter."""
    sizes = np.unique(matched.canonical, return_counts=True)[1]
    tale_sizes = np.unique(told.leader[told.leader >= 0], return_counts=True)[1]
    relations = np.bincount(matched.edges.relation, minlength=len(RELATIONS)).tolist()
    rejects = Counter(prepared.rejects["code"].to_pylist())
    earlier = prepared.fresh + (len(prepared.adopted.rejects) if prepared.adopted else 0)
    return Summary(
        output=None,
        files=plan.n_files,
        bytes=plan.n_bytes,
        read=prepared.records - earlier + prepared.known,
        records=prepared.records,
        articles=prepared.articles.num_rows,
        rejects=_sorted(rejects),
        why_rejected=next(iter(_sorted(Counter(prepared.rejects["sentence"].to_pylist()))), ""),
        skipped=plan.skipped_sentence(),
        columns=[
            f"{kind}: {taken}" + (f" ({count:,} files)" if count > 1 else "")
            for (kind, taken), count in sorted(prepared.report.columns.items())
        ],
        unseen=_unseen(config, prepared.report.columns),
        events=_sorted(prepared.report.events),
        rules=_sorted(prepared.rules),
        edits=sum(prepared.rules.values()),
        repeated_lines=prepared.residue.num_rows,
        languages=_sorted(prepared.languages),
        candidates=matched.candidates,
        verified=matched.verified,
        edges={name: count for name, count in zip(RELATIONS, relations, strict=True) if count},
        large_buckets=matched.large_buckets,
        capped_hashes=matched.capped_hashes,
        clusters=len(sizes),
        clusters_of_several=int((sizes > 1).sum()),
        largest_cluster=int(sizes.max(initial=0)),
        duplicates=int((sizes - 1).sum()),
        stories=len(tale_sizes),
        articles_in_stories=int(tale_sizes.sum()),
        largest_story=int(tale_sizes.max(initial=0)),
        story_pairs=int(story_pairs(matched, told).sum()),
        decisions=matched.honoured.counts() if matched.honoured else {},
        reused=prepared.reused,
        taken_over=prepared.fresh,
        known=prepared.known,
        threshold=config.threshold,
        seconds=time.perf_counter() - begin,
        timings=timings.seconds,
        unrestored=prepared.unrestored,
    )


def _unseen(config: Config, columns: Iterable[tuple[str, str]]) -> list[str]:
    # A column that was asked for is taken for its field or nothing is.
    taken = {line.partition(" <- ")[0] for _, line in columns}
    return [f"{field}={column}" for field, column in check_fields(config.fields).items() if field not in taken]


def _sorted(counter: Counter[str]) -> dict[str, int]:
    return dict(sorted(counter.items(), key=lambda item: (-item[1], item[0])))
