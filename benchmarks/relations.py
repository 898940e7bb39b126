"""The relations that are found between rewrites of known kind: a confusion table, one row a kind, and its goal beside it.

`python -m benchmarks.relations` makes articles from a seed; `--from FILE` rewrites the articles of a file instead. By default the
matching alone is judged, in this process; `--write OUT.jsonl` writes the articles for `dedupe clean`, and `--output FOLDER`
judges what that command made of them. Give both the same arguments.
"""

from __future__ import annotations

import argparse
import json
import random
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from benchmarks.corpus import vocabulary
from benchmarks.rewrites import Made, make
from benchmarks.templates import Prose
from dedupe.cluster.clusters import clusters
from dedupe.config import Config
from dedupe.match.bands import choose_bands
from dedupe.match.containment import propose_contained
from dedupe.match.edges import EXACT, JOINING, KEEPING_APART, RELATIONS, exact_groups, find_edges
from dedupe.match.relations import joins_near, relate
from dedupe.match.signatures import Signer
from dedupe.match.verify import Verifier

GOAL = 0.95
MOST_UPDATES_TOGETHER = 0.02

Found = dict[tuple[str, str], str]


def sources(path: Path | None, seed: int) -> Iterator[str]:
    """Yield the texts to rewrite: of a Parquet or JSON Lines file, shuffled by the seed, or without end from the seed alone."""
    rng = random.Random(seed)
    if path is None:
        prose = Prose(vocabulary("en")[0], rng)
        while True:
            yield prose.article(rng.choice([200, 300, 450, 700, 1200]))
    if path.suffix == ".parquet":
        texts = pq.read_table(path, columns=["text"])["text"].to_pylist()
    else:
        texts = [json.loads(line)["text"] for line in path.read_text(encoding="utf-8").splitlines()]
    rng.shuffle(texts)
    yield from texts


def judge_matching(articles: dict[str, str]) -> tuple[Found, dict[str, str]]:
    """Match the articles by the product's own stages, and return the relation of each pair and the canonical of each article."""
    names, config = list(articles), Config()
    column = pa.array(list(articles.values()), pa.string())
    bands = choose_bands(config.threshold, config.recall)

    def texts_of(rows: np.ndarray) -> pa.Array:
        return column.take(pa.array(rows))

    verify, signed = Verifier(texts_of), Signer(bands.num_perm)(column)
    rank = np.lexsort((np.arange(len(names)), -signed.n_tokens)).argsort()
    representative = exact_groups(signed.keys, rank)
    edges = find_edges(signed.signatures, representative, signed.n_tokens, rank, bands, config.threshold, verify, texts_of).edges
    proposed = propose_contained(signed.sketches, np.unique(representative), rank)
    related, _ = relate(edges, proposed, config.threshold, verify, texts_of)
    copies = np.flatnonzero(representative != np.arange(len(names)))
    a, b = np.concatenate([related.a, representative[copies]]), np.concatenate([related.b, copies])
    relation = np.concatenate([related.relation, np.full(len(copies), EXACT)])
    found = {
        pair_key(names[one], names[other]): RELATIONS[kind]
        for one, other, kind in zip(a.tolist(), b.tolist(), relation.tolist(), strict=True)
    }
    joining, apart = np.isin(relation, JOINING), np.isin(relation, KEEPING_APART)

    def joins_of(one: np.ndarray, other: np.ndarray) -> np.ndarray:
        return joins_near(representative[one], representative[other], config.threshold, verify, texts_of)

    canonical = clusters(rank, a[joining], b[joining], joins_of, (a[apart], b[apart]))
    return found, {name: names[at] for name, at in zip(names, canonical.tolist(), strict=True)}


def read_output(folder: Path) -> tuple[Found, dict[str, str]]:
    """Read the same from the output of `dedupe clean`."""
    rows = pq.read_table(folder / "corpus.parquet", columns=["article_id", "input_id", "cluster_id"]).to_pylist()
    names = {row["article_id"]: row["input_id"] for row in rows}
    pairs = pq.read_table(folder / "pairs.parquet", columns=["a_id", "b_id", "relation"]).to_pylist()
    found: Found = {}
    for row in sorted(pairs, key=lambda row: -RELATIONS.index(row["relation"])):
        found[pair_key(names[row["a_id"]], names[row["b_id"]])] = row["relation"]
    return found, {row["input_id"]: row["cluster_id"] for row in rows}


def pair_key(one: str, other: str) -> tuple[str, str]:
    """Return the two IDs as the key of their pair: the smaller first."""
    return (one, other) if one < other else (other, one)


def report(made: Made, found: Found, cluster: dict[str, str]) -> tuple[list[str], bool]:
    """Return the lines of the table, and whether every goal is met."""
    rows: dict[str, Counter[str]] = {}
    right: dict[str, frozenset[str]] = {}
    updates = updates_together = typed_together = 0
    planted = set()
    for kind, one, other, accepted in made.pairs:
        relation = found.get(pair_key(one, other), "none")
        planted.add(pair_key(one, other))
        rows.setdefault(kind, Counter())[relation] += 1
        right[kind] = accepted
        together = cluster[one] == cluster[other]
        if "update" in accepted:
            updates += 1
            updates_together += together
    typed_together = sum(cluster[one] == cluster[other] for (one, other), relation in found.items() if relation == "update")
    parts_together = sum(len({cluster[name] for name in parts}) < len(parts) for parts in made.digests)
    columns = [*RELATIONS[:-1], "none"]
    lines = [f"{'kind of rewrite':32}" + "".join(f"{name:>10}" for name in columns) + f"{'right':>8}"]
    good = True
    for kind, counts in rows.items():
        share = sum(counts[name] for name in right[kind]) / counts.total()
        good &= share >= GOAL
        lines.append(f"{kind:32}" + "".join(f"{counts[name] or '':>10}" for name in columns) + f"{share:8.1%}")
    others = Counter(relation for pair, relation in found.items() if pair not in planted)
    lines += [
        f"edges between articles that were not planted: {dict(others) or 'none'}",
        f"updates in one cluster: {updates_together} of {updates} (goal: at most {MOST_UPDATES_TOGETHER:.0%})",
        f"pairs typed update in one cluster: {typed_together} (goal: none)",
        f"digests of which two parts share a cluster: {parts_together} of {len(made.digests)} (goal: none)",
    ]
    good &= updates_together <= MOST_UPDATES_TOGETHER * updates and not typed_together and not parts_together
    return lines, good


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--from", dest="model", type=Path, metavar="FILE", help="articles to rewrite (Parquet or JSON Lines, `text`)"
    )
    parser.add_argument("--each", type=int, default=120, help="pairs of every kind (default 120)")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--write", type=Path, metavar="OUT.jsonl", help="write the articles and stop")
    parser.add_argument(
        "--output", type=Path, metavar="FOLDER", help="judge this output of `dedupe clean` on the articles written"
    )
    parser.add_argument("--wrong", action="store_true", help="list the pairs that were typed wrong")
    given = parser.parse_args()
    made = make(sources(given.model, given.seed), given.each, given.seed)
    if given.write:
        with given.write.open("w", encoding="utf-8", newline="\n") as file:
            for name, text in made.articles.items():
                file.write(json.dumps({"id": name, "text": text}) + "\n")
        return
    found, cluster = read_output(given.output) if given.output else judge_matching(made.articles)
    lines, good = report(made, found, cluster)
    print("\n".join(lines))
    if given.wrong:
        for kind, one, other, accepted in made.pairs:
            relation = found.get(pair_key(one, other), "none")
            if relation not in accepted:
                print(f"{kind}: {one} and {other} are {relation}")
    sys.exit(0 if good else 1)


if __name__ == "__main__":
    main()
