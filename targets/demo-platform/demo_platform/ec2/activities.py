"""What groups did and why, newest first; as many as a day's work may ask for, and no more."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import StrEnum

KEPT = 500


class Progress(StrEnum):
    """How an activity stands."""

    IN_PROGRESS = "InProgress"
    DRAINING = "WaitingForELBConnectionDraining"
    SUCCESSFUL = "Successful"
    FAILED = "Failed"


@dataclass(slots=True)
class Activity:
    """One thing that a group did or tried. Instants are wall clock; ended_ms is 0 until then."""

    number: int
    group: str
    zone: str
    instance_id: str
    description: str
    cause: str
    started_ms: int
    progress: Progress = Progress.IN_PROGRESS
    ended_ms: int = 0
    message: str = ""


class Activities:
    """The last KEPT activities of all groups."""

    def __init__(self, now_ms: Callable[[], int]) -> None:
        self._now_ms = now_ms
        self._kept: deque[Activity] = deque(maxlen=KEPT)
        self._count = 0

    def begin(
        self, group: str, *, zone: str, instance_id: str, description: str, cause: str
    ) -> Activity:
        """Note that something begins."""
        self._count += 1
        begun = Activity(self._count, group, zone, instance_id, description, cause, self._now_ms())
        self._kept.append(begun)
        return begun

    def end(self, instance_id: str, progress: Progress, message: str = "") -> None:
        """End whatever is under way for an instance."""
        for one in self._kept:
            if one.instance_id == instance_id and one.ended_ms == 0:
                one.progress, one.message, one.ended_ms = progress, message, self._now_ms()

    def finish(self, activity: Activity) -> None:
        """Note that it has succeeded."""
        activity.progress, activity.ended_ms = Progress.SUCCESSFUL, self._now_ms()

    def fail(self, group: str, *, description: str, cause: str, message: str) -> None:
        """Note something that was tried in vain, unless that is what was noted last."""
        last = next(self.of(group), None)
        if last is not None and (last.description, last.message) == (description, message):
            return
        failed = self.begin(group, zone="", instance_id="", description=description, cause=cause)
        failed.progress, failed.message = Progress.FAILED, message
        failed.ended_ms = failed.started_ms

    def of(self, group: str = "") -> Iterator[Activity]:
        """Those of a group, or of all, newest first."""
        return (one for one in reversed(self._kept) if group in {"", one.group})
