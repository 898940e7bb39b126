"""The installation is examined, settings are written and read, the shell completes."""

import dataclasses
import json
import os
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Callable
from importlib import metadata
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result

import dedupe as package
from dedupe import settings
from dedupe.commands import doctor
from dedupe.config import Config
from dedupe.errors import ConfigError

Dedupe = Callable[..., Result]


def test_doctor_finds_this_installation_sound(dedupe: Dedupe) -> None:
    result = dedupe("doctor")
    assert result.exit_code == 0, result.output
    assert "WRONG" not in result.stdout
    assert "next: dedupe clean" in result.stdout
    told = json.loads(dedupe("doctor", "--json").stdout)
    assert told["ok"] is True
    found = {finding["name"]: finding["found"] for finding in told["findings"]}
    assert found["numba"] == metadata.version("numba")
    assert found["dedupe"].startswith(package.__version__)
    assert {"python", "cores", "memory", "cache folder", "kernels", "import name", "extra warc", "temporary folder"} <= set(found)


def wrong(result: Result) -> dict[str, dict[str, Any]]:
    assert result.exit_code == 1, result.output
    return {finding["name"]: finding for finding in json.loads(result.stdout)["findings"] if not finding["ok"]}


def test_doctor_tells_of_a_missing_and_of_a_broken_package(dedupe: Dedupe, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor, "_requirements", lambda: (["no-such-package", "ftfy", "click"], {"warc": ["no-such-extra"]}))
    monkeypatch.setitem(sys.modules, "ftfy", None)
    found = wrong(dedupe("doctor", "--json"))
    assert found["no-such-package"]["hint"] == "Install it with: pip install no-such-package"
    assert "does not load" in found["ftfy"]["found"]
    assert "click" not in found
    shown = dedupe("doctor")
    assert "WRONG  no-such-package" in shown.stdout
    assert "not installed (pip install 'article-dedupe[warc]')" in shown.stdout
    assert "2 of " in shown.stderr


def test_doctor_tells_of_the_clash_of_names(dedupe: Dedupe, monkeypatch: pytest.MonkeyPatch) -> None:
    version = metadata.version
    monkeypatch.setattr(metadata, "version", lambda name: "3.0.3" if name == "dedupe" else version(name))
    found = wrong(dedupe("doctor", "--json"))
    assert "entity resolution" in found["import name"]["found"]
    assert "pip uninstall dedupe" in found["import name"]["hint"]


def test_doctor_tells_of_folders_that_cannot_be_written(dedupe: Dedupe, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("DEDUPE_CACHE_DIR", str(tmp_path / "file" / "cache"))
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "gone"))
    found = wrong(dedupe("doctor", "--json"))
    assert set(found) == {"cache folder", "temporary folder"}
    assert "DEDUPE_CACHE_DIR" in found["cache folder"]["hint"]
    names = [one["name"] for one in json.loads(dedupe("doctor", "--json").stdout)["findings"]]
    assert "kernels" not in names, "it would be said twice"


def test_doctor_tells_of_too_little_room(dedupe: Dedupe, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("dedupe.engine.memory.total", lambda: 1 << 30)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: shutil._ntuple_diskusage(10**9, 10**9, 10**6))  # type: ignore[attr-defined]
    assert set(wrong(dedupe("doctor", "--json"))) == {"memory", "temporary folder", "this folder"}


def test_init_writes_every_setting_with_its_reason(dedupe: Dedupe, tmp_path: Path) -> None:
    path = tmp_path / "dedupe.toml"
    result = dedupe("init", path)
    assert result.exit_code == 0
    assert f"next: dedupe clean FOLDER --config {path}" in result.stdout
    text = path.read_text(encoding="utf-8")
    assert set(tomllib.loads(text)) == {field.name for field in dataclasses.fields(Config)}
    assert Config.from_toml(path) == Config()
    for field in dataclasses.fields(Config):
        assert f"# {field.metadata['why']}\n" in text
    # The example of a field is a right one.
    assert Config.from_toml(path).fields == {}
    path.write_text(text.replace('# text = "', 'text = "'), encoding="utf-8")
    assert settings.load_settings(path, {}).fields == {"text": "story_html"}


def test_init_never_overwrites(dedupe: Dedupe, tmp_path: Path) -> None:
    path = tmp_path / "dedupe.toml"
    path.write_text("threshold = 0.9")
    result = dedupe("init", path)
    assert result.exit_code == 2
    assert "is there already" in result.stderr
    assert path.read_text() == "threshold = 0.9"
    assert json.loads(dedupe("init", tmp_path / "other.toml", "--json").stdout) == {"wrote": str(tmp_path / "other.toml")}


def test_clean_takes_the_file_and_options_win(dedupe: Dedupe, seeds: Path, tmp_path: Path) -> None:
    path = tmp_path / "dedupe.toml"
    path.write_text('threshold = 0.7\ndespin = "off"\nno_rules = ["comment-prompts"]\n')
    run = ("clean", seeds / "invitation-invezz.txt", "--config", path, "-o", tmp_path / "out")
    assert dedupe(*run, "--threshold", "0.8").exit_code == 0
    used = json.loads((tmp_path / "out" / "manifest.json").read_text())["settings"]
    assert (used["threshold"], used["despin"], used["no_rules"]) == (0.8, "off", ["R102"])
    # An option mends what is wrong in the file.
    path.write_text("threshold = 7")
    assert dedupe(*run, "--threshold", "0.8").exit_code == 0


def test_all_mistakes_are_told_at_once(dedupe: Dedupe, seeds: Path, tmp_path: Path) -> None:
    path = tmp_path / "dedupe.toml"
    path.write_text(
        'threshold = "high"\nrecall = 2\nhtml = "slow"\nseed = 1.5\nstories = 1\nno_rules = ["R999", "R102"]\ntreshold = 0.5\n'
        '[fields]\nbodytext = "a"\nnonsense = "b"\n'
    )
    result = dedupe("clean", seeds, "--config", path, "-o", tmp_path / "out")
    assert result.exit_code == 2
    for mistake in (
        "threshold is 'high', which is no number",
        "recall is 2",
        "html is 'slow'",
        "seed is 1.5, which is no whole number",
        "stories is 1, which is no true or false",
        "R999: there is no rule of that name",
        "treshold is not a setting",
        "'nonsense' is no field",
    ):
        assert mistake in result.stderr, mistake
    assert "bodytext" not in result.stderr
    assert result.stderr.count(str(path)) == 1
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("threshold = ", "is not valid TOML"),
        ("no_rules = 5", "no_rules is 5, which is no list of codes"),
        ("no_rules = [5]", "which is no list of codes"),
        ("fields = 5", "fields is 5, which is no table"),
        ("[fields]\ntext = 5", "fields takes names of columns"),
    ],
)
def test_wrong_files_are_told(text: str, sentence: str, tmp_path: Path) -> None:
    path = tmp_path / "dedupe.toml"
    path.write_text(text)
    with pytest.raises(ConfigError, match=sentence) as told:
        settings.load_settings(path, {})
    assert "Settings are" not in told.value.hint
    with pytest.raises(ConfigError, match="cannot be read"):
        settings.load_settings(tmp_path / "nowhere.toml", {})


def test_a_file_of_an_editor_that_marks_utf8_is_read_and_another_encoding_told(tmp_path: Path) -> None:
    path = tmp_path / "dedupe.toml"
    path.write_text("threshold = 0.7", encoding="utf-8-sig")
    assert settings.load_settings(path, {}).threshold == 0.7
    path.write_text("threshold = 0.7", encoding="utf-16")
    with pytest.raises(ConfigError, match="not in UTF-8"):
        settings.load_settings(path, {})


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_is_a_script_of_the_shell(shell: str, dedupe: Dedupe, tmp_path: Path) -> None:
    script = dedupe("completion", shell).stdout
    assert f"_DEDUPE_COMPLETE={shell}_complete" in script
    if shutil.which(shell):
        (tmp_path / "script").write_text(script)
        subprocess.run([shell, "-n", str(tmp_path / "script")], check=True)


def test_the_shell_is_offered_commands_and_options(tmp_path: Path) -> None:
    def offered(*words: str) -> list[str]:
        environment = {
            **os.environ,
            "_DEDUPE_COMPLETE": "bash_complete",
            "COMP_WORDS": " ".join(["dedupe", *words]),
            "COMP_CWORD": str(len(words)),
        }
        # As the console script of the installation starts it, whatever that is called here.
        code = "import sys; sys.argv[0] = 'dedupe'; from dedupe.cli import main; main()"
        done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True)
        return [line.partition(",")[2] for line in done.stdout.splitlines()]

    assert {"clean", "export", "doctor"} <= set(offered(""))
    assert offered("ex") == ["explain", "export"]
    assert offered("export", "--sp") == ["--spreadsheet"]
    assert offered("export", "--format", "") == ["parquet", "jsonl", "csv", "text"]
