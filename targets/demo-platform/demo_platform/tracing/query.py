"""Which traces a question is about, by the parameters of Zipkin's `/api/v2/traces`."""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from demo_platform.errors import DemoError
from demo_platform.tracing.span import ZipkinSpan

LIMIT_DEFAULT = 10
LIMIT_MAX = 1000
LOOKBACK_MS_DEFAULT = 86_400_000

Trace = Sequence[ZipkinSpan]


@dataclass(frozen=True, slots=True)
class TraceQuery:
    """What a trace must have. Instants and spans of time in ms, durations in µs.

    annotations: words that a span was annotated or tagged with; with a value, a tag's value.
    Everything about a span must hold for spans of the service, where one is named.
    """

    end_ms: int
    lookback_ms: int = LOOKBACK_MS_DEFAULT
    limit: int = LIMIT_DEFAULT
    service: str = ""
    remote_service: str = ""
    span_name: str = ""
    duration_us_min: int = 0
    duration_us_max: int = 0
    annotations: Mapping[str, str] = field(default_factory=dict)

    def matches(self, trace: Trace) -> bool:
        """Whether a trace is asked for."""
        began_ms = trace_timestamp_us(trace) // 1000
        if not self.end_ms - self.lookback_ms <= began_ms <= self.end_ms:
            return False
        own = [span for span in trace if self.service in ("", span.local_service)]
        return bool(own) and all(any(map(claim, own)) for claim in self._claims())

    def _claims(self) -> Iterable[Callable[[ZipkinSpan], bool]]:
        if self.remote_service:
            yield lambda span: span.remote_service == self.remote_service
        if self.span_name:
            yield lambda span: span.name == self.span_name
        if self.duration_us_min:
            longest = self.duration_us_max or float("inf")
            yield lambda span: self.duration_us_min <= span.duration <= longest
        for word, value in self.annotations.items():
            yield lambda span, word=word, value=value: _has(span, word, value)  # type: ignore[misc]


def query_of(parameters: Mapping[str, str], *, now_ms: int) -> TraceQuery:
    """The question that a request's parameters ask. Raises DemoError."""
    limit = whole(parameters, "limit", LIMIT_DEFAULT, at_least=1)
    shortest = whole(parameters, "minDuration", 0)
    longest = whole(parameters, "maxDuration", 0)
    if longest and not shortest:
        raise _refused("maxDuration needs minDuration")
    return TraceQuery(
        end_ms=whole(parameters, "endTs", now_ms),
        lookback_ms=whole(parameters, "lookback", LOOKBACK_MS_DEFAULT, at_least=1),
        limit=min(limit, LIMIT_MAX),
        service=_name(parameters, "serviceName"),
        remote_service=_name(parameters, "remoteServiceName"),
        span_name=_name(parameters, "spanName"),
        duration_us_min=shortest,
        duration_us_max=longest,
        annotations=_annotations(parameters.get("annotationQuery", "")),
    )


def newest(traces: Iterable[Trace], query: TraceQuery) -> list[Trace]:
    """The newest traces that are asked for, newest first."""
    return heapq.nlargest(query.limit, filter(query.matches, traces), key=trace_timestamp_us)


def trace_timestamp_us(trace: Trace) -> int:
    """When a trace began: its root's instant, or the earliest that is known; 0 if none is."""
    roots = [span.timestamp for span in trace if span.parent_id is None and span.timestamp]
    return min(roots or [span.timestamp for span in trace if span.timestamp], default=0)


def whole(parameters: Mapping[str, str], name: str, default: int, *, at_least: int = 0) -> int:
    """A parameter that is a whole number. Raises DemoError."""
    text = parameters.get(name, "")
    if not text:
        return default
    try:
        value = int(text)
    except ValueError:
        raise _refused(f"{name} is no whole number: {text!r}") from None
    if value < at_least:
        raise _refused(f"{name} is less than {at_least}: {text!r}")
    return value


def _name(parameters: Mapping[str, str], name: str) -> str:
    value = parameters.get(name, "").strip().lower()
    return "" if value == "all" else value


def _annotations(text: str) -> dict[str, str]:
    """`word and key=value`, as Zipkin writes it."""
    words = (word.strip().partition("=") for word in text.split(" and ") if word.strip())
    return {key: value for key, _, value in words}


def _has(span: ZipkinSpan, word: str, value: str) -> bool:
    if value:
        return span.tags.get(word) == value
    return word in span.tags or any(one.value == word for one in span.annotations)


def _refused(what: str) -> DemoError:
    return DemoError(what, where="query", fix="see docs/tracing.md for the parameters")
