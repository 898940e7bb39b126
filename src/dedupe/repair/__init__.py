"""Repair: the ledger, encoding, residue, metadata, language, spun text."""
