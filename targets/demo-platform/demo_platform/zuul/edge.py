"""What one edge knows and counts, and the lanes that it makes of it, a chain for each route.

Filters, properties, switches and dials may change at any time. Nothing is looked up twice for
a request: when one of them has changed, the next request makes all lanes anew.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections import deque
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from demo_platform.http_message import HttpRequest
from demo_platform.knobs import Knobs
from demo_platform.metrics import Meters
from demo_platform.service import Node, Route
from demo_platform.shared_properties import ScopedProperties
from demo_platform.tokens import Standing
from demo_platform.zuul import properties
from demo_platform.zuul.chain import Chain, Step, steps_of
from demo_platform.zuul.context import SessionContext
from demo_platform.zuul.filters import Filter, Phase, place_of
from demo_platform.zuul.fit_rules import FitRule
from demo_platform.zuul.fit_rules import rules_of as fit_rules_of
from demo_platform.zuul.folder import FilterFolder
from demo_platform.zuul.forwarding import Forwarding
from demo_platform.zuul.origin import Origin
from demo_platform.zuul.properties import Settings
from demo_platform.zuul.rate_limit import Buckets
from demo_platform.zuul.routes import EdgeRoute
from demo_platform.zuul.routing import OFF, Rule, rules_of
from demo_platform.zuul.shedding import Priority

REFUSALS = ("address", "concurrency", "filter", "full", "rate", "shed", "size", "token")
PASSPORTS_MAX = 16
QUIET_S = 10.0
"""How long a filter that goes on failing is not logged again."""

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Lane:
    """A route as it is run. path: what the origin is asked for."""

    route: EdgeRoute
    path: str
    chain: Chain


class Edge:
    """One edge; must be made inside a running loop."""

    def __init__(
        self,
        node: Node,
        *,
        services: Collection[str],
        token_key: bytes,
        routes: Mapping[str, EdgeRoute],
        functions: Mapping[str, Route],
        origin_of: Callable[[str], Origin],
        folder: FilterFolder,
        forwarding: Forwarding,
        knobs: Knobs,
        scopes: Sequence[str],
        meters: Meters,
    ) -> None:
        self.node = node
        self.services = services
        self.token_key = token_key
        self.now = asyncio.get_running_loop().time
        self.routes = routes
        self.functions = functions
        self.origins: dict[str, Origin] = {}
        self._origin_of = origin_of
        self.folder = folder
        self.forwarding = forwarding
        self.knobs = knobs
        self.settings = Settings(ScopedProperties(knobs.properties, scopes=scopes))
        self.in_flight = 0
        self.concurrency_max = 1
        self.is_patient = False
        self.fit: tuple[FitRule, ...] = ()
        self.rules: tuple[Rule, ...] = ()
        self.passports: deque[SessionContext] = deque(maxlen=PASSPORTS_MAX)
        self.errors: dict[str, tuple[str, str, float]] = {}
        self.refused = {kind: meters.counter("zuul.refused", kind=kind) for kind in REFUSALS}
        self.tokens = {one: meters.counter("zuul.tokens", standing=one.value) for one in Standing}
        self.shed = {
            one: meters.counter("zuul.shed", priority=one.name.lower().replace("_", "-"))
            for one in Priority
        }
        self._filter_errors = meters.counter("zuul.filters.errors")
        self._buckets: dict[tuple[str, int, int], Buckets] = {}
        self._lanes: dict[str, Lane] = {}
        self._ruled: dict[tuple[str, str], Lane] = {}
        self._seen: tuple[int, bytes, float, int] = (-1, b"", 0.0, -1)
        self._turn = 0
        meters.gauge("zuul.filters.failed", lambda: float(len(folder.problems)))
        meters.gauge("zuul.utilisation", lambda: self.in_flight / self.concurrency_max)

    def refresh(self) -> None:
        """Take over what was changed, if anything was."""
        knobs = self.knobs
        share = self.forwarding.share()
        seen = (knobs.properties.version, knobs.switch_bits(), share, self._turn)
        if seen != self._seen:
            self._seen = seen
            self._compile()

    def look(self) -> None:
        """See what has become of the filters' files."""
        if self.folder.look():
            self._turn += 1

    def lane(self, incoming: HttpRequest) -> Lane | None:
        """The lane for a request, or None if there is no route for it."""
        if self.rules:
            host, path = incoming.headers.get("host", ""), incoming.path
            for rule in self.rules:
                if rule.matches(host, path):
                    return self._ruled_lane(rule, rule.path_at_origin(path))
        return self._lanes.get(incoming.target) or self._lanes.get(incoming.path)

    def lanes(self) -> dict[str, Lane]:
        """The lane of each route that no rule sends elsewhere."""
        return self._lanes

    def buckets(self, what: str, per_second: int) -> Buckets:
        """The buckets of a limit; they last when other things change."""
        burst_s = self.settings.number("zuul.ratelimit.burstSeconds")
        key = (what, per_second, burst_s)
        if key not in self._buckets:
            self._buckets = {k: kept for k, kept in self._buckets.items() if k[0] != what}
            self._buckets[key] = Buckets(per_second=per_second, burst_s=burst_s)
        return self._buckets[key]

    def note_error(self, name: str, error: Exception) -> None:
        """A filter has raised what it did not mean to."""
        self._filter_errors.add()
        source = next((one.source for one in self.folder.filters() if one.name == name), "")
        where = place_of(error, Path(source)) if source else name
        what = f"{type(error).__name__}: {error}"
        now = time.monotonic()
        _, _, logged_at = self.errors.get(name, ("", "", -QUIET_S))
        if now - logged_at >= QUIET_S:
            _log.warning("filter failed: %s: %s", where, what)
            logged_at = now
        self.errors[name] = (where, what, logged_at)

    def _compile(self) -> None:
        settings = self.settings
        self.is_patient = self.knobs.is_on("long-timeouts")
        self.concurrency_max = settings.number("zuul.concurrency.max")
        self.rules = rules_of(settings.texts(properties.ROUTES), vips=self.services)
        wanted = {one.vip for one in self.routes.values()} | {one.vip for one in self.rules}
        for vip in sorted(wanted):
            if vip not in ("", OFF, *self.origins):
                self.origins[vip] = self._origin_of(vip)
        abroad = (one.origin for one in self.forwarding.neighbours)
        for origin in (*self.origins.values(), *abroad):
            origin.refresh(settings)
        self.fit = fit_rules_of(settings.texts(properties.RULES), now_s=time.monotonic())
        self._ruled = {}
        self._lanes = {f"/{name}": self._made(one, name) for name, one in self.routes.items()}

    def _ruled_lane(self, rule: Rule, target: str) -> Lane | None:
        """The lane of a rule: as the route of that name, but to the rule's origin."""
        route = self.routes.get(target)
        if rule.vip == OFF or route is None:
            return None
        key = (rule.vip, target)
        if key not in self._ruled:
            self._ruled[key] = self._made(replace(route, vip=rule.vip), target)
        return self._ruled[key]

    def _made(self, route: EdgeRoute, path: str) -> Lane:
        is_disabled = partial(self.settings.is_on, "zuul.filter.NAME.disabled")
        filters = [one for one in self.folder.filters() if not is_disabled(one.name)]
        inbound, endpoints, outbound, errors = (
            steps_of(filters, phase, partial(self._step, route)) for phase in Phase
        )
        chain = Chain(inbound + endpoints, outbound, errors, self.note_error)
        return Lane(route, path, chain)

    def _step(self, route: EdgeRoute, one: Filter) -> Step | None:
        apply = one.apply if one.bind is None else one.bind(self, route)
        if apply is None:
            return None
        is_async = one.is_async or (one.bind is not None and one.phase is Phase.ENDPOINT)
        return Step(one.name, apply, one.should_filter, is_async, is_bounded=bool(one.source))
