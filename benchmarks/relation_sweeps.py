"""The sweeps behind the constants of the relations: the share of each kind of rewrite that is typed right, value by value.

`python -m benchmarks.relation_sweeps [--from FILE] [NAME ...]`; the tables in docs/relations.md come from it.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from unittest.mock import patch

from benchmarks.relations import judge_matching, pair_key, sources
from benchmarks.rewrites import Made, make
from dedupe.match import containment, facts, relations

# Constant, the modules that hold it, its values, the kinds of rewrite that it decides.
SWEEPS = {
    "CONTAINED": ((containment, relations), (0.5, 0.6, 0.7, 0.8, 0.9, 0.95), ("cut", "abridged", "sentences cut", "digest")),
    "LEAST_SHINGLES": ((relations,), (5, 10, 25, 50, 100), ("cut", "abridged", "digest")),
    "_DISJOINT": ((relations,), (0.02, 0.05, 0.1, 0.2, 0.4, 0.6), ("cut", "abridged", "sentences cut", "digest")),
    "_PART_SHARE": ((relations,), (0.5, 0.6, 0.75, 0.9), ("paragraph added", "digest")),
    "SHORT_GAP": ((facts,), (2, 4, 8, 12, 16, 24), ("changed", "exchanged", "added", "template", "developing")),
    "LONG_GAP": ((facts,), (12, 20, 30, 60, 200), ("changed", "exchanged", "added", "template", "developing")),
    "REWORDED": ((facts,), (20, 30, 40, 50, 60, 80), ("changed", "exchanged", "added", "template", "developing")),
    "SHORT_SENTENCE": ((facts,), (0, 1, 3, 6, 12), ("changed", "exchanged", "sentences cut", "template", "developing")),
    "KEPT_AROUND": ((facts,), (0, 30, 50, 60, 70, 80, 90), ("changed", "exchanged", "added", "template", "developing")),
    "KEPT_OF_LINE": ((facts,), (0, 25, 50, 65, 80, 90), ("changed", "exchanged", "added", "template", "developing")),
}


def shares(made: Made, kinds: tuple[str, ...]) -> dict[str, float]:
    """Return the share that is typed right of each kind whose name holds one of these words; and the edges nobody planted."""
    found, _ = judge_matching(made.articles)
    right: dict[str, list[bool]] = {}
    planted = set()
    for kind, one, other, accepted in made.pairs:
        planted.add(pair_key(one, other))
        if any(word in kind for word in kinds):
            right.setdefault(kind, []).append(found.get(pair_key(one, other), "none") in accepted)
    others = sum(relation != "update" for pair, relation in found.items() if pair not in planted)
    return {kind: sum(hits) / len(hits) for kind, hits in right.items()} | {"other edges": others}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--from", dest="model", type=Path, metavar="FILE", help="articles to rewrite")
    parser.add_argument("--each", type=int, default=100)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("names", nargs="*", default=list(SWEEPS))
    given = parser.parse_args()
    made = make(sources(given.model, given.seed), given.each, given.seed)
    for name in given.names:
        modules, values, kinds = SWEEPS[name]
        table: dict[str, list[float]] = {}
        for value in values:
            patches = [patch.object(module, name, value) for module in modules]
            for one in patches:
                one.start()
            for kind, share in shares(made, kinds).items():
                table.setdefault(kind, []).append(share)
            patch.stopall()
        print(f"{name:32}" + "".join(f"{value:>8g}" for value in values))
        for kind, row in table.items():
            print(f"{kind:32}" + "".join(f"{share:8g}" if kind == "other edges" else f"{share:8.1%}" for share in row))


if __name__ == "__main__":
    main()
