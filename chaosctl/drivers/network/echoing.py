"""Bursts of echo requests (ICMP) to many addresses, and what comes back. Standard library only.

By a raw socket, which shows answers that a checksum would have thrown away; it needs the right to
have one, which whoever has entered a world's user namespace has there.
"""

from __future__ import annotations

import os
import select
import socket
import struct
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

_REQUEST, _ANSWER = 8, 0
_SOL_RAW, _ICMP_FILTER = 255, 1
_HEADER = struct.Struct("!BBHHH")
_IP_BYTES = 20
_RECEIVE_BUFFER_BYTES = 4 * 1024 * 1024
_SETTLED_S = 0.15
"""Once every answer is there, doubles and damaged ones are waited for so much longer."""


@dataclass(slots=True)
class _Burst:
    """What has come back from one address."""

    answered: set[int] = field(default_factory=set)
    latest: int = -1
    duplicated: int = 0
    overtaken: int = 0
    corrupted: int = 0
    last_s: float = 0.0

    def take(self, sequence: int, *, is_as_sent: bool, now_s: float) -> None:
        self.last_s = now_s
        if not is_as_sent:
            self.corrupted += 1
        elif sequence in self.answered:
            self.duplicated += 1
        else:
            self.answered.add(sequence)
            self.overtaken += sequence < self.latest
            self.latest = max(self.latest, sequence)


def echo(
    addresses: Sequence[str],
    *,
    count: int,
    size_bytes: int,
    timeout_ms: float,
    clock: Callable[[], float] = time.monotonic,
) -> list[dict[str, float]]:
    """Send count requests to each address, round by round; the fields of its `Echoes` for each.

    Waits for answers for timeout_ms after the last request at most.
    """
    bursts = {address: _Burst() for address in addresses}
    filler = os.urandom(max(0, size_bytes - _IP_BYTES - _HEADER.size))
    mark = int.from_bytes(os.urandom(2), "big")
    begun_s = clock()
    with socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP) as raw:
        raw.setblocking(False)
        raw.setsockopt(_SOL_RAW, _ICMP_FILTER, struct.pack("=I", ~(1 << _ANSWER) & 2**32 - 1))
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _RECEIVE_BUFFER_BYTES)
        for sequence in range(count):
            request = _request(mark, sequence, filler)
            for address in addresses:
                _send(raw, request, address)
            _receive(raw, bursts, mark, filler, clock)
        until_s = clock() + timeout_ms / 1000
        while (left_s := until_s - clock()) > 0:
            if select.select([raw], [], [], left_s)[0]:
                _receive(raw, bursts, mark, filler, clock)
            if all(len(burst.answered) == count for burst in bursts.values()):
                until_s = min(until_s, clock() + _SETTLED_S)
    return [_told(bursts[address], count, size_bytes, begun_s) for address in addresses]


def _request(mark: int, sequence: int, filler: bytes) -> bytes:
    message = _HEADER.pack(_REQUEST, 0, 0, mark, sequence) + filler
    padded = message + b"\0" * (len(message) % 2)
    total = sum(struct.unpack(f"!{len(padded) // 2}H", padded))
    total = (total & 0xFFFF) + (total >> 16)
    total = (total & 0xFFFF) + (total >> 16)
    return _HEADER.pack(_REQUEST, 0, ~total & 0xFFFF, mark, sequence) + filler


def _send(raw: socket.socket, request: bytes, address: str) -> None:
    """Send, or lose it: an address without a way to it does not answer either."""
    try:
        raw.sendto(request, (address, 0))
    except OSError:
        return


def _receive(
    raw: socket.socket,
    bursts: dict[str, _Burst],
    mark: int,
    filler: bytes,
    clock: Callable[[], float],
) -> None:
    """Take in what is there."""
    while True:
        try:
            packet, (address, _) = raw.recvfrom(1 << 16)
        except BlockingIOError:
            return
        message = packet[(packet[0] & 0xF) * 4 :]
        if address not in bursts or len(message) < _HEADER.size:
            continue
        _, _, _, found, sequence = _HEADER.unpack_from(message)
        is_as_sent = found == mark and message[_HEADER.size :] == filler
        bursts[address].take(sequence, is_as_sent=is_as_sent, now_s=clock())


def _told(burst: _Burst, count: int, size_bytes: int, begun_s: float) -> dict[str, float]:
    return {
        "sent": count,
        "size_bytes": size_bytes,
        "answered": len(burst.answered),
        "duplicated": burst.duplicated,
        "overtaken": burst.overtaken,
        "corrupted": burst.corrupted,
        "took_ms": max(0.0, burst.last_s - begun_s) * 1000,
    }
