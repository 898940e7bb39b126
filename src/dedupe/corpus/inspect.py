"""Look into an output: what its tables hold, and whether they hold together."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

import click
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from dedupe.console import one_line
from dedupe.corpus.output import Output
from dedupe.errors import OutputError, command
from dedupe.match.edges import RELATIONS
from dedupe.quantities import amount, size
from dedupe.repair.rules import RULES
from dedupe.schema import FORGOTTEN, SCHEMA_VERSION, TABLES
from dedupe.write.manifest import file_digest, remedy

_COUNTED = ["cluster_size", "is_canonical", "relation", "language", "publisher", "n_words", "n_edits", "published_at"]
_TOP = 8


def describe(output: Path, readable: bool = False) -> list[dict[str, Any]]:
    """Return for each table its rows, row groups, bytes and columns; with `readable`, of those alone that can be read.

    Raises OutputError for one that cannot, otherwise.
    """
    opened = Output(output)
    described = []
    for name in TABLES:
        path = output / f"{name}.parquet"
        if not path.exists():
            continue
        try:
            with opened.reading(name):
                meta = pq.read_metadata(path)
        except OutputError:
            if readable:
                continue
            raise
        described.append(
            {
                "table": name,
                "rows": meta.num_rows,
                "row_groups": meta.num_row_groups,
                "bytes": path.stat().st_size,
                "columns": meta.schema.to_arrow_schema().names,
            }
        )
    return described


def statistics(output: Path) -> dict[str, Any]:
    """Return what an output holds, in numbers."""
    opened = Output(output)
    manifest = opened.manifest
    corpus = opened.table("corpus", _COUNTED)
    words = corpus["n_words"]
    sizes = corpus.filter(corpus["is_canonical"])["cluster_size"].to_numpy()
    bounds = [1, 2, 3, 4, 6, 11, 51, np.iinfo(np.int64).max]
    histogram = {
        (f"{low}" if high == low + 1 else f"{low} to {high - 1}" if high < 10**9 else f"{low} or more"): int(
            ((sizes >= low) & (sizes < high)).sum()
        )
        for low, high in pairwise(bounds)
    }
    edits = opened.table("edits", ["rule"])["rule"]
    rejects = opened.table("rejects", ["code", "sentence"])
    stories = opened.table("stories", ["size"])["size"].to_numpy()
    dates = pc.min_max(corpus["published_at"]).as_py()
    return {
        "articles": corpus.num_rows,
        "rejects": rejects.num_rows,
        "reject_codes": _counts(rejects["code"]),
        "why_rejected": next(iter(_counts(rejects["sentence"])), ""),
        "clusters": len(sizes),
        "duplicates": corpus.num_rows - len(sizes),
        "cluster_sizes": {name: count for name, count in histogram.items() if count},
        "stories": len(stories),
        "articles_in_stories": int(stories.sum()),
        "largest_story": int(stories.max(initial=0)),
        "pairs": _counts(opened.table("pairs", ["relation"])["relation"]),
        "relations": _counts(corpus["relation"]),
        "languages": _counts(corpus["language"]),
        "publishers": _counts(corpus["publisher"]),
        "words": pc.sum(words).as_py() or 0,
        "median_words": int(np.median(words.to_numpy())) if corpus.num_rows else 0,
        "edited_articles": int((corpus["n_edits"].to_numpy() > 0).sum()),
        "edits": _counts(edits),
        "first_published_at": dates["min"].isoformat() if dates["min"] else None,
        "last_published_at": dates["max"].isoformat() if dates["max"] else None,
        "settings": manifest["settings"],
        "version": manifest["dedupe"]["version"],
    }


def _counts(column: pa.ChunkedArray) -> dict[str, int]:
    pairs = [(count["values"].as_py(), count["counts"].as_py()) for count in pc.value_counts(column)]
    return {("not known" if name is None else name): n for name, n in sorted(pairs, key=lambda pair: (-pair[1], str(pair[0])))}


def check_output(output: Path) -> list[str]:
    """Check schemas, counts, IDs, references and hashes of an output; return a sentence for each that is wrong."""
    manifest = Output(output).manifest
    problems: list[str] = []
    tables: dict[str, pa.Table] = {}
    for name, schema in TABLES.items():
        path = output / f"{name}.parquet"
        try:
            found = pq.read_schema(path).remove_metadata()
            expected = pa.schema([field.remove_metadata() for field in schema])
            if pa.schema([field.remove_metadata() for field in found]) != expected:
                problems.append(f"{name}.parquet has other columns than schema version {SCHEMA_VERSION} says.")
                continue
            wanted = [column for column in schema.names if column != "text"]
            tables[name] = pq.read_table(path, columns=wanted)
        except FileNotFoundError:
            problems.append(f"{name}.parquet is missing.")
        except (pa.ArrowException, OSError) as error:
            problems.append(f"{name}.parquet cannot be read: {str(error).splitlines()[0]}")
    for name, entry in manifest["tables"].items():
        path = output / name
        if path.exists() and file_digest(path) != entry["sha256"]:
            problems.append(f"{name} is not the file that the manifest names: its hash differs.")
        table = tables.get(Path(name).stem) if name.endswith(".parquet") else None
        if table is not None and table.num_rows != entry["rows"]:
            problems.append(f"{name} has {table.num_rows:,} rows; the manifest says {entry['rows']:,}.")
    if len(tables) == len(TABLES):
        problems += [sentence for check in _CHECKS for sentence in check(tables, manifest)]
    return problems


def advice(problems: list[str], output: Path) -> str:
    """Return what to do about what `check_output` found."""
    gone = (" is missing.", " cannot be read")
    return remedy(output, {problem.partition(" ")[0] for problem in problems if any(words in problem for words in gone)})


def _check_counts(tables: dict[str, pa.Table], manifest: dict[str, Any]) -> list[str]:
    corpus, counts = tables["corpus"], manifest["counts"]
    found = corpus.num_rows + tables["rejects"].num_rows
    problems = []
    if counts["records"] != found:
        problems.append(f"{counts['records']:,} records were read, but the tables hold {found:,} rows and rejects.")
    if (pc.sum(corpus["n_edits"]).as_py() or 0) != tables["edits"].num_rows:
        problems.append("The column n_edits does not add up to the rows of edits.parquet.")
    if tables["canonical"].num_rows != (pc.sum(corpus["is_canonical"].cast(pa.int64())).as_py() or 0):
        problems.append("canonical.parquet does not hold the canonical articles of corpus.parquet.")
    return problems


def _check_ids(tables: dict[str, pa.Table], _: dict[str, Any]) -> list[str]:
    corpus = tables["corpus"]
    problems = []
    for name, column, table in (("article_id", "article_id", corpus), ("cluster_id", "cluster_id", tables["clusters"])):
        if pc.count_distinct(table[column]).as_py() != table.num_rows:
            problems.append(f"{name} is not unique.")
    own = pc.equal(corpus["article_id"], corpus["canonical_id"])
    if not pc.all(pc.equal(own, corpus["is_canonical"]), min_count=0).as_py():
        problems.append("is_canonical and canonical_id disagree.")
    buried = tables["id_map"].filter(pc.equal(tables["id_map"]["change"], FORGOTTEN))["old_id"]
    if alive := pc.sum(pc.is_in(corpus["article_id"], buried.combine_chunks())).as_py():
        problems.append(f"corpus.parquet holds {amount(alive, 'article')} that id_map.parquet says were forgotten.")
    return problems


def _check_references(tables: dict[str, pa.Table], _: dict[str, Any]) -> list[str]:
    corpus, clusters = tables["corpus"], tables["clusters"]
    canonical = corpus.filter(corpus["is_canonical"])["article_id"]
    references: list[tuple[str, pa.ChunkedArray, pa.ChunkedArray]] = [
        ("corpus.canonical_id", corpus["canonical_id"], canonical),
        ("corpus.cluster_id", corpus["cluster_id"], clusters["cluster_id"]),
        ("clusters.canonical_id", clusters["canonical_id"], canonical),
        ("pairs.a_id", tables["pairs"]["a_id"], corpus["article_id"]),
        ("pairs.b_id", tables["pairs"]["b_id"], corpus["article_id"]),
        ("corpus.story_id", corpus["story_id"].drop_null(), tables["stories"]["story_id"]),
        ("edits.article_id", tables["edits"]["article_id"], corpus["article_id"]),
    ]
    return [
        f"{name} names an article or cluster that is not there."
        for name, column, targets in references
        if not pc.all(pc.is_in(column, targets.combine_chunks()), min_count=0).as_py()
    ]


def _check_sizes(tables: dict[str, pa.Table], _: dict[str, Any]) -> list[str]:
    corpus, clusters = tables["corpus"], tables["clusters"]
    counted = {entry["values"].as_py(): entry["counts"].as_py() for entry in pc.value_counts(corpus["cluster_id"])}
    stated = dict(zip(clusters["cluster_id"].to_pylist(), clusters["size"].to_pylist(), strict=True))
    problems = [] if counted == stated else ["clusters.size does not count the articles of corpus.parquet."]
    stories = tables["stories"]
    told = {entry["values"].as_py(): entry["counts"].as_py() for entry in pc.value_counts(corpus["story_id"].drop_null())}
    stated = dict(zip(stories["story_id"].to_pylist(), stories["size"].to_pylist(), strict=True))
    return problems if told == stated else [*problems, "stories.size does not count the articles of corpus.parquet."]


def _check_decided(tables: dict[str, pa.Table], _: dict[str, Any]) -> list[str]:
    # Whoever stands in a cluster by a decision alone has a row in pairs.parquet that says whose it was.
    corpus, pairs = tables["corpus"], tables["pairs"]
    known = [*RELATIONS, "canonical"]
    problems = [
        f"{name}.relation holds a word that is no relation."
        for name, table in (("corpus", corpus), ("pairs", pairs))
        if not pc.all(pc.is_in(table["relation"], pa.array(known)), min_count=0).as_py()
    ]
    members = corpus.filter(pc.equal(corpus["relation"], "decided")).select(["article_id", "canonical_id"]).to_pylist()
    told = pairs.filter(pc.equal(pairs["relation"], "decided")).select(["a_id", "b_id"]).to_pylist()
    if {tuple(sorted(row.values())) for row in members} != {(row["a_id"], row["b_id"]) for row in told}:
        problems.append("The decided articles of corpus.parquet are not those of pairs.parquet.")
    return problems


_CHECKS: tuple[Callable[[dict[str, pa.Table], dict[str, Any]], list[str]], ...] = (
    _check_counts,
    _check_ids,
    _check_references,
    _check_sizes,
    _check_decided,
)


def show_tables(tables: list[dict[str, Any]], problems: list[str] | None, output: Path) -> None:
    """Print the tables of an output, and what the checks found."""
    for table in tables:
        click.echo(f"{table['table']:<10} {table['rows']:>12,} rows  {size(table['bytes']):>10}  {', '.join(table['columns'])}")
    if problems is None:
        click.echo(f"\nnext: {command('inspect', output, '--check')}")
    elif problems:
        click.echo("\n" + "\n".join(f"wrong: {problem}" for problem in problems))
    else:
        click.echo("\nchecked: schemas, counts, IDs, references and hashes are right.")


def show_stats(found: dict[str, Any], output: Path) -> None:
    """Print the numbers of an output, a line a topic."""

    def ranked(counts: dict[str, int]) -> str:
        items = list(counts.items())
        more = f" and {len(items) - _TOP:,} more" if len(items) > _TOP else ""
        return (", ".join(f"{one_line(name)} {count:,}" for name, count in items[:_TOP]) or "none") + more

    rules = {RULES[code].name if code in RULES else code: count for code, count in found["edits"].items()}
    rows = [
        (
            "articles",
            f"{found['articles']:,} ({amount(found['words'], 'word')}, median {found['median_words']:,});"
            f" {amount(found['rejects'], 'reject')}",
        ),
        *([("rejected", ranked(found["reject_codes"]))] if found["rejects"] else []),
        *([("such as", one_line(found["why_rejected"]))] if found["rejects"] else []),
        ("clusters", f"{found['clusters']:,}; {amount(found['duplicates'], 'duplicate')}"),
        ("sizes", "; ".join(f"{name}: {count:,}" for name, count in found["cluster_sizes"].items()) or "none"),
        ("stories", _told(found)),
        ("relations", ranked(found["relations"])),
        ("pairs", ranked(found["pairs"])),
        ("languages", ranked(found["languages"])),
        ("publishers", ranked(found["publishers"])),
        ("published", _published(found["first_published_at"], found["last_published_at"])),
        ("repaired", f"{amount(found['edited_articles'], 'article')}; {ranked(rules)}"),
    ]
    width = max(len(name) for name, _ in rows)
    for name, value in rows:
        click.echo(f"{name:<{width}}  {value}")
    click.echo(f"\nnext: {command('inspect', output, '--check')}")


def _published(first: str | None, last: str | None) -> str:
    if first is None or last is None:
        return "not known"
    return " to ".join(dict.fromkeys(one[:16].replace("T", " ") + " UTC" for one in (first, last)))


def _told(found: dict[str, Any]) -> str:
    if not found["stories"]:
        return "none"
    return f"{found['stories']:,}, of {amount(found['articles_in_stories'], 'article')} (largest {found['largest_story']:,})"
