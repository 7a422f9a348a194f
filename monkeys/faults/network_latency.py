"""network-latency: what leaves the instance arrives late, on open connections too."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import ClassVar

from monkeys.looking import is_gone, is_reachable, look_at_time
from monkeys.parameters import BadParameter
from monkeys.target import Capability, Fault, Instance, Reading, RecordIds, Target, UndoRecord

_DELAY_MS_MIN = 10
_DELAY_MS_MAX = 30_000


@dataclass(frozen=True, slots=True)
class NetworkLatency(Fault):
    """Hold each packet that leaves an instance for delay_ms, give or take jitter_ms.

    One direction is held, as a slow uplink would, so that a round trip takes delay_ms longer.
    """

    name: ClassVar[str] = "network-latency"
    summary: ClassVar[str] = "make every round trip to the instance take longer"

    delay_ms: float = field(
        metadata={
            "summary": "how much longer a round trip takes",
            "unit": "ms",
            "at_least": _DELAY_MS_MIN,
            "at_most": _DELAY_MS_MAX,
        },
    )
    jitter_ms: float = field(
        default=0.0,
        metadata={
            "summary": "give or take so much, at most half of the delay",
            "unit": "ms",
            "at_least": 0,
            "at_most": _DELAY_MS_MAX / 2,
        },
    )

    def __post_init__(self) -> None:
        if self.jitter_ms > self.delay_ms / 2:
            raise BadParameter(
                f"'jitter' of {self.jitter_ms:g}ms is more than half of the delay",
                parameter="jitter",
                fix=f"at most {self.delay_ms / 2:g}ms: beyond, the delay cannot be told from none",
            )

    @property
    def needs(self) -> frozenset[Capability]:
        """Delay of packets, and probes to see it."""
        return frozenset({Capability.DELAY, Capability.PROBE})

    def prepare(
        self, instances: Sequence[Instance], driver: str, ids: RecordIds, deadline_ms: int
    ) -> tuple[UndoRecord, ...]:
        """One record, so that one process serves all links."""
        detail = {"delay_ms": self.delay_ms, "jitter_ms": self.jitter_ms}
        record = UndoRecord(
            ids(), self.name, driver, "splice", tuple(instances), deadline_ms, detail
        )
        return (record,)

    def look(self, instances: Sequence[Instance], target: Target) -> Mapping[str, Reading]:
        """Round trip to each; a probe may have to ask for the hardware address first: twice."""
        timeout_ms = 2 * int(self.delay_ms + self.jitter_ms) + 500
        return look_at_time(instances, target, timeout_ms=timeout_ms)

    def took_effect(
        self, before: Mapping[str, Reading], now: Mapping[str, Reading]
    ) -> Mapping[str, bool]:
        """The round trip grew by the delay, less the jitter."""
        added_ms = self.delay_ms - self.jitter_ms
        return {id_: _grew(reading, now.get(id_), added_ms) for id_, reading in before.items()}

    def was_removed(
        self, before: Mapping[str, Reading], now: Mapping[str, Reading]
    ) -> Mapping[str, bool]:
        """It answers, less than half of the delay later than before; or it is gone."""
        added_ms = (self.delay_ms - self.jitter_ms) / 2
        return {
            id_: is_gone(now.get(id_))
            or (is_reachable(now.get(id_)) and not _grew(reading, now.get(id_), added_ms))
            for id_, reading in before.items()
        }


def _grew(before: Reading, now: Reading | None, added_ms: float) -> bool:
    if now is None or now.round_trip_ms is None or before.round_trip_ms is None:
        return False
    return now.round_trip_ms >= before.round_trip_ms + added_ms
