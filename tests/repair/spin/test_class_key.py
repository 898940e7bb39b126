from __future__ import annotations

from collections import Counter
from itertools import pairwise
from pathlib import Path

import numpy as np
import pyarrow as pa

from dedupe.repair.spin.class_key import MOST_MEMBERS, class_names, class_tokens, load_class_key
from dedupe.repair.spin.lexicon import Pair, read_lexicon
from dedupe.repair.spin.spinner import build_spinner, spin
from dedupe.tokens import tokenize


def keys(texts: list[str]) -> list[list[int]]:
    hashes, offsets = class_tokens(tokenize(pa.array(texts)), load_class_key())
    return [hashes[a:b].tolist() for a, b in pairwise(offsets)]


def jaccard(one: list[int], other: list[int]) -> float:
    a, b = (set(zip(key, key[1:], key[2:], strict=False)) for key in (one, other))
    return len(a & b) / len(a | b)


def pair(original: str, variant: str, rank: int = 0, basis: str = "written") -> Pair:
    return Pair(original, variant, rank, basis, "", frozenset(), "test.tsv")


def test_an_original_and_its_variant_are_one_token() -> None:
    one, other = keys(["According to the White House, the hundreds", "In keeping with the White Home, the tons of"])
    assert one == other


def test_classes_do_not_grow_without_end() -> None:
    sizes = Counter(class_names(read_lexicon()).values())
    assert max(sizes.values()) <= MOST_MEMBERS


def test_the_stronger_pair_is_joined_first() -> None:
    pairs = [pair("a", "b", rank=5), pair("b", "c"), pair("c", "d", basis="seen")]
    classes = class_names(pairs, most_members=3)
    assert classes["b"] == classes["c"] == classes["d"]
    assert classes["a"] != classes["b"]


def test_order_of_rows_changes_no_class() -> None:
    pairs = read_lexicon()[:3000]
    assert class_names(pairs) == class_names(pairs[::-1])


def test_spun_copies_meet_their_sources_and_honest_articles_do_not(seeds: Path) -> None:
    honest = [path.read_text(encoding="utf-8") for path in sorted(seeds.glob("*.txt")) if "spun" not in path.name]
    spinner = build_spinner(read_lexicon(), 4)
    copies = [spin(text, spinner, 0.3, 3).text for text in honest]
    plain, made = keys(honest), keys(copies)
    assert min(jaccard(a, b) for a, b in zip(plain, made, strict=True)) > 0.3
    assert max(jaccard(plain[i], plain[j]) for i in range(4) for j in range(i)) < 0.11


def test_articles_keep_their_bounds() -> None:
    together = keys(["In line", "with the data", "", "has been of the"])
    alone = [keys([text])[0] for text in ["In line", "with the data", "", "has been of the"]]
    assert together == alone
    assert alone[3] == []


def test_the_version_names_the_lexicon() -> None:
    assert "-" in load_class_key().version
    assert load_class_key().tokens.dtype == np.uint64
