"""A reader never sees half of a batch, nor two parts of a query at different times."""

from __future__ import annotations

import threading

import pytest

from atlas import Atlas, Datapoint
from atlas.store.memory import StoreConfig

pytestmark = pytest.mark.integration

NOW_MS = 1_641_600_000_000
NODES = 400
ROUNDS = 150


def test_sums_of_a_step_are_whole_or_absent():
    atlas = Atlas(StoreConfig(1000, 300_000, 300_000), now_ms=lambda: NOW_MS)
    tags = {"name": "cpu", "atlas.dstype": "gauge"}
    finished = threading.Event()
    torn: list[object] = []
    reads = [0]

    def read() -> None:
        program = "name,cpu,:eq,:sum,name,cpu,:eq,:count,:div,name,cpu,:eq,:count"
        while not finished.is_set():
            mean, count = atlas.fetch(program, NOW_MS - 200_000, NOW_MS, 1000)
            reads[0] += 1
            torn.extend(v for v in count.points().values() if v != NODES)
            torn.extend(v for v in mean.points().values() if v != 1.0)

    readers = [threading.Thread(target=read) for _ in range(2)]
    for reader in readers:
        reader.start()
    for i in range(ROUNDS):
        step_ms = NOW_MS - (ROUNDS - i) * 1000
        atlas.publish(
            [
                Datapoint({**tags, "node": str(n)}, step_ms, 2.0 * n / (NODES - 1))
                for n in range(NODES)
            ]
        )
    finished.set()
    for reader in readers:
        reader.join(timeout=30)
    assert reads[0] > 5
    assert [v for v in torn if not isinstance(v, float) or abs(v - 1.0) > 1e-9] == []
