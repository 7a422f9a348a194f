"""How a request can end without an answer, by the names that Cassandra gives the endings. Pure."""

from __future__ import annotations

from enum import StrEnum


class Kind(StrEnum):
    """Why there is no answer."""

    UNAVAILABLE = "unavailable"  # too few replicas are known to be up; nothing was tried
    READ_TIMEOUT = "read-timeout"  # too few answered in time
    WRITE_TIMEOUT = "write-timeout"  # the same, and the write may have happened
    READ_FAILURE = "read-failure"  # too many said that they cannot
    WRITE_FAILURE = "write-failure"
    OVERLOADED = "overloaded"  # refused for lack of capacity
    INVALID = "invalid"  # no table, column or level like that
    NO_COORDINATOR = "no-coordinator"  # no node could be asked at all


class StoreRefused(Exception):
    """A request without an answer.

    required, received: replicas that had to answer, and that did; of an unavailable one, those
    known to be up. why: in words.
    """

    def __init__(self, kind: Kind, why: str, *, required: int = 0, received: int = 0) -> None:
        super().__init__(f"{kind}: {why}")
        self.kind = kind
        self.why = why
        self.required = required
        self.received = received
