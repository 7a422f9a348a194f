"""Where spans are kept: a ring for each zone, bounded in bytes, the oldest traces leaving first.

A zone whose every request fails fills its own ring only. What others send without saying a zone
has a ring as well.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable, Iterator

import msgspec

from demo_platform.tracing.span import SPAN_BYTES_MAX, ZipkinSpan, encode_span

ZONE_TAG = "nf.zone"
RING_BYTES_MAX = 1_500_000
RINGS_MAX = 16

_decode = msgspec.json.Decoder(ZipkinSpan).decode


class Ring:
    """The latest spans, by trace; encoded, as most are never asked for."""

    def __init__(self, size_bytes_max: int = RING_BYTES_MAX) -> None:
        self._size_bytes_max = size_bytes_max
        self._traces: OrderedDict[str, list[bytes]] = OrderedDict()
        self.size_bytes = 0

    def add(self, trace_id: str, span: bytes) -> None:
        """Keep a span; the traces that have waited longest make room."""
        self._traces.setdefault(trace_id, []).append(span)
        self.size_bytes += len(span)
        while self.size_bytes > self._size_bytes_max:
            _, gone = self._traces.popitem(last=False)
            self.size_bytes -= sum(map(len, gone))

    def trace_ids(self) -> Iterable[str]:
        """Every trace of which there is a span, oldest first."""
        return self._traces

    def spans(self, trace_id: str) -> list[bytes]:
        """The spans of a trace that are here."""
        return self._traces.get(trace_id, [])


class Rings:
    """The rings of a world. dropped: spans too long to be kept."""

    def __init__(self, size_bytes_max: int = RING_BYTES_MAX) -> None:
        self._size_bytes_max = size_bytes_max
        self._rings: dict[str, Ring] = {}
        self.dropped = 0

    def add(self, spans: Iterable[ZipkinSpan]) -> None:
        """Keep spans, each in the ring of its zone."""
        for span in spans:
            encoded = encode_span(span)
            if len(encoded) > SPAN_BYTES_MAX:
                self.dropped += 1
                continue
            self._ring(span.tags.get(ZONE_TAG, "")).add(span.trace_id, encoded)

    def trace(self, trace_id: str) -> list[ZipkinSpan]:
        """The spans of a trace, wherever they were made; none when it is not known."""
        rings = self._rings.values()
        return [_decode(span) for ring in rings for span in ring.spans(trace_id)]

    def traces(self) -> Iterator[list[ZipkinSpan]]:
        """Every trace that is kept, at least in part."""
        for trace_id in dict.fromkeys(t for r in self._rings.values() for t in r.trace_ids()):
            yield self.trace(trace_id)

    def size_bytes(self) -> dict[str, int]:
        """How much each zone's ring holds."""
        return {zone: ring.size_bytes for zone, ring in self._rings.items()}

    def _ring(self, zone: str) -> Ring:
        if zone not in self._rings and len(self._rings) >= RINGS_MAX:
            zone = ""
        if zone not in self._rings:
            self._rings[zone] = Ring(self._size_bytes_max)
        return self._rings[zone]
