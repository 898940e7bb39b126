"""The commands about the installation itself: is it sound, a settings file to begin with, completion for the shell."""

from __future__ import annotations

from pathlib import Path

import click

from dedupe.errors import ConditionError, command


@click.command(short_help="Check this installation.")
@click.option("--json", "as_json", is_flag=True, help="Print as one JSON object.")
def doctor(as_json: bool) -> None:
    """Check this installation: packages, cores, memory, kernels, folders; exit 1 where something is wrong."""
    from dedupe.commands.doctor import examine, show_findings
    from dedupe.console import show_json

    findings = examine()
    if as_json:
        show_json({"ok": all(found.ok for found in findings), "findings": [found.as_dict() for found in findings]})
    else:
        show_findings(findings)
    wrong = [found for found in findings if not found.ok]
    if wrong:
        raise ConditionError(f"{len(wrong):,} of {len(findings):,} checks found something wrong.", wrong[0].hint)


@click.command(short_help="Write a settings file with every setting in it.")
@click.argument("path", type=click.Path(path_type=Path), default="dedupe.toml")
@click.option("--json", "as_json", is_flag=True, help="Print as one JSON object.")
def init(path: Path, as_json: bool) -> None:
    """Write a settings file with every setting, its default, and what it is for; never over one that is there."""
    from dedupe.console import show_json
    from dedupe.settings import write_settings

    write_settings(path)
    if as_json:
        show_json({"wrote": str(path)})
    else:
        click.echo(f"wrote {path}\nnext: {command('clean', 'FOLDER', '--config', path)}")


@click.command(short_help="Print the script that completes commands in a shell.")
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
@click.pass_context
def completion(context: click.Context, shell: str) -> None:
    """Print the script that completes commands and options in a shell.

    \b
    bash: dedupe completion bash > ~/.local/share/bash-completion/completions/dedupe
    zsh:  dedupe completion zsh > ~/.zfunc/_dedupe          (a folder of your fpath)
    fish: dedupe completion fish > ~/.config/fish/completions/dedupe.fish
    """
    from click.shell_completion import get_completion_class

    script = get_completion_class(shell)
    assert script is not None
    click.echo(script(context.find_root().command, {}, "dedupe", "_DEDUPE_COMPLETE").source())
