"""Say why: what was repaired in an article and by which rule, why it stands in its cluster, why two articles do or do not."""

from __future__ import annotations

from typing import Any

import click
import numpy as np
import pyarrow as pa

from dedupe.console import amount
from dedupe.match.bands import choose_bands
from dedupe.match.edges import JOINING, RELATIONS
from dedupe.match.verify import Verifier
from dedupe.output import Output
from dedupe.repair.ledger import restore
from dedupe.repair.rules import RULES

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
    }


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
    """Return the relation of two articles and its evidence, or why they are not together."""
    rows = {row["article_id"]: row for row in output.select("corpus", "article_id", [one, other])}
    a, b = rows[one], rows[other]
    texts = pa.array(matching_texts(output, [one, other]))
    overlap = Verifier(lambda wanted: texts.take(pa.array(wanted)))(np.array([0]), np.array([1]))
    jaccard = float(overlap.jaccard[0])
    threshold = output.config.threshold
    edge = _edge(output, one, other)
    together = a["cluster_id"] == b["cluster_id"]
    bands = choose_bands(threshold, output.config.recall)
    if edge:
        reason = f"{edge['relation']}: {edge['evidence']}"
    elif output.config.exact_only:
        reason = "no edge: the run matched equal texts only"
    elif jaccard >= threshold:
        reason = (
            f"no edge in pairs.parquet, though Jaccard {jaccard:.2f} reaches {threshold:g}: they were never compared, which"
            f" happens to {1 - bands.recall(jaccard):.2%} of such pairs, or stand in a bucket too large for all pairs"
        )
    else:
        reason = (
            f"no edge: Jaccard {jaccard:.2f} under {threshold:g}; they share {int(overlap.shared[0]):,} of"
            f" {int(overlap.size_a[0] + overlap.size_b[0] - overlap.shared[0]):,} shingles"
            f" (the bands propose {bands.recall(jaccard):.1%} of the pairs at this similarity)"
        )
    if together and not edge:
        reason += f"; both are in cluster {a['cluster_id']} by their edges to its canonical {a['canonical_id'][:12]}"
    elif edge and not together:
        reason += f"; {_apart(edge['relation'])}"
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


def _apart(relation: str) -> str:
    if relation in [RELATIONS[code] for code in JOINING]:
        return "they are in different clusters, since each stands closer to another canonical"
    if relation == "story":
        return "a story is one event, told in articles of their own"
    return "that keeps them in different clusters"


def show_article(found: dict[str, Any], output: Output) -> None:
    """Print what is known of one article."""
    article, cluster = found["article"], found["cluster"]
    click.echo(f"{article['article_id']}  {article['source']}:{article['record']}")
    click.echo(f"title     {_plain(article['title'] or 'none')}")
    click.echo(f"language  {article['language']}, {amount(article['n_words'], 'word')}")
    click.echo(f"repaired  {amount(len(found['repairs']), 'edit')}")
    for edit in found["repairs"]:
        where = "" if edit["field"] == "text" else f" in {edit['field']}"
        click.echo(f"  {edit['rule']} {edit['name']}{where}" + (f": {_plain(edit['evidence'])}" if edit["evidence"] else ""))
        click.echo(
            f"    …{_plain(edit.get('left', ''))}[-{_plain(edit['before'])}-]"
            f"{{+{_plain(edit['after'])}+}}{_plain(edit.get('right', ''))}…"
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
            f"  {_plain(member['title'] or member['source'])[:80]}"
        )
    if story := found["story"]:
        click.echo(f"story     {story['story_id']}, {amount(story['size'], 'article')}")
    click.echo(f"\nnext: dedupe explain {article['article_id'][:12]} ID -o {output.folder}")


def show_pair(found: dict[str, Any]) -> None:
    """Print why two articles are together or not."""
    click.echo("together" if found["together"] else "not together")
    click.echo(found["reason"])


def _plain(text: str) -> str:
    return "".join(char if char.isprintable() else " " for char in text)
