"""Rows as lines: JSON Lines and CSV, the same values in both as in the tables."""

from __future__ import annotations

import csv
import io
import json
from datetime import UTC, datetime
from typing import IO, Any

import orjson
import pyarrow as pa

# What a spreadsheet takes for the beginning of a formula: https://owasp.org/www-community/attacks/CSV_Injection.
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")


class RowWriter:
    """Write batches as lines, in UTF-8 whatever the system.

    JSON Lines: an object an article; times in ISO 8601, missing values as null. CSV: as RFC 4180 has it, under a header; lists
    as JSON, times in ISO 8601, missing values as nothing. Cells are exact, since programs read them; for people who open the
    file in a spreadsheet, `spreadsheet` puts an apostrophe before what would be taken for a formula, as article text is hostile.
    """

    def __init__(self, file: IO[bytes], form: str, columns: list[str], spreadsheet: bool = False) -> None:
        self._file, self._form, self._columns, self._spreadsheet = file, form, columns, spreadsheet
        if form == "csv":
            file.write(_csv([columns]))

    def write(self, batch: pa.RecordBatch) -> None:
        """Add the rows of a batch."""
        rows = batch.select(self._columns).to_pylist()
        if self._form == "csv":
            self._file.write(_csv([[self._cell(value) for value in row.values()] for row in rows]))
        else:
            option = orjson.OPT_APPEND_NEWLINE | orjson.OPT_UTC_Z
            self._file.write(b"".join(orjson.dumps(row, option=option) for row in rows))

    def _cell(self, value: Any) -> Any:
        if isinstance(value, datetime):
            return value.astimezone(UTC).isoformat().replace("+00:00", "Z")
        if isinstance(value, list):
            return json.dumps(value, ensure_ascii=False)
        if isinstance(value, bool):
            return str(value).lower()
        if self._spreadsheet and isinstance(value, str) and value.startswith(_FORMULA):
            return f"'{value}"
        return value


def _csv(rows: list[list[Any]]) -> bytes:
    text = io.StringIO(newline="")
    csv.writer(text).writerows(rows)
    return text.getvalue().encode()
