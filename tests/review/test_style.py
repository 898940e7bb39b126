"""What is shown can be read: contrast of WCAG AA in both colour schemes, and nothing that a browser would fetch elsewhere."""

import re
from pathlib import Path

import pytest

from dedupe.review import rendering

FOLDER = Path(rendering.__file__).parent
STYLE = (FOLDER / "static" / "review.css").read_text(encoding="utf-8")

# Text on ground, as the style sheet lays one on the other.
PAIRS = [
    *((text, ground) for text in ("ink", "soft", "accent", "alarm") for ground in ("paper", "sheet")),
    *((text, "accent-wash") for text in ("ink", "soft", "accent")),
    *(("accent-ink", "accent"), ("gone-ink", "gone"), ("come-ink", "come"), ("spun-ink", "spun"), ("spun-ink", "paper")),
]


def schemes() -> dict[str, dict[str, str]]:
    light, dark = (
        dict(re.findall(r"--([\w-]+): (#[0-9a-f]{6})", part)) for part in STYLE.split("@media (prefers-color-scheme: dark)")[:2]
    )
    return {"light": light, "dark": light | dark}


def luminance(colour: str) -> float:
    # Relative luminance of WCAG 2.2.
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize(("text", "ground"), PAIRS)
def test_text_stands_out_from_its_ground(scheme: str, text: str, ground: str) -> None:
    colours = schemes()[scheme]
    high, low = sorted((luminance(colours[text]), luminance(colours[ground])), reverse=True)
    assert (high + 0.05) / (low + 0.05) >= 4.5


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("edge", ["line-strong", "accent", "here"])
def test_edges_of_controls_and_the_focus_are_seen(scheme: str, edge: str) -> None:
    colours = schemes()[scheme]
    high, low = sorted((luminance(colours[edge]), luminance(colours["paper"])), reverse=True)
    assert (high + 0.05) / (low + 0.05) >= 3


def test_nothing_is_fetched_from_elsewhere_and_nothing_is_inline() -> None:
    assert not re.search(r"url\(|@import", STYLE)
    for path in (FOLDER / "templates").glob("*.html"):
        text = path.read_text(encoding="utf-8")
        assert not re.search(r"""(?:src|href|action)=["'](?:https?:)?//""", text), path
        assert not re.search(r"<style|\sstyle=|\son\w+=|javascript:|\|safe", text), path
