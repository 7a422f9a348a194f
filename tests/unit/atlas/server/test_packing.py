"""Packing in the background: it happens, and it ends with the server."""

from __future__ import annotations

import threading
import time

import numpy as np

from atlas.ingest.samples import Samples, publish_samples
from atlas.server.packing import packing
from atlas.store.memory import MemoryStore, StoreConfig

NOW_MS = 1_641_600_000_000


def filled(row_count):
    store = MemoryStore(StoreConfig(1000, 60_000, 600_000))
    tags = [{"name": "cpu", "node": str(n)} for n in range(row_count)]
    times, values = np.full(row_count, NOW_MS), np.arange(row_count) / 7
    publish_samples(store, Samples(tags, times, values), NOW_MS)
    return store


def test_closed_block_is_packed_while_the_server_runs():
    store = filled(10)
    with packing(store, lambda: NOW_MS + 120_000, period_s=0.001):
        deadline = time.monotonic() + 20
        while store.stats().block_bytes["open"] and time.monotonic() < deadline:
            time.sleep(0.005)
    assert store.stats().block_bytes["open"] == 0
    assert store.stats().block_bytes["constant"] == 80


def test_packing_stops_at_once(monkeypatch):
    store = filled(10)
    started = threading.Event()

    def endless(_now_ms, pause):
        started.set()
        while True:
            pause()

    monkeypatch.setattr(store, "pack", endless)
    with packing(store, lambda: NOW_MS, period_s=0.001):
        assert started.wait(10)
        before = threading.active_count()
    assert threading.active_count() == before - 1
