"""Measure the de-spinner: restoring with each article left out, the gate, generated copies, and what it costs.

    python -m benchmarks.spin --data ../shared/data

Run from the project's folder with the project installed; takes about ten minutes, most of it for building a lexicon without
each article.
"""

from __future__ import annotations

import argparse
import random
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from itertools import pairwise
from pathlib import Path

import numpy as np
import pyarrow as pa

from benchmarks.spin_data import blind_decoders, read_clean, read_groups, read_news, read_originals
from benchmarks.spin_tables import OPERATING_POINT
from dedupe.config import Config
from dedupe.repair.ledger import Draft, restore
from dedupe.repair.spin.class_key import class_tokens, load_class_key
from dedupe.repair.spin.decoder import Decoder
from dedupe.repair.spin.gate import load_gate, score, score_tokens
from dedupe.repair.spin.lexicon import read_lexicon
from dedupe.repair.spin.siblings import Sibling
from dedupe.repair.spin.spinner import build_spinner, spin
from dedupe.repair.spin.stage import SURENESS, SpinRepair, corrections, load_decoder
from dedupe.repair.spin.training import Example, Rewrite, count_outcomes, train
from dedupe.tokens import tokenize

CAUTIONS = (1.0, 0.5, 0.0, -0.25, -0.5, -0.75, -1.0, -1.5)
COPIES = 200


def describe(counts: Counter[str]) -> str:
    hard, restored, edits, false = (counts[name] for name in ("hard", "hard restored", "edits", "false"))
    soft = f"on soft only {counts['on soft']:3}, soft restored {counts['soft restored']}/{counts['soft']}"
    found = f"hard restored {restored:4}/{hard:<4} {restored / max(1, hard):6.1%}"
    return f"{found}   edits {edits:4}, on words not spun {false:3} {false / max(1, edits):6.1%}   {soft}"


def outcome(decoder: Decoder, example: Example) -> Counter[str]:
    return count_outcomes(example, [Rewrite(c.start, c.end, c.after) for c in corrections(example.text, decoder)])


def leave_one_out(groups: Mapping[str, Example], plain: bool) -> None:
    decoders = blind_decoders(groups, plain)
    totals: dict[float, Counter[str]] = {caution: Counter() for caution in CAUTIONS}
    gated: Counter[str] = Counter()
    scores = dict(zip(groups, score(pa.array([e.text for e in groups.values()], pa.string()), load_gate()), strict=True))
    for name, example in groups.items():
        weights = train([(decoders[other], groups[other]) for other in groups if other != name])
        for caution in CAUTIONS:
            decoders[name].set_weights(weights, caution)
            counts = outcome(decoders[name], example)
            totals[caution].update(counts)
            if caution == -OPERATING_POINT:
                reading = decoders[name].read(example.text)
                decoders[name].decode(reading)
                passes = scores[name] >= load_gate().threshold and decoders[name].sureness(reading) >= SURENESS
                gated.update(counts if passes else Counter({"hard": counts["hard"], "soft": counts["soft"]}))
                print(f"  {name:26}{describe(counts)}   gains {decoders[name].sureness(reading):.2f} nats a word")
    print(f"  {'gate deciding':26}{describe(gated)}")
    for caution, counts in totals.items():
        mark = " <- default" if caution == -OPERATING_POINT else ""
        print(f"  caution {caution:+5.2f}{'':13}{describe(counts)}{mark}")


def gate_figures(data: Path, groups: Mapping[str, Example]) -> None:
    gate = load_gate()
    for name, value in zip(groups, score(pa.array([e.text for e in groups.values()], pa.string()), gate), strict=True):
        print(f"  {name:26}{value:6.1f} {'passes' if value >= gate.threshold else 'does not pass'}")
    news = read_news(data)
    scores = score(pa.array(news, pa.string()), gate)
    held_out = scores[1::2]
    print(f"  honest articles that pass: {int((scores >= gate.threshold).sum())} of {len(scores)}", end="; ")
    print(f"of those not counted: {int((held_out >= gate.threshold).sum())} of {len(held_out)}, top {held_out.max():.1f}")
    clean = score(pa.array(read_clean(data), pa.string()), gate)
    print(f"  tempting clean passages that pass: {int((clean >= gate.threshold).sum())} of {len(clean)}, top {clean.max():.1f}")
    decoder, edits, words = load_decoder(), 0, sum(len(text.split()) for text in news)
    for at in np.flatnonzero(scores >= gate.threshold).tolist():
        made = corrections(news[at], decoder, SURENESS)
        edits += len(made)
        print(f"    article {at}, {len(made)} edits: {news[at][:100]!r}")
    print(f"  edits in honest articles: {edits}, {edits / words * 100_000:.2f} per 100,000 words")


def copies(data: Path, seeds: Path) -> None:
    """Spin honest articles with the very pairs that are known, the best case; benchmarks.spin_held_out has the others."""
    rng = random.Random(7)
    texts = [path.read_text(encoding="utf-8") for path in sorted(seeds.glob("*.txt")) if "spun" not in path.name]
    news = read_news(data)[1::2]
    texts += rng.sample([text for text in news if len(text.split()) > 150], COPIES)
    spinner = build_spinner(read_lexicon(), 4)
    spun = [spin(text, spinner, 0.3, seed) for seed, text in enumerate(texts)]
    share = np.mean([sum(s.end - s.start for s in e.spans) / len(e.text) for e in spun])
    scores = score(pa.array([e.text for e in spun], pa.string()), load_gate())
    passed = int((scores >= load_gate().threshold).sum())
    ours, theirs = _shingles(texts), _shingles([e.text for e in spun])
    similar = [len(a & b) / max(1, len(a | b)) for a, b in zip(ours, theirs, strict=True)]
    other = [len(ours[i] & ours[j]) / max(1, len(ours[i] | ours[j])) for i in range(len(ours)) for j in range(i)]
    print(f"  {len(texts)} copies, {share:.0%} of the characters spun; {passed} pass the gate")
    print(f"  class-key Jaccard with the source: mean {np.mean(similar):.2f}, lowest {min(similar):.2f}", end="; ")
    print(f"honest pairs highest {max(other):.2f}")
    stage, total = SpinRepair(Config()), Counter[str]()
    for text, example in zip(texts, spun, strict=True):
        draft = Draft(example.text)
        stage.repair_by_siblings(draft, [Sibling(text, False, "the source")], 100.0)
        if restore(draft.text, draft.edits) != example.text:
            raise AssertionError("the ledger does not restore the text")
        total.update(count_outcomes(example, _rewrites(draft)))
    print(f"  with the source as sibling: {describe(total)}")


def _rewrites(draft: Draft) -> list[Rewrite]:
    # One rule only, so every offset is that of the text before it.
    return sorted(Rewrite(edit.start, edit.end, edit.after) for edit in draft.edits)


def _shingles(texts: Sequence[str]) -> list[set[tuple[int, int, int]]]:
    hashes, offsets = class_tokens(tokenize(pa.array(list(texts), pa.string())), load_class_key())
    values = hashes.tolist()
    return [set(zip(values[a:b], values[a + 1 : b], values[a + 2 : b], strict=False)) for a, b in pairwise(offsets)]


def real_pairs(data: Path, groups: Mapping[str, Example]) -> None:
    originals = read_originals(data)
    pairs = [(_shingles([e.text])[0], _shingles([originals[name]])[0]) for name, e in groups.items()]
    values = [len(a & b) / max(1, len(a | b)) for a, b in pairs]
    print(
        f"  class-key Jaccard of the real spun articles with their sources: mean {np.mean(values):.2f}, lowest {min(values):.2f}"
    )


def costs(data: Path, seeds: Path) -> None:
    tokens = tokenize(pa.array(read_news(data)[:2000], pa.string()))
    gate = load_gate()
    best = _best(lambda: score_tokens(tokens.hashes, tokens.offsets, gate), 9) / 2000 * 1e6
    print(f"  gate: {best:.1f} µs an article ({len(tokens.hashes) / 2000:.0f} words)")
    text = next(seeds.glob("*spun*")).read_text(encoding="utf-8")
    decoder = load_decoder()
    print(f"  repair: {_best(lambda: corrections(text, decoder), 9) * 1e3:.1f} ms for the spun seed ({len(text.split())} words)")


def _best(call: object, repeats: int) -> float:
    assert callable(call)
    times = []
    for _ in range(repeats):
        start = time.perf_counter()
        call()
        times.append(time.perf_counter() - start)
    return min(times)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--seeds", type=Path, default=Path("seeds"))
    parser.add_argument("--only", choices=["restoring", "strict", "gate", "copies", "costs"])
    given = parser.parse_args()
    groups = read_groups(given.data)
    if given.only in {None, "costs"}:
        print("costs (least of 9)")
        costs(given.data, given.seeds)
    if given.only in {None, "gate"}:
        print("gate")
        gate_figures(given.data, groups)
    if given.only in {None, "copies"}:
        print("copies")
        real_pairs(given.data, groups)
        copies(given.data, given.seeds)
    if given.only in {None, "restoring"}:
        print("restoring, gate open, each article without the rows, habits and weights that rest on it alone")
        leave_one_out(groups, plain=False)
    if given.only in {None, "strict"}:
        print("the same, also without written rows that repeat a pair seen in that article alone")
        leave_one_out(groups, plain=True)


if __name__ == "__main__":
    main()
