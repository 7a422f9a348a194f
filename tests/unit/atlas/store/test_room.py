"""The bound on memory: what is refused when it is reached, and what goes on."""

from __future__ import annotations

import numpy as np
import pytest

from atlas.ingest.publish_json import JsonPublisher
from atlas.ingest.samples import Samples, publish_samples
from atlas.store.limits import StoreLimits
from atlas.store.memory import MemoryStore, StoreConfig

NOW_MS = 1_641_600_000_000
BLOCK_MS = 60_000
MIB = 1024**2


def store(bytes_max, keep_ms=5 * BLOCK_MS, cache_bytes=0):
    limits = StoreLimits(bytes_max=bytes_max, batch_cache_bytes_max=cache_bytes)
    return MemoryStore(StoreConfig(1000, 60_000, keep_ms, limits))


def send(filling, series, now_ms=NOW_MS, step_count=1):
    """The values of some series for the last few steps; what is answered for the last."""
    tags = [{"name": "cpu", "node": str(n), "atlas.dstype": "gauge"} for n in series]
    for time_ms in range(now_ms - (step_count - 1) * 1000, now_ms + 1, 1000):
        times, values = np.full(len(tags), time_ms), np.arange(len(tags)) * time_ms % 997 / 4
        result = publish_samples(filling, Samples(tags, times, values), time_ms)
    return result


def test_series_beyond_the_bound_are_refused_and_known_ones_go_on():
    filling = store(2 * MIB)
    result = send(filling, range(3000))
    assert result.refused_by == {"memory": result.refused_count}
    assert 250 < result.accepted_count < 2700
    assert "no memory for a new series: " in result.reasons[0]
    known = range(result.accepted_count)
    for block in range(1, 5):
        now_ms = NOW_MS + block * BLOCK_MS
        assert send(filling, known, now_ms, 60).refused_count == 0
        filling.pack(now_ms + 31_000)
        more = send(filling, range(5000 * block, 5000 * block + 3000), now_ms)
        assert more.refused_by["memory"] > 250
        assert filling.room.used_bytes() < 2 * MIB
    assert filling.stats().refused["memory"] > 0


def test_used_is_what_blocks_and_tables_have_committed():
    filling = store(1000 * MIB)
    empty = filling.room.used_bytes()
    send(filling, range(2000), step_count=30)
    used = filling.stats()
    assert used.block_bytes["open"] == pytest.approx(2000 * 480, rel=0.05)
    assert used.used_bytes - empty > used.block_bytes["open"] + 2000 * 300
    filling.pack(NOW_MS + 2 * BLOCK_MS)
    packed = filling.stats()
    assert packed.block_bytes["open"] == 0
    assert packed.used_bytes < used.used_bytes


def test_block_that_does_not_fit_is_refused_until_old_ones_leave():
    filling = store(16 * MIB, keep_ms=3 * BLOCK_MS)
    count = send(filling, range(10_000)).accepted_count
    known = range(count)
    refused_at = None
    for block in range(1, 12):  # never packed, and so more than was reserved
        result = send(filling, known, NOW_MS + block * BLOCK_MS)
        if result.refused_count:
            refused_at = block
            break
    assert refused_at is not None
    assert result.refused_by == {"memory": count}
    assert "no memory for a new block" in result.reasons[0]
    assert filling.room.used_bytes() < 16 * MIB
    assert send(filling, known, NOW_MS + (refused_at + 3) * BLOCK_MS).refused_count == 0


def test_what_ingest_remembers_counts():
    filling = store(1000 * MIB, cache_bytes=1 * MIB)
    publisher = JsonPublisher(filling)
    metric = '{{"tags":{{"name":"cpu","node":"{}"}},"timestamp":{},"value":1}}'
    body = '{{"metrics":[{}]}}'.format(",".join(metric.format(n, NOW_MS) for n in range(1000)))
    before = filling.room.used_bytes()
    publisher.publish(body.encode(), NOW_MS)
    assert filling.room.cache_bytes["series"] > 150_000
    assert filling.room.cache_bytes["batches"] >= 12_000
    assert filling.room.used_bytes() - before > sum(filling.room.cache_bytes.values())


def test_new_key_of_a_large_store_is_not_for_free():
    """A key is a column of all rows, so that keys alone could fill the memory."""
    filling = store(8 * MIB)
    tags = [{"name": "cpu", **{f"key{n}-{k}": "v" for k in range(10)}} for n in range(2000)]
    times, values = np.full(len(tags), NOW_MS), np.ones(len(tags))
    result = publish_samples(filling, Samples(tags, times, values), NOW_MS)
    assert result.refused_by["memory"] > 0
    assert filling.room.used_bytes() < 8 * MIB
