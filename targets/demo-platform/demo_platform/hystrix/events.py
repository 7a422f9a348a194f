"""What can happen to a command: Hystrix's event types, and those of them that mean something."""

from __future__ import annotations

from enum import IntEnum


class Event(IntEnum):
    """An event of a command's execution; the number is its place in a list of counts."""

    EMIT = 0
    SUCCESS = 1
    FAILURE = 2
    TIMEOUT = 3
    BAD_REQUEST = 4
    SHORT_CIRCUITED = 5
    THREAD_POOL_REJECTED = 6
    SEMAPHORE_REJECTED = 7
    FALLBACK_EMIT = 8
    FALLBACK_SUCCESS = 9
    FALLBACK_FAILURE = 10
    FALLBACK_REJECTION = 11
    FALLBACK_MISSING = 12
    EXCEPTION_THROWN = 13
    RESPONSE_FROM_CACHE = 14
    CANCELLED = 15
    COLLAPSED = 16


THROWN = (
    Event.BAD_REQUEST,
    Event.FALLBACK_FAILURE,
    Event.FALLBACK_MISSING,
    Event.FALLBACK_REJECTION,
)
"""What a count of EXCEPTION_THROWN is the sum of."""

_ERRORS = {Event.FAILURE, Event.TIMEOUT, Event.THREAD_POOL_REJECTED, Event.SEMAPHORE_REJECTED}
_EXECUTED = {Event.SUCCESS, Event.FAILURE, Event.BAD_REQUEST, Event.TIMEOUT}

# Lists, not sets: an event is a place in a list, but an enumeration is slow to hash.
IS_ERROR = [event in _ERRORS for event in Event]
"""What opens a circuit."""

IS_REQUEST = [event in _ERRORS or event is Event.SUCCESS for event in Event]
"""What an error percentage is a percentage of: neither the short-circuited nor bad requests."""

IS_EXECUTED_IN_POOL = [event in _EXECUTED for event in Event]
"""What counts as a task that a pool has executed."""
