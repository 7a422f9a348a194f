"""network-corrupt: a share of what leaves the instance arrives with a wrong bit."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import ClassVar

from monkeys.shaping import ShapedLink
from monkeys.target import Echoes


@dataclass(frozen=True, slots=True)
class NetworkCorrupt(ShapedLink):
    """Turn one bit in a share of the packets that leave an instance.

    Whoever gets such a packet sees by its checksum that it is wrong, and throws it away. A piece of
    a stream that the kernel has not yet cut into packets is lost whole.
    """

    name: ClassVar[str] = "network-corrupt"
    summary: ClassVar[str] = "damage packets that leave the instance"

    corrupt_ratio: float = field(
        metadata={
            "summary": "which share of the packets is damaged",
            "unit": "ratio",
            "at_least": 0.01,
            "at_most": 1.0,
        },
    )

    @property
    def share(self) -> float:
        """Those that are damaged."""
        return self.corrupt_ratio

    def seen(self, echoes: Echoes) -> int:
        """Answers that are not what was sent."""
        return echoes.corrupted
