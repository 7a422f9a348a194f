"""memory-fill: the instance gets no more memory than a little."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, ClassVar

from monkeys.exhausting import Exhausted
from monkeys.target import Capability, Resource, Usage

_MIB = 2**20


@dataclass(frozen=True, slots=True)
class MemoryFill(Exhausted):
    """Limit each process's address space to what it has now, and a little more.

    What asks for more fails (ENOMEM, MemoryError). What the process has set aside already, it may
    go on using; so it is felt under load first. No memory of the machine is taken.
    """

    name: ClassVar[str] = "memory-fill"
    summary: ClassVar[str] = "leave the instance no memory to grow into"
    resource: ClassVar[Resource] = Resource.MEMORY
    capability: ClassVar[Capability] = Capability.LIMIT
    mechanism: ClassVar[str] = "limit"

    left_mib: float = field(
        default=0.0,
        metadata={
            "summary": "how much more it gets",
            "unit": "mib",
            "at_least": 0,
            "at_most": 1024,
        },
    )

    def detail(self) -> dict[str, Any]:
        """In the mechanism's words."""
        return {"limit": "memory", "left": int(self.left_mib * _MIB)}

    def is_short(self, usage: Usage, before: Usage) -> bool:
        """It may have less than it might before."""
        return usage.limit < before.limit
