"""The order of a run: read, repair, learn, match, cluster, write. Every other module does one of these and knows no order."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pyarrow as pa

from dedupe.cluster.canonical import Preference, preference_of
from dedupe.cluster.clusters import JoinsOf, clusters, components
from dedupe.cluster.constraints import Constraints
from dedupe.config import Config
from dedupe.engine import memory
from dedupe.engine.local import Pool, beside
from dedupe.engine.timings import Progress, Timings
from dedupe.gather import distinct
from dedupe.match.bands import Bands, choose_bands
from dedupe.match.containment import Proposed, propose_contained
from dedupe.match.edges import (
    DECIDED,
    EXACT,
    JOINING,
    KEEPING_APART,
    NEAR,
    Edges,
    exact_groups,
    expand_exact,
    find_edges,
    joined,
    thinned_updates,
)
from dedupe.match.relation_farms import MOST_FIRST, unproven
from dedupe.match.relations import contradicting, joins_near, relate
from dedupe.match.signatures import Signed
from dedupe.match.spun import propose_spun, relate_spun
from dedupe.match.verify import KEPT_BYTES, TextsOf, Verifier
from dedupe.read.parts import Plan
from dedupe.repair.drafts import Drafts
from dedupe.repair.ledger import Draft
from dedupe.stages.adopting import adopt, learned_lines
from dedupe.stages.deciding import Honoured, Taken, find_articles, honour, rewrite, sign_again
from dedupe.stages.despinning import drafted_parts, restore_by_model, restore_by_siblings, tell_spun
from dedupe.stages.maps import class_shingle_sets, gate_threshold, load_signed, tells_stories
from dedupe.stages.preparing import Prepared, prepare, with_spun
from dedupe.stages.storytelling import Told, no_stories, tell_stories, terms_of_drafts
from dedupe.stages.term_files import load_terms, write_terms
from dedupe.stages.unlearning import unlearn


@dataclass
class Matched:
    """Hold what matching hands to writing.

    For each article the row of its canonical, how similar and in which relation to it (-1: it is its own); every verified edge,
    with the facts that keep `update`s apart; and what was looked at on the way.
    """

    bands: Bands
    preference: list[np.ndarray]
    rank: np.ndarray
    canonical: np.ndarray
    similarity: np.ndarray
    relation: np.ndarray
    representative: np.ndarray
    edges: Edges
    facts: dict[int, str]
    candidates: int
    verified: int
    large_buckets: int
    capped_hashes: int
    honoured: Honoured | None = None


def carry_out(
    plan: Plan,
    config: Config,
    scratch: Path,
    pool: Pool,
    progress: Progress,
    timings: Timings,
    limit: int | None = None,
    taken: Taken | None = None,
    previous: Path | None = None,
    joins: bool = False,
    forgotten: frozenset[str] = frozenset(),
    index: Path | None = None,
) -> tuple[Prepared, Matched, Told]:
    """Carry out a run up to what is to be written, honouring the decisions `taken`; with a `limit`, over so many records only.

    What the output `previous` has learned of repeated lines holds; where the run `joins` it, its articles are taken over.
    Articles that are `forgotten` become rejects. The terms of all are put into the folder `index`, where one is given. Raises
    DedupeError where the pool's memory is too little for so many articles.
    """
    adopted = None
    if previous is not None and joins:
        with timings.of("take over"):
            adopted = adopt(previous, config, scratch, pool, forgotten)
    learned = learned_lines(previous, config) if previous is not None else None
    if learned is not None and adopted and not adopted.kept.all():
        learned = unlearn(learned, adopted.folder, adopted.kept)
    prepared = prepare(plan, config, scratch, pool, progress, timings, limit, learned, adopted, forgotten)
    pool.rest()
    if pool.memory is not None:
        restores = config.despin == "fix" and config.clean
        passing = int((prepared.articles["spin_score"].to_numpy() >= gate_threshold()).sum()) if restores else 0
        pool.lessen(memory.check(len(prepared.stored), pool.workers, config, pool.memory, passing))
    honoured = None
    if taken is not None:
        with timings.of("honour decisions"):
            honoured = find_decided(prepared, taken, config)
    # Beside matching, which at times has work for one core alone.
    with beside(index_terms, index, prepared, honoured) as indexed, timings.of("match and verify"):
        compared = compare(prepared, config, pool, honoured)
    memory.give_back()
    # The model reads what clusters have no say in, so it restores while they are found: on one core of two, most of the time.
    known = adopted.restored if adopted and not honoured else None
    with beside(restore_by_model, prepared.columns, config, pool, known) as restored:
        matched = match(prepared, compared, config, pool, progress, timings, honoured)
        with timings.of("de-spin"):
            drafts, prepared.unrestored = restored.result()
            drafts = honoured.without_refused(drafts) if honoured else drafts
    pool.rest()
    indexed.result()
    prepared.let_go()
    memory.give_back()
    with timings.of("stories"):
        told = tell(prepared, matched, Drafts.of(honoured.rewritten) | drafts if honoured else drafts, config, pool.workers)
    memory.give_back()
    with timings.of("de-spin"):
        # Members of a cluster alone: another article on the event words its sentences in its own way, and is no witness.
        drafts = restore_by_siblings(drafts, prepared.columns, matched.canonical, matched.rank, config, pool)
        drafts = honoured.without_refused(drafts) if honoured else drafts
        pool.rest()
        prepared.rules += prepared.put_parts(drafted_parts(prepared.articles, drafts), "despun")
    return prepared, matched, told


def find_decided(prepared: Prepared, taken: Taken, config: Config) -> Honoured:
    """Find the articles of all decisions, and take refused edits back before anything is compared."""
    honoured = honour(taken, find_articles(taken.references, prepared.articles, prepared.signed.sketches))
    if honoured.refusals:
        rows, values, gone = rewrite(honoured, prepared.articles)
        if len(rows):
            prepared.put(rows, values, "refused")
            sign_again(prepared.index, rows, values["text"], config.seed)
            prepared.signed = load_signed(prepared.index)
        prepared.rules -= gone
    return honoured


def index_terms(index: Path | None, prepared: Prepared, honoured: Honoured | None) -> None:
    """Put the terms of all articles into the index of an output, if there is to be one.

    As the articles are matched: what a refusal has changed by now is not as in the files, what de-spinning will change is.
    """
    if index is not None and prepared.terms:
        rewritten = honoured.rewritten if honoured else {}
        write_terms(index, prepared.terms, *terms_of_drafts(prepared.columns, rewritten))


def tell(prepared: Prepared, matched: Matched, drafts: Mapping[int, Draft], config: Config, threads: int = 1) -> Told:
    """Find the stories of a run that is to tell them."""
    if not tells_stories(config):
        return no_stories(len(prepared.articles))
    verify = Verifier(prepared.texts_of, threads, sizes=prepared.signed.n_tokens)
    canonical = matched.canonical
    rows = np.flatnonzero(canonical == np.arange(len(canonical)))
    if len(rows) < 2:
        return no_stories(len(canonical))
    return tell_stories(prepared.columns, partial(load_terms, prepared.terms), rows, drafts, canonical, matched.rank, verify)


class Standing(NamedTuple):
    """Hold what is known of each article before any pair is.

    `preference`: columns; `rank`: (n,) order by them. `representative`: (n,) row of the article that stands for all of equal
    text. `compared`: (n,) bool, whether a representative has a word to compare it by.
    """

    preference: list[np.ndarray]
    rank: np.ndarray
    representative: np.ndarray
    compared: np.ndarray


def stand(
    preference: Preference,
    spun: np.ndarray,
    keys: np.ndarray,
    n_tokens: np.ndarray,
    config: Config,
    honoured: Honoured | None = None,
) -> Standing:
    """Order the articles, and find who stands for those of equal text. `spun`: (n,) bool. `keys`, `n_tokens`: as in `Signed`."""
    rank = preference.rank_with(spun)
    representative = exact_groups(keys, rank)
    if honoured:
        representative = honoured.constrain(representative, rank)
    # With no article to compare, only the edges between equal texts are left.
    compared = (representative == np.arange(len(rank))) & (n_tokens > 0) & (not config.exact_only)
    return Standing(preference.columns_with(spun), rank, representative, compared)


class Similar:
    """Verify pairs of the articles whose texts `read` reads: by their words, and under the class key."""

    def __init__(self, read: TextsOf, threads: int, n_tokens: np.ndarray, kept_bytes: int = KEPT_BYTES) -> None:
        self.read = read
        self.verify = Verifier(read, threads, sizes=n_tokens, kept_bytes=kept_bytes)
        self.by_class = Verifier(read, threads, class_shingle_sets, n_tokens, kept_bytes)


class Compared(NamedTuple):
    """Hold what a look at all articles says: who stands for whom, what may lie inside what, and which are `spun`, (n,) bool."""

    known: Standing
    proposed: Proposed
    spun: np.ndarray


def compare(prepared: Prepared, config: Config, pool: Pool, honoured: Honoured | None = None) -> Compared:
    """Order the articles, propose what may lie inside what, and tell which are spun, as their table says from here on."""
    signed, adopted = prepared.signed, prepared.adopted
    scores = prepared.articles["spin_score"].to_numpy()
    spun = scores >= gate_threshold()
    if adopted:
        spun[: prepared.fresh] = adopted.spun()
    preference = preference_of(prepared.articles)
    known = stand(preference, spun, signed.keys, signed.n_tokens, config, honoured)
    proposed = propose_contained(signed.sketches, np.flatnonzero(known.compared), known.rank, prepared.fresh, pool.workers)
    told = tell_spun(scores, proposed.akin, signed.n_tokens, prepared.texts_of, pool, pool.workers)
    told = spun | told[known.representative]
    if (told != spun).any():
        spun, known = told, stand(preference, told, signed.keys, signed.n_tokens, config, honoured)
    prepared.articles = with_spun(prepared.articles, pa.array(spun))
    return Compared(known, proposed, spun)


def match(
    prepared: Prepared,
    compared: Compared,
    config: Config,
    pool: Pool,
    progress: Progress,
    timings: Timings,
    honoured: Honoured | None = None,
) -> Matched:
    """Find what is alike, verify it, tell what it is to each other, and choose each cluster's canonical."""
    adopted, (known, proposed, spun) = prepared.adopted, compared
    kept = memory.set_bytes(pool.memory) if pool.memory is not None else KEPT_BYTES
    similar = Similar(prepared.texts_of, pool.workers, prepared.signed.n_tokens, kept)
    older, settled = None, None
    if adopted:
        older = partial(adopted.edges, prepared.articles["article_id"].combine_chunks(), known.representative)
        settled = np.concatenate([adopted.spun() == spun[: prepared.fresh], np.zeros(len(spun) - prepared.fresh, bool)])
    return decide(
        prepared.signed, spun, known, proposed, similar, config, progress, timings, honoured, prepared.fresh, older, settled
    )


def decide(
    signed: Signed,
    spun: np.ndarray,
    known: Standing,
    proposed: Proposed,
    similar: Similar,
    config: Config,
    progress: Progress,
    timings: Timings,
    honoured: Honoured | None = None,
    fresh: int = 0,
    older: Callable[[], tuple[Edges, dict[int, str]]] | None = None,
    settled: np.ndarray | None = None,
) -> Matched:
    """Verify what may be alike, tell what it is to each other, and choose each cluster's canonical.

    What is decided of an article depends on those that it may be like, directly or through others, and on no more: any set of
    articles that is closed under that can be decided on by itself. `proposed`: what may lie inside what, in view of
    the whole run. `fresh`: the first row that is new; `older` gives the edges of those before it; `settled`: (n,) bool, rows that
    are spun or not as they were when these were found.
    """
    bands, read, verify = choose_bands(config.threshold, config.recall), similar.read, similar.verify
    rank, representative = known.rank, known.representative
    with timings.of("match and verify"):
        tokens = np.zeros_like(signed.n_tokens) if config.exact_only else signed.n_tokens
        with beside(propose_spun, signed.sketches, np.flatnonzero(known.compared), np.flatnonzero(spun)) as maybe_spun:
            found = find_edges(signed.signatures, representative, tokens, rank, bands, config.threshold, verify, read, fresh)
            progress("match and verify", 1, 3)
            edges, facts = relate(found.edges, proposed, config.threshold, verify, read)
            if honoured:
                # Exact copies that a person keeps apart stand for themselves, and met like any two articles.
                edges.relation[(signed.keys[edges.a] == signed.keys[edges.b]).all(axis=1)] = EXACT
            if older:
                # Before spun copies are told, which asks what two articles are to each other already.
                old, old_facts = older()
                edges, facts = joined([edges, old]), old_facts | facts
            pairs = maybe_spun.result()
            if settled is not None:
                asked = ~(settled[pairs[0]] & settled[pairs[1]])
                pairs = pairs[0][asked], pairs[1][asked]
            edges, looked = relate_spun(edges, pairs, spun, similar.by_class, read)
        # What both have proposed, and the bands have found to be alike, is not computed again.
        low, high = np.minimum(proposed.small, proposed.large), np.maximum(proposed.small, proposed.large)
        again = np.isin(low << 32 | high, found.edges.a << 32 | found.edges.b)
        verified = found.n_verified + int((~again).sum()) + looked
        progress("match and verify", 2, 3)
    with timings.of("cluster"):

        def joins_of(a: np.ndarray, b: np.ndarray) -> np.ndarray:
            return joins_near(a, b, config.threshold, verify, read)

        decided = honoured.constraints if honoured else None
        hub, edges, facts = _clustered(edges, facts, rank, joins_of, decided, config.threshold, similar)
        edges = thinned_updates(edges, _components(edges, len(rank)), rank)
        canonical = hub[representative]
        if honoured:
            canonical = honoured.choose(canonical, rank)
        relation, similarity = _to_canonical(representative, canonical, edges, verify, joins_of if honoured else None)
        whole = _with_decided(expand_exact(edges, representative, verify), relation, canonical, verify)
        progress("match and verify", 3, 3)
    return Matched(
        bands, known.preference, rank, canonical, similarity, relation, representative, whole, facts,
        found.n_candidates + len(proposed.small), verified, found.large_buckets, proposed.capped, honoured,
    )  # fmt: skip


def _clustered(
    edges: Edges,
    facts: dict[int, str],
    rank: np.ndarray,
    joins_of: JoinsOf,
    decided: Constraints | None,
    threshold: float,
    similar: Similar,
) -> tuple[np.ndarray, Edges, dict[int, str]]:
    # The hub of each row, and the edges and facts that keep rows of large buckets apart: such rows were compared with preferred
    # articles only, and a third one may bring two together that contradict each other. So they are compared once they are to
    # meet, with the first of their cluster before the others, since that alone breaks up a farm.
    known = edges.a << 32 | edges.b
    marked = distinct(np.concatenate([edges.a[edges.star], edges.b[edges.star]]))
    widths = [1, MOST_FIRST]
    while True:
        joining, apart = np.isin(edges.relation, JOINING), np.isin(edges.relation, KEEPING_APART)
        hub = clusters(rank, edges.a[joining], edges.b[joining], joins_of, (edges.a[apart], edges.b[apart]), decided)
        new = edges.take(np.empty(0, np.int64))
        while widths and not len(new):
            a, b = unproven(hub, rank, marked, known, widths[0])
            new, said = contradicting(a, b, threshold, similar.verify, similar.read)
            known, facts = distinct(np.concatenate([known, a << 32 | b])), facts | said
            if not len(new):
                widths = widths[1:]
        if not len(new):
            return hub, edges, facts
        edges = joined([edges, new])


def _components(edges: Edges, rows: int) -> np.ndarray:
    joining = np.isin(edges.relation, JOINING)
    return components(rows, edges.a[joining], edges.b[joining])


def _to_canonical(
    representative: np.ndarray, canonical: np.ndarray, edges: Edges, verify: Verifier, joins_of: JoinsOf | None
) -> tuple[np.ndarray, np.ndarray]:
    # The edge between an article's representative and its canonical's; one that clustering computed, since no bucket had proposed
    # it, is a near one. Where people decided (`joins_of` is given) there may be none that joins: then the relation is their word.
    n = len(canonical)
    relation, similarity = np.full(n, -1, np.int8), np.ones(n)
    members = canonical != np.arange(n)
    stands = representative[canonical]
    relation[members & (representative == stands)] = EXACT
    apart = np.flatnonzero(representative != stands)
    one, other = representative[apart], stands[apart]
    wanted = np.minimum(one, other) << 32 | np.maximum(one, other)
    keys = edges.a << 32 | edges.b
    place = np.minimum(np.searchsorted(keys, wanted), max(0, len(keys) - 1))
    known = keys[place] == wanted if len(keys) else np.zeros(len(wanted), bool)
    relation[apart], similarity[apart] = NEAR, 0.0
    relation[apart[known]] = edges.relation[place[known]]
    similarity[apart[known]] = edges.overlap.jaccard[place[known]]
    computed = apart[~known]
    similarity[computed] = verify(one[~known], other[~known]).jaccard
    if joins_of is not None:
        relation[apart[known & ~np.isin(relation[apart], JOINING)]] = DECIDED
        relation[computed[~joins_of(one[~known], other[~known])]] = DECIDED
    return relation, similarity


def _with_decided(edges: Edges, relation: np.ndarray, canonical: np.ndarray, verify: Verifier) -> Edges:
    # What a person decided stands in place of whatever the texts alone made of that pair.
    rows = np.flatnonzero(relation == DECIDED)
    if not len(rows):
        return edges
    a, b = np.minimum(rows, canonical[rows]), np.maximum(rows, canonical[rows])
    return joined([Edges(a, b, np.full(len(a), DECIDED), verify(a, b), np.zeros(len(a), bool)), edges])
