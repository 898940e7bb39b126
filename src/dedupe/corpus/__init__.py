"""A corpus that a run has written: opened, looked into, compared, explained, handed on, and taken articles out of."""
