"""The footer of a Parquet file as a struct: the numbers of its fields, and what is asked of it to copy chunks or single pages.

Layout and numbers are those of https://github.com/apache/parquet-format.
"""

from __future__ import annotations

from dedupe.write.thrift import Struct, encode

MAGIC = b"PAR1"

# Fields of FileMetaData, SchemaElement, RowGroup, ColumnChunk and ColumnMetaData.
VERSION, SCHEMA, ROWS, GROUPS, MADE_BY = 1, 2, 3, 4, 6
NAME, CHILDREN = 4, 5
COLUMNS, BYTES, GROUP_ROWS, GROUP_OFFSET, GROUP_COMPRESSED = 1, 2, 3, 5, 6
OFFSET, META = 2, 3
TYPE, ENCODINGS, PATH, CODEC, VALUES, UNCOMPRESSED, COMPRESSED, DATA_PAGE = 1, 2, 3, 4, 5, 6, 7, 9
INDEX_PAGE, DICTIONARY_PAGE, PAGE_ENCODINGS, SIZES = 10, 11, 13, 16
OFFSETS = (DATA_PAGE, INDEX_PAGE, DICTIONARY_PAGE)


def chunk_start(meta: Struct) -> int:
    """Return where a column chunk begins in its file, from its ColumnMetaData."""
    start: int = min(meta[field][1] for field in OFFSETS if field in meta)
    return start


def file_end(footer: Struct) -> bytes:
    """Return the bytes with which a file of this footer ends."""
    told = encode(footer)
    return told + len(told).to_bytes(4, "little") + MAGIC
