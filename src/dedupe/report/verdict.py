"""What the figures say, in sentences: the headline, the summary, and what to look at first."""

from __future__ import annotations

from typing import Any

from dedupe.quantities import amount
from dedupe.report.figures import NEAR_THRESHOLD


def percent(part: int, whole: int) -> str:
    """Return a share in percent, with as many digits as it deserves, and never 0 % of something or 100 % of less than all."""
    if not whole or part in (0, whole):
        return "100 %" if part else "0 %"
    share = 100 * part / whole
    if share < 0.1:
        return "under 0.1 %"
    if share > 99.9:
        return "over 99.9 %"
    return f"{share:.1f} %" if share < 10 or share > 90 else f"{share:.0f} %"


def headline(figures: dict[str, Any]) -> str:
    """Return the finding in one line."""
    numbers = figures["numbers"]
    articles, copies = numbers["articles"], numbers["copies"]
    if not articles:
        return "No article came out" if numbers["records"] else "Nothing was read"
    if not copies:
        return "The only article" if articles == 1 else "No article is a copy of another"
    if copies * 2 >= articles:
        return f"{percent(copies, articles)} of the articles are copies"
    return f"One article in {round(articles / copies):,} is a copy"


def summary(figures: dict[str, Any]) -> list[str]:
    """Return the verdict: what went in, what came out, what was done to it."""
    numbers = figures["numbers"]
    rejects = numbers["rejects"]
    said = [
        f"{amount(numbers['files'], 'file')} held {amount(numbers['records'], 'record')}:"
        f" {amount(numbers['articles'], 'article')} and {amount(rejects, 'reject') if rejects else 'no reject'}."
    ]
    if not numbers["articles"]:
        return [*said, "The reasons stand under Rejects." if rejects else ""]
    if numbers["copies"]:
        said.append(
            f"{amount(numbers['copies'], 'article is a copy', 'articles are copies')} of another; without them"
            f" {amount(numbers['canonical'], 'article')} remain{'s' if numbers['canonical'] == 1 else ''}."
            " Each copy stands in a verified edge to the article that it copies."
        )
    if numbers["edits"]:
        said.append(
            f"{percent(numbers['repaired'], numbers['articles'])} of the articles needed repair; each edit can be undone."
        )
    if numbers["stories"]:
        stories = amount(numbers["stories"], "story", "stories")
        said.append(f"{amount(numbers['articles_in_stories'], 'article')} tell {stories} in common.")
    return said


def look_first(figures: dict[str, Any]) -> list[str]:
    """Return what deserves a person's eyes, most doubtful first."""
    numbers, similarity, told = figures["numbers"], figures["similarity"], []
    if numbers["records"] and numbers["rejects"] * 20 > numbers["records"]:
        share = percent(numbers["rejects"], numbers["records"])
        told.append(f"{share} of the records were rejected. If the reasons surprise you, check how the input is read.")
    decisions = figures["decisions"]
    if decisions.get("contradicted"):
        told.append(f"{amount(decisions['contradicted'], 'decision contradicts', 'decisions contradict')} another one.")
    if decisions.get("not_found"):
        told.append(f"{amount(decisions['not_found'], 'decision speaks', 'decisions speak')} of articles that are not there.")
    if similarity["near_threshold"]:
        told.append(
            f"{amount(similarity['near_threshold'], 'pair lies', 'pairs lie')} within {NEAR_THRESHOLD:g} above the threshold of"
            f" {similarity['threshold']:g}: the closest calls of this run."
        )
    spun = sum(rule["edits"] for rule in figures["rules"] if rule["code"].startswith("R4"))
    if spun:
        articles = max(rule["articles"] for rule in figures["rules"] if rule["code"].startswith("R4"))
        told.append(
            f"{amount(spun, 'wording')} of spun text {'was' if spun == 1 else 'were'} restored in {amount(articles, 'article')}."
            " Read the passages below: no other repair changes what an article says."
        )
    if figures["timeline"]["undated"] * 10 > numbers["articles"]:
        told.append(f"{amount(figures['timeline']['undated'], 'article has', 'articles have')} no date.")
    ambiguous = figures["events"].get("date_ambiguous", 0)
    if ambiguous:
        told.append(f"{amount(ambiguous, 'date')} could be read in two ways (03/04/2025).")
    unknown = next((row["articles"] for row in figures["languages"] if row["language"] == "und"), 0)
    if unknown * 20 > numbers["articles"]:
        told.append(f"The language of {amount(unknown, 'article')} could not be told.")
    return told
