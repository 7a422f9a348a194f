"""How servers are spoken to: bodies of datapoints out, answers of queries in.

The peers take Prometheus remote write: protobuf in a snappy block, which is written here as
literals only, so that no compressor is needed and next to nothing is to be decoded.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol
from urllib.parse import urlencode

from tests.bench.store.dataset import STEP_S

_LITERAL_SIZE_MAX = 1 << 16


@dataclass(frozen=True, slots=True)
class Window:
    """The steps after `start_s` up to and with `end_s`."""

    start_s: int
    end_s: int


class Wire(Protocol):
    """One way to publish and to ask."""

    health_path: str
    publish_path: str
    headers: Mapping[str, str]

    def prefix(self, tags: Mapping[str, str]) -> bytes:
        """What does not change of a series from step to step."""
        ...

    def body(self, prefixes: Iterable[bytes], time_s: int, values: Sequence[float]) -> bytes:
        """A body with a datapoint of each series."""
        ...

    def graph_path(self, program: str, window: Window) -> str:
        """The target of a request for lines."""
        ...

    def tags_path(self, key: str, query: str, window: Window) -> str:
        """The target of a request for the values of a key."""
        ...

    def last_values(self, answer: bytes) -> list[float]:
        """The last value of every line of an answer."""
        ...

    def listed(self, answer: bytes) -> list[str]:
        """The values that an answer lists."""
        ...


class AtlasWire:
    """The publish format, graphs as `std.json`, and listings of tags."""

    health_path = "/healthcheck"
    publish_path = "/api/v1/publish"
    headers: Mapping[str, str] = {"Content-Type": "application/json"}

    def prefix(self, tags: Mapping[str, str]) -> bytes:
        """Tags are written the same way every time, as a client would."""
        return b'{"tags":%b,"timestamp":' % json.dumps(tags, separators=(",", ":")).encode()

    def body(self, prefixes: Iterable[bytes], time_s: int, values: Sequence[float]) -> bytes:
        """One JSON object."""
        pairs = zip(prefixes, values, strict=True)
        metrics = [b'%b%d,"value":%a}' % (prefix, time_s * 1000, value) for prefix, value in pairs]
        return b'{"tags":{},"metrics":[%b]}' % b",".join(metrics)

    def graph_path(self, program: str, window: Window) -> str:
        """A graph without picture."""
        times = {"s": window.start_s, "e": window.end_s, "step": f"{STEP_S}s", "tz": "UTC"}
        return f"/api/v1/graph?{urlencode({'q': program, 'format': 'std.json', **times})}"

    def tags_path(self, key: str, query: str, window: Window) -> str:
        """A listing knows no window."""
        del window
        return f"/api/v1/tags/{key}?{urlencode({'q': query})}"

    def last_values(self, answer: bytes) -> list[float]:
        """Values come by step, not by line."""
        return [float(value) for value in json.loads(answer)["values"][-1]]

    def listed(self, answer: bytes) -> list[str]:
        """The answer is the list."""
        return list(json.loads(answer))


class PrometheusWire:
    """Remote write, and the query interface that both peers have."""

    health_path = "/-/ready"
    publish_path = "/api/v1/write"
    headers: Mapping[str, str] = {
        "Content-Type": "application/x-protobuf",
        "Content-Encoding": "snappy",
        "X-Prometheus-Remote-Write-Version": "0.1.0",
    }

    def prefix(self, tags: Mapping[str, str]) -> bytes:
        """The labels of a TimeSeries, sorted by name as is prescribed."""
        labels = {
            _plain(key): value for key, value in tags.items() if key not in ("name", "atlas.dstype")
        }
        labels["__name__"] = _plain(tags["name"])
        return b"".join(
            _field(1, _field(1, key.encode()) + _field(2, value.encode()))
            for key, value in sorted(labels.items())
        )

    def body(self, prefixes: Iterable[bytes], time_s: int, values: Sequence[float]) -> bytes:
        """A WriteRequest with a sample in each TimeSeries."""
        time = b"\x10" + _varint(time_s * 1000)
        double = struct.Struct("<cd").pack
        pairs = zip(prefixes, values, strict=True)
        return _snappy(
            b"".join(
                _field(1, prefix + _field(2, double(b"\x09", value) + time))
                for prefix, value in pairs
            )
        )

    def graph_path(self, program: str, window: Window) -> str:
        """A range query; `nocache` is for VictoriaMetrics, which keeps answers otherwise."""
        times = {"start": window.start_s + STEP_S, "end": window.end_s, "step": STEP_S}
        return f"/api/v1/query_range?{urlencode({'query': program, 'nocache': 1, **times})}"

    def tags_path(self, key: str, query: str, window: Window) -> str:
        """Values of a label."""
        arguments = {"match[]": query, "start": window.start_s, "end": window.end_s}
        return f"/api/v1/label/{_plain(key)}/values?{urlencode(arguments)}"

    def last_values(self, answer: bytes) -> list[float]:
        """The last sample of each series."""
        return [float(line["values"][-1][1]) for line in json.loads(answer)["data"]["result"]]

    def listed(self, answer: bytes) -> list[str]:
        """The list is the data."""
        return list(json.loads(answer)["data"])


class VictoriaWire(PrometheusWire):
    """The same, with another path to ask whether the server is there."""

    health_path = "/health"


def _plain(name: str) -> str:
    """A name as Prometheus allows it."""
    return name.replace(".", "_")


def _varint(number: int) -> bytes:
    groups = []
    while number >= 0x80:
        groups.append(number & 0x7F | 0x80)
        number >>= 7
    return bytes([*groups, number])


def _field(number: int, content: bytes) -> bytes:
    """A protobuf field of bytes."""
    return b"%c%b%b" % (number << 3 | 2, _varint(len(content)), content)


def _snappy(plain: bytes) -> bytes:
    """A snappy block of literals; 0xf4 announces one whose length takes two bytes."""
    parts = [_varint(len(plain))]
    for start in range(0, len(plain), _LITERAL_SIZE_MAX):
        literal = plain[start : start + _LITERAL_SIZE_MAX]
        parts += [b"\xf4", (len(literal) - 1).to_bytes(2, "little"), literal]
    return b"".join(parts)
