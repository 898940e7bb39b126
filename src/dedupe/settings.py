"""The settings file: written with every setting and its reason, and read with every mistake told at once."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from dedupe.config import Config
from dedupe.errors import ConfigError, DedupeError, UsageError, unwritable
from dedupe.read.columns import NAMES, check_fields
from dedupe.repair.rules import rule_codes

SETTINGS_FILE = "dedupe.toml"


def checked(config: Config | None) -> Config:
    """Return settings given in Python, or the defaults, with the names of rules as codes. Raises ConfigError."""
    return _settings({} if config is None else config.as_dict(), "the settings")


def check_output(output: str | Path) -> None:
    """Raise UsageError where the folder for the corpus has no name, as an empty variable of a shell gives it."""
    if output == "":
        raise UsageError("The folder for the corpus has no name.", "Give one, like output; a full stop is this folder.")


def check_previous(previous: str | Path | None, fresh: bool, relearn: bool) -> None:
    """Raise UsageError for a run that is told to do nothing with what it is given."""
    if fresh and previous is not None:
        raise UsageError("A run that takes over a previous output cannot be fresh.", "Leave out the one or the other.")
    if relearn and previous is None:
        raise UsageError("To relearn is for a run that takes over a previous output.", "Name it, or leave relearn out.")


def load_settings(path: Path | None, options: Mapping[str, Any]) -> Config:
    """Return the settings of a run: those of the file, if one is given, under those of the command line.

    Names of rules and of fields are checked as well, which `Config` alone cannot: it knows no rules. Raises ConfigError with
    every mistake, or that of the file where it cannot be read.
    """
    return _settings({**(Config.read_toml(path) if path else {}), **options}, str(path) if path else "the options")


def _settings(values: dict[str, Any], where: str) -> Config:
    mistakes: list[str] = []
    hints: list[str] = []

    def note(error: DedupeError) -> None:
        mistakes.append(error.sentence.removeprefix(f"In {where}: ").rstrip("."))
        hints.append(error.hint)

    name = "no-rules" if "no-rules" in values else "no_rules"
    try:
        values = values | {name: rule_codes(Config(no_rules=values[name]).no_rules)} if name in values else values
    except UsageError as error:
        # What is no list of strings is told below, with the other mistakes.
        if not isinstance(error, ConfigError):
            note(error)
            values = {key: value for key, value in values.items() if key != name}
    config = None
    try:
        config = Config.from_mapping(values, where)
    except ConfigError as error:
        note(error)
    fields = values.get("fields")
    if isinstance(fields, dict) and all(isinstance(part, str) for pair in fields.items() for part in pair):
        try:
            check_fields(fields)
        except UsageError as error:
            note(error)
    if config is None or mistakes:
        raise ConfigError(f"In {where}: {'; '.join(mistakes)}.", " ".join(dict.fromkeys(hints)))
    return config


def settings_text() -> str:
    """Return a settings file that changes nothing: every setting at its default, under what it is for."""
    plain = Config().as_dict()
    lines = [
        "# Settings of `dedupe clean --config dedupe.toml`. Every value is the default; options on the command line win.",
        "",
    ]
    # What is a table has to stand last in TOML.
    for setting in sorted(dataclasses.fields(Config), key=lambda one: isinstance(plain[one.name], dict)):
        value = plain[setting.name]
        lines.append(f"# {setting.metadata['why']}")
        if isinstance(value, dict):
            lines += [f"[{setting.name}]", f"# ours = yours; ours are {', '.join(NAMES)}", '# text = "story_html"', ""]
        else:
            lines += [f"{setting.name} = {json.dumps(value)}", ""]  # JSON writes these values as TOML does
    return "\n".join(lines)


def write_settings(path: Path) -> None:
    """Write the settings file. Raises UsageError where something stands there: it may hold somebody's settings."""
    try:
        with open(path, "x", encoding="utf-8") as file:
            file.write(settings_text())
    except FileExistsError:
        raise UsageError(f"{path} is there already.", "Give another name, or move it away.") from None
    except OSError as error:
        raise unwritable(path, error) from None
