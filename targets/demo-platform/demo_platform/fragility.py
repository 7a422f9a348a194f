"""The fragility switches: well-known ways to get resilience wrong, in one table.

Each can be turned on a running platform; whoever is bound by one asks at use. What a switch changes
is computed here and nowhere else, so that a service's code is the same with and without.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from demo_platform.evcache.read_through import CachePolicy
from demo_platform.knobs import Knobs
from demo_platform.resilience.fallback import ASKED_INSTEAD
from demo_platform.service import Capacity, Dependency
from demo_platform.tokens import LEEWAY_S
from demo_platform.widecolumn.replica import StoreCapacity

SWITCHES: dict[str, str] = {
    "no-fallback": "optional dependencies have no fallback: when abtest or recs fails, so does its "
    "caller",
    "no-headroom": "playback has half its slots: three zones carry the load at some 85 %, two "
    "cannot; catalog has one of four, which is enough for what it is usually asked for",
    "long-timeouts": "every call and queue may take 10 s and nobody says how long the answer is "
    "wanted",
    "retry-storm": "every layer tries three times, whatever went wrong, with no budget",
    "no-ttl-jitter": "what was cached together expires together",
    "no-single-flight": "everybody who misses the same key makes the value, all at once",
    "no-stale-reads": "a value that has expired is gone before there is a new one",
    "no-other-zone-reads": "a zone whose cache is lost or cold asks no other zone's",
    "no-spill-over": "services call their own zone's instances and no others, however busy "
    "those are",
    "eager-scaling": "playback's groups follow their load, and shrink to a single instance once "
    "it has been low for 6 s",
    "scale-in-during-errors": "groups that track a target shrink also while many requests fail",
    "storming-devices": "members' devices ask ten times, at once and all together, before they "
    "give up",
    "no-load-shedding": "an edge lets everybody in until it is full, and then nobody, whatever "
    "they came for",
    "no-store-limit": "the store refuses nothing: what it cannot do now waits its turn, up to 10 s",
    "small-store": "a node of the store does one thing at a time, for 30 ms: enough behind warm "
    "caches, and without them not",
    "no-bulkhead": "all that a service calls shares one pool of 16 places, instead of one each",
    "no-ejection": "callers choose an instance at random, whatever they know of its zone, its load "
    "and its failures",
    "no-next-server": "who gets no answer from an instance asks no other, and goes on asking it",
    "fallback-calls-service": "what stands in for abtest at playback asks steering, instead of "
    "nobody",
    "fallback-calls-catalog": "what stands in for recs at api asks catalog what most people watch, "
    "instead of nobody",
    "registry-required": "services forget whom they know when discovery has been silent for a "
    "lease",
    "shift-before-scaling": "an evacuation moves a region's members before the regions that they "
    "are moved to have grown",
    "no-leeway": "an edge believes its own clock: a token is good from the very second that auth "
    "signed it in to its last",
}

LONG_TIMEOUT_S = 10.0
SHARED_PLACES = 16
"""Of the pool that all commands share without bulkheads."""

STORE = StoreCapacity()
SMALL_STORE = replace(STORE, slots=1, read_s=0.03)


@dataclass(frozen=True, slots=True)
class CallPolicy:
    """How one dependency is called right now.

    has_own_pool: its calls have places of their own. has_local_fallback: its fallback calls nobody.
    """

    timeout_s: float
    tries: int
    has_budget: bool
    has_fallback: bool
    carries_deadline: bool
    retries_timeouts: bool
    has_own_pool: bool = True
    has_local_fallback: bool = True


def call_policy(dependency: Dependency, knobs: Knobs) -> CallPolicy:
    """The dependency's declared rules, as the switches leave them."""
    is_storm = knobs.is_on("retry-storm")
    is_long = knobs.is_on("long-timeouts")
    tries = 1 if knobs.is_on("no-next-server") else 2
    return CallPolicy(
        timeout_s=LONG_TIMEOUT_S if is_long else dependency.timeout_s,
        tries=3 if is_storm else tries,
        has_budget=not is_storm,
        has_fallback=dependency.is_optional and not knobs.is_on("no-fallback"),
        carries_deadline=not is_long,
        retries_timeouts=is_storm or not dependency.is_optional,
        has_own_pool=not knobs.is_on("no-bulkhead"),
        has_local_fallback=not any(
            knobs.is_on(instead.switch)
            for (service, _), instead in ASKED_INSTEAD.items()
            if service == dependency.service
        ),
    )


@dataclass(frozen=True, slots=True)
class ChoicePolicy:
    """How callers choose an instance.

    leaves_alone: an instance that has failed is asked less, or not at all for a while.
    is_informed: zone, load and failures count; else any instance is as good as another.
    """

    leaves_alone: bool = True
    is_informed: bool = True


def choice_policy(knobs: Knobs) -> ChoicePolicy:
    """How instances are chosen, as the switches leave it."""
    is_blind = knobs.is_on("no-ejection")
    return ChoicePolicy(
        leaves_alone=not (is_blind or knobs.is_on("no-next-server")), is_informed=not is_blind
    )


def needs_registry(knobs: Knobs) -> bool:
    """Whether a service calls nobody whom discovery has not vouched for lately."""
    return knobs.is_on("registry-required")


@dataclass(frozen=True, slots=True)
class DevicePolicy:
    """How often a member's device asks, and how long it waits between.

    first_s: the longest wait before the second retry; it doubles with each one more, up to max_s.
    jitter_ratio: which share of a wait is left to chance, 0…1.
    """

    tries: int
    first_s: float
    max_s: float
    jitter_ratio: float


STORMING = DevicePolicy(tries=10, first_s=0.0, max_s=0.0, jitter_ratio=0.0)


def device_policy(knobs: Knobs) -> DevicePolicy:
    """How devices ask again: as the dials say, unless they storm."""
    if knobs.is_on("storming-devices"):
        return STORMING
    return DevicePolicy(
        tries=int(knobs.dial("device-tries")),
        first_s=knobs.dial("device-backoff-first-s"),
        max_s=knobs.dial("device-backoff-max-s"),
        jitter_ratio=knobs.dial("device-jitter-ratio"),
    )


def cache_policy(knobs: Knobs) -> CachePolicy:
    """How caches are used, as the switches leave it."""
    rule = CachePolicy()
    return CachePolicy(
        jitter_ratio=0.0 if knobs.is_on("no-ttl-jitter") else rule.jitter_ratio,
        has_single_flight=not knobs.is_on("no-single-flight"),
        serves_stale=not knobs.is_on("no-stale-reads"),
        reads_other_zones=not knobs.is_on("no-other-zone-reads"),
    )


def sheds_by_priority(knobs: Knobs) -> bool:
    """Whether an edge that gets full gives up the least important requests first."""
    return not knobs.is_on("no-load-shedding")


def keeps_to_zone(knobs: Knobs) -> bool:
    """Whether a service calls no other zone's instances, even when its own has no room."""
    return knobs.is_on("no-spill-over")


def scales_first(knobs: Knobs) -> bool:
    """Whether, before a region is left, the others grow to what they will have to carry."""
    return not knobs.is_on("shift-before-scaling")


def token_leeway_s(knobs: Knobs) -> float:
    """How far the clock of who signed a token may be from the clock of who reads it."""
    return 0.0 if knobs.is_on("no-leeway") else LEEWAY_S


def store_capacity(knobs: Knobs) -> StoreCapacity:
    """What a node of the store can do, as the switches leave it."""
    capacity = SMALL_STORE if knobs.is_on("small-store") else STORE
    if knobs.is_on("no-store-limit"):
        return replace(capacity, queue_wait_s=LONG_TIMEOUT_S)
    return capacity


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
