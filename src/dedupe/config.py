"""The settings of a run: frozen, typed, read from TOML, and checked all at once."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import tomllib
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, get_args

from dedupe.errors import ConfigError

HtmlExtractor = Literal["best", "fast"]
Despin = Literal["fix", "flag", "off"]

MAX_ARTICLE_BYTES = 10_000_000


@dataclass(frozen=True, slots=True)
class Config:
    """Hold every setting that can change an output, with the defaults that the documents give reasons for.

    What cannot change an output (workers, progress, where it is written) is no setting of this class, so that `fingerprint` is
    the same wherever the output would be. What a setting is for stands beside it: `dedupe init` writes that into its file.
    """

    # reading
    fields: Mapping[str, str] = field(
        default_factory=dict, metadata={"why": "columns of the input that are fields of ours, where their names do not say so"}
    )
    html: HtmlExtractor = field(
        default="best", metadata={"why": "how to find the article in a page: best (trafilatura) or fast (resiliparse)"}
    )
    max_article_bytes: int = field(default=MAX_ARTICLE_BYTES, metadata={"why": "longer articles are rejected"})
    # cleaning
    clean: bool = field(default=True, metadata={"why": "repair the text; false leaves it as it was read"})
    no_rules: Collection[str] = field(default=frozenset(), metadata={"why": "cleaning rules to switch off, by code or name"})
    despin: Despin = field(
        default="fix", metadata={"why": "spun articles: fix restores their wording, flag only scores them, off does neither"}
    )
    # matching
    threshold: float = field(
        default=0.5, metadata={"why": "Jaccard similarity from which two articles are near-duplicates, 0.1 to 1"}
    )
    recall: float = field(
        default=0.995, metadata={"why": "share of the pairs at the threshold to find, 0.5 to under 1: more costs more time"}
    )
    exact_only: bool = field(default=False, metadata={"why": "match equal texts only"})
    stories: bool = field(default=True, metadata={"why": "look for stories: different articles on one event"})
    seed: int = field(
        default=1, metadata={"why": "seed of the permutations; another one finds other pairs of those that are missed"}
    )

    def __post_init__(self) -> None:
        object.__setattr__(self, "no_rules", _strings(self.no_rules))
        mistakes = list(_mistakes(self))
        if mistakes:
            raise ConfigError("; ".join(mistakes) + ".", "`dedupe clean --help` tells what each takes.")

    def fingerprint(self) -> str:
        """Hash all settings, so that two outputs can be told to have been made alike."""
        return hashlib.sha256(json.dumps(self.as_dict(), sort_keys=True).encode()).hexdigest()[:16]

    def as_dict(self) -> dict[str, Any]:
        """Return the settings as plain JSON values, sorted where order has no meaning."""
        values = {name: getattr(self, name) for name in self.__slots__}
        values["fields"] = dict(sorted(self.fields.items()))
        values["no_rules"] = sorted(self.no_rules)
        return values

    @classmethod
    def from_mapping(cls, values: Mapping[str, Any], where: str = "the settings") -> Config:
        """Build settings from plain values, naming every unknown key and every wrong value at once.

        Raises ConfigError.
        """
        known = {f.name for f in dataclasses.fields(cls)}
        taken = {key.replace("-", "_"): value for key, value in values.items()}
        unknown = sorted(set(taken) - known)
        mistakes = [f"{key} is not a setting" for key in unknown]
        taken = {key: value for key, value in taken.items() if key in known}
        try:
            config = cls(**taken)
        except ConfigError as error:
            mistakes.append(error.sentence.rstrip("."))
        if mistakes:
            hint = f"Settings are: {', '.join(sorted(known))}." if unknown else "`dedupe clean --help` tells what each takes."
            raise ConfigError(f"In {where}: {'; '.join(mistakes)}.", hint)
        return config

    @classmethod
    def from_toml(cls, path: str | Path, **overrides: Any) -> Config:
        """Read a dedupe.toml, over which the given values take precedence. Raises ConfigError."""
        return cls.from_mapping({**cls.read_toml(path), **overrides}, str(path))

    @staticmethod
    def read_toml(path: str | Path) -> dict[str, Any]:
        """Return what a dedupe.toml holds, unchecked. Raises ConfigError where it cannot be read."""
        try:
            return tomllib.loads(Path(path).read_text(encoding="utf-8-sig"))
        except OSError as error:
            raise ConfigError(f"{path} cannot be read: {error.strerror}.", "Check the path of the settings file.") from error
        except UnicodeDecodeError as error:
            raise ConfigError(f"{path} is not in UTF-8, as TOML has to be.", "Save it in UTF-8.") from error
        except tomllib.TOMLDecodeError as error:
            raise ConfigError(f"{path} is not valid TOML: {error}.", "Mend that line and run the command again.") from error


_TYPES: dict[str, tuple[type, ...]] = {
    "fields": (Mapping,),
    "max_article_bytes": (int,),
    "clean": (bool,),
    "no_rules": (frozenset,),
    "threshold": (float, int),
    "recall": (float, int),
    "exact_only": (bool,),
    "stories": (bool,),
    "seed": (int,),
}
_KINDS: dict[type, str] = {
    Mapping: "table",
    frozenset: "list of codes",
    float: "number",
    int: "whole number",
    bool: "true or false",
}


def _strings(value: object) -> object:
    # Any collection of strings will do, and one string is one of them; what is none is told as it was given.
    found = [value] if isinstance(value, str) else list(value) if isinstance(value, Iterable) else [value]
    return frozenset(found) if all(isinstance(one, str) for one in found) else value


def _mistakes(config: Config) -> list[str]:
    found = []
    wrong = set()
    for name, kinds in _TYPES.items():
        value = getattr(config, name)
        if not isinstance(value, kinds) or (isinstance(value, bool) and bool not in kinds):
            wrong.add(name)
            found.append(f"{name} is {value!r}, which is no {_KINDS.get(kinds[0], kinds[0].__name__)}")
    if "fields" not in wrong and not all(isinstance(part, str) for pair in config.fields.items() for part in pair):
        found.append("fields takes names of columns: ours = yours")
    for name, choices in (("html", get_args(HtmlExtractor)), ("despin", get_args(Despin))):
        if getattr(config, name) not in choices:
            found.append(f"{name} is {getattr(config, name)!r}, not one of {', '.join(choices)}")
    if "threshold" not in wrong and not 0.1 <= config.threshold <= 1:
        found.append(f"threshold is {config.threshold:g}, not between 0.1 and 1")
    if "recall" not in wrong and not 0.5 <= config.recall < 1:
        found.append(f"recall is {config.recall:g}, not between 0.5 and 1 (1 excluded)")
    if "max_article_bytes" not in wrong and config.max_article_bytes < 1:
        found.append(f"max_article_bytes is {config.max_article_bytes}, not above 0")
    if "seed" not in wrong and not 0 <= config.seed < 2**32:
        found.append(f"seed is {config.seed}, not between 0 and 4,294,967,295")
    return found
