"""Clusters from verified edges, the canonical of each, and IDs that last."""
