"""fd-exhaust: the instance can open no more files and sockets."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, ClassVar

from monkeys.exhausting import Exhausted
from monkeys.target import Capability, Resource, Usage


@dataclass(frozen=True, slots=True)
class FdExhaust(Exhausted):
    """Limit each process to the files and sockets that it has open, and a few more.

    What opens another one fails (EMFILE): connections are no longer accepted, and none is made.
    """

    name: ClassVar[str] = "fd-exhaust"
    summary: ClassVar[str] = "let the instance open no more files and sockets"
    resource: ClassVar[Resource] = Resource.FILES
    capability: ClassVar[Capability] = Capability.LIMIT
    mechanism: ClassVar[str] = "limit"

    left_count: float = field(
        default=0.0,
        metadata={
            "summary": "how many more it may open",
            "unit": "count",
            "at_least": 0,
            "at_most": 10_000,
        },
    )

    def detail(self) -> dict[str, Any]:
        """In the mechanism's words."""
        return {"limit": "files", "left": int(self.left_count)}

    def is_short(self, usage: Usage, before: Usage) -> bool:
        """It may have fewer than it might before."""
        return usage.limit < before.limit
