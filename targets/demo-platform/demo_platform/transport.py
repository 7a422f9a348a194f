"""One try at an instance, in whatever protocol, and how it ended in one of a few words."""

from __future__ import annotations

from collections.abc import Awaitable
from dataclasses import dataclass
from enum import Enum

from demo_platform.tracing.tracer import Span

CONNECT_TIMEOUT_S = 0.3
THROTTLED = (429, 503)


class Ending(Enum):
    """How a try ended."""

    ANSWERED = "answered"
    SHED = "shed"
    FAILED = "failed"
    TIMED_OUT = "timed out"
    UNREACHABLE = "unreachable"


@dataclass(frozen=True, slots=True)
class Reply:
    """What came of a try.

    cause: the service that the answer blames, if it blames one; one that refuses, blames nobody.
    status: of the answer, 0 where there was none.
    is_kept: the answer says that its spans are kept, so its callers keep theirs.
    """

    ending: Ending
    body: bytes = b""
    cause: str = ""
    status: int = 0
    is_kept: bool = False


def ending_of(status: int) -> Ending:
    """What an answer's status says; one that refuses has not done what it was asked for."""
    if status < 400:
        return Ending.ANSWERED
    return Ending.SHED if status in THROTTLED else Ending.FAILED


async def traced(span: Span, sending: Awaitable[Reply]) -> Reply:
    """What came of a try; its span ends with it."""
    try:
        reply = await sending
        if reply.is_kept:
            span.keep()
        span.end("" if reply.ending is Ending.ANSWERED else reply.ending.value)
    finally:
        span.end("cancelled")
    return reply
