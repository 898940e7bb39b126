import hashlib
import json
import re
import shutil
from base64 import b64encode
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path

import pytest
from click.testing import Result

from dedupe import job
from dedupe.config import Config
from dedupe.report.figures import figures
from dedupe.report.page import name, render, shown
from dedupe.report.rows import opening
from dedupe.write.manifest import load_manifest

Dedupe = Callable[..., Result]

# What the report is made of; anything else came out of an article.
TAGS = set(
    "html head meta title style body header main nav section div p h1 h2 h3 dl dt dd ul li a i small code span bdi cite br"
    " table thead tbody tr th td details summary blockquote del ins footer svg g rect line text tspan polyline".split()
)
SECTIONS = "repairs clusters similarity publishers stories timeline languages rejects decisions settings run".split()


class Page(HTMLParser):
    """Take a page apart: its tags, attributes, headings and text."""

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self.tags: set[str] = set()
        self.attributes: list[tuple[str, str | None]] = []
        self.open: list[str] = []
        self.words: list[str] = []
        self.feed(text)
        self.close()
        self.text = "".join(self.words)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.attributes += attrs
        if tag not in ("meta", "br"):
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.attributes += attrs

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self.open[-1:] != ["style"]:
            self.words.append(data)


def page_of(output: Path) -> Page:
    return Page((output / "report.html").read_text(encoding="utf-8"))


def without_run(page: str) -> str:
    return re.sub(r'<section id="run">.*?</section>', "", page, flags=re.S)


def assert_safe(page: Page) -> None:
    assert page.open == []
    assert page.tags <= TAGS
    assert [key for key, _ in page.attributes if key.startswith("on") or key in ("style", "src", "srcset")] == []
    assert all((value or "").startswith("#") for key, value in page.attributes if key == "href")


def write_lines(path: Path, rows: list[dict[str, object]]) -> Path:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


def words(count: int, of: int = 0) -> str:
    return " ".join(f"w{of}x{number}" for number in range(count))


@pytest.fixture(scope="module")
def told(seeds: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    output = tmp_path_factory.mktemp("report") / "out"
    job.clean([seeds], output, workers=1)
    return output


def test_the_report_of_the_seeds_has_its_parts_in_order(told: Path) -> None:
    page = page_of(told)
    assert_safe(page)
    text = (told / "report.html").read_text(encoding="utf-8")
    assert re.findall(r'<section id="(\w+)">', text) == SECTIONS
    assert "No article is a copy of another" in page.text
    assert "5 files held 5 records: 5 articles and no reject." in page.text
    assert re.findall(r"<dt>(\w+)</dt><dd>([\d,]+)", text) == [
        ("Articles", "5"), ("Copies", "0"), ("Canonical", "5"), ("Repaired", "4"), ("Stories", "1")
    ]  # fmt: skip
    # Spun text before every other rule, with what stood there and what stands there now.
    assert page.text.index("R400") < page.text.index("R300")
    assert "<del>whether or not</del><ins>whether</ins>" in text
    assert "<del>Leave a Comment</del>" in text
    assert len(text) < 60_000


def test_every_chart_has_its_table(told: Path) -> None:
    text = (told / "report.html").read_text(encoding="utf-8")
    for section in re.findall(r"<section.*?</section>", text, re.S):
        if "<svg" in section:
            assert "<table>" in section.partition("<svg")[2]
    assert text.count('role="img"') == len(re.findall(r'role="img" aria-label="\w[^"]+"', text)) >= 5


def test_the_page_loads_and_runs_nothing(told: Path) -> None:
    text = (told / "report.html").read_text(encoding="utf-8")
    style = text.partition("<style>")[2].partition("</style>")[0]
    allowed = b64encode(hashlib.sha256(style.encode()).digest()).decode()
    policy = re.search(r'Content-Security-Policy" content="([^"]+)"', text)
    assert policy
    assert policy[1] == f"default-src 'none'; style-src 'sha256-{allowed}'; base-uri 'none'; form-action 'none'"
    assert "http" not in re.sub(r"<(?:td|blockquote|bdi).*?</(?:td|blockquote|bdi)>", "", text, flags=re.S).replace(
        "http-equiv", ""
    )
    assert "url(" not in style
    assert "@import" not in style


def test_a_report_again_is_the_same_from_disk_and_from_memory(told: Path, dedupe: Dedupe, tmp_path: Path) -> None:
    first = (told / "report.html").read_text(encoding="utf-8")
    result = dedupe("report", told, "--to", tmp_path / "again.html")
    assert result.exit_code == 0, result.output
    assert (tmp_path / "again.html").read_text(encoding="utf-8") == first
    assert dedupe("report", told).exit_code == 0
    assert dedupe("inspect", told, "--check").exit_code == 0
    assert (told / "report.html").read_text(encoding="utf-8") == first
    as_json = json.loads(dedupe("report", told, "--json").stdout)
    assert as_json["numbers"]["articles"] == 5
    assert dedupe("report", tmp_path).exit_code == 2


def test_the_same_input_gives_the_same_report_but_for_its_run(told: Path, seeds: Path, tmp_path: Path) -> None:
    shutil.copytree(seeds, tmp_path / "elsewhere")
    job.clean([tmp_path / "elsewhere"], tmp_path / "out", workers=2)
    one, other = ((output / "report.html").read_text(encoding="utf-8") for output in (told, tmp_path / "out"))
    assert one != other
    assert without_run(one) == without_run(other)


HOSTILE = (
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "javascript:alert(1)",
    "{{ 7 * 7 }}{% raw %}",
    "</style></title><svg onload=alert(1)>",
    "evil\u202egpj.exe\u2066 \u200b",
    "]]>--><!--",
)


@pytest.mark.parametrize(("clean", "seen"), [(True, "evilU+202Egpj.exe"), (False, "evilU+202Egpj.exeU+2066")])
def test_hostile_articles_show_as_text(clean: bool, seen: str, tmp_path: Path) -> None:
    rows: list[dict[str, object]] = []
    for number, evil in enumerate(HOSTILE):
        for copy in range(2):
            text = f"{evil}\x00\u200b {words(80, number)} it\u00e2\u20ac\u2122s {evil} end."
            # The name of a publisher that is too long for one, and a line of half a megabyte without a space.
            outlet = evil + "x" * (copy * 3_000)
            rows.append({"title": evil, "text": text, "site": outlet, "url": f"javascript://{evil}", "author": evil})
    rows += [{"text": "z" * 500_000, "title": "long"}, {"text": ""}, {"text": "مرحبا بالعالم", "title": "مرحبا"}]
    (tmp_path / "in").mkdir()
    write_lines(tmp_path / "in" / "<b onclick=alert(1)>&.jsonl", rows)
    job.clean([tmp_path / "in"], tmp_path / "out", Config(clean=clean), workers=1)
    page = page_of(tmp_path / "out")
    assert_safe(page)
    for evil in HOSTILE[:4]:
        assert evil in page.text
    assert seen in page.text
    assert "<b onclick=alert(1)>&.jsonl" in page.text
    raw = (tmp_path / "out" / "report.html").read_text(encoding="utf-8")
    assert re.findall(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u200b\u202a-\u202e\u2066-\u2069]", raw) == []
    assert len(raw) < 100_000


@pytest.mark.parametrize(
    ("text", "html"),
    [
        ("a<b>&'\"", "a&lt;b&gt;&amp;&#39;&#34;"),
        ("a\u202eb", 'a<span class="hidden">U+202E</span>b'),
        ("\u200d", '<span class="hidden">U+200D</span>'),
        ("می\u200cخواهم", "می\u200cخواهم"),
        ("a\tb\nc", "a\tb\nc"),
        ("\ue000", '<span class="hidden">U+E000</span>'),
    ],
)
def test_characters_that_show_nothing_are_shown(text: str, html: str) -> None:
    assert shown(text) == html


def test_names_are_one_line_and_cut() -> None:
    assert name(" a\n b ") == "a b"
    assert len(name("x" * 9_999)) < 200
    assert name("<" * 9_999).count("&lt;") == 159


def test_an_empty_corpus_and_one_of_rejects_only(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "blank.txt").write_text(" \n")
    job.clean([tmp_path / "in"], tmp_path / "out", workers=1)
    page = page_of(tmp_path / "out")
    assert_safe(page)
    assert "No article came out" in page.text
    assert "blank.txt" in page.text
    assert "No two articles are alike." in page.text
    write_lines(tmp_path / "none.jsonl", [])
    job.clean([tmp_path / "none.jsonl"], tmp_path / "none", workers=1)
    assert_safe(page_of(tmp_path / "none"))


def test_who_copies_whom_goes_from_the_copy_to_the_canonical(tmp_path: Path) -> None:
    rows: list[dict[str, object]] = []
    for number in range(6):
        rows.append({"text": words(120, number), "site": "Wire", "date": f"2024-03-{number + 1:02}", "title": f"T{number}"})
        if number < 4:
            site = "Copier" if number else None
            copy = {"text": words(110, number) + " other", "site": site, "url": "https://www.Host.com/a", "date": "2024-03-20"}
            rows.append({key: value for key, value in copy.items() if value})
    job.clean([write_lines(tmp_path / "in.jsonl", rows)], tmp_path / "out", workers=1)
    found = figures(tmp_path / "out", load_manifest(tmp_path / "out"))
    pairs = [(row["copy"], row["canonical"], row["articles"]) for row in found["publishers"]["pairs"]]
    assert pairs == [("Copier", "Wire", 3), ("host.com", "Wire", 1)]
    across = found["publishers"]["across"]
    assert found["publishers"]["matrix"][across.index("Copier")][across.index("Wire")] == 3
    assert sum(map(sum, found["publishers"]["matrix"])) == found["numbers"]["copies"] == 4
    assert (found["publishers"]["between"], found["publishers"]["within"]) == (4, 0)
    assert sum(row["articles"] for row in found["sizes"]) == 10
    assert sum(one["articles"] for one in found["timeline"]["bins"]) == 10
    assert sum(one["joined"] for one in found["similarity"]["bins"]) == 4
    assert all(row["articles"] == 2 and row["publishers"] == 2 for row in found["most_copied"])
    assert (
        "40 % of the articles are copies" in page_of(tmp_path / "out").text
        or "One article in 2 is a copy" in page_of(tmp_path / "out").text
    )


def test_an_article_without_a_title_is_named_by_how_it_begins(tmp_path: Path) -> None:
    text = " ".join(f"<b>word{number}</b>" for number in range(60))
    rows: list[dict[str, object]] = [{"text": f"{text} {ending}"} for ending in ("rain", "snow")]
    job.clean([write_lines(tmp_path / "in.jsonl", rows)], tmp_path / "out", Config(clean=False, stories=False), workers=1)
    page = page_of(tmp_path / "out")
    assert_safe(page)
    assert "<b>word0</b> <b>word1</b> <b>word2</b> <b>word3</b> <b>word4</b> <b>word5</b> <b>word6</b> …" in page.text
    assert "in.jsonl:1" not in page.text
    # A script without spaces is cut where it may.
    assert opening("字" * 300) == "字" * 80 + " …"
    assert opening("a  short\n\none") == "a short one"


def test_decisions_that_were_honoured_are_told(told: Path) -> None:
    found = figures(told, load_manifest(told))
    assert "No decisions were there to honour." in Page(render(found)).text
    found["decisions"] = {"honoured": 3, "not_found": 1, "contradicted": 0}
    text = Page(render(found)).text.replace("\n", "")
    assert "honoured3not found1contradicted0" in text
    assert "1 decision speaks of articles that are not there." in text
    assert "contradicts another" not in text


@pytest.mark.slow
def test_ten_thousand_clusters_stay_under_a_megabyte(tmp_path: Path) -> None:
    rows: list[dict[str, object]] = []
    for number in range(10_000):
        for copy in range(2):
            spoilt = "it\u00e2\u20ac\u2122s &amp; \u200b" if number % 100 == 0 else ""
            text = f"{words(24, number)} {spoilt}\n\nShare Tweet Email\n\nAdvertisement"
            outlet = f"Outlet {number % 700} and a long name that goes on {'<' * 100}"
            rows.append(
                {
                    "text": text,
                    "title": f"{'<' * (300 if number < 99 else 9)} {number}",
                    "site": outlet if copy else f"Site {number % 900}",
                }
            )
    rows += [{"text": ""}] * 500
    job.clean([write_lines(tmp_path / "in.jsonl", rows)], tmp_path / "out", workers=1)
    page = (tmp_path / "out" / "report.html").read_text(encoding="utf-8")
    assert "10,000" in page
    assert len(page.encode()) < 1_000_000


def chromium() -> str:
    found = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if found is None:
        pytest.skip("needs Chromium")
    return found


@pytest.mark.slow
@pytest.mark.parametrize("width", [1280, 390])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_browser_shows_it_whole(told: Path, width: int, scheme: str) -> None:
    playwright = pytest.importorskip("playwright.sync_api", reason="needs Playwright")
    with playwright.sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=chromium(), args=["--no-sandbox"])
        page = browser.new_page(viewport={"width": width, "height": 800}, color_scheme=scheme)
        noise: list[str] = []
        page.on("console", lambda message: noise.append(message.text))
        page.on("request", lambda request: noise.append(request.url) if not request.url.startswith("file:") else None)
        page.goto((told / "report.html").as_uri())
        wide, ground, ink = page.evaluate(
            "() => { const s = getComputedStyle(document.body);"
            " return [document.documentElement.scrollWidth, s.backgroundColor, s.color]; }"
        )
        charts = page.evaluate("() => [...document.querySelectorAll('svg.chart')].map(c => c.getBoundingClientRect().width)")
        browser.close()
    assert noise == []
    assert wide == width
    light = [sum(map(int, re.findall(r"\d+", colour)[:3])) for colour in (ground, ink)]
    assert (light[0] > light[1]) == (scheme == "light")
    assert min(charts[:3]) > width * 0.5
