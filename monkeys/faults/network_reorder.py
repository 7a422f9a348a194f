"""network-reorder: a share of what leaves the instance is overtaken by what was sent later."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import ClassVar

from monkeys.shaping import ShapedLink
from monkeys.target import Echoes


@dataclass(frozen=True, slots=True)
class NetworkReorder(ShapedLink):
    """Hold a share of the packets that leave an instance for hold_ms, and let the others pass."""

    name: ClassVar[str] = "network-reorder"
    summary: ClassVar[str] = "let packets that leave the instance overtake each other"

    reorder_ratio: float = field(
        metadata={
            "summary": "which share of the packets is held",
            "unit": "ratio",
            "at_least": 0.02,
            "at_most": 0.5,
        },
    )
    hold_ms: float = field(
        default=50.0,
        metadata={
            "user_name": "delay",
            "summary": "how long they are held",
            "unit": "ms",
            "at_least": 20,
            "at_most": 2000,
        },
    )

    @property
    def share(self) -> float:
        """Those that are held."""
        return self.reorder_ratio

    @property
    def wait_ms(self) -> float:
        """Once, on the way back."""
        return self.hold_ms

    def seen(self, echoes: Echoes) -> int:
        """Answers that came after one to a later request."""
        return echoes.overtaken
