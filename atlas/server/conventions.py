"""What holds for every request: who may ask from a browser, what is too long, what is named back.

A middleware of its own, since it has to see requests that no route takes.
Source: Atlas `RequestHandler.scala`, `CustomDirectives.scala`.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from atlas.server.errors import error_response

SERVER = "atlas/1.6"
ENDPOINT_HEADER = "Netflix-Endpoint"
URI_SIZE_MAX = 4096
_METHODS = ("GET", "POST")
_ANY_METHOD = ("/ok",)
_ALLOWED_METHODS = "GET, PATCH, POST, PUT, DELETE"
_PREFLIGHT_AGE_S = 600


class Conventions:
    """Answers pre-flight requests, refuses what no route may see, and adds headers to answers.

    `endpoints` are the paths of routes without their variable parts, `origins` what may ask from a
    browser: `*`, hosts, or ends of hosts such as `.example.com`.
    """

    def __init__(
        self, app: ASGIApp, endpoints: Iterable[str], origins: Sequence[str] = ("*",)
    ) -> None:
        self._app = app
        self._endpoints = sorted(set(endpoints), key=len, reverse=True)
        self._origins = origins

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        added = self._headers(scope)

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(raw=message.setdefault("headers", []))
                is_found = message["status"] not in (404, 405)
                _add(headers, added, self._endpoint_of(scope["path"]) if is_found else None)
            await send(message)

        answer = _own_answer(scope)
        await (answer or self._app)(scope, receive, send_with_headers)

    def _endpoint_of(self, path: str) -> str | None:
        for endpoint in self._endpoints:
            if path == endpoint or path.startswith(f"{endpoint}/"):
                return endpoint
        return None

    def _headers(self, scope: Scope) -> dict[str, str]:
        """What is added for a browser that asks on behalf of a page."""
        asked = Headers(scope=scope)
        origin = asked.get("origin")
        if origin is None or not is_allowed(origin, self._origins):
            return {}
        headers = {
            "Access-Control-Allow-Origin": "*" if origin == "null" else origin,
            "Access-Control-Allow-Methods": _ALLOWED_METHODS,
            "Access-Control-Allow-Credentials": "true",
        }
        wanted = asked.get("access-control-request-headers")
        return headers | ({"Access-Control-Allow-Headers": wanted} if wanted else {})


def is_allowed(origin: str, patterns: Sequence[str]) -> bool:
    """Whether a page of an origin may read answers.

    >>> is_allowed("https://ui.example.com:8080", [".example.com"])
    True
    """
    host = origin
    if origin.startswith(("http:", "https:")):
        try:
            host = urlsplit(origin).hostname or ""
        except ValueError:
            return False
    return any(
        pattern in ("*", host) or (pattern.startswith(".") and host.endswith(pattern))
        for pattern in patterns
    )


def _own_answer(scope: Scope) -> Response | None:
    """The answer to a request that no route sees."""
    if scope["method"] == "OPTIONS":
        return Response(headers={"Access-Control-Max-Age": str(_PREFLIGHT_AGE_S)})
    path = scope.get("raw_path") or scope["path"].encode()
    if len(path) + len(scope["query_string"]) >= URI_SIZE_MAX:
        return error_response(
            f"URI length exceeds the configured limit of {URI_SIZE_MAX} characters",
            414,
            fix="ask for less at a time",
        )
    if scope["method"] not in _METHODS and scope["path"] not in _ANY_METHOD:
        # GET is what the route that was tried last would take, whatever the path.
        return error_response("method not allowed: GET", 405)
    return None


def _add(headers: MutableHeaders, added: dict[str, str], endpoint: str | None) -> None:
    headers.append("Server", SERVER)
    if endpoint is not None:
        headers.append(ENDPOINT_HEADER, endpoint)
    if not added:
        return
    headers.add_vary_header("Origin")
    exposed = [name for name in dict.fromkeys(headers.keys()) if not name.startswith("access-")]
    headers.update({**added, "Access-Control-Expose-Headers": ", ".join(exposed)})
