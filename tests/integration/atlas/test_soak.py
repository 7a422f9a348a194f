"""An hour of load with series that come and go, on a clock of its own: all in about a minute.

Memory must stay bounded and answers right all along, while blocks are begun, packed and dropped.
"""

from __future__ import annotations

import gc
import json
from collections.abc import Iterator
from urllib.parse import urlencode

import numpy as np
import psutil
import pytest

from atlas.server.app import make_app
from atlas.settings import RequestSettings
from atlas.store.limits import StoreLimits
from atlas.store.memory import MemoryStore, StoreConfig
from tests.oracle.callers import InProcess
from tests.oracle.vectors import Question

pytestmark = pytest.mark.integration

START_MS = 1_641_600_000_000
STEPS = 3_600
KEEP_S, BLOCK_S = 300, 60
NODES_PER_STEP, LIFE_S = 4, 90
ZONES = 3
SETTLED_STEPS = 1_200
LATE_STEPS = 1
GROWTH_BYTES_MAX = 8 << 20
# What was alive at some time within the blocks that are held; less than a fifth of all there are.
SERIES_MAX = 2 * NODES_PER_STEP * (KEEP_S + 2 * BLOCK_S + LIFE_S)


def nodes_at(step: int) -> np.ndarray:
    """The nodes that report at a step."""
    return np.arange(max(0, step - LIFE_S + 1) * NODES_PER_STEP, (step + 1) * NODES_PER_STEP)


def loads(nodes: np.ndarray, step: int) -> np.ndarray:
    """A gauge that changes on some nodes, is constant on others, and zero on the rest."""
    return np.choose(nodes % 3, [(nodes * 7 + step) % 50, nodes % 50, 0 * nodes]).astype(float)


def rates(nodes: np.ndarray, step: int) -> np.ndarray:
    return ((nodes + step) % 10).astype(float)


class Soak:
    """A server in process, what was sent to it, and what it must answer."""

    def __init__(self) -> None:
        self.now_ms = START_MS
        config = StoreConfig(1000, 10_000, KEEP_S * 1000, StoreLimits(series_count_max=SERIES_MAX))
        self.store = MemoryStore(config)
        settings = RequestSettings(tags_listed_max=SERIES_MAX)
        self.caller = InProcess(make_app(self.store, lambda: self.now_ms, settings))

    def ask(self, method: str, path: str, body: bytes | None = None) -> bytes:
        answer = self.caller.ask(Question(method, path, body, {}))
        assert answer.status == 200, answer
        return answer.body

    def publish(self, name: str, kind: str, step: int, values: np.ndarray) -> None:
        metrics = [
            {
                "tags": {"node": f"i-{node}", "zone": f"z{node % ZONES}"},
                "timestamp": START_MS + step * 1000,
                "value": value,
            }
            for node, value in zip(nodes_at(step).tolist(), values.tolist(), strict=True)
        ]
        common = {"name": name, "atlas.dstype": kind}
        self.ask(
            "POST", "/api/v1/publish", json.dumps({"tags": common, "metrics": metrics}).encode()
        )

    def lines(self, program: str, first: int, last: int) -> dict[str, np.ndarray]:
        """Values of the steps from the first to the last, by label."""
        arguments = {
            "q": program,
            "s": str(START_MS + (first - 1) * 1000),
            "e": str(START_MS + last * 1000),
            "step": "1s",
            "format": "json",
        }
        found = json.loads(self.ask("GET", f"/api/v1/graph?{urlencode(arguments)}"))
        values = np.array(found["values"], dtype=object).astype(float)
        assert found["start"] == START_MS + first * 1000
        return dict(zip(found["legend"], values.T, strict=True))


@pytest.fixture
def soak() -> Iterator[Soak]:
    soak = Soak()
    with soak.caller:
        yield soak


def check_answers(soak: Soak, first: int, last: int) -> None:
    steps = range(first, last + 1)
    nodes = [nodes_at(step) for step in steps]
    cpu = [loads(*at) for at in zip(nodes, steps, strict=True)]
    (total,) = soak.lines("name,cpu,:eq,:sum", first, last).values()
    np.testing.assert_array_equal(total, [values.sum() for values in cpu])
    (largest,) = soak.lines("name,cpu,:eq,:max", first, last).values()
    np.testing.assert_array_equal(largest, [values.max() for values in cpu])
    (count,) = soak.lines(":true,:count", first, last).values()
    np.testing.assert_array_equal(count, [2 * len(values) for values in cpu])
    by_zone = soak.lines("name,requests,:eq,:sum,(,zone,),:by,$zone,:legend", first, last)
    assert sorted(by_zone) == [f"z{zone}" for zone in range(ZONES)]
    for zone in range(ZONES):
        wanted = [
            rates(here, step)[here % ZONES == zone].sum()
            for here, step in zip(nodes, steps, strict=True)
        ]
        np.testing.assert_array_equal(by_zone[f"z{zone}"], wanted)


def check_forgotten(soak: Soak, step: int) -> None:
    """What has left the window is gone, and nothing that is in it."""
    past = step - KEEP_S - BLOCK_S
    (old,) = soak.lines("name,cpu,:eq,:sum", past - 60, past - 1).values()
    assert np.isnan(old).all()
    listed = json.loads(soak.ask("GET", "/api/v1/tags/node"))
    assert {f"i-{node}" for node in nodes_at(step)} <= set(listed)
    assert f"i-{nodes_at(past - 1)[0]}" not in listed


@pytest.mark.timeout(600)
def test_an_hour_leaves_memory_bounded_and_answers_right(soak):
    resident: list[int] = []
    used: list[int] = []
    packed_count = 0
    for step in range(STEPS):
        soak.now_ms = START_MS + step * 1000
        if step % 7:
            soak.publish("cpu", "gauge", step, loads(nodes_at(step), step))
        if step % 7 == LATE_STEPS and step > LATE_STEPS:
            late = step - LATE_STEPS
            soak.publish("cpu", "gauge", late, loads(nodes_at(late), late))
        soak.publish("requests", "rate", step, rates(nodes_at(step), step))
        if step % 10 == 9 and step > 130:
            check_answers(soak, step - 120, step - LATE_STEPS)
        if step % 15 == 14:
            packed_count += soak.store.pack(soak.now_ms)
        if step % 60 == 59 and step > SETTLED_STEPS:
            check_answers(soak, step - KEEP_S + 1, step - LATE_STEPS)
            check_forgotten(soak, step)
            gc.collect()
            resident.append(psutil.Process().memory_info().rss)
            used.append(soak.store.stats().used_bytes)
    half = len(resident) // 2
    assert packed_count >= STEPS // BLOCK_S - 2
    assert soak.store.stats().block_count <= KEEP_S // BLOCK_S + 2
    assert max(resident[half:]) - max(resident[:half]) < GROWTH_BYTES_MAX
    assert max(used[half:]) < 1.1 * max(used[:half])
