"""Who is registered with a server, and until when. Pure: clocks and chance are arguments.

An instance holds a lease that it renews. Leases that were not renewed in time end at an eviction
pass: at most 15 % of all at one pass, in random order, so that no application goes at once; and
none while so few renewals come in that the server's own network is the likelier culprit
(`renewals.py`). Leases are counted by the monotonic clock of the server alone: an instance whose
wall clock is wrong can spoil its own entry's timestamps and nobody else's.
"""

from __future__ import annotations

import random
from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum

import msgspec

from demo_platform.eureka.changes import Change, RecentChanges, hashcode
from demo_platform.eureka.periods import PERIODS, Periods
from demo_platform.eureka.renewals import RenewalWindow, evictions_max, threshold
from demo_platform.eureka.shapes import Action, Instance, Lease, LeaseTerms
from demo_platform.eureka.statuses import Status, effective_status, status_of

Key = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Moment:
    """Now: a reading of the monotonic clock, and the wall time in ms that people read."""

    s: float
    ms: int


class Renewed(Enum):
    """What came of a renewal."""

    YES = 200
    UNKNOWN = 404
    """Register again: there is no lease, or the instance has changed since it registered."""
    OUTDATED = 409
    """A peer renewed an instance of which we have heard more lately."""


class Registry:
    """The leases of one server."""

    def __init__(self, periods: Periods = PERIODS) -> None:
        self._periods = periods
        self._leases: dict[Key, Lease] = {}
        self._overrides: dict[Key, Status] = {}
        self._renewals = RenewalWindow(periods.window_s)
        self.changes = RecentChanges(periods.delta_s)
        self.evicted = 0

    def __len__(self) -> int:
        return len(self._leases)

    def leases(self) -> Iterable[Lease]:
        """Every lease, by application and id."""
        return [self._leases[key] for key in sorted(self._leases)]

    def lease(self, app: str, instance_id: str) -> Lease | None:
        """An instance's lease."""
        return self._leases.get((app.upper(), instance_id))

    def hashcode(self) -> str:
        """How many instances of each status there are."""
        return hashcode(lease.instance.status for lease in self._leases.values())

    def register(self, instance: Instance, now: Moment, *, is_replica: bool = False) -> Instance:
        """Give an instance a lease; returns it as it is listed.

        Of two that claim to be the same instance, the one that changed last is kept.
        """
        old = self._leases.get(instance.key)
        if old is not None and old.instance.dirty_ms > instance.dirty_ms:
            instance = old.instance
        override = status_of(instance.overridden)
        if override is not Status.UNKNOWN:
            self._overrides.setdefault(instance.key, override)
        kept = self._overrides.get(instance.key)
        status = effective_status(
            status_of(instance.status),
            override=kept,
            leased=status_of(old.instance.status) if old else None,
            is_replica=is_replica,
        )
        listed = msgspec.structs.replace(
            instance,
            status=status.value,
            overridden=kept.value if kept else None,
            lease_terms=self._terms(instance),
        )
        lease = self._new_lease(listed, now, up_ms=old.up_ms if old else 0)
        self._leases[instance.key] = lease
        self._note(Action.ADDED, lease, now)
        return listed

    def renew(
        self, app: str, instance_id: str, now: Moment, *, dirty_ms: int | None, is_replica: bool
    ) -> Renewed:
        """Renew a lease. dirty_ms: when the instance last changed, as the renewal says."""
        lease = self.lease(app, instance_id)
        if lease is None:
            return Renewed.UNKNOWN
        said = status_of(lease.instance.status)
        override = self._overrides.get(lease.instance.key)
        status = effective_status(said, override=override, leased=said, is_replica=is_replica)
        if status is Status.UNKNOWN:
            return Renewed.UNKNOWN  # its override was taken away: let it say what it is
        if status is not said:
            self._change(lease, now, status=status.value, overridden=lease.instance.overridden)
        self._extend(lease, now)
        self._renewals.add(now.s)
        if dirty_ms is None or dirty_ms == lease.instance.dirty_ms:
            return Renewed.YES
        if dirty_ms > lease.instance.dirty_ms:
            return Renewed.UNKNOWN
        return Renewed.OUTDATED if is_replica else Renewed.YES

    def cancel(self, app: str, instance_id: str, now: Moment) -> bool:
        """End a lease at once; False when there is none."""
        key = (app.upper(), instance_id)
        lease = self._leases.pop(key, None)
        self._overrides.pop(key, None)
        if lease is None:
            return False
        lease.evicted_ms = now.ms
        self._note(Action.DELETED, lease, now)
        return True

    def override(
        self, app: str, instance_id: str, status: Status, now: Moment, *, dirty_ms: int = 0
    ) -> bool:
        """Set an operator's status, which outlives what the instance says; False: no such lease."""
        lease = self.lease(app, instance_id)
        if lease is None:
            return False
        self._extend(lease, now)
        if lease.instance.status != status:
            self._overrides[lease.instance.key] = status
            self._change(
                lease, now, status=status.value, overridden=status.value, dirty_ms=dirty_ms
            )
        return True

    def clear_override(
        self, app: str, instance_id: str, status: Status, now: Moment, *, dirty_ms: int = 0
    ) -> bool:
        """Take an operator's status away; `status` holds until the instance says what it is."""
        lease = self.lease(app, instance_id)
        if lease is None:
            return False
        self._extend(lease, now)
        if self._overrides.pop(lease.instance.key, None) is not None:
            self._change(lease, now, status=status.value, overridden=None, dirty_ms=dirty_ms)
        return True

    def describe(self, app: str, instance_id: str, words: dict[str, str], now: Moment) -> bool:
        """Add to an instance's metadata; False: no such lease."""
        lease = self.lease(app, instance_id)
        if lease is None:
            return False
        metadata = {**(lease.instance.metadata or {}), **words}
        self.register(msgspec.structs.replace(lease.instance, metadata=metadata), now)
        return True

    def evict(self, now: Moment, rng: random.Random, *, late_s: float = 0.0) -> tuple[Key, ...]:
        """One pass; returns whose lease ended.

        late_s: by how much the pass comes too late. While the server stood still nobody could
        renew, so every lease is that much longer.
        """
        self.changes.forget(now.s)
        if self.is_self_preserving(now):
            return ()
        expired = [key for key, lease in self._leases.items() if lease.ends_s() + late_s < now.s]
        chosen = rng.sample(expired, min(len(expired), evictions_max(len(self))))
        for app, instance_id in chosen:
            self.cancel(app, instance_id, now)
        self.evicted += len(chosen)
        return tuple(chosen)

    def renewals(self, now: Moment) -> int:
        """Renewals in the window that ends now."""
        return self._renewals.count(now.s)

    def threshold(self) -> int:
        """The renewals in a window above which leases may end."""
        return threshold(len(self), self._periods)

    def is_self_preserving(self, now: Moment) -> bool:
        """Whether so few renewals come in that no lease is ended."""
        return len(self) > 0 and self.renewals(now) <= self.threshold()

    def _terms(self, instance: Instance) -> LeaseTerms:
        said = instance.lease_terms or LeaseTerms()
        return LeaseTerms(
            said.renewal_s or max(1, round(self._periods.renewal_s)),
            said.duration_s or max(1, round(self._periods.lease_s)),
        )

    def _new_lease(self, instance: Instance, now: Moment, *, up_ms: int) -> Lease:
        is_first_up = instance.status == Status.UP and not up_ms
        terms = instance.lease_terms or self._terms(instance)
        return Lease(
            instance=instance,
            duration_s=float(terms.duration_s),
            renewed_s=now.s,
            registered_ms=now.ms,
            renewed_ms=now.ms,
            updated_ms=now.ms,
            up_ms=now.ms if is_first_up else up_ms,
        )

    def _extend(self, lease: Lease, now: Moment) -> None:
        lease.renewed_s, lease.renewed_ms, lease.has_renewed = now.s, now.ms, True

    def _change(
        self,
        lease: Lease,
        now: Moment,
        *,
        status: str,
        overridden: str | None,
        dirty_ms: int = 0,
    ) -> None:
        """Change what is listed of an instance without it having said so itself."""
        instance = lease.instance
        lease.instance = msgspec.structs.replace(
            instance,
            status=status,
            overridden=overridden,
            dirty_ms=max(dirty_ms, instance.dirty_ms),
        )
        if status == Status.UP and not lease.up_ms:
            lease.up_ms = now.ms
        self._note(Action.MODIFIED, lease, now)

    def _note(self, action: Action, lease: Lease, now: Moment) -> None:
        lease.updated_ms, lease.action = now.ms, action
        self.changes.note(Change(now.s, lease))
