"""Who carries questions to a server: to an application in this process, or over HTTP."""

from __future__ import annotations

import asyncio
import http.client
import traceback
from types import TracebackType
from typing import Any, Protocol
from urllib.parse import unquote, urlsplit

from tests.oracle.answers import DEFECT, Answer
from tests.oracle.vectors import Question

TIMEOUT_S = 120.0


class Caller(Protocol):
    """Carries one question at a time."""

    def ask(self, question: Question) -> Answer:
        """The answer. Raises OSError or HTTPException if there is none."""


class InProcess:
    """Calls an application as a server would, without a socket, on one event loop."""

    def __init__(self, app: Any) -> None:
        self._app = app
        self._runner = asyncio.Runner()

    def ask(self, question: Question) -> Answer:
        """The answer of the application."""
        return self._runner.run(self._ask(question))

    def close(self) -> None:
        """End the loop."""
        self._runner.close()

    def __enter__(self) -> InProcess:
        return self

    def __exit__(
        self, _: type[BaseException] | None, __: BaseException | None, ___: TracebackType | None
    ) -> None:
        self.close()

    async def _ask(self, question: Question) -> Answer:
        status, headers, parts = 0, {}, []
        body = [question.body or b""]

        async def receive() -> dict[str, Any]:
            if not body:
                await asyncio.Event().wait()  # the client stays, and has nothing more to say
            return {"type": "http.request", "body": body.pop(), "more_body": False}

        async def send(message: dict[str, Any]) -> None:
            nonlocal status, headers
            if message["type"] == "http.response.start":
                status = message["status"]
                headers = {k.decode().lower(): v.decode() for k, v in message["headers"]}
            else:
                parts.append(message.get("body", b""))

        try:
            await self._app(_scope(question), receive, send)
        except Exception as error:  # a server answers 500 and goes on
            if not status:
                raise
            at = traceback.extract_tb(error.__traceback__)[-1]
            headers[DEFECT] = f"{type(error).__name__}: {error}, at {at.filename}:{at.lineno}"
        return Answer(status, headers, b"".join(parts))


def _scope(question: Question) -> dict[str, Any]:
    path, _, query = question.path.partition("?")
    headers = {"host": "127.0.0.1", **{k.lower(): v for k, v in question.headers.items()}}
    return {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.4"},
        "http_version": "1.1",
        "method": question.method,
        "scheme": "http",
        "path": unquote(path),
        "raw_path": path.encode(),
        "root_path": "",
        "query_string": query.encode(),
        "headers": [(k.encode(), v.encode()) for k, v in headers.items()],
        "client": ("127.0.0.1", 1),
        "server": ("127.0.0.1", 7101),
    }


class OverHttp:
    """Keeps one connection; opens another when the server has closed it."""

    def __init__(self, base_url: str) -> None:
        address = urlsplit(base_url)
        self._prefix = address.path.rstrip("/")
        self._connection = http.client.HTTPConnection(
            address.hostname or "127.0.0.1", address.port or 80, timeout=TIMEOUT_S
        )

    def ask(self, question: Question) -> Answer:
        """The answer; asks once more if the connection was lost."""
        try:
            return self._ask(question)
        except (http.client.HTTPException, ConnectionError):
            self._connection.close()
            return self._ask(question)

    def _ask(self, question: Question) -> Answer:
        path = self._prefix + question.path
        self._connection.request(question.method, path, question.body, dict(question.headers))
        response = self._connection.getresponse()
        headers = {k.lower(): v for k, v in response.getheaders()}
        return Answer(response.status, headers, response.read())
