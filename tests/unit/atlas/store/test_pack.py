"""Which rows are packed how; that they are the same rows is a property of its own."""

from __future__ import annotations

import math

import numpy as np
import pytest

from atlas.store.block import Block
from atlas.store.pack import pack_rows

STEPS = np.arange(60)


def packed(row, step_s=60.0):
    block = Block(1)
    for column, value in enumerate(row):
        if not math.isnan(value):
            block.put(np.array([0], np.int32), column, np.array([value]))
    (part,) = pack_rows(block.view(), step_s, lambda: None).parts
    return part


@pytest.mark.parametrize(
    ("row", "kind", "size_bytes"),
    [
        pytest.param(np.full(60, 1 / 3), "constant", 8, id="one number"),
        pytest.param(np.full(60, -0.0), "constant", 8, id="negative zero"),
        pytest.param(np.where(STEPS < 7, 5.5, np.nan), "constant", 8, id="one number, then gaps"),
        pytest.param(np.where(STEPS % 6, 0.0, STEPS / 7), "sparse", 8 + 9 * 9, id="mostly zero"),
        pytest.param(np.where(STEPS % 6, 0.0, -0.0), "sparse", 8 + 10 * 9, id="two kinds of zero"),
        pytest.param(STEPS * 4.0, "compressed", 68, id="whole numbers"),
        pytest.param(1e9 + STEPS, "compressed", 68, id="large whole numbers close together"),
        pytest.param((STEPS - 30) / 10, "compressed", 68, id="one decimal, negative"),
        pytest.param(STEPS * 617 / 100, "compressed", 128, id="two decimals"),
        pytest.param(STEPS * 1e6, "compressed", 248, id="whole numbers far apart"),
        pytest.param((STEPS + 1) / 60, "compressed", 68, id="counts over the seconds of a step"),
        pytest.param(np.where(STEPS % 3, STEPS * 4.0, np.nan), "compressed", 68, id="gaps between"),
        pytest.param(STEPS / 7, "plain", 480, id="all digits"),
        pytest.param(STEPS * 2.0**50, "plain", 480, id="sums that would not be exact"),
        pytest.param(np.where(STEPS, STEPS * 1.0, math.inf), "plain", 480, id="an infinity"),
        pytest.param(np.full(60, 2.0**54), "plain", 480, id="one number that is too large"),
    ],
)
def test_row_takes_the_part_that_holds_it_in_few_bytes(row, kind, size_bytes):
    part = packed(row)
    assert (part.kind, part.size_bytes) == (kind, size_bytes)


def test_seconds_of_the_step_are_a_scale():
    assert packed((STEPS + 1) / 7, step_s=7.0).kind == "compressed"
    assert packed((STEPS + 1) / 7, step_s=60.0).kind == "plain"


def test_rows_without_values_are_in_no_part_and_the_work_can_be_ended():
    block = Block(20_000)
    assert pack_rows(block.view(), 60.0, lambda: None).parts == ()
    block.put(np.arange(0, 20_000, 2, dtype=np.int32), 0, np.ones(10_000))
    pauses = []
    result = pack_rows(block.view(), 60.0, lambda: pauses.append(1))
    assert len(pauses) == 3
    assert result.part_of.tolist() == [1, 0] * 10_000
    assert result.parts[0].size_bytes == 80_000
