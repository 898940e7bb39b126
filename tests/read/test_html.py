"""Pages: the floor of extraction quality, hostile pages, and what pages say of themselves."""

from __future__ import annotations

import importlib.util
import time
from pathlib import Path

import pytest

from dedupe.config import Config
from dedupe.read.extraction import extract
from dedupe.read.pagefacts import page_facts

from .conftest import read_paths

ROOT = Path(__file__).resolve().parents[2]
PAGES = ROOT.parent / "shared" / "data" / "html-dev.parquet"
BODY = "<p>" + "Some sentences of a body that is long enough to be one. " * 8 + "</p>"


def bench():
    spec = importlib.util.spec_from_file_location("html_body", ROOT / "benchmarks" / "html_body.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize(("how", "floor"), [("best", 0.96), ("fast", 0.91)])
def test_bodies_reach_the_floor(how, floor):
    if not PAGES.exists():
        pytest.skip("the development pages are not here")
    import pyarrow.parquet as pq

    table = pq.read_table(PAGES, columns=["html", "text"])
    found = [extract(page, how).text for page in table["html"].to_pylist()]
    f1, precision, recall = bench().score(table["text"].to_pylist(), found)
    assert f1 >= floor, (f1, precision, recall)


def test_the_measure_is_that_of_the_benchmark():
    page_score = bench().page_score
    assert page_score("", "") == (1.0, 1.0)
    assert page_score("a b c d e", "") == (0.0, 0.0)
    assert page_score("a b c d e", "a b c d") == (1.0, 0.5)
    assert page_score("a b", "a b") == (1.0, 1.0)


@pytest.mark.parametrize(
    "page",
    [
        pytest.param("<html><body>" + "<div>" * 100_000 + BODY, id="nested"),
        pytest.param("<html><body>" + "<b>" * 100_000 + "x", id="unclosed"),
        pytest.param("<div " + " ".join(f"a{n}=1" for n in range(200_000)) + ">" + BODY, id="attributes"),
        pytest.param("<div " + "/".join(f"a{n}" for n in range(200_000)) + ">" + BODY, id="slashes"),
        pytest.param("<" * 2_000_000, id="brackets"),
        pytest.param("<html><body><p>" + "<br>" * 700_000 + BODY, id="tags"),
    ],
)
def test_pages_that_would_bring_a_parser_down_are_unreadable(tmp_path, page):
    (tmp_path / "a.html").write_text(page)
    start = time.process_time()
    got = read_paths([tmp_path])
    assert got.codes() == ["unreadable"]
    assert time.process_time() - start < 5


@pytest.mark.parametrize(
    "page",
    [
        pytest.param("<html><body><article>" + BODY * 5_000 + "</article>", id="megabytes"),
        pytest.param("<html><body>" + "<div>" * 900 + BODY + "</div>" * 900, id="deep"),
        pytest.param("<html><body><p>" + "<span>word</span> " * 100_000, id="spans"),
        pytest.param('<script type="application/ld+json">' + "[" * 100_000 + "</script>" + BODY, id="json"),
        pytest.param('<img src="data:image/png;base64,' + "ab/cd+12" * 50_000 + '">' + BODY, id="data address"),
        pytest.param("<meta name=x content=y>" * 50_000 + BODY, id="metas"),
        pytest.param("<title>" * 20_000 + BODY, id="titles"),
    ],
)
def test_large_and_odd_pages_are_read_in_bounded_time(tmp_path, page):
    (tmp_path / "a.html").write_text(page)
    start = time.process_time()
    got = read_paths([tmp_path])
    assert got.records == 1
    assert time.process_time() - start < 15


@pytest.mark.parametrize("how", ["best", "fast"])
@pytest.mark.parametrize("page", ["<html></html>", "<html><body><nav><a href=x></a></nav></body></html>", "<script>x</script>"])
def test_a_page_without_an_article_is_empty(tmp_path, page, how):
    (tmp_path / "a.html").write_text(page)
    assert read_paths([tmp_path], Config(html=how)).codes() == ["empty"]


def test_facts_come_from_json_ld_and_meta_tags():
    page = """<html><head><title>Title &amp; more | Site</title>
    <script type="application/ld+json">{"@graph": [{"@type": "WebSite", "name": "x"}, {"@type": ["NewsArticle"],
    "headline": "The headline", "datePublished": "0001-01-01T00:00:00Z", "author": [{"name": "Ann"}, {"name": "Bob"}],
    "publisher": {"name": "The Site"}}]}</script>
    <meta content='2025-04-03T10:00:00Z' property='article:published_time'>
    <link href="https://example.org/a?b=1&amp;c=2" rel="canonical"></head></html>"""
    facts = page_facts(page)
    assert facts.title == "The headline"
    assert facts.date == "2025-04-03T10:00:00Z"
    assert facts.author == "Ann, Bob"
    assert facts.site == "The Site"
    assert facts.url == "https://example.org/a?b=1&c=2"
    assert page_facts("<title>Title &amp; more</title>").title == "Title & more"
