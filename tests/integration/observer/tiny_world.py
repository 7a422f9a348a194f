"""A world of three instances on a bridge, to plant residue in: `python -m …tiny_world`.

Says `ready` when all listen; understands `replace N` (answers `replaced`); ends with its input.
Each instance is a process with its own network namespace, a veth on the bridge and an HTTP server.
"""

from __future__ import annotations

import http.server
import os
import signal
import socket
import sys
from pathlib import Path

from pyroute2 import IPRoute

from tests.integration.observer import kernel

Instances = dict[int, tuple[int, str]]


def main() -> None:
    """Make the world; the process that made the namespaces waits for its first member."""
    kernel.become_root_of_new_world()
    world = os.fork()
    if world == 0:
        _world()
        os._exit(0)
    os.waitpid(world, 0)


def _world() -> None:
    instances: Instances = {}
    with IPRoute() as ip:
        ip.link("add", ifname="br0", kind="bridge")
        bridge = ip.link_lookup(ifname="br0")[0]
        ip.addr("add", index=bridge, address="10.0.0.1", prefixlen=8)
        ip.link("set", index=bridge, state="up")
        for number in (1, 2, 3):
            instances[number] = _start(ip, bridge, number, f"10.1.{number}.10")
        print("ready", flush=True)
        for line in sys.stdin:
            number = int(line.split()[1])
            pid, address = instances[number]
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)
            head, _, tail = address.rpartition(".")
            instances[number] = _start(ip, bridge, number, f"{head}.{int(tail) + 1}")
            print("replaced", flush=True)


def _start(ip: IPRoute, bridge: int, number: int, address: str) -> tuple[int, str]:
    """Fork an instance, wire it up, and wait until it listens."""
    mine, its = socket.socketpair()
    pid = os.fork()
    if pid == 0:
        mine.close()
        _instance(its, address)
    its.close()
    mine.recv(1)
    name = f"v{number}x{address.rpartition('.')[2]}"
    ip.link(
        "add",
        ifname=name,
        kind="veth",
        peer={"ifname": "eth0", "net_ns_fd": f"/proc/{_host(pid)}/ns/net"},
    )
    index = ip.link_lookup(ifname=name)[0]
    ip.link("set", index=index, master=bridge, state="up")
    mine.send(b"w")
    mine.recv(1)
    return pid, address


def _host(pid: int) -> int:
    """The machine's number of one of our children: /proc here is still the machine's."""
    children = (Path("/proc") / Path("/proc/thread-self").readlink() / "children").read_text()
    for text in children.split():
        status = Path(f"/proc/{text}/status").read_text()
        if int(status.partition("NSpid:")[2].splitlines()[0].split()[-1]) == pid:
            return int(text)
    raise ProcessLookupError(pid)


def _instance(parent: socket.socket, address: str) -> None:
    kernel.unshare(kernel.NEW_NET)
    parent.send(b"n")
    parent.recv(1)
    with IPRoute() as ip:
        for name in ("lo", "eth0"):
            ip.link("set", index=ip.link_lookup(ifname=name)[0], state="up")
        ip.addr("add", index=ip.link_lookup(ifname="eth0")[0], address=address, prefixlen=8)
    server = http.server.HTTPServer(("0.0.0.0", 8080), _Hello)
    parent.send(b"l")
    server.serve_forever()


class _Hello(http.server.BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Say nothing."""


if __name__ == "__main__":
    main()
