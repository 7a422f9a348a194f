"""What a server does when it is asked to, and what it then has to tell its peers. No I/O.

Each operation returns the HTTP status that the original answers with.
"""

from __future__ import annotations

import msgspec

from demo_platform.eureka.registry import Moment, Registry, Renewed
from demo_platform.eureka.replication import (
    CANCEL,
    DELETE_OVERRIDE,
    HEARTBEAT,
    REGISTER,
    STATUS_UPDATE,
    Answer,
    Event,
    Outbox,
)
from demo_platform.eureka.shapes import BadInstance, Instance, checked, instance_as_wire
from demo_platform.eureka.statuses import Status, status_of

OK, REGISTERED, BAD, NOT_FOUND = 200, 204, 400, 404


class Operations:
    """The changes that clients and peers may make."""

    def __init__(self, registry: Registry, outbox: Outbox) -> None:
        self._registry = registry
        self._outbox = outbox

    def register(self, instance: Instance, now: Moment, *, is_replica: bool = False) -> int:
        """Give an instance a lease."""
        self._registry.register(instance, now, is_replica=is_replica)
        if not is_replica:
            self._outbox.put(self.registration(*instance.key))
        return REGISTERED

    def registration(self, app: str, instance_id: str) -> Event:
        """The event that tells a peer all about an instance; a cancellation if it is gone."""
        lease = self._registry.lease(app, instance_id)
        if lease is None:
            return Event(action=CANCEL, app=app, id=instance_id)
        return Event(
            action=REGISTER,
            app=app,
            id=instance_id,
            dirty_ms=lease.instance.dirty_ms,
            status=lease.instance.status,
            instance=instance_as_wire(lease),
        )

    def renew(
        self,
        app: str,
        instance_id: str,
        now: Moment,
        *,
        dirty_ms: int | None = None,
        is_replica: bool = False,
    ) -> int:
        """Renew a lease."""
        renewed = self._registry.renew(
            app, instance_id, now, dirty_ms=dirty_ms, is_replica=is_replica
        )
        lease = self._registry.lease(app, instance_id)
        if lease is not None and not is_replica and renewed is Renewed.YES:
            said = lease.instance
            self._outbox.put(
                Event(
                    action=HEARTBEAT,
                    app=said.app,
                    id=said.id,
                    dirty_ms=said.dirty_ms,
                    overridden=said.overridden,
                    status=said.status,
                )
            )
        return renewed.value

    def cancel(self, app: str, instance_id: str, now: Moment, *, is_replica: bool = False) -> int:
        """End a lease."""
        if not self._registry.cancel(app, instance_id, now):
            return NOT_FOUND
        if not is_replica:
            self._outbox.put(Event(action=CANCEL, app=app.upper(), id=instance_id))
        return OK

    def set_status(
        self,
        app: str,
        instance_id: str,
        word: str | None,
        now: Moment,
        *,
        dirty_ms: int = 0,
        is_replica: bool = False,
    ) -> int:
        """Override an instance's status."""
        if self._registry.lease(app, instance_id) is None:
            return NOT_FOUND
        if word is None or word.upper() not in Status.__members__:
            return BAD
        status = status_of(word)
        self._registry.override(app, instance_id, status, now, dirty_ms=dirty_ms)
        if not is_replica:
            self._outbox.put(self._about_status(STATUS_UPDATE, app, instance_id, status))
        return OK

    def clear_status(
        self,
        app: str,
        instance_id: str,
        word: str | None,
        now: Moment,
        *,
        dirty_ms: int = 0,
        is_replica: bool = False,
    ) -> int:
        """Take an override away. word: the status until the instance says its own."""
        status = status_of(word)
        if not self._registry.clear_override(app, instance_id, status, now, dirty_ms=dirty_ms):
            return NOT_FOUND
        if not is_replica:
            self._outbox.put(self._about_status(DELETE_OVERRIDE, app, instance_id, status))
        return OK

    def describe(self, app: str, instance_id: str, words: dict[str, str], now: Moment) -> int:
        """Add to an instance's metadata."""
        if not self._registry.describe(app, instance_id, words, now):
            return NOT_FOUND
        self._outbox.put(self.registration(app.upper(), instance_id))
        return OK

    def do(self, event: Event, now: Moment) -> Answer:
        """Do what a peer says has been done there."""
        dirty_ms = event.dirty_ms or 0
        match event.action:
            case "Register":
                return Answer(self._learn(event, now))
            case "Heartbeat":
                return self._hear(event, now)
            case "Cancel":
                return Answer(self.cancel(event.app, event.id, now, is_replica=True))
            case "StatusUpdate":
                change = self.set_status
            case "DeleteStatusOverride":
                change = self.clear_status
            case _:
                return Answer(BAD)
        return Answer(
            change(event.app, event.id, event.status, now, dirty_ms=dirty_ms, is_replica=True)
        )

    def _learn(self, event: Event, now: Moment) -> int:
        try:
            instance = msgspec.convert(event.instance, Instance, strict=False)
            self.register(checked(instance, event.app), now, is_replica=True)
        except (msgspec.ValidationError, BadInstance):
            return BAD
        return OK

    def _hear(self, event: Event, now: Moment) -> Answer:
        status = self.renew(event.app, event.id, now, dirty_ms=event.dirty_ms, is_replica=True)
        lease = self._registry.lease(event.app, event.id)
        if status == Renewed.OUTDATED.value and lease is not None:
            return Answer(status, instance_as_wire(lease))
        return Answer(status)

    def _about_status(self, action: str, app: str, instance_id: str, status: Status) -> Event:
        lease = self._registry.lease(app, instance_id)
        return Event(
            action=action,
            app=app.upper(),
            id=instance_id,
            dirty_ms=lease.instance.dirty_ms if lease else None,
            status=status.value,
        )
