"""Traces and the links that follow from them, as data/zipkin/links.yaml writes them down."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path

import yaml

FILE = Path(__file__).parent / "data" / "zipkin" / "links.yaml"
NOTHING = "-"


@dataclass(frozen=True, slots=True)
class Case:
    """A trace, briefly, and its links as (caller, called, calls, errors)."""

    says: str
    spans: tuple[str, ...]
    links: tuple[str, ...]

    def documents(self, number: int, suffix: str = "") -> list[dict[str, object]]:
        """The spans in Zipkin's v2 shape; the suffix is put behind every service's name."""
        now_us = time.time_ns() // 1000
        return [
            _span(text, trace_id=f"{number + 1:032x}", timestamp_us=now_us + at, suffix=suffix)
            for at, text in enumerate(self.spans)
        ]

    def expected(self) -> set[tuple[str, str, int, int]]:
        """The links."""
        words = [(*link.split(), "0")[:4] for link in self.links]
        return {(parent, child, int(calls), int(errors)) for parent, child, calls, errors in words}


def cases() -> list[Case]:
    """Every case there is."""
    return [
        Case(one["says"], tuple(one["spans"]), tuple(one["links"]))
        for one in yaml.safe_load(FILE.read_text())
    ]


def _span(text: str, *, trace_id: str, timestamp_us: int, suffix: str) -> dict[str, object]:
    own, parent, kind, local, remote, *words = text.split()
    span: dict[str, object] = {
        "traceId": trace_id,
        "id": own.zfill(16),
        "name": "play",
        "timestamp": timestamp_us,
        "duration": 1000,
        "localEndpoint": {"serviceName": local + suffix},
    }
    if parent != NOTHING:
        span["parentId"] = parent.zfill(16)
    if kind != NOTHING:
        span["kind"] = kind
    if remote != NOTHING:
        span["remoteEndpoint"] = {"serviceName": remote + suffix}
    if "shared" in words:
        span["shared"] = True
    if "error" in words:
        span["tags"] = {"error": "timed out"}
    return span
