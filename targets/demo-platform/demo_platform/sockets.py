"""Sockets that listen, made by hand: asked for by name, an event loop starts threads to look it up,
and those cost each instance 1.5 MB."""

from __future__ import annotations

import os
import socket

from demo_platform.errors import DemoError

BACKLOG = 512


def listening(address: str, port: int) -> socket.socket:
    """A socket that listens at an IPv4 address. Raises DemoError when it cannot."""
    made = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    try:
        made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        made.setblocking(False)
        made.bind((address, port))
        made.listen(BACKLOG)
    except OSError as error:
        made.close()
        raise DemoError(
            f"cannot listen on {address}:{port}: {os.strerror(error.errno or 0)}",
            where=f"{address}:{port}",
            fix="stop what listens there: `ss -ltnp` shows it",
        ) from error
    return made
