"""Trace context on the wire: W3C's `traceparent`, `tracestate` and `baggage`; B3 is understood too.

Headers are a mapping with lower-case names, which any transport can carry. A context that does not
read as one is treated as missing: a request is better served untraced than refused.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

TRACEPARENT_HEADER = "traceparent"
TRACESTATE_HEADER = "tracestate"
BAGGAGE_HEADER = "baggage"
B3_HEADER = "b3"

EXPERIMENT = "chaos.experiment"
"""Baggage of a request that an experiment touched, and the tag of its spans."""

BAGGAGE_LENGTH_MAX = 1024
TRACESTATE_LENGTH_MAX = 512
"""As much as W3C asks everybody to pass on; who sends more has none of it passed on."""

_TRACEPARENT = re.compile(r"(?!ff)([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?")
_TRACE_ID = re.compile(r"[0-9a-f]{16}|[0-9a-f]{32}")
_SPAN_ID = re.compile(r"[0-9a-f]{16}")
_EXPERIMENT = re.compile(r"(?:^|,)\s*chaos\.experiment\s*=\s*([^\s,;]+)")
_SAMPLED = {"1": True, "d": True, "true": True, "0": False, "false": False}


@dataclass(frozen=True, slots=True)
class TraceContext:
    """The caller's place in a trace. is_sampled: None when the caller leaves it to us.

    state: what other tracers on the way have noted, passed on as it came.
    """

    trace_id: str
    span_id: str
    is_sampled: bool | None
    baggage: str = ""
    state: str = ""

    @property
    def experiment(self) -> str:
        """The experiment that touched the request; empty when none did."""
        return experiment_in(self.baggage)


def read_context(headers: Mapping[str, str]) -> TraceContext | None:
    """The context that a request brings, W3C's before B3's; None when it brings none."""
    baggage = headers.get(BAGGAGE_HEADER, "")
    if len(baggage) > BAGGAGE_LENGTH_MAX:
        baggage = ""
    parent = headers.get(TRACEPARENT_HEADER)
    if parent is not None:
        state = headers.get(TRACESTATE_HEADER, "")
        found = _w3c(parent, baggage, state if len(state) <= TRACESTATE_LENGTH_MAX else "")
        if found is not None:
            return found
    return _b3(headers, baggage)


def traceparent(trace_id: str, span_id: str, *, is_sampled: bool) -> str:
    """W3C's header for a call made by this span."""
    return f"00-{trace_id}-{span_id}-{'01' if is_sampled else '00'}"


def experiment_in(baggage: str) -> str:
    """The experiment that baggage names; empty when it names none.

    >>> experiment_in("a=1, chaos.experiment=zone-outage;p=1,b=2"), experiment_in("a=1")
    ('zone-outage', '')
    """
    found = _EXPERIMENT.search(baggage) if EXPERIMENT in baggage else None
    return found.group(1) if found else ""


def _w3c(header: str, baggage: str, state: str) -> TraceContext | None:
    found = _TRACEPARENT.fullmatch(header.strip())
    if found is None:
        return None
    version, trace_id, span_id, flags, more = found.groups()
    if not (int(trace_id, 16) and int(span_id, 16)) or (version == "00" and more):
        return None
    return TraceContext(trace_id, span_id, bool(int(flags, 16) & 1), baggage, state)


def _b3(headers: Mapping[str, str], baggage: str) -> TraceContext | None:
    single = headers.get(B3_HEADER)
    if single is not None:
        parts = single.strip().lower().split("-")
        if len(parts) < 2:  # a bare "0" says not to sample, and nothing of where we are
            return None
        return _context(parts[0], parts[1], "".join(parts[2:3]), baggage)
    trace_id, span_id = headers.get("x-b3-traceid", ""), headers.get("x-b3-spanid", "")
    if not trace_id:
        return None
    said = "d" if headers.get("x-b3-flags") == "1" else headers.get("x-b3-sampled", "")
    return _context(trace_id.lower(), span_id.lower(), said.lower(), baggage)


def _context(trace_id: str, span_id: str, said: str, baggage: str) -> TraceContext | None:
    if not (_TRACE_ID.fullmatch(trace_id) and _SPAN_ID.fullmatch(span_id)):
        return None
    if not (int(trace_id, 16) and int(span_id, 16)):
        return None
    return TraceContext(trace_id.zfill(32), span_id, _SAMPLED.get(said), baggage)
