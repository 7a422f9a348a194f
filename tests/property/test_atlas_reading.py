"""A reading without the lock shows the store as it is at its end, whatever is written meanwhile."""

from __future__ import annotations

import threading

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import atlas.eval.reading
from atlas.asl import parse_exprs
from atlas.errors import LimitExceeded
from atlas.eval.fetch import fetch_leaves, fetch_lines
from atlas.expr.data_expr import data_exprs
from atlas.ingest.samples import Samples, publish_samples
from atlas.model import EvalContext
from atlas.store.budget import Budget, TimedOut
from atlas.store.memory import MemoryStore, StoreConfig

NOW_MS = 1_641_600_000_000
CONFIG = StoreConfig(step_ms=1000, max_age_ms=200_000, keep_ms=240_000)
PROGRAM = ",".join(
    [
        "name,a,:re,:sum",
        "name,a,:re,:count,(,node,),:by",
        "name,a,:re,:max,(,zone,),:by",
        "name,a,:re,:min,:cf-max",
        "name,a,:re,:all",
        "name,a,:re,:sum,10s,:offset",
    ]
)
LEAVES = [leaf for styled in parse_exprs(PROGRAM) for leaf in data_exprs(styled.expr)]
BATCHES = st.lists(
    st.tuples(st.sampled_from("xyz"), st.integers(0, 9), st.integers(0, 179), st.integers(-9, 99)),
    min_size=1,
    max_size=12,
)


@pytest.fixture(autouse=True)
def _never_under_the_lock(monkeypatch):
    monkeypatch.setattr(atlas.eval.reading, "_CELLS_UNDER_LOCK", -1)


def publish(store, points):
    tags = [
        {"name": "aa", "zone": zone, "node": str(node), "atlas.dstype": "gauge"}
        for zone, node, _, _ in points
    ]
    times = np.array([NOW_MS - (179 - at) * 1000 for _, _, at, _ in points])
    values = np.array([value / 4 for *_, value in points])
    result = publish_samples(store, Samples(tags, times, values), NOW_MS)
    assert not result.refused_count


class Interrupted(Budget):
    """A budget that lets something happen whenever a reading without the lock asks it."""

    def __init__(self, store, events):
        super().__init__()
        self.store, self.events, self.happened = store, list(events), 0

    def check(self):
        if self.events and not self.store._lock._is_owned():
            self.happened += 1
            self.events.pop(0)()


@given(
    st.lists(BATCHES, min_size=1, max_size=4),
    st.lists(st.one_of(BATCHES, st.sampled_from(["pack", "forget"])), max_size=6),
    st.sampled_from([1, 4, 60]),
)
def test_what_is_written_while_reading_is_seen_as_a_whole(before, meanwhile, width):
    store = MemoryStore(CONFIG)
    for batch in before:
        publish(store, batch)
    actions = {
        "pack": lambda: store.pack(NOW_MS + 150_000),
        "forget": lambda: store.advance(NOW_MS + 150_000),
    }
    events = [
        actions[event] if isinstance(event, str) else lambda event=event: publish(store, event)
        for event in meanwhile
    ]
    step_ms = width * 1000
    window = EvalContext(NOW_MS - 119 // width * step_ms, NOW_MS + step_ms, step_ms)
    found = fetch_leaves(store, LEAVES, window, Interrupted(store, events))
    expected = fetch_leaves(store, LEAVES, window)
    for leaf in LEAVES:
        a, b = found[leaf], expected[leaf]
        assert dict(zip(a.labels, a.values.tolist(), strict=True)).keys() == set(b.labels)
        order = [a.labels.index(label) for label in b.labels]
        np.testing.assert_array_equal(a.values[order], b.values)


def test_reading_is_interrupted_at_all():
    store = MemoryStore(CONFIG)
    publish(store, [("x", 1, 179, 4)])
    budget = Interrupted(store, [lambda: publish(store, [("y", 1, 179, 8)])])
    (leaf, *_) = LEAVES
    window = EvalContext(NOW_MS, NOW_MS + 1000, 1000)
    assert fetch_lines(store, leaf, window, budget).values.tolist() == [[3.0]]
    assert budget.happened == 1


def test_writers_and_readers_at_once():
    store = MemoryStore(CONFIG)
    window = EvalContext(NOW_MS - 170_000, NOW_MS, 1000)
    counting, summing = (
        next(data_exprs(parse_exprs(f"name,aa,:eq,:{how}")[0].expr)) for how in ("count", "sum")
    )
    failures: list[object] = []
    finished = threading.Event()

    def write(zone: str) -> None:
        for at in range(170):
            publish(store, [(zone, node, at, 4 if node % 2 else -4) for node in range(60)])

    def read() -> None:
        while not finished.is_set():
            lines = fetch_leaves(store, [counting, summing], window)
            counts, sums = lines[counting].values[0], lines[summing].values[0]
            there = ~np.isnan(counts)
            failures.extend(counts[there & (counts % 60 != 0)].tolist())
            failures.extend(sums[there & (sums != 0)].tolist())

    def pack() -> None:
        while not finished.wait(0.005):
            store.pack(NOW_MS + 40_000)

    writers = [threading.Thread(target=write, args=(zone,)) for zone in "xy"]
    others = [threading.Thread(target=target) for target in (read, read, pack)]
    for thread in [*writers, *others]:
        thread.start()
    for thread in writers:
        thread.join(60)
    finished.set()
    for thread in others:
        thread.join(60)
    assert not failures
    assert fetch_lines(store, counting, window).values[0][:161].tolist() == [120.0] * 161


def test_budget_ends_a_reading():
    store = MemoryStore(CONFIG)
    publish(store, [("x", 1, at, 4) for at in range(180)])
    window = EvalContext(NOW_MS - 99_000, NOW_MS + 1000, 1000)
    (leaf, *_) = LEAVES
    with pytest.raises(LimitExceeded, match="too many input datapoints: 100 > 99"):
        fetch_lines(store, leaf, window, Budget(datapoint_count_max=99))
    assert fetch_lines(store, leaf, window, Budget(datapoint_count_max=100)).count == 1
    ticks = iter(range(100))
    with pytest.raises(TimedOut, match="query timed out after 2 s") as caught:
        fetch_lines(store, leaf, window, Budget(timeout_s=2, clock_s=lambda: next(ticks)))
    assert caught.value.status == 503
