"""The review in a real browser: two hundred clusters by keyboard alone, and articles that mean harm."""

import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from click.testing import Result
from corpora import generated, written

from dedupe.decisions.store import Decisions

BROWSERS = ("chromium", "chromium-browser", "google-chrome")


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    program = next((found for name in BROWSERS if (found := shutil.which(name))), None)
    if program is None:
        pytest.skip(f"needs a browser: one of {', '.join(BROWSERS)}")
    playwright = pytest.importorskip("playwright.sync_api", reason="needs playwright")
    with playwright.sync_playwright() as started:
        # Root, as in a container, has no sandbox of Chromium's.
        launched = started.chromium.launch(executable_path=program, args=["--no-sandbox"] if os.getuid() == 0 else [])
        yield launched
        launched.close()


class Reviewer:
    """A person at a keyboard, and what the browser said meanwhile."""

    def __init__(self, browser: Any, address: str) -> None:
        self.base = address.partition("/?")[0]
        self.page = browser.new_context(viewport={"width": 1280, "height": 900}).new_page()
        self.page.set_default_timeout(120_000)  # a busy machine is no defect
        self.said: list[str] = []
        self.asked: list[str] = []
        self.page.on("console", lambda message: self.said.append(message.text) if message.type in ("error", "warning") else None)
        self.page.on("pageerror", lambda error: self.said.append(str(error)))
        self.page.on("dialog", lambda dialog: self.said.append(f"dialog {dialog.message}"))
        self.page.on("request", lambda request: self.asked.append(request.url))
        self.page.goto(address)
        self.page.wait_for_url(f"{self.base}/clusters")

    def key(self, *keys: str) -> None:
        for one in keys:
            self.page.keyboard.press(one)

    def goes(self, *keys: str) -> None:
        """Press keys of which the last leads to another page."""
        self.key(*keys[:-1])
        with self.page.expect_navigation(wait_until="load"):
            self.key(keys[-1])
        self.page.wait_for_load_state("load")

    def todo(self) -> int:
        shown = self.page.locator('nav[aria-label="Queues"] a', has_text="Clusters").locator(".n").inner_text()
        return int(shown.replace(",", ""))

    def cluster(self) -> str:
        found = re.search(r"/cluster/(c[0-9a-f]+)", self.page.url)
        assert found, self.page.url
        return found[1]

    def members(self) -> list[str]:
        return [row.get_attribute("data-article") for row in self.page.locator(".members tr[data-article]").all()]

    def until_members(self, at_least: int) -> list[str]:
        while len(self.members()) < at_least:
            self.goes("j")
        return self.members()

    def compared(self) -> str:
        return str(self.page.locator("#compared input[name=compared]").get_attribute("value"))

    def last(self) -> str:
        return str(self.page.locator(".recent li").first.inner_text())


@contextmanager
def reviewing(output: Path) -> Iterator[str]:
    source = str(Path(__file__).parents[2] / "src")
    process = subprocess.Popen(
        [sys.executable, "-m", "dedupe", "review", str(output), "--no-browser", "--who", "Ada"],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env={**os.environ, "PYTHONPATH": source},
    )  # fmt: skip
    try:
        assert process.stdout is not None
        yield process.stdout.readline().strip()
        process.send_signal(signal.SIGINT)
        _, said = process.communicate(timeout=20)
        assert process.returncode == 0, said
        assert "Ended." in said
        assert "Traceback" not in said
    finally:
        process.kill()


def corpus(output: Path) -> dict[str, dict[str, Any]]:
    columns = ["article_id", "cluster_id", "canonical_id", "title"]
    return {row["article_id"]: row for row in pq.read_table(output / "corpus.parquet", columns=columns).to_pylist()}


@pytest.mark.slow
@pytest.mark.skipif(os.name == "nt", reason="sends a Ctrl-C as Unix does")
def test_two_hundred_clusters_by_keyboard_alone(browser: Any, tmp_path: Path, dedupe: Callable[..., Result]) -> None:
    given, output = written(tmp_path / "news.jsonl", generated(200)), tmp_path / "out"
    assert dedupe("clean", given, "-o", output, "--no-stories", "--workers", "1", "-q").exit_code == 0
    before = corpus(output)
    with reviewing(output) as address:
        ada = Reviewer(browser, address)
        at_first = ada.todo()
        assert at_first >= 200

        # The help lists the keys; the first of the queue is opened, its changes are walked through, and it is accepted.
        ada.key("?")
        assert ada.page.locator("dialog[open]").inner_text().startswith("Keys")
        ada.key("Escape")
        ada.goes("ArrowDown", "Enter")
        first = ada.cluster()
        ada.key("n", "n", "p")
        assert ada.page.locator("[data-stop].at").count() == 1
        accepted = ada.members()
        ada.goes("a")
        assert "Accepted" in ada.last()
        assert ada.todo() == at_first - 1
        assert ada.cluster() != first

        # Split: the member laid beside the canonical is ticked and split off.
        members = ada.until_members(4)
        split_from = ada.cluster()
        ada.key("s")  # nothing is ticked: nothing happens
        assert ada.cluster() == split_from
        weakest = ada.compared()
        assert weakest == members[-1]
        ada.key("ArrowUp")
        ada.page.wait_for_function("id => document.querySelector('#compared input[name=compared]').value === id", arg=members[-2])
        ada.key("ArrowDown")
        ada.page.wait_for_function("id => document.querySelector('#compared input[name=compared]').value === id", arg=weakest)
        ada.key("t")
        ada.goes("s")
        assert "Split" in ada.last()

        # Another canonical, and a cluster that is none.
        members = ada.until_members(3)
        chosen, chosen_among = ada.compared(), members
        ada.goes("c")
        apart = ada.until_members(2)
        ada.goes("x")
        assert "Not duplicates" in ada.last()

        # Merge with what a search finds.
        merged = ada.members()
        ada.goes("m")
        ada.key("/")
        ada.page.keyboard.type("Case 199:")
        ada.page.wait_for_selector("#results input[name=with]")
        ada.page.wait_for_function("document.querySelectorAll('#results input[name=with]').length === 1")
        merged_with = str(ada.page.locator("#results input[name=with]").get_attribute("value"))
        ada.key("ArrowDown", "Space")
        ada.goes("Enter")
        assert "Merged" in ada.last()

        # A slip of the finger, taken back; and one passed over, which comes last.
        ada.goes("ArrowDown", "Enter")
        slipped, left = ada.cluster(), ada.todo()
        ada.goes("x")
        ada.goes("u")
        assert "Took back" in ada.last()
        assert ada.todo() == left
        ada.goes("q")
        assert slipped in ada.page.locator(".list .row-link").first.get_attribute("href")

        # The rest one by one for a while, then in bulk: first some by a filter, taken back at once, then all.
        ada.goes("ArrowDown", "Enter")
        for _ in range(25):
            ada.goes("a")
        left = ada.todo()
        ada.page.reload()
        assert ada.todo() == left
        ada.goes("q")
        ada.key("/")
        ada.page.keyboard.type("museum")
        ada.page.wait_for_url("**/clusters?*q=museum*")
        ada.page.wait_for_function("document.querySelector('.tally').innerText.includes('museum')")
        ada.key("Escape")
        assert ada.page.locator("input[type=search]").input_value() == "museum"
        ada.goes("b")
        some = int(re.search(r"Accept (\d+) clusters", ada.page.locator("h1").inner_text())[1])  # type: ignore[index]
        assert 0 < some < left
        ada.goes("a")
        assert ada.todo() == left - some
        ada.goes("u")
        assert ada.todo() == left
        ada.page.goto(f"{ada.base}/clusters")
        ada.goes("b")
        ada.goes("a")
        assert ada.todo() == 0
        assert "Nothing is left to decide here" in ada.page.locator("#results").inner_text()
        assert ada.page.locator(".recent li").count() == 10

        # Every later run honours what was decided, and asks nothing again.
        assert dedupe("clean", given, "-o", output, "--no-stories", "--workers", "1", "-q").exit_code == 0
        ada.page.goto(f"{ada.base}/clusters")
        assert "A new run was published" in ada.page.content()
        assert ada.todo() == 0
        assert ada.page.locator(".filters").get_by_text("opened again").locator(".n").inner_text() == "0"
        assert ada.said == []
        assert [url for url in ada.asked if not url.startswith(ada.base)] == []

    after = corpus(output)
    assert after.keys() == before.keys()

    def together(articles: list[str]) -> bool:
        return len({after[article]["cluster_id"] for article in articles}) == 1

    assert together(accepted)
    rest = [article for article in before if before[article]["cluster_id"] == split_from and article != weakest]
    assert together(rest)
    assert after[weakest]["cluster_id"] != after[rest[0]]["cluster_id"]
    assert {after[article]["canonical_id"] for article in chosen_among} == {chosen}
    assert len({after[article]["cluster_id"] for article in apart}) == len(apart)
    assert together([*merged, *(article for article in before if before[article]["cluster_id"] == merged_with)])
    decided = {*rest, weakest, *apart, *merged}
    groups: dict[str, set[str]] = {}
    for article, row in before.items():
        groups.setdefault(row["cluster_id"], set()).add(article)
    for cluster, group in groups.items():
        if not group & decided and cluster != merged_with:
            assert together(sorted(group))


@pytest.mark.slow
@pytest.mark.skipif(os.name == "nt", reason="sends a Ctrl-C as Unix does")
def test_ticks_last_from_page_to_page(browser: Any, plain_output: Path, tmp_path: Path) -> None:
    output = Path(shutil.copytree(plain_output, tmp_path / "out"))
    with reviewing(output) as address:
        ada = Reviewer(browser, address)
        ada.page.goto(f"{ada.base}/clusters?size=50%2B")
        ada.goes("ArrowDown", "Enter")
        first = ada.compared()
        ada.key("t")
        ada.goes("]")
        assert first not in ada.members()
        second = ada.compared()
        ada.key("t")
        assert "ticked 2" in ada.page.locator("button[value=split]").inner_text()
        # One that is thought better of, and back on the first page the first is ticked still.
        ada.key("ArrowUp")
        ada.page.wait_for_function("id => document.querySelector('#compared input[name=compared]').value !== id", arg=second)
        ada.key("t", "t")
        ada.goes("[")
        assert ada.page.locator("input[name=ticked]:checked").get_attribute("value") == first
        ada.goes("s")
        assert "Split" in ada.last()
        assert ada.said == []
    (batch,) = Decisions.open(output).batches()
    assert set(batch.facts[0].groups[0]) == {first, second}


@pytest.mark.slow
@pytest.mark.skipif(os.name == "nt", reason="sends a Ctrl-C as Unix does")
def test_stories_by_keyboard(browser: Any, seeds_output: Path, tmp_path: Path) -> None:
    output = Path(shutil.copytree(seeds_output, tmp_path / "out"))
    with reviewing(output) as address:
        ada = Reviewer(browser, address)
        ada.page.goto(f"{ada.base}/stories")
        ada.goes("ArrowDown", "Enter")
        story = ada.page.url
        ada.key("m")
        assert ada.page.url == story
        assert "Tick the articles" in ada.page.locator("#said").inner_text()
        ada.key("ArrowDown", "t", "ArrowDown", "t")
        told = [box.get_attribute("value") for box in ada.page.locator("input[name=ticked]").all()]
        ada.goes("m")
        assert "Merged" in ada.last()
        ada.page.goto(story)
        ada.goes("j")
        assert "Skipped" in ada.last()
        assert ada.page.url.startswith(f"{ada.base}/stories")
        assert ada.said == []
    merged, skipped = Decisions.open(output).batches()
    assert set(merged.facts[0].articles) == {*told[:2]}
    assert (skipped.act, skipped.queue) == ("skip", "stories")


@pytest.mark.slow
@pytest.mark.skipif(os.name == "nt", reason="sends a Ctrl-C as Unix does")
def test_articles_that_mean_harm_are_only_read(browser: Any, hostile_output: Path, tmp_path: Path) -> None:
    output = Path(shutil.copytree(hostile_output, tmp_path / "out"))
    with reviewing(output) as address:
        ada = Reviewer(browser, address)
        links = [row.get_attribute("href") for row in ada.page.locator(".list .row-link").all()]
        assert len(links) >= 8
        for path in [
            *links,
            "/clusters?size=1",
            "/bulk",
            f"{links[0].partition('?')[0]}/merge?q=script",
            "/clusters?q=%3Cscript%3E",
        ]:
            ada.page.goto(ada.base + path)
            assert ada.page.evaluate("window.hurt") is None, path
            assert ada.page.evaluate("document.body.getClientRects().length") == 1
            # No text reaches out of the page's width, be it a megabyte in one line.
            assert ada.page.evaluate("document.documentElement.scrollWidth") <= 1280, path
        assert ada.said == []
        assert [url for url in ada.asked if not url.startswith(ada.base)] == []
