"""A block: what is absent is zero, growing and packing move nothing that was handed out."""

from __future__ import annotations

import numpy as np
import pytest

from atlas.store.block import Block
from atlas.store.layout import FULL_WORD
from atlas.store.pack import pack_rows

ROWS = np.array([1, 3], np.int32)
ALL_ROWS = np.arange(4, dtype=np.int32)


def packed(block):
    block.pack(pack_rows(block.view(), 60.0, lambda: None))
    return block


def column(block, at):
    return block.view().read(ALL_ROWS)[:, at].tolist()


def test_what_is_put_is_present_and_all_else_is_zero():
    block = Block(4)
    block.put(ROWS, 5, np.array([2.0, 0.0]))
    assert block.has(ALL_ROWS, 5).tolist() == [False, True, False, True]
    assert block.view().read(ALL_ROWS).sum() == 2.0
    assert not block.has(ROWS, 4).any()


@pytest.mark.parametrize("prepared", [lambda block: block, packed], ids=["open", "packed"])
def test_larger_value_is_kept(prepared):
    block = Block(4)
    block.put_max(ROWS, 0, np.array([-2.0, 5.0]))
    prepared(block).put_max(ROWS, 0, np.array([-1.0, 3.0]))
    assert column(block, 0) == [0.0, -1.0, 0.0, 5.0]


@pytest.mark.parametrize("prepared", [lambda block: block, packed], ids=["open", "packed"])
def test_values_add_up(prepared):
    block = Block(4)
    block.put_sum(ROWS, 59, np.array([1.0, 5.0]))
    prepared(block).put_sum(ROWS, 59, np.array([1.0, 3.0]))
    assert column(block, 59) == [0.0, 2.0, 0.0, 8.0]


def test_row_with_every_column_is_full():
    block = Block(1)
    for at in range(60):
        block.put(np.array([0], np.int32), at, np.array([1.0]))
    assert block.present[0] == FULL_WORD


@pytest.mark.parametrize("row_count_expected", [0, 10_000])
def test_growing_keeps_values_and_what_was_handed_out(row_count_expected):
    block = Block(4, row_count_expected)
    block.put(ROWS, 7, np.array([2.0, 3.0]))
    old = block.view()
    block.grow(5000)
    assert block.row_count == 5000
    assert block.view().read(ROWS)[:, 7].tolist() == [2.0, 3.0]
    assert old.read(ROWS)[:, 7].tolist() == [2.0, 3.0]
    block.put(np.array([4999], np.int32), 7, np.array([9.0]))
    block.grow(10)
    assert block.row_count == 5000


def test_late_value_opens_its_row_only():
    block = Block(4)
    block.put(ALL_ROWS, 0, np.array([1.0, 2.0, 3.0, 4.0]))
    assert packed(block).open_row_count == 0
    old = block.view()
    block.put(ROWS, 1, np.array([7.0, 8.0]))
    assert block.open_row_count == 2
    assert column(block, 0) == [1.0, 2.0, 3.0, 4.0]
    assert column(block, 1) == [0.0, 7.0, 0.0, 8.0]
    assert old.read(ALL_ROWS)[:, 0].tolist() == [1.0, 2.0, 3.0, 4.0]


def test_packed_block_grows_and_takes_new_rows():
    block = Block(4)
    block.put(ALL_ROWS, 0, np.array([1.0, 2.0, 3.0, 4.0]))
    packed(block).grow(5000)
    block.put(np.array([4000], np.int32), 0, np.array([9.0]))
    rows = np.array([0, 3, 17, 4000], np.int32)
    assert block.view().read(rows)[:, 0].tolist() == [1.0, 4.0, 0.0, 9.0]


def test_sizes_count_pages_that_were_written_to():
    block = Block(100_000, 1_000_000)
    assert block.open_bytes == 0
    block.put(np.array([0, 25_608], np.int32), 0, np.array([1.0, 2.0]))
    assert block.open_bytes == 3 * 4096  # the second row crosses the end of a page
    assert packed(block).open_bytes == 0
    assert block.sizes_bytes()["constant"] == 16
