"""The statuses of an instance, and which of several contradicting ones holds."""

from __future__ import annotations

from enum import StrEnum


class Status(StrEnum):
    """What an instance is said to be; only those that are up are called."""

    UP = "UP"
    DOWN = "DOWN"
    STARTING = "STARTING"
    OUT_OF_SERVICE = "OUT_OF_SERVICE"
    UNKNOWN = "UNKNOWN"


_SERVING = (Status.UP, Status.OUT_OF_SERVICE)


def status_of(word: str | None) -> Status:
    """The status that a word names; a word that names none is UNKNOWN, as in the original."""
    return Status.__members__.get((word or "").upper(), Status.UNKNOWN)


def effective_status(
    said: Status, *, override: Status | None, leased: Status | None, is_replica: bool
) -> Status:
    """The status to list, by the original's rules in their order.

    said: by the instance itself. override: by an operator. leased: what is listed now.
    An instance that is down or starting is so, whatever the operator wishes; then the operator's
    word counts; then what is listed now, unless a peer knows better; then the instance's.
    """
    if said not in _SERVING:
        return said
    if override is not None:
        return override
    if leased in _SERVING and not is_replica:
        return leased
    return said
