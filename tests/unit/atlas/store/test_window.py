"""The window of blocks: which exist, and which are worth packing."""

from __future__ import annotations

import numpy as np
import pytest

from atlas.store.pack import pack_rows
from atlas.store.window import QUIET_MS, BlockWindow

STEP_MS, BLOCK_MS = 1000, 60_000
NOW_MS = 1_641_600_000_000


@pytest.fixture
def window():
    window = BlockWindow(STEP_MS, 1000)
    window.row_count = 64
    return window


def write(window, time_ms, rows, now_ms=None):
    window.now_ms = time_ms if now_ms is None else now_ms
    window.stamp += 1
    for number in window.lacks(time_ms, time_ms):
        window.begin(number)
    rows = np.array(rows, np.int32)
    window.put(rows, np.full(len(rows), time_ms), np.ones(len(rows)))


def blocks_at(window, *times_ms):
    return [next(window.overlapping(time_ms, time_ms + STEP_MS))[1] for time_ms in times_ms]


def to_pack(window, now_ms, final_ms=0):
    return list(window.to_pack(now_ms, final_ms))


def test_time_between_two_steps_needs_the_blocks_of_both(window):
    assert len(window.lacks(NOW_MS - 1, NOW_MS)) == 1
    assert len(window.lacks(NOW_MS, NOW_MS + 1)) == 2
    write(window, NOW_MS, [1])
    assert len(window.lacks(NOW_MS, NOW_MS + 1)) == 1


def test_blocks_are_found_in_order_without_looking_at_all_of_time(window):
    for time_ms in (NOW_MS, NOW_MS - 10 * BLOCK_MS):
        write(window, time_ms, [1])
    found = [start_ms for start_ms, _ in window.overlapping(0, 10**15)]
    assert found == [NOW_MS - 11 * BLOCK_MS + STEP_MS, NOW_MS - BLOCK_MS + STEP_MS]


def test_block_is_packed_when_its_time_is_over_and_it_is_quiet(window):
    write(window, NOW_MS - 30_000, [1, 2])
    (block,) = blocks_at(window, NOW_MS)
    assert to_pack(window, NOW_MS - 1) == []
    assert to_pack(window, NOW_MS + QUIET_MS) == [block]
    write(window, NOW_MS - 20_000, [1, 2], now_ms=NOW_MS + 5000)
    assert to_pack(window, NOW_MS + QUIET_MS) == []
    assert to_pack(window, NOW_MS + 5000 + QUIET_MS) == [block]


def test_packed_block_is_packed_again_for_many_late_rows_or_the_last_few(window):
    write(window, NOW_MS, range(64))
    (block,) = blocks_at(window, NOW_MS)
    block.pack(pack_rows(block.view(), 1.0, lambda: None))
    later_ms = NOW_MS + BLOCK_MS
    assert to_pack(window, later_ms) == []
    write(window, NOW_MS - 1000, [5], now_ms=NOW_MS)
    assert to_pack(window, later_ms) == []
    assert to_pack(window, later_ms, final_ms=NOW_MS + 1) == [block]
    write(window, NOW_MS - 1000, range(20), now_ms=NOW_MS)
    assert to_pack(window, later_ms) == [block]


def test_clock_that_went_back_does_not_keep_a_block_from_being_packed(window):
    write(window, NOW_MS, [1], now_ms=NOW_MS + 10 * BLOCK_MS)
    assert len(to_pack(window, NOW_MS + BLOCK_MS)) == 1


def test_stamps_say_which_columns_were_written_to(window):
    write(window, NOW_MS - 1000, [1])
    write(window, NOW_MS, [1])
    (block,) = blocks_at(window, NOW_MS)
    assert block.stamps[-2:].tolist() == [1, 2]
    assert not block.stamps[:-2].any()
