"""A client that follows a registry by changes ends with the same as one that fetches everything."""

from __future__ import annotations

import random

from hypothesis import example, given
from hypothesis import strategies as st

from demo_platform.eureka.listing import RegistryCopy, parse_listing
from demo_platform.eureka.periods import PERIODS
from demo_platform.eureka.registry import Moment, Registry
from demo_platform.eureka.statuses import Status
from demo_platform.eureka.views import Encoded, Views
from tests.unit.demo_platform.eureka.instances import instance

NAMES = st.sampled_from([f"i-{n}" for n in range(3)])
STATUSES = st.sampled_from([Status.UP, Status.UP, Status.OUT_OF_SERVICE, Status.STARTING])
WHATS = ("register", "register", "renew", "cancel", "override", "clear", "evict", "fetch", "fetch")
DEEDS = st.tuples(st.sampled_from(WHATS), NAMES, STATUSES)
STEPS = st.lists(st.tuples(st.sampled_from([0.0, 0.0, 1.0, 5.9, 7.0]), DEEDS), max_size=40)
Steps = list[tuple[float, tuple[str, str, Status]]]


# One takes the place of another while the client is silent: no hashcode shows it.
REPLACED: Steps = [
    (0.0, ("register", "i-0", Status.UP)),
    (0.0, ("fetch", "i-0", Status.UP)),
    (0.0, ("cancel", "i-0", Status.UP)),
    (0.0, ("register", "i-1", Status.UP)),
    (7.0, ("fetch", "i-0", Status.UP)),
]


class Following:
    """A registry behind its read cache, and a client's copy; seconds are counted by the test."""

    def __init__(self, cache_s: float, reaches_s: float | None = None) -> None:
        self.registry, self.now_s, self.fetched_all = Registry(), 0.0, 0
        self._cache_s, self._encoded = cache_s, Encoded(cache_s)
        self._views, self._rng = Views(self.registry, ""), random.Random(1)
        reaches_s = PERIODS.delta_s - 2 * cache_s if reaches_s is None else reaches_s
        self.copy = RegistryCopy(reaches_s)

    def do(self, what: str, name: str, status: Status) -> None:
        now = Moment(self.now_s, int(self.now_s * 1000))
        match what:
            case "register":
                one = instance(name, status=status.value, dirty_ms=now.ms)
                self.registry.register(one, now)
            case "renew":
                self.registry.renew("API", name, now, dirty_ms=None, is_replica=False)
            case "cancel":
                self.registry.cancel("API", name, now)
            case "override":
                self.registry.override("API", name, status, now)
            case "clear":
                self.registry.clear_override("API", name, status, now)
            case "evict":
                self.registry.evict(now, self._rng)
            case "fetch":
                self.fetch(now)

    def fetch(self, now: Moment) -> None:
        if not self.copy.needs_everything("server", now.s):
            body = self._get("delta", now)
            if self.copy.apply(parse_listing(body), now.s):
                return
        self.fetched_all += 1
        self.copy.replace("server", parse_listing(self._get("apps", now)), now.s)

    def _get(self, what: str, now: Moment) -> bytes:
        make = self._views.everything if what == "apps" else lambda: self._views.changes(now)
        body = self._encoded.get((what,), now.s, make, as_json=True)
        assert body is not None
        return body

    def settle(self) -> None:
        """Nothing more happens; the client goes on fetching until the cache has come round."""
        for _ in range(3):
            self.now_s += max(self._cache_s, 0.1)
            self.do("fetch", "", Status.UP)

    def differences(self) -> set[tuple[str, str]]:
        here = {(one.id, one.status) for one in self.copy.instances()}
        there = {(one.instance.id, one.instance.status) for one in self.registry.leases()}
        return here ^ there


@given(STEPS)
@example(REPLACED)
def test_without_a_cache_the_copy_is_the_registry_after_each_fetch(steps: Steps) -> None:
    following = Following(cache_s=0.0)
    for seconds, deed in steps:
        following.now_s += seconds
        following.do(*deed)
        if deed[0] == "fetch":
            assert following.differences() == set()


@given(STEPS)
def test_with_a_cache_the_copy_becomes_the_registry_once_nothing_more_happens(steps: Steps) -> None:
    following = Following(cache_s=PERIODS.cache_s)
    for seconds, deed in steps:
        following.now_s += seconds
        following.do(*deed)
    following.settle()
    assert following.differences() == set()


@given(STEPS)
def test_the_hashcode_finds_every_difference_in_numbers(steps: Steps) -> None:
    """By itself: this client trusts the changes however long it was silent."""
    following = Following(cache_s=0.0, reaches_s=float("inf"))
    for seconds, deed in steps:
        following.now_s += seconds
        following.do(*deed)
        if deed[0] == "fetch":
            assert following.copy.hashcode() == following.registry.hashcode()


def test_whoever_fetches_each_second_needs_everything_once() -> None:
    following = Following(cache_s=0.0)
    for second in range(200):
        following.now_s += 1.0
        following.do("register", f"i-{second % 20}", Status.UP)
        following.do("cancel", f"i-{(second + 7) % 20}", Status.UP)
        following.do("fetch", "", Status.UP)
        assert following.differences() == set()
    assert following.fetched_all == 1
