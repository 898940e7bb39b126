import functools
import operator
import random
from collections.abc import Callable

import numpy as np
import pyarrow as pa
import pytest

from dedupe.cluster.clusters import clusters
from dedupe.match.bands import choose_bands
from dedupe.match.containment import propose_contained
from dedupe.match.edges import JOINING, KEEPING_APART, RELATIONS, exact_groups, find_edges
from dedupe.match.relations import evidence, joins_near, relate
from dedupe.match.signatures import Signer
from dedupe.match.verify import Verifier

WORDS = [
    f"{a}{b}{c}"
    for a in "bdfgklmnprst"
    for b in ("al", "er", "in", "on", "um", "esk")
    for c in ("", "ta", "ner", "ly", "mo", "fi")
]
DAYS = [
    "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday",
]  # fmt: skip
TOWNS = [
    "Arvika", "Bastia", "Coimbra", "Dundee", "Evora", "Funchal", "Granada", "Huelva",
]  # fmt: skip

Pairs = dict[tuple[int, int], tuple[str, str]]


def relations(texts: list[str], threshold: float = 0.5) -> tuple[Pairs, list[int]]:
    """Relation and evidence of every pair that has one, and the canonical of every article: longest first."""
    column = pa.array(texts, pa.string())
    bands = choose_bands(threshold, 0.995)
    signed = Signer(bands.num_perm)(column)
    rank = np.lexsort((np.arange(len(texts)), -signed.n_tokens)).argsort()
    representative = exact_groups(signed.keys, rank)

    def texts_of(rows: np.ndarray) -> pa.Array:
        return column.take(pa.array(rows))

    verify = Verifier(texts_of)
    near = find_edges(signed.signatures, representative, signed.n_tokens, rank, bands, threshold, verify, texts_of).edges
    proposed = propose_contained(signed.sketches, np.unique(representative), rank)
    related, facts = relate(near, proposed, threshold, verify, texts_of)
    said = evidence(related.a, related.b, related.relation, related.overlap, related.star, representative, facts)
    joining, apart = np.isin(related.relation, JOINING), np.isin(related.relation, KEEPING_APART)
    canonical = clusters(
        rank,
        related.a[joining],
        related.b[joining],
        lambda one, other: joins_near(one, other, threshold, verify, texts_of),
        (related.a[apart], related.b[apart]),
    )
    columns = zip(related.a.tolist(), related.b.tolist(), related.relation.tolist(), said, strict=True)
    return {(a, b): (RELATIONS[kind], words) for a, b, kind, words in columns}, canonical.tolist()


def sentence(rng: random.Random) -> str:
    words = rng.choices(WORDS, k=rng.randint(9, 18))
    if rng.random() < 0.4:
        words.insert(rng.randrange(2, len(words)), f"in {rng.choice(TOWNS)} on {rng.choice(DAYS)}")
    if rng.random() < 0.4:
        words.insert(rng.randrange(2, len(words)), f"{rng.randint(2, 999)} people")
    return " ".join(words).capitalize().replace(" on mon", " on Mon") + "."


def article(seed: int, paragraphs: int = 10) -> list[str]:
    rng = random.Random(seed)
    return [" ".join(sentence(rng) for _ in range(3)) for _ in range(paragraphs)]


def text(paragraphs: list[str]) -> str:
    return "\n\n".join(paragraphs)


def test_each_relation_has_its_name_and_its_reason() -> None:
    long = article(1, 12)
    pairs, canonical = relations(
        [
            text(long),
            text([*long[:5], "They said that nothing of this had come as a surprise to anybody.", *long[5:]]),
            text(long[:4]),
            text(long).replace(" people", "0 people", 1),
            text(article(2)),
        ]
    )
    assert pairs[0, 1][0] == "near"
    assert pairs[0, 2][0] == pairs[1, 2][0] == "contained"
    assert pairs[0, 3][0] == pairs[1, 3][0] == "update"
    assert " against " in pairs[0, 3][1]
    assert "lie in the longer one" in pairs[0, 2][1]
    assert not any(4 in pair for pair in pairs)
    assert canonical[0] == canonical[1] == canonical[2] == 1
    assert canonical[3] == 3


def test_the_parts_of_a_digest_join_neither_it_nor_each_other() -> None:
    parts = [article(10, 5), article(11, 8), article(12, 6)]
    texts = [text(part) for part in parts] + [text([line for part in parts for line in part])]
    pairs, canonical = relations(texts)
    assert {pair: relation for pair, (relation, _) in pairs.items()} == {(0, 3): "part_of", (1, 3): "part_of", (2, 3): "part_of"}
    assert canonical == [0, 1, 2, 3]


def test_a_part_that_is_more_than_half_of_a_digest_is_still_a_part() -> None:
    parts = [article(20, 14), article(21, 5), article(22, 4)]
    texts = [text(part) for part in parts] + [text([line for part in parts for line in part])]
    pairs, canonical = relations(texts)
    assert pairs[0, 3][0] == pairs[1, 3][0] == pairs[2, 3][0] == "part_of"
    assert canonical == [0, 1, 2, 3]


def test_a_digest_of_digests_is_one_too() -> None:
    parts = [article(seed, 5) for seed in range(30, 36)]
    first, second = text(functools.reduce(operator.iadd, parts[:3], [])), text(functools.reduce(operator.iadd, parts, []))
    pairs, canonical = relations([*map(text, parts), first, second])
    assert pairs[6, 7][0] == "part_of"
    assert all(pairs[part, 7][0] == "part_of" for part in range(6))
    assert len(set(canonical)) == 8


def test_abridged_copies_of_one_article_make_no_digest_of_it() -> None:
    long = article(40, 16)
    copies = [text(long[:2] + long[at : at + 3]) for at in (3, 7, 11)]
    pairs, canonical = relations([text(long), *copies])
    assert pairs[0, 1][0] == pairs[0, 2][0] == pairs[0, 3][0] == "contained"
    assert len(set(canonical)) == 1


def test_a_statement_that_two_articles_quote_is_a_copy_of_neither() -> None:
    statement = article(50, 2)
    first, second = article(51, 9), article(52, 11)
    pairs, canonical = relations(
        [text(statement), text(first[:4] + statement + first[4:]), text(second[:7] + statement + second[7:])]
    )
    assert pairs[0, 1][0] == pairs[0, 2][0] == "part_of"
    assert canonical == [0, 1, 2]


def test_an_abridged_copy_with_another_toll_is_an_update() -> None:
    long = article(60, 12)
    long[1] = (
        "The toll in Arvika rose to 12 on Monday, when two more bodies were found below the bridge that had come down. " + long[1]
    )
    short = text(long[:4]).replace("rose to 12", "rose to 15")
    pairs, canonical = relations([text(long), short])
    assert pairs[0, 1][0] == "update"
    assert "'12' against '15'" in pairs[0, 1][1]
    assert canonical == [0, 1]


def test_updates_are_kept_apart_also_through_a_third_article() -> None:
    # The third has neither number, so it is near to both.
    base = article(70, 8)
    with_number = [
        f"{base[0]} The count stood at {count} when the doors were shut for the night, she said." for count in (12, 15)
    ]
    texts = [text([with_number[0], *base[1:]]), text([with_number[1], *base[1:]]), text(base)]
    pairs, canonical = relations(texts)
    assert pairs[0, 1][0] == "update"
    assert pairs[0, 2][0] == pairs[1, 2][0] == "near"
    assert canonical[0] != canonical[1]


def test_evidence_of_exact_copies_names_the_facts_in_the_order_of_the_pair() -> None:
    base = article(80, 6)
    one, other = (text([*base, f"The count stood at {count} when the doors were shut for the night."]) for count in (12, 15))
    pairs, _ = relations([one, other])
    swapped, _ = relations([other, one])
    assert pairs[0, 1][1].startswith("'12' against '15'")
    assert swapped[0, 1][1].startswith("'15' against '12'")


def _fill(frame: str) -> Callable[[random.Random], str]:
    def filled(rng: random.Random) -> str:
        day, town, other = rng.choice(DAYS), *rng.sample(TOWNS, 2)
        numbers = [str(number) for number in rng.sample(range(2, 900), 6)]
        return frame.format(*numbers, day=day, town=town, other=other)

    return filled


# Other frames than the benchmark's, so that no rule is fitted to those.
TEMPLATES = [
    _fill(
        "The ferry from {town} to {other} will leave {0} minutes late on {day} because of work at the pier, the "
        "company said. Passengers with "
        "cars should be at the gate an hour before and have their papers ready. Of {1} places on the deck, {2} are "
        "still free, and bicycles "
        "travel at no charge as long as there is room. Tickets that were bought in advance stay valid for the next "
        "crossing, and "
        "refunds are paid at the counter near the waiting room. Those who are travelling with animals should say so "
        "when they book."
    ),
    _fill(
        "{town} scored {0} points in the last quarter and beat {other} on {day} for its third win in a row. The home "
        "team led by {1} at the "
        "break but could not hold the ball when it mattered, and its coach said that tired legs had made the "
        "difference in the end. "
        "The visitors made {2} of their free throws and lost the ball only a few times, which they had done far too "
        "often the week "
        "before. Both sides meet again at the end of the season, when the places for the final round are given out."
    ),
    _fill(
        "The maker of kitchen machines is calling back about {0},000 blenders because the blade can come loose in use "
        "and cut whoever reaches "
        "in, a safety agency said on {day}. The company has had {1} reports of blades that broke, and {2} people were "
        "hurt. The machines were "
        "sold in shops and on the web for about ${3}. Owners should stop using them at once and write to the company, "
        "which will send "
        "a new part free of charge and explain how it is put in. The recall does not concern machines with a metal foot."
    ),
    _fill(
        "The reservoir above {town} stood at {0} feet on {day}, the water district said, after a week in which hardly "
        "any rain had fallen on the "
        "hills. It is {1} percent full. Households are asked to water gardens in the evening only, and not to wash "
        "cars or to fill pools "
        "until the autumn rain has come. The district has {2} inspectors on the road who look for leaks and open taps, "
        "and it sends letters "
        "before it sends bills. A year ago the level was about the same, and the summer passed without a ban."
    ),
]


@pytest.mark.parametrize("template", TEMPLATES)
def test_a_report_filled_in_anew_is_an_update_and_no_two_share_a_cluster(template: Callable[[random.Random], str]) -> None:
    rng = random.Random(5)
    texts = [template(rng) for _ in range(20)]
    pairs, canonical = relations(texts)
    assert len(pairs) >= 100
    assert {relation for relation, _ in pairs.values()} == {"update"}
    assert len(set(canonical)) == 20


@pytest.mark.parametrize("template", TEMPLATES)
def test_a_report_with_a_line_more_and_a_letter_wrong_is_still_near(template: Callable[[random.Random], str]) -> None:
    one = template(random.Random(6))
    words = one.split()
    place = next(at for at in range(30, len(words)) if len(words[at]) > 6 and words[at].isalpha())
    words[place] = words[place][:3] + words[place][4:]
    pairs, canonical = relations(
        [one, " ".join(words), one + "\n\nThis report was written in the office of the agency, and nobody signed it."]
    )
    assert {relation for relation, _ in pairs.values()} == {"near"}
    assert len(set(canonical)) == 1


def test_order_of_the_articles_changes_no_relation() -> None:
    rng = random.Random(9)
    parts = [article(seed, 6) for seed in range(90, 96)]
    texts = [
        *map(text, parts),
        text(parts[0] + parts[1] + parts[2]),
        text(parts[3][:3]),
        text(parts[4]).replace(" people", "1 people", 1),
    ]
    order = list(range(len(texts)))
    expected = relations(texts)[0]
    assert len({relation for relation, _ in expected.values()}) >= 3
    for _ in range(3):
        rng.shuffle(order)
        found = relations([texts[at] for at in order])[0]
        named = {tuple(sorted((order[a], order[b]))): relation for (a, b), (relation, _) in found.items()}
        assert named == {pair: relation for pair, (relation, _) in expected.items()}


def test_nothing_to_relate_is_no_trouble() -> None:
    assert relations([]) == ({}, [])
    assert relations(["", "one", "two words"]) == ({}, [0, 1, 2])
