"""Fuzz repair and its ledger with any text: `python -m fuzz.ledger --seconds 600`."""

from __future__ import annotations

from fuzz.running import run

_LINES = [
    "By Jane Doe\nPublished: April 3, 2025\n\nThe council met on Thursday.\n\nAdvertisement\n\nLeave a Comment",
    "WASHINGTON (Reuters) - It isnâ€™t what theyâ€™d said at the cafÃ©.\r\n\r\nSign up for our newsletter.\u200b",
    "One &amp; two\x1eOne &amp;amp; two\x1eFollow us on Facebook\nTweet\nShare this:",
    "Council to decide – Springfield Herald\n\n\ufeffﬁne words\u0000 and e\u0301 more\u2028of them",
]

if __name__ == "__main__":
    run("restore_anything", {f"text{number}": text.encode() for number, text in enumerate(_LINES)})
