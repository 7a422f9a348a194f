"""Looking up a name where an instance is, by the C library with the instance's own files.

Each look-up is a process of its own: it goes into the instance's network and mounts, asks, says
what came of it, and ends. A name server is asked itself, from the world's root.
"""

from __future__ import annotations

import ctypes
import json
import os
import select
import signal
import socket
import time
from collections.abc import Sequence
from typing import Any, NoReturn

import dns.exception
import dns.message
import dns.rcode

from chaosctl.drivers.network.namespaces import Denied, Door, Gone, Place

_CLONE_NEWNS = 0x00020000
_DNS_PORT = 53
_SERVER_WITHIN_S = 1.0
_LIBC = ctypes.CDLL(None, use_errno=True)

Told = dict[str, Any]


def resolve(
    door: Door, world: Place, wanted: Sequence[tuple[Place, str, str]], within_s: float
) -> list[Told]:
    """What came of each look-up: `answer` (address, no name, none) and `took_ms`.

    wanted: an instance, the name, and the address of the server if it is one, else empty.
    """
    waiting: dict[int, int] = {}
    for index, (place, name, server) in enumerate(wanted):
        said, to_say = os.pipe()
        if os.fork() == 0:
            os.close(said)
            signal.setitimer(signal.ITIMER_REAL, within_s)  # a process that hangs is ended by it
            _look_up(to_say, door, world if server else place, name, server)
        os.close(to_say)
        waiting[said] = index
    began_s = time.monotonic()
    nothing: Told = {"answer": "none", "took_ms": within_s * 1000}
    told = [nothing for _ in wanted]
    while waiting and (left_s := began_s + within_s - time.monotonic()) > 0:
        for fd in select.select(list(waiting), [], [], left_s)[0]:
            words = os.read(fd, 4096)
            index = waiting.pop(fd)
            os.close(fd)
            if words:
                told[index] = json.loads(words)
    for fd in waiting:
        os.close(fd)  # its process ends by itself
    return told


def _look_up(to_say: int, door: Door, place: Place, name: str, server: str) -> NoReturn:
    """Be the process that looks up; it says nothing where it cannot."""
    code = 1
    try:
        with door.network_of(place):
            if not server:
                _enter_mounts(place)
            began_s = time.monotonic()
            answer = ask_server(name, server) if server else ask_c_library(name)
            took_ms = (time.monotonic() - began_s) * 1000
        os.write(to_say, json.dumps({"answer": answer, "took_ms": took_ms}).encode())
        code = 0
    except (Gone, Denied, OSError):
        code = 1
    finally:
        os._exit(code)


def ask_c_library(name: str) -> str:
    """As any program asks."""
    try:
        socket.getaddrinfo(name.encode(), None, socket.AF_INET, socket.SOCK_STREAM)
    except socket.gaierror as error:
        return "no name" if error.errno == socket.EAI_NONAME else "none"
    return "address"


def ask_server(name: str, server: str, *, port: int = _DNS_PORT) -> str:
    """One question to one server."""
    question = dns.message.make_query(name, "A")
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as datagrams:
        datagrams.settimeout(_SERVER_WITHIN_S)
        try:
            datagrams.connect((server, port))
            datagrams.send(question.to_wire())
            answer = dns.message.from_wire(datagrams.recv(4096))
        except (OSError, dns.exception.DNSException):
            return "none"
    if answer.rcode() == dns.rcode.NXDOMAIN:
        return "no name"
    return "address" if answer.rcode() == dns.rcode.NOERROR and answer.answer else "none"


def _enter_mounts(place: Place) -> None:
    """See the files that the process sees. Raises OSError when it is gone or not ours."""
    fd = os.open(f"/proc/{place.pid}/ns/mnt", os.O_RDONLY | os.O_CLOEXEC)
    try:
        if os.fstat(fd).st_ino == os.stat("/proc/self/ns/mnt").st_ino:  # noqa: PTH116
            return
        if _LIBC.setns(fd, _CLONE_NEWNS):
            number = ctypes.get_errno()
            raise OSError(number, f"setns: {os.strerror(number)}")
    finally:
        os.close(fd)
