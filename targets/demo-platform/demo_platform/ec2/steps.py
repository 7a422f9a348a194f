"""The steps of an evacuation, and waiting until one is seen to have worked."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from demo_platform.ec2.changes import FOR_GOOD, Changes, Lease

LOOK_S = 0.25


class Progress(StrEnum):
    """How a step, or the whole, stands."""

    WAITING = "waiting"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"


@dataclass(slots=True)
class Step:
    """One step: what it is called, what it does, and what came of it."""

    name: str
    act: Callable[[], Awaitable[str]]
    progress: Progress = Progress.WAITING
    detail: str = ""

    def as_dict(self) -> dict[str, str]:
        """As the control API shows it."""
        return {"step": self.name, "state": self.progress.value, "detail": self.detail}


@dataclass(slots=True)
class Evacuation:
    """One region's, from the first step away to the last one back.

    sizes_before, weight_before: of each group, and of the region, before anything was done.
    """

    region: str
    is_back: bool
    sizes_before: dict[str, int]
    weight_before: float
    changes: Changes
    lease: Lease = FOR_GOOD
    steps: list[Step] = field(default_factory=list)
    progress: Progress = Progress.RUNNING
    problem: str = ""

    def as_dict(self) -> dict[str, Any]:
        """As the control API shows it."""
        return {
            "region": self.region,
            "direction": "back" if self.is_back else "away",
            "state": self.progress.value,
            "problem": self.problem,
            "steps": [step.as_dict() for step in self.steps],
        }


class NotSeen(Exception):
    """A step has not shown its effect in time."""


async def until_seen(look: Callable[[], Awaitable[str]], within_s: float) -> None:
    """Look until there is nothing left to complain of. Raises NotSeen with the last complaint."""
    complaint = ""
    for _ in range(round(within_s / LOOK_S)):
        complaint = await look()
        if not complaint:
            return
        await asyncio.sleep(LOOK_S)
    raise NotSeen(f"not within {within_s:.0f} s: {complaint}")
