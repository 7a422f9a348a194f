"""How a service calls another: balanced, within the deadline, and prepared for failure.

In the order in which a call meets them: circuit breaker, bulkhead, deadline, choice of instance,
the try itself, outlier ejection, retry within the budget, fallback. The rules are in `resilience/`;
what a switch changes of them is in `fragility.py`.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

import msgspec

from demo_platform.balancer import Peer
from demo_platform.fragility import CallPolicy, call_policy
from demo_platform.knobs import Knobs
from demo_platform.metrics import Counter, Meters
from demo_platform.pool import Pool
from demo_platform.resilience.bulkhead import Bulkhead
from demo_platform.resilience.circuit_breaker import BreakerRule, CircuitBreaker
from demo_platform.resilience.deadline import DEADLINE_HEADER, header_for, left_for_hop
from demo_platform.resilience.fallback import FALLBACKS
from demo_platform.resilience.retry import RetryBudget
from demo_platform.service import (
    REQUEST_ID_HEADER,
    RETRY_HEADER,
    Body,
    Dependency,
    Request,
    ServiceFailed,
)
from demo_platform.transport import Ending, Reply

OUTCOMES = ("failed", "fallback", "ok", "short-circuited")


class ShortCircuited(ServiceFailed):
    """A call that was refused because its circuit is open."""


@dataclass(frozen=True, slots=True)
class _Line:
    """All that a process keeps about one service that it calls."""

    dependency: Dependency
    breaker: CircuitBreaker
    bulkhead: Bulkhead
    budget: RetryBudget
    outcomes: dict[str, Counter]
    retries: Counter


class Client:
    """The calls of one process to the services that it depends on."""

    def __init__(
        self,
        dependencies: tuple[Dependency, ...],
        *,
        pool: Pool,
        knobs: Knobs,
        meters: Meters,
    ) -> None:
        self._pool = pool
        self._knobs = knobs
        self._lines = {dependency.service: _line(dependency, meters) for dependency in dependencies}

    async def call(self, service: str, route: str, body: Body, request: Request) -> Body:
        """The service's answer, or its fallback. Raises ServiceFailed when there is neither."""
        line = self._lines[service]
        policy = call_policy(line.dependency, self._knobs)
        try:
            answer = await self._guarded(line, policy, route, body, request)
        except ServiceFailed as failed:
            if not policy.has_fallback:
                outcome = "short-circuited" if isinstance(failed, ShortCircuited) else "failed"
                line.outcomes[outcome].add()
                raise
            line.outcomes["fallback"].add()
            return FALLBACKS[service]()
        line.outcomes["ok"].add()
        return answer

    async def _guarded(
        self, line: _Line, policy: CallPolicy, route: str, body: Body, request: Request
    ) -> Body:
        """Call, unless the circuit is open or too many calls are under way."""
        service = line.dependency.service
        if not line.breaker.allows(_now()):
            raise ShortCircuited(service, 502, "its circuit is open")
        if not line.bulkhead.enter():
            raise ServiceFailed(service, 502, "too many calls to it are under way")
        try:
            return await self._tries(line, policy, route, body, request)
        finally:
            line.bulkhead.leave()

    async def _tries(
        self, line: _Line, policy: CallPolicy, route: str, body: Body, request: Request
    ) -> Body:
        """Try until answered, or until no further try is allowed or useful."""
        encoded = msgspec.json.encode(body)
        tried: list[Peer] = []
        avoid_zones: frozenset[str] = frozenset()
        reply: Reply | None = None
        line.budget.deposit()
        while len(tried) < policy.tries:
            left_s = self._left(policy, request)
            peer = self._pool.choose(line.dependency.service, tried=tried, avoid_zones=avoid_zones)
            if left_s <= 0 or peer is None:
                break
            if tried:
                if policy.has_budget and not line.budget.withdraw():
                    break
                line.retries.add()
            headers = _headers(request, policy, left_s, attempt=len(tried))
            tried.append(peer)
            reply = await self._pool.post(
                peer, route, body=encoded, headers=headers, timeout_s=left_s
            )
            if reply.ending in (Ending.UNREACHABLE, Ending.TIMED_OUT):
                avoid_zones |= {peer.zone}
            if not _is_worth_another(reply.ending, policy):
                break
        return _answer(line, reply)

    def _left(self, policy: CallPolicy, request: Request) -> float:
        if not policy.carries_deadline:
            return policy.timeout_s
        return left_for_hop(request.deadline, now=_now(), timeout_s=policy.timeout_s)


def _answer(line: _Line, reply: Reply | None) -> Body:
    """What the last reply says; the breaker learns of it.

    A service that answers, but blames another one, is up: opening its circuit would help nobody
    and would blame the wrong service.
    """
    service = line.dependency.service
    if reply is None:
        raise ServiceFailed(service, 504, "no instance, or no time left to call one")
    cause = reply.cause or service
    is_answered = reply.ending is Ending.ANSWERED
    line.breaker.record(_now(), ok=is_answered or cause != service)
    if not is_answered:
        status = 504 if reply.ending is Ending.TIMED_OUT else 502
        raise ServiceFailed(cause, status, f"{service} {reply.ending.value}")
    try:
        return msgspec.json.decode(reply.body, type=dict[str, object])
    except msgspec.MsgspecError as error:
        raise ServiceFailed(service, 502, f"unreadable answer: {error}") from error


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
    if attempt:
        headers[RETRY_HEADER] = str(attempt)
    return headers


def _line(dependency: Dependency, meters: Meters) -> _Line:
    target = dependency.service
    breaker = CircuitBreaker(BreakerRule())
    meters.gauge("breaker.open", lambda: float(breaker.is_open), target=target)
    return _Line(
        dependency=dependency,
        breaker=breaker,
        bulkhead=Bulkhead(dependency.in_flight_max),
        budget=RetryBudget(),
        outcomes={
            outcome: meters.counter("client.calls", target=target, outcome=outcome)
            for outcome in OUTCOMES
        },
        retries=meters.counter("client.retries", target=target),
    )


def _now() -> float:
    return asyncio.get_running_loop().time()
