"""cpu-burn: the instance has only a share of its processor, as beside a noisy neighbour."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, ClassVar

from monkeys.exhausting import Exhausted
from monkeys.target import Capability, Resource, Usage


@dataclass(frozen=True, slots=True)
class CpuBurn(Exhausted):
    """Stop each process for a share of every tenth of a second.

    It has what is left of its processor, as if others burned the rest. Nothing is burned: that
    would hit every other instance on this machine as well.
    """

    name: ClassVar[str] = "cpu-burn"
    summary: ClassVar[str] = "take most of its processor away from the instance"
    resource: ClassVar[Resource] = Resource.CPU
    capability: ClassVar[Capability] = Capability.SIGNAL
    mechanism: ClassVar[str] = "throttle"

    load_ratio: float = field(
        default=0.8,
        metadata={
            "summary": "which share of the processor is taken away",
            "unit": "ratio",
            "at_least": 0.2,
            "at_most": 0.95,
        },
    )

    def detail(self) -> dict[str, Any]:
        """In the mechanism's words."""
        return {"stopped_ratio": self.load_ratio}

    def is_short(self, usage: Usage, before: Usage) -> bool:
        """It is found stopped at least half as often as it should be."""
        return usage.used >= self.load_ratio / 2
