"""`dedupe review`: serve the page on this machine alone, until Ctrl-C."""

from __future__ import annotations

import gc
import getpass
import os
import secrets
import socket
import threading
import webbrowser
from contextlib import suppress
from pathlib import Path

import click
import uvicorn

from dedupe.console import notice
from dedupe.errors import DedupeError
from dedupe.quantities import amount
from dedupe.review.app import Room, make_app
from dedupe.review.audit_pages import SEED, SIZE

# Where nothing else is asked for; another one where it is taken.
PORT = 8765


def serve(output: Path, *, port: int | None = None, browser: bool = True, who: str | None = None) -> None:
    """Serve the review of an output until it is interrupted, which is how one ends it.

    Prints the address, with the token that opens it. Raises UsageError where there is no output, DedupeError where the port asked
    for is taken.
    """
    room = Room(output, who or user())
    listening = _listen(port)
    taken = int(listening.getsockname()[1])
    token = secrets.token_urlsafe(24)
    address = f"http://127.0.0.1:{taken}/?token={token}"
    desk, _ = room.desk()
    # What is there now stays: Python's garbage collector else goes through all of it in the midst of a page, 50 ms each time.
    gc.collect()
    gc.freeze()
    before = desk.decisions.latest()
    click.echo(address)
    notice(f"Reviewing {output} as {desk.who}. Keep the address to yourself: it opens the page. Ctrl-C ends it.")
    # Drawing the audit takes 0.15 s among 140,000 edges: while the browser opens.
    threading.Thread(target=desk.sample, args=(SIZE, SEED), daemon=True).start()
    if browser:
        threading.Thread(target=webbrowser.open, args=[address], daemon=True).start()
    config = uvicorn.Config(
        make_app(room, token, taken), log_level="warning", access_log=False, lifespan="off", ws="none", server_header=False,
        timeout_graceful_shutdown=2,
    )  # fmt: skip
    with suppress(KeyboardInterrupt):
        uvicorn.Server(config).run(sockets=[listening])
    made = desk.decisions.latest() - before
    notice(f"Ended. {amount(made, 'decision')} kept in {desk.decisions.path}.")
    if made:
        notice("next: dedupe clean with the same paths and output; it honours them")


def user() -> str:
    """Return the name under which decisions are kept where none is given: that of the account."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return os.environ.get("USER") or "reviewer"


def _listen(port: int | None) -> socket.socket:
    # Loopback only: nobody on the network can reach it.
    for number in [port] if port is not None else [PORT, 0]:
        listening = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        if os.name != "nt":
            listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listening.bind(("127.0.0.1", number))
            listening.listen(128)
        except OSError as error:
            listening.close()
            failed = error
            continue
        return listening
    raise DedupeError(
        f"Port {port} cannot be used: {failed.strerror}.", "Give another one to --port, or leave it out."
    ) from failed
