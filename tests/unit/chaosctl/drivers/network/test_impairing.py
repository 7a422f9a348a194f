"""What becomes of frames: how many are lost, doubled, damaged and late, and that chance is fair."""

from __future__ import annotations

import itertools
import random
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chaosctl.drivers.network.delay import HeldFrames
from chaosctl.drivers.network.impairing import (
    QUEUE_BYTES,
    VNET_BYTES,
    ImpairedWay,
    Impairment,
    damaged,
)

COUNT = 20_000
IP_HEADER = bytes([0x45, *bytes(19)])
FRAME = bytes(VNET_BYTES) + bytes(12) + b"\x08\x00" + IP_HEADER + bytes(range(100))


def way(**what):
    return ImpairedWay(Impairment(**what), random.Random(7))


def fates(way, count=COUNT, gap_s=0.0):
    return [list(way.fates(FRAME, number * gap_s)) for number in range(count)]


def test_nothing_is_done_to_a_frame_unless_said():
    assert fates(way(), 3) == [[s] for s in fates(way(), 1)[0] * 3]
    (sent,) = fates(way(), 1)[0]
    assert (sent.frame, sent.wait_s, sent.held_s) == (FRAME, 0.0, 0.0)


@pytest.mark.parametrize("correlation", [0.0, 0.25, 0.9])
def test_the_share_of_lost_frames_is_the_ratio_whatever_the_correlation(correlation):
    lost = [not sent for sent in fates(way(loss_ratio=0.2, correlation_ratio=correlation))]
    assert abs(sum(lost) / COUNT - 0.2) < 0.03
    after_a_loss = [now for last, now in itertools.pairwise(lost) if last]
    expected = 0.2 + correlation * 0.8
    assert abs(sum(after_a_loss) / len(after_a_loss) - expected) < 0.03


def test_everything_is_lost_at_a_ratio_of_one():
    assert not any(fates(way(loss_ratio=1.0, correlation_ratio=0.5), 100))


def test_doubles_are_sent_after_the_first():
    sent = fates(way(duplicate_ratio=0.3))
    assert abs(sum(len(each) == 2 for each in sent) / COUNT - 0.3) < 0.02
    assert {each.frame for pair in sent for each in pair} == {FRAME}


def test_held_frames_are_overtaken_by_those_that_are_not():
    sent = fates(way(reorder_ratio=0.5, hold_ms=30.0), 40)
    queue, order = HeldFrames(0.0, 0.0, random.Random(1)), []
    held = [number for number, (each,) in enumerate(sent) if each.held_s]
    assert held
    for number, (each,) in enumerate(sent):
        queue.hold(0, bytes([number]), number / 1000, wait_s=each.wait_s, held_s=each.held_s)
        order += [frame[0] for _, frame in queue.due(number / 1000)]
    order += [frame[0] for _, frame in queue.due(9.0)]
    assert sorted(order) == list(range(40))
    free = [number for number in order if number not in held]
    assert free == sorted(free)
    assert order.index(held[0]) > order.index(held[0] + 20) or held[0] + 20 in held


def test_a_pipe_lets_through_its_rate_and_loses_what_does_not_fit_in_its_queue():
    size = len(FRAME) - VNET_BYTES
    narrow = way(rate_kbit=size * 8)  # a frame a millisecond
    waits = [each.wait_s for sent in fates(narrow, 2000) for each in sent]
    assert waits[:3] == pytest.approx([0.001, 0.002, 0.003])
    assert len(waits) == QUEUE_BYTES // size
    assert [s.wait_s for s in narrow.fates(FRAME, 60.0)] == pytest.approx([0.001])


@given(st.binary(min_size=1, max_size=200), st.integers(0, 2**32))
def test_a_damaged_frame_has_one_wrong_bit_behind_its_addresses(payload, seed):
    frame = FRAME[: VNET_BYTES + 34] + payload
    wrong = damaged(frame, random.Random(seed))
    assert wrong is not None
    assert len(wrong) == len(frame)
    assert wrong[: VNET_BYTES + 34] == frame[: VNET_BYTES + 34]
    bits = int.from_bytes(wrong, "big") ^ int.from_bytes(frame, "big")
    assert bits.bit_count() == 1


def test_a_checksum_that_the_kernel_owes_is_made_before_the_damage():
    """Else the kernel would make it of the wrong bytes, and nobody would notice them."""
    udp = struct.pack("!HHHH", 1, 2, 12, 0x1234) + b"data"  # the field holds the pseudo header
    vnet = struct.pack("=BBHHHH", 1, 0, 0, 0, 34, 6)
    wrong = damaged(vnet + bytes(12) + b"\x08\x00" + IP_HEADER + udp, random.Random(3))
    assert wrong is not None
    assert wrong[:VNET_BYTES] == bytes(VNET_BYTES)
    words = struct.unpack("!6H", wrong[VNET_BYTES + 34 :])
    total = sum(words) + 0x1234
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    assert total != 0xFFFF
    assert any(_adds_up(words, 0x1234, position, bit) for position in range(6) for bit in range(16))


def _adds_up(words, pseudo, position, bit):
    """Whether turning this bit back makes the checksum right."""
    mended = [word ^ (1 << bit if index == position else 0) for index, word in enumerate(words)]
    total = sum(mended) + pseudo
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return total == 0xFFFF


def test_a_segment_that_is_yet_to_be_cut_is_lost_and_what_is_no_ipv4_passes():
    segment = bytes([1, 1]) + FRAME[2:]
    assert damaged(segment, random.Random(1)) is None
    arp = FRAME[: VNET_BYTES + 12] + b"\x08\x06" + FRAME[VNET_BYTES + 14 :]
    assert damaged(arp, random.Random(1)) == arp
