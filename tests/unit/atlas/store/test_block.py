"""A block: what is absent is zero, and growing moves nothing."""

from __future__ import annotations

import numpy as np

from atlas.store.block import FULL_WORD, Block

ROWS = np.array([1, 3], np.int32)


def test_what_is_put_is_present_and_all_else_is_zero():
    block = Block(4)
    block.put(ROWS, 5, np.array([2.0, 0.0]))
    assert block.has(np.arange(4, dtype=np.int32), 5).tolist() == [False, True, False, True]
    assert block.values.sum() == 2.0
    assert not block.has(ROWS, 4).any()


def test_larger_value_is_kept():
    block = Block(4)
    block.put_max(ROWS, 0, np.array([-2.0, 5.0]))
    block.put_max(ROWS, 0, np.array([-1.0, 3.0]))
    assert block.values[ROWS, 0].tolist() == [-1.0, 5.0]


def test_values_add_up():
    block = Block(4)
    block.put_sum(ROWS, 59, np.array([1.0, 5.0]))
    block.put_sum(ROWS, 59, np.array([1.0, 3.0]))
    assert block.values[ROWS, 59].tolist() == [2.0, 8.0]


def test_row_with_every_column_is_full():
    block = Block(1)
    for column in range(60):
        block.put(np.array([0], np.int32), column, np.array([1.0]))
    assert block.present[0] == FULL_WORD


def test_growing_keeps_values_and_what_was_handed_out():
    block = Block(4)
    block.put(ROWS, 7, np.array([2.0, 3.0]))
    old = block.values
    block.grow(5000)
    assert block.row_count == 5000
    assert block.values[ROWS, 7].tolist() == [2.0, 3.0]
    assert old[ROWS, 7].tolist() == [2.0, 3.0]
    block.grow(10)
    assert block.row_count == 5000
