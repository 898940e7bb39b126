"""Keep everybody out but the person who started the page: what other sites, and other people of the machine, try is refused.

The page shows hostile text and writes decisions, so it takes nothing on trust: the token tells who may come in; Host keeps out a
foreign name that is made to point here (DNS rebinding); Origin keeps out forms and scripts of other sites; and the content
security policy keeps anything that might slip through the escaping from running, or from telling anybody.
"""

from __future__ import annotations

import hmac
from http.cookies import CookieError, SimpleCookie
from urllib.parse import parse_qs

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import HTMLResponse, PlainTextResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

_POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self'",
        "connect-src 'self'",
        "form-action 'self'",
        "base-uri 'none'",
        "frame-ancestors 'none'",
    )
)

_HEADERS = {
    "Content-Security-Policy": _POLICY,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    # Not `no-referrer`: browsers then send no Origin with our own forms.
    "Referrer-Policy": "same-origin",
    "Cache-Control": "no-store",
}

# Not a redirect: a cookie that is `Strict` is not sent along one that began on another site, as in a mail or a notebook.
_ENTRANCE = (
    '<!doctype html><title>dedupe review</title><link rel="icon" href="/static/icon.svg">'
    '<meta http-equiv="refresh" content="0;url=/"><a href="/">Go on</a>'
)

_SAFE = ("GET", "HEAD")


class Guard:
    """Let a request through to the application only where token, Host and Origin are ours, and seal every answer."""

    def __init__(self, app: ASGIApp, token: str, port: int) -> None:
        self._app, self._token = app, token
        # Cookies know no ports: two reviews side by side would take each other's.
        self._cookie = f"dedupe-review-{port}"
        self._hosts = {f"127.0.0.1:{port}", f"localhost:{port}"}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        if scope["type"] != "http":
            return  # no web sockets here: the server closes them

        async def sealed(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message).update(_HEADERS)
            await send(message)

        answer = self._refused(scope)
        await (answer or self._app)(scope, receive, sealed)

    def _refused(self, scope: Scope) -> Response | None:
        headers = Headers(scope=scope)
        if headers.get("host") not in self._hosts:
            return PlainTextResponse("This name is not the review's.", 421)
        origin = headers.get("origin")
        if origin is not None and origin != f"http://{headers['host']}":
            return PlainTextResponse("Requests from other sites are refused.", 403)
        if origin is None and scope["method"] not in _SAFE:
            return PlainTextResponse("A request that changes something says where it comes from.", 403)
        given = parse_qs(scope["query_string"].decode("latin-1")).get("token", [""])[0]
        if scope["path"] == "/" and self._is_token(given):
            entrance = HTMLResponse(_ENTRANCE)
            entrance.set_cookie(self._cookie, self._token, httponly=True, samesite="strict", path="/")
            return entrance
        if not self._is_token(self._carried(headers)):
            return PlainTextResponse("Open the address that `dedupe review` printed: it holds the key to this page.", 403)
        return None

    def _carried(self, headers: Headers) -> str:
        try:
            cookie = SimpleCookie(headers.get("cookie", "")).get(self._cookie)
        except CookieError:
            return ""
        return cookie.value if cookie else ""

    def _is_token(self, given: str) -> bool:
        return hmac.compare_digest(given.encode(), self._token.encode())
