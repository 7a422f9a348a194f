"""A world, the product's helper, and an observer that shares no code with the product."""

from __future__ import annotations

import ctypes
import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from chaosctl.drivers.network.helper import NetworkHelper
from monkeys.target import Instance, UndoRecord
from tests.small_world import PORT, SmallWorld

LIBC = ctypes.CDLL(None, use_errno=True)


class Observer:
    """Goes into a namespace by itself and runs a few lines of Python there."""

    def __init__(self, world: SmallWorld) -> None:
        self.world = world

    def see(self, code: str, at: int | None = None) -> object:
        """What the code prints as JSON, from the world's root or from the nth instance."""
        pid = self.world.world["pid"] if at is None else self.world.instances[at]["pid"]
        done = subprocess.run(
            [sys.executable, "-c", code],
            capture_output=True,
            text=True,
            timeout=30,
            check=True,
            preexec_fn=lambda: enter(pid),
        )
        return json.loads(done.stdout)

    def reaches(self, address: str, at: int | None = None, timeout_s: float = 0.4) -> bool:
        code = (
            "import socket, json\n"
            "try:\n"
            f"    socket.create_connection(({address!r}, {PORT}), {timeout_s}).close()\n"
            "    print('true')\n"
            "except OSError:\n"
            "    print('false')\n"
        )
        return bool(self.see(code, at))

    def tables(self, at: int) -> list[list[object]]:
        """Raw netlink dump of tables, chains and rules: every byte the kernel says."""
        return self.see(DUMP, at)

    def links(self) -> dict[str, list[str]]:
        """Name of each link of the root, with its bridge and alias, from /sys as seen there."""
        return self.see(LINKS)


DUMP = """
import json, os, socket, struct
s = socket.socket(16, 3, 12)
out = []
for kind in (0xA01, 0xA04, 0xA07, 0xA0A):
    s.send(struct.pack("=LHHLLBBH", 20, kind, 0x301, 1, 0, 0, 0, 0))
    done = False
    while not done:
        data = s.recv(1 << 20)
        while data:
            length, found = struct.unpack_from("=LH", data)
            done = done or found == 3
            if found not in (2, 3):
                out.append([kind, data[20:length].hex()])
            data = data[(length + 3) & ~3:]
print(json.dumps(out))
"""

LINKS = """
import json
from pyroute2 import IPRoute
with IPRoute() as ip:
    names = {m["index"]: m.get_attr("IFLA_IFNAME") for m in ip.get_links()}
    print(json.dumps({
        m.get_attr("IFLA_IFNAME"): [
            names.get(m.get_attr("IFLA_MASTER"), ""),
            m.get_attr("IFLA_IFALIAS") or "",
            "NOARP" if m["flags"] & 0x80 else "",
        ]
        for m in ip.get_links()
    }))
"""


def enter(pid: int) -> None:
    for kind, flag in (("user", 0x10000000), ("net", 0x40000000)):
        fd = os.open(f"/proc/{pid}/ns/{kind}", os.O_RDONLY)
        if LIBC.setns(fd, flag):
            os._exit(99)
        os.close(fd)


def start_in(pid: int, code: str, *arguments: str) -> subprocess.Popen[str]:
    """A Python program in the namespaces of a process."""
    return subprocess.Popen(
        [sys.executable, "-c", code, *arguments],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        preexec_fn=lambda: enter(pid),  # noqa: PLW1509 - there is one thread here
    )


@pytest.fixture
def world():
    if not Path("/proc/self/ns/user").exists():
        pytest.skip("this kernel has no user namespaces")
    with SmallWorld(3) as made:
        yield made


@pytest.fixture
def observer(world):
    return Observer(world)


@pytest.fixture
def helper():
    made = NetworkHelper()
    yield made
    made.close()


@pytest.fixture
def record(world):
    """Makes a record of some mechanism for some instances of the world."""

    def make(
        mechanism: str, detail: dict[str, object], *numbers: int, for_ms=20_000, id_="r1"
    ) -> UndoRecord:
        return UndoRecord(
            id_,
            "test",
            "demo",
            mechanism,
            tuple(instance_of(world, number) for number in numbers),
            time.time_ns() // 1_000_000 + for_ms,
            detail,
        )

    return make


def instance_of(world: SmallWorld, number: int) -> Instance:
    seen = world.instances[number]
    return Instance(
        id=f"i-{number}",
        service="s",
        group="g",
        region="r",
        zone=f"z{number}",
        address=seen["address"],
        handle={
            "pid": seen["pid"],
            "started_ticks": seen["ticks"],
            "link": seen["link"],
            "port": PORT,
            "world_pid": world.world["pid"],
            "world_started_ticks": world.world["ticks"],
        },
    )
