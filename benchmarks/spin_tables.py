"""Make the tables that the de-spinner ships beside its lexicon: weights of the decoder, habits of spinners, weights of the gate.

    python -m benchmarks.spin_tables --data ../shared/data

Takes some ten minutes. Half of the honest articles are counted; the gate is measured on the other half (`benchmarks.spin`).
"""

from __future__ import annotations

import argparse
import csv
import json
from pathlib import Path

from benchmarks.spin_data import blind_decoders, count_habits, read_groups, read_news
from dedupe.repair.spin.decoder import WEIGHT_NAMES
from dedupe.repair.spin.gate_training import PER_TOKEN, THRESHOLD, gate_weights
from dedupe.repair.spin.language_model import SphinxModel
from dedupe.repair.spin.lexicon import fold, read_lexicon
from dedupe.repair.spin.spinner import build_spinner, spin
from dedupe.repair.spin.training import train
from dedupe.repair.spin.vocabulary import Vocabulary

OUT = Path(__file__).parent.parent / "src" / "dedupe" / "lexicon" / "en"

# The default's place on the curve of benchmarks/spin.py: in favour of edits by as much, in nats.
OPERATING_POINT = 0.5
_SPUN_COPIES = 1_200
_RATE = 0.3


def write_decoder(data: Path) -> None:
    groups = read_groups(data)
    decoders = blind_decoders(groups)
    weights = train([(decoders[name], groups[name]) for name in groups])
    weights[WEIGHT_NAMES.index("bias")] += OPERATING_POINT
    stored = {name: round(float(weight), 4) for name, weight in zip(WEIGHT_NAMES, weights, strict=True)}
    (OUT / "decoder.json").write_text(json.dumps({"weights": stored}, indent=1) + "\n", encoding="utf-8")
    habits = count_habits(groups.values())
    with (OUT / "habits.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["phrase", "spun", "kept"])
        for phrase in sorted({*habits.spun, *habits.kept}):
            if all(c.isalpha() or c in " '-" for c in phrase):
                writer.writerow([phrase, habits.spun.get(phrase, 0), habits.kept.get(phrase, 0)])


def write_gate(data: Path) -> None:
    pairs = [pair for pair in read_lexicon() if pair.condition not in {"science", "science-echo", "style-b"}]
    honest = read_news(data)[::2]
    spinner = build_spinner(pairs, 4)
    spun = [spin(text, spinner, _RATE, seed).text for seed, text in enumerate(honest[:_SPUN_COPIES])]
    vocabulary = Vocabulary(SphinxModel())
    vocabulary.learn({word for pair in pairs for text in (pair.original, pair.variant) for word in fold(text).split(" ")})
    with (OUT / "gate.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["phrase", "weight"])
        writer.writerows([("#per_token", PER_TOKEN), ("#threshold", THRESHOLD)])
        writer.writerows((phrase, f"{weight:g}") for phrase, weight in gate_weights(honest, spun, pairs, vocabulary))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--only", choices=["decoder", "gate"])
    given = parser.parse_args()
    if given.only != "gate":
        write_decoder(given.data)
    if given.only != "decoder":
        write_gate(given.data)
