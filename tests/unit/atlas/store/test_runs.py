"""Rows side by side are read where they are, and give what they give one by one."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest

from atlas.store.block import Block
from atlas.store.kernels import CHUNK_ROWS
from atlas.store.pack import pack_rows
from atlas.store.runs import Groups, long_runs

ROWS = 3 * CHUNK_ROWS
COLUMNS = {"all": slice(0, 60), "some": slice(20, 47), "few": slice(58, 60), "one": slice(0, 1)}


@pytest.mark.parametrize(
    ("at", "starts", "expected"),
    [
        (np.arange(100), [0, 100], [(0, 0, 100)]),
        (np.arange(5, 105), [0, 40, 100], [(0, 5, 45), (1, 45, 105)]),
        (np.r_[0:50, 60:110], [0, 100], [(0, 0, 50), (0, 60, 110)]),
        (np.arange(64), [0, 0, 64, 64], [(1, 0, 64)]),
        (np.arange(100)[::-1], [0, 100], None),
        (np.arange(0, 200, 2), [0, 100], None),
        (np.arange(0), [0, 0], []),
    ],
)
def test_runs(at, starts, expected):
    found = long_runs(at.astype(np.int32), np.array(starts))
    assert found == expected if expected is None else list(found) == expected


def block(has_gaps):
    """Rows of every part that there is, side by side in the order of a fleet."""
    rng = np.random.default_rng(7)
    values = rng.integers(0, 10_000, (ROWS, 60)) / 100
    values[1::5] = rng.normal(size=(len(values[1::5]), 60))
    values[2::5] = np.where(rng.random((len(values[2::5]), 60)) < 0.9, 0.0, 2.5)
    values[3::5] = values[3::5, :1]
    values[4::5] = values[4::5] * 1e7 + 3e9
    is_there = rng.random((ROWS, 60)) < (0.8 if has_gaps else 2)
    found = Block(ROWS)
    rows = np.arange(ROWS, dtype=np.int32)
    for column in range(60):
        at = rows[is_there[:, column]]
        found.put(at, column, values[at, column])
    return found, np.where(is_there, values, np.nan)


@pytest.fixture(scope="module", params=["full", "gaps"])
def blocks(request):
    opened, values = block(request.param == "gaps")
    closed, _ = block(request.param == "gaps")
    closed.pack(pack_rows(closed.view(), 60.0, lambda: None))
    kinds = {part.kind for part in closed.packed.parts}
    assert kinds == {"constant", "sparse", "compressed", "plain"}
    return {"open": opened.view(), "packed": closed.view()}, values


GROUPS = {
    "one": (np.arange(ROWS), [0, ROWS]),
    "a few": (np.arange(ROWS), [0, 5000, 5001, ROWS]),
    "parts of it": (np.r_[100:6000, 7000:12_000], [0, 3000, 10_900]),
    "scattered": (np.random.default_rng(1).permutation(ROWS), [0, 4000, ROWS]),
    "each": (np.arange(300), list(range(301))),
    "few rows": (np.arange(40, 90), [0, 50]),
}


@pytest.mark.parametrize("state", ["open", "packed"])
@pytest.mark.parametrize("columns", COLUMNS.values(), ids=COLUMNS)
@pytest.mark.parametrize(("rows", "starts"), GROUPS.values(), ids=GROUPS)
def test_groups_are_what_their_rows_are(blocks, state, columns, rows, starts):
    views, values = blocks
    rows, starts = rows.astype(np.int32), np.array(starts)
    wanted = [values[rows[a:b], columns] for a, b in pairwise(starts)]
    groups = Groups(rows, starts)
    sums = views[state].sums(groups, columns, lambda: None)
    np.testing.assert_allclose(sums, [np.nansum(w, axis=0) for w in wanted], rtol=1e-9, atol=1e-6)
    for better, gap in ((np.maximum, -np.inf), (np.minimum, np.inf)):
        found = views[state].best(groups, columns, better, lambda: None)
        filled = [better.reduce(np.where(np.isnan(w), gap, w), axis=0) for w in wanted]
        np.testing.assert_array_equal(found, filled)


def test_work_on_runs_can_be_ended(blocks):
    views, _ = blocks

    def check():
        raise TimeoutError

    groups = Groups(np.arange(ROWS, dtype=np.int32), np.array([0, ROWS]))
    for view in views.values():
        with pytest.raises(TimeoutError):
            view.sums(groups, COLUMNS["all"], check)
        with pytest.raises(TimeoutError):
            view.best(groups, COLUMNS["all"], np.maximum, check)
