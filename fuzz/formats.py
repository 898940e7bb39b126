"""The formats and packings that fuzzing tries, by name alone: what imports the product comes later, watched."""

KINDS = ("txt", "md", "html", "json", "jsonl", "csv", "tsv", "parquet", "arrow", "feather", "ipc")
PACKINGS = ("", ".gz", ".bz2", ".xz", ".zst")
