"""What goes along with a request through the filters: its context, its passport, its answer."""

from __future__ import annotations

from time import perf_counter_ns
from typing import TYPE_CHECKING

import msgspec

from demo_platform.service import MEMBER_HEADER
from demo_platform.tracing.tracer import UNTRACED, Span
from demo_platform.zuul.shedding import Priority
from demo_platform.zuul.status import StatusCategory

if TYPE_CHECKING:
    from demo_platform.http_message import HttpRequest
    from demo_platform.zuul.fit import Faults

Event = tuple[str, int]


class _WithMember(msgspec.Struct):
    """As much of a body as says who asks."""

    member: int | str | None = None


_member = msgspec.json.Decoder(_WithMember)


class Refused(Exception):
    """A filter does not let a request through.

    status: what the device is told. kind: a word for the metric `zuul.refused`.
    """

    def __init__(
        self,
        status: int,
        why: str,
        *,
        kind: str = "filter",
        category: StatusCategory | None = None,
        headers: dict[str, str] | None = None,
    ) -> None:
        super().__init__(why)
        self.status = status
        self.kind = kind
        self.headers = headers or {}
        self.category = category or (
            StatusCategory.FAILURE_CLIENT_BAD_REQUEST
            if status < 500
            else StatusCategory.FAILURE_LOCAL
        )


class Answer:
    """What a device gets. cause: the service that failed first; empty where none did."""

    __slots__ = ("body", "category", "cause", "headers", "status")

    def __init__(
        self,
        status: int,
        body: bytes,
        category: StatusCategory = StatusCategory.SUCCESS,
        cause: str = "",
        headers: dict[str, str] | None = None,
    ) -> None:
        self.status = status
        self.body = body
        self.category = category
        self.cause = cause
        self.headers = headers


class SessionContext:
    """One request on its way through the edge.

    deadline: a reading of the event loop's clock. faults: what it carries to its calls (fit.py).
    vip: the origin that it is for; empty where a function of the edge answers it.
    attributes: whatever filters want to tell later ones. passport: what happened, and when, in ns.
    error: what the filter `failed_filter` raised, for the error endpoint.
    """

    __slots__ = (
        "_decoded",
        "address",
        "answer",
        "attributes",
        "body",
        "deadline",
        "error",
        "failed_filter",
        "faults",
        "headers",
        "incoming",
        "passport",
        "path",
        "priority",
        "request_id",
        "route",
        "score",
        "trace",
        "vip",
    )

    def __init__(self, incoming: HttpRequest, *, route: str, vip: str, path: str) -> None:
        self.incoming = incoming
        self.route = route
        self.vip = vip
        self.path = path
        self.headers = incoming.headers
        self.request_id = ""
        self.deadline = 0.0
        self.body = b""
        self.address = ""
        self.priority = Priority.CRITICAL
        self.score = 1
        self.faults: Faults | None = None
        self.trace: Span = UNTRACED
        self.answer: Answer | None = None
        self.error: Exception | None = None
        self.failed_filter = ""
        self.attributes: dict[str, object] = {}
        self.passport: list[Event] = [("start", perf_counter_ns())]
        self._decoded: _WithMember | None = None

    @property
    def member(self) -> str:
        """Who asks, as the device or the body says; empty where neither does."""
        named = self.headers.get(MEMBER_HEADER)
        if named:
            return named
        if self._decoded is None:
            try:
                self._decoded = _member.decode(self.body)
            except msgspec.MsgspecError:
                self._decoded = _WithMember()
        member = self._decoded.member
        return "" if member is None else str(member)

    def mark(self, event: str) -> None:
        """Stamp the passport."""
        self.passport.append((event, perf_counter_ns()))

    def timings_us(self) -> dict[str, float]:
        """By event, microseconds since the one before it."""
        pairs = zip(self.passport, self.passport[1:], strict=False)
        return {event: round((at - before) / 1000, 1) for (_, before), (event, at) in pairs}
