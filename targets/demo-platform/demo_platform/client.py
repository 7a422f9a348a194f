"""How a service calls another: balanced, within the deadline, and prepared for failure.

Each call is run as a command (`hystrix/`): in the order in which a call meets them, circuit, pool
or semaphore, time-out, and around it all the fallback. What is run are the tries: deadline, choice
of instance, the try itself, outlier ejection, retry within the budget. The rules are in
`resilience/`; what a switch changes of them is in `fragility.py`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from functools import partial

from demo_platform.balancer import Peer
from demo_platform.fragility import SHARED_PLACES, CallPolicy, call_policy
from demo_platform.hystrix.command import BadRequest, Command, CommandFailed, Failure, TimedOut
from demo_platform.hystrix.events import Event
from demo_platform.hystrix.runtime import Runtime
from demo_platform.knobs import Knobs
from demo_platform.metrics import ClientCalls, Meters
from demo_platform.pool import Pool
from demo_platform.resilience.deadline import DEADLINE_HEADER, header_for, left_for_hop
from demo_platform.resilience.fallback import ASKED_INSTEAD, FALLBACKS
from demo_platform.resilience.retry import RetryBudget
from demo_platform.service import (
    PRIORITY_HEADER,
    REQUEST_ID_HEADER,
    RETRY_HEADER,
    Body,
    Dependency,
    Request,
    ServiceFailed,
)
from demo_platform.shared_properties import ScopedProperties
from demo_platform.transport import Ending, Reply, traced
from demo_platform.wires.codec import codec_of
from demo_platform.wires.contract import BadBody
from demo_platform.zuul.fit import FIT_HEADER, strike

OUTCOMES = ("failed", "fallback", "ok", "short-circuited")

TIMEOUT_MARGIN_S = 0.25
"""How much later than all of its tries a command times out: they know whom to blame, if late."""

DECLARED = {
    "request_volume_threshold": 10,
    "sleep_window_ms": 2000,
    "health_snapshot_ms": 100,
    "percentile_window_ms": 10_000,
    "percentile_buckets": 10,
}
"""Where the platform differs from Hystrix: its traffic is thinner, its outages are shorter."""


SHARED_POOL = "shared"
"""The pool of all commands of a process that has no bulkheads."""


class ShortCircuited(ServiceFailed):
    """A call that was refused because its circuit is open."""


class _ServiceTimedOut(ServiceFailed, TimedOut):
    """A service that did not answer in time."""


class _BlamesAnother(BadRequest):
    """A service that answers, but could not do its work because of another one, is up.

    Opening its circuit would help nobody and would blame the wrong service.
    """

    def __init__(self, failed: ServiceFailed) -> None:
        super().__init__(str(failed))
        self.failed = failed


class _Line:
    """All that a process keeps about one service that it calls."""

    def __init__(self, dependency: Dependency, runtime: Runtime, meters: Meters) -> None:
        target = dependency.service
        self.dependency = dependency
        self.codec = codec_of(target)
        self.budget = RetryBudget()
        self.outcomes = {
            outcome: meters.counter("client.calls", target=target, outcome=outcome)
            for outcome in OUTCOMES
        }
        self.attempts = ClientCalls(meters, target)
        self.struck = meters.counter("client.injected", target=target)
        self.rejected = meters.counter("hystrix.rejected", target=target)
        self._runtime = runtime
        runtime.pool(target, {"core_size": dependency.in_flight_max})
        self.command = Command(
            target, target, runtime, failures=(ServiceFailed,), declared=DECLARED
        )
        self._last: dict[str, Body] = {}
        self._switches = b""
        self._policy: CallPolicy | None = None
        meters.gauge("hystrix.open", self._is_refusing, target=target)

    def policy(self, knobs: Knobs) -> CallPolicy:
        """How to call right now; the command is told when the switches have changed it."""
        switches = knobs.switch_bits()
        if self._policy is None or switches != self._switches:
            self._switches = switches
            self._policy = policy = call_policy(self.dependency, knobs)
            timeout_s = policy.timeout_s * policy.tries + TIMEOUT_MARGIN_S
            if not policy.has_own_pool:
                self._runtime.pool(SHARED_POOL, {"core_size": SHARED_PLACES})
            self.command.properties.declare(
                timeout_ms=round(timeout_s * 1000),
                fallback_enabled=policy.has_fallback or not self.dependency.is_optional,
                pool_override=None if policy.has_own_pool else SHARED_POOL,
            )
        return self._policy

    def note_events(self, events: list[Event]) -> None:
        """Count a call that found all places taken."""
        if Event.THREAD_POOL_REJECTED in events:
            self.rejected.add()

    def _is_refusing(self) -> float:
        self.command.properties.refresh()
        return float(self.command.circuit.refuses(self.command.turn()))

    def fallback(self, route: str) -> Callable[[], Awaitable[Body]] | None:
        """What stands in for an answer of that route; None if nothing does."""
        return partial(self._fall_back, route) if self.dependency.is_optional else None

    def note_answer(self, route: str, answer: Body) -> None:
        """Count a good answer, and remember it if it may have to stand in for others."""
        self.outcomes["ok"].add()
        if self.dependency.keeps_last:
            self._last[route] = answer

    async def _fall_back(self, route: str) -> Body:
        service = self.dependency.service
        if not self.dependency.keeps_last:
            answer = FALLBACKS[service, route]()
        elif route in self._last:
            answer = {**self._last[route], "fallback": True}
        else:
            raise ServiceFailed(service, 502, "no answer of it is remembered")
        self.outcomes["fallback"].add()
        return answer


class Client:
    """The calls of one process to the services that it depends on.

    scopes: by what properties are set for this process, narrowest last.
    """

    def __init__(
        self,
        dependencies: tuple[Dependency, ...],
        *,
        pool: Pool,
        knobs: Knobs,
        meters: Meters,
        scopes: Sequence[str] = (),
    ) -> None:
        self._pool = pool
        self._knobs = knobs
        properties = ScopedProperties(knobs.properties, scopes=scopes)
        self.runtime = Runtime(asyncio.get_running_loop(), properties)
        self._lines = {one.service: _Line(one, self.runtime, meters) for one in dependencies}

    async def call(self, service: str, route: str, body: Body, request: Request) -> Body:
        """The service's answer, or its fallback. Raises ServiceFailed when there is neither."""
        line = self._lines[service]
        policy = line.policy(self._knobs)
        try:
            if self._left(policy, request) <= 0:
                return await _without_time(line, route)
            return await line.command.execute(
                lambda: self._tries(line, policy, route, body, request),
                self._fallback(line, policy, route, body, request),
                notify=line.note_events,
            )
        except CommandFailed as failed:
            is_short = failed.failure is Failure.SHORTCIRCUIT
            line.outcomes["short-circuited" if is_short else "failed"].add()
            raise _failure(service, failed) from failed
        except _BlamesAnother as blames:
            line.outcomes["failed"].add()
            raise blames.failed from blames

    def _fallback(
        self, line: _Line, policy: CallPolicy, route: str, body: Body, request: Request
    ) -> Callable[[], Awaitable[Body]] | None:
        """What stands in for an answer: memory, unless a switch has another service be asked."""
        instead = ASKED_INSTEAD.get((line.dependency.service, route))
        if policy.has_local_fallback or instead is None or instead.service not in self._lines:
            return line.fallback(route)

        async def ask() -> Body:
            other = self._lines[instead.service]
            rules = other.policy(self._knobs)
            try:
                answer = await other.command.execute(
                    lambda: self._tries(other, rules, instead.route, body, request)
                )
            except CommandFailed as failed:
                raise _failure(instead.service, failed) from failed
            line.outcomes["fallback"].add()
            return instead.made_of(answer)

        return ask

    async def _tries(
        self, line: _Line, policy: CallPolicy, route: str, body: Body, request: Request
    ) -> Body:
        """Try until answered, or until no further try is allowed or useful."""
        if request.faults is not None and line.dependency.service in request.faults.by_service:
            line.struck.add()
            request.trace.tag("x-fit", request.faults.text)
            request.trace.keep()
            left_s = self._left(policy, request)
            struck = await strike(request.faults, line.dependency.service, left_s)
            if struck is not None:
                return _answer(line, route, struck)
        try:
            encoded = line.codec.encode_request(route, body)
        except BadBody as error:
            raise _BlamesAnother(ServiceFailed(line.dependency.service, 502, str(error))) from error
        tried: list[Peer] = []
        avoid_zones: frozenset[str] = frozenset()
        reply: Reply | None = None
        line.budget.deposit()
        while len(tried) < policy.tries:
            left_s = self._left(policy, request)
            peer = self._pool.choose(line.dependency.service, tried=tried, avoid_zones=avoid_zones)
            if left_s <= 0 or peer is None:
                break
            if tried and policy.has_budget and not line.budget.withdraw():
                break
            headers = _headers(request, policy, left_s, attempt=len(tried))
            tried.append(peer)
            span = request.trace.call(route, peer.service, peer.address, peer.port)
            span.carry(headers)
            sending = self._pool.post(peer, route, body=encoded, headers=headers, timeout_s=left_s)
            reply = await traced(span, sending)
            line.attempts.note(len(tried) - 1, is_success=reply.ending is Ending.ANSWERED)
            if reply.ending in (Ending.UNREACHABLE, Ending.TIMED_OUT):
                avoid_zones |= {peer.zone}
            if not _is_worth_another(reply.ending, policy):
                break
        return _answer(line, route, reply)

    def _left(self, policy: CallPolicy, request: Request) -> float:
        if not policy.carries_deadline:
            return policy.timeout_s
        return left_for_hop(request.deadline, now=_now(), timeout_s=policy.timeout_s)


def _answer(line: _Line, route: str, reply: Reply | None) -> Body:
    """What the last reply says. Raises what the command is to make of it."""
    service = line.dependency.service
    if reply is None:
        raise ServiceFailed(service, 504, "no instance to call")
    if reply.ending is Ending.TIMED_OUT:
        raise _ServiceTimedOut(service, 504, f"{service} {reply.ending.value}")
    if reply.ending is not Ending.ANSWERED:
        cause = reply.cause or service
        failed = ServiceFailed(cause, 502, f"{service} {reply.ending.value}")
        if cause != service and not line.dependency.is_optional:
            raise _BlamesAnother(failed)
        raise failed
    try:
        answer = line.codec.decode_reply(route, reply.body)
    except BadBody as error:
        raise ServiceFailed(service, 502, f"unreadable answer: {error}") from error
    line.note_answer(route, answer)
    return answer


async def _without_time(line: _Line, route: str) -> Body:
    """What to say when nobody would wait for an answer any more. Nobody is to blame for it."""
    fallback = line.fallback(route)
    if fallback is not None and line.command.properties.fallback_enabled:
        return await fallback()
    line.outcomes["failed"].add()
    raise ServiceFailed(line.dependency.service, 504, "no time left to call it")


def _failure(service: str, failed: CommandFailed) -> ServiceFailed:
    match failed.failure:
        case Failure.SHORTCIRCUIT:
            return ShortCircuited(service, 502, "its circuit is open")
        case Failure.REJECTED_THREAD_EXECUTION | Failure.REJECTED_SEMAPHORE_EXECUTION:
            return ServiceFailed(service, 502, "too many calls to it are under way")
    if isinstance(failed.cause, ServiceFailed):
        return failed.cause
    return ServiceFailed(service, 504, "it took longer than its command may")


def _is_worth_another(ending: Ending, policy: CallPolicy) -> bool:
    match ending:
        case Ending.ANSWERED:
            return False
        case Ending.UNREACHABLE | Ending.SHED:
            return True
        case Ending.TIMED_OUT:
            return policy.retries_timeouts
        case Ending.FAILED:
            # Somebody further down failed and was retried there: once more is a storm.
            return not policy.has_budget


def _headers(
    request: Request, policy: CallPolicy, left_s: float, *, attempt: int
) -> dict[str, str]:
    headers = {"Content-Type": "application/json", REQUEST_ID_HEADER: request.request_id}
    if policy.carries_deadline:
        headers[DEADLINE_HEADER] = header_for(left_s)
    if request.faults is not None:
        headers[FIT_HEADER] = request.faults.text
    if request.priority:
        headers[PRIORITY_HEADER] = request.priority
    if attempt:
        headers[RETRY_HEADER] = str(attempt)
    return headers


def _now() -> float:
    return asyncio.get_running_loop().time()
