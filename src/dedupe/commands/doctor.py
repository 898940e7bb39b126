"""Examine an installation: what it consists of, what it can use, and what would make a run fail."""

from __future__ import annotations

import platform
import re
import shutil
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from importlib import import_module, metadata
from pathlib import Path
from typing import Any

import click

from dedupe import __version__
from dedupe.cache import cache_dir, kernels_compiled
from dedupe.engine import memory
from dedupe.engine.local import default_workers
from dedupe.quantities import size

DISTRIBUTION = "article-dedupe"

# A run of 30,000 articles peaks under 1.5 GB over all its processes.
_LEAST_MEMORY = 2 << 30
_LEAST_DISK = 1 << 30

# What other projects open the output with; none of it is needed.
_GUESTS = ("pandas", "polars", "duckdb", "datasets", "pyspark")

# Those whose import package has another name than the distribution.
_MODULES = {"charset-normalizer": "charset_normalizer"}


@dataclass(frozen=True)
class Finding:
    """Hold one thing that was looked at: what was found, whether it will do, and what to do where it will not."""

    name: str
    found: str
    ok: bool = True
    hint: str = ""

    def as_dict(self) -> dict[str, Any]:
        """Return plain JSON values; what to do only where there is something to be done."""
        return asdict(self) if not self.ok else {"name": self.name, "found": self.found, "ok": True}


def examine() -> list[Finding]:
    """Look at everything, in the order in which a user would mend it. Loads every package that a run needs: some seconds."""
    return [
        Finding("dedupe", f"{__version__} in {Path(__file__).parent.parent}"),
        _python(),
        Finding("system", f"{platform.system()} {platform.release()}, {platform.machine()}"),
        _clash(),
        _command(),
        *_packages(),
        *_extras(),
        Finding("cores", f"{default_workers():,} that this process may use"),
        _memory(),
        *_kernels(),
        _writable("temporary folder", Path(tempfile.gettempdir()), "Name another folder in TMPDIR."),
        _writable("this folder", Path.cwd(), "Give --output a folder that you may write to."),
    ]


def _python() -> Finding:
    found = f"{platform.python_version()} ({sys.executable})"
    return Finding("python", found, sys.version_info >= (3, 11), "dedupe needs Python 3.11 or newer.")


def _clash() -> Finding:
    from dedupe_command import clash

    problem = clash()
    if problem is None:
        return Finding("import name", "no other distribution claims it")
    sentence, _, hint = problem.partition("\n")
    return Finding("import name", sentence, False, " ".join(hint.split()))


def _command() -> Finding:
    # Which command answers is told, not judged: a virtual environment need not be on the path to be used.
    return Finding("command", shutil.which("dedupe") or "not on the path; `python -m dedupe` does the same")


def _requirements() -> tuple[list[str], dict[str, list[str]]]:
    """Return the names of what is always needed, and of what each extra brings, as the distribution states them."""
    always: list[str] = []
    extras: dict[str, list[str]] = {}
    for line in metadata.requires(DISTRIBUTION) or ():
        found = re.match(r"[\w.-]+", line)
        assert found
        extra = re.search(r"extra\s*==\s*['\"]([\w-]+)['\"]", line)
        (extras.setdefault(extra[1], []) if extra else always).append(found[0])
    return always, extras


def _packages() -> Iterator[Finding]:
    try:
        always, _ = _requirements()
    except metadata.PackageNotFoundError:
        hint = f"Install it with: pip install {DISTRIBUTION}"
        yield Finding("packages", f"{DISTRIBUTION} itself is not installed: this is a folder of code", False, hint)
        return
    for name in always:
        try:
            version = metadata.version(name)
            import_module(_MODULES.get(name, name.replace("-", "_")))
        except metadata.PackageNotFoundError:
            yield Finding(name, "missing", False, f"Install it with: pip install {name}")
        except Exception as error:  # whatever a broken package raises when it loads
            reason = f"{type(error).__name__}: {error}".splitlines()[0]
            yield Finding(name, f"{version} does not load: {reason}", False, f"Run: pip install --force-reinstall {name}")
        else:
            yield Finding(name, version)


def _extras() -> Iterator[Finding]:
    try:
        _, extras = _requirements()
    except metadata.PackageNotFoundError:
        extras = {}
    for extra, names in sorted(extras.items()):
        missing = [name for name in names if _version(name) is None]
        found = "installed" if not missing else f"not installed (pip install '{DISTRIBUTION}[{extra}]')"
        if extra == "spark" and not missing:
            found += _java()
        yield Finding(f"extra {extra}", found)
    guests = ", ".join(f"{name} {version}" for name in _GUESTS if (version := _version(name)))
    yield Finding("opens outputs", guests or "none of " + ", ".join(_GUESTS))


def _java() -> str:
    from dedupe.engine.spark import LEAST_JAVA, java_version

    version = java_version()
    if version is None or version < LEAST_JAVA:
        return f", but Spark needs Java {LEAST_JAVA} or newer, and finds {version or 'none'}: install one, or set JAVA_HOME"
    return f", and Java {version}"


def _version(name: str) -> str | None:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None


def _memory() -> Finding:
    total = memory.total()
    if total is None:
        return Finding("memory", "not known on this system")
    enough = total >= _LEAST_MEMORY
    return Finding("memory", size(total), enough, f"Large runs want {size(_LEAST_MEMORY)}: give --workers 1.")


def _kernels() -> Iterator[Finding]:
    folder = cache_dir()
    if folder is None:
        hint = "Name a folder that you may write to in DEDUPE_CACHE_DIR."
        found = "none can be written: every run takes 20 seconds longer to compile its kernels and build its tables"
        yield Finding("cache folder", found, False, hint)
        return
    used = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
    yield Finding("cache folder", f"{folder} ({size(used)})")
    yield Finding("kernels", "compiled" if kernels_compiled() else "not compiled yet: the first run takes 20 seconds longer")


def _writable(name: str, folder: Path, hint: str) -> Finding:
    try:
        with tempfile.TemporaryFile(dir=folder):
            pass
        free = shutil.disk_usage(folder).free
    except OSError as error:
        return Finding(name, f"{folder} cannot be written: {error.strerror}", False, hint)
    return Finding(name, f"{folder} ({size(free)} free)", free >= _LEAST_DISK, f"Less than {size(_LEAST_DISK)} is free. {hint}")


def show_findings(findings: list[Finding]) -> None:
    """Print a line for each thing that was looked at, with what to do where it will not do."""
    width = max(len(found.name) for found in findings)
    for found in findings:
        click.echo(f"{'ok   ' if found.ok else 'WRONG'}  {found.name:<{width}}  {found.found}")
        if not found.ok:
            click.echo(f"       {'':<{width}}  {found.hint}")
    if all(found.ok for found in findings):
        click.echo("\nnext: dedupe clean FOLDER")
