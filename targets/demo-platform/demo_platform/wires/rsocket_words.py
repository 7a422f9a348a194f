"""What requests and answers look like on an RSocket connection.

A request's data is its body as JSON; its metadata is JSON, too: `route`, and whatever travels along
with a request (`x-request-id`, `x-deadline-ms`, `traceparent` …). An answer has data alone, and
metadata if its spans are kept. A failure is an ERROR frame of code APPLICATION_ERROR, whose data is
JSON: `status` and `failed`, the service to blame. A streamed answer is a list, each
element a payload.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping

import msgspec

# It logs at the level of errors what is the daily business of a network: ends of connections.
logging.getLogger("pyrsocket").setLevel(logging.CRITICAL)

ROUTE = "route"
HTTP_ONLY = "Content-Type"


class Failure(msgspec.Struct, frozen=True):
    """What an ERROR frame says."""

    status: int
    failed: str = ""
    kept: bool = False


class RequestFailed(Exception):
    """Raised where the library makes an ERROR frame of it."""

    def __init__(self, failure: Failure) -> None:
        super().__init__(msgspec.json.encode(failure).decode())


_headers = msgspec.json.Decoder(dict[str, str])
_failures = msgspec.json.Decoder(Failure)


def metadata_of(route: str, headers: Mapping[str, str]) -> bytes:
    """The metadata of a request."""
    carried = {name: value for name, value in headers.items() if name != HTTP_ONLY}
    return msgspec.json.encode({**carried, ROUTE: route})


def headers_in(metadata: bytes | bytearray | None) -> dict[str, str]:
    """What a request's metadata says; empty if it is nothing that we know.

    >>> headers_in(b'{"route":"bookmark"}'), headers_in(b"x"), headers_in(None)
    ({'route': 'bookmark'}, {}, {})
    """
    try:
        return _headers.decode(metadata or b"{}")
    except msgspec.MsgspecError:
        return {}


def failure_in(data: str) -> Failure:
    """What an ERROR frame's data says; whoever does not say it in our words has failed."""
    try:
        return _failures.decode(data)
    except msgspec.MsgspecError:
        return Failure(502)
