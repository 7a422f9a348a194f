"""network-loss: a share of what leaves the instance never arrives."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import ClassVar

from monkeys.shaping import ShapedLink
from monkeys.target import Echoes


@dataclass(frozen=True, slots=True)
class NetworkLoss(ShapedLink):
    """Lose a share of the packets that leave an instance.

    With a correlation losses come in bursts: a packet is lost likelier where the one before it was,
    and the share stays the same over time.
    """

    name: ClassVar[str] = "network-loss"
    summary: ClassVar[str] = "lose packets that leave the instance"

    loss_ratio: float = field(
        metadata={
            "summary": "which share of the packets is lost",
            "unit": "ratio",
            "at_least": 0.01,
            "at_most": 1.0,
        },
    )
    correlation_ratio: float = field(
        default=0.0,
        metadata={
            "summary": "how much a packet's fate follows that of the one before",
            "unit": "ratio",
            "at_least": 0.0,
            "at_most": 0.9,
        },
    )

    @property
    def share(self) -> float:
        """Those that are lost."""
        return self.loss_ratio

    def seen(self, echoes: Echoes) -> int:
        """Requests without an answer."""
        return echoes.sent - echoes.answered
