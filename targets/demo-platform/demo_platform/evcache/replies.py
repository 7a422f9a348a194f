"""What a node says, cut into replies, whatever pieces it comes in. Pure.

Replies come in the order of the requests and do not say to which they belong, so the reader is told
what kind it is to expect. What is no reply at all is Broken: after it nothing can be believed.
"""

from __future__ import annotations

from enum import Enum

REPLY_BYTES_MAX = 8 * 1024 * 1024
_LINE_BYTES_MAX = 2048
_ERRORS = (b"ERROR", b"CLIENT_ERROR", b"SERVER_ERROR")
_END = b"END"

Values = dict[bytes, tuple[int, bytes]]
"""Flags and data by key."""

Reply = bytes | Values
"""A line, without its end, or what was found. An error is a line, whatever was asked."""


class Expect(Enum):
    """The kind of a reply: one line, or values and END."""

    LINE = "line"
    VALUES = "values"


class Broken(Exception):
    """The peer does not speak the protocol."""


class ReplyReader:
    """Replies of one connection."""

    def __init__(self) -> None:
        self._buffer = b""
        self._at = 0
        self._later: list[bytes] = []
        self._missing = 0
        self._found: Values = {}
        self._found_bytes = 0

    def feed(self, data: bytes) -> None:
        """Take what has come in."""
        self._missing -= len(data)
        if self._missing > 0:
            self._later.append(data)
            return
        if self._at < len(self._buffer) or self._later:
            self._buffer = b"".join((self._buffer[self._at :], *self._later, data))
            self._later.clear()
        else:
            self._buffer = data
        self._at = 0

    @property
    def is_empty(self) -> bool:
        """Whether everything that came in has been read."""
        return self._at >= len(self._buffer) and not self._later

    def next(self, expects: Expect) -> Reply | None:
        """The next reply; None when it is not all there. Raises Broken."""
        while True:
            if self._later:
                return None
            end = self._buffer.find(b"\r\n", self._at)
            if end < 0:
                if len(self._buffer) - self._at > _LINE_BYTES_MAX:
                    raise Broken("a line without an end")
                return None
            line = self._buffer[self._at : end]
            if expects is Expect.LINE:
                self._at = end + 2
                return line
            if line == _END:
                self._at = end + 2
                found, self._found, self._found_bytes = self._found, {}, 0
                return found
            if line.startswith(_ERRORS):
                self._at = end + 2
                self._found, self._found_bytes = {}, 0
                return line
            if not self._take_value(line, end + 2):
                return None

    def _take_value(self, line: bytes, begins: int) -> bool:
        words = line.split(b" ")
        if len(words) not in {4, 5} or words[0] != b"VALUE":
            raise Broken(f"not a value: {line[:80]!r}")
        if not (words[2].isdigit() and words[3].isdigit() and len(words[3]) < 10):
            raise Broken(f"not a value: {line[:80]!r}")
        ends = begins + int(words[3])
        if self._found_bytes + int(words[3]) > REPLY_BYTES_MAX:
            raise Broken(f"more than {REPLY_BYTES_MAX} bytes in a reply")
        self._missing = ends + 2 - len(self._buffer)
        if self._missing > 0:
            return False
        if not self._buffer.startswith(b"\r\n", ends):
            raise Broken("a value that does not end where it should")
        self._found[words[1]] = int(words[2]), self._buffer[begins:ends]
        self._found_bytes += int(words[3])
        self._at = ends + 2
        return True
