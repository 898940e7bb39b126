from functools import partial
from itertools import combinations

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dedupe.decisions.facts import Batch, Fact, accepted, batch_uid, cannot_link, canonical, must_link, skipped
from dedupe.decisions.standing import Standing, standing_of, still_decided

# A machine that does other work as well draws slowly; that says nothing of what is tested.
patient = partial(settings, deadline=None, suppress_health_check=[HealthCheck.too_slow])

A, B, C, D, E, F = IDS = [f"{number:032x}" for number in range(6)]


def batch(number: int, who: str, *facts: Fact, act: str = "merge", standing: bool = True) -> Batch:
    made = Batch(number, "", act, who, f"2026-01-01T00:00:{number:02}.000000Z", "doubt", "", False, None, facts, standing)  # type: ignore[arg-type]
    return made._replace(uid=batch_uid(made))


@st.composite
def link_facts(draw: st.DrawFn) -> Fact:
    ids = draw(st.lists(st.sampled_from(IDS), min_size=2, max_size=5, unique=True))
    if draw(st.booleans()):
        return must_link(ids)
    places = draw(st.lists(st.integers(0, 2), min_size=len(ids), max_size=len(ids)).filter(lambda p: len(set(p)) > 1))
    return cannot_link([[one for one, at in zip(ids, places, strict=True) if at == place] for place in sorted(set(places))])


def last_words(facts: list[Fact]) -> dict[tuple[str, str], str]:
    """What one person said last of each pair, pair by pair."""
    said: dict[tuple[str, str], str] = {}
    for fact in facts:
        for a, b in combinations(sorted(fact.articles), 2):
            if fact.kind == "must_link":
                said[a, b] = "together"
            elif not any({a, b} <= set(group) for group in fact.groups):
                said[a, b] = "apart"
    return said


def apart_pairs(standing: Standing) -> set[tuple[str, str]]:
    return {
        (min(a, b), max(a, b))
        for apart in standing.cannot_links
        for one, other in combinations(apart.groups, 2)
        for a in one
        for b in other
    }


@patient(max_examples=300)
@given(st.lists(link_facts(), max_size=7))
def test_the_last_word_of_a_person_on_a_pair_holds(facts: list[Fact]) -> None:
    standing = standing_of([batch(number, "ann", fact) for number, fact in enumerate(facts)])
    said = last_words(facts)
    assert apart_pairs(standing) == {pair for pair, word in said.items() if word == "apart"}
    for link in standing.must_links:
        for pair in combinations(sorted(link.articles), 2):
            assert said.get(pair) != "apart"


@patient()
@given(st.lists(st.tuples(st.sampled_from(["ann", "bob"]), link_facts()), max_size=6), st.randoms())
def test_the_order_in_which_batches_came_into_a_file_says_nothing(given_facts, random) -> None:  # type: ignore[no-untyped-def]
    batches = [batch(number, who, fact) for number, (who, fact) in enumerate(given_facts)]
    shuffled = batches[:]
    random.shuffle(shuffled)
    assert standing_of(shuffled) == standing_of(batches)


@patient()
@given(st.lists(link_facts(), max_size=4), st.lists(link_facts(), max_size=4))
def test_decisions_of_different_people_commute(anns: list[Fact], bobs: list[Fact]) -> None:
    def content(standing: Standing) -> tuple[set[object], set[object], int]:
        return (
            {link.articles for link in standing.must_links},
            {apart.groups for apart in standing.cannot_links},
            len({frozenset(conflict.articles) for conflict in standing.conflicts}) > 0,
        )

    first = [batch(n, "ann", fact) for n, fact in enumerate(anns)] + [batch(20 + n, "bob", fact) for n, fact in enumerate(bobs)]
    later = [batch(20 + n, "ann", fact) for n, fact in enumerate(anns)] + [batch(n, "bob", fact) for n, fact in enumerate(bobs)]
    assert content(standing_of(first)) == content(standing_of(later))


@patient()
@given(st.lists(st.tuples(st.sampled_from(["ann", "bob"]), link_facts()), max_size=6))
def test_a_conflict_is_listed_exactly_where_links_lead_to_what_is_kept_apart(given_facts: list[tuple[str, Fact]]) -> None:
    standing = standing_of([batch(number, who, fact) for number, (who, fact) in enumerate(given_facts)])
    joined = {one: {one} for one in IDS}
    for link in standing.must_links:
        whole = set().union(*(joined[one] for one in link.articles))
        for one in whole:
            joined[one] = whole
    contradicted = {pair for pair in apart_pairs(standing) if pair[1] in joined[pair[0]]}
    assert bool(standing.conflicts) == bool(contradicted)
    for conflict in standing.conflicts:
        assert tuple(sorted(conflict.articles)) in contradicted


def test_two_people_who_disagree_are_both_named_and_nothing_is_lost() -> None:
    standing = standing_of(
        [batch(1, "ann", must_link([A, B])), batch(2, "ann", must_link([B, C])), batch(3, "bob", cannot_link([[A], [C]]))]
    )
    (conflict,) = standing.conflicts
    assert [origin.who for origin in conflict.origins] == ["bob", "ann", "ann"]
    assert set(conflict.articles) == {A, C}
    assert "apart" in conflict.holds
    assert (len(standing.must_links), len(standing.cannot_links)) == (2, 1)
    assert still_decided([A, B, C], standing).why == "bob and ann decided differently"


def test_two_canonicals_of_one_cluster_are_a_conflict_between_people_and_a_change_of_mind_of_one() -> None:
    first, second = canonical(A, [A, B]), canonical(B, [A, B, C])
    standing = standing_of([batch(1, "ann", first), batch(2, "bob", second)])
    assert [conflict.kind for conflict in standing.conflicts] == ["canonical"]
    assert {chosen.article for chosen in standing.canonicals} == {A, B}
    standing = standing_of([batch(1, "ann", first), batch(2, "ann", second)])
    assert standing.conflicts == ()
    assert [chosen.article for chosen in standing.canonicals] == [B]


def test_a_decided_cluster_opens_again_only_when_it_changed() -> None:
    standing = standing_of([batch(1, "ann", accepted([A, B, C]), act="accept")])
    assert still_decided([C, A, B], standing).state == "decided"
    assert still_decided([D, E], standing) == ("open", None, "")
    joined = still_decided([A, B, C, D], standing)
    assert joined.state == "reopened"
    assert joined.why == "1 article joined since ann on 2026-01-01 (decision 1)"
    assert still_decided([A, B], standing).why.startswith("1 article left")
    assert still_decided([A, D], standing).why.startswith("1 article joined, 2 articles left")
    corrected = still_decided([A, B, D], standing, {C: D})
    assert (corrected.state, corrected.why[:17]) == ("reopened", "1 article changed")


def test_what_a_split_or_a_merge_leaves_is_decided_before_and_after_the_next_run() -> None:
    standing = standing_of([batch(1, "ann", cannot_link([[A, B], [C, D]]), act="split"), batch(2, "bob", must_link([E, F]))])
    for members in ([A, B, C, D], [A, B], [D, C], [E, F]):
        assert still_decided(members, standing).state == "decided"
    assert still_decided([A, C], standing).state == "reopened"
    # What is to be joined waits for the next run, as long as all of it is there.
    assert still_decided([E], standing, present=IDS.__contains__).state == "decided"
    assert still_decided([E], standing, present=lambda one: one != F).why.startswith("1 article left")
    assert still_decided([A], standing, present=IDS.__contains__).why.startswith("1 article left")
    standing = standing_of([batch(1, "ann", cannot_link([[A], [B], [C]]), act="not_duplicates")])
    for members in ([A, B, C], [A], [B], [C]):
        assert still_decided(members, standing).state == "decided"
    assert still_decided([A, D], standing).why.startswith("1 article joined since")
    standing = standing_of([batch(1, "ann", must_link([A, B])), batch(2, "ann", must_link([B, C]))])
    assert still_decided([A, B, C], standing).state == "decided"


def test_an_audited_edge_decides_the_cluster_that_it_makes_and_no_other() -> None:
    standing = standing_of([batch(1, "ann", accepted([A, B, C]), act="accept"), batch(2, "bob", must_link([A, B]), act="audit")])
    for members in ([A, B], [A, B, C]):
        assert still_decided(members, standing).state == "decided"
    assert still_decided([A, B, C, D], standing).why == "1 article joined since ann on 2026-01-01 (decision 1)"
    standing = standing_of([batch(1, "ann", must_link([E, F]), act="audit"), batch(2, "ann", must_link([D, E]), act="audit")])
    assert still_decided([D, E, F, A], standing).state == "open"
    assert still_decided([D, E, F], standing).state == "decided"


def test_passing_over_decides_nothing_and_what_was_taken_back_is_no_more() -> None:
    standing = standing_of([batch(1, "ann", skipped([A, B]), act="skip"), batch(2, "ann", accepted([C, D]), standing=False)])
    assert (standing.must_links, len(standing.skipped)) == ((), 1)
    assert still_decided([A, B], standing).state == "open"
    assert still_decided([C, D], standing).state == "open"
