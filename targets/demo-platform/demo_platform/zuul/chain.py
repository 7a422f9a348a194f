"""Runs a request through its filters: inbound, one endpoint, outbound.

The filters of a route are put together once, when something changes, so that a request meets only
those that may have something to do with it. Whatever a filter raises, in whichever phase, goes to
the error endpoint, and the outbound filters still run.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from time import perf_counter_ns
from typing import Protocol, cast

from demo_platform.service import ServiceFailed
from demo_platform.zuul.context import Answer, Refused, SessionContext
from demo_platform.zuul.filters import Apply, Filter, Phase, ShouldFilter
from demo_platform.zuul.status import StatusCategory

LAST_RESORT = Answer(500, b'{"failed":"edge"}', StatusCategory.FAILURE_LOCAL, "edge")


@dataclass(frozen=True, slots=True)
class Step:
    """A filter as it runs for one route. is_bounded: waited for as long as the answer is wanted."""

    name: str
    apply: Apply
    should_filter: ShouldFilter | None = None
    is_async: bool = False
    is_bounded: bool = False


@dataclass(frozen=True, slots=True)
class Chain:
    """The steps of one route. forward: inbound ones, then endpoints; the first answer ends it."""

    forward: tuple[Step, ...]
    outbound: tuple[Step, ...]
    errors: tuple[Step, ...]
    note_error: Callable[[str, Exception], None]


class Binder(Protocol):
    """Makes a step of a filter for one route; None where it has nothing to do there."""

    def __call__(self, one: Filter) -> Step | None:
        """The step."""


def steps_of(filters: Sequence[Filter], phase: Phase, bind: Binder) -> tuple[Step, ...]:
    """A phase's steps in order; those of the same order by name."""
    ordered = sorted((one for one in filters if one.phase is phase), key=_order)
    return tuple(step for one in ordered if (step := bind(one)) is not None)


async def run(chain: Chain, context: SessionContext) -> Answer:
    """The request's answer."""
    name = ""
    try:
        for step in chain.forward:
            name = step.name
            if step.should_filter is None or step.should_filter(context):
                outcome = step.apply(context)
                if step.is_async:
                    await _done(step, outcome, context)
                context.passport.append((name, perf_counter_ns()))
                if context.answer is not None:
                    break
        else:
            await _fail(chain, context, name, _nobody_answers(context))
    except Exception as error:  # noqa: BLE001 - a filter is anybody's code
        await _fail(chain, context, name, error)
    for step in chain.outbound:
        try:
            if step.should_filter is None or step.should_filter(context):
                outcome = step.apply(context)
                if step.is_async:
                    await _done(step, outcome, context)
                context.passport.append((step.name, perf_counter_ns()))
        except Exception as error:  # noqa: BLE001 - a filter is anybody's code
            await _fail(chain, context, step.name, error)
    return context.answer or LAST_RESORT


def _nobody_answers(context: SessionContext) -> Refused:
    why = f"no endpoint answers {context.route}"
    return Refused(404, why, category=StatusCategory.SUCCESS_LOCAL_NO_ROUTE)


async def _fail(chain: Chain, context: SessionContext, name: str, error: Exception) -> None:
    """Let the error endpoint answer; one that fails itself is stood in for."""
    if not isinstance(error, Refused | ServiceFailed):
        chain.note_error(name, error)
    context.error, context.failed_filter = error, name
    context.mark(f"{name} failed")
    for step in chain.errors:
        try:
            outcome = step.apply(context)
            if step.is_async:
                await _done(step, outcome, context)
        except Exception as another:  # noqa: BLE001 - a filter is anybody's code
            chain.note_error(step.name, another)
        else:
            return
    context.answer = LAST_RESORT


async def _done(step: Step, outcome: object, context: SessionContext) -> None:
    """Wait for a filter."""
    if not step.is_bounded:
        await cast("Awaitable[object]", outcome)
        return
    async with asyncio.timeout_at(context.deadline):
        await cast("Awaitable[object]", outcome)


def _order(one: Filter) -> tuple[int, str]:
    return one.order, one.name
