"""What an HTTP server replies to one request. Redirections are replies like any other."""

from __future__ import annotations

import http.client
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import SplitResult, urlsplit

from chaosctl.probes.answer import OUTPUT_BYTES_MAX, Answer, CannotAsk, Probe, unmet
from chaosctl.probes.expecting import Expectation
from chaosctl.probes.tcp_port import reason


@dataclass(frozen=True, slots=True)
class HttpProbe:
    """One request on a connection of its own. statuses: those that are wanted; empty: any 2xx."""

    url: SplitResult
    expect: Expectation
    method: str = "GET"
    headers: Mapping[str, str] = field(default_factory=dict)
    body: str = ""
    statuses: tuple[int, ...] = ()
    verify_tls: bool = True
    clock: Callable[[], float] = time.monotonic

    def ask(self, timeout_s: float) -> Answer:
        """The reply held against what is wanted. Raises CannotAsk for a request that cannot be."""
        began = self.clock()
        connection = self._connection(timeout_s)
        try:
            # A time-out of the socket is one of each read; a server that drips would get round it.
            with _cut_off_after(timeout_s, connection) as is_over:
                status, data = self._exchange(connection)
        except (OSError, http.client.HTTPException) as error:
            text = reason(TimeoutError(), timeout_s) if is_over() else _said(error, timeout_s)
            return unmet(text, self.expect.take)
        except ValueError as error:
            raise CannotAsk(f"request cannot be sent: {error}", "correct the probe") from error
        finally:
            connection.close()
        took_ms = (self.clock() - began) * 1000
        if took_ms > timeout_s * 1000:
            return unmet(reason(TimeoutError(), timeout_s), self.expect.take)
        is_wanted = status in self.statuses if self.statuses else 200 <= status < 300
        about = f"status {status}"
        if not is_wanted:
            return unmet(about, self.expect.take)
        return self.expect.judge(data, took_ms, about)

    def _connection(self, timeout_s: float) -> http.client.HTTPConnection:
        host, port = self.url.hostname or "", self.url.port
        if self.url.scheme == "http":
            return http.client.HTTPConnection(host, port, timeout=timeout_s)
        context = ssl.create_default_context()
        if not self.verify_tls:
            context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        return http.client.HTTPSConnection(host, port, timeout=timeout_s, context=context)

    def _exchange(self, connection: http.client.HTTPConnection) -> tuple[int, bytes]:
        path = (self.url.path or "/") + (f"?{self.url.query}" if self.url.query else "")
        body = self.body.encode() if self.body else None
        connection.request(self.method, path, body, {"User-Agent": "chaosctl", **self.headers})
        response = connection.getresponse()
        return response.status, response.read(OUTPUT_BYTES_MAX + 1)


def http_probe(parameters: Mapping[str, Any]) -> Probe:
    """From a document's parameters."""
    return HttpProbe(
        url=urlsplit(parameters["url"]),
        expect=Expectation.of(parameters),
        method=parameters.get("method", "GET"),
        headers=parameters.get("headers", {}),
        body=parameters.get("body", ""),
        statuses=tuple(parameters.get("expect", {}).get("status", ())),
        verify_tls=parameters.get("verify-tls", True),
    )


@contextmanager
def _cut_off_after(
    timeout_s: float, connection: http.client.HTTPConnection
) -> Iterator[Callable[[], bool]]:
    """Shut the connection down when the time is over; gives a function that says if it was."""
    over = threading.Event()

    def cut() -> None:
        over.set()
        sock = connection.sock
        if sock is not None:
            try:
                sock.shutdown(socket.SHUT_RDWR)
            except OSError:
                return  # it is closed already

    timer = threading.Timer(timeout_s, cut)
    timer.daemon = True
    timer.start()
    try:
        yield over.is_set
    finally:
        timer.cancel()


def _said(error: OSError | http.client.HTTPException, timeout_s: float) -> str:
    if isinstance(error, OSError):
        return reason(error, timeout_s)
    return f"no HTTP: {str(error) or type(error).__name__}"
