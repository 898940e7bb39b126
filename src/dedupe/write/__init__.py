"""Tables out: Parquet, manifest, dataset card, publication."""
