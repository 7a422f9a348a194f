"""Answers are compressed for those who ask for it, at no cost for those who do not."""

from __future__ import annotations

from starlette.middleware.gzip import GZipMiddleware
from starlette.types import ASGIApp, Receive, Scope, Send

_SIZE_MIN = 1024
_LEVEL = 1


class Compression:
    """Starlette's compression, for requests that accept it."""

    def __init__(self, app: ASGIApp) -> None:
        self._plain = app
        self._compressing = GZipMiddleware(app, minimum_size=_SIZE_MIN, compresslevel=_LEVEL)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request."""
        is_asked_for = scope["type"] == "http" and any(
            name == b"accept-encoding" and b"gzip" in value for name, value in scope["headers"]
        )
        await (self._compressing if is_asked_for else self._plain)(scope, receive, send)
