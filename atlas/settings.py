"""What can be set of a server, with the values it has by itself. `settings_file` reads them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, TypeVar

from atlas.eval.window import POINTS_MAX
from atlas.model import AVERAGES_DEFAULT, CustomAverage, CustomWord
from atlas.store.limits import StoreLimits
from atlas.store.memory import StoreConfig

HOST_DEFAULT = "127.0.0.1"
PORT_DEFAULT = 7101
_MINUTE_MS = 60_000
_Node = TypeVar("_Node")


@dataclass(frozen=True, slots=True)
class Listen:
    """Where to listen: on TCP, unless only `unix_path` is given; or on both."""

    host: str | None = None
    port: int | None = None
    unix_path: Path | None = None

    @property
    def tcp_address(self) -> tuple[str, int] | None:
        """Host and port, or None for no TCP."""
        if self.unix_path is not None and self.host is None and self.port is None:
            return None
        return self.host or HOST_DEFAULT, PORT_DEFAULT if self.port is None else self.port


@dataclass(frozen=True, slots=True)
class MeterSettings:
    """How long the meters behind datagrams are kept, and how many.

    ttl_ms: after the last line of a meter. series_count_max: all that the meters publish.
    percentiles_without: keys that the series of buckets lack, so that those of many are one.
    """

    ttl_ms: int = 15 * _MINUTE_MS
    series_count_max: int = 100_000
    age_gauge_count_max: int = 1000
    common_tags: Mapping[str, str] = field(default_factory=dict)
    percentiles_without: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class SpectatordSettings:
    """Where to listen for spectatord's protocol: nowhere, unless a port or a path is given."""

    host: str = HOST_DEFAULT
    port: int | None = None
    unix_path: Path | None = None
    buffer_bytes: int = 16 * 1024 * 1024
    meters: MeterSettings = field(default_factory=MeterSettings)

    @property
    def is_wanted(self) -> bool:
        """Whether there is anything to listen on."""
        return self.port is not None or self.unix_path is not None


@dataclass(frozen=True, slots=True)
class StoreSettings:
    """How the store measures time and what it takes. `max_age_ms` None: a step, at least 60 s."""

    step_ms: int = _MINUTE_MS
    keep_ms: int = 6 * 60 * _MINUTE_MS
    max_age_ms: int | None = None
    limits: StoreLimits = field(default_factory=StoreLimits)

    def config(self) -> StoreConfig:
        """The store's own view. Raises BadData for values that do not go together."""
        max_age_ms = self.max_age_ms
        if max_age_ms is None:
            max_age_ms = max(self.step_ms, _MINUTE_MS)
        return StoreConfig(self.step_ms, max_age_ms, self.keep_ms, self.limits)


@dataclass(frozen=True, slots=True)
class GraphDefaults:
    """What a graph has that does not say otherwise, and how many points a line has at most."""

    zone: str = "US/Pacific"
    start: str = "e-3h"
    end: str = "now"
    width: int = 700
    height: int = 300
    point_count_max: int = POINTS_MAX


@dataclass(frozen=True, slots=True)
class QueryBounds:
    """What one query may use: time, and datapoints of the store that it reads."""

    timeout_ms: int = 10_000
    datapoint_count_max: int = 1_000_000_000


@dataclass(frozen=True, slots=True)
class RequestSettings:
    """What the routes need to know."""

    graph: GraphDefaults = GraphDefaults()
    query: QueryBounds = QueryBounds()
    tags_listed_max: int = 1000
    body_bytes_max: int = 8 * 1024 * 1024
    custom_averages: tuple[CustomAverage, ...] = AVERAGES_DEFAULT
    custom_words: tuple[CustomWord, ...] = ()


@dataclass(frozen=True, slots=True)
class Settings:
    """All that can be set of a server."""

    listen: Listen = Listen()
    store: StoreSettings = StoreSettings()
    requests: RequestSettings = field(default_factory=RequestSettings)
    spectatord: SpectatordSettings = field(default_factory=SpectatordSettings)


def changed(node: _Node, changes: Mapping[str, Any]) -> _Node:
    """A copy with other values, by the dotted path of each.

    >>> changed(Settings(), {"requests.graph.width": 900}).requests.graph.width
    900
    """
    here = {path: value for path, value in changes.items() if "." not in path}
    below: dict[str, dict[str, Any]] = {}
    for path, value in changes.items():
        first, dot, rest = path.partition(".")
        if dot:
            below.setdefault(first, {})[rest] = value
    deeper = {first: changed(getattr(node, first), more) for first, more in below.items()}
    return replace(node, **here, **deeper)  # type: ignore[type-var]


def value_at(node: object, path: str) -> Any:
    """The value at a dotted path."""
    for name in path.split("."):
        node = getattr(node, name)
    return node
