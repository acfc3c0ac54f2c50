"""The server of the page: Solara's application behind an origin check, security headers and caps, on localhost."""

from __future__ import annotations

import os
import threading
import warnings
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any
from urllib.parse import urlsplit

type Scope = MutableMapping[str, Any]
type Receive = Callable[[], Awaitable[Any]]
type Send = Callable[[Any], Awaitable[None]]

USERS = 40
SETTINGS = {
    "SOLARA_APP": "visualization.web.app",
    "SOLARA_TELEMETRY_MIXPANEL_ENABLE": "false",
    "SOLARA_KERNEL_CULL_TIMEOUT": "2m",
    "SOLARA_KERNEL_MAX_COUNT": str(USERS),
    "SOLARA_KERNEL_MAX_PER_SESSION": "10",
    "SOLARA_SESSION_HTTP_ONLY": "true",
    "SOLARA_SESSION_SAME_SITE": "strict",
    "SOLARA_ASSETS_FONTAWESOME_ENABLED": "false",
    "SOLARA_ASSETS_PROXY": "true",
    "SOLARA_THEME_SHOW_BANNER": "false",
    "SOLARA_THEME_TITLE": "cloudpact",
    "SOLARA_MODE": "production",
}
# Vue compiles templates in the browser, which needs eval; nothing is ever loaded from another host.
POLICY = (
    "default-src 'self'; script-src 'self' 'unsafe-inline' 'unsafe-eval' blob:; style-src 'self' 'unsafe-inline'; "
    "img-src 'self' data: blob:; font-src 'self' data:; connect-src 'self' ws: wss:; worker-src 'self' blob:; "
    "object-src 'none'; base-uri 'self'; form-action 'self'; frame-ancestors 'none'"
)
HEADERS = (
    (b"content-security-policy", POLICY.encode()),
    (b"x-frame-options", b"DENY"),
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"same-origin"),
    (b"permissions-policy", b"camera=(), geolocation=(), microphone=()"),
)
CLOSED = ("/resourcez", "/jupyter/api/evict", "/static/public")


class Guard:
    """Requests and websockets that come from another site are refused, what tells of the server is closed."""

    def __init__(self, application: Callable[[Scope, Receive, Send], Awaitable[None]]) -> None:
        self.application = application

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request, or hand it on with the headers that every answer carries."""
        if scope["type"] not in ("http", "websocket"):
            await self.application(scope, receive, send)
        elif not same_origin(scope) or scope["path"].startswith(CLOSED):
            await _refuse(scope, receive, send)
        else:
            await self.application(scope, receive, _with_headers(scope, send))


def same_origin(scope: Scope) -> bool:
    """Whether a request names no origin, or the host that it was sent to; a websocket must name one.

    >>> headers = [(b"host", b"localhost:8000"), (b"origin", b"http://evil.example")]
    >>> same_origin({"type": "websocket", "headers": headers})
    False
    """
    headers = {name: value.decode("latin-1") for name, value in scope["headers"]}
    origin = headers.get(b"origin")
    if origin is None:
        return scope["type"] == "http"
    return urlsplit(origin).netloc.lower() == headers.get(b"host", "").lower()


async def _refuse(scope: Scope, receive: Receive, send: Send) -> None:
    if scope["type"] == "websocket":
        await receive()
        await send({"type": "websocket.close", "code": 1008})
        return
    await send({"type": "http.response.start", "status": 403, "headers": [(b"content-type", b"text/plain"), *HEADERS]})
    await send({"type": "http.response.body", "body": b"refused"})


def _with_headers(scope: Scope, send: Send) -> Send:
    async def sent(message: Any) -> None:
        if scope["type"] == "http" and message["type"] == "http.response.start":
            message = {**message, "headers": [*message.get("headers", ()), *HEADERS]}
        await send(message)

    return sent


def application() -> Guard:
    """Solara's application with our settings, guarded; settings must stand before Solara is imported."""
    os.environ.update({name: value for name, value in SETTINGS.items() if name not in os.environ})
    os.environ["SOLARA_APP"] = SETTINGS["SOLARA_APP"]
    from solara.server.starlette import app

    return Guard(app)


def _warm() -> None:
    """Start the workers and record the world that a page opens with, so that the first user does not wait for it."""
    from visualization.web.address import Address
    from visualization.web.server_state import WORLDS

    WORLDS.world(Address().resolved(), Address().seed)


def serve(host: str, port: int) -> None:
    """Serve until interrupted; prints where."""
    import uvicorn

    guarded = application()
    from visualization.web.server_state import WORLDS

    # Told on every request of a page without TLS; the cookie is then SameSite=Lax, which is what we want.
    warnings.filterwarnings("ignore", message="Cookies with samesite=none require https")
    threading.Thread(target=_warm, daemon=True).start()
    try:
        uvicorn.run(
            guarded,
            host=host,
            port=port,
            log_level="warning",
            ws="websockets-sansio",
            ws_max_size=2**22,
            timeout_graceful_shutdown=3,
        )
    finally:
        WORLDS.close()
