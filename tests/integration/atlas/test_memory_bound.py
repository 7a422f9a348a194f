"""The bound on memory holds for the process: what the kernel says it has, not what was counted."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

pytestmark = pytest.mark.integration

MIB = 1024**2
FILL = """
import gc, json, sys
from atlas.ingest.publish_json import JsonPublisher
from atlas.store.limits import StoreLimits
from atlas.store.memory import MemoryStore, StoreConfig

NOW_MS, MINUTE_MS = 1_641_600_000_000, 60_000

def resident_bytes():
    with open("/proc/self/statm") as statm:
        return int(statm.read().split()[1]) * 4096

def body(first, step):
    metrics = [
        {
            "tags": {"name": f"requests.{n % 50}", "nf.app": f"app-{n % 7}", "nf.node": f"i-{n}"},
            "timestamp": NOW_MS + step * MINUTE_MS,
            "value": (n * 7919 + step * 104729) % 90000 / 100,
        }
        for n in range(first, first + 2000)
    ]
    return json.dumps({"tags": {"atlas.dstype": "gauge"}, "metrics": metrics}).encode()

limits = StoreLimits(bytes_max=int(sys.argv[1]), batch_cache_bytes_max=8 * 1024**2)
store = MemoryStore(StoreConfig(MINUTE_MS, 7_200_000, 7_200_000, limits))
publisher = JsonPublisher(store)
publisher.publish(body(0, 0), NOW_MS)
gc.collect()
before = resident_bytes() - store.room.used_bytes()
report = {"most": 0, "refused": 0}
for step in [*range(0, 60, 6), *range(60, 180, 30)]:
    now_ms = NOW_MS + step * MINUTE_MS
    for first in range(0, int(sys.argv[2]), 2000):
        report["refused"] += publisher.publish(body(first, step), now_ms).refused_count
        report["most"] = max(report["most"], resident_bytes() - before)
    store.pack(now_ms + 31_000)
report |= {"used": store.room.used_bytes(), "now": resident_bytes() - before,
           "series": store.index.series_count, "kinds": dict(store.refused)}
print(json.dumps(report))
"""


def fill(root, bytes_max, series_count):
    done = subprocess.run(
        [sys.executable, "-c", FILL, str(bytes_max), str(series_count)],
        cwd=root,
        capture_output=True,
        text=True,
        check=True,
        timeout=110,
    )
    return json.loads(done.stdout)


def test_process_stays_within_the_bound(root):
    report = fill(root, 64 * MIB, 40_000)
    assert report["refused"] > 0
    assert report["kinds"].keys() == {"memory"}
    assert report["series"] > 10_000
    assert report["used"] < 64 * MIB
    # Beyond what is counted: one batch being read, and the heap's gaps.
    assert report["most"] < 64 * MIB * 1.1 + 16 * MIB


def test_what_is_counted_is_what_the_process_has(root):
    report = fill(root, 1024 * MIB, 20_000)
    assert report["refused"] == 0
    assert report["used"] == pytest.approx(report["now"], rel=0.25)
