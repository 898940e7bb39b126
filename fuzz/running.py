"""Run a target under atheris, which looks for inputs that reach code no input reached before."""

from __future__ import annotations

import argparse
import importlib
import importlib.util
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path


def compiled() -> list[str]:
    """Return the modules that numba compiles, which is not possible with what atheris adds to the modules that it watches.

    Kernels and Arrow are not watched for coverage, but what fails in them fails all the same.
    """
    root = Path(importlib.util.find_spec("dedupe").origin).parent  # type: ignore[union-attr,arg-type]
    paths = (path for path in sorted(root.rglob("*.py")) if "numba" in path.read_text(encoding="utf-8"))
    return [".".join(["dedupe", *path.relative_to(root).with_suffix("").parts]).removesuffix(".__init__") for path in paths]


def run(name: str, seeds: dict[str, bytes]) -> None:
    """Fuzz the function `name` of `fuzz.targets`, beginning with some inputs; exit with a status other than 0 where it fails."""
    parser = argparse.ArgumentParser(description=f"Fuzz {name}; an input that fails is kept as crash-*.")
    parser.add_argument("--seconds", type=int, default=600)
    parser.add_argument("--corpus", type=Path, help="folder that keeps the inputs that reached something new")
    parser.add_argument("inputs", nargs="*", type=Path, help="run these inputs only, such as an earlier crash")
    given = parser.parse_args()
    try:
        import atheris
    except ImportError:
        sys.exit("Fuzzing needs atheris, which runs on Linux and macOS: pip install --group fuzz")
    with atheris.instrument_imports(include=["dedupe"], exclude=compiled()):
        target: Callable[[bytes], None] = getattr(importlib.import_module("fuzz.targets"), name)
    for path in given.inputs:
        target(path.read_bytes())
    if given.inputs:
        return
    with tempfile.TemporaryDirectory() as temporary:
        corpus = given.corpus or Path(temporary)
        corpus.mkdir(parents=True, exist_ok=True)
        for seed, data in seeds.items():
            (corpus / seed).write_bytes(data)
        atheris.Setup(
            [sys.argv[0], f"-max_total_time={given.seconds}", "-timeout=60", "-rss_limit_mb=4096", "-max_len=20000", str(corpus)],
            target,
        )
        atheris.Fuzz()
