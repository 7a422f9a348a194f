"""Looks into network namespaces from a fresh single-threaded process: `python -m …inside`.

Request on standard input: `{"spaces": [{"id", "path"}], "probe_timeout_s": 0.7}`, where path is
anything that opens the namespace. Answer on standard output: `{"spaces": [...], "answers": {...}}`.
Spaces are grouped by the user namespace that owns them: an ordinary user has to enter that first,
and can't come back, so each group is looked at by a child of its own.
"""

from __future__ import annotations

import ctypes
import fcntl
import json
import os
import selectors
import socket
import sys
import time
from pathlib import Path
from typing import Any, cast

from tests.integration.observer import netlink

GET_OWNER = 0xB701  # NS_GET_USERNS
NEW_USER, NEW_NET = 0x10000000, 0x40000000
LISTENING = "0A"
REQUEST = b"GET /healthcheck HTTP/1.1\r\nHost: observer\r\nConnection: close\r\n\r\n"

Space = dict[str, Any]
libc = ctypes.CDLL(None, use_errno=True)


def main() -> None:
    """Answer the request on standard input."""
    request = json.load(sys.stdin)
    groups: dict[tuple[int, int], list[tuple[Space, int]]] = {}
    owners: dict[tuple[int, int], int] = {}
    for space in request["spaces"]:
        try:
            entry = os.open(space["path"], os.O_RDONLY)
            owner = _owner(entry)
        except OSError:  # gone since the list was made: no longer there, so nothing to tell
            continue
        key = _identity(owner) if owner >= 0 else (0, 0)
        owners.setdefault(key, owner)
        groups.setdefault(key, []).append((space, entry))
    answer: dict[str, Any] = {"spaces": [], "answers": {}}
    for key, members in groups.items():
        part = _in_child(owners[key], members, float(request["probe_timeout_s"]))
        answer["spaces"] += part["spaces"]
        answer["answers"].update(part["answers"])
    json.dump(answer, sys.stdout)


def _owner(entry: int) -> int:
    """Descriptor of the owning user namespace; -1 where it is above ours."""
    try:
        return fcntl.ioctl(entry, GET_OWNER)
    except PermissionError:
        return -1


def _identity(descriptor: int) -> tuple[int, int]:
    status = os.fstat(descriptor)
    return status.st_dev, status.st_ino


def _in_child(owner: int, members: list[tuple[Space, int]], timeout_s: float) -> dict[str, Any]:
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(reader)
        result = _look(owner, members, timeout_s)
        with os.fdopen(writer, "w") as stream:
            json.dump(result, stream)
        os._exit(0)
    os.close(writer)
    with os.fdopen(reader) as stream:
        text = stream.read()
    os.waitpid(child, 0)
    return json.loads(text) if text else {"spaces": [], "answers": {}}


def _look(owner: int, members: list[tuple[Space, int]], timeout_s: float) -> dict[str, Any]:
    mine = _identity(os.open("/proc/self/ns/user", os.O_RDONLY))
    if os.geteuid() != 0 and owner >= 0 and _identity(owner) != mine:
        libc.setns(owner, NEW_USER)
    spaces, bridge = [], -1
    for space, entry in members:
        if libc.setns(entry, NEW_NET) != 0 and space["path"] != "/proc/self/ns/net":
            spaces.append({"id": space["id"], "error": os.strerror(ctypes.get_errno())})
            continue
        seen = _contents(space)
        spaces.append(seen)
        if any(link["kind"] == "bridge" for link in seen["links"]):
            bridge = entry
    answers: dict[str, bool] = {}
    if bridge >= 0 and libc.setns(bridge, NEW_NET) == 0:
        answers = _probe(_places(spaces), timeout_s)
    return {"spaces": spaces, "answers": answers}


def _contents(space: Space) -> Space:
    return {
        "id": space["id"],
        "error": "",
        "links": netlink.links(),
        "addresses": netlink.addresses(),
        "queues": netlink.queues(),
        "dead_routes": netlink.dead_routes(),
        "rules": netlink.rulesets(),
        "listening": _listening(),
    }


def _listening() -> list[int]:
    ports = []
    for line in Path("/proc/thread-self/net/tcp").read_text().splitlines()[1:]:
        fields = line.split()
        address, port = fields[1].split(":")
        if fields[3] == LISTENING and not address.endswith("7F"):
            ports.append(int(port, 16))
    return sorted(ports)


def _places(spaces: list[Space]) -> list[tuple[str, int]]:
    """Where the instances listen: everything but the space that has the bridge."""
    return [
        (address, port)
        for space in spaces
        if not space["error"] and not any(link["kind"] == "bridge" for link in space["links"])
        for address in space["addresses"]
        for port in space["listening"]
    ]


def _probe(places: list[tuple[str, int]], timeout_s: float) -> dict[str, bool]:
    """Whether each place answers a request, all asked at once.

    What speaks another protocol than HTTP may say so in its own words or hang up: who hangs up is
    alive, too; who is stopped does neither. Nothing more is sent, so that who waits for more than
    this hangs up (a frame of RSocket begins with its length).
    """
    answers = {f"{address}:{port}": False for address, port in places}
    deadline = time.monotonic() + timeout_s
    with selectors.DefaultSelector() as waiting:
        for place in places:
            channel = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
            channel.setblocking(False)
            channel.connect_ex(place)
            waiting.register(channel, selectors.EVENT_WRITE, place)
        while waiting.get_map() and (left := deadline - time.monotonic()) > 0:
            for key, events in waiting.select(left):
                channel, (address, port) = cast(socket.socket, key.fileobj), key.data
                try:
                    if events & selectors.EVENT_WRITE:
                        channel.send(REQUEST)
                        channel.shutdown(socket.SHUT_WR)
                        waiting.modify(channel, selectors.EVENT_READ, key.data)
                        continue
                    channel.recv(64)
                    answers[f"{address}:{port}"] = True
                except ConnectionResetError:
                    answers[f"{address}:{port}"] = True
                except OSError:
                    pass  # refused or unreachable: stays False
                waiting.unregister(channel)
                channel.close()
    return answers


if __name__ == "__main__":
    main()
