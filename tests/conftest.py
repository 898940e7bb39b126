from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

ROOT = Path(__file__).parents[1]


@pytest.fixture(scope="session")
def seeds() -> Path:
    """The five articles that the project ships."""
    return ROOT / "seeds"


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Development data beside the project, where it is there."""
    folder = ROOT.parent / "shared" / "data"
    if not folder.is_dir():
        pytest.skip("needs the development data in ../shared/data, which is not part of the project")
    return folder


@pytest.fixture
def dedupe(monkeypatch: pytest.MonkeyPatch) -> Callable[..., Result]:
    """Run the command line in this process, with the exit status and the streams of the real one."""
    from dedupe import cli

    def run(*arguments: str | Path, stdin: bytes | str | None = None) -> Result:
        import click

        @click.command(context_settings={"ignore_unknown_options": True, "allow_extra_args": True, "help_option_names": []})
        def whole() -> None:
            cli.main()

        monkeypatch.setattr("sys.argv", ["dedupe", *map(str, arguments)])
        return CliRunner().invoke(whole, [], input=stdin)

    return run
