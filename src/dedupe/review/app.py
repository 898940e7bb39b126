"""The application: addresses, and the desk that every request finds."""

from __future__ import annotations

from pathlib import Path
from threading import Lock

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp, Receive, Scope, Send

from dedupe.corpus.output import Output
from dedupe.errors import DedupeError
from dedupe.review import audit_pages, deciding, pages, repair_pages, story_pages
from dedupe.review.deciding import posted
from dedupe.review.desk import Desk
from dedupe.review.rendering import environment
from dedupe.review.security import Guard
from dedupe.write.publish import MANIFEST

_STATIC = Path(__file__).parent / "static"

_ROUTES = [
    Route("/", pages.home),
    Route("/clusters", pages.clusters),
    Route("/cluster/{cluster}", pages.cluster),
    Route("/cluster/{cluster}/decide", posted(deciding.decide_cluster), methods=["POST"]),
    Route("/cluster/{cluster}/merge", deciding.merge),
    Route("/cluster/{cluster}/merge", posted(deciding.decide_merge), methods=["POST"]),
    Route("/bulk", deciding.bulk),
    Route("/bulk", posted(deciding.decide_bulk), methods=["POST"]),
    Route("/updates", pages.updates),
    Route("/pair/{a}/{b}", pages.pair),
    Route("/pair/{a}/{b}/decide", posted(deciding.decide_pair), methods=["POST"]),
    Route("/stories", story_pages.stories),
    Route("/story/{story}", story_pages.story),
    Route("/story/{story}/decide", posted(deciding.decide_story), methods=["POST"]),
    Route("/repairs", repair_pages.repairs),
    Route("/repairs/undo", posted(deciding.undo_repair), methods=["POST"]),
    Route("/audit", audit_pages.audit),
    Route("/audit/edge", audit_pages.audit_edge),
    Route("/audit/edge", posted(deciding.decide_audit), methods=["POST"]),
    Route("/keys", pages.keys),
    Route("/conflicts", pages.conflicts),
    Route("/undo", posted(deciding.undo), methods=["POST"]),
    Mount("/static", StaticFiles(directory=_STATIC)),
]


class Room:
    """Hold the desk, and set up another when a run has put a new output in place."""

    def __init__(self, folder: Path, who: str) -> None:
        self._folder, self._who = folder, who
        self._lock = Lock()
        self._desk = Desk(Output(folder), who)
        self._seen = self._stamp()

    def desk(self) -> tuple[Desk, bool]:
        """Return the desk, and whether it is new since the last time."""
        with self._lock:
            stamp = self._stamp()
            if stamp == self._seen:
                return self._desk, False
            self._desk, self._seen = Desk(Output(self._folder), self._who), stamp
            return self._desk, True

    def _stamp(self) -> tuple[int, int]:
        try:
            stat = (self._folder / MANIFEST).stat()
        except OSError:
            return 0, 0  # and then opening it says what is wrong
        return stat.st_mtime_ns, stat.st_ino


class _Seated:
    """Give every request the desk as it is when the request comes."""

    def __init__(self, app: ASGIApp, room: Room) -> None:
        self._app, self._room = app, room

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and not scope["path"].startswith("/static/"):
            try:
                desk, fresh = await run_in_threadpool(self._room.desk)
            except DedupeError as error:
                # The output was taken away or damaged while the page was open.
                await PlainTextResponse(f"{error.sentence}\n{error.hint}", 503)(scope, receive, send)
                return
            scope.setdefault("state", {}).update(desk=desk, fresh=fresh)
        await self._app(scope, receive, send)


def _failed(request: Request, error: Exception) -> Response:
    assert isinstance(error, DedupeError)
    return pages.page(request, "error.html", "", 409, sentence=error.sentence, hint=error.hint)


def _missing(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    if error.status_code != 404 or not hasattr(request.state, "desk"):
        return Response(error.detail, error.status_code, headers=error.headers)
    told = {
        "sentence": "There is no such page.",
        "hint": "A run since may have given its articles another cluster: search for them.",
    }
    return pages.page(request, "error.html", "", 404, **told)


def make_app(room: Room, token: str, port: int) -> ASGIApp:
    """Return the application for one room; whoever does not hold the token is kept out."""
    environment()
    handlers = {DedupeError: _failed, HTTPException: _missing}
    seated = Starlette(routes=_ROUTES, middleware=[Middleware(_Seated, room=room)], exception_handlers=handlers)
    return Guard(seated, token, port)
