"""A command: a kind of call that is run within limits, watched, and stood in for when it fails.

In the order in which a call meets them: circuit, semaphore or pool, execution time-out, the call
itself; then, unless it succeeded, the fallback under a semaphore of its own. A bad request is the
caller's fault: it neither counts as an error nor is stood in for.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from enum import Enum
from typing import Any, TypeVar

from demo_platform.hystrix.bulkhead import Pool, PoolRejected, Semaphore
from demo_platform.hystrix.circuit import Circuit
from demo_platform.hystrix.command_metrics import CommandMetrics
from demo_platform.hystrix.events import IS_ERROR, IS_EXECUTED_IN_POOL, IS_REQUEST, Event
from demo_platform.hystrix.execution_timeout import within
from demo_platform.hystrix.properties import CommandProperties, Value
from demo_platform.hystrix.runtime import Runtime

Answer = TypeVar("Answer")
Run = Callable[[], Awaitable[Answer]]
Emit = Callable[[Answer], None]
Emitting = Callable[[Emit[Answer]], Awaitable[None]]
Notify = Callable[[list[Event]], None]


class Failure(Enum):
    """Why a command failed, in Hystrix's words."""

    BAD_REQUEST_EXCEPTION = Event.BAD_REQUEST
    COMMAND_EXCEPTION = Event.FAILURE
    TIMEOUT = Event.TIMEOUT
    SHORTCIRCUIT = Event.SHORT_CIRCUITED
    REJECTED_THREAD_EXECUTION = Event.THREAD_POOL_REJECTED
    REJECTED_SEMAPHORE_EXECUTION = Event.SEMAPHORE_REJECTED
    REJECTED_SEMAPHORE_FALLBACK = Event.FALLBACK_REJECTION


class CommandFailed(Exception):
    """A call that was not answered, nor stood in for; `cause` is what its run raised, if it did."""

    def __init__(self, name: str, failure: Failure, cause: Exception | None) -> None:
        super().__init__(f"{name}: {failure.name}")
        self.failure = failure
        self.cause = cause


class BadRequest(Exception):
    """Raised by a run whose caller asked for what cannot be; passed on as it is."""


class TimedOut(Exception):
    """Raised by a run that waited long enough by itself; counts as the command's time-out."""


class _Call:
    """One execution on its way."""

    __slots__ = ("began_ms", "ending", "events", "has_run")

    def __init__(self, began_ms: float) -> None:
        self.began_ms = began_ms
        self.has_run = False
        self.ending = Event.CANCELLED  # unless we hear otherwise
        self.events: list[Event] = []

    def end(self, ending: Event) -> None:
        self.ending = ending
        self.events.append(ending)


class Command:
    """All that a process keeps of one kind of call.

    failures: what a run raises when it fails; anything else it raises is a bug, and is passed on.
    """

    def __init__(
        self,
        name: str,
        group: str,
        runtime: Runtime,
        *,
        failures: tuple[type[Exception], ...],
        declared: Mapping[str, Value] | None = None,
    ) -> None:
        self.name = name
        self.group = group
        self._runtime = runtime
        self._time = runtime.loop.time
        ours = (TimeoutError, TimedOut, BadRequest, PoolRejected)
        self._failures: tuple[type[Exception], ...] = (*failures, *ours)
        now_ms = runtime.now_ms()
        self.properties = CommandProperties(name, runtime.source, declared or {})
        self.metrics = CommandMetrics(self.properties, now_ms=now_ms)
        self.circuit = Circuit(self.properties, now_ms=now_ms)
        self._semaphore = Semaphore()
        self._fallbacks = Semaphore()
        self._runaways: set[asyncio.Task[Any]] = set()
        runtime.commands[name] = self

    @property
    def pool(self) -> Pool:
        """The pool that calls run in, unless they run under a semaphore."""
        return self._runtime.pool(self.properties.pool_override or self.group)

    def turn(self) -> float:
        """Bring the windows up to the present, which is returned."""
        now_ms = self._time() * 1000
        if now_ms >= self.metrics.ends_ms:
            self.metrics.turn(now_ms)
        return now_ms

    async def execute(
        self,
        run: Run[Answer],
        fallback: Run[Answer] | None = None,
        *,
        notify: Notify | None = None,
    ) -> Answer:
        """What the run answers, or else the fallback.

        notify: told the call's events, in order, when it has ended.
        Raises CommandFailed when there is neither, and the run's BadRequest as it is.
        """
        self.properties.refresh()
        call = _Call(self.turn())
        try:
            return await self._admitted(call, run, fallback)
        finally:
            self._end(call)
            if notify is not None:
                notify(call.events)

    async def observe(
        self,
        run: Emitting[Answer],
        emit: Emit[Answer],
        fallback: Emitting[Answer] | None = None,
        *,
        notify: Notify | None = None,
    ) -> None:
        """Emit each value that the run gives, and if it fails those of the fallback after them.

        Time-out and limits hold for the whole. Raises what `execute` does.
        """
        emitted: list[Event] = []

        def emits(emitting: Emitting[Answer], event: Event) -> Run[None]:
            def counted(value: Answer) -> None:
                emitted.append(event)
                emit(value)

            return lambda: emitting(counted)

        told: list[Event] = []
        instead = None if fallback is None else emits(fallback, Event.FALLBACK_EMIT)
        try:
            await self.execute(emits(run, Event.EMIT), instead, notify=told.extend)
        finally:
            self.metrics.note_events(emitted)
            if notify is not None:
                notify(sorted({*told, *emitted}))

    def note(self, event: Event, times: int = 1) -> None:
        """Count what happened to a request outside of a call."""
        self.turn()
        self.metrics.note_events([event] * times)

    async def _admitted(
        self, call: _Call, run: Run[Answer], fallback: Run[Answer] | None
    ) -> Answer:
        """Run, if circuit and semaphore let us."""
        try:
            if self.properties.circuit_enabled and not self.circuit.allows(call.began_ms):
                return await self._instead(call, Failure.SHORTCIRCUIT, None, fallback)
            if self.properties.strategy == "THREAD":
                return await self._answered(call, run, fallback)
            if not self._semaphore.enter(self.properties.concurrent_max):
                failure = Failure.REJECTED_SEMAPHORE_EXECUTION
                return await self._instead(call, failure, None, fallback)
            try:
                return await self._answered(call, run, fallback)
            finally:
                self._semaphore.leave()
        except (CommandFailed, BadRequest):
            raise
        except BaseException:
            call.end(Event.CANCELLED)
            raise

    async def _answered(
        self, call: _Call, run: Run[Answer], fallback: Run[Answer] | None
    ) -> Answer:
        try:
            answer = await self._within_timeout(call, run)
        except self._failures as error:
            return await self._instead(call, _failure_of(error), error, fallback)
        self.circuit.mark_success(self._time() * 1000)
        call.end(Event.SUCCESS)
        return answer

    async def _within_timeout(self, call: _Call, run: Run[Answer]) -> Answer:
        properties = self.properties
        if not properties.timeout_enabled:
            return await self._isolated(call, run)
        timeout_s = properties.timeout_ms / 1000
        return await within(self._runtime.loop, timeout_s, lambda: self._isolated(call, run))

    async def _isolated(self, call: _Call, run: Run[Answer]) -> Answer:
        """Run in a place of the pool, if that is the strategy."""
        if self.properties.strategy != "THREAD":
            self._begin(call)
            return await run()
        pool = self.pool
        pool.turn(call.began_ms)
        await pool.enter()
        self._begin(call)
        if self.properties.interrupt_on_timeout:
            return await _in_place(pool, run)
        # What may not be interrupted goes on in its place when nobody waits for it any more.
        running = asyncio.create_task(_in_place(pool, run))
        self._runaways.add(running)
        running.add_done_callback(self._caught)
        return await asyncio.shield(running)

    def _begin(self, call: _Call) -> None:
        call.has_run = True
        self.metrics.note_start()

    def _caught(self, running: asyncio.Task[Any]) -> None:
        """Take note of how a run ended that nobody may be waiting for."""
        self._runaways.discard(running)
        if not running.cancelled():
            running.exception()

    async def _instead(
        self,
        call: _Call,
        failure: Failure,
        error: Exception | None,
        fallback: Run[Answer] | None,
    ) -> Answer:
        """The fallback's answer. Raises when there is none."""
        call.end(failure.value)
        if isinstance(error, BadRequest):
            raise error
        if not self.properties.fallback_enabled:
            raise CommandFailed(self.name, failure, error) from error
        if not self._fallbacks.enter(self.properties.fallbacks_max):
            call.events.append(Event.FALLBACK_REJECTION)
            rejected = Failure.REJECTED_SEMAPHORE_FALLBACK
            raise CommandFailed(self.name, rejected, error) from error
        try:
            if fallback is None:
                call.events.append(Event.FALLBACK_MISSING)
                raise CommandFailed(self.name, failure, error) from error
            answer = await fallback()
        except self._failures as failed:
            call.events.append(Event.FALLBACK_FAILURE)
            raise CommandFailed(self.name, failure, error) from failed
        finally:
            self._fallbacks.leave()
        call.events.append(Event.FALLBACK_SUCCESS)
        return answer

    def _end(self, call: _Call) -> None:
        """Count the call, now that its caller goes on."""
        now_ms = self.turn()
        if call.has_run:
            self.metrics.note_end(now_ms - call.began_ms)
        self.metrics.note_events(call.events)
        ending = call.ending
        if IS_REQUEST[ending]:
            self.circuit.note(now_ms, is_error=IS_ERROR[ending])
        if self.properties.strategy == "THREAD":
            pool = self.pool
            pool.turn(now_ms)
            if call.has_run and IS_EXECUTED_IN_POOL[ending]:
                pool.note_executed()
            elif ending is Event.THREAD_POOL_REJECTED:
                pool.note_rejected()


async def _in_place(pool: Pool, run: Run[Answer]) -> Answer:
    """Run, and give the place back."""
    try:
        return await run()
    finally:
        pool.leave()


def _failure_of(error: Exception) -> Failure:
    match error:
        case BadRequest():
            return Failure.BAD_REQUEST_EXCEPTION
        case PoolRejected():
            return Failure.REJECTED_THREAD_EXECUTION
        case TimeoutError() | TimedOut():
            return Failure.TIMEOUT
        case _:
            return Failure.COMMAND_EXCEPTION
