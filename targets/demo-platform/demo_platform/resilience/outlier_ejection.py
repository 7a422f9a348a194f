"""Outlier ejection: leave an instance alone for a while when calls to it go unanswered.

Passive: it learns from the calls that are made anyway. A failed connection ejects at once, a
time-out only when it is the second in a row, since one slow answer may be anybody's fault further
down. The time-out doubles with each ejection in a row. When it ends the instance is on probation:
one call is let through, and only its success brings the others back. So a cut-off instance costs
one call per period, not all that arrive before the first of them times out.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class EjectionRule:
    """How soon and how long."""

    first_s: float = 1.0
    max_s: float = 8.0
    timeouts: int = 2
    probe_s: float = 2.0


@dataclass(slots=True)
class _Record:
    timeouts: int = 0
    ejections: int = 0
    until: float = 0.0
    probe_until: float = 0.0


class OutlierEjection:
    """What one process knows about the instances it calls; healthy ones take no memory."""

    __slots__ = ("_records", "_rule")

    def __init__(self, rule: EjectionRule) -> None:
        self._rule = rule
        self._records: dict[str, _Record] = {}

    def is_available(self, instance_id: str, now: float) -> bool:
        """Whether the instance may be chosen."""
        record = self._records.get(instance_id)
        return record is None or (record.until <= now and record.probe_until <= now)

    def note_chosen(self, instance_id: str, now: float) -> None:
        """Tell that a call is on its way; on probation it is the only one for `probe_s`."""
        record = self._records.get(instance_id)
        if record is not None and record.ejections:
            record.probe_until = now + self._rule.probe_s

    def note_answer(self, instance_id: str) -> None:
        """Any answer, good or bad, shows that the instance is there."""
        self._records.pop(instance_id, None)

    def note_unreachable(self, instance_id: str, now: float) -> None:
        """No connection, or a broken one."""
        self._eject(self._records.setdefault(instance_id, _Record()), now)

    def note_timeout(self, instance_id: str, now: float) -> None:
        """No answer in time."""
        record = self._records.setdefault(instance_id, _Record())
        record.timeouts += 1
        if record.ejections or record.timeouts >= self._rule.timeouts:
            self._eject(record, now)

    def ejected(self) -> int:
        """How many instances are left alone, or on probation after that."""
        return sum(record.ejections > 0 for record in self._records.values())

    def forget_all_but(self, instance_ids: frozenset[str]) -> None:
        """Drop what is known of instances that are no longer registered."""
        for gone in self._records.keys() - instance_ids:
            del self._records[gone]

    def _eject(self, record: _Record, now: float) -> None:
        """Put the instance out, unless it is: many calls may fail for one and the same reason."""
        record.probe_until = 0.0
        if record.until > now:
            return
        record.until = now + min(self._rule.max_s, self._rule.first_s * 2**record.ejections)
        record.ejections += 1
