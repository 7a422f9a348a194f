"""Sends the passport along when a request asks for it with `x-passport`."""

from __future__ import annotations

from demo_platform.zuul.context import SessionContext

TYPE = "outbound"
ORDER = 950
HEADER = "x-passport"


def should_filter(context: SessionContext) -> bool:
    """Only when asked."""
    return HEADER in context.headers


def apply(context: SessionContext) -> None:
    """Each event, with the nanoseconds since the start."""
    answer = context.answer
    if answer is not None:
        began = context.passport[0][1]
        events = (f"{event}={at - began}" for event, at in context.passport)
        answer.headers = {**(answer.headers or {}), HEADER: ", ".join(events)}
