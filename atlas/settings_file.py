"""The settings file of a server. `SETTINGS` is the table of all that it may hold, and its page.

It is read strictly: what is unknown, or of another sort, is an error with its line and column.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC
from pathlib import Path
from types import MappingProxyType
from typing import Any

from atlas.asl import parse_query
from atlas.errors import AtlasError, BadData
from atlas.expr.instants import parse_window, parse_zone
from atlas.expr.text import duration_text, parse_duration
from atlas.model import CustomAverage, CustomWord
from atlas.settings import HOST_DEFAULT, PORT_DEFAULT, Settings, changed, value_at
from atlas.store.limits import TagLimits
from atlas.yaml_tree import Place, read_tree

_DIGITS = re.compile(r"[0-9]{1,15}")
_SIZE = re.compile(r"([0-9]{1,12})(B|KiB|MiB|GiB)")
_SIZE_BYTES = {"B": 1, "KiB": 1 << 10, "MiB": 1 << 20, "GiB": 1 << 30}
_WORD_NAME = re.compile(r"[^\s,:()]+")
_SOME_DAY_MS = 4_000_000_000_000
_METERS = "spectatord.meters"


@dataclass(frozen=True, slots=True)
class Kind:
    """One sort of value: how it is read, and how it is shown as the file would have it."""

    read: Callable[[Place], Any]
    show: Callable[[Any], str] = str


@dataclass(frozen=True, slots=True)
class Setting:
    """A row of the table: where its value goes in `Settings` (that of a range, to two places)."""

    kind: Kind
    paths: tuple[str, ...]
    summary: str
    default_text: str = ""

    @property
    def default(self) -> str:
        """The value that a server has by itself, as the file would have it."""
        values = tuple(value_at(Settings(), path) for path in self.paths)
        return self.default_text or self.kind.show(values if len(values) > 1 else values[0])


def read_settings(path: Path) -> Settings:
    """The settings of a file; what it does not say is as by default. Raises BadFile."""
    root = read_tree(path)
    if root is None:
        return Settings()
    places = dict(_places(root, ""))
    values: dict[str, Any] = {}
    for name, place in places.items():
        setting = SETTINGS[name]
        value = setting.kind.read(place)
        values |= zip(setting.paths, value if len(setting.paths) > 1 else (value,), strict=True)
    settings = changed(Settings(), values)
    graph = settings.requests.graph
    with _blaming(places, "store.max-age", "store.keep", "store.step"):
        settings.store.config()
    with _blaming(places, "graph.start", "graph.end"):
        parse_window(graph.start, graph.end, UTC, _SOME_DAY_MS)
    return settings


def _places(here: Place, prefix: str) -> Iterator[tuple[str, Place]]:
    """The settings of a file by their dotted names."""
    below = [name.removeprefix(prefix) for name in SETTINGS if name.startswith(prefix)]
    known = dict.fromkeys(name.split(".")[0] for name in below)
    for name, place in here.entries(known).items():
        if prefix + name in SETTINGS:
            yield prefix + name, place
        else:
            yield from _places(place, f"{prefix}{name}.")


@contextmanager
def _blaming(places: Mapping[str, Place], *names: str) -> Iterator[None]:
    """Says what is wrong with several settings together of the first one that the file has."""
    try:
        yield
    except AtlasError as error:
        place = next(places[name] for name in names if name in places)
        raise place.wrong(error.what, error.fix or f"change {' or '.join(names)}") from error


def _duration(place: Place) -> int:
    text = place.text("a duration")
    try:
        duration_ms = parse_duration(text)
    except BadData as error:
        raise place.wrong(error.what, "write it as in 90s, 5m or 48h") from error
    if duration_ms <= 0:
        raise place.wrong(f"a duration is more than nothing, found {text}", "as in 60s")
    return duration_ms


def _step(place: Place) -> int:
    step_ms = _duration(place)
    if step_ms % 1000:
        raise place.wrong(f"step must be whole seconds, found {step_ms} ms", "as in 1s, or 60s")
    return step_ms


def _count(place: Place, most: int = 10**12) -> int:
    text = place.text("a whole number")
    if not _DIGITS.fullmatch(text) or not 1 <= int(text) <= most:
        raise place.wrong(f"expected a whole number from 1 to {most}, found '{text}'", "as in 1440")
    return int(text)


def _port(place: Place) -> int:
    return _count(place, most=65_535)


def _size(place: Place) -> int:
    text = place.text("a size")
    match = _SIZE.fullmatch(text)
    if match is None or int(match[1]) == 0:
        raise place.wrong(f"'{text}' is not a size", "as in 8MiB; units are B, KiB, MiB and GiB")
    return int(match[1]) * _SIZE_BYTES[match[2]]


def _size_text(size: int) -> str:
    unit = next(unit for unit in ("GiB", "MiB", "KiB", "B") if size % _SIZE_BYTES[unit] == 0)
    return f"{size // _SIZE_BYTES[unit]}{unit}"


def _range(place: Place) -> tuple[int, int]:
    items = place.items("the least and the most")
    if len(items) != 2:
        raise place.wrong(f"expected the least and the most, found {len(items)}", "as in [2, 60]")
    least, most = map(_count, items)
    if least > most:
        raise place.wrong(f"{least} is more than {most}", f"did you mean [{most}, {least}]?")
    return least, most


def _zone(place: Place) -> str:
    text = place.text("a time zone")
    try:
        parse_zone(text)
    except BadData as error:
        raise place.wrong(error.what, error.fix) from error
    return text


def _text(place: Place) -> str:
    return place.text("text")


def _path(place: Place) -> Path:
    return Path(place.text("a path"))


def _tags(place: Place) -> Mapping[str, str]:
    found = {name: below.text("a value") for name, below in place.entries().items()}
    reason = TagLimits().reason_against({"name": "any", **found})
    if "name" in found:
        reason = "'name' is what a line says itself"
    if reason is not None:
        raise place.wrong(reason, "as in {nf.app: store, nf.zone: eu-west-1a}")
    return MappingProxyType(found)


def _keys(place: Place) -> tuple[str, ...]:
    return tuple(item.text("a key") for item in place.items("a list of keys"))


def _averages(place: Place) -> tuple[CustomAverage, ...]:
    found = []
    for name, below in _words(place):
        entries = below.entries(("base", "keys"), required=("base", "keys"))
        base = entries["base"].text("a query")
        try:
            parse_query(base)
        except AtlasError as error:
            fix = error.fix or "write a query, as in name,up,:eq"
            raise entries["base"].wrong(error.what, fix) from error
        found.append(CustomAverage(name, base, _keys(entries["keys"])))
    return tuple(found)


def _custom_words(place: Place) -> tuple[CustomWord, ...]:
    found = []
    for name, below in _words(place):
        entries = below.entries(("body", "summary", "examples"), required=("body",))
        body = entries["body"].text("a program")
        summary = entries["summary"].text("text") if "summary" in entries else ""
        listed = entries["examples"].items("a list") if "examples" in entries else ()
        examples = tuple(item.text("a program") for item in listed)
        found.append(CustomWord(name, body, summary, examples))
    return tuple(found)


def _words(place: Place) -> Iterator[tuple[str, Place]]:
    """Names of words, and what is said of each."""
    for name, below in place.entries().items():
        if not _WORD_NAME.fullmatch(name):
            fix = "leave out blanks, ',', ':', '(', ')'"
            raise place.key(name).wrong(f"'{name}' cannot name a word", fix)
        yield name, below


def _names(words: tuple[CustomAverage | CustomWord, ...]) -> str:
    return ", ".join(word.name for word in words) or "none"


def _row(kind: Kind, paths: str, summary: str, default_text: str = "") -> Setting:
    return Setting(kind, tuple(paths.split()), summary, default_text)


def _tag_row(size: str, summary: str) -> Setting:
    tags = "store.limits.tags"
    return _row(Kind(_range, _list_text), f"{tags}.{size}_min {tags}.{size}_max", summary)


def _list_text(values: tuple[object, ...]) -> str:
    return str(list(values))


DURATION = Kind(_duration, duration_text)
COUNT = Kind(_count)
SIZE = Kind(_size, _size_text)
TEXT = Kind(_text)
PATH = Kind(_path)

SETTINGS: Mapping[str, Setting] = MappingProxyType(
    {
        "listen.host": _row(TEXT, "listen.host", "address to listen on", HOST_DEFAULT),
        "listen.port": _row(Kind(_port), "listen.port", "TCP port", str(PORT_DEFAULT)),
        "listen.unix": _row(
            PATH, "listen.unix_path", "Unix socket; alone, there is no TCP", "none"
        ),
        "store.step": _row(
            Kind(_step, duration_text), "store.step_ms", "time between two points of a series"
        ),
        "store.keep": _row(
            DURATION, "store.keep_ms", "how long data is kept, in blocks of 60 steps"
        ),
        "store.max-age": _row(
            DURATION, "store.max_age_ms", "how late, or early, data may be", "a step, at least 1m"
        ),
        "store.max-series": _row(
            COUNT, "store.limits.series_count_max", "series before new ones are refused"
        ),
        "store.max-bytes": _row(
            SIZE,
            "store.limits.bytes_max",
            "memory before new series are refused",
        ),
        "store.max-lines": _row(
            COUNT, "store.limits.line_count_max", "groups of one data expression"
        ),
        "store.max-datapoints": _row(
            COUNT, "store.limits.datapoint_count_max", "groups times steps of one data expression"
        ),
        "store.batch-cache": _row(
            SIZE, "store.limits.batch_cache_bytes_max", "memory for recognising batches that recur"
        ),
        "publish.max-body": _row(
            SIZE, "requests.body_bytes_max", "largest body, before and after decompression"
        ),
        "publish.key-length": _tag_row("key_size", "shortest and longest key of a tag"),
        "publish.name-length": _tag_row("name_size", "shortest and longest value of `name`"),
        "publish.value-length": _tag_row("value_size", "shortest and longest other value"),
        "publish.max-user-tags": _row(
            COUNT,
            "store.limits.tags.user_tag_count_max",
            "tags of a series that do not begin with `nf.` or `atlas.`; `name` counts",
        ),
        "spectatord.host": _row(TEXT, "spectatord.host", "address of the UDP port"),
        "spectatord.port": _row(
            Kind(_port), "spectatord.port", "UDP port for spectatord's lines; 1234 there", "none"
        ),
        "spectatord.unix": _row(
            PATH,
            "spectatord.unix_path",
            "Unix socket for them; with neither, none are taken",
            "none",
        ),
        "spectatord.buffer": _row(
            SIZE, "spectatord.buffer_bytes", "receive buffer asked for, a socket"
        ),
        "spectatord.meter-ttl": _row(
            DURATION, f"{_METERS}.ttl_ms", "how long a meter goes on after its last line"
        ),
        "spectatord.max-meters": _row(
            COUNT, f"{_METERS}.series_count_max", "series of all meters before new ones are refused"
        ),
        "spectatord.max-age-gauges": _row(
            COUNT, f"{_METERS}.age_gauge_count_max", "age gauges, which go on for ever"
        ),
        "spectatord.common-tags": _row(
            Kind(_tags), f"{_METERS}.common_tags", "tags of every series; a line's own win", "none"
        ),
        "spectatord.percentiles-without": _row(
            Kind(_keys, _list_text),
            f"{_METERS}.percentiles_without",
            "keys that buckets of percentiles do not keep, as `nf.node`, to be fewer series",
        ),
        "graph.zone": _row(Kind(_zone), "requests.graph.zone", "time zone of dates and axes"),
        "graph.start": _row(TEXT, "requests.graph.start", "start of a graph"),
        "graph.end": _row(TEXT, "requests.graph.end", "end of a graph"),
        "graph.width": _row(COUNT, "requests.graph.width", "width in pixels"),
        "graph.height": _row(COUNT, "requests.graph.height", "height in pixels"),
        "graph.max-points": _row(
            COUNT, "requests.graph.point_count_max", "most points of a line, however wide the graph"
        ),
        "query.timeout": _row(DURATION, "requests.query.timeout_ms", "how long a query may take"),
        "query.max-datapoints": _row(
            COUNT, "requests.query.datapoint_count_max", "datapoints that a query may read"
        ),
        "tags.max-listed": _row(COUNT, "requests.tags_listed_max", "most keys or values of a page"),
        "custom-averages": _row(
            Kind(_averages, _names),
            "requests.custom_averages",
            "words that divide by the sum of a base query; replaces those there are",
        ),
        "custom-words": _row(
            Kind(_custom_words, _names), "requests.custom_words", "words that stand for a program"
        ),
    }
)
"""Every setting by its name in the file, a dot for each level."""
