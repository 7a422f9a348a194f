"""Standard streams that end no command, and change nothing of what its exit code says.

A reader may go away (`| head`), a stream may be closed (`>&-`), a disk full, an encoding too small
for a sign. What a command found is worth more than what it prints.
"""

from __future__ import annotations

import errno
import io
import os
import sys
from typing import TYPE_CHECKING, TextIO

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer

GONE = (errno.EPIPE, errno.EIO)
"""Nobody reads any more: the other end of a pipe, or a terminal that was closed."""


class _Outlet(io.FileIO):
    """A descriptor that goes on as /dev/null once it cannot be written to; `trouble` says why."""

    trouble: OSError | None = None

    def write(self, data: ReadableBuffer, /) -> int:
        try:
            return super().write(data)
        except OSError as error:
            self.trouble = error
            nowhere = os.open(os.devnull, os.O_WRONLY | os.O_CLOEXEC)
            os.dup2(nowhere, self.fileno())
            os.close(nowhere)
            return memoryview(data).nbytes


def open_streams() -> None:
    """Give this process three streams that can be used, whatever it was started with.

    A descriptor that is closed becomes /dev/null: else the next file that is opened would get its
    number, and what is printed would land in a journal.
    """
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            nowhere = os.open(os.devnull, os.O_RDWR)
            if nowhere != number:
                os.dup2(nowhere, number)
                os.close(nowhere)
            os.set_inheritable(number, True)
    if sys.stdin is None:
        sys.stdin = open(0, encoding="utf-8", closefd=False)  # noqa: SIM115 - for all our life
    sys.stdout = _outlet(1, sys.stdout)
    sys.stderr = _outlet(2, sys.stderr)


def _outlet(number: int, before: TextIO | None) -> TextIO:
    is_prompt = any(getattr(before, name, False) for name in ("line_buffering", "write_through"))
    return io.TextIOWrapper(
        io.BufferedWriter(_Outlet(number, "w", closefd=False)),
        encoding=before.encoding if before is not None else "utf-8",
        errors="backslashreplace",
        line_buffering=is_prompt or number == 2,
    )


def unwritten(stream: TextIO) -> str:
    """Why what was printed on a stream of ours is lost, though somebody wants it; else empty."""
    stream.flush()
    outlet = getattr(getattr(stream, "buffer", None), "raw", None)
    trouble = outlet.trouble if isinstance(outlet, _Outlet) else None
    if trouble is None or trouble.errno in GONE:
        return ""
    return trouble.strerror or str(trouble)
