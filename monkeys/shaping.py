"""What faults of a link share: one splice holds the frames, and a burst of echoes shows it.

All of them shape what leaves the instance, as netem on its own interface would; so a request
arrives whole, and its answer suffers.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any, ClassVar

from monkeys.looking import is_gone, look_at_living
from monkeys.target import (
    Capability,
    Echoes,
    Fault,
    Instance,
    Reading,
    RecordIds,
    Target,
    UndoRecord,
)

WANTED = 10
"""So many damaged frames are to be expected in a burst: then chance leaves few doubts."""
_COUNT_MIN, _COUNT_MAX = 20, 1000
_ECHO_BYTES = 128
_ECHO_TIMEOUT_MS = 400


class ShapedLink(Fault):
    """A fault that does something to a share of the frames; `seen` says to how many it did.

    With at least WANTED hits to be expected, fewer than a quarter of them come in one burst of 300
    and fewer than an eighth in one of 2000; a link that is well has none.
    """

    __slots__ = ()
    name: ClassVar[str]

    @property
    def needs(self) -> frozenset[Capability]:
        """Holding of frames, and probes to see it."""
        return frozenset({Capability.DELAY, Capability.PROBE})

    @property
    @abstractmethod
    def share(self) -> float:
        """Which share of the frames is hit."""

    @property
    def wait_ms(self) -> float:
        """How long a frame may be held by this fault."""
        return 0.0

    @abstractmethod
    def seen(self, echoes: Echoes) -> int:
        """How many of a burst were hit."""

    def prepare(
        self, instances: Sequence[Instance], driver: str, ids: RecordIds, deadline_ms: int
    ) -> tuple[UndoRecord, ...]:
        """One record, so that one process serves all links."""
        return (shaping_record(self, tuple(instances), driver, ids, deadline_ms),)

    def look(self, instances: Sequence[Instance], target: Target) -> Mapping[str, Reading]:
        """A burst of echoes from each."""
        count = min(max(_COUNT_MIN, round(WANTED / self.share)), _COUNT_MAX)
        timeout_ms = _ECHO_TIMEOUT_MS + int(self.wait_ms)
        return look_at_echoes(
            instances, target, count=count, size_bytes=_ECHO_BYTES, timeout_ms=timeout_ms
        )

    def took_effect(
        self, before: Mapping[str, Reading], now: Mapping[str, Reading]
    ) -> Mapping[str, bool]:
        """Hardly any frame was hit before, and now at least a quarter of those to be expected."""
        return {
            id_: self._is_well(reading) and self._hit(now.get(id_)) >= self.share / 4
            for id_, reading in before.items()
        }

    def was_removed(
        self, before: Mapping[str, Reading], now: Mapping[str, Reading]
    ) -> Mapping[str, bool]:
        """Hardly any frame is hit; or it is gone."""
        return {id_: is_gone(now.get(id_)) or self._is_well(now.get(id_)) for id_ in before}

    def _is_well(self, reading: Reading | None) -> bool:
        return (
            reading is not None
            and reading.echoes is not None
            and reading.echoes.answered > 0
            and self._hit(reading) < self.share / 8
        )

    def _hit(self, reading: Reading | None) -> float:
        if reading is None or reading.echoes is None or not reading.echoes.sent:
            return 0.0
        return self.seen(reading.echoes) / reading.echoes.sent


def shaping_record(
    fault: Any, instances: tuple[Instance, ...], driver: str, ids: RecordIds, deadline_ms: int
) -> UndoRecord:
    """The record of a splice that does what the fault's fields say."""
    return UndoRecord(ids(), fault.name, driver, "splice", instances, deadline_ms, asdict(fault))


def look_at_echoes(
    instances: Sequence[Instance], target: Target, *, count: int, size_bytes: int, timeout_ms: int
) -> dict[str, Reading]:
    """State of each process, and what comes back of a burst of echoes to those that live."""
    return look_at_living(
        instances,
        target,
        "echoes",
        lambda living: target.echo(
            living, count=count, size_bytes=size_bytes, timeout_ms=timeout_ms
        ),
    )
