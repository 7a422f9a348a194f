"""The splice: one process that copies the frames of links, and impairs what leaves an instance.

    instance e0 ── v17 ══ this process ══ cs…p ── cs…b ── bridge

It is started by the helper in the world's root network namespace, as
`python -m chaosctl.drivers.network.splice <record> <orders as JSON>`, in a session of its own. It
says `ready` once the links go through it. It lets go, which means that it puts the links back
where they were, at its own deadline, at SIGTERM, and when the world has ended. If it is killed the
links stay cut until the record is undone.

Frames are read with their virtio header (PACKET_VNET_HDR): so a segment of 64 KB that the
instance's kernel left whole, with a checksum still to be made, goes on as it is, and nothing has to
be switched off inside the instance.
"""

from __future__ import annotations

import json
import os
import random
import select
import signal
import socket
import sys
import time
import zlib
from collections.abc import Sequence
from dataclasses import dataclass

from pyroute2.netlink.exceptions import NetlinkError

from chaosctl.drivers.network import links
from chaosctl.drivers.network.delay import HeldFrames
from chaosctl.drivers.network.impairing import ImpairedWay, Impairment
from chaosctl.procfs import open_process

READY = b"ready\n"

_ETH_P_ALL = 0x0003
_SOL_PACKET = 263
_PACKET_VNET_HDR = 15
_PACKET_IGNORE_OUTGOING = 23
_FRAME_BYTES_MAX = 70_000
_RECEIVE_BUFFER_BYTES = 4 * 1024 * 1024
_FRAMES_IN_A_ROW = 64


@dataclass(frozen=True, slots=True)
class Orders:
    """What a splice is told. Ends with the process world_pid, or after for_ms."""

    links: tuple[str, ...]
    impairment: Impairment
    for_ms: int
    world_pid: int
    world_ticks: int


@dataclass(slots=True)
class _Way:
    """One direction of one link: where frames come from and go; None: they pass unharmed."""

    source: socket.socket
    sink: socket.socket
    impaired: ImpairedWay | None


def main(arguments: Sequence[str]) -> int:
    """Splice the links of a record until told to let go."""
    record, orders = arguments[0], _read_orders(arguments[1])
    deadline_s = time.monotonic() + orders.for_ms / 1000
    stop_fd = _stop_signal_fd()
    world_fd = open_process(orders.world_pid, orders.world_ticks)
    if world_fd is None:
        return 0
    try:
        rng = random.Random(zlib.crc32(record.encode()))  # noqa: S311 - same record, same chance
        ways = _take_links(record, orders, rng)
        os.write(1, READY)
        os.close(1)
        what = orders.impairment
        frames = HeldFrames(what.delay_ms / 1000, what.jitter_ms / 1000, rng)
        _copy(ways, frames, [stop_fd, world_fd], deadline_s)
    except (links.LinkTaken, NetlinkError) as error:
        os.write(1, f"{error}\n".encode())
        return 1
    finally:
        with links.opened() as netlink:
            links.put_back(netlink, record)
    return 0


def _read_orders(text: str) -> Orders:
    data = json.loads(text)
    impairment = Impairment(**data["impairment"])
    return Orders(**{**data, "links": tuple(data["links"]), "impairment": impairment})


def _stop_signal_fd() -> int:
    """A descriptor that becomes readable at SIGTERM; the other polite signals are ignored."""
    read_fd, write_fd = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
    signal.set_wakeup_fd(write_fd)
    signal.signal(signal.SIGTERM, lambda *_: None)
    for ignored in (signal.SIGINT, signal.SIGHUP):
        signal.signal(ignored, signal.SIG_IGN)
    return read_fd


def _take_links(record: str, orders: Orders, rng: random.Random) -> list[_Way]:
    """Take each link and bind to both of its sides, before the bridge sees the stand-in.

    Bound earlier, frames would be copied that the bridge has delivered already.
    """
    ways: list[_Way] = []
    with links.opened() as netlink:
        for index, name in enumerate(orders.links):
            taken = links.take_out(netlink, record, index, name)
            instance, world = _bound(taken.link), _bound(taken.stand_in)
            outwards = ImpairedWay(orders.impairment, rng)
            ways += [_Way(instance, world, outwards), _Way(world, instance, None)]
            links.stand_in(netlink, record, index, name)
    return ways


def _bound(interface: str) -> socket.socket:
    """A socket for all frames that come in on an interface, not for those that we send there."""
    packets = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
    packets.setblocking(False)
    packets.setsockopt(_SOL_PACKET, _PACKET_VNET_HDR, 1)
    packets.setsockopt(_SOL_PACKET, _PACKET_IGNORE_OUTGOING, 1)
    packets.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _RECEIVE_BUFFER_BYTES)
    packets.bind((interface, _ETH_P_ALL))
    return packets


def _copy(ways: list[_Way], frames: HeldFrames, stop_fds: list[int], deadline_s: float) -> None:
    """Copy until the deadline or until one of stop_fds is readable; then let the held ones go."""
    by_fd = {way.source.fileno(): index for index, way in enumerate(ways)}
    while (now_s := time.monotonic()) < deadline_s:
        next_s = min(frames.next_due_s() or deadline_s, deadline_s)
        ready, _, _ = select.select([*by_fd, *stop_fds], [], [], max(0.0, next_s - now_s))
        if not set(ready).isdisjoint(stop_fds):
            break
        for fd in ready:
            if not _receive(ways, by_fd[fd], frames):
                del by_fd[fd]
        _send(ways, frames, time.monotonic())
    _send(ways, frames, float("inf"))


def _receive(ways: list[_Way], index: int, frames: HeldFrames) -> bool:
    """Take in what has come one way; False if its interface is gone."""
    way = ways[index]
    for _ in range(_FRAMES_IN_A_ROW):
        try:
            frame = way.source.recv(_FRAME_BYTES_MAX)
        except BlockingIOError:
            return True
        except OSError:  # the interface is down or gone, with its instance
            return _is_up(way.source)
        if way.impaired is None:
            _emit(way.sink, frame)
            continue
        now_s = time.monotonic()
        for sent in way.impaired.fates(frame, now_s):
            frames.hold(index, sent.frame, now_s, wait_s=sent.wait_s, held_s=sent.held_s)
    return True


def _send(ways: list[_Way], frames: HeldFrames, now_s: float) -> None:
    for index, frame in frames.due(now_s):
        _emit(ways[index].sink, frame)


def _emit(sink: socket.socket, frame: bytes) -> None:
    """Send, or lose the frame as a full or vanished link would lose it."""
    try:
        sink.send(frame)
    except OSError:
        return


def _is_up(packets: socket.socket) -> bool:
    """Whether the socket's interface still exists; a vanished one leaves the name empty."""
    return bool(packets.getsockname()[0])


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
