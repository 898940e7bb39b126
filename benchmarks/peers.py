"""What dedupe is measured against, each a process of its own: pyarrow alone, datatrove, text-dedup, MinHash libraries.

Run as a file by any Python that has the peer: `python benchmarks/peers.py floor IN OUT` and so on. It imports
nothing of this project, so peers can live in an environment of their own, and none of them at the top, so that each
pays for its own imports only.
"""

# ruff: noqa: PLC0415  (each command pays for the imports of its own library, and works where the others are missing)
from __future__ import annotations

import json
import os
import re
import sys
import time
import unicodedata
from collections.abc import Callable
from pathlib import Path

SHINGLE = 3


def floor(source: str, out: str) -> None:
    """Convert JSON Lines to Parquet by pyarrow alone: the same columns, zstd 3, two threads."""
    import pyarrow as pa
    import pyarrow.json as reader
    import pyarrow.parquet as pq

    pa.set_cpu_count(2)
    # Blocks of 4 MB read fastest (0.16 s for 88 MB on two cores; 1 MB 0.59 s, 64 MB 0.26 s).
    table = reader.read_json(source, read_options=reader.ReadOptions(block_size=4 << 20))
    pq.write_table(table, out, compression="zstd", compression_level=3)


def datatrove(source: str, work: str, bands: str, rows: str, workers: str) -> None:
    """Run datatrove's four MinHash stages over a folder of JSON Lines with one file a worker.

    32-bit hashes, English word tokeniser (spaCy's blank one, which needs no download). It needs tokenizers, spacy,
    orjson, and xxhash below 4, which refuses its strings.
    """
    from datatrove.executor import LocalPipelineExecutor
    from datatrove.pipeline.dedup import (
        MinhashDedupBuckets,
        MinhashDedupCluster,
        MinhashDedupFilter,
        MinhashDedupSignature,
    )
    from datatrove.pipeline.dedup.minhash import MinhashConfig
    from datatrove.pipeline.readers import JsonlReader
    from datatrove.pipeline.writers import JsonlWriter
    from datatrove.utils.hashing import HashConfig

    config = MinhashConfig(
        n_grams=SHINGLE, num_buckets=int(bands), hashes_per_bucket=int(rows), hash_config=HashConfig(precision=32)
    )
    files, count = len(list(Path(source).glob("*.jsonl"))), int(workers)
    stages = (
        ([JsonlReader(source), MinhashDedupSignature(f"{work}/signatures", config, language="en")], files, count),
        ([MinhashDedupBuckets(f"{work}/signatures", f"{work}/buckets", config=config)], config.num_buckets, count),
        ([MinhashDedupCluster(f"{work}/buckets", f"{work}/removed", config=config)], 1, 1),
        ([JsonlReader(source), MinhashDedupFilter(f"{work}/removed"), JsonlWriter(f"{work}/out")], files, count),
    )
    for number, (pipeline, tasks, used) in enumerate(stages):
        LocalPipelineExecutor(pipeline, tasks=tasks, workers=used, logging_dir=f"{work}/logs/{number}").run()


def text_dedup(source: str, work: str, bands: str, rows: str, workers: str) -> None:
    """Become text-dedup's own command for a JSON Lines file, with its fastest hash and all its caches under `work`."""
    os.environ |= {"HF_HOME": f"{work}/home", "HF_HUB_OFFLINE": "1", "HF_DATASETS_OFFLINE": "1"}
    options = {
        "path": "json", "data_files": source, "split": "train", "cache_dir": f"{work}/cache", "output": f"{work}/out",
        "column": "text", "ngram": SHINGLE, "min_length": 0, "num_perm": int(bands) * int(rows), "b": bands, "r": rows,
        "hash_func": "xxh3", "hash_bits": 32, "num_proc": workers,
    }  # fmt: skip
    words = [word for name, value in options.items() for word in (f"--{name}", str(value))]
    os.execv(sys.executable, [sys.executable, "-m", "text_dedup.minhash", *words])


def rate(library: str, source: str, count: str, num_perm: str) -> None:
    """Print how many articles a second one thread of a library manages, as JSON; best of three.

    In CPU time, so that other work on the machine tells less; it counts all threads, should a library start some.
    For datasketch and rensa tokenising and shingling in Python are included: they have none of their own.
    """
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    with Path(source).open(encoding="utf-8") as lines:
        texts = [json.loads(line)["text"] for _, line in zip(range(int(count)), lines, strict=False)]
    work = _LIBRARIES[library](int(num_perm))
    work(texts[0])  # what is loaded at first use is not counted
    best = 0.0
    for _ in range(3):
        started = time.process_time()
        for text in texts:
            work(text)
        best = max(best, len(texts) / (time.process_time() - started))
    print(json.dumps({"per_second": best}))


_WORDS = re.compile(r"[^\W_]+")
_JOINED = re.compile("['`\u00b4\u2018\u2019\u02bc\u00ad\u200b-\u200d\u2060\ufeff\u0300-\u036f]")
Work = Callable[[str], object]


def _shingles(text: str) -> list[str]:
    # The cheapest way in Python to the shingles that dedupe compares: case, accents and apostrophes folded. A set of them
    # first would be slower for both libraries (rensa 3,000 articles a second for 5,200).
    folded = text.casefold() if text.isascii() else unicodedata.normalize("NFD", text.casefold())
    words = _WORDS.findall(_JOINED.sub("", folded))
    return [" ".join(three) for three in zip(words, words[1:], words[2:], strict=False)]


def _rensa(num_perm: int) -> Work:
    from rensa import RMinHash

    def sign(text: str) -> object:
        made = RMinHash(num_perm=num_perm, seed=1)
        made.update(_shingles(text))
        return made.digest()

    return sign


def _datasketch(num_perm: int) -> Work:
    from datasketch import MinHash

    model = MinHash(num_perm=num_perm, seed=1, scheme="affine32")

    def sign(text: str) -> object:
        made = model.copy()  # shares the permutations, which are not to be made anew for each article
        made.update_batch([shingle.encode() for shingle in _shingles(text)])
        return made.hashvalues

    return sign


def _langdetect(_: int) -> Work:
    from langdetect import DetectorFactory, LangDetectException, detect_langs

    DetectorFactory.seed = 0

    def detect(text: str) -> object:
        try:
            return detect_langs(text)
        except LangDetectException:  # no letters
            return None

    return detect


def _ftfy(_: int) -> Work:
    from ftfy import TextFixerConfig, fix_text

    config = TextFixerConfig(uncurl_quotes=False, fix_character_width=False)
    return lambda text: fix_text(text, config)


_LIBRARIES: dict[str, Callable[[int], Work]] = {
    "rensa": _rensa,
    "datasketch": _datasketch,
    "langdetect": _langdetect,
    "ftfy": _ftfy,
}

COMMANDS: dict[str, Callable[..., None]] = {
    "floor": floor,
    "datatrove": datatrove,
    "text-dedup": text_dedup,
    "rate": rate,
}

if __name__ == "__main__":
    COMMANDS[sys.argv[1]](*sys.argv[2:])
