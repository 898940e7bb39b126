"""A corpus that a run has written: its tables, its clusters and the reasons for them, for use from Python."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Self

from dedupe.config import Config
from dedupe.corpus.table import Row, Table
from dedupe.errors import UsageError
from dedupe.quantities import amount

if TYPE_CHECKING:
    import duckdb
    import pandas
    import polars
    import pyarrow as pa

    from dedupe.corpus.export import Exported, Format, Partition
    from dedupe.corpus.lookup import Lookup
    from dedupe.corpus.output import Output
    from dedupe.read.spool import Source
    from dedupe.summary import Summary

TableName = Literal["canonical", "corpus", "pairs", "clusters", "stories", "edits", "rejects", "residue", "id_map"]

_PAIR = ["a_id", "b_id", "relation", "jaccard", "containment_a", "containment_b", "shared", "evidence"]
_MEMBER = ["article_id", "source", "record", "title", "publisher", "published_at", "relation", "similarity", "text"]
_TITLE = 60


@dataclass(frozen=True)
class Pair:
    """Hold a verified edge with what its two articles say, so that it can be judged by eye.

    `strength` is what keeps the two together: the Jaccard similarity, or the share of the shorter that lies in the longer where
    the relation is `contained`.
    """

    a_id: str
    b_id: str
    relation: str
    strength: float
    jaccard: float
    containment_a: float
    containment_b: float
    shared: int
    evidence: str
    a_title: str | None
    b_title: str | None
    a_text: str
    b_text: str

    def __repr__(self) -> str:
        a, b = (_shown(title or text) for title, text in ((self.a_title, self.a_text), (self.b_title, self.b_text)))
        return f"<{self.relation} {self.strength:.2f}: {self.a_id[:12]} {a!r} and {self.b_id[:12]} {b!r}; {self.evidence}>"


@dataclass(frozen=True)
class Cluster:
    """Hold one cluster: the article that stands for it and why, and its members, the canonical first, then the most similar."""

    cluster_id: str
    size: int
    canonical_id: str
    why_canonical: str
    weakest_similarity: float | None
    members: tuple[Row, ...]

    def __repr__(self) -> str:
        first = self.members[0]
        title = _shown(first["title"] or first["text"])
        return f"<cluster {self.cluster_id}: {amount(self.size, 'article')}, canonical {self.canonical_id[:12]} {title!r}>"


@dataclass(frozen=True)
class Explanation:
    """Hold the reasons for an article or a pair: `sentences` for people, `facts` as `dedupe explain --json` gives them."""

    sentences: tuple[str, ...]
    facts: dict[str, Any]

    def __str__(self) -> str:
        return "\n".join(self.sentences)

    def __repr__(self) -> str:
        return f"<{self.sentences[0]}>"


class Corpus:
    """Give the tables of an output, its clusters, its weakest pairs and the reasons for all of them.

    Made by `dedupe.clean`, or by `Corpus.open` of an output that is there. One that `clean` wrote into a temporary folder goes
    when the last of the Corpus and its tables does, or at the end of a `with` block.
    """

    def __init__(
        self, folder: Path, summary: Summary | None = None, temporary: tempfile.TemporaryDirectory[str] | None = None
    ) -> None:
        from dedupe.corpus.output import Output

        self.folder = folder
        self.summary = summary
        self._opened = Output(folder)
        self._temporary = temporary
        self._lookup: Lookup | None = None

    @property
    def _output(self) -> Output:
        from dedupe.corpus.output import Output

        if self._temporary is not None and not self.folder.exists():
            raise UsageError(
                "This corpus lay in a temporary folder, which is gone.",
                "Use it inside its `with` block, or keep it by dedupe.clean(..., output=FOLDER).",
            )
        found = Output(self.folder)
        if found.manifest != self._opened.manifest:
            self._opened = found  # a run has replaced it since
        return self._opened

    @classmethod
    def open(cls, output: str | Path = "output") -> Self:
        """Open the output of an earlier run. Raises UsageError where there is none."""
        return cls(Path(output))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._lookup = None  # Windows removes no file that is mapped
        if self._temporary is not None:
            self._temporary.cleanup()

    def __repr__(self) -> str:
        counts = self.counts
        where = "in a temporary folder" if self._temporary is not None else f"in {self.folder}"
        return (
            f"<Corpus of {amount(counts['articles'], 'article')} in {amount(counts['clusters'], 'cluster')},"
            f" {amount(counts['rejects'], 'reject')}, {where}>"
        )

    @property
    def counts(self) -> dict[str, Any]:
        """What came of the input, in numbers: records, articles, rejects, clusters, duplicates, edits, languages, ..."""
        counts: dict[str, Any] = self._opened.manifest["counts"]
        return counts

    @property
    def config(self) -> Config:
        """The settings that it was made with."""
        return self._opened.config

    def table(self, name: TableName) -> Table:
        """Return a table by its name. Raises UsageError where there is none of that name."""
        path = self._output.path(name)
        if not path.exists():
            there = ", ".join(sorted(found.stem for found in self.folder.glob("*.parquet")))
            raise UsageError(f"{self.folder} has no table {name!r}.", f"Its tables are: {there}.")
        return Table(path, keep=self._temporary)

    def canonical(self) -> Table:
        """Return one article a cluster: what most people train on, or feed to the next project."""
        return self.table("canonical")

    def articles(self) -> Table:
        """Return every article, with its cluster and its relation to the canonical."""
        return self.table("corpus")

    def clusters(self) -> Table:
        """Return one row a cluster, with why its canonical was chosen."""
        return self.table("clusters")

    def stories(self) -> Table:
        """Return one row a story: an event that several articles tell of."""
        return self.table("stories")

    def pairs(self) -> Table:
        """Return every verified edge between two articles, with its evidence."""
        return self.table("pairs")

    def edits(self) -> Table:
        """Return the ledger: every change that was made to a text or to what belongs to it."""
        return self.table("edits")

    def rejects(self) -> Table:
        """Return what was read and is no article, each with the reason."""
        return self.table("rejects")

    def to_arrow(self, table: TableName = "canonical") -> pa.Table:
        """Read a table whole as a pyarrow table; the canonical articles unless another is named."""
        return self.table(table).to_arrow()

    def to_pandas(self, table: TableName = "canonical") -> pandas.DataFrame:
        """Read a table whole as a pandas data frame; the canonical articles unless another is named."""
        return self.table(table).to_pandas()

    def to_polars(self, table: TableName = "canonical") -> polars.DataFrame:
        """Read a table whole as a polars data frame; the canonical articles unless another is named."""
        return self.table(table).to_polars()

    def to_duckdb(
        self, table: TableName = "canonical", connection: duckdb.DuckDBPyConnection | None = None
    ) -> duckdb.DuckDBPyRelation:
        """Return a table as a relation of DuckDB; the canonical articles unless another is named."""
        return self.table(table).to_duckdb(connection)

    def export(
        self,
        target: str | Path,
        *,
        format: Format | None = None,  # noqa: A002 - what the option of the command is called
        every: bool = False,
        by: Partition | None = None,
        columns: list[str] | None = None,
        force: bool = False,
    ) -> Exported:
        """Write the canonical articles, or `every` one, to a file or folder, as `dedupe export` does."""
        from dedupe.corpus.export import export

        return export(self._output, Path(target), format=format, every=every, by=by, columns=columns, force=force)

    def article(self, identity: str) -> Row:
        """Return one article by its ID or the beginning of it. Raises UsageError where none or several have it."""
        return self._output.select("corpus", "article_id", [self._output.resolve(identity)])[0]

    def original(self, identity: str) -> str:
        """Return the text of an article as it was read, before any repair."""
        from dedupe.repair.ledger import restore

        article = self.article(identity)
        return restore(article["text"], self._output.select("edits", "article_id", [article["article_id"]]))

    def cluster(self, identity: str) -> Cluster:
        """Return a cluster by its ID, or by that of an article in it; the beginning of an ID will do.

        Raises UsageError where none or several have it.
        """
        found = self._output.select("clusters", "cluster_id", [self._cluster_id(identity)])[0]
        members = self._output.select("corpus", "cluster_id", [found["cluster_id"]], _MEMBER)
        members.sort(key=lambda row: (row["article_id"] != found["canonical_id"], -row["similarity"], row["article_id"]))
        names = ("cluster_id", "size", "canonical_id", "why_canonical", "weakest_similarity")
        return Cluster(**{name: found[name] for name in names}, members=tuple(members))

    def _cluster_id(self, identity: str) -> str:
        import pyarrow.compute as pc

        ids = self._output.table("clusters", ["cluster_id"])["cluster_id"]
        found = ids.filter(pc.starts_with(ids, identity)).to_pylist() if identity else []
        if len(found) > 1:
            raise UsageError(f"{len(found):,} clusters have an ID that starts with {identity}.", "Give more of it.")
        if found:
            return str(found[0])
        article = self._output.resolve(identity)
        return str(self._output.select("corpus", "article_id", [article], ["cluster_id"])[0]["cluster_id"])

    def weakest_pairs(self, n: int = 10) -> list[Pair]:
        """Return the `n` edges that hold a cluster together with the least, weakest first: what to look at by eye."""
        import pyarrow as pa
        import pyarrow.compute as pc

        from dedupe.match.edges import CONTAINED_IN, JOINING, RELATIONS

        pairs = self._output.table("pairs", _PAIR)
        joining = pa.array([RELATIONS[code] for code in JOINING])
        pairs = pairs.filter(pc.is_in(pairs["relation"], joining))
        held = pc.max_element_wise(pairs["containment_a"], pairs["containment_b"])
        strength = pc.if_else(pc.equal(pairs["relation"], RELATIONS[CONTAINED_IN]), held, pairs["jaccard"])
        order = [("strength", "ascending"), ("a_id", "ascending"), ("b_id", "ascending")]
        rows = pairs.append_column("strength", strength).sort_by(order).slice(0, max(0, n)).to_pylist()
        if not rows:
            return []
        ids = sorted({row[end] for row in rows for end in ("a_id", "b_id")})
        told = {
            row["article_id"]: row for row in self._output.select("corpus", "article_id", ids, ["article_id", "title", "text"])
        }
        return [
            Pair(
                **row,
                a_title=told[row["a_id"]]["title"],
                b_title=told[row["b_id"]]["title"],
                a_text=told[row["a_id"]]["text"],
                b_text=told[row["b_id"]]["text"],
            )
            for row in rows
        ]

    def match(self, source: Source) -> list[Row]:
        """Tell what new articles are to this corpus, without running it again: one result an article, as `dedupe match` gives it.

        `source`: what `dedupe.clean` takes. The index is read, and compared with its hashes, at the first call. Raises
        OutputError where that is missing, damaged or of another corpus.
        """
        from dedupe.corpus.lookup import Lookup, match_files
        from dedupe.read.spool import spool

        opened = self._output
        if self._lookup is None or self._lookup.output is not opened:
            self._lookup = Lookup(opened)
        with tempfile.TemporaryDirectory(prefix="dedupe-") as folder:
            return match_files(self._lookup, [str(path) for path in spool(source, Path(folder))])

    def explain(self, identity: str, other: str | None = None) -> Explanation:
        """Say what was repaired in an article and why it stands in its cluster; of two articles, why they are together or not.

        An ID or its beginning. Raises UsageError where none or several articles have it.
        """
        from dedupe.corpus.explain import explain_article, explain_pair

        one = self._output.resolve(identity)
        if other is not None:
            facts = explain_pair(self._output, one, self._output.resolve(other))
            return Explanation(("together" if facts["together"] else "not together", facts["reason"]), facts)
        facts = explain_article(self._output, one)
        return Explanation(tuple(_told(facts)), facts)


def _told(facts: dict[str, Any]) -> list[str]:
    article, cluster = facts["article"], facts["cluster"]
    title = f" {_shown(article['title'])!r}" if article["title"] else ""
    told = [f"{article['article_id'][:12]}{title} from {article['source']}:{article['record']}"]
    told.append(f"{amount(len(facts['repairs']), 'edit')}" + "".join(f"\n  {r['rule']} {r['name']}" for r in facts["repairs"]))
    told.append(f"in cluster {cluster['cluster_id']} of {cluster['size']:,}; canonical {cluster['canonical_id'][:12]}:"
                f" {cluster['why_canonical']}")  # fmt: skip
    if edge := cluster["edge"]:
        told.append(f"{edge['relation']} to it, Jaccard {edge['jaccard']:.2f}: {edge['evidence']}")
    elif article["relation"] != "canonical":
        told.append(f"{article['relation']} to it, Jaccard {article['similarity']:.2f}")
    if story := facts["story"]:
        told.append(f"in story {story['story_id']} of {story['size']:,}")
    return told


def _shown(text: str) -> str:
    # Article text is hostile: no control sequences reach a terminal.
    plain = "".join(char if char.isprintable() else " " for char in text[: _TITLE + 1])
    return plain if len(text) <= _TITLE else plain[: _TITLE - 1] + "…"
