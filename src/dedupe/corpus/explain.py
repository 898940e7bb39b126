"""Say why: what was repaired in an article and by which rule, why it stands in its cluster, why two articles do or do not."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import click
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from dedupe.console import one_line
from dedupe.corpus.output import Output
from dedupe.corpus.references import References
from dedupe.decisions.standing import Apart, Chosen, Refused, Standing, Together
from dedupe.decisions.store import Decisions
from dedupe.errors import OutputError, UsageError, command
from dedupe.match.bands import choose_bands
from dedupe.match.candidates import LARGE_BUCKET
from dedupe.match.containment import CONTAINED, SCALE, least_shared
from dedupe.match.edges import JOINING, KEEPING_APART, RELATIONS
from dedupe.match.facts import contradictions
from dedupe.match.relations import LEAST_SHINGLES
from dedupe.match.verify import Overlaps, Verifier
from dedupe.quantities import amount
from dedupe.repair.ledger import restore
from dedupe.repair.rules import RULES
from dedupe.write.index import read_index

_CONTEXT = 40
_MEMBERS = 10
_SPIN = "R4"


def matching_texts(output: Output, ids: list[str]) -> list[str]:
    """Return the texts of articles as matching compared them: repaired, but before de-spinning."""
    texts = {row["article_id"]: row["text"] for row in output.select("corpus", "article_id", ids, ["article_id", "text"])}
    for edit_of in ids:
        spun = [
            edit
            for edit in output.select("edits", "article_id", [edit_of])
            if edit["field"] == "text" and edit["rule"].startswith(_SPIN)
        ]
        texts[edit_of] = restore(texts[edit_of], spun)
    return [texts[identity] for identity in ids]


def explain_article(output: Output, identity: str) -> dict[str, Any]:
    """Return what is known of one article: its repairs, cluster, edge to the canonical, why that was chosen, and its story."""
    article = output.select("corpus", "article_id", [identity])[0]
    cluster = output.select("clusters", "cluster_id", [article["cluster_id"]])[0]
    members = output.select(
        "corpus", "cluster_id", [article["cluster_id"]], ["article_id", "source", "relation", "similarity", "title"]
    )
    stories = output.select("stories", "story_id", [article["story_id"]]) if article["story_id"] else []
    edge = None
    if not article["is_canonical"]:
        edge = _edge(output, identity, article["canonical_id"])
    told = (
        "article_id",
        "source",
        "record",
        "title",
        "publisher",
        "published_at",
        "url",
        "language",
        "n_words",
        "spin_score",
        "relation",
        "similarity",
    )
    return {
        "article": {name: article[name] for name in told},
        "repairs": _repairs(output, identity, article),
        "cluster": {
            "cluster_id": cluster["cluster_id"],
            "size": cluster["size"],
            "canonical_id": cluster["canonical_id"],
            "why_canonical": cluster["why_canonical"],
            "edge": edge,
            "members": sorted(members, key=lambda row: (row["relation"] != "canonical", -row["similarity"], row["article_id"]))[
                :_MEMBERS
            ],
        },
        "story": {name: stories[0][name] for name in ("story_id", "size", "canonical_id")} if stories else None,
        "decisions": _decisions(output, identity),
    }


def _decided(output: Output) -> tuple[Standing, dict[str, str]]:
    """Return what people decided about an output, and for corrected articles their ID now by the one that was decided about."""
    decisions = Decisions.open(output.folder)
    return decisions.standing(), References(output).successors(decisions) if decisions.latest() else {}


def _decisions(output: Output, identity: str) -> list[dict[str, Any]]:
    standing, now = _decided(output)
    found: list[dict[str, Any]] = []
    facts: Sequence[Together | Apart | Chosen | Refused]
    for kind, facts in (
        ("together with", standing.must_links),
        ("apart from", standing.cannot_links),
        ("canonical", standing.canonicals),
        ("edit refused", standing.refused),
    ):
        for fact in facts:
            others = _others(fact, identity, now)
            if others is None:
                continue
            by = {name: getattr(fact.by, name) for name in ("batch_id", "act", "who", "at", "note")}
            what = {name: fact.details[name] for name in ("rule", "before", "after")} if isinstance(fact, Refused) else {}
            found.append({"kind": kind, "articles": others, **what, **by})
    return found


def _others(fact: Together | Apart | Chosen | Refused, identity: str, now: dict[str, str]) -> list[str] | None:
    # The articles that a fact speaks of besides this one; None where it does not speak of this one.
    if isinstance(fact, Apart):
        groups = [[now.get(one, one) for one in group] for group in fact.groups]
        own = next((group for group in groups if identity in group), None)
        return None if own is None else [one for group in groups if group is not own for one in group]
    named = fact.articles if isinstance(fact, Together) else [fact.article]
    ids = [now.get(one, one) for one in named]
    return [one for one in ids if one != identity] if identity in ids else None


def _repairs(output: Output, identity: str, article: dict[str, Any]) -> list[dict[str, Any]]:
    repairs = []
    values = {"text": article["text"], "title": article["title"], "author": article["author"], "publisher": article["publisher"]}
    # Undone last first: at each step the text is the one that the edit left, so its offsets show its surroundings.
    for edit in sorted(output.select("edits", "article_id", [identity]), key=lambda edit: -edit["seq"]):
        shown = {name: edit[name] for name in ("seq", "field", "rule", "before", "after", "confidence", "evidence")}
        shown["name"] = RULES[edit["rule"]].name if edit["rule"] in RULES else edit["rule"]
        value = values.get(edit["field"])
        if value is not None:
            stop = edit["start"] + len(edit["after"])
            shown["left"] = value[max(0, edit["start"] - _CONTEXT) : edit["start"]]
            shown["right"] = value[stop : stop + _CONTEXT]
            values[edit["field"]] = restore(value, [edit], edit["field"])
        repairs.append(shown)
    return repairs[::-1]


def _edge(output: Output, one: str, other: str) -> dict[str, Any] | None:
    a, b = sorted((one, other))
    found = [row for row in output.select("pairs", "a_id", [a]) if row["b_id"] == b]
    # Two that differ in a fact tell of one event as well; what keeps them apart says more.
    return min(found, key=lambda row: row["relation"] == "story", default=None)


def explain_pair(output: Output, one: str, other: str) -> dict[str, Any]:
    """Return the relation of two articles and its evidence, or why they are not together. Raises UsageError for one alone."""
    if one == other:
        raise UsageError(f"Both are the article {one}.", "Give the IDs of two articles.")
    rows = {row["article_id"]: row for row in output.select("corpus", "article_id", [one, other])}
    a, b = rows[one], rows[other]
    texts = pa.array(matching_texts(output, [one, other]))
    overlap = Verifier(lambda wanted: texts.take(pa.array(wanted)))(np.array([0]), np.array([1]))
    jaccard = float(overlap.jaccard[0])
    threshold = output.config.threshold
    edge = _edge(output, one, other)
    together = a["cluster_id"] == b["cluster_id"]
    if edge:
        reason = f"{edge['relation']}, Jaccard {edge['jaccard']:.2f}: {edge['evidence']}"
        if edge["relation"] == "story" and jaccard < threshold:
            reason += f"; no copy: {_unlike(overlap, jaccard, output)}"
    elif output.config.exact_only:
        reason = "no edge: the run matched equal texts only"
    elif jaccard >= threshold:
        reason = f"no edge, though Jaccard {jaccard:.2f} reaches {threshold:g}: {_never_met(output, one, other, overlap)}"
        [fact] = contradictions(np.array([0]), np.array([1]), lambda wanted: texts.take(pa.array(wanted)))
        reason += f"; {fact} would keep them apart" if fact else ""
    else:
        reason = f"no edge: {_unlike(overlap, jaccard, output)}"
    if together and not edge:
        reason += f"; both are in cluster {a['cluster_id']} by their edges to its canonical {a['canonical_id'][:12]}"
    decided = _by_decision(output, one, other, together)
    if edge and not together and not decided:
        reason += f"; {_apart(output, edge, a, b)}"
    reason = decided + reason
    same_story = a["story_id"] is not None and a["story_id"] == b["story_id"]
    if same_story and not together:
        reason += f"; both are in story {a['story_id']}"
    return {
        "a_id": one,
        "b_id": other,
        "together": together,
        "same_story": same_story,
        "relation": edge["relation"] if edge else None,
        "jaccard": round(jaccard, 4),
        "threshold": threshold,
        "reason": reason,
    }


def _by_decision(output: Output, one: str, other: str, together: bool) -> str:
    standing, now = _decided(output)
    verdicts: list[tuple[str, Sequence[Apart | Together]]] = [("apart", standing.cannot_links), ("together", standing.must_links)]
    for verdict, facts in verdicts:
        for fact in reversed(facts):
            if other not in (_others(fact, one, now) or ()):
                continue
            later = "" if together == (verdict == "together") else ", which the next run honours"
            return f"decided: {fact.by.who} on {fact.by.at[:10]} said that they belong {verdict}{later}; "
    return ""


def _never_met(output: Output, one: str, other: str, overlap: Overlaps) -> str:
    bands = choose_bands(output.config.threshold, output.config.recall)
    jaccard, size = float(overlap.jaccard[0]), int(min(overlap.size_a[0], overlap.size_b[0]))
    # What the bands miss the sketches may still propose, which depends on how many hashes they hold.
    hashes = round(size / SCALE)
    unseen = (1 - bands.recall(jaccard)) * (1 - _proposed(hashes, float(overlap.shared[0]) / max(size, 1)))
    missed = f"{unseen:.2%} of the pairs at this similarity and length"
    ids = output.table("corpus", ["article_id"])["article_id"].combine_chunks()
    rows = pc.index_in(pa.array([one, other]), ids).to_pylist()
    try:
        index = read_index(output.folder, output.manifest)
    except OutputError as error:
        either = f"they were never compared, as happens to {missed}, or met in a bucket too large for all pairs"
        return f"{either} ({error.sentence.rstrip('.')}: {error.hint.rstrip('.')}, and it will tell which)"
    same = np.asarray(index.signatures[rows[0]]) == np.asarray(index.signatures[rows[1]])
    if not same.reshape(bands.number, bands.rows).all(axis=1).any():
        return f"they were never a candidate: no band of their signatures is the same, as happens to {missed}"
    return f"they met in a bucket of more than {LARGE_BUCKET} articles, which are compared with its preferred ones only"


def _proposed(hashes: int, share: float) -> float:
    # How probably sketches of so many hashes share enough of them, where the longer text holds this share of the shorter.
    return sum(
        math.comb(hashes, count) * share**count * (1 - share) ** (hashes - count)
        for count in range(least_shared(hashes), hashes + 1)
    )


def _unlike(overlap: Overlaps, jaccard: float, output: Output) -> str:
    bands = choose_bands(output.config.threshold, output.config.recall)
    size_a, size_b, shared = (int(column[0]) for column in overlap)
    said = (
        f"Jaccard {jaccard:.2f} under {output.config.threshold:g}; they share {shared:,} of {size_a + size_b - shared:,} shingles"
        f" (the bands propose {bands.recall(jaccard):.1%} of the pairs at this similarity)"
    )
    size = min(size_a, size_b)
    if shared < CONTAINED * size:
        return f"{said}; the longer one holds {shared / max(size, 1):.2f} of the shorter, under {CONTAINED:g}"
    if size < LEAST_SHINGLES:
        return f"{said}; the longer one holds the shorter, but {size:,} shingles are too few to tell, under {LEAST_SHINGLES}"
    return f"{said}; the longer one holds {shared / size:.2f} of the shorter, but their sketches did not propose them"


def _apart(output: Output, edge: dict[str, Any], a: dict[str, Any], b: dict[str, Any]) -> str:
    if edge["relation"] == "story":
        return "a story is one event, told in articles of their own"
    if edge["relation"] not in [RELATIONS[code] for code in JOINING]:
        return "that keeps them in different clusters"
    # One that contradicts a single member of a cluster stays out of it.
    keeping = [RELATIONS[code] for code in KEEPING_APART]
    for one, other in ((a, b), (b, a)):
        rows = output.select("corpus", "cluster_id", [other["cluster_id"]], ["article_id"])
        members = {row["article_id"] for row in rows}
        for near, far in (("a_id", "b_id"), ("b_id", "a_id")):
            for between in output.select("pairs", near, [one["article_id"]]):
                if between["relation"] in keeping and between[far] in members:
                    return (
                        f"{one['article_id'][:12]} stays out of the other's cluster because of its member {between[far][:12]}:"
                        f" {between['relation']}, {between['evidence']}"
                    )
    return "they are in different clusters, since each stands closer to another canonical"


def show_article(found: dict[str, Any], output: Output) -> None:
    """Print what is known of one article."""
    article, cluster = found["article"], found["cluster"]
    click.echo(f"{article['article_id']}  {one_line(article['source'])}:{article['record']}")
    click.echo(f"title     {one_line(article['title'] or 'none')}")
    click.echo(f"language  {article['language']}, {amount(article['n_words'], 'word')}")
    click.echo(f"repaired  {amount(len(found['repairs']), 'edit')}")
    for edit in found["repairs"]:
        where = "" if edit["field"] == "text" else f" in {edit['field']}"
        click.echo(f"  {edit['rule']} {edit['name']}{where}" + (f": {one_line(edit['evidence'])}" if edit["evidence"] else ""))
        click.echo(
            f"    …{one_line(edit.get('left', ''))}[-{one_line(edit['before'])}-]"
            f"{{+{one_line(edit['after'])}+}}{one_line(edit.get('right', ''))}…"
        )
    click.echo(f"cluster   {cluster['cluster_id']}, {amount(cluster['size'], 'article')}")
    click.echo(f"canonical {cluster['canonical_id'][:12]}: {cluster['why_canonical']}")
    if cluster["edge"]:
        edge = cluster["edge"]
        click.echo(f"edge      {edge['relation']}, Jaccard {edge['jaccard']:.2f}: {edge['evidence']}")
    elif article["relation"] != "canonical":
        click.echo(f"edge      {article['relation']}, Jaccard {article['similarity']:.2f}, computed while clustering")
    for member in cluster["members"] if cluster["size"] > 1 else []:
        click.echo(
            f"  {member['article_id'][:12]}  {member['relation']:<9} {member['similarity']:.2f}"
            f"  {one_line(member['title'] or member['source'])[:80]}"
        )
    for decision in found["decisions"]:
        if decision["kind"] == "edit refused":
            before, after = (one_line(decision[name])[:_CONTEXT] for name in ("before", "after"))
            what = f"refused {decision['rule']}: {before} → {after}"
        else:
            named = ", ".join(one[:12] for one in decision["articles"][:_MEMBERS])
            more = len(decision["articles"]) - _MEMBERS
            what = f"{decision['kind']} {named}" + (f" and {more:,} more" if more > 0 else "")
        note = f" ({one_line(decision['note'])})" if decision["note"] else ""
        click.echo(f"decided   {what.strip()}, by {one_line(decision['who'])} on {decision['at'][:10]}{note}")
    if story := found["story"]:
        click.echo(f"story     {story['story_id']}, {amount(story['size'], 'article')}")
    beside = [member["article_id"] for member in cluster["members"]] + ([story["canonical_id"]] if story else [])
    other = next((one for one in beside if one != article["article_id"]), None)
    pair = ("explain", article["article_id"][:12], other[:12], "-o", output.folder) if other else ("review", output.folder)
    click.echo(f"\nnext: {command(*pair)}")


def show_pair(found: dict[str, Any]) -> None:
    """Print why two articles are together or not."""
    click.echo("together" if found["together"] else "not together")
    click.echo(one_line(found["reason"]))
