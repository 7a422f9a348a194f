"""Probes: questions put to the system itself, beside what its metrics say.

A kind of probe per file; each makes one from the parameters that a document gives it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

from chaosctl.probes.answer import Answer, CannotAsk, Probe
from chaosctl.probes.command import command_probe
from chaosctl.probes.file import file_probe
from chaosctl.probes.grpc_health import grpc_probe
from chaosctl.probes.http_reply import http_probe
from chaosctl.probes.tcp_port import tcp_probe

__all__ = ["PROBES", "Answer", "CannotAsk", "Probe"]

PROBES: Mapping[str, Callable[[Mapping[str, Any]], Probe]] = MappingProxyType(
    {
        "command": command_probe,
        "file": file_probe,
        "grpc": grpc_probe,
        "http": http_probe,
        "tcp": tcp_probe,
    }
)
