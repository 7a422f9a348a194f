"""What becomes of a frame on an impaired link. Pure: chance and times come in as arguments.

The order is netem's: a frame may be lost, doubled, damaged, held up by a narrow pipe, and then be
late. A frame begins with its virtio header of ten bytes (linux/virtio_net.h), in which the kernel
says what it has left to be done: a checksum, or the cutting of a long segment.
"""

from __future__ import annotations

import random
import struct
from collections.abc import Iterator
from dataclasses import dataclass, field

VNET_BYTES = 10
QUEUE_BYTES = 128 * 1024

_ETHERNET_BYTES = 14
_IPV4 = b"\x08\x00"
_NEEDS_CHECKSUM = 1


@dataclass(frozen=True, slots=True)
class Impairment:
    """What is wrong with a link: nothing, unless said."""

    delay_ms: float = 0.0
    jitter_ms: float = 0.0
    loss_ratio: float = 0.0
    correlation_ratio: float = 0.0
    duplicate_ratio: float = 0.0
    corrupt_ratio: float = 0.0
    reorder_ratio: float = 0.0
    hold_ms: float = 0.0
    rate_kbit: float = 0.0


@dataclass(frozen=True, slots=True)
class Sent:
    """A frame to be sent. wait_s: how long the pipe keeps it; held_s: and be overtaken."""

    frame: bytes
    wait_s: float
    held_s: float


@dataclass(slots=True)
class ImpairedWay:
    """One direction of one link; remembers what correlation and the pipe need."""

    impairment: Impairment
    rng: random.Random
    _was_lost: bool = False
    _free_at_s: float = field(default=0.0)

    def fates(self, frame: bytes, now_s: float) -> Iterator[Sent]:
        """What is to be sent for a frame that came now: nothing, it, or it and its double."""
        what = self.impairment
        if what.loss_ratio and self._is_lost():
            return
        for _ in range(2 if self._falls(what.duplicate_ratio) else 1):
            sent: bytes | None = frame
            if self._falls(what.corrupt_ratio):
                sent = damaged(frame, self.rng)
            wait_s = self._wait_s(len(frame) - VNET_BYTES, now_s)
            if sent is not None and wait_s is not None:
                held_s = what.hold_ms / 1000 if self._falls(what.reorder_ratio) else 0.0
                yield Sent(sent, wait_s, held_s)

    def _falls(self, ratio: float) -> bool:
        return ratio > 0 and self.rng.random() < ratio

    def _is_lost(self) -> bool:
        """A chain of two states: its long-term share is the ratio, whatever the correlation."""
        ratio, follows = self.impairment.loss_ratio, self.impairment.correlation_ratio
        share = ratio + follows * (1 - ratio) if self._was_lost else ratio * (1 - follows)
        self._was_lost = self.rng.random() < share
        return self._was_lost

    def _wait_s(self, size_bytes: int, now_s: float) -> float | None:
        """Until the pipe has let it through; None if its queue is full."""
        if not self.impairment.rate_kbit:
            return 0.0
        bytes_per_s = self.impairment.rate_kbit * 1000 / 8
        free_at_s = max(self._free_at_s, now_s)
        if (free_at_s - now_s) * bytes_per_s + size_bytes > QUEUE_BYTES:
            return None
        self._free_at_s = free_at_s + size_bytes / bytes_per_s
        return self._free_at_s - now_s


def damaged(frame: bytes, rng: random.Random) -> bytes | None:
    """The frame with one wrong bit behind its IPv4 header; None where it is lost instead.

    Its checksum is made first: left to the kernel, it would be right for the wrong bytes. A segment
    that is yet to be cut is lost, for all its pieces would be right. What is no IPv4 stays.
    """
    flags, segmentation = frame[0], frame[1]
    packet = bytearray(frame[VNET_BYTES:])
    if packet[12:_ETHERNET_BYTES] != _IPV4:
        return frame
    if segmentation:
        return None
    if flags & _NEEDS_CHECKSUM:
        start, offset = struct.unpack_from("=HH", frame, 6)
        struct.pack_into("!H", packet, start + offset, _checksum(packet[start:]))
    first = _ETHERNET_BYTES + (packet[_ETHERNET_BYTES] & 0xF) * 4
    packet[rng.randrange(first, len(packet))] ^= 1 << rng.randrange(8)
    return bytes(VNET_BYTES) + bytes(packet)


def _checksum(data: bytes | bytearray) -> int:
    """The Internet's checksum; the field itself holds what the pseudo header adds to it."""
    padded = bytes(data) + b"\0" * (len(data) % 2)
    total = sum(struct.unpack(f"!{len(padded) // 2}H", padded))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF or 0xFFFF
