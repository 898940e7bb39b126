"""Why an input is no row of the corpus: the codes of rejects and their sentences."""

from __future__ import annotations

# Each sentence says what was wrong with the input at hand; {} is filled with what the reader saw.
SENTENCES: dict[str, str] = {
    "unreadable": "It cannot be read: {}.",
    "empty": "It holds no text: {}.",
    "binary": "It is binary data, not text: {}.",
    "undecodable": "Its characters cannot be decoded: {}.",
    "malformed": "It is not well-formed: {}.",
    "wrong_type": "The text has the wrong type: {}.",
    "too_large": "It is larger than an article may be: {}.",
    "bomb": "It unpacks to far more than articles do: {}.",
    "deadly": "It ended the process that worked on it: {}.",
    "forgotten": "It was forgotten on request: {}.",
    "truncated": "The file ends too early: {}; what came before was kept.",
}

# Sentences go into a table: one hostile file must not make it large.
_MOST_DETAIL = 300


class BadInputError(Exception):
    """Carry one reason from where it was found to where the row of rejects is written."""

    def __init__(self, code: str, detail: str) -> None:
        super().__init__(code, detail)
        self.code = code
        self.detail = detail


def is_panic(error: BaseException) -> bool:
    """Tell whether a Rust library gave up on its input: such errors are no `Exception`, lest they be caught by chance."""
    return type(error).__name__ == "PanicException"


def sentence(code: str, detail: str) -> str:
    """Put the detail into the sentence of a code, made printable and cut to a length that a table can hold."""
    clean = "".join(c if c.isprintable() else " " for c in detail).strip().rstrip(".")
    clean = clean.encode("utf-8", "backslashreplace").decode()
    if len(clean) > _MOST_DETAIL:
        clean = clean[:_MOST_DETAIL] + "…"
    return SENTENCES[code].format(clean)
