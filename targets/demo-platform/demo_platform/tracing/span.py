"""A span in the shape of Zipkin's v2 API, and the reading of what others send in it."""

from __future__ import annotations

import re
from typing import ClassVar

import msgspec

from demo_platform.errors import DemoError

SPANS_AT_ONCE_MAX = 10_000
SPAN_BYTES_MAX = 8192
REMOTE_KINDS = ("CLIENT", "SERVER", "PRODUCER", "CONSUMER")

_HEX = re.compile(r"[0-9a-f]{1,16}")
_HEX_LONG = re.compile(r"[0-9a-f]{1,32}")


class Endpoint(msgspec.Struct, rename="camel", omit_defaults=True, frozen=True):
    """One side of a call."""

    service_name: str = ""
    ipv4: str = ""
    ipv6: str = ""
    port: int = 0


class Annotation(msgspec.Struct, frozen=True):
    """Something that happened during a span, at an instant in µs since 1970."""

    timestamp: int
    value: str


class ZipkinSpan(msgspec.Struct, rename="camel", omit_defaults=True):
    """One operation of a trace. timestamp and duration are in µs; 0 when not known."""

    trace_id: str
    id: str
    parent_id: str | None = None
    kind: str | None = None
    name: str | None = None
    timestamp: int = 0
    duration: int = 0
    local_endpoint: Endpoint | None = None
    remote_endpoint: Endpoint | None = None
    annotations: list[Annotation] = []
    tags: dict[str, str] = {}
    shared: bool = False
    debug: bool = False

    ERROR: ClassVar[str] = "error"

    @property
    def local_service(self) -> str:
        """Who recorded the span; empty when it does not say."""
        return self.local_endpoint.service_name if self.local_endpoint else ""

    @property
    def remote_service(self) -> str:
        """Who was at the other side; empty when it does not say."""
        return self.remote_endpoint.service_name if self.remote_endpoint else ""


_decoder = msgspec.json.Decoder(list[ZipkinSpan])
encode_span = msgspec.json.Encoder().encode


def read_spans(body: bytes, *, where: str) -> list[ZipkinSpan]:
    """The spans of a JSON list, in one spelling: ids padded, names in lower case. Raises DemoError.

    where: who sent them, for the error.
    """
    try:
        spans = _decoder.decode(body)
    except msgspec.MsgspecError as error:
        raise _refused(f"not a list of spans: {error}", where) from error
    if len(spans) > SPANS_AT_ONCE_MAX:
        raise _refused(f"{len(spans)} spans at once, {SPANS_AT_ONCE_MAX} at most", where)
    for span in spans:
        _normalise(span, where)
    return spans


def padded_trace_id(text: str) -> str:
    """A trace's id as it is kept: 16 or 32 digits. Raises ValueError.

    >>> padded_trace_id("ABC"), len(padded_trace_id("1" * 17))
    ('0000000000000abc', 32)
    """
    text = text.lower()
    if not _HEX_LONG.fullmatch(text) or not int(text, 16):
        raise ValueError(text)
    return text.zfill(16 if len(text) <= 16 else 32)


def _normalise(span: ZipkinSpan, where: str) -> None:
    try:
        span.trace_id = padded_trace_id(span.trace_id)
    except ValueError:
        raise _refused(f"{span.trace_id!r} is no trace id", where) from None
    span.id = _padded_id(span.id, where)
    if span.parent_id is not None:
        span.parent_id = _padded_id(span.parent_id, where)
        if span.parent_id == span.id:
            span.parent_id = None
    if span.kind is not None and span.kind not in REMOTE_KINDS:
        raise _refused(f"{span.kind!r} is no kind of span", where)
    if span.name is not None:
        span.name = span.name.lower() or None
    span.local_endpoint = _lower(span.local_endpoint)
    span.remote_endpoint = _lower(span.remote_endpoint)


def _padded_id(text: str, where: str) -> str:
    text = text.lower()
    if not _HEX.fullmatch(text) or not int(text, 16):
        raise _refused(f"{text!r} is no span id", where)
    return text.zfill(16)


def _lower(endpoint: Endpoint | None) -> Endpoint | None:
    if endpoint is None or endpoint.service_name == endpoint.service_name.lower():
        return endpoint
    return msgspec.structs.replace(endpoint, service_name=endpoint.service_name.lower())


def _refused(what: str, where: str) -> DemoError:
    return DemoError(what, where=where, fix="send a JSON list of spans in Zipkin's v2 shape")
