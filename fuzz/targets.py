"""What is fuzzed: bytes in, an AssertionError out where something that must hold of any input does not."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import pyarrow as pa

from dedupe.config import Config
from dedupe.read import plan, read
from dedupe.repair.ledger import restore
from dedupe.repair.repetition import LineCounts
from dedupe.repair.stages import LocalRepair, RepetitionRepair
from dedupe.schema import ARTICLES
from fuzz.formats import KINDS, PACKINGS

_CONFIG = Config(html="fast", max_article_bytes=100_000)


def read_anything(data: bytes) -> None:
    """Read bytes as a file of the format that the first two of them choose: nothing raises, and records are rows and rejects."""
    kind, packing = (list_[data[at] % len(list_)] if len(data) > at else list_[0] for at, list_ in ((0, KINDS), (1, PACKINGS)))
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, f"a.{kind}{packing}")
        path.write_bytes(data[2:])
        made = plan([str(path)], _CONFIG, part_bytes=4096)
        for shard in made.shards:
            for batch in read(shard, _CONFIG):
                batch.articles.validate(full=True)
                batch.rejects.validate(full=True)
                assert batch.records == batch.articles.num_rows + batch.rejects.num_rows, (kind, packing)


def restore_anything(data: bytes) -> None:
    """Repair texts, title and byline by all stages: the ledger gives back what came in, and every row stays."""
    texts = data.decode("utf-8", "replace").split("\x1e")[:6]
    rows: list[dict[str, Any]] = [
        dict.fromkeys(ARTICLES.names) | {"source": "a.txt", "record": n, "text": text, "title": text[:40], "author": text[40:80]}
        for n, text in enumerate(texts, 1)
    ]
    local = LocalRepair(Config())(pa.RecordBatch.from_pylist(rows, ARTICLES))
    # Each text three times, so that the lines of all are learned as repeated ones.
    learned = LineCounts()
    for _ in range(3):
        learned = learned.merge(LineCounts.of(local))
    done = RepetitionRepair(Config(), learned.finish())(local)
    done.validate(full=True)
    assert len(done) == len(texts)
    for before, after in zip(rows, done.to_pylist(), strict=True):
        assert [edit["seq"] for edit in after["edits"]] == list(range(len(after["edits"])))
        assert restore(after["text"], after["edits"]) == before["text"]
        for name in ("title", "author"):
            if after[name] is not None and before[name]:
                assert restore(after[name], after["edits"], name) == before[name], name
