"""A world of a few instances, made by the kernel's own calls: no product code in it.

`SmallWorld(2)` is a process with a user and a network namespace, a bridge, and two instances with
a network namespace each, all of which accept connections on port 8080 and echo what they get.
It prints who is who as JSON and lives until its stdin closes.
"""

from __future__ import annotations

import ctypes
import fcntl
import json
import os
import socket
import struct
import subprocess
import sys
import threading
from contextlib import suppress
from pathlib import Path

NEW_USER, NEW_NET = 0x10000000, 0x40000000
PORT = 8080
LIBC = ctypes.CDLL(None, use_errno=True)


class SmallWorld:
    """The world seen from outside; a context manager."""

    def __init__(self, count: int) -> None:
        self._process = subprocess.Popen(
            [sys.executable, __file__, str(count)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        line = self._process.stdout.readline()
        if not line:
            raise OSError("this kernel gives no namespaces to this user")
        self.world, self.instances = json.loads(line)

    def __enter__(self) -> SmallWorld:
        return self

    def __exit__(self, *_: object) -> None:
        self.end()

    def end(self) -> None:
        """The world and everything in it are gone."""
        for instance in self.instances:
            with suppress(ProcessLookupError):
                os.kill(instance["pid"], 9)
        self._process.kill()
        self._process.communicate()


def ticks_of(pid: int) -> int:
    return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[19])


def unshare(kinds: int) -> None:
    if LIBC.unshare(kinds):
        raise OSError(ctypes.get_errno(), "unshare")


def serve(address: str) -> None:
    listener = socket.create_server((address, PORT), backlog=64)
    while True:
        connection, _ = listener.accept()
        threading.Thread(target=echo, args=(connection,), daemon=True).start()


def echo(connection: socket.socket) -> None:
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    with suppress(OSError):
        while data := connection.recv(1 << 16):
            connection.sendall(data)


def netlink(code: str) -> None:
    """In a process of its own: pyroute2 must not be where somebody forks."""
    program = "from pyroute2 import IPRoute\nwith IPRoute() as ip:\n" + "".join(
        f"    {line}\n" for line in code.splitlines()
    )
    subprocess.run([sys.executable, "-c", program], check=True)


def up(name: str, address: str = "") -> None:
    """By ioctl: a link of this namespace gets its address (/8), and goes up."""
    with socket.socket() as control:
        for request, value in ((0x8916, address), (0x891C, "255.0.0.0")) if address else ():
            inet = struct.pack("=HH4s8x", socket.AF_INET, 0, socket.inet_aton(value))
            fcntl.ioctl(control, request, struct.pack("16s", name.encode()) + inet)
        fcntl.ioctl(control, 0x8914, struct.pack("16sH22x", name.encode(), 0x41))


def instance(address: str, ready: int, go: int) -> None:
    LIBC.prctl(1, 9)  # die with the world
    unshare(NEW_NET)
    os.write(ready, b"1")
    os.read(go, 1)
    up("lo")
    up("e0", address)
    os.write(ready, b"1")
    serve(address)


def build(count: int) -> None:
    uid, gid = os.getuid(), os.getgid()
    unshare(NEW_USER | NEW_NET)
    Path("/proc/self/setgroups").write_text("deny")
    Path("/proc/self/uid_map").write_text(f"0 {uid} 1")
    Path("/proc/self/gid_map").write_text(f"0 {gid} 1")
    ready, told = os.pipe()
    go, say = os.pipe()
    wiring = [
        "ip.link('add', ifname='br0', kind='bridge', address='02:00:0a:00:00:01', state='up')",
        "b = ip.link_lookup(ifname='br0')[0]",
    ]
    found = []
    for number in range(count):
        address, link = f"10.1.{number + 1}.10", f"v{number}"
        pid = os.fork()
        if pid == 0:
            instance(address, told, go)
        peer = {"ifname": "e0", "net_ns_fd": f"/proc/{pid}/ns/net"}
        wiring.append(f"ip.link('add', ifname={link!r}, kind='veth', peer={peer!r})")
        wiring.append(f"i = ip.link_lookup(ifname={link!r})[0]")
        wiring.append("ip.link('set', index=i, master=b, state='up')")
        found.append({"pid": pid, "ticks": ticks_of(pid), "address": address, "link": link})
    wait_for(ready, count)
    netlink("\n".join(wiring))
    up("lo")
    up("br0", "10.0.0.1")
    os.write(say, b"1" * count)
    wait_for(ready, count)
    world = {"pid": os.getpid(), "ticks": ticks_of(os.getpid())}
    print(json.dumps([world, found]), flush=True)
    sys.stdin.read()


def wait_for(ready: int, count: int) -> None:
    while count:
        count -= len(os.read(ready, count))


if __name__ == "__main__":
    build(int(sys.argv[1]))
