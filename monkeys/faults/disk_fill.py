"""disk-fill: the instance's disk has no room left."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, ClassVar

from monkeys.exhausting import Exhausted
from monkeys.target import Capability, Resource, Usage

_NEARLY = 0.98


@dataclass(frozen=True, slots=True)
class DiskFill(Exhausted):
    """Write a file to each instance's disk until it is full, and again when room is made.

    What writes more fails (ENOSPC). An instance without a disk of its own, on a platform without
    namespaces, is kept from writing to files instead, and gets EFBIG.
    """

    name: ClassVar[str] = "disk-fill"
    summary: ClassVar[str] = "fill the instance's disk"
    resource: ClassVar[Resource] = Resource.DISK
    capability: ClassVar[Capability] = Capability.DISK
    mechanism: ClassVar[str] = "disk"

    fill_ratio: float = field(
        default=1.0,
        metadata={
            "summary": "which share of the disk is in use afterwards",
            "unit": "ratio",
            "at_least": 0.1,
            "at_most": 1.0,
        },
    )

    def detail(self) -> dict[str, Any]:
        """In the mechanism's words."""
        return {"fill_ratio": self.fill_ratio}

    def is_short(self, usage: Usage, before: Usage) -> bool:
        """So much of it is in use, as near as whole pages allow."""
        return usage.limit == 0 or usage.used / usage.limit >= self.fill_ratio * _NEARLY
