"""Starting and stopping splice processes, by the network namespace we are in."""

from __future__ import annotations

import json
import subprocess
from contextlib import suppress
from typing import Any

from chaosctl.background import STOP_TIMEOUT_S, begin, end_all
from chaosctl.drivers.network import links
from chaosctl.drivers.network.splice import READY

_MODULE = "chaosctl.drivers.network.splice"


class SpliceFailed(Exception):
    """A splice did not start."""


def start(record: str, orders: dict[str, Any]) -> int:
    """Start the splice of a record, here; return its process id once the links go through it."""
    process, said = begin(_MODULE, record, json.dumps(orders))
    if said == READY:
        return process.pid
    process.terminate()
    with suppress(subprocess.TimeoutExpired):
        process.wait(STOP_TIMEOUT_S)
    raise SpliceFailed(said.decode(errors="replace").strip() or "it ended without a word")


def stop(record: str) -> list[str]:
    """End the splice of a record if it lives, and put back every link it has not put back."""
    end_all(_MODULE, record)
    with links.opened() as netlink:
        return links.put_back(netlink, record)
