"""Errors as answers: the original's JSON object, with where and fix beside its message."""

from __future__ import annotations

import msgspec
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from atlas.errors import AtlasError, BadData

_NO_SUCH_ROUTE_FOR = ("GET", "POST")


class BodyTooLarge(BadData):
    """A request's body is beyond the limit."""

    def __init__(self, size_max: int) -> None:
        super().__init__(
            f"entity too large: more than {size_max} bytes", fix="send smaller batches"
        )

    @property
    def status(self) -> int:
        return 413


class NotBuilt(AtlasError):
    """Something that the original has and this server does not have yet."""

    @property
    def status(self) -> int:
        return 501


def error_response(message: str, status: int, *, where: str = "", fix: str = "") -> Response:
    """An error object; `where` and `fix` are ours, clients of the original read `message`."""
    document = {"type": "error", "message": message}
    document |= {"where": where} if where else {}
    document |= {"fix": fix} if fix else {}
    return Response(msgspec.json.encode(document), status, media_type="application/json")


async def on_atlas_error(_: Request, error: Exception) -> Response:
    """Anything that the store or the language refused."""
    assert isinstance(error, AtlasError)
    return error_response(error.message, error.status, where=error.where, fix=error.fix)


async def on_http_error(request: Request, error: Exception) -> Response:
    """Unknown paths and methods; a path known only for other methods is unknown, as in the original."""
    assert isinstance(error, HTTPException)
    if error.status_code in (404, 405):
        if error.status_code == 405 and request.method not in _NO_SUCH_ROUTE_FOR:
            return error_response("method not allowed: GET", 405)
        return error_response(f"path not found: {request.url.path}", 404)
    return error_response(str(error.detail), error.status_code)


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
