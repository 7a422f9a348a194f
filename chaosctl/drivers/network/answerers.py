"""Starting and stopping answerers, by the namespaces we are in."""

from __future__ import annotations

import json
import subprocess
from contextlib import suppress
from typing import Any

from chaosctl.background import STOP_TIMEOUT_S, begin, end_all
from chaosctl.drivers.network.answerer import READY

_MODULE = "chaosctl.drivers.network.answerer"


class AnswererFailed(Exception):
    """An answerer did not start."""


def start(record: str, orders: dict[str, Any]) -> int:
    """Start the answerer of a record; return its process id once questions come to it."""
    stop(record)
    process, said = begin(_MODULE, record, json.dumps(orders))
    if said == READY:
        return process.pid
    process.terminate()
    with suppress(subprocess.TimeoutExpired):
        process.wait(STOP_TIMEOUT_S)
    raise AnswererFailed(said.decode(errors="replace").strip() or "it ended without a word")


def stop(record: str) -> None:
    """End the answerer of a record if it lives."""
    end_all(_MODULE, record)
