"""Measure the de-spinner on generated copies whose pairs it was partly, or never, told of.

    python -m benchmarks.spin_held_out --data ../shared/data

Every pair of the lexicon is held out, with all rows that repeat it, or known. Gate, class key and decoder's table are built
from the known ones; the copies are spun with all pairs, or, as the worst case, with those held out alone.
"""

from __future__ import annotations

import argparse
import random
import zlib
from collections import Counter
from itertools import pairwise
from pathlib import Path

import numpy as np
import pyarrow as pa

from benchmarks.spin import describe, outcome
from benchmarks.spin_data import read_news
from dedupe.repair.spin.class_key import build_class_key, class_tokens
from dedupe.repair.spin.decoder import Decoder, read_weights
from dedupe.repair.spin.gate import Gate, score
from dedupe.repair.spin.gate_training import PER_TOKEN, THRESHOLD, gate_weights
from dedupe.repair.spin.language_model import SphinxModel
from dedupe.repair.spin.lexicon import Pair, fold, read_lexicon
from dedupe.repair.spin.phrase_index import build_index
from dedupe.repair.spin.siblings import Sibling, sibling_replacements
from dedupe.repair.spin.spinner import build_spinner, spin
from dedupe.repair.spin.table import build_table, read_habits
from dedupe.repair.spin.training import Rewrite, count_outcomes
from dedupe.repair.spin.vocabulary import Vocabulary
from dedupe.tokens import tokenize

# One pair in so many is held out; whether the copies are spun with all pairs; at what rate.
SETTINGS = ((5, True, 0.22), (2, True, 0.22), (2, False, 0.22))
_COPIES = 60


def held_out(pair: Pair, parts: int) -> bool:
    return zlib.crc32(f"{fold(pair.original)}\t{fold(pair.variant)}".encode()) % parts == 0


def build_gate(pairs: list[Pair], honest: list[str]) -> Gate:
    usable = [pair for pair in pairs if pair.condition not in {"science", "science-echo", "style-b"}]
    spinner, vocabulary = build_spinner(usable, 4), Vocabulary(SphinxModel())
    vocabulary.learn({word for pair in usable for text in (pair.original, pair.variant) for word in fold(text).split(" ")})
    rows = gate_weights(honest, [spin(text, spinner, 0.3, k).text for k, text in enumerate(honest[:600])], usable, vocabulary)
    return Gate(build_index([p for p, _ in rows]), np.array([w for _, w in rows], np.float32), PER_TOKEN, THRESHOLD)


def shingles(texts: list[str], known: list[Pair]) -> list[set[tuple[int, int, int]]]:
    hashes, offsets = class_tokens(tokenize(pa.array(texts, pa.string())), build_class_key(known, "held out"))
    keys = [hashes[a:b].tolist() for a, b in pairwise(offsets)]
    return [set(zip(key, key[1:], key[2:], strict=False)) for key in keys]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--seeds", type=Path, default=Path("seeds"))
    given = parser.parse_args()
    news, pairs = read_news(given.data), read_lexicon()
    texts = [path.read_text(encoding="utf-8") for path in sorted(given.seeds.glob("*.txt")) if "spun" not in path.name]
    texts += random.Random(7).sample([text for text in news[1::2] if len(text.split()) > 150], _COPIES)
    for parts, with_all, rate in SETTINGS:
        known = [pair for pair in pairs if not held_out(pair, parts)]
        unknown = [pair for pair in pairs if held_out(pair, parts)]
        spinner = build_spinner(pairs, 4) if with_all else build_spinner(unknown, 99)
        spun = [spin(text, spinner, rate, seed) for seed, text in enumerate(texts)]
        share = np.mean([sum(s.end - s.start for s in e.spans) / len(e.text) for e in spun])
        print(
            f"1 pair in {parts} held out, spun with {'all pairs' if with_all else 'those alone'}, {share:.0%} of the characters"
        )
        gate = build_gate(known, news[::2])
        copied, source = (score(pa.array(column, pa.string()), gate) for column in ([e.text for e in spun], texts))
        print(f"  gate: {int((copied >= gate.threshold).sum())} of {len(spun)} pass", end="; ")
        print(f"above their sources by {np.min(copied - source):.1f} at least, {np.median(copied - source):.1f} in the median")
        keys, sources = shingles([e.text for e in spun], known), shingles(texts, known)
        same = [len(a & b) / max(1, len(a | b)) for a, b in zip(keys, sources, strict=True)]
        other = [len(a & b) / max(1, len(a | b)) for i, a in enumerate(sources) for b in sources[:i]]
        print(f"  class key: mean {np.mean(same):.2f}, lowest {min(same):.2f}; honest pairs highest {max(other):.2f}")
        table = build_table(known, Vocabulary(SphinxModel()), read_habits())
        by_sibling: Counter[str] = Counter()
        for text, example in zip(texts, spun, strict=True):
            made = sibling_replacements(example.text, [Sibling(text, False, "the source")], table)
            by_sibling.update(count_outcomes(example, [Rewrite(r.start, r.end, r.after) for r in made]))
        by_model: Counter[str] = Counter()
        for example in spun[:20]:
            by_model.update(outcome(Decoder(table, read_weights()), example))
        print(f"  by sibling: {describe(by_sibling)}\n  by model:   {describe(by_model)}", flush=True)


if __name__ == "__main__":
    main()
