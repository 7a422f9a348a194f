"""`POST /api/v1/publish`: raw bytes in, prepared bytes out."""

from __future__ import annotations

import gzip
import zlib

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from atlas.errors import BadData
from atlas.ingest.samples import PublishResult
from atlas.server.errors import BodyTooLarge
from atlas.server.state import state_of

_ALL_TAKEN = b""


async def publish(request: Request) -> Response:
    """Take a batch; runs on the event loop, as it is shorter than a hop to a thread."""
    state = state_of(request)
    body = await _body(request, state.settings.body_bytes_max)
    result = state.publisher.publish(body, state.now_ms())
    if not result.refused_count:
        return Response(_ALL_TAKEN, media_type="application/json")
    return _refusal(result)


def _refusal(result: PublishResult) -> Response:
    partial = result.accepted_count > 0
    document = {
        "type": "partial" if partial else "error",
        "errorCount": result.refused_count,
        "message": result.reasons,
    }
    status = 202 if partial else _status_of_none(result)
    return Response(msgspec.json.encode(document), status, media_type="application/json")


def _status_of_none(result: PublishResult) -> int:
    """The status of a batch of which nothing was taken: what may be sent again later says so."""
    if "memory" in result.refused_by:
        return 503
    return 429 if "series" in result.refused_by else 400


async def _body(request: Request, size_max: int) -> bytes:
    parts: list[bytes] = []
    size = 0
    async for part in request.stream():
        size += len(part)
        if size > size_max:
            raise BodyTooLarge(size_max)
        parts.append(part)
    body = b"".join(parts)
    encoding = request.headers.get("content-encoding")
    return body if encoding is None else _decompressed(body, encoding, size_max)


def _decompressed(body: bytes, encoding: str, size_max: int) -> bytes:
    if encoding not in ("gzip", "deflate"):
        raise BadData(
            f"unsupported content encoding '{encoding}'", fix="send gzip, deflate or plain"
        )
    # 32 lets zlib tell gzip from deflate by its header.
    inflater = zlib.decompressobj(wbits=zlib.MAX_WBITS | 32)
    try:
        plain = inflater.decompress(body, size_max + 1)
    except (zlib.error, gzip.BadGzipFile) as error:
        raise BadData(f"body is not {encoding}: {error}", fix="check Content-Encoding") from error
    if len(plain) > size_max:
        raise BodyTooLarge(size_max)
    return plain


ROUTES = [
    Route("/api/v1/publish", publish, methods=["POST"]),
    Route("/api/v1/publish-fast", publish, methods=["POST"]),
]
