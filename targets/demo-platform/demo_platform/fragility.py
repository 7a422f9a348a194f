"""The fragility switches: well-known ways to get resilience wrong, in one table.

Each can be turned on a running platform; whoever is bound by one asks at use. What a switch changes
is computed here and nowhere else, so that a service's code is the same with and without.
"""

from __future__ import annotations

from dataclasses import dataclass

from demo_platform.knobs import Knobs
from demo_platform.service import Capacity, Dependency

SWITCHES: dict[str, str] = {
    "no-fallback": "optional dependencies have no fallback: when abtest or recs fails, so does its "
    "caller",
    "no-headroom": "playback has half its slots: three zones carry the load at some 85 %, two "
    "cannot",
    "long-timeouts": "every call and queue may take 10 s and nobody says how long the answer is "
    "wanted",
    "retry-storm": "every layer tries three times, whatever went wrong, with no budget",
}

LONG_TIMEOUT_S = 10.0


@dataclass(frozen=True, slots=True)
class CallPolicy:
    """How one dependency is called right now."""

    timeout_s: float
    tries: int
    has_budget: bool
    has_fallback: bool
    carries_deadline: bool
    retries_timeouts: bool


def call_policy(dependency: Dependency, knobs: Knobs) -> CallPolicy:
    """The dependency's declared rules, as the switches leave them."""
    is_storm = knobs.is_on("retry-storm")
    is_long = knobs.is_on("long-timeouts")
    return CallPolicy(
        timeout_s=LONG_TIMEOUT_S if is_long else dependency.timeout_s,
        tries=3 if is_storm else 2,
        has_budget=not is_storm,
        has_fallback=dependency.is_optional and not knobs.is_on("no-fallback"),
        carries_deadline=not is_long,
        retries_timeouts=is_storm or not dependency.is_optional,
    )


def slots(capacity: Capacity, knobs: Knobs) -> int:
    """How many requests an instance works on at once."""
    if capacity.slots_without_headroom is not None and knobs.is_on("no-headroom"):
        return capacity.slots_without_headroom
    return capacity.slots


def queue_wait_s(capacity: Capacity, route: str, knobs: Knobs) -> float:
    """How long a request may wait for a slot."""
    if knobs.is_on("long-timeouts"):
        return LONG_TIMEOUT_S
    return capacity.queue_wait_s_by_route.get(route, capacity.queue_wait_s)
