"""The error endpoint: what a device is told when a filter of any phase has failed."""

from __future__ import annotations

from demo_platform.service import ServiceFailed
from demo_platform.zuul.context import Answer, Refused, SessionContext
from demo_platform.zuul.status import StatusCategory

TYPE = "error"
ORDER = 1000
EDGE = "edge"
OURS = (401, 429)
"""Of what is said to be the device's fault, what it can do nothing about."""


def apply(context: SessionContext) -> None:
    """Name who failed first: the service that a route's function blames, or the edge itself."""
    match context.error:
        case Refused() as refused:
            cause = EDGE if refused.status >= 500 or refused.status in OURS else ""
            body = b'{"failed":"edge"}' if refused.status >= 500 else f"{refused}\n".encode()
            context.answer = Answer(
                refused.status, body, refused.category, cause, refused.headers or None
            )
        case ServiceFailed() as failed:
            body = b'{"failed":"%s"}' % failed.cause.encode()
            is_late = failed.status == 504
            category = (
                StatusCategory.FAILURE_ORIGIN_READ_TIMEOUT
                if is_late
                else StatusCategory.FAILURE_ORIGIN
            )
            context.answer = Answer(failed.status, body, category, failed.cause)
        case _:
            context.answer = Answer(500, b'{"failed":"edge"}', StatusCategory.FAILURE_LOCAL, EDGE)
