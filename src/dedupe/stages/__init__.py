"""The stages of a run in their places: each takes what the one before has made; `dedupe.pipeline` knows their order."""
