"""network-rate: what leaves the instance goes through a narrow pipe."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import ClassVar

from monkeys.looking import is_gone
from monkeys.shaping import look_at_echoes, shaping_record
from monkeys.target import Capability, Fault, Instance, Reading, RecordIds, Target, UndoRecord

_ECHO_BYTES = 400
_COUNT_MIN, _COUNT_MAX = 10, 150
_BURST_MS = 400
_KBIT_MIN, _KBIT_MAX = 64, 10_000


@dataclass(frozen=True, slots=True)
class NetworkRate(Fault):
    """Let no more leave an instance than rate_kbit thousand bits a second.

    What comes faster waits in a queue of 128 KiB; what does not fit in it is lost, as at a router.
    """

    name: ClassVar[str] = "network-rate"
    summary: ClassVar[str] = "limit how much leaves the instance in a second"

    rate_kbit: float = field(
        metadata={
            "summary": "how much may leave it in a second, in bits",
            "unit": "kbit",
            "at_least": _KBIT_MIN,
            "at_most": _KBIT_MAX,
        },
    )

    @property
    def needs(self) -> frozenset[Capability]:
        """Holding of frames, and probes to see it."""
        return frozenset({Capability.DELAY, Capability.PROBE})

    def prepare(
        self, instances: Sequence[Instance], driver: str, ids: RecordIds, deadline_ms: int
    ) -> tuple[UndoRecord, ...]:
        """One record, so that one process serves all links."""
        return (shaping_record(self, tuple(instances), driver, ids, deadline_ms),)

    def look(self, instances: Sequence[Instance], target: Target) -> Mapping[str, Reading]:
        """A burst of echoes from each, as much as would take 0.4 s at the rate, if that is few."""
        wanted = round(self.rate_kbit * _BURST_MS / 8 / _ECHO_BYTES)
        count = min(max(_COUNT_MIN, wanted), _COUNT_MAX)
        # As long as the burst takes at the rate, and as long again for what was in the queue.
        timeout_ms = 300 + round(2 * count * _ECHO_BYTES * 8 / self.rate_kbit)
        return look_at_echoes(
            instances, target, count=count, size_bytes=_ECHO_BYTES, timeout_ms=timeout_ms
        )

    def took_effect(
        self, before: Mapping[str, Reading], now: Mapping[str, Reading]
    ) -> Mapping[str, bool]:
        """The burst came faster than twice the rate before, and at about the rate now."""
        return {
            id_: _kbit(reading) > 2 * self.rate_kbit
            and 0 < _kbit(now.get(id_)) < 1.5 * self.rate_kbit
            for id_, reading in before.items()
        }

    def was_removed(
        self, before: Mapping[str, Reading], now: Mapping[str, Reading]
    ) -> Mapping[str, bool]:
        """The burst comes faster than at the rate; or it is gone."""
        return {
            id_: is_gone(now.get(id_)) or _kbit(now.get(id_)) >= 1.5 * self.rate_kbit
            for id_ in before
        }


def _kbit(reading: Reading | None) -> float:
    """What came back in a second of it, in thousands of bits; 0 if nothing did."""
    if reading is None or reading.echoes is None or not reading.echoes.took_ms:
        return 0.0
    echoes = reading.echoes
    return echoes.answered * echoes.size_bytes * 8 / echoes.took_ms
