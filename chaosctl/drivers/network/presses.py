"""Starting and ending presses, and how much an instance is asked, as it says itself."""

from __future__ import annotations

import json
import re
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from http.client import HTTPConnection, HTTPException
from typing import Any

from chaosctl.background import STOP_TIMEOUT_S, begin, end_all
from chaosctl.drivers.network.press import READY

_MODULE = "chaosctl.drivers.network.press"
_COUNTED = re.compile(rb"^([a-z_]+)(?:\{[^}]*\})? ([0-9.e+]+)", re.MULTILINE)
ASKED = {"ipc_server_call_seconds_count": 1, "ipc_server_call_total": 1}
KEPT = {"edge_requests_total": 1, "edge_forwarded_total": -1}
"""Counts on an instance's page for Prometheus, and how often each counts."""

_APART_S = 0.6


class PressFailed(Exception):
    """A press did not start."""


def start(record: str, orders: dict[str, Any]) -> int:
    """Start the press of a record, in the network we are in; its process id. Raises PressFailed."""
    process, said = begin(_MODULE, record, json.dumps(orders))
    if said == READY:
        return process.pid
    process.terminate()
    with suppress(subprocess.TimeoutExpired):
        process.wait(STOP_TIMEOUT_S)
    raise PressFailed(said.decode(errors="replace").strip() or "it ended without a word")


def stop(record: str) -> None:
    """End the press of a record if it lives; it has nothing to put back."""
    end_all(_MODULE, record)


def per_second(
    addresses: Sequence[tuple[str, int]],
    counts: Mapping[str, int],
    timeout_s: float,
    *,
    sleep: Callable[[float], None] = time.sleep,
) -> list[float | None]:
    """How fast these counters of each grow, from two looks at its page; None: it has none."""
    first = [_counted(address, counts, timeout_s) for address in addresses]
    sleep(_APART_S)
    second = [_counted(address, counts, timeout_s) for address in addresses]
    return [_rate(before, now) for before, now in zip(first, second, strict=True)]


def _rate(before: tuple[float, float] | None, now: tuple[float, float] | None) -> float | None:
    if before is None or now is None:
        return None
    return (now[1] - before[1]) / (now[0] - before[0])


def _counted(
    address: tuple[str, int], counts: Mapping[str, int], timeout_s: float
) -> tuple[float, float] | None:
    """When it was looked at, and what the counters were together."""
    connection = HTTPConnection(*address, timeout=timeout_s)
    try:
        connection.request("GET", "/metrics")
        page = connection.getresponse().read()
    except (OSError, HTTPException):
        return None
    finally:
        connection.close()
    found = [(name.decode(), float(value)) for name, value in _COUNTED.findall(page)]
    values = [counts[name] * value for name, value in found if name in counts]
    return (time.monotonic(), sum(values)) if values else None
