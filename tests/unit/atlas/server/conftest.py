"""The application called in process, without a socket."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, urlencode

import pytest

from atlas.server.app import make_app
from atlas.settings import RequestSettings
from atlas.store.limits import StoreLimits
from atlas.store.memory import MemoryStore, StoreConfig

NOW_MS = 1_641_600_000_000
STORE = StoreConfig(60_000, 3_600_000, 7_200_000, StoreLimits(series_count_max=50))


@dataclass(frozen=True, slots=True)
class Answer:
    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


class Caller:
    """Calls an application as a server would."""

    def __init__(self, app: Callable[..., Any]) -> None:
        self._app = app

    def get(self, path: str, **parameters: str) -> Answer:
        return self.call("GET", f"{path}?{urlencode(parameters)}" if parameters else path)

    def post(self, path: str, document: object, **headers: str) -> Answer:
        body = document if isinstance(document, bytes) else json.dumps(document).encode()
        return self.call("POST", path, body, **headers)

    def call(self, method: str, path: str, body: bytes = b"", **headers: str) -> Answer:
        path, _, query = path.partition("?")
        scope = {
            "type": "http",
            "asgi": {"version": "3.0"},
            "http_version": "1.1",
            "method": method,
            "scheme": "http",
            "path": path,
            "raw_path": quote(path).encode(),
            "query_string": query.encode(),
            "headers": [(k.replace("_", "-").encode(), v.encode()) for k, v in headers.items()],
            "client": ("127.0.0.1", 1),
            "server": ("127.0.0.1", 7101),
        }
        sent: list[dict[str, Any]] = []
        parts = [body[i : i + 1000] for i in range(0, len(body), 1000)] or [b""]

        async def receive() -> dict[str, Any]:
            if not parts:
                await asyncio.Event().wait()  # the client stays until it has its answer
            part = parts.pop(0)
            return {"type": "http.request", "body": part, "more_body": bool(parts)}

        async def send(message: dict[str, Any]) -> None:
            sent.append(message)

        asyncio.run(self._app(scope, receive, send))
        answered = {k.decode(): v.decode() for k, v in sent[0]["headers"]}
        return Answer(sent[0]["status"], answered, b"".join(m.get("body", b"") for m in sent[1:]))


@pytest.fixture
def now_ms() -> int:
    return NOW_MS


@pytest.fixture
def server() -> Caller:
    return Caller(make_app(MemoryStore(STORE), lambda: NOW_MS))


@pytest.fixture
def roomy() -> Caller:
    """A server with the bounds of a product."""
    return Caller(make_app(MemoryStore(StoreConfig()), lambda: NOW_MS))


@pytest.fixture
def filled(server: Caller) -> Caller:
    """A server with two series of `cpu` and one of `disk`, five minutes each."""
    return _with_data(server)


@pytest.fixture
def filled_with() -> Callable[[RequestSettings], Caller]:
    """Makes a server with settings and the same data."""

    def make(settings: RequestSettings) -> Caller:
        return _with_data(Caller(make_app(MemoryStore(STORE), lambda: NOW_MS, settings)))

    return make


def _with_data(server: Caller) -> Caller:
    series = [{"name": "cpu", "node": "i-1"}, {"name": "cpu", "node": "i-2"}, {"name": "disk"}]
    metrics = [
        {"tags": {**tags, "atlas.dstype": "gauge"}, "timestamp": NOW_MS - i * 60_000, "value": i}
        for tags in series
        for i in range(5)
    ]
    assert server.post("/api/v1/publish", {"metrics": metrics}).status == 200
    return server
