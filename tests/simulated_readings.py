"""What instances would say of themselves while records of these details are in force."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from monkeys.selection import matches
from monkeys.target import (
    Answer,
    Echoes,
    Instance,
    Resolution,
    Resource,
    Serving,
    UndoRecord,
    Usage,
)


def echoes_told(wrong: Mapping[str, Any], count: int, size_bytes: int) -> Echoes:
    """Of a burst through a splice of this detail: as if chance were exact."""
    return Echoes(
        count,
        size_bytes,
        answered=count - round(count * wrong.get("loss_ratio", 0)),
        duplicated=round(count * wrong.get("duplicate_ratio", 0)),
        overtaken=round(count * wrong.get("reorder_ratio", 0)),
        corrupted=round(count * wrong.get("corrupt_ratio", 0)),
        took_ms=count * size_bytes * 8 / wrong.get("rate_kbit", 100_000),
    )


def usage_told(told: Mapping[str, Any], resource: Resource) -> Usage:
    """Of a process that is held so."""
    match resource:
        case Resource.CPU:
            return Usage(told.get("stopped_ratio", 0.0), 1.0)
        case Resource.DISK:
            return Usage(100 * told.get("fill_ratio", 0.01), 100)
        case _:
            is_limited = told.get("limit") == resource.value
            return Usage(50, 50 + told["left"] if is_limited else math.inf)


def resolution_told(told: Mapping[str, Any]) -> Resolution:
    """Of a name that is asked for by way of three servers, each waited for a second."""
    match told.get("answer"):
        case "none":
            return Resolution(Answer.NONE, 3000.0)
        case "servfail":
            return Resolution(Answer.NONE, 4.0)
        case "nxdomain":
            return Resolution(Answer.NO_NAME, 2.0)
        case "late" if told["delay_ms"] >= 1000:
            return Resolution(Answer.NONE, 3000.0)
        case _:
            return Resolution(Answer.ADDRESS, 2.0 + told.get("delay_ms", 0.0))


def serving_told(
    living: Sequence[Instance], build: str, told_of: Callable[[Instance], Mapping[str, Any]]
) -> dict[str, tuple[Serving, Serving]]:
    """How each one's group serves, and those of a build that a deployment has brought out."""
    sizes = Counter(each.group for each in living)
    return {each.id: _served(sizes[each.group], told_of(each), build) for each in living}


def _served(size: int, told: Mapping[str, Any], build: str) -> tuple[Serving, Serving]:
    usual = Serving(size, size, size, answer_ms=50.0, wrong_ratio=0.0, memory_mib=40.0)
    if told.get("build") != build:
        return usual, Serving()
    count = told["instances"]
    flawed = Serving(count, count, count, answer_ms=320.0, wrong_ratio=0.5, memory_mib=90.0)
    return replace(usual, listed=0) if told["disables"] else usual, flawed


def cuts(record: UndoRecord, origin: Instance | None) -> bool:
    """A partition cuts off some peers; what cuts prefixes cuts off everybody."""
    peers = record.detail.get("peers")
    return peers is None or (origin is not None and matches(origin, peers))
