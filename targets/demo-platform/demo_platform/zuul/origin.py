"""An origin: a service behind the edge, and how its instances are asked.

Chosen by zone, load and recent failures (pool.py); tried again at the next instance when nobody was
there or it had no room, if the route may be repeated; never more calls at once than the adaptive
limit allows. What a service answers goes to the device as it is, unread.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from types import MappingProxyType

from demo_platform.balancer import Peer
from demo_platform.fragility import CallPolicy, call_policy
from demo_platform.knobs import Knobs
from demo_platform.metrics import ClientCalls, Meters
from demo_platform.pool import Pool
from demo_platform.resilience.deadline import DEADLINE_HEADER, header_for, left_for_hop
from demo_platform.resilience.retry import RetryBudget
from demo_platform.service import PRIORITY_HEADER, REQUEST_ID_HEADER, RETRY_HEADER, Dependency
from demo_platform.transport import Ending, Reply, traced
from demo_platform.zuul.adaptive_limit import AdaptiveLimit, LimitRule
from demo_platform.zuul.context import Answer, Refused, SessionContext
from demo_platform.zuul.fit import FIT_HEADER, strike
from demo_platform.zuul.properties import Settings
from demo_platform.zuul.status import StatusCategory

TRIES_AT_MOST = 2

_CATEGORIES = {
    Ending.SHED: StatusCategory.FAILURE_ORIGIN_THROTTLED,
    Ending.FAILED: StatusCategory.FAILURE_ORIGIN,
    Ending.TIMED_OUT: StatusCategory.FAILURE_ORIGIN_READ_TIMEOUT,
    Ending.UNREACHABLE: StatusCategory.FAILURE_ORIGIN_CONNECTIVITY,
}


class Origin:
    """One origin of one edge."""

    def __init__(self, dependency: Dependency, *, pool: Pool, knobs: Knobs, meters: Meters) -> None:
        self.name = dependency.service
        self.in_flight = 0
        self._dependency = dependency
        self._pool = pool
        self._knobs = knobs
        self._now = asyncio.get_running_loop().time
        self._budget = RetryBudget()
        self._policy = call_policy(dependency, knobs)
        self._tries = 1 + TRIES_AT_MOST
        self._rule = LimitRule()
        self._learnt = AdaptiveLimit(self._rule)
        self._is_adaptive = True
        self._ok = meters.counter("client.calls", target=self.name, outcome="ok")
        self._failed = meters.counter("client.calls", target=self.name, outcome="failed")
        self._attempts = ClientCalls(meters, self.name)
        self._struck = meters.counter("client.injected", target=self.name)
        meters.gauge("zuul.origin.limit", lambda: self.limit, origin=self.name)

    @property
    def limit(self) -> float:
        """How many calls may be under way."""
        return self._learnt.limit if self._is_adaptive else float(self._rule.most)

    def refresh(self, settings: Settings) -> None:
        """Take over what was changed."""
        self._policy = call_policy(self._dependency, self._knobs)
        self._is_adaptive = settings.is_on("zuul.origin.NAME.concurrency.adaptive", self.name)
        is_storm = not self._policy.has_budget
        retries = settings.number("zuul.origin.NAME.retries", self.name)
        has_next = self._policy.tries > 1
        self._tries = self._policy.tries if is_storm or not has_next else 1 + retries
        rule = LimitRule(
            least=settings.number("zuul.origin.NAME.concurrency.min", self.name),
            most=settings.number("zuul.origin.NAME.concurrency.max", self.name),
        )
        if rule != self._rule:
            self._rule, self._learnt = rule, AdaptiveLimit(rule)

    async def ask(
        self,
        context: SessionContext,
        *,
        is_idempotent: bool,
        carried: Mapping[str, str] = MappingProxyType({}),
    ) -> Answer:
        """The origin's answer to a request. Raises Refused when it may not be asked now.

        carried: headers that go along with it.
        """
        if self.in_flight >= self.limit:
            raise Refused(
                503,
                f"{self.name}: no more than {self.limit:.0f} calls at once",
                kind="concurrency",
                category=StatusCategory.FAILURE_LOCAL_THROTTLED_ORIGIN_CONCURRENCY,
            )
        began = self._now()
        self.in_flight += 1
        try:
            headers = {**_headers(context), **carried}
            reply = await self._reply(context, headers, is_idempotent=is_idempotent)
        finally:
            now = self._now()
            self._learnt.note(now - began, in_flight=self.in_flight, now=now)
            self.in_flight -= 1
        return self._answer(reply)

    async def _reply(
        self, context: SessionContext, headers: dict[str, str], *, is_idempotent: bool
    ) -> Reply | None:
        """Try until answered, or until no further try is allowed or useful."""
        policy, faults = self._policy, context.faults
        if faults is not None and self.name in faults.by_service:
            self._struck.add()
            context.trace.tag(FIT_HEADER, faults.text)
            context.trace.keep()
            struck = await strike(faults, self.name, self._left(policy, context))
            if struck is not None:
                return struck
        tried: list[Peer] = []
        avoid_zones: frozenset[str] = frozenset()
        reply: Reply | None = None
        self._budget.deposit()
        while len(tried) < self._tries:
            left_s = self._left(policy, context)
            peer = self._pool.choose(self.name, tried=tried, avoid_zones=avoid_zones)
            if left_s <= 0 or peer is None:
                break
            if policy.carries_deadline:
                headers[DEADLINE_HEADER] = header_for(left_s)
            if tried:
                if policy.has_budget and not self._budget.withdraw():
                    break
                headers[RETRY_HEADER] = str(len(tried))
            tried.append(peer)
            span = context.trace.call(context.path, self.name, peer.address, peer.port)
            span.carry(headers)
            sending = self._pool.post(
                peer, context.path, body=context.body, headers=headers, timeout_s=left_s
            )
            reply = await traced(span, sending)
            self._attempts.note(len(tried) - 1, is_success=reply.ending is Ending.ANSWERED)
            context.mark(peer.id)
            if not _is_worth_another(reply.ending, policy, is_idempotent):
                break
            if reply.ending is not Ending.SHED:
                avoid_zones |= {peer.zone}
        return reply

    def _left(self, policy: CallPolicy, context: SessionContext) -> float:
        if not policy.carries_deadline:
            return policy.timeout_s
        return left_for_hop(context.deadline, now=self._now(), timeout_s=policy.timeout_s)

    def _answer(self, reply: Reply | None) -> Answer:
        """What the last reply says to the device."""
        if reply is None:
            self._failed.add()
            category = StatusCategory.FAILURE_ORIGIN_NO_SERVERS
            return _failed(504, self.name, category)
        if reply.ending is Ending.ANSWERED or 400 <= reply.status < 500:
            self._ok.add()
            is_missing = reply.status == 404
            category = StatusCategory.SUCCESS_NOT_FOUND if is_missing else StatusCategory.SUCCESS
            return Answer(reply.status, reply.body, category)
        self._failed.add()
        status = 504 if reply.ending is Ending.TIMED_OUT else 502
        return _failed(status, reply.cause or self.name, _CATEGORIES[reply.ending])


def _is_worth_another(ending: Ending, policy: CallPolicy, is_idempotent: bool) -> bool:
    match ending:
        case Ending.ANSWERED:
            return False
        case Ending.UNREACHABLE | Ending.SHED:
            return is_idempotent
        case _:
            # With the switch for it, whatever went wrong is tried again: that is the storm.
            return not policy.has_budget


def _headers(context: SessionContext) -> dict[str, str]:
    """What an origin is told; of the device's own headers nothing goes on."""
    headers = {
        "Content-Type": "application/json",
        REQUEST_ID_HEADER: context.request_id,
        PRIORITY_HEADER: context.priority.name,
    }
    if context.faults is not None:
        headers[FIT_HEADER] = context.faults.text
    return headers


def _failed(status: int, cause: str, category: StatusCategory) -> Answer:
    return Answer(status, b'{"failed":"%s"}' % cause.encode(), category, cause)
