"""Which properties there are, what they may be, and which of several settings is in force."""

from __future__ import annotations

import pytest

from demo_platform.errors import DemoError
from demo_platform.hystrix.properties import CommandProperties, PoolProperties, check_property
from demo_platform.shared_properties import ScopedProperties, SharedProperties

SLEEP = "hystrix.command.recs.circuitBreaker.sleepWindowInMilliseconds"
ANY_SLEEP = "hystrix.command.default.circuitBreaker.sleepWindowInMilliseconds"


def scoped(shared: SharedProperties) -> ScopedProperties:
    return ScopedProperties(shared, scopes=("api", "i-1"))


def test_the_own_property_beats_the_code_which_beats_that_of_all_commands() -> None:
    shared = SharedProperties()
    plain = CommandProperties("recs", scoped(shared), {})
    declared = CommandProperties("recs", scoped(shared), {"sleep_window_ms": 2000})
    seen = []
    for document in ({}, {ANY_SLEEP: 7000}, {ANY_SLEEP: 7000, SLEEP: 9000}):
        shared.write({"all": document})
        plain.refresh()
        declared.refresh()
        seen.append((plain.sleep_window_ms, declared.sleep_window_ms))
    assert seen == [(5000, 2000), (7000, 2000), (9000, 9000)]


def test_the_narrowest_scope_wins() -> None:
    shared = SharedProperties()
    source = scoped(shared)
    seen = []
    for scope in ("playback", "all", "api", "i-1"):
        document = shared.read() or {}
        shared.write(document | {scope: {SLEEP: len(document) + 1}})
        seen.append(source.get(SLEEP))
    assert seen == [None, 2, 3, 4]


def test_a_window_is_made_once() -> None:
    shared = SharedProperties()
    pool = PoolProperties("recs", scoped(shared), {"core_size": 4})
    shared.write(
        {
            "all": {
                "hystrix.threadpool.recs.coreSize": 5,
                "hystrix.threadpool.recs.metrics.rollingStats.numBuckets": 20,
            }
        }
    )
    pool.refresh()
    assert (pool.core_size, pool.rolling_buckets) == (5, 10)


def test_while_it_is_being_changed_the_last_document_stays_in_force() -> None:
    shared = SharedProperties()
    source = scoped(shared)
    shared.write({"all": {SLEEP: 1000}})
    assert source.get(SLEEP) == 1000
    shared._head[0] += 1
    assert (shared.read(), source.get(SLEEP)) == (None, 1000)
    shared._head[0] += 1
    assert source.get(SLEEP) == 1000


def test_a_document_that_is_too_long_is_refused() -> None:
    shared = SharedProperties()
    with pytest.raises(DemoError, match="there is room for 65536"):
        shared.write({f"i-{n}": {SLEEP: n} for n in range(2000)})
    assert shared.read() == {}


@pytest.mark.parametrize(
    ("name", "value", "says"),
    [
        ("recs.forceOpen", True, "is no property"),
        ("hystrix.command.recs.circuitBreaker.forceOpn", True, "did you mean 'circuitBreaker."),
        ("hystrix.threadpool.recs.circuitBreaker.forceOpen", True, "unknown property"),
        ("hystrix.command.recs.circuitBreaker.forceOpen", 1, "give true or false"),
        ("hystrix.command.recs.circuitBreaker.forceOpen", "true", "give true or false"),
        (SLEEP, -1, "from 0 to"),
        (SLEEP, True, "a whole number"),
        (SLEEP, 1.5, "a whole number"),
        (SLEEP, None, "a whole number"),
        ("hystrix.threadpool.recs.coreSize", 0, "from 1 to"),
        ("hystrix.command.recs.execution.isolation.strategy", "FIBER", "SEMAPHORE or THREAD"),
        ("hystrix.command.recs.threadPoolKeyOverride", "a b", "the name of a pool"),
    ],
)
def test_what_cannot_be_set_is_refused_by_name(name: str, value: object, says: str) -> None:
    with pytest.raises(DemoError) as caught:
        check_property(name, value, where="PUT")
    assert says in str(caught.value)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        (SLEEP, 0),
        ("hystrix.command.a-b_c.threadPoolKeyOverride", "shared"),
        ("hystrix.threadpool.recs.maxQueueSize", -1),
    ],
)
def test_what_can_be_set_is_passed_on(name: str, value: object) -> None:
    assert check_property(name, value, where="PUT") == value


def test_null_clears_a_property() -> None:
    assert check_property(SLEEP, None, where="PUT", may_be_null=True) is None
