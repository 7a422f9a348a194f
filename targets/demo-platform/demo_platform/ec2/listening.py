"""Where the APIs listen: on the host's loopback address, although the world has its own network.

A socket stays in the network namespace that it was made in. So the keeper, on the host, makes the
listening one, and the supervisor, inside the world, accepts on it: nothing is forwarded, and when
either is gone, so is the port.
"""

from __future__ import annotations

import errno
import os
import socket

from demo_platform.errors import DemoError
from demo_platform.settings import AUTO, OFF

HOST = "127.0.0.1"
USUAL_PORT = 7980
_BACKLOG = 64


def listen(port: int) -> socket.socket | None:
    """The listening socket; None when it is to be OFF. AUTO is the usual port, or any free one.

    Raises DemoError when a port that was asked for is busy.
    """
    if port == OFF:
        return None
    if port != AUTO:
        return _bind(port)
    try:
        return _bind(USUAL_PORT)
    except DemoError:
        return _bind(0)


def url_of(listening: socket.socket) -> str:
    """What clients are to be told."""
    return f"http://{HOST}:{listening.getsockname()[1]}"


def _bind(port: int) -> socket.socket:
    listening = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    # A port is free again at once after the world that had it; never shared with a living one.
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listening.bind((HOST, port))
        listening.listen(_BACKLOG)
    except OSError as error:
        listening.close()
        what = "port is in use" if error.errno == errno.EADDRINUSE else "cannot listen"
        raise DemoError(
            f"{what}: {os.strerror(error.errno or 0)}",
            where=f"{HOST}:{port}",
            fix="stop what listens there (`ss -ltnp` shows it), or choose another --aws-port",
        ) from error
    return listening
