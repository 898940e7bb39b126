"""Every cleaning rule: its code, its name, and what the text gains by it.

This one table serves `--no-rule`, the summary, the documents and the ledger's readers. Codes keep their meaning for
good, since published ledgers hold them: a rule that goes leaves its code unused.

- R001-R099 encoding and characters
- R100-R199 residue that is residue anywhere
- R200-R299 residue by repetition
- R300-R399 metadata that stands in the text
- R400-R499 spun text
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from dedupe.errors import UsageError


class Rule(NamedTuple):
    """Name a rule; `gains` completes the sentence "With it ..." on one line."""

    code: str
    name: str
    gains: str


_ALL = (
    Rule("R001", "mojibake", "text that was decoded in the wrong encoding reads as it was written (â€™ is ’ again)"),
    Rule(
        "R002",
        "windows-controls",
        "C1 control characters are the Windows-1252 signs they were meant as, as in browsers",
    ),
    Rule("R003", "entities", "HTML entities left in plain text are the characters they stand for (&amp; is &)"),
    Rule("R004", "line-breaks", "every line break is one line feed, whatever the system it came from"),
    Rule("R005", "terminal-escapes", "terminal colour codes are gone"),
    Rule("R006", "control-characters", "characters that control machines and show nothing are gone, NUL included"),
    Rule("R007", "zero-width", "invisible characters inside words are gone; joiners that writing needs stay"),
    Rule("R008", "soft-hyphens", "hyphenation hints inside words are gone, so that the word is found"),
    Rule("R009", "stray-direction-marks", "direction marks without a partner, or without right-to-left text, are gone"),
    Rule("R010", "ligatures", "typesetters' ligatures are the letters they join (ﬁ is fi)"),
    Rule("R011", "composed-characters", "a letter and its accents are one character where Unicode has one (NFC)"),
    Rule("R100", "advertisement-marks", "marks of advertisements (Advertisement, Story continues below) are gone"),
    Rule("R101", "share-bars", "bars of share buttons (Share Tweet Email) are gone"),
    Rule("R102", "comment-prompts", "invitations to comment and counts of comments are gone"),
    Rule("R103", "page-controls", "buttons of the page (Copy link to section, Slideshow (5 Images)) are gone"),
    Rule("R104", "related-links", "links to other articles (Read more: ..., Related Coverage ...) are gone"),
    Rule("R105", "newsletter-prompts", "invitations to subscribe to newsletters and podcasts are gone"),
    Rule("R106", "click-prompts", "invitations to click, to get an app or to visit a home page are gone"),
    Rule("R107", "follow-prompts", "invitations to follow somebody on social networks are gone"),
    Rule("R108", "copyright-lines", "copyright notices are gone"),
    Rule(
        "R109",
        "picture-credits",
        "credits of pictures and charts, and captions that a scraper ran into the text, are gone",
    ),
    Rule("R110", "galleries", "captions of galleries and of videos (Hide Caption 3 of 35) are gone"),
    Rule("R111", "consent-notices", "cookie walls, notices of consent and demands for JavaScript are gone"),
    Rule("R112", "code", "scraps of JavaScript are gone"),
    Rule("R113", "editorial-policies", "paragraphs on how the site edits its articles are gone"),
    Rule("R114", "provenance-notes", "notes on where the article first appeared and whose opinion it is are gone"),
    Rule("R115", "age-marks", "ages of a page (5 days ago), and bare notes that it was updated, are gone"),
    Rule("R116", "bare-links", "lines of nothing but addresses, and marks of omission ([...]), are gone"),
    Rule("R117", "trailing-credits", "a picture credit behind the last full stop of a line is gone"),
    Rule("R118", "contact-lines", "lines on how to reach the author or the newsroom are gone"),
    Rule("R119", "tag-lines", "lists of the tags and categories that the page is filed under are gone"),
    Rule("R120", "agency-credits", "who contributed to the report leaves the text, and its agencies stand in credits"),
    Rule("R200", "repeated-lines", "lines that one publisher repeats in articles that otherwise differ are gone"),
    Rule("R300", "title", "a headline, or headline and name of the site, leaves the text for its columns"),
    Rule("R301", "date", "a date line, or a date before the first sentence, leaves the text for its column"),
    Rule("R302", "byline", "a byline leaves the text for its columns"),
    Rule("R400", "spun-words", "words that a spinner put there read as the lexicon and a language model restore them"),
    Rule("R401", "spun-words-by-sibling", "spun wording reads as another copy of the same passage has it"),
)

RULES: dict[str, Rule] = {rule.code: rule for rule in _ALL}


def rule_codes(names: Iterable[str]) -> frozenset[str]:
    """Turn codes or names of rules, as people type them, into codes.

    Raises UsageError for one that is no rule, since a switch that switches nothing would pass unnoticed.
    """
    by_name = {rule.name: rule.code for rule in RULES.values()}
    codes, unknown = set(), []
    for name in names:
        code = by_name.get(name.strip().lower(), name.strip().upper())
        if code in RULES:
            codes.add(code)
        else:
            unknown.append(name)
    if unknown:
        plural = "no rules" if len(unknown) > 1 else "no rule"
        rules = ", ".join(f"{code} {rule.name}" for code, rule in sorted(RULES.items()))
        raise UsageError(f"{', '.join(unknown)}: there is {plural} of that name.", f"Rules are: {rules}.")
    return frozenset(codes)
