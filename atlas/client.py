"""A store reached over HTTP, at `http://host:port` or `unix:PATH`; standard library only.

Every call has a time-out and makes its own connection, so a client may be shared between threads.
"""

from __future__ import annotations

import http.client
import json
import socket
from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import quote, urlencode, urlsplit

from atlas.errors import AtlasError, BadData, LimitExceeded, StoreUnreachable
from atlas.model import Datapoint, TimeSeries

TIMEOUT_S_DEFAULT = 5.0
POINTS_MAX = 1440
"""Most steps of one fetch; the server would lengthen the step beyond it."""

_ANSWER_BYTES_MAX = 256 * 1024 * 1024


class _UnixConnection(http.client.HTTPConnection):
    """HTTP over a Unix socket."""

    def __init__(self, path: str, timeout: float) -> None:
        super().__init__("localhost", timeout=timeout)
        self._path = path

    def connect(self) -> None:
        connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        connection.settimeout(self.timeout)
        try:
            connection.connect(self._path)
        except OSError:
            connection.close()
            raise
        self.sock = connection


class AtlasClient:
    """Asks a store over HTTP what `Atlas` asks in process."""

    def __init__(self, address: str, *, timeout_s: float = TIMEOUT_S_DEFAULT) -> None:
        """address: `http://…`, `https://…` or `unix:PATH`. Raises BadData for others."""
        self.address = address
        self._timeout_s = timeout_s
        parts = urlsplit(address)
        if parts.scheme not in ("http", "https", "unix") or not (parts.netloc or parts.path):
            raise BadData(
                f"not the address of a store: '{address}'",
                fix="write http://HOST:PORT or unix:PATH",
            )
        self._parts = parts
        self._prefix = "" if parts.scheme == "unix" else parts.path.rstrip("/")

    def fetch(self, program: str, start_ms: int, end_ms: int, step_ms: int) -> list[TimeSeries]:
        """The lines of a program for the steps after `start_ms` up to and with `end_ms`.

        Both instants are multiples of the step. Raises StoreUnreachable, or AtlasError with the
        store's own message.
        """
        if step_ms <= 0 or start_ms % step_ms or end_ms % step_ms or end_ms <= start_ms:
            raise BadData(
                f"start {start_ms} and end {end_ms} must be two multiples of the step {step_ms}",
                fix="round both down to the step",
            )
        if (end_ms - start_ms) // step_ms > POINTS_MAX:
            raise LimitExceeded(
                f"too many steps: {(end_ms - start_ms) // step_ms} > {POINTS_MAX}",
                fix="ask for a shorter time or a longer step",
            )
        answer = self._get_json(
            "/api/v1/graph",
            q=program,
            s=_instant(start_ms),
            e=_instant(end_ms),
            step=f"{step_ms}ms",
            w=str(POINTS_MAX),
            tz="UTC",
            format="json",
        )
        return self._read_graph(answer, step_ms)

    def tags(self, key: str | None = None, query: str | None = None) -> list[str]:
        """Keys, or the values of one key, that the series of a query have; all of them, sorted."""
        path = "/api/v1/tags" if key is None else f"/api/v1/tags/{quote(key, safe='')}"
        parameters = {} if query is None else {"q": query}
        found: list[str] = []
        while True:  # ends: each page begins after the last item of the page before
            page = self._get_json(path, **parameters, offset=found[-1] if found else "")
            if not isinstance(page, list) or not page:
                return found
            found.extend(page)

    def publish(self, batch: Iterable[Datapoint]) -> None:
        """Send datapoints. Raises BadData if any is refused; the others have been taken."""
        metrics = [
            {"tags": dict(p.tags), "timestamp": p.timestamp_ms, "value": _number(p.value)}
            for p in batch
        ]
        if not metrics:
            return
        body = json.dumps({"tags": {}, "metrics": metrics}).encode()
        status, answer = self._call("POST", "/api/v1/publish", body)
        if status != http.client.OK:
            raise self._refusal(status, answer)

    def health(self) -> None:
        """Raises StoreUnreachable unless the store answers and is well."""
        status, _ = self._call("GET", "/healthcheck")
        if status != http.client.OK:
            raise self._unreachable(f"the store answers {status}")

    def metrics(self) -> dict[str, float]:
        """What the store says of itself: values by name and labels, as `/metrics` writes them."""
        status, body = self._call("GET", "/metrics")
        if status != http.client.OK:
            raise self._refusal(status, body)
        lines = body.decode(errors="replace").splitlines()
        pairs = (line.rpartition(" ") for line in lines if line and not line.startswith("#"))
        try:
            return {name: float(value) for name, _, value in pairs}
        except ValueError as error:
            raise self._unreachable("the answer is no list of metrics") from error

    def _get_json(self, path: str, **parameters: str) -> Any:
        status, body = self._call("GET", f"{path}?{urlencode(parameters)}")
        if status != http.client.OK:
            raise self._refusal(status, body)
        try:
            return json.loads(body)
        except ValueError as error:
            raise self._unreachable(
                "the answer is not JSON; something else listens there"
            ) from error

    def _call(self, method: str, path: str, body: bytes | None = None) -> tuple[int, bytes]:
        connection = self._connection()
        try:
            connection.request(method, self._prefix + path, body)
            response = connection.getresponse()
            return response.status, response.read(_ANSWER_BYTES_MAX)
        except TimeoutError as error:
            raise self._unreachable(f"no answer within {self._timeout_s:g} s") from error
        except FileNotFoundError as error:
            raise self._unreachable("nobody listens there: no such socket") from error
        except (OSError, http.client.HTTPException) as error:
            raise self._unreachable(
                f"cannot reach the store: {error or type(error).__name__}"
            ) from error
        finally:
            connection.close()

    def _connection(self) -> http.client.HTTPConnection:
        if self._parts.scheme == "unix":
            return _UnixConnection(self.address.removeprefix("unix:"), self._timeout_s)
        kind = (
            http.client.HTTPSConnection
            if self._parts.scheme == "https"
            else http.client.HTTPConnection
        )
        return kind(self._parts.netloc, timeout=self._timeout_s)

    def _read_graph(self, answer: Any, step_ms: int) -> list[TimeSeries]:
        try:
            if answer["step"] != step_ms:
                raise BadData(
                    f"the store answers with a step of {answer['step']} ms, not {step_ms} ms",
                    where=self.address,
                    fix="ask for a step that the store has, a multiple of its own",
                )
            columns = list(zip(*answer["values"], strict=True))
            return [
                TimeSeries(legend, tags, answer["start"], step_ms, tuple(map(float, values)))
                for legend, tags, values in zip(
                    answer["legend"], answer["metrics"], columns, strict=True
                )
            ]
        except (KeyError, TypeError, ValueError) as error:
            raise self._unreachable(f"the answer is not a graph: {error!r}") from error

    def _refusal(self, status: int, body: bytes) -> AtlasError:
        try:
            document: Mapping[str, Any] = json.loads(body)
            message = document["message"]
        except (ValueError, KeyError, TypeError):
            return self._unreachable(f"the store answers {status}")
        what = "; ".join(message) if isinstance(message, list) else str(message)
        if status >= http.client.INTERNAL_SERVER_ERROR:
            return self._unreachable(what)
        original_class, _, rest = what.partition(": ")
        is_class = original_class.isidentifier() and rest != ""
        return BadData(
            rest if is_class else what,
            where=document.get("where", self.address),
            fix=document.get("fix", "see the message"),
            original_class=original_class if is_class else "",
        )

    def _unreachable(self, what: str) -> StoreUnreachable:
        return StoreUnreachable(
            what, where=self.address, fix="check that the store is up: `python -m atlas serve`"
        )


def _instant(epoch_ms: int) -> str:
    # Small numbers would be read as seconds.
    return f"epoch+{epoch_ms}ms"


def _number(value: float) -> float | str:
    return (
        value if value - value == 0 else str(value).replace("nan", "NaN").replace("inf", "Infinity")
    )
