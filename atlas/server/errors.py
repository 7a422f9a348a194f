"""Errors as answers: the original's JSON object, with where and fix beside its message."""

from __future__ import annotations

from typing import cast

import msgspec
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from atlas.errors import AtlasError, BadData


class BodyTooLarge(BadData):
    """A request's body is beyond the limit."""

    def __init__(self, size_max: int) -> None:
        super().__init__(
            f"entity too large: more than {size_max} bytes", fix="send smaller batches"
        )

    @property
    def status(self) -> int:
        """Payload too large."""
        return 413


def error_response(message: str, status: int, *, where: str = "", fix: str = "") -> Response:
    """An error object; `where` and `fix` are ours, clients of the original read `message`."""
    document = {"type": "error", "message": message}
    document |= {"where": where} if where else {}
    document |= {"fix": fix} if fix else {}
    return Response(msgspec.json.encode(document), status, media_type="application/json")


async def on_atlas_error(_: Request, error: Exception) -> Response:
    """Anything that the store or the language refused."""
    refusal = cast(AtlasError, error)  # registered for no other class
    return error_response(refusal.message, refusal.status, where=refusal.where, fix=refusal.fix)


async def on_http_error(request: Request, error: Exception) -> Response:
    """Unknown paths and methods; a path known for another method is unknown, as in Atlas."""
    refusal = cast(HTTPException, error)  # registered for no other class
    if refusal.status_code in (404, 405):
        return error_response(f"path not found: {request.url.path}", 404)
    return error_response(str(refusal.detail), refusal.status_code)


async def on_recursion(_: Request, __: Exception) -> Response:
    """An expression nested beyond what the interpreter's own stack holds."""
    return error_response(
        "IllegalStateException: stack overflow: expression is nested too deeply",
        400,
        fix="use fewer words on one expression",
    )


async def on_defect(request: Request, error: Exception) -> Response:
    """A mistake of ours; the traceback goes to the log, never to the client."""
    return error_response(
        f"{type(error).__name__}: internal error",
        500,
        where=request.url.path,
        fix="see the server's log, and please report it",
    )
