"""HTTP's requests and answers as an instance's own code sees them, without a socket in sight."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from types import MappingProxyType
from urllib.parse import parse_qsl, unquote, urlsplit

NO_HEADERS: Mapping[str, str] = MappingProxyType({})
TEXT = "text/plain; charset=utf-8"
JSON = "application/json"


class HttpRequest:
    """What was asked.

    target: as it was sent, with the query. path: without it, and decoded. headers: by names in
    small letters. remote: the address of who asks.
    trouble: 408 when its body did not come in time, 413 when that is too large, else 0; there is no
    body then.
    """

    __slots__ = ("_words", "body", "headers", "method", "path", "remote", "target", "trouble")

    def __init__(
        self,
        method: str,
        target: str,
        *,
        headers: Mapping[str, str] = NO_HEADERS,
        body: bytes = b"",
        remote: str = "",
        trouble: int = 0,
    ) -> None:
        self.method = method
        self.target = target
        self.headers = headers
        self.body = body
        self.remote = remote
        self.trouble = trouble
        if target.startswith("/"):
            path, _, self._words = target.partition("?")
        else:
            parts = urlsplit(target)
            path, self._words = parts.path, parts.query
        self.path = unquote(path) if "%" in path else path

    @property
    def query(self) -> dict[str, str]:
        """The words after the question mark; of one that is there twice the first."""
        return dict(reversed(parse_qsl(self._words, keep_blank_values=True)))


class HttpResponse:
    """An answer that is whole; its length is said for it."""

    __slots__ = ("body", "content_type", "headers", "status")

    def __init__(
        self,
        body: bytes = b"",
        *,
        status: int = 200,
        content_type: str = "",
        headers: Mapping[str, str] = NO_HEADERS,
    ) -> None:
        self.body = body
        self.status = status
        self.content_type = content_type
        self.headers = headers

    @classmethod
    def of_text(cls, text: str, *, status: int = 200) -> HttpResponse:
        """Words for people."""
        return cls(text.encode(), status=status, content_type=TEXT)


class HttpStream:
    """An answer that goes on until the other side has enough, or there is nothing more."""

    __slots__ = ("chunks", "headers", "status")

    def __init__(self, chunks: AsyncGenerator[bytes, None], *, headers: Mapping[str, str]) -> None:
        self.chunks = chunks
        self.headers = headers
        self.status = 200


Answer = HttpResponse | HttpStream
Handler = Callable[[HttpRequest], Awaitable[Answer]]
