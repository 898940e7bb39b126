"""Write the report: the figures of an output, laid out as one HTML file that loads nothing and runs nothing."""

from __future__ import annotations

import hashlib
import json
import tempfile
import unicodedata
from base64 import b64encode
from collections.abc import Sequence
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dedupe.errors import unwritable
from dedupe.quantities import amount, duration
from dedupe.report.charts import axis, bars, columns, curve, heat, marks
from dedupe.report.verdict import headline, look_first, percent, summary
from dedupe.write.place import beside, put_in_place

if TYPE_CHECKING:
    from jinja2 import Environment
    from markupsafe import Markup

REPORT = "report.html"
_TEMPLATES = Path(__file__).parent / "templates"
# Text of the world without a space in it would widen the page; so much of a name is shown.
_LONGEST_NAME = 160
_JOINERS = "\u200c\u200d"  # Persian, Indic scripts and emoji are written with them


def write_report(folder: Path, found: dict[str, Any], path: Path | None = None) -> Path:
    """Write the report of the output in `folder`, of which `figures` has found these, and return its path.

    `path`: another file than report.html of the output, replaced as `put_in_place` does. But for its section on the run it
    depends on the input of the run alone. Raises UsageError where `path` cannot be written.
    """
    target = path or folder / REPORT
    page = render(found)
    try:
        with tempfile.TemporaryDirectory(prefix=".report-", dir=beside(target)) as work:
            draft = Path(work) / REPORT
            draft.write_text(page, encoding="utf-8", newline="\n")
            put_in_place(draft, target)
    except OSError as error:
        if path is None:
            raise
        raise unwritable(target, error) from None
    return target


def render(found: dict[str, Any]) -> str:
    """Lay the figures out as HTML."""
    page = load_templates().get_template("report.html")
    style = (_TEMPLATES / "report.css").read_text(encoding="utf-8")
    return page.render(
        **found,
        style=style,
        style_hash=b64encode(hashlib.sha256(style.encode()).digest()).decode(),
        headline=headline(found),
        summary=summary(found),
        look_first=look_first(found),
    )


@cache
def load_templates() -> Environment:
    """Return what lays figures out: 60 ms the first time, of the 70 that laying them out takes."""
    from jinja2 import Environment, FileSystemBytecodeCache, FileSystemLoader, StrictUndefined

    from dedupe.cache import cache_dir

    folder = cache_dir()
    made = Environment(
        loader=FileSystemLoader(_TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
        # 50 ms of compiling, of the 150 that the report may cost a run.
        bytecode_cache=FileSystemBytecodeCache(str(folder), "report-%s.jinja") if folder else None,
    )
    made.filters |= {
        "n": _number,
        "shown": shown,
        "name": name,
        "cut": _cut,
        "json": _json,
        "duration": duration,
        "moment": _moment,
    }
    made.globals |= {"amount": amount, "percent": percent, "pairs": _pairs, "stages": _stages}
    made.globals |= {"axis": axis, "bars": bars, "columns": columns, "curve": curve, "heat": heat, "marks": marks}
    return made


def shown(text: object) -> Markup:
    """Escape text of the world, and put a mark with its number in place of each character that shows nothing or turns a line.

    A bidirectional override would let a line read other than it is; a zero-width space in a repair is what was repaired.
    """
    from markupsafe import Markup, escape

    text = str(text)
    alone = not text.strip(_JOINERS)
    parts: list[Markup] = []
    plain: list[str] = []
    for char in text:
        hidden = char not in "\n\t" and unicodedata.category(char) in ("Cc", "Cf", "Zl", "Zp", "Co", "Cs")
        if hidden and (alone or char not in _JOINERS):
            parts += [escape("".join(plain)), Markup('<span class="hidden">U+{:04X}</span>').format(ord(char))]
            plain = []
        else:
            plain.append(char)
    return Markup("").join([*parts, escape("".join(plain))])


def name(text: object) -> Markup:
    """Show a title or a name: one line, cut where it is long."""
    return _cut(text, _LONGEST_NAME)


def _number(value: int) -> str:
    return f"{value:,}"


def _moment(value: str) -> str:
    return datetime.fromisoformat(value).strftime("%Y-%m-%d %H:%M UTC")


def _json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False)


def _cut(text: object, most: int) -> Markup:
    line = " ".join(str(text).split())
    return shown(line if len(line) <= most else line[: most - 1].rstrip() + "…")


def _pairs(rows: Sequence[dict[str, Any]], label: str, value: str, unit: str = "") -> list[tuple[str, float]]:
    return [(f"{row[label]}{unit}", row[value]) for row in rows]


def _stages(run: dict[str, Any]) -> list[tuple[str, float]]:
    # What the stages do not account for is writing: the manifest is written before writing ends.
    timings = dict(run["timings"])
    timings.setdefault("write", max(0.0, run["seconds"] - sum(timings.values())))
    return sorted(timings.items(), key=lambda stage: (-stage[1], stage[0]))
