"""The spans of one process: begun, carried on to the next hop, ended, and reported if kept.

Which are kept is decided twice. At the head: one trace in ten, by its id, so that every hop agrees
without asking. At the tail: whatever failed, and whatever an experiment touched. A hop that keeps
spans for a failure says so in its answer (`KEPT_HEADER`), so that its callers keep theirs as well
and the way to a failure is whole, up to the member who pressed play. What a hop called before
that and with success is kept as its caller saw it.
"""

from __future__ import annotations

import logging
import random
import time
from collections.abc import Callable, Mapping

from demo_platform.tracing.context import (
    BAGGAGE_HEADER,
    EXPERIMENT,
    TRACEPARENT_HEADER,
    TRACESTATE_HEADER,
    TraceContext,
    experiment_in,
    read_context,
    traceparent,
)
from demo_platform.tracing.span import Endpoint, ZipkinSpan

KEPT_HEADER = "x-trace-kept"
HEAD_RATIO = 0.1
CALLS_MAX = 128
"""Calls that a span remembers until it ends, or is known to be kept."""

Report = Callable[[ZipkinSpan], None]

_log = logging.getLogger(__name__)


class Tracer:
    """What every span of a process needs.

    common_tags: on every span that the process reports.
    """

    __slots__ = ("_common_tags", "_head_below", "_rng", "local", "report")

    def __init__(
        self,
        local: Endpoint,
        report: Report,
        rng: random.Random,
        *,
        common_tags: Mapping[str, str] | None = None,
        head_ratio: float = HEAD_RATIO,
    ) -> None:
        self.local = local
        self.report = report
        self._rng = rng
        self._common_tags = dict(common_tags or {})
        self._head_below = round(head_ratio * 2**32)

    def serve(self, name: str, headers: Mapping[str, str]) -> Span:
        """A span for a request that came in, in its caller's trace or in a new one."""
        caller = read_context(headers)
        return self._new("SERVER", name, caller) if caller else self._root("SERVER", name, "")

    def begin(self, name: str, *, baggage: str = "") -> Span:
        """A span with which a trace begins."""
        return self._root(None, name, baggage)

    def span_id(self) -> str:
        """An id for a new span."""
        return f"{self._rng.getrandbits(64) or 1:016x}"

    def tags(self) -> dict[str, str]:
        """The tags that every span has."""
        return dict(self._common_tags)

    def _root(self, kind: str | None, name: str, baggage: str) -> Span:
        trace_id = f"{self._rng.getrandbits(128) or 1:032x}"
        return self._new(kind, name, TraceContext(trace_id, "", None, baggage))

    def _new(self, kind: str | None, name: str, caller: TraceContext) -> Span:
        is_sampled = caller.is_sampled
        if is_sampled is None:
            is_sampled = int(caller.trace_id[-8:], 16) < self._head_below
        if not is_sampled and caller.baggage and experiment_in(caller.baggage):
            is_sampled = True
        return Span(self, kind, name, caller, is_sampled=is_sampled)


class Span:
    """One operation on its way."""

    __slots__ = (
        "_began_ns",
        "_caller",
        "_calls",
        "_duration_us",
        "_kind",
        "_name",
        "_parent",
        "_remote",
        "_tags",
        "_timestamp_us",
        "_tracer",
        "has_ended",
        "id",
        "is_kept",
        "is_sampled",
    )

    def __init__(
        self,
        tracer: Tracer,
        kind: str | None,
        name: str,
        caller: TraceContext,
        *,
        is_sampled: bool,
        parent: Span | None = None,
        remote: tuple[str, str, int] | None = None,
    ) -> None:
        self._tracer = tracer
        self._kind = kind
        self._name = name
        self._caller = caller
        self._parent = parent
        self._remote = remote
        self._tags: dict[str, str] | None = None
        self._calls: list[Span] | None = None
        self._duration_us = 0
        self._timestamp_us = time.time_ns() // 1000
        self._began_ns = time.monotonic_ns()
        self.id = tracer.span_id()
        self.is_sampled = is_sampled
        self.is_kept = is_sampled
        self.has_ended = False

    @property
    def trace_id(self) -> str:
        """The id of the trace; empty where nothing is traced."""
        return self._caller.trace_id

    def call(self, name: str, service: str, address: str, port: int) -> Span:
        """A span for a call to an instance of a service, as part of this one."""
        caller = TraceContext(
            self.trace_id, self.id, self.is_sampled, self._caller.baggage, self._caller.state
        )
        return Span(
            self._tracer,
            "CLIENT",
            name,
            caller,
            is_sampled=self.is_sampled,
            parent=self,
            remote=(service, address, port),
        )

    def carry(self, headers: dict[str, str]) -> None:
        """Put the context into the headers of a call."""
        headers[TRACEPARENT_HEADER] = traceparent(
            self.trace_id, self.id, is_sampled=self.is_sampled
        )
        if self._caller.baggage:
            headers[BAGGAGE_HEADER] = self._caller.baggage
        if self._caller.state:
            headers[TRACESTATE_HEADER] = self._caller.state

    def tag(self, key: str, value: str) -> None:
        """Note something of the operation."""
        if self._tags is None:
            self._tags = {}
        self._tags[key] = value

    def keep(self) -> None:
        """Keep this span and what it was called for, sampled or not."""
        self.is_kept = True
        if self._parent is not None:
            self._parent.keep()

    def end(self, error: str = "") -> None:
        """The operation is over; a span that failed is kept. Ends once."""
        if self.has_ended:
            return
        self.has_ended = True
        self._duration_us = max(1, (time.monotonic_ns() - self._began_ns) // 1000)
        if error:
            self.tag(ZipkinSpan.ERROR, error)
            self.keep()
            whom = f" of {self._remote[0]} at {self._remote[1]}" if self._remote else ""
            _log.warning("%s%s failed: %s", self._name, whom, error, extra={"trace": self})
        parent, self._parent = self._parent, None
        calls, self._calls = self._calls, None
        if self.is_kept:
            for span in (self, *(calls or ())):
                self._tracer.report(span.record())
        elif parent is not None:
            parent._remember(self)

    def _remember(self, call: Span) -> None:
        """A call has ended well; it is reported if this span turns out to be kept."""
        if self.is_kept:
            self._tracer.report(call.record())
        elif not self.has_ended:
            if self._calls is None:
                self._calls = []
            if len(self._calls) < CALLS_MAX:
                self._calls.append(call)

    def record(self) -> ZipkinSpan:
        """The span as it is sent."""
        tags = self._tracer.tags() | (self._tags or {})
        experiment = experiment_in(self._caller.baggage)
        if experiment:
            tags[EXPERIMENT] = experiment
        remote = None
        if self._remote is not None:
            service, address, port = self._remote
            remote = Endpoint(service, address, port=port)
        return ZipkinSpan(
            trace_id=self.trace_id,
            id=self.id,
            parent_id=self._caller.span_id or None,
            kind=self._kind,
            name=self._name,
            timestamp=self._timestamp_us,
            duration=self._duration_us,
            local_endpoint=self._tracer.local,
            remote_endpoint=remote,
            tags=tags,
        )


class _NoTracer(Tracer):
    """Traces nothing."""

    __slots__ = ()

    def __init__(self) -> None:
        super().__init__(Endpoint(), lambda _: None, random.Random(0))  # noqa: S311 - ids of nobody

    def serve(self, name: str, headers: Mapping[str, str]) -> Span:
        del name, headers
        return UNTRACED

    def begin(self, name: str, *, baggage: str = "") -> Span:
        del name, baggage
        return UNTRACED


class _Untraced(Span):
    """The span of what is not traced: carries nothing, keeps nothing."""

    __slots__ = ()

    def __init__(self) -> None:
        super().__init__(NO_TRACER, None, "", TraceContext("", "", False), is_sampled=False)

    def call(self, name: str, service: str, address: str, port: int) -> Span:
        del name, service, address, port
        return self

    def carry(self, headers: dict[str, str]) -> None:
        del headers

    def tag(self, key: str, value: str) -> None:
        del key, value

    def keep(self) -> None:
        return

    def end(self, error: str = "") -> None:
        del error


NO_TRACER: Tracer = _NoTracer()
UNTRACED: Span = _Untraced()
