"""Review: see the clusters of an output, decide about them, and be remembered."""
