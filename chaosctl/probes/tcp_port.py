"""Whether a TCP port can be connected to."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from chaosctl.probes.answer import Answer, Probe, unmet
from chaosctl.probes.expecting import Expectation


@dataclass(frozen=True, slots=True)
class TcpProbe:
    """Connects, and closes again."""

    host: str
    port: int
    expect: Expectation
    clock: Callable[[], float] = time.monotonic

    def ask(self, timeout_s: float) -> Answer:
        """Connected in time, or not."""
        began = self.clock()
        try:
            socket.create_connection((self.host, self.port), timeout_s).close()
        except OSError as error:
            return unmet(reason(error, timeout_s), self.expect.take)
        return self.expect.judge(b"", (self.clock() - began) * 1000, "connected")


def tcp_probe(parameters: Mapping[str, Any]) -> Probe:
    """From a document's parameters: `address` is `HOST:PORT`."""
    host, port = host_and_port(parameters["address"])
    return TcpProbe(host, port, Expectation.of(parameters))


def host_and_port(address: str) -> tuple[str, int]:
    """The parts of `HOST:PORT`. Raises ValueError if it is none.

    >>> host_and_port("[::1]:80")
    ('::1', 80)
    """
    host, colon, port = address.rpartition(":")
    host = host.removeprefix("[").removesuffix("]")
    if not colon or not host or not port.isascii() or not port.isdigit():
        raise ValueError(address)
    if not 0 < int(port) < 65536:
        raise ValueError(address)
    return host, int(port)


def reason(error: OSError, timeout_s: float) -> str:
    """Why there was no answer, in a few words."""
    if isinstance(error, TimeoutError):
        return f"no answer within {timeout_s:g} s"
    return (error.strerror or str(error) or type(error).__name__).lower()
