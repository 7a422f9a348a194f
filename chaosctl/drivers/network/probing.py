"""Probes: connect to many addresses at once and time the answers. Standard library only."""

from __future__ import annotations

import errno
import select
import socket
import time
from collections.abc import Callable, Sequence

_PENDING = (0, errno.EINPROGRESS)
_ANSWERED = (0, errno.ECONNREFUSED)
"""A refused connection is an answer too: the host is there, its process is not."""


def probe(
    addresses: Sequence[tuple[str, int]],
    *,
    timeout_ms: float,
    clock: Callable[[], float] = time.monotonic,
) -> list[float | None]:
    """Round trip in ms to each (address, port), None if it did not answer in time.

    From the network namespace this thread is in. If any did not answer, this takes the whole
    timeout even where the kernel knew at once, so that missed probes are as far apart as was said.
    """
    answers: list[float | None] = [None] * len(addresses)
    deadline = clock() + timeout_ms / 1000
    poller = select.poll()
    waiting: dict[int, tuple[int, socket.socket, float]] = {}
    for index, (address, port) in enumerate(addresses):
        connection = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        connection.setblocking(False)
        begun = clock()
        if connection.connect_ex((address, port)) not in _PENDING:
            connection.close()
            continue
        waiting[connection.fileno()] = (index, connection, begun)
        poller.register(connection, select.POLLOUT)
    while waiting and (left := deadline - clock()) > 0:
        for fd, _ in poller.poll(left * 1000):
            index, connection, begun = waiting.pop(fd)
            if connection.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR) in _ANSWERED:
                answers[index] = (clock() - begun) * 1000
            poller.unregister(fd)
            connection.close()
    for _, connection, _ in waiting.values():
        connection.close()
    if None in answers and (left := deadline - clock()) > 0:
        select.select([], [], [], left)
    return answers
