"""Nobody comes in without the token, from another site or under another name; and what articles hold stays text."""

import html
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from corpora import HOSTILE

OWN = "http://127.0.0.1:8765"


@pytest.fixture
def page(opened: Callable[..., Any], hostile_output: Path) -> Any:
    return opened(hostile_output)


@pytest.mark.parametrize("path", ["/clusters", "/static/review.css", "/updates", "/nothing"])
def test_without_the_token_nothing_is_shown(page: Any, path: str) -> None:
    page.client.cookies.clear()
    assert page.client.get(path).status_code == 403
    assert page.client.get(path, params={"token": "wrong"}).status_code == 403
    page.client.cookies.set("dedupe-review-8765", "wrong")
    assert page.client.get(path).status_code == 403
    # The token of an address opens the entrance alone: no other address carries it.
    page.client.cookies.clear()
    assert page.client.get(path, params={"token": "the-token-of-the-tests"}).status_code == 403


def test_the_cookie_is_kept_from_scripts_and_other_sites(page: Any) -> None:
    answer = page.client.get("/", params={"token": "the-token-of-the-tests"})
    cookie = answer.headers["set-cookie"].lower()
    assert "httponly" in cookie
    assert "samesite=strict" in cookie
    assert "the-token-of-the-tests" not in answer.text


@pytest.mark.parametrize(
    "host", ["evil.example", "evil.example:8765", "127.0.0.1", "127.0.0.1:80", "localhost:9", "", "[::1]:8765"]
)
def test_a_foreign_host_is_refused(page: Any, host: str) -> None:
    # A foreign name that was made to point to this machine (DNS rebinding) comes with its own name.
    answer = page.client.get("/clusters", headers={"host": host})
    assert answer.status_code == 421
    assert "cluster" not in answer.text


@pytest.mark.parametrize(
    "origin", ["https://evil.example", "null", "http://127.0.0.1:9", "http://localhost:8765", "https://127.0.0.1:8765", ""]
)
def test_a_foreign_origin_is_refused(page: Any, origin: str) -> None:
    before = page.desk.decisions.latest()
    assert page.client.get("/clusters", headers={"origin": origin}).status_code == 403
    assert page.client.post("/undo", data={"next": "/"}, headers={"origin": origin}).status_code == 403
    assert page.desk.decisions.latest() == before


def test_a_change_that_does_not_say_where_it_comes_from_is_refused(page: Any) -> None:
    del page.client.headers["origin"]
    assert page.client.get("/clusters").status_code == 200
    assert page.client.post("/undo", data={"next": "/"}).status_code == 403


def test_nothing_is_decided_by_following_a_link(page: Any) -> None:
    cluster = page.clusters()[0]
    for path in (f"/cluster/{cluster}/decide", f"/cluster/{cluster}/decide?act=accept", "/undo", "/repairs/undo"):
        assert page.client.get(path).status_code in (404, 405)


@pytest.mark.parametrize("target", ["https://evil.example/", "//evil.example/", "/\\evil.example/", "javascript:alert(1)"])
def test_no_form_leads_to_another_site(page: Any, target: str) -> None:
    answer = page.client.post("/undo", data={"next": target}, follow_redirects=False)
    assert answer.status_code == 303
    assert answer.headers["location"] == "/clusters"


def test_every_answer_is_sealed(page: Any) -> None:
    page.client.follow_redirects = False
    answers = [page.client.get(path) for path in ("/", "/clusters", "/nothing", "/static/review.js", "/static/../security.py")]
    page.client.cookies.clear()
    answers.append(page.client.get("/clusters"))
    for answer in answers:
        policy = dict(part.strip().split(" ", 1) for part in answer.headers["content-security-policy"].split(";"))
        assert policy["default-src"] == policy["base-uri"] == policy["frame-ancestors"] == "'none'"
        assert {policy[name] for name in ("script-src", "style-src", "connect-src", "form-action", "img-src")} == {"'self'"}
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["cache-control"] == "no-store"
        assert "server" not in answer.headers


@pytest.fixture(scope="module")
def pages(opened: Callable[..., Any], hostile_output: Path) -> dict[str, str]:
    page = opened(hostile_output)
    clusters = page.clusters()
    paths = [
        "/clusters",
        "/clusters?size=1",
        "/clusters?q=%3Cscript%3E",
        "/updates",
        "/stories",
        "/repairs",
        "/audit",
        "/bulk",
        "/keys",
    ]
    paths += [f"/cluster/{cluster}" for cluster in clusters]
    paths += [f"/cluster/{clusters[0]}/merge?q=%3Cscript%3E", "/audit/edge", "/conflicts"]
    return {path: page.get(path) for path in paths}


def test_what_articles_hold_is_text(pages: dict[str, str]) -> None:
    whole = "".join(pages.values())
    for path, text in pages.items():
        assert "<script>" not in text, path
        assert re.findall(r"<script\b[^>]*>", text) == [
            '<script src="/static/htmx.min.js" defer>',
            '<script src="/static/review.js" defer>',
        ], path
        # Every tag that stands there is one that a template of ours writes, with no handler, no style and no foreign address.
        tags = re.findall(r"<([a-z][a-z0-9]*)\b([^>]*)>", text)
        assert {name for name, _ in tags} <= OURS, (path, {name for name, _ in tags} - OURS)
        for name, attributes in tags:
            assert not re.search(r"\s(?:on\w+|style|hx-on\S*)\s*=", re.sub(r'"[^"]*"', '""', attributes)), (
                path,
                name,
                attributes,
            )
            for address in re.findall(r'\s(?:href|src|action|hx-get)="([^"]*)"', attributes):
                assert address.startswith(("/", "#")) or re.match(r"https?://a\.example/", address), (path, address)
    for attack in HOSTILE:
        shown = str(html.escape(attack, quote=False)).replace('"', "&#34;").replace("'", "&#39;")
        if "\u202e" not in attack:
            assert shown in whole, attack
    assert "{{ 7 * 7 }}" in whole
    assert "49" not in re.findall(r"<h1.*?</h1>", whole)


OURS = set(
    "a aside b base bdi body button caption circle code dd del details dialog div dl dt figcaption figure form g h1 h2 h3 head header "
    "html input ins kbd label li line link main meta nav ol p progress rect section small span strong summary svg table tbody td text "
    "th thead time title tr ul script".split()
) - {"base"}


def test_overrides_of_direction_are_seen_and_do_nothing(pages: dict[str, str]) -> None:
    whole = "".join(pages.values())
    assert not set("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\x1b\x07") & set(whole)
    assert '<span class="sign" title="RIGHT-TO-LEFT OVERRIDE">RLO</span>' in whole
    assert '<span class="sign" title="U+001B">U+001B</span>' in whole
    # In attributes, where no element can stand, they are spelled out.
    assert "⟨RLO⟩" in whole


def test_only_addresses_of_the_web_can_be_followed(pages: dict[str, str]) -> None:
    whole = "".join(pages.values())
    assert "javascript:window.hurt" in whole
    assert not re.search(r'href="(?!/|#|https?://)', whole)
    for tag in re.findall(r'<a [^>]*href="https?://[^>]*>', whole):
        assert 'rel="noreferrer noopener"' in tag


def test_a_megabyte_in_one_line_is_cut_and_says_so(page: Any) -> None:
    for cluster in page.clusters("?q=xxxxxxxxxx"):
        text = page.get(f"/cluster/{cluster}")
        assert len(text) < 1_500_000
        assert re.search(r"80\d,\d{3} characters at the end of the left article are not shown", text)
    assert page.clusters("?q=xxxxxxxxxx")


@pytest.mark.parametrize(
    "query",
    ["?page=0", "?page=-1", "?page=99999999999999999999", "?page=x", "?size=%00", "?reason='", "?q=%5B(", "?language=%22", "?q=" + "a" * 5000,
     "?state[]=x&page=٣", "?q=%F0%9F%98%80", "?size=several&size=1"],
)  # fmt: skip
def test_any_address_is_answered(page: Any, query: str) -> None:
    for path in ("/clusters", "/updates", "/stories", "/repairs", "/audit", "/bulk"):
        assert page.client.get(path + query).status_code == 200


def test_forms_that_make_no_sense_decide_nothing(page: Any) -> None:
    before = page.desk.decisions.latest()
    cluster = page.clusters()[0]
    address = f"/cluster/{cluster}/decide"
    assert page.client.post(address, data={"act": "accept"}).status_code == 409  # nothing says which members were shown
    assert page.client.post(address, content=b"\xff\xfe", headers={"content-type": "x"}).status_code == 400
    assert page.client.post(address, content=b"a" * 3_000_000).status_code == 413
    assert page.client.post("/repairs/undo", data={"article": "0" * 32, "seq": "1"}).status_code == 404
    assert page.client.post("/undo", data={"batch": "7777"}).status_code == 409
    assert page.client.post("/cluster/unknown/decide", data={"act": "accept"}).status_code == 404
    assert page.desk.decisions.latest() == before
