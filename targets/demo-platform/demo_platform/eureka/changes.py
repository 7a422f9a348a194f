"""What changed lately, for clients that fetch changes only, and how they notice a missed one."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from demo_platform.eureka.shapes import Lease


@dataclass(frozen=True, slots=True)
class Change:
    """Something happened to an instance, at a reading of the monotonic clock."""

    at_s: float
    lease: Lease


class RecentChanges:
    """The last change of each instance, for as long as changes are told.

    The original queues every change and shows the instance's present state with each of them; the
    last one says as much. `version` grows with each change.
    """

    def __init__(self, kept_s: float) -> None:
        self._kept_s = kept_s
        self._changes: dict[tuple[str, str], Change] = {}
        self.version = 0

    def note(self, change: Change) -> None:
        """Remember a change; it is the latest."""
        key = change.lease.instance.key
        self._changes.pop(key, None)  # a dict keeps the order of insertion, here that of time
        self._changes[key] = change
        self.version += 1

    def kept(self, now_s: float) -> list[Change]:
        """Everything that is still told, oldest first."""
        self.forget(now_s)
        return list(self._changes.values())

    def forget(self, now_s: float) -> None:
        """Drop what is no longer told."""
        for key, change in list(self._changes.items()):
            if change.at_s > now_s - self._kept_s:
                break
            del self._changes[key]

    def __len__(self) -> int:
        return len(self._changes)


def hashcode(statuses: Iterable[str]) -> str:
    """How many instances of each status there are, as the original writes it.

    >>> hashcode(["UP", "DOWN", "UP"]), hashcode([])
    ('DOWN_1_UP_2_', '')
    """
    counts = Counter(statuses)
    return "".join(f"{status}_{counts[status]}_" for status in sorted(counts))
