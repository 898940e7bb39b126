"""The main job from Python: articles from files or from tables in memory in, a Corpus out."""

from __future__ import annotations

import tempfile
from pathlib import Path

from dedupe.config import Config
from dedupe.corpus.corpus import Corpus
from dedupe.errors import UsageError
from dedupe.read.spool import TABLE, Source, spool
from dedupe.settings import check_output, check_previous, checked


def clean(
    source: Source,
    config: Config | None = None,
    *,
    output: str | Path | None = None,
    workers: int | None = None,
    fresh: bool = False,
    previous: str | Path | None = None,
    relearn: bool = False,
    name: str = TABLE,
    progress: bool = False,
) -> Corpus:
    """Clean and deduplicate articles, and return the corpus that they become.

    `source`: a path or several (files, folders, patterns), a table (pyarrow, pandas, polars, DuckDB, Hugging Face), an iterable
    of tables, or one of mappings with a text each. Columns are found by name, as in files. What streams is taken a batch at a
    time and kept on disk, never whole in memory. `output`: the folder to write, replaced whole at the end; without one the
    corpus lies in a temporary folder for as long as the Corpus, or a table of it, is there. An output already in place hands its
    cluster IDs on, unless `fresh`. `previous`: another output that does, with the lines it has learned unless `relearn`; where it
    is `output` itself, its articles stay and those of the source join them. `workers`: processes, by default as many as are
    useful. `name`: what the column `source` calls a table. `progress`: show it on stderr.

    Raises UsageError for a source or settings that cannot be taken as given, OutputError where the output cannot be written.
    """
    if config is not None and not isinstance(config, Config):
        raise UsageError(
            f"The settings are a {type(config).__name__}, not a Config.",
            "Give a Config(...) there, and the folder as output=...",
        )
    settings = checked(config)
    check_previous(previous, fresh, relearn)
    if output is not None:
        check_output(output)

    from dedupe import job
    from dedupe.console import compile_first, progress_shown

    compile_first(told=progress, ours=False)
    temporary = tempfile.TemporaryDirectory(prefix="dedupe-") if output is None else None
    target = Path(output) if output is not None else Path(temporary.name) / "output" if temporary else Path()

    def paths(scratch: Path) -> list[str | Path]:
        return spool(source, scratch, name)

    with progress_shown(not progress) as shown:
        summary = job.clean(
            paths, target, settings, workers=workers, fresh=fresh, previous=previous, relearn=relearn, progress=shown
        )
    return Corpus(target, summary, temporary)
