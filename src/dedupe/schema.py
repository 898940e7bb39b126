"""The Arrow schemas of every table: the contract between the stages, and with other projects.

Types are those that every other engine reads undistorted: no unsigned 64-bit integers, no half floats, no nanosecond timestamps.
"""

from __future__ import annotations

import pyarrow as pa

SCHEMA_VERSION = 1

TIMESTAMP = pa.timestamp("us", tz="UTC")

# One column at a time: name, type, what it holds. The comment goes into the footer and shows in Spark's DESCRIBE.
Column = tuple[str, pa.DataType, str]


def build_schema(columns: list[Column]) -> pa.Schema:
    """Make a schema whose fields carry their comments, under the key that Spark reads."""
    return pa.schema([pa.field(name, kind, metadata={"comment": comment}) for name, kind, comment in columns])


EDIT = pa.struct(
    [
        ("seq", pa.int32()),
        ("field", pa.string()),
        ("rule", pa.string()),
        ("start", pa.int32()),
        ("end", pa.int32()),
        ("before", pa.string()),
        ("after", pa.string()),
        ("confidence", pa.float32()),
        ("evidence", pa.string()),
    ]
)

# What a reader yields: one row an article, before any repair.
ARTICLES = build_schema(
    [
        ("source", pa.string(), "path of the file, relative to the root given, with /"),
        ("record", pa.int64(), "number of the record in its file, from 1; 1 for a file that is one article"),
        ("text", pa.string(), "decoded text (for HTML: the extractor's output)"),
        ("raw_sha256", pa.string(), "SHA-256 of the page's bytes for HTML, of the decoded text in UTF-8 otherwise"),
        ("input_id", pa.string(), "the article's own ID in the input"),
        ("url", pa.string(), "address as given"),
        ("title", pa.string(), "headline"),
        ("published_at", TIMESTAMP, "time of publication; a date without a zone is taken as UTC and counted"),
        ("author", pa.string(), "byline"),
        ("publisher", pa.string(), "who published it, as given"),
        ("extra", pa.string(), "JSON object of the input columns that are not known, and of what was assumed in reading"),
    ]
)

REJECTS = build_schema(
    [
        ("path", pa.string(), "path of the file, relative to the root given, with /"),
        ("record", pa.int64(), "number of the record in its file, from 1; 0 where the whole file is meant"),
        ("code", pa.string(), "what was wrong, as a code: unreadable, empty, binary, ..."),
        ("sentence", pa.string(), "what was wrong, in words"),
    ]
)

# What the map stages of cleaning pass on: the article, what was taken out of its text, and its ledger.
CLEANED = pa.schema(
    [
        *ARTICLES,
        pa.field("credits", pa.list_(pa.string()), metadata={"comment": "news agencies credited in the text"}),
        pa.field("edits", pa.list_(EDIT), metadata={"comment": "the ledger of this article, in order of seq"}),
    ]
)

CORPUS = build_schema(
    [
        ("article_id", pa.string(), "128-bit hash, hex, of the article's identity and its decoded text"),
        ("input_id", pa.string(), "the article's own ID in the input, where it had one"),
        ("cluster_id", pa.string(), "one article in many copies: same ID; kept over runs"),
        ("story_id", pa.string(), "one event in many articles: same ID; null where an article is alone in its story"),
        ("is_canonical", pa.bool_(), "whether this article stands for its cluster"),
        ("canonical_id", pa.string(), "article_id of the article that stands for the cluster"),
        ("relation", pa.string(), "to its canonical: canonical, exact, near, contained, spun, or decided by a person"),
        ("similarity", pa.float32(), "exact Jaccard of shingles with its canonical, 0 to 1; 1 for itself"),
        ("cluster_size", pa.int32(), "articles in the cluster"),
        ("title", pa.string(), "headline"),
        ("text", pa.string(), "repaired text"),
        ("language", pa.string(), "BCP-47 code; und where the text is too short or too mixed to tell"),
        ("language_score", pa.float32(), "margin of the language over the next one, 0 to 1"),
        ("published_at", TIMESTAMP, "time of publication"),
        ("author", pa.string(), "byline"),
        ("publisher", pa.string(), "who published it"),
        ("credits", pa.list_(pa.string()), "news agencies credited in the text"),
        ("url", pa.string(), "address as given"),
        ("source", pa.string(), "path of the file, relative to the root given, with /"),
        ("record", pa.int64(), "number of the record in its file, from 1"),
        ("n_words", pa.int32(), "words of the repaired text"),
        ("spin_score", pa.float32(), "how spun the text reads; null where it was not judged"),
        ("n_edits", pa.int32(), "rows of this article in edits.parquet"),
        ("text_sha256", pa.string(), "SHA-256 of text in UTF-8"),
        ("raw_sha256", pa.string(), "SHA-256 of the page's bytes for HTML, of the decoded text in UTF-8 otherwise"),
        ("extra", pa.string(), "JSON object of the input columns that are not known, and of what was assumed in reading"),
    ]
)

PAIRS = build_schema(
    [
        ("a_id", pa.string(), "article_id of the smaller ID of the two"),
        ("b_id", pa.string(), "article_id of the larger ID of the two"),
        ("relation", pa.string(), "exact, near, contained, part_of, spun, update, story, or decided by a person"),
        ("jaccard", pa.float32(), "exact Jaccard of shingles, 0 to 1"),
        ("containment_a", pa.float32(), "share of a's shingles that b holds, 0 to 1"),
        ("containment_b", pa.float32(), "share of b's shingles that a holds, 0 to 1"),
        ("shared", pa.int32(), "shingles that both hold"),
        ("evidence", pa.string(), "what the relation rests on, in words"),
    ]
)

CLUSTERS = build_schema(
    [
        ("cluster_id", pa.string(), "as in corpus.parquet"),
        ("size", pa.int32(), "articles in the cluster"),
        ("canonical_id", pa.string(), "article_id of the canonical"),
        ("why_canonical", pa.string(), "what made it the canonical"),
        ("weakest_similarity", pa.float32(), "lowest Jaccard of a member with the canonical; null for a single article"),
        ("weakest_id", pa.string(), "article_id of that member"),
        ("languages", pa.list_(pa.string()), "languages of the members, most frequent first"),
        ("first_published_at", TIMESTAMP, "earliest date of a member"),
        ("last_published_at", TIMESTAMP, "latest date of a member"),
        ("since", pa.int32(), "number of the run that gave this ID, counted from the first output"),
    ]
)

STORIES = build_schema(
    [
        ("story_id", pa.string(), "as in corpus.parquet"),
        ("size", pa.int32(), "articles in the story"),
        ("canonical_id", pa.string(), "article_id of the article that stands for the story"),
        ("languages", pa.list_(pa.string()), "languages of the members, most frequent first"),
        ("first_published_at", TIMESTAMP, "earliest date of a member"),
        ("last_published_at", TIMESTAMP, "latest date of a member"),
        ("since", pa.int32(), "number of the run that gave this ID, counted from the first output"),
    ]
)

EDITS = build_schema(
    [
        ("article_id", pa.string(), "as in corpus.parquet"),
        ("seq", pa.int32(), "order of the edits of one article, from 0"),
        ("field", pa.string(), "column that was changed: text, title, author, publisher, published_at"),
        ("rule", pa.string(), "code of the rule"),
        ("start", pa.int32(), "code points, in the field after edit seq-1"),
        ("end", pa.int32(), "code points, in the field after edit seq-1"),
        ("before", pa.string(), "what stood there"),
        ("after", pa.string(), "what stands there now"),
        ("confidence", pa.float32(), "0 to 1"),
        ("evidence", pa.string(), "why, in words"),
    ]
)

RESIDUE = build_schema(
    [
        ("publisher", pa.string(), "publisher, or host of the URL, that repeats the line"),
        ("line_hash", pa.int64(), "hash of the folded line"),
        ("line", pa.string(), "the line, as one article has it"),
        ("articles", pa.int64(), "articles of the publisher that hold it"),
        ("contexts", pa.int64(), "of those, articles that otherwise differ"),
    ]
)

# What the map of IDs says of an article that was taken out on request.
FORGOTTEN = "forgotten"

ID_MAP = build_schema(
    [
        ("kind", pa.string(), "cluster, story, or article for one that was forgotten on request"),
        ("old_id", pa.string(), "ID in the previous output; null for a new one"),
        ("new_id", pa.string(), "ID in this output; null for one that is gone"),
        ("change", pa.string(), "kept, grew, shrank, split, merged, gone, new; forgotten"),
        ("shared", pa.int32(), "members that both hold"),
    ]
)

TABLES: dict[str, pa.Schema] = {
    "corpus": CORPUS,
    "canonical": CORPUS,
    "pairs": PAIRS,
    "clusters": CLUSTERS,
    "stories": STORIES,
    "edits": EDITS,
    "rejects": REJECTS,
    "residue": RESIDUE,
    "id_map": ID_MAP,
}
