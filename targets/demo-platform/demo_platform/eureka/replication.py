"""What servers tell each other: the original's batches, what goes into one, what follows from it.

Every change that a client made is told to every peer, and by a peer to nobody. Renewals of the
same instance within a batch are one. A peer that does not know an instance, or knows an older
state of it, answers 404 and is sent the registration; one that knows a newer state answers 409
with it.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from typing import Any

import msgspec

from demo_platform.eureka.shapes import BadInstance, Instance, checked

REPLICATION_HEADER = "x-netflix-discovery-replication"
BATCH_PATH = "peerreplication/batch/"
REGISTER, HEARTBEAT, CANCEL = "Register", "Heartbeat", "Cancel"
STATUS_UPDATE, DELETE_OVERRIDE = "StatusUpdate", "DeleteStatusOverride"
EVENTS_MAX = 1000
BATCH_MAX = 250


class Event(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One thing that happened to one instance. instance: with Register only, as on the wire."""

    action: str
    app: str = msgspec.field(name="appName")
    id: str
    dirty_ms: int | None = msgspec.field(name="lastDirtyTimestamp", default=None)
    overridden: str | None = msgspec.field(name="overriddenStatus", default=None)
    status: str | None = None
    instance: Any = msgspec.field(name="instanceInfo", default=None)

    @property
    def key(self) -> tuple[str, str]:
        """Whom it is about."""
        return self.app, self.id


class Batch(msgspec.Struct, frozen=True):
    """What is sent to a peer."""

    events: list[Event] = msgspec.field(name="replicationList")


class Answer(msgspec.Struct, frozen=True, omit_defaults=True):
    """What a peer says to one event. instance: with 409, the newer state that it knows."""

    status: int = msgspec.field(name="statusCode")
    instance: Any = msgspec.field(name="responseEntity", default=None)


class Answers(msgspec.Struct, frozen=True):
    """What a peer answers to a batch, event by event."""

    answers: list[Answer] = msgspec.field(name="responseList")


BATCHES = msgspec.json.Decoder(Batch, strict=False)
ANSWERS = msgspec.json.Decoder(Answers)


class Outbox:
    """What the peers have not been told yet.

    Bounded: when the peers are away for long the oldest is forgotten, and made up for by the
    renewals that follow.
    """

    def __init__(self, events_max: int = EVENTS_MAX) -> None:
        self._events: deque[Event] = deque(maxlen=events_max)
        self._heartbeats: dict[tuple[str, str], Event] = {}

    def __len__(self) -> int:
        return len(self._events) + len(self._heartbeats)

    @property
    def is_urgent(self) -> bool:
        """Whether something else than renewals waits."""
        return bool(self._events)

    def put(self, event: Event) -> None:
        """Add an event."""
        if event.action == HEARTBEAT:
            self._heartbeats[event.key] = event
            return
        if event.action == CANCEL:
            self._heartbeats.pop(event.key, None)
        self._events.append(event)

    def take(self, count: int = BATCH_MAX) -> list[Event]:
        """The next events in an order in which they can be done; they are in the box no more."""
        events = [self._events.popleft() for _ in range(min(count, len(self._events)))]
        for key in list(self._heartbeats)[: count - len(events)]:
            events.append(self._heartbeats.pop(key))
        return events


@dataclass(frozen=True, slots=True)
class FollowUp:
    """What a peer's answer to one event asks for."""

    register_there: tuple[str, str] | None = None
    learn_here: Instance | None = None


def follow_up(event: Event, answer: Answer) -> FollowUp:
    """What to do after an answer. An instance that a peer sends and that is none is left alone."""
    if event.action == HEARTBEAT and answer.status == 404:
        return FollowUp(register_there=event.key)
    if answer.status == 409:
        try:
            said = msgspec.convert(answer.instance, Instance, strict=False)
            return FollowUp(learn_here=checked(said, event.app))
        except (msgspec.ValidationError, BadInstance):
            return FollowUp()
    return FollowUp()
