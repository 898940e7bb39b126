"""The documents say what is true now: tables, figures, examples and links are held against the code.

`python tests/test_docs.py` writes the tables of the documents anew.
"""

import ast
import importlib.util
import inspect
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from dataclasses import fields
from functools import cache
from pathlib import Path
from typing import NamedTuple

import click
import pytest

ROOT = Path(__file__).parents[1]
DOCUMENTS = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md"), *(ROOT / "benchmarks").glob("*.md")])
README = ROOT / "README.md"


def name_of(document: Path) -> str:
    return document.relative_to(ROOT).as_posix()


each_document = pytest.mark.parametrize("document", DOCUMENTS, ids=name_of)


# Tables that repeat the code. In a document `<!-- table: NAME -->` stands above each.


def table(head: list[str], rows: list[list[str]]) -> str:
    lines = [head, ["---"] * len(head), *([cell.replace("|", "\\|") for cell in row] for row in rows)]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def codes(words: list[str] | tuple[str, ...]) -> str:
    return ", ".join(f"`{word}`" for word in words)


def rules_table(first: str) -> str:
    from dedupe.repair.rules import RULES

    chosen = [rule for rule in RULES.values() if rule.code.startswith(first)]
    return table(["code", "name", "with it"], [[f"`{rule.code}`", f"`{rule.name}`", rule.gains] for rule in chosen])


def formats_table() -> str:
    from dedupe.read.formats import FORMATS

    kinds = dict.fromkeys(FORMATS.values())
    about = {
        "txt": "one article, its text as it is",
        "md": "one article; YAML front matter gives fields",
        "html": "one article, taken out of the page",
        "json": "one article, an array, or an envelope around one",
        "jsonl": "one article a line",
        "csv": "one article a row under a header",
        "tsv": "the same, with tabs",
        "parquet": "one article a row",
        "arrow": "one article a row; files and streams",
        "warc": "the HTML pages of a crawl",
    }
    rows = [[f"`{kind}`", codes([end for end, its in FORMATS.items() if its == kind]), about[kind]] for kind in kinds]
    return table(["format", "names end in", "what it gives"], rows)


def compressions_table() -> str:
    from dedupe.read.formats import COMPRESSIONS

    kinds = dict.fromkeys(COMPRESSIONS.values())
    return table(
        ["compression", "names end in"],
        [[kind, codes([end for end, its in COMPRESSIONS.items() if its == kind])] for kind in kinds],
    )


def columns_table() -> str:
    from dedupe.read.columns import NAMES

    return table(
        ["field", "names that are taken, best first"], [[f"`{target}`", codes(names)] for target, names in NAMES.items()]
    )


def rejects_table() -> str:
    from dedupe.read.reasons import SENTENCES

    return table(["code", "sentence"], [[f"`{code}`", sentence.format("…")] for code, sentence in SENTENCES.items()])


def languages_table() -> str:
    from dedupe.repair.language import LanguageIdentifier

    return codes(LanguageIdentifier().languages)


def settings_table() -> str:
    from dedupe.config import Config

    # JSON writes these values as TOML does.
    defaults = Config().as_dict()
    rows = [[f"`{one.name}`", f"`{json.dumps(defaults[one.name])}`", one.metadata["why"]] for one in fields(Config)]
    return table(["setting", "default", "what it is for"], rows)


def schema_table(name: str) -> str:
    from dedupe.schema import TABLES
    from dedupe.write.card import _type

    schema = TABLES[name]
    rows = [[f"`{field.name}`", _type(field.type), (field.metadata or {})[b"comment"].decode()] for field in schema]
    return table(["column", "type", "what it holds"], rows)


def peers_table() -> str:
    """Return the rows of the benchmark's figures that compare with another tool."""
    text = (ROOT / "benchmarks" / "README.md").read_text(encoding="utf-8").partition("## Figures")[2]
    rows = [[cell.strip() for cell in row.strip("| ").split("|")] for row in re.findall(r"^\|.*\|$", text, re.M)]
    others = re.compile(r"against (?:rensa|datasketch|langdetect|ftfy|text-dedup|datatrove|NeMo)")
    return table(["what", "times as fast"], [row[:2] for row in rows if others.search(row[0])])


def generated(name: str) -> str:
    kind, _, argument = name.partition(" ")
    makers = {
        "rules": lambda: rules_table(argument),
        "formats": formats_table,
        "compressions": compressions_table,
        "columns": columns_table,
        "rejects": rejects_table,
        "languages": languages_table,
        "settings": settings_table,
        "schema": lambda: schema_table(argument),
        "peers": peers_table,
    }
    return makers[kind]()


_TABLE = re.compile(r"(<!-- table: (?P<name>[^>]+?) -->\n)(?P<body>(?:[^\n]+\n)*)")


def with_tables(text: str) -> str:
    return _TABLE.sub(lambda found: found[1] + generated(found["name"]) + "\n", text)


@each_document
def test_tables_say_what_the_code_says(document: Path) -> None:
    text = document.read_text(encoding="utf-8")
    assert text == with_tables(text), "write them anew with: python tests/test_docs.py"


def test_every_benchmark_is_documented_once() -> None:
    text = (ROOT / "benchmarks" / "README.md").read_text(encoding="utf-8")
    programs = [path.stem for path in (ROOT / "benchmarks").glob("*.py") if "__main__" in path.read_text(encoding="utf-8")]
    # peers.py is what `benchmarks.run` measures against, each peer by a Python of its own.
    assert [name for name in sorted(programs) if f"benchmarks.{name}" not in text] == ["peers"]
    headings = re.findall(r"^#+ .*$", text, re.M)
    assert len(headings) == len(set(headings))


def test_every_rule_schema_code_and_column_is_documented() -> None:
    from dedupe.repair.rules import RULES
    from dedupe.schema import TABLES

    named = {found["name"] for document in DOCUMENTS for found in _TABLE.finditer(document.read_text(encoding="utf-8"))}
    documented = "".join(document.read_text(encoding="utf-8") for document in DOCUMENTS)
    wanted = {f"schema {name}" for name in TABLES if name != "canonical"}  # which has the columns of the corpus
    assert wanted | {"formats", "compressions", "columns", "rejects", "languages", "settings"} <= named
    assert [code for code in RULES if f"`{code}`" not in documented] == []


COMMANDS = ROOT / "docs" / "commands.md"


def fill(text: str) -> str:
    return textwrap.fill(" ".join(text.split()), 118, break_long_words=False, break_on_hyphens=False)


def commands_page() -> str:
    """Return the page that repeats the help of every command."""
    from dedupe.cli import cli

    page = """# Commands

What `dedupe COMMAND --help` says, on one page. Results go to stdout, progress, notices and errors to stderr; the
[exit statuses](outputs.md#exit-statuses) are the same for all.
"""
    for name, command in sorted(cli.commands.items()):
        context = click.Context(command)
        first, *more = inspect.cleandoc(command.help or "").split("\n\n")
        # Lines that click is told not to wrap, under a mark of its own, are examples.
        paragraphs = [
            f"```text\n{part.removeprefix(chr(8)).strip()}\n```" if part.startswith("\b") else fill(part) for part in more
        ]
        usage = f"```text\ndedupe {name} {' '.join(command.collect_usage_pieces(context))}\n```"
        rows = []
        for parameter in command.params:
            record = parameter.get_help_record(context) if isinstance(parameter, click.Option) else None
            if record:
                rows.append([f"`{record[0]}`", " ".join(record[1].split())])
        parts = [f"## dedupe {name}", fill(first), usage, *paragraphs, table(["option", "what it does"], rows)]
        page += "\n" + "\n\n".join(parts) + "\n"
    return page


API = ROOT / "docs" / "api.md"


def api_page() -> str:
    """Return the page that repeats the signatures and docstrings of what `import dedupe` and `import dedupe.spark` give."""
    import dedupe
    import dedupe.spark

    page = """# What `import dedupe` gives

Every public name, its signature and its docstring. [From Python](python.md) shows them at work; what `import dedupe.spark` gives
besides stands at the end, and [Spark](spark.md) tells of it.
"""
    public = {name: getattr(dedupe, name) for name in dedupe.__all__ if not name.startswith("__")}
    ordered = sorted(public.items(), key=lambda item: (inspect.isclass(item[1]), item[0]))
    ordered += [(f"dedupe.spark.{name}", getattr(dedupe.spark, name)) for name in reversed(dedupe.spark.__all__)]
    for name, thing in ordered:
        node = ast.parse(textwrap.dedent(inspect.getsource(thing))).body[0]
        first, *more = inspect.cleandoc(thing.__doc__ or "").split("\n\n")
        parts = [f"## {name}"]
        if isinstance(node, ast.FunctionDef):
            parts.append(f"```text\n{signature(node)}\n```")
        parts += [fill(first), *map(fill, more)]
        if isinstance(node, ast.ClassDef):
            parts += members(node)
        page += "\n" + "\n\n".join(parts) + "\n"
    return page


def signature(node: ast.FunctionDef) -> str:
    arguments = ast.unparse(node.args).removeprefix("self, ").removeprefix("cls, ").removeprefix("self").removeprefix("cls")
    returned = f" -> {ast.unparse(node.returns)}" if node.returns else ""
    call = f"{node.name}({arguments}){returned}"
    if len(call) <= 100:
        return call
    # Commas inside brackets part no arguments.
    parted = re.sub(r", (?![^\[(]*[\])])", ",\n    ", arguments)
    return f"{node.name}(\n    {parted},\n){returned}"


def members(node: ast.ClassDef) -> Iterator[str]:
    """Yield a table of the fields of a class, and one of its methods and properties."""
    fields = [one for one in node.body if isinstance(one, ast.AnnAssign) and not ast.unparse(one.target).startswith("_")]
    if fields:
        yield table(["field", "type"], [[f"`{ast.unparse(one.target)}`", f"`{ast.unparse(one.annotation)}`"] for one in fields])
    methods = [one for one in node.body if isinstance(one, ast.FunctionDef) and not one.name.startswith("_")]
    rows = []
    for one in methods:
        is_value = any(ast.unparse(mark).endswith("property") for mark in one.decorator_list)
        returned = ast.unparse(one.returns) if one.returns else ""
        called = f"{one.name}: {returned}" if is_value else " ".join(signature(one).split())
        rows.append([f"`{called}`", " ".join((ast.get_docstring(one) or "").split("\n\n")[0].split())])
    if rows:
        yield table(["method or value", "what it does"], rows)


def test_the_page_of_names_says_what_their_docstrings_say() -> None:
    assert API.read_text(encoding="utf-8") == api_page(), "write it anew with: python tests/test_docs.py"


def test_the_page_of_commands_says_what_their_help_says() -> None:
    assert COMMANDS.read_text(encoding="utf-8") == commands_page(), "write it anew with: python tests/test_docs.py"


def test_every_event_that_reading_counts_is_documented() -> None:
    source = "".join(path.read_text(encoding="utf-8") for path in (ROOT / "src" / "dedupe" / "read").glob("*.py"))
    calls = re.findall(r"""\bcount\(\s*f?"([a-z_]+)""", source)
    named = re.findall(r'"((?:date|charset|html_fast)_?[a-z_]*[:_][a-z_{}]*)"?', source)
    events = {*calls, *(name.partition(":")[0].rstrip("{") for name in named if ":" in name or name.startswith("date_"))}
    from dedupe.read.columns import NAMES

    events -= {name for names in NAMES.values() for name in names}
    events -= {"date_guessed", "date_extraction_params"}
    assert {"date_ambiguous", "charset_guessed", "json_envelope", "html_fast", "warc_other", "date_future"} <= events
    documented = (ROOT / "docs" / "reading.md").read_text(encoding="utf-8")
    assert sorted(event for event in events if f"`{event}" not in documented) == []


# Figures in prose that repeat a constant.


def figures() -> Iterator[tuple[str, str]]:
    from dedupe.config import Config
    from dedupe.match import spun, stories, swaps
    from dedupe.match.verify import Verifier  # noqa: F401  loads what explain needs, so that a broken import shows here
    from dedupe.read import extraction, html, jsonlines, streams
    from dedupe.repair import encoding, ledger, repetition, residue
    from dedupe.repair.language import MIN_LETTERS, MIN_SCORE, REACH, REGIONS, SAMPLE
    from dedupe.repair.spin import gate_training, stage
    from dedupe.repair.spin import reading as spin_reading
    from dedupe.write import parquet, publish

    reading, cleaning, outputs = "docs/reading.md", "docs/cleaning.md", "docs/outputs.md"
    mb = 1_000_000
    yield reading, f"--max-article-bytes` ({Config().max_article_bytes // mb} MB"
    yield reading, f"{streams.BOMB_RATIO} to 1"
    yield reading, f"{streams.BOMB_FLOOR >> 20} MB"
    yield reading, f"{streams.WHOLE_BOMB_RATIO} times"
    yield reading, f"more than {streams.WINDOW_BYTES >> 20} MB of memory"
    yield reading, f"{jsonlines.LINE_FACTOR} times"
    yield reading, f"{html.MOST_TAGS:,} tags"
    yield reading, f"{html.MOST_DEPTH:,} levels"
    yield reading, f"{html.MOST_ATTRIBUTES:,} attributes"
    yield reading, f"{extraction.MOST_TAGS_BEST:,} tags"
    yield reading, f"{extraction.MOST_CHARACTERS_BEST // mb} million characters"
    yield cleaning, f"fewer than {MIN_LETTERS} letters"
    yield cleaning, f"score under {MIN_SCORE:g}"
    yield cleaning, f"{SAMPLE:,} characters from {['', 'one', 'two', 'three', 'four', 'five'][REGIONS]} places"
    yield cleaning, f"first {REACH:,} bytes"
    yield cleaning, f"{repetition.LEAST_CONTEXTS} articles that otherwise differ"
    yield cleaning, f"{repetition.NOBODYS_CONTEXTS} where"
    yield cleaning, f"one in {round(1 / repetition.LEAST_SHARE):,}"
    yield cleaning, f"{ledger.MAX_EDITS_OF_A_RULE} edits"
    yield cleaning, f"{len(residue.AGENCIES)} agencies"
    yield cleaning, f"longer than {encoding.MAX_LINE:,} characters"
    yield cleaning, f"confidence {encoding.MOJIBAKE_CONFIDENCE:g}"
    despin = "docs/despin.md"
    yield despin, f"At {gate_training.THRESHOLD:g} and above"
    yield despin, f"{stage.SURENESS:g} nats a word; spun articles"
    yield despin, f"{100 * swaps._RATE:g} % of the words"
    yield despin, f"{100 * swaps._PARALLEL:g} % and more of the shorter text"
    yield despin, f"{spin_reading._LEAST_GAIN:g} nats a swap"
    yield despin, f"Jaccard of {spun.THRESHOLD:g} or more"
    yield "docs/stories.md", f"The default: {stories.THRESHOLD:g}"
    yield "docs/stories.md", f"1 - (days / {stories.WINDOW_DAYS:g})²"
    yield "docs/stories.md", f"holds each article's {stories.INDEXED_TERMS} rarest terms"
    yield outputs, f"zstd level {parquet.COMPRESSION_LEVEL}"
    yield outputs, f"{parquet.ROW_GROUP_BYTES >> 20} MB"
    yield outputs, f"`{publish.RUNS}/`"
    for name in publish.OURS:
        if name != "report.html":
            yield outputs, f"`{name}"


def test_figures_in_prose_are_those_of_the_code() -> None:
    flat = {name: " ".join((ROOT / name).read_text(encoding="utf-8").split()) for name, _ in figures()}
    assert [(name, words) for name, words in figures() if words not in flat[name]] == []


def test_the_table_of_exit_statuses_is_that_of_the_errors() -> None:
    from dedupe import errors

    documented = (ROOT / "docs" / "outputs.md").read_text(encoding="utf-8")
    rows = set(map(int, re.findall(r"^\| (\d+) \| ", documented, re.M)))
    raised = {
        kind.exit_status for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, errors.DedupeError)
    }
    assert raised < rows == raised | {0, 130, 141}


def test_settings_files_in_documents_are_valid() -> None:
    import tomllib

    from dedupe.config import Config

    shown = [block for document in DOCUMENTS for block in blocks(document) if block.language == "toml"]
    assert shown
    for block in shown:
        Config.from_mapping(tomllib.loads(block.body))


# Examples: every document is a session in a folder that holds a copy of seeds/.


class Block(NamedTuple):
    language: str
    mark: str
    body: str
    line: int


_FENCE = re.compile(r"(?:^<!-- (?P<mark>[^\n>]+?) -->\n+)?^```(?P<language>\w*)[^\n]*\n(?P<body>.*?)^```[ \t]*$", re.M | re.S)


@cache
def blocks(document: Path) -> list[Block]:
    text = document.read_text(encoding="utf-8")
    return [
        Block(found["language"], found["mark"] or "", found["body"], text.count("\n", 0, found.start("body")) + 1)
        for found in _FENCE.finditer(text)
    ]


# What examples may import beside the product; where one is not installed, its example is not run.
GUESTS = ("duckdb", "pandas", "polars", "pyspark", "datasets")
_PROGRESS = re.compile(r"^(?:[a-z, -]+: done|Compiling for this machine.*)$")
_SHELL = "\n".join(('dedupe() { "$DEDUPE_PYTHON" -m dedupe "$@"; }', "set -o pipefail", ""))
# The only commands of console examples: they touch nothing outside the folder of the session.
_COMMANDS = re.compile(r"(?:dedupe|cat|printf|echo|gzip|mkdir|cp|mv|ls|rm) ")


def run_line(line: str, folder: Path) -> list[str]:
    """Run one line of a console example and return what a reader of it sees, less progress and times."""
    assert _COMMANDS.match(line + " "), f"console examples hold dedupe commands, not: {line}"
    environment = {
        **os.environ,
        "DEDUPE_PYTHON": sys.executable,
        "PYTHONPATH": os.pathsep.join(map(str, [ROOT / "src"])),
        "NO_COLOR": "1",
    }
    done = subprocess.run(
        ["bash", "-c", _SHELL + line], cwd=folder, capture_output=True, text=True, encoding="utf-8", env=environment, check=False
    )
    assert done.returncode in (0, 1, 2), f"{line}\n{done.stdout}{done.stderr}"
    stderr = done.stderr if done.returncode else ""
    return without_times([*done.stdout.splitlines(), *stderr.splitlines()])


def without_times(lines: list[str]) -> list[str]:
    return [line.rstrip() for line in lines if line.strip() and not line.startswith("took ") and not _PROGRESS.match(line)]


def fits(shown: list[str], seen: list[str]) -> bool:
    """Compare lines; `...` stands for anything within a line, and alone in one for any lines."""
    pattern = "".join(
        r"(?:[^\n]*\n)*" if line.strip() == "..." else re.escape(line).replace(r"\.\.\.", r"[^\n]*") + r"\n" for line in shown
    )
    return re.fullmatch(pattern, "".join(f"{line}\n" for line in seen)) is not None


def test_fits_is_a_comparison() -> None:
    assert fits(["a 1", "...", "z"], ["a 1", "b", "c", "z"])
    assert fits(["took ... here"], ["took it all here"])
    assert not fits(["a"], ["a", "b"])
    assert not fits(["a 1"], ["a 2"])


def compare(shown: list[str], seen: list[str], where: str) -> None:
    if not fits(without_times(shown), seen):
        assert without_times(shown) == seen, where
        raise AssertionError(where)


@pytest.mark.slow
@each_document
@pytest.mark.skipif(shutil.which("bash") is None, reason="console examples are lines of bash")
def test_examples_run_and_print_what_is_shown(document: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    if not any(block.language in ("console", "python") or block.mark == "start command" for block in blocks(document)):
        pytest.skip("no examples that run")
    shutil.copytree(ROOT / "seeds", tmp_path / "seeds")
    monkeypatch.chdir(tmp_path)
    names: dict[str, object] = {"__name__": "__example__"}
    started: list[str] | None = None
    for block in blocks(document):
        where = f"{name_of(document)}:{block.line}"
        if block.mark.startswith("file: "):
            (tmp_path / block.mark.removeprefix("file: ")).write_text(block.body, encoding="utf-8")
        elif block.mark == "start command":
            started = run_line(block.body.rpartition("&& .venv/bin/")[2].strip(), tmp_path)
        elif started is not None and block.language == "text":
            compare(block.body.splitlines(), started, where)
            started = None
        elif block.language == "console":
            for line, shown in console_lines(block.body):
                seen = run_line(line, tmp_path)
                if shown:
                    compare(shown, seen, f"{where}: {line}")
        elif block.language == "python":
            run_python(block.body, names, where, imports_only=block.mark.startswith("needs: "))
    assert started is None, "the start command's output is not shown"


def console_lines(body: str) -> Iterator[tuple[str, list[str]]]:
    for part in re.split(r"^\$ ", body, flags=re.M)[1:]:
        line, *shown = part.splitlines()
        while line.endswith("\\"):
            line = line[:-1] + shown.pop(0)
        yield line, [one for one in shown if one.strip()]


def run_python(body: str, names: dict[str, object], where: str, imports_only: bool) -> None:
    """Run an example; of one marked `<!-- needs: WHAT -->` only the imports, lest a name in them be stale."""
    missing = [
        guest for guest in GUESTS if re.search(rf"^(?:import|from) {guest}\b", body, re.M) and not importlib.util.find_spec(guest)
    ]
    if missing:
        return
    tree = ast.parse(body)
    if imports_only:
        tree.body = [statement for statement in tree.body if isinstance(statement, ast.Import | ast.ImportFrom)]
    exec(compile(tree, where, "exec"), names)


@each_document
def test_commands_shown_have_those_options(document: Path) -> None:
    from dedupe.cli import cli

    lines = [line for block in blocks(document) if block.language in ("sh", "bash") for line in block.body.splitlines()]
    for line in lines:
        words = shlex.split(line.removeprefix("$ "), comments=True)
        if not words or words[0] != "dedupe" or len(words) < 2 or words[1].startswith("-"):
            continue
        group: click.Command = cli
        rest = words[1:]
        while isinstance(group, click.Group):
            assert rest[0] in group.commands, f"{name_of(document)}: {line}"
            group, rest = group.commands[rest[0]], rest[1:]
        try:
            group.make_parser(click.Context(group)).parse_args(list(rest))
        except click.UsageError as error:
            pytest.fail(f"{name_of(document)}: {line}: {error.format_message()}")


@each_document
def test_benchmarks_that_are_named_are_there(document: Path) -> None:
    text = document.read_text(encoding="utf-8")
    named = {f"{module.replace('.', '/')}.py" for module in re.findall(r"python3? -m (benchmarks\.\w+)", text)}
    named |= set(re.findall(r"python3? ((?:benchmarks|tests)/\w+\.py)", text))
    assert [path for path in sorted(named) if not (ROOT / path).is_file()] == []


def test_places_and_names_in_contributing_are_those_of_the_code() -> None:
    text = _FENCE.sub("", (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")).partition("## Style")[0]
    code = ROOT / "src" / "dedupe"
    source = "".join(path.read_text(encoding="utf-8") for path in code.rglob("*.py"))
    words = {word for word in re.findall(r"`([^`\s]+)`", text) if word != "utils"}
    folders = {word for word in words if word.endswith("/")}
    files = {word for word in words if word.endswith(".py")}
    names = {word.removesuffix("(...)") for word in words if re.fullmatch(r"[A-Za-z_][\w.]*(?:\(\.\.\.\))?", word)} - files
    assert len(folders) >= 7
    assert len(files) >= 10
    assert {"Draft.replace", "_READERS"} <= names
    gone = [folder for folder in folders if not (code / folder).is_dir() and not (ROOT / folder).is_dir()]
    gone += [file for file in files if not list(code.rglob(file)) and not (ROOT / file).is_file()]
    gone += [name for name in names if not all(part in source for part in name.split("."))]
    assert gone == []


# Links.

_LINK = re.compile(r"\[[^\]\n]*\]\((?P<target>[^)\s]+)\)")


def anchors(document: Path) -> set[str]:
    heads = re.findall(r"^#+ +(.+?) *$", _FENCE.sub("", document.read_text(encoding="utf-8")), re.M)
    return {re.sub(r"[^\w\- ]", "", head.lower()).replace(" ", "-") for head in heads}


@each_document
def test_links_lead_somewhere(document: Path) -> None:
    dead = []
    for found in _LINK.finditer(_FENCE.sub("", document.read_text(encoding="utf-8"))):
        target, _, anchor = found["target"].partition("#")
        if "://" in target or target.startswith("mailto:"):
            continue
        linked = (document.parent / target).resolve() if target else document
        if not linked.exists() or (anchor and linked.suffix == ".md" and anchor not in anchors(linked)):
            dead.append(found["target"])
    assert dead == []


def test_every_document_is_on_the_map() -> None:
    linked = {found["target"] for found in _LINK.finditer((ROOT / "docs" / "index.md").read_text(encoding="utf-8"))}
    there = {path.name for path in (ROOT / "docs").glob("*.md")} - {"index.md"}
    assert sorted(there - linked) == []


# The site.


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("site")
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--quiet", "--site-dir", str(folder)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return folder


@pytest.mark.slow
def test_the_site_builds_without_a_warning_and_has_every_document(site: Path) -> None:
    pages = {path.stem for path in site.glob("*.html")}
    assert {path.stem for path in (ROOT / "docs").glob("*.md")} <= pages
    assert {"start", "benchmarks", "contributing", "changelog", "notice"} <= pages
    start = (site / "start.html").read_text(encoding="utf-8")
    assert "Turn a heap of scraped news" in start
    assert "<!-- " not in start.partition("<article")[2].partition("</article>")[0]
    # Tables under a mark are tables, and diagrams are there.
    assert (site / "commands.html").read_text(encoding="utf-8").count("<table>") >= 10
    assert (site / "how.html").read_text(encoding="utf-8").count("<img ") == len(list(site.glob("pictures/*.svg")))


@pytest.mark.slow
def test_the_site_fetches_nothing_from_elsewhere(site: Path) -> None:
    fetching = re.compile(
        r"""<(?:script|img|iframe|source)\b[^>]*\bsrc=["']?(?:https?:)?//|<link\b[^>]*\bhref=["']?(?:https?:)?//"""
    )
    found = [f"{path.name}: {hit[0]}" for path in site.rglob("*.html") for hit in fetching.finditer(path.read_text("utf-8"))]
    found += [
        f"{path.name}: {hit[0]}"
        for path in site.rglob("*.css")
        for hit in re.finditer(r"""(?:url\(|@import )["']?(?:https?:)?//[^)\s]+""", path.read_text("utf-8"))
    ]
    assert [one for one in found if 'rel="canonical"' not in one] == []


def test_every_page_of_the_site_is_in_its_contents() -> None:
    contents = set(re.findall(r": (\w+\.md)$", (ROOT / "mkdocs.yml").read_text(encoding="utf-8"), re.M))
    there = {path.name for path in (ROOT / "docs").glob("*.md")}
    assert there <= contents


if __name__ == "__main__":
    COMMANDS.write_text(commands_page(), encoding="utf-8")
    API.write_text(api_page(), encoding="utf-8")
    for one in DOCUMENTS:
        before = one.read_text(encoding="utf-8")
        if (after := with_tables(before)) != before:
            one.write_text(after, encoding="utf-8")
            print(f"wrote the tables of {name_of(one)}")
