"""The article in a page: body by trafilatura (best) or resiliparse (fast), and what the page says of itself."""

from __future__ import annotations

import logging
import re
from dataclasses import dataclass, field
from typing import Any

from dedupe.config import HtmlExtractor
from dedupe.read.pagefacts import Facts, page_facts
from dedupe.read.reasons import BadInputError, is_panic

# Above these, trafilatura takes many seconds for a page (9 s for 60,000 paragraphs, 15 s for 40,000 links): such pages go to
# resiliparse, which takes one.
MOST_TAGS_BEST = 30_000
MOST_CHARACTERS_BEST = 3_000_000

# Bodies shorter than this are often a teaser that the first method took for the article.
SHORT = 250
# A body of mostly bare words is a page taken whole, menus and all: share of its lines with fewer than _FEW_WORDS words.
_MENU_LINES = 40
_MENU_SHARE = 0.6
_FEW_WORDS = 4

# htmldate looks for the date of publication where pages state it, not in their prose, and not up to today: that would make a
# page's row depend on the day it is read.
_STATED_DATES = {"original_date": True, "extensive_search": False, "max_date": "2100-01-01"}

_WORD = re.compile(r"\w+")
_BLANK_LINES = re.compile(r"\n[ \t]*(?:\n[ \t]*)+")


@dataclass(frozen=True, slots=True)
class Page:
    """Hold what a page gave: body, facts, what to keep in `extra`, and events to count."""

    text: str
    title: str | None
    date: str | None
    author: str | None
    site: str | None
    url: str | None
    notes: dict[str, Any] = field(default_factory=dict)
    events: tuple[str, ...] = ()


def extract(html: str, how: HtmlExtractor) -> Page:
    """Return the article of a page that `check_page` let pass.

    Best: trafilatura (Barbaresi, ACL 2021) in its fast mode, which finds better bodies than its full one on news pages; where
    that gives a teaser or the whole page, its full mode, which asks readability and jusText too. The title does not repeat in
    the body.
    """
    facts = page_facts(html)
    best = how == "best" and html.count("<") <= MOST_TAGS_BEST and len(html) <= MOST_CHARACTERS_BEST
    events: tuple[str, ...] = () if best or how == "fast" else ("html_fast:page_too_large",)
    notes: dict[str, Any] = {}
    text = ""
    if best:
        text, facts = _best(html, facts)
        if not text.strip():
            events = ("html_fast:nothing_found",)
    if not text.strip():
        text = _fast(html)
    if facts.date_guessed and facts.date:
        events = (*events, "date_from_page_text")
        notes["published_as_given"] = facts.date
    return Page(_without_title(text, facts.title), facts.title, facts.date, facts.author, facts.site, facts.url, notes, events)


def _best(html: str, facts: Facts) -> tuple[str, Facts]:
    found = _trafilatura(html, fast=True, facts=True)
    text = found.text or "" if found else ""
    if len(text) < SHORT or _is_menu(text):
        full = _trafilatura(html, fast=False, facts=False)
        other = full.text or "" if full else ""
        if (len(other) > len(text) or _is_menu(text)) and other and not _is_menu(other):
            text = other
    if found:
        facts = Facts(
            title=found.title or facts.title,
            date=facts.date or found.date,
            author=facts.author or found.author,
            site=facts.site or found.sitename,
            url=facts.url or found.url,
            date_guessed=facts.date is None,
        )
    return text, facts


def _trafilatura(html: str, fast: bool, facts: bool) -> Any:
    from trafilatura import bare_extraction

    for name in ("trafilatura", "htmldate"):  # they log what they make of hostile pages, for every page
        logging.getLogger(name).setLevel(logging.CRITICAL)
    try:
        return bare_extraction(
            html, include_comments=False, fast=fast, with_metadata=facts, date_extraction_params=dict(_STATED_DATES)
        )
    except Exception:  # a page that brings the extractor down is the page's fault, and goes to the other one
        return None


def _fast(html: str) -> str:
    from resiliparse.extract.html2text import extract_plain_text
    from resiliparse.parse.html import HTMLTree

    try:
        text: str = extract_plain_text(
            HTMLTree.parse(html),
            main_content=True,
            alt_texts=False,
            links=False,
            form_fields=False,
            noscript=False,
            comments=False,
        )
    except BaseException as error:
        if isinstance(error, Exception) or is_panic(error):
            raise BadInputError("unreadable", "no parser could make a tree of the page") from error
        raise
    return _BLANK_LINES.sub("\n\n", text).strip()


def _is_menu(text: str) -> bool:
    lines = [line for line in text.split("\n") if line.strip()]
    if len(lines) < _MENU_LINES:
        return False
    return sum(len(line.split()) < _FEW_WORDS for line in lines) > _MENU_SHARE * len(lines)


def _without_title(text: str, title: str | None) -> str:
    """Drop the first line where it only repeats the title, which has a column of its own."""
    first, newline, rest = text.lstrip().partition("\n")
    if not (title and newline and rest.strip()):
        return text
    return rest.lstrip() if _words(first) == _words(title) else text


def _words(text: str) -> list[str]:
    return [word.casefold() for word in _WORD.findall(text)]
