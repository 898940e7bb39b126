import random
from itertools import combinations
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dedupe.match.stories import THRESHOLD, Pairs, Stories, evidence, find_stories, joining, judge, score
from dedupe.match.story_groups import group
from dedupe.match.story_vectors import vectors
from dedupe.match.terms import extract_terms

SEEDS = Path(__file__).parents[2] / "seeds"
UNKNOWN = np.iinfo(np.int64).min
DAY = 86_400_000_000


def stories(texts: list[str], days: list[float | None] | None = None, rank: np.ndarray | None = None) -> Stories:
    terms = extract_terms(pa.array(texts, pa.string()), pa.array(["en"] * len(texts), pa.string()))
    times = np.array([UNKNOWN if day is None else int((19_000 + day) * DAY) for day in days or [None] * len(texts)], np.int64)
    return find_stories(vectors([terms], len(texts)), times, np.arange(len(texts)) if rank is None else rank)


def events(seed: int, count: int = 30, each: int = 4) -> tuple[list[str], list[int]]:
    """Reports of made-up events: each has its own cast and deeds, of which every report takes most, among words of all."""
    rng = random.Random(seed)
    made = ["".join(rng.choices("bcdfglmnprstvz", k=1)[0] + rng.choice("aeiou") for _ in range(4)) for _ in range(3000)]
    common = ["people", "would", "first", "two", "more", "also", "many", "most", "where", "after", "back", "years", "home"]
    texts, labels = [], []
    for event in range(count):
        cast = [word.capitalize() for word in rng.sample(made[200:], 6)]
        deeds = rng.sample(made[200:], 12)
        for _ in range(rng.randint(1, each)):
            words = rng.sample(cast, 5) + rng.sample(deeds, 10) + rng.choices(common, k=40)
            rng.shuffle(words)
            texts.append("it was " + " ".join(words) + ".")
            labels.append(event)
    return texts, labels


def test_reports_of_one_event_share_a_story_and_others_do_not() -> None:
    texts, labels = events(1)
    story = stories(texts).story
    for a, b in combinations(range(len(texts)), 2):
        assert (story[a] == story[b] and story[a] >= 0) == (labels[a] == labels[b])


def test_the_seeds_fall_into_stories_as_they_should() -> None:
    names = ["invitation-crypto-news", "invitation-invezz", "phone-call-breitbart", "visit-planned-analysis"]
    names.append("visit-planned-bitcoinist-spun")
    found = stories([(SEEDS / f"{name}.txt").read_text(encoding="utf-8") for name in names]).story
    assert found[0] == found[1] >= 0
    assert found[3] == found[4] >= 0
    assert found[2] == -1


@pytest.mark.parametrize(("apart", "together"), [(0, True), (1, True), (6.9, False), (8, False), (400, False)])
def test_the_same_report_weeks_apart_is_another_event(apart: float, together: bool) -> None:
    texts, labels = events(2, count=12)
    pair = [at for at in range(len(texts)) if labels.count(labels[at]) > 1][:2]
    story = stories([texts[at] for at in pair], [0, apart]).story
    assert (story[0] == story[1] >= 0) == together


def test_a_topic_that_comes_back_asks_for_more_than_itself() -> None:
    rng = random.Random(5)
    cast, deeds = ["Senator", "Marlowe", "Quintero", "Ashgrove"], ["hearing", "subpoena", "testimony", "perjury", "committee"]
    fresh = [f"zq{n}vex" for n in range(400)]

    def report(own: list[str]) -> str:
        words = [*cast, *deeds, *own]
        rng.shuffle(words)
        return "it said " + " ".join(words)

    weekly = [report(rng.sample(fresh, 12)) for _ in range(8)]
    two = stories(weekly[:2], [0, 0]).story
    assert two[0] == two[1] >= 0  # alone, they are alike enough
    days: list[float | None] = [0, 0, *[10.0 * n for n in range(1, 7)]]
    among = stories(weekly, days).story
    assert among[0] == -1  # beside the same topic in other weeks, they are not
    own = rng.sample(fresh, 12)
    again = stories([report(own), report(own), *weekly[2:]], days).story
    assert again[0] == again[1] >= 0


def test_a_cast_without_a_deed_in_common_makes_no_story() -> None:
    cast = "Nayib Bukele, Donald Trump, Marco Rubio, Javier Milei, Giorgia Meloni"
    one = f"it said {cast} phoned about gangs, traffickers, jails, deportees, amnesty, patrols"
    other = f"it said {cast} lunched over tariffs, textiles, coffee, exports, harvest, quotas"
    assert (stories([one, other]).story == -1).all()
    same = f"it said {cast} telephoned about gangs, traffickers, jails, deportees, patrols, borders"
    assert (stories([one, same]).story == 0).all()


def test_a_passage_pasted_into_both_tells_of_no_event() -> None:
    texts, _ = events(3, count=40, each=1)
    pasted = "it was " + " ".join(texts[2].split()[2:] + texts[3].split()[2:])
    assert (stories([f"{texts[0]}\n{pasted}", f"{texts[1]}\n{pasted}"]).story == -1).all()
    reworded = [f"{text}\n" + "\n".join(" ".join(pasted.split()[at : at + 20]) for at in range(0, 100, 20)) for text in texts[:2]]
    assert (stories(reworded).story == 0).all()


@settings(max_examples=8, deadline=None)
@given(st.integers(0, 1000), st.randoms(use_true_random=False))
def test_the_order_of_articles_changes_nothing(seed: int, rng: random.Random) -> None:
    texts, _ = events(seed, count=15)
    days: list[float | None] = [rng.choice([None, 0, 1, 3, 9]) for _ in texts]
    order = list(range(len(texts)))
    rng.shuffle(order)
    rank = np.arange(len(texts))
    plain = stories(texts, days, rank)
    shuffled = stories([texts[at] for at in order], [days[at] for at in order], rank[order])
    back = np.full(len(texts), -1)
    for place, at in enumerate(order):
        if shuffled.story[place] >= 0:
            back[at] = order[shuffled.story[place]]
    assert back.tolist() == plain.story.tolist()
    assert len(shuffled.edges.a) == len(plain.edges.a)


@pytest.mark.parametrize("threads", [2, 3, 40])
def test_the_number_of_threads_changes_nothing(threads: int) -> None:
    texts, _ = events(7, count=12)
    made = vectors([extract_terms(pa.array(texts), pa.array(["en"] * len(texts)))], len(texts))
    times = np.arange(len(texts), dtype=np.int64) % 9 * 2 * DAY
    one, several = (find_stories(made, times, np.arange(len(texts)), threads=number) for number in (1, threads))
    assert several.story.tolist() == one.story.tolist()
    assert (one.story >= 0).any()
    assert [column.tolist() for column in several.pairs] == [column.tolist() for column in one.pairs]
    assert several[3:] == one[3:]


@settings(max_examples=12, deadline=None)
@given(st.integers(0, 1000), st.randoms(use_true_random=False), st.booleans())
def test_the_index_finds_the_pairs_that_comparing_all_finds(seed: int, rng: random.Random, years: bool) -> None:
    texts, _ = events(seed, count=12)
    days = [rng.choice([None, 0, 1, 3, *([7, 9, 16, 500] if years else [])]) for _ in texts]
    terms = extract_terms(pa.array(texts), pa.array(["en"] * len(texts)))
    made = vectors([terms], len(texts))
    times = np.array([UNKNOWN if day is None else day * DAY for day in days], np.int64)
    with pytest.MonkeyPatch.context() as patch:
        # What the index sums up is then the score itself: no article here has more shared terms than it holds.
        patch.setattr("dedupe.match.stories.REACH", 1e9)
        found = find_stories(made, times, np.arange(len(texts))).pairs
        a, b = np.array(list(combinations(range(len(texts)), 2))).T
        known = np.where(times == UNKNOWN, np.iinfo(np.int64).max, times)
        scored = score(made, a, b)
        apart = np.abs(known[a] - known[b]) >= 7 * DAY if years and any(days) else np.zeros(len(a), bool)
        scored = Pairs(*(column[(scored.score >= THRESHOLD / 2) | ~apart] for column in scored))
        wanted = judge(scored, known, THRESHOLD)
    joins = joining(wanted, len(texts), THRESHOLD)
    kept = (wanted.score >= THRESHOLD / 2) & joins[wanted.a] & joins[wanted.b]
    expected = sorted(zip(wanted.a[kept], wanted.b[kept], wanted.score[kept].round(6), strict=True))
    assert sorted(zip(found.a, found.b, found.score.round(6), strict=True)) == expected


def test_a_list_too_long_to_follow_is_counted_and_followed_to_its_cap(monkeypatch: pytest.MonkeyPatch) -> None:
    texts = [f"it said Quintero of Ashgrove indicted for embezzlement and perjury, exhibit zq{n}vex" for n in range(12)]
    assert stories(texts).cut == 0
    monkeypatch.setattr("dedupe.match.stories.MOST_POSTINGS", 3)
    found = stories(texts)
    assert found.cut > 0
    assert (found.pairs.b - found.pairs.a).max() == 3


def test_nothing_chains() -> None:
    # Each is like the next, and not like the one after: only pairs may join.
    a = np.arange(9)
    story = group(10, a, a + 1, np.full(9, 0.5), np.arange(10), 0.3)
    assert np.unique(story, return_counts=True)[1].max() == 2


def test_two_articles_alone_join_from_the_threshold_up_under_the_one_first_in_rank() -> None:
    a, b = np.array([0, 2, 4]), np.array([1, 3, 5])
    story = group(7, a, b, np.array([0.3, 0.29, 0.9]), np.array([0, 1, 2, 3, 6, 5, 4]), 0.3)
    assert story.tolist() == [0, 0, -1, -1, 5, 5, -1]


def test_two_dense_groups_that_are_less_alike_stay_apart() -> None:
    pairs = list(combinations(range(8), 2))
    a, b = (np.array(side) for side in zip(*pairs, strict=True))
    inside = (a < 4) == (b < 4)
    story = group(8, a, b, np.where(inside, 0.6, 0.3), np.arange(8), 0.2)
    assert story.tolist() == [0] * 4 + [4] * 4
    assert group(8, a, b, np.where(inside, 0.6, 0.4), np.arange(8), 0.2).tolist() == [0] * 8


def test_edges_say_what_they_rest_on() -> None:
    texts = [
        "it said Nayib Bukele’s jailers freed 212 prisoners on April 14 in Soyapango",
        "it said Nayib Bukele let jailers free 212 prisoners on April 14 in Soyapango",
    ]
    terms = extract_terms(pa.array(texts), pa.array(["en", "en"]))
    made, times = vectors([terms], 2), np.array([0, DAY // 2])
    found = find_stories(made, times, np.arange(2))
    (said,) = evidence(made, np.arange(2), terms, pa.array(texts), times, found.edges)
    assert "'Nayib Bukele'" in said
    assert "'April 14'" in said
    assert "'212'" in said
    assert "0.5 days apart" in said


def test_edges_do_not_name_what_both_have_from_one_passage() -> None:
    pasted = "it was said that " + " ".join(f"zq{n}vex" for n in range(60))
    texts = [f"it said Quintero of Ashgrove indicted for embezzlement and perjury, {n}\n{pasted}" for n in "ab"]
    terms = extract_terms(pa.array(texts), pa.array(["en", "en"]))
    made, times, row = vectors([terms], 2), np.zeros(2, np.int64), np.zeros(1)
    edge = Pairs(np.array([0]), np.array([1]), row, row, row)
    (said,) = evidence(made, np.arange(2), terms, pa.array(texts), times, edge)
    assert "'embezzlement'" in said
    assert "vex" not in said
    nothing = Pairs(*[np.empty(0, np.int64)] * 5)
    assert evidence(made, np.arange(2), terms, pa.array(texts), times, nothing) == []


def test_no_article_or_an_empty_one_is_no_story() -> None:
    assert stories([]).story.tolist() == []
    assert stories(["", "", "?"]).story.tolist() == [-1, -1, -1]
