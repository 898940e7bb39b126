"""What one kind of residue is to the screen and to the patterns, and the words that several kinds share."""

from __future__ import annotations

import re
from typing import NamedTuple


class Family(NamedTuple):
    """Describe one kind of residue; `keys` as for `line_keys.build_keys`, `limit` the longest line in bytes of UTF-8."""

    code: str
    limit: int
    keys: tuple[str, ...]
    pattern: re.Pattern[str]


def family(code: str, limit: int, keys: str, *patterns: str) -> Family:
    """Build a family from its keys, parted by commas, and the patterns of its lines; a full stop may stand behind each."""
    named = tuple(key.strip() for key in keys.split(","))
    return Family(code, limit, named, re.compile(f"(?:{'|'.join(patterns)})[.!]?", re.IGNORECASE))


NO_SPEECH = r"(?!.*\b(?:said|says|told|tells|added|asked|wrote|according to|reported)\b)"


def unspoken(*patterns: str) -> str:
    """Keep these patterns from lines with a verb of speech.

    One look at the line for all of them: it is most of what a pattern costs.
    """
    return f"{NO_SPEECH}(?:{'|'.join(patterns)})"


NETWORKS = (
    r"(?:facebook|twitter|x|instagram|youtube|linkedin|tiktok|threads|bluesky|telegram|whatsapp|flipboard|pinterest|"
    r"google\+?|reddit|tumblr|gab|parler)"
)
NAME = r"[^\W0-9_][\w.'’-]*"
# Who is credited: words that begin with a capital, and what stands between names.
CREDITED = (
    r"(?-i:[A-Z0-9@])[\w.'’&@-]*"
    r"(?:(?: ?[,/|] ?| )(?:(?:via|for|of|the|and|by|courtesy|from|through|in|on|de|von|van)\b|(?-i:[A-Z0-9@])[\w.'’&@-]*)){0,9}"
)
