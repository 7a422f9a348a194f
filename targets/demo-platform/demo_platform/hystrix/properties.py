"""What can be set of commands and pools, under the names that Hystrix gave them.

A property is looked for, in this order, as `hystrix.command.NAME.…`, in what the code declares for
that command, as `hystrix.command.default.…`, and in the table below; pools likewise under
`hystrix.threadpool`. Those marked live take effect at the next call; a window or a queue is made
once, when its command or pool is.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Protocol

from demo_platform.errors import DemoError, unknown_name

Value = bool | int | str | None

STRATEGIES = ("SEMAPHORE", "THREAD")
COMMAND = "command"
POOL = "threadpool"
DEFAULT = "default"

_NUMBER_MAX = 3_600_000
_NAME = re.compile(r"hystrix\.(command|threadpool)\.([A-Za-z0-9_-]+)\.(.+)")


class Source(Protocol):
    """Where properties are changed while the process runs."""

    @property
    def version(self) -> int:
        """Another number after each change."""

    def get(self, name: str) -> Value:
        """The value set under a full name; None when there is none."""


class NoSource:
    """Nothing is ever changed."""

    version = 0

    def get(self, name: str) -> Value:
        """Not set."""
        del name
        return None


@dataclass(frozen=True, slots=True)
class Property:
    """A row: the attribute that carries it, its default, and the least value of a number."""

    attribute: str
    default: Value
    least: int = 0
    is_live: bool = True


COMMAND_PROPERTIES: dict[str, Property] = {
    "circuitBreaker.enabled": Property("circuit_enabled", True),
    "circuitBreaker.errorThresholdPercentage": Property("error_threshold_percent", 50),
    "circuitBreaker.forceClosed": Property("force_closed", False),
    "circuitBreaker.forceOpen": Property("force_open", False),
    "circuitBreaker.requestVolumeThreshold": Property("request_volume_threshold", 20),
    "circuitBreaker.sleepWindowInMilliseconds": Property("sleep_window_ms", 5000),
    "execution.isolation.semaphore.maxConcurrentRequests": Property("concurrent_max", 10),
    "execution.isolation.strategy": Property("strategy", "THREAD"),
    "execution.isolation.thread.interruptOnTimeout": Property("interrupt_on_timeout", True),
    "execution.isolation.thread.timeoutInMilliseconds": Property("timeout_ms", 1000, least=1),
    "execution.timeout.enabled": Property("timeout_enabled", True),
    "fallback.enabled": Property("fallback_enabled", True),
    "fallback.isolation.semaphore.maxConcurrentRequests": Property("fallbacks_max", 10),
    "metrics.healthSnapshot.intervalInMilliseconds": Property(
        "health_snapshot_ms", 500, least=10, is_live=False
    ),
    "metrics.rollingPercentile.numBuckets": Property(
        "percentile_buckets", 6, least=1, is_live=False
    ),
    "metrics.rollingPercentile.timeInMilliseconds": Property(
        "percentile_window_ms", 60000, least=100, is_live=False
    ),
    "metrics.rollingStats.numBuckets": Property("rolling_buckets", 10, least=1, is_live=False),
    "metrics.rollingStats.timeInMilliseconds": Property(
        "rolling_window_ms", 10000, least=100, is_live=False
    ),
    "requestCache.enabled": Property("cache_enabled", True),
    "requestLog.enabled": Property("log_enabled", True),
    "threadPoolKeyOverride": Property("pool_override", None),
}

POOL_PROPERTIES: dict[str, Property] = {
    "coreSize": Property("core_size", 10, least=1),
    "maxQueueSize": Property("queue_max", -1, least=-1, is_live=False),
    "metrics.rollingStats.numBuckets": Property("rolling_buckets", 10, least=1, is_live=False),
    "metrics.rollingStats.timeInMilliseconds": Property(
        "rolling_window_ms", 10000, least=100, is_live=False
    ),
    "queueSizeRejectionThreshold": Property("queue_rejection", 5),
}

_TABLES = {COMMAND: COMMAND_PROPERTIES, POOL: POOL_PROPERTIES}


class CommandProperties:
    """One command's properties as they are now."""

    circuit_enabled: bool
    error_threshold_percent: int
    force_closed: bool
    force_open: bool
    request_volume_threshold: int
    sleep_window_ms: int
    concurrent_max: int
    strategy: str
    interrupt_on_timeout: bool
    timeout_ms: int
    timeout_enabled: bool
    fallback_enabled: bool
    fallbacks_max: int
    health_snapshot_ms: int
    percentile_buckets: int
    percentile_window_ms: int
    rolling_buckets: int
    rolling_window_ms: int
    cache_enabled: bool
    log_enabled: bool
    pool_override: str | None

    def __init__(self, name: str, source: Source, declared: Mapping[str, Value]) -> None:
        self._resolver = _Resolver(COMMAND, name, source, declared)
        self._resolver.resolve(self.__dict__, first=True)

    def refresh(self) -> None:
        """Read what was changed, if anything was."""
        if self._resolver.is_stale():
            self._resolver.resolve(self.__dict__)

    def declare(self, **values: Value) -> None:
        """Change what the code declares; by attribute. None: no longer anything."""
        self._resolver.declare(values)
        self._resolver.resolve(self.__dict__)


class PoolProperties:
    """One pool's properties as they are now."""

    core_size: int
    queue_max: int
    queue_rejection: int
    rolling_buckets: int
    rolling_window_ms: int

    def __init__(self, name: str, source: Source, declared: Mapping[str, Value]) -> None:
        self._resolver = _Resolver(POOL, name, source, declared)
        self._resolver.resolve(self.__dict__, first=True)

    def refresh(self) -> None:
        """Read what was changed, if anything was."""
        if self._resolver.is_stale():
            self._resolver.resolve(self.__dict__)


def check_property(name: str, value: object, *, where: str, may_be_null: bool = False) -> Value:
    """A property's value, if there is such a property and it may have the value.

    may_be_null: None stands for no value at all.
    Raises DemoError otherwise.
    """
    match = _NAME.fullmatch(name)
    if match is None:
        fix = "write hystrix.command.NAME.PROPERTY or hystrix.threadpool.NAME.PROPERTY"
        raise DemoError(f"{name!r} is no property", where=where, fix=fix)
    table = _TABLES[match[1]]
    row = table.get(match[3])
    if row is None:
        raise unknown_name(f"property of a {match[1]}", match[3], table, where=where)
    if value is None and may_be_null:
        return None
    fits, wanted = _fits(row, value)
    if not fits:
        raise DemoError(f"{name} is {value!r}", where=where, fix=f"give {wanted}")
    return value  # type: ignore[return-value]  # that it is one is what has just been checked


def _fits(row: Property, value: object) -> tuple[bool, str]:
    """Whether a value may stand in a row, and what may."""
    match row.default:
        case bool():
            return isinstance(value, bool), "true or false"
        case int():
            is_number = isinstance(value, int) and not isinstance(value, bool)
            in_range = is_number and row.least <= value <= _NUMBER_MAX  # type: ignore[operator]
            return in_range, f"a whole number from {row.least} to {_NUMBER_MAX}"
        case str():
            return value in STRATEGIES, " or ".join(STRATEGIES)
        case _:
            is_name = isinstance(value, str) and bool(re.fullmatch(r"[A-Za-z0-9_-]{1,64}", value))
            return is_name, "the name of a pool: letters, digits, - and _"


class _Resolver:
    """Finds each property's value in the order of this module's first paragraph."""

    __slots__ = ("_declared", "_kind", "_name", "_seen", "_source")

    def __init__(self, kind: str, name: str, source: Source, declared: Mapping[str, Value]) -> None:
        self._kind = kind
        self._name = name
        self._source = source
        self._declared = dict(declared)
        self._seen = source.version

    def is_stale(self) -> bool:
        return self._source.version != self._seen

    def declare(self, values: Mapping[str, Value]) -> None:
        merged = {**self._declared, **values}
        self._declared = {name: value for name, value in merged.items() if value is not None}

    def resolve(self, into: dict[str, object], *, first: bool = False) -> None:
        self._seen = self._source.version
        find = self._source.get
        for suffix, row in _TABLES[self._kind].items():
            if first or row.is_live:
                into[row.attribute] = self._value(suffix, row, find)

    def _value(self, suffix: str, row: Property, find: Callable[[str], Value]) -> Value:
        own = find(f"hystrix.{self._kind}.{self._name}.{suffix}")
        if own is not None:
            return own
        if row.attribute in self._declared:
            return self._declared[row.attribute]
        shared = find(f"hystrix.{self._kind}.{DEFAULT}.{suffix}")
        return row.default if shared is None else shared
