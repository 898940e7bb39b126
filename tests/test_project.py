"""The project keeps its own rules: lint, types, one-way imports, small modules, true metadata."""

import ast
import os
import re
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from functools import cache
from importlib import metadata
from pathlib import Path
from typing import Any

import pytest

import dedupe

ROOT = Path(__file__).parents[1]
SOURCE = ROOT / "src"
HEAVY = {
    *("charset_normalizer", "datasketch", "ftfy", "jinja2", "langdetect", "numba", "numpy", "pyarrow", "resiliparse", "rich"),
    *("scipy", "starlette", "trafilatura", "uvicorn", "wordfreq", "zstandard"),
}

# Imported packages that no list of ours names, since one that it names must bring them: it is built on them.
BROUGHT_BY = {"py4j": "pyspark", "llvmlite": "numba", "markupsafe": "jinja2", "scipy": "datasketch"}


@cache
def settings() -> dict[str, Any]:
    return tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))


@cache
def tracked() -> list[Path]:
    """The files of the project: what git knows or would add; without git, everything but what tools leave behind."""
    listing = ["git", "ls-files", "--cached", "--others", "--exclude-standard"]
    try:
        names = subprocess.run(listing, cwd=ROOT, capture_output=True, text=True, check=True).stdout.splitlines()
    except (OSError, subprocess.CalledProcessError):
        left = re.compile(r"(?:^|/)(?:\.(?!ci/|gitignore)|__pycache__|output/|dist/|build/)")
        names = [path.relative_to(ROOT).as_posix() for path in ROOT.rglob("*") if path.is_file()]
        names = [name for name in names if not left.search(name)]
    return [ROOT / name for name in names if (ROOT / name).is_file()]


def run_tool(*command: str) -> None:
    done = subprocess.run([sys.executable, *command], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.slow
def test_ruff_finds_nothing() -> None:
    run_tool("-m", "ruff", "check", ".")


@pytest.mark.slow
def test_mypy_finds_nothing() -> None:
    run_tool("-m", "mypy")


@pytest.mark.slow
def test_imports_run_one_way() -> None:
    run_tool(
        "-c", "import sys; sys.path.insert(0, 'src'); from importlinter.cli import lint_imports_command; lint_imports_command()"
    )


def test_what_python_raises_as_well_names_no_option_of_the_command_line() -> None:
    ours = {SOURCE / "dedupe" / name for name in ("cli.py", "engine/memory.py", "review/server.py")}
    raised = []
    for path in sorted(set(SOURCE.rglob("*.py")) - ours - set((SOURCE / "dedupe" / "commands").iterdir())):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        calls = [one for one in ast.walk(tree) if isinstance(one, ast.Call) and isinstance(one.func, ast.Name)]
        raised += [
            f"{path.name}:{part.lineno}: {part.value}"
            for call in calls
            if isinstance(call.func, ast.Name) and call.func.id.endswith("Error")
            for part in ast.walk(call)
            if isinstance(part, ast.Constant) and isinstance(part.value, str)
            and re.search("(?<!-)--[a-z]", re.sub("`[^`]*`|pip install .*", "", part.value))
        ]  # fmt: skip
    assert not raised


def test_modules_have_one_topic_and_under_400_lines() -> None:
    long = {
        path.name: lines for path in SOURCE.rglob("*.py") if (lines := len(path.read_text(encoding="utf-8").splitlines())) > 400
    }
    assert long == {}
    vague = {"utils", "helpers", "common", "misc"}
    assert [path for path in SOURCE.rglob("*") if path.stem in vague] == []


def test_importing_the_package_loads_nothing_heavy() -> None:
    command = [sys.executable, "-X", "importtime", "-c", "import dedupe"]
    environment = {**os.environ, "PYTHONPATH": str(SOURCE)}
    done = subprocess.run(command, capture_output=True, text=True, check=True, env=environment)
    loaded = {
        line.rpartition("|")[2].strip().partition(".")[0] for line in done.stderr.splitlines() if line.startswith("import time:")
    }
    assert "dedupe" in loaded
    assert loaded & HEAVY == set()


def test_every_public_name_resolves() -> None:
    for name in dedupe.__all__:
        assert getattr(dedupe, name) is not None
        assert name.startswith("__") or name in dir(dedupe)
    with pytest.raises(AttributeError):
        dedupe.no_such_name  # noqa: B018
    assert (SOURCE / "dedupe" / "py.typed").exists()


def test_ci_runs_the_test_command_of_the_readme_word_for_word(tmp_path: Path) -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    shown = re.search(r"<!-- test command -->\n```sh\n(.+)\n```", readme)
    assert shown
    bash = shutil.which("bash")
    if bash is None:
        pytest.skip("the script is of bash")
    # A machine of stand-ins, which write down how they were called, and a venv of stand-ins where one is made.
    machine, project = tmp_path / "bin", tmp_path / "project"
    machine.mkdir()
    (project / ".ci").mkdir(parents=True)
    shutil.copy(ROOT / ".ci" / "run", project / ".ci" / "run")
    shutil.copy(ROOT / "README.md", project / "README.md")
    log = tmp_path / "log"
    note = f'#!{bash}\necho "${{0#{project}/}} $*" >> {log}\n'
    stand_in = (
        f'{note}if [ "$1 $2" = "-m venv" ]; then mkdir -p "$3/bin"; for t in pip python; do cp "$0" "$3/bin/$t"; done; fi\n'
    )
    for name in ("python3", "git"):
        (machine / name).write_text(stand_in)
        (machine / name).chmod(0o755)
    (machine / "java").write_text(f"#!{bash}\necho 'openjdk version \"17.0.1\"' >&2\n")
    (machine / "java").chmod(0o755)
    command = [bash, str(project / ".ci" / "run")]
    environment = {**os.environ, "PATH": f"{machine}{os.pathsep}{os.environ['PATH']}"}
    subprocess.run(command, check=True, cwd=tmp_path, env=environment, capture_output=True)
    called = [line.replace(f"{machine}/", "") for line in log.read_text().splitlines() if " -c " not in line]
    assert called == shown[1].split(" && ")
    assert "-m pytest" in called[-1]


def test_no_file_names_a_place_of_one_machine() -> None:
    place = re.compile(r"(?<![\w.:/~%>-])/(?:home|Users|root|mnt|media|opt|srv|private|tmp|work|workspace)/\w")
    found = []
    for path in tracked():
        if path.suffix in (".tsv", ".csv") or path.parent.name == "seeds":
            continue  # articles and lists of words
        try:
            text = path.read_text(encoding="utf-8")
        except UnicodeDecodeError:
            continue
        found += [f"{path.relative_to(ROOT)}: {text[max(0, at.start() - 20) : at.end() + 20]!r}" for at in place.finditer(text)]
    assert found == []


def test_the_notice_names_what_others_made() -> None:
    notice = (ROOT / "NOTICE.md").read_text(encoding="utf-8")
    wanted = {"langdetect", "Apache-2.0", "MurmurHash3", "seeds/", "MIT", "htmx", "0BSD"}
    lexicon = "".join(path.read_text(encoding="utf-8") for path in (SOURCE / "dedupe" / "lexicon").rglob("*.tsv"))
    if "\tpublished" in lexicon:
        wanted |= {"published", "Problematic Paper Screener", "CC BY 4.0"}
    # Their data become tables of ours on the user's machine.
    modules = {module for module, _ in third_party_imports()}
    wanted |= {"wordfreq", "CC BY-SA 4.0"} if "wordfreq" in modules else set()
    wanted |= {"pocketsphinx"} & modules
    assert sorted(name for name in wanted if name not in notice) == []
    assert sorted(settings()["project"]["license-files"]) == ["LICENSE", "NOTICE.md"]


def test_every_lint_rule_left_out_has_its_reason() -> None:
    text = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    ignored = set(settings()["tool"]["ruff"]["lint"]["ignore"])
    lines = [line for line in text.splitlines() if (found := re.match(r'\s*"([A-Z]+[0-9]*)",?', line)) and found[1] in ignored]
    assert len(lines) >= len(ignored)
    assert [line for line in lines if not re.search(r"# \w+", line)] == []
    section = text.partition("[tool.ruff.lint.per-file-ignores]")[2].partition("\n[")[0]
    left_out = [line for line in section.splitlines() if re.search(r'"[A-Z]+[0-9]*"', line)]
    assert left_out
    assert [line for line in left_out if not re.search(r"# \w+", line)] == []


def third_party_imports() -> Iterator[tuple[str, str]]:
    """Yield the packages that modules of ours import, or look for to read their data, each with the module."""
    for path in SOURCE.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            names: list[str] = []
            if isinstance(node, ast.Import):
                names = [alias.name for alias in node.names]
            elif isinstance(node, ast.ImportFrom) and not node.level:
                names = [node.module or ""]
            elif isinstance(node, ast.Call) and ast.unparse(node.func).endswith("find_spec"):
                names = [argument.value for argument in node.args if isinstance(argument, ast.Constant)]
            for name in names:
                top = name.partition(".")[0]
                if top not in sys.stdlib_module_names and top not in ("dedupe", "dedupe_command"):
                    yield top, path.relative_to(ROOT).as_posix()


def names_of(requirements: list[str]) -> set[str]:
    return {re.split(r"[\s\[<>=!~;]", requirement)[0].lower().replace("_", "-") for requirement in requirements}


def test_declared_dependencies_are_those_that_are_imported() -> None:
    project = settings()["project"]
    always = names_of(project["dependencies"])
    # What benchmarks are compared with is no part of the product.
    extras = {name: wanted for name, wanted in project["optional-dependencies"].items() if name != "peers"}
    declared = always.union(*map(names_of, extras.values()))
    homes = metadata.packages_distributions()
    imported: dict[str, set[str]] = {}
    for module, path in third_party_imports():
        imported.setdefault(module, set()).add(path)
    distributions = {module: {name.lower().replace("_", "-") for name in homes.get(module, [module])} for module in imported}
    unknown = {
        module: sorted(imported[module]) for module, names in distributions.items() if not names & (declared | set(BROUGHT_BY))
    }
    assert unknown == {}, "imported, but declared nowhere"
    # Data that the standard library reads.
    unused = always - {"tzdata"} - set().union(*distributions.values())
    assert sorted(unused) == [], "declared, but never imported"


@pytest.mark.parametrize(("brought", "by"), BROUGHT_BY.items())
def test_packages_that_others_bring_are_brought(brought: str, by: str) -> None:
    if any(module == brought for module, _ in third_party_imports()):
        assert brought in names_of([one for one in metadata.requires(by) or [] if "extra ==" not in one])


def test_the_changelog_begins_with_this_version() -> None:
    changelog = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    versions = re.findall(r"^## (\d+\.\d+\.\d+)", changelog, re.M)
    assert versions[0] == dedupe.__version__


def test_the_distribution_has_its_own_name_and_the_command_ours() -> None:
    project = settings()["project"]
    assert project["name"] == "article-dedupe"
    assert project["scripts"] == {"dedupe": "dedupe_command:main"}
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    assert project["requires-python"] == ">=3.11"
    assert "Python 3.11 or newer" in readme
