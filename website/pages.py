"""Put the documents that lie outside docs/ on the site, and lead links to them there.

On a checkout all links are paths between files; on the site every page lies in one folder. Called by MkDocs: see mkdocs.yml.
"""

from __future__ import annotations

import html
import posixpath
import re
from pathlib import Path

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.exceptions import PluginError
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

ROOT = Path(__file__).parents[1]
# Each document outside docs/ with the name of its page.
OUTSIDE = {
    "README.md": "start.md",
    "CONTRIBUTING.md": "contributing.md",
    "CHANGELOG.md": "changelog.md",
    "NOTICE.md": "notice.md",
    "benchmarks/README.md": "benchmarks.md",
}
_LINK = re.compile(r"(?P<text>\[[^\]\n]*\])\((?P<target>[^)\s]+)\)")
_FENCE = re.compile(r"^```.*?^```[ \t]*$", re.M | re.S)
# A bar in code in a table: GitHub wants it escaped, and Python-Markdown shows the escape.
_BAR = re.compile(r"`([^`\n]*\\\|[^`\n]*)`")
# Above a table or an example it says what a test holds it against; in a paragraph it would be shown.
_MARK = re.compile(r"^<!-- .*? -->\n", re.M)


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the documents outside docs/."""
    for document, page in OUTSIDE.items():
        files.append(File.generated(config, page, content=(ROOT / document).read_text(encoding="utf-8")))
    return files


def on_page_markdown(markdown: str, page: Page, config: MkDocsConfig, files: Files) -> str:  # noqa: ARG001 - MkDocs names them
    """Lead links between documents to their pages, and take out the marks that tests read."""
    name = page.file.src_uri
    document = next((outside for outside, its in OUTSIDE.items() if its == name), f"docs/{name}")
    parts, end = [], 0
    for fence in _FENCE.finditer(markdown):
        parts += [_led(markdown[end : fence.start()], document), fence[0]]
        end = fence.end()
    return "".join([*parts, _led(markdown[end:], document)])


def _led(markdown: str, document: str) -> str:
    markdown = _BAR.sub(_code, _MARK.sub("", markdown))
    return _LINK.sub(lambda link: f"{link['text']}({_target(link['target'], document)})", markdown)


def _code(found: re.Match[str]) -> str:
    code = html.escape(found[1]).replace("\\|", "&#124;")
    return f"<code>{code}</code>"


def _target(target: str, document: str) -> str:
    path, mark, anchor = target.partition("#")
    if not path or "://" in path or path.startswith("mailto:"):
        return target
    place = posixpath.normpath(posixpath.join(posixpath.dirname(document), path))
    if place in OUTSIDE:
        return OUTSIDE[place] + mark + anchor
    if place.startswith("docs/"):
        return place.removeprefix("docs/") + mark + anchor
    raise PluginError(f"{document} links to {target}, which is no page of the site")
