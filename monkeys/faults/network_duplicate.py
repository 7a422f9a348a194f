"""network-duplicate: a share of what leaves the instance arrives twice."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import ClassVar

from monkeys.shaping import ShapedLink
from monkeys.target import Echoes


@dataclass(frozen=True, slots=True)
class NetworkDuplicate(ShapedLink):
    """Send a share of the packets that leave an instance twice."""

    name: ClassVar[str] = "network-duplicate"
    summary: ClassVar[str] = "send packets that leave the instance twice"

    duplicate_ratio: float = field(
        metadata={
            "summary": "which share of the packets is sent twice",
            "unit": "ratio",
            "at_least": 0.01,
            "at_most": 1.0,
        },
    )

    @property
    def share(self) -> float:
        """Those that are sent twice."""
        return self.duplicate_ratio

    def seen(self, echoes: Echoes) -> int:
        """Further answers."""
        return echoes.duplicated
