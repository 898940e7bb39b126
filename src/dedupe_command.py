"""The console script `dedupe`. It stands outside the package to notice when another distribution has taken the package's name.

The entity-resolution library on PyPI called `dedupe` installs an import package of the same name: whichever of the two was
installed last has overwritten files of the other, so neither can be trusted until one is gone.
"""

from __future__ import annotations

import sys

RIVAL = "dedupe"
OURS = "article-dedupe"


def clash() -> str | None:
    """Return what to tell the user when the rival distribution is installed in the same environment, else None."""
    from importlib import metadata  # half of what happens before an interruption can be answered

    try:
        version = metadata.version(RIVAL)
    except metadata.PackageNotFoundError:
        return None
    return (
        f"The distribution '{RIVAL}' {version} (entity resolution) is installed here and uses the same import name.\n"
        f"Use a virtual environment of its own for {OURS}, or run:\n"
        f"  pip uninstall {RIVAL} {OURS} && pip install {OURS}"
    )


def main() -> None:
    """Start the command line, unless another distribution has taken the package's name."""
    try:
        problem = clash()
        if problem:
            print(problem, file=sys.stderr)
            sys.exit(2)
        from dedupe.cli import run as start

        start()
    except KeyboardInterrupt:  # before the command line could answer it
        print("Interrupted. Run the same command again.", file=sys.stderr)
        sys.exit(130)


if __name__ == "__main__":  # spark-submit takes files that end in .py, and no console script does
    main()
