"""The service graph, computed: which service called which, how often, and how often in vain.

A call is told by two spans, the caller's and that of the service called, or by one of them. It
is counted once: from the span of the service called if there is one, and its caller is whoever
recorded the nearest remote span above it. Otherwise the caller's word counts. These are the rules
by which Zipkin links services.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from demo_platform.tracing.span import ZipkinSpan

DEPTH_MAX = 100


@dataclass(frozen=True, slots=True)
class Link:
    """Calls of one service to another."""

    parent: str
    child: str
    call_count: int
    error_count: int

    def as_dict(self) -> dict[str, object]:
        """The link as Zipkin writes it, where no errors are not told."""
        link: dict[str, object] = {
            "parent": self.parent,
            "child": self.child,
            "callCount": self.call_count,
        }
        return link | ({"errorCount": self.error_count} if self.error_count else {})


def links_of(traces: Iterable[Sequence[ZipkinSpan]]) -> list[Link]:
    """The links of all traces together, by the names of their ends."""
    calls: dict[tuple[str, str], list[int]] = defaultdict(lambda: [0, 0])
    for trace in traces:
        for parent, child, has_failed in _Tree(trace).calls():
            counts = calls[parent, child]
            counts[0] += 1
            counts[1] += has_failed
    return [Link(*ends, *counts) for ends, counts in sorted(calls.items())]


class _Tree:
    """The spans of one trace, and who is whose child. Both ends of a call may share an id."""

    def __init__(self, trace: Sequence[ZipkinSpan]) -> None:
        self._own: dict[str, ZipkinSpan] = {}
        self._shared: dict[str, ZipkinSpan] = {}
        clients = {span.id for span in trace if span.kind == "CLIENT"}
        for span in trace:
            is_other_side = span.shared or (span.kind == "SERVER" and span.id in clients)
            (self._shared if is_other_side else self._own)[span.id] = span
        self._spans = [*self._own.values(), *self._shared.values()]
        self._answered = {id(up) for span in self._spans if (up := self._above(span)) is not None}

    def calls(self) -> Iterable[tuple[str, str, bool]]:
        """(caller, called, whether it failed) of each call."""
        for span in self._spans:
            is_client = span.kind in ("CLIENT", "PRODUCER")
            if is_client and id(span) in self._answered and span.kind == "CLIENT":
                continue
            yield from self._link(span, is_client=is_client)

    def _link(self, span: ZipkinSpan, *, is_client: bool) -> Iterable[tuple[str, str, bool]]:
        has_failed = ZipkinSpan.ERROR in span.tags
        if span.kind is None:
            if span.local_service and span.remote_service:
                yield span.local_service, span.remote_service, has_failed
            return
        caller = span.local_service if is_client else span.remote_service
        called = span.remote_service if is_client else span.local_service
        if span.kind in ("CLIENT", "SERVER"):
            remote = self._remote_above(span)
            if remote is not None and remote.local_service:
                if is_client and caller and caller != remote.local_service:
                    yield remote.local_service, caller, False
                if not is_client or not caller:
                    caller = remote.local_service
                if remote.kind == "CLIENT" and self._above(span) is remote:
                    has_failed = has_failed or ZipkinSpan.ERROR in remote.tags
        if caller and called:
            yield caller, called, has_failed

    def _above(self, span: ZipkinSpan) -> ZipkinSpan | None:
        """The span that this one is part of, if it is known."""
        if self._shared.get(span.id) is span and span.id in self._own:
            return self._own[span.id]
        if span.parent_id is None:
            return None
        # What a service did for a call is part of its own side of it.
        up = self._shared.get(span.parent_id) or self._own.get(span.parent_id)
        return None if up is span else up

    def _remote_above(self, span: ZipkinSpan) -> ZipkinSpan | None:
        up = self._above(span)
        for _ in range(DEPTH_MAX):
            if up is None or up.kind is not None:
                return up
            up = self._above(up)
        return None
