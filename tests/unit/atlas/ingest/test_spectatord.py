"""The intake: what the store refuses, clocks that are set, and memory."""

from __future__ import annotations

import numpy as np
import pytest

from atlas.asl import parse_exprs
from atlas.eval.evaluate import evaluate
from atlas.ingest import spectatord
from atlas.ingest.publish_json import JsonPublisher
from atlas.ingest.spectatord import Intake
from atlas.model import EvalContext
from atlas.settings import MeterSettings
from atlas.store.limits import StoreLimits
from atlas.store.memory import MemoryStore, StoreConfig
from atlas.store.room import METERS

NOW_MS = 1_641_600_000_000
STEP_MS = 10_000


def store_of(**limits: int) -> MemoryStore:
    return MemoryStore(StoreConfig(STEP_MS, 60_000, 3_600_000, StoreLimits(**limits)))


def intake_of(store: MemoryStore, **settings: object) -> Intake:
    return Intake(store, MeterSettings(**settings), NOW_MS)


def values(store: MemoryStore, program: str, steps: int = 6) -> dict[str, list[float]]:
    context = EvalContext(NOW_MS + STEP_MS, NOW_MS + (steps + 1) * STEP_MS, STEP_MS)
    lines = evaluate(store, [e.expr for e in parse_exprs(program)], context)[0]
    return {label: of.tolist() for label, of in zip(lines.labels, lines.values, strict=True)}


def test_percentiles_and_means_work_on_what_arrives():
    store = store_of()
    intake = intake_of(store)
    lines = b"\n".join(b"T:latency:%.3f" % (i / 1000) for i in range(1, 1001))
    intake.take(lines, NOW_MS + 1)
    intake.advance(NOW_MS + STEP_MS)
    found = values(store, "name,latency,:eq,(,50,99,),:percentiles", 1)
    fifty, ninety_nine = (of[0] for of in found.values())
    assert fifty == pytest.approx(0.5, rel=0.1)
    assert ninety_nine == pytest.approx(0.99, rel=0.1)
    (mean,) = values(store, "name,latency,:eq,:dist-avg", 1).values()
    assert mean == pytest.approx([0.5005])
    (largest,) = values(store, "name,latency,:eq,:dist-max", 1).values()
    assert largest == [1.0]


def test_distinct_values_are_estimated_from_what_arrives():
    store = store_of()
    intake = intake_of(store)
    lines = b"\n".join(b"S:users.seen:" + _base64(i) for i in range(1000))
    intake.take(lines + b"\n" + lines, NOW_MS + 1)
    intake.advance(NOW_MS + STEP_MS)
    (estimate,) = values(store, "name,users.seen,:eq,:approx-distinct", 1).values()
    assert estimate == pytest.approx([1000], rel=0.4)


def _base64(number: int) -> bytes:
    import base64

    return base64.b64encode(number.to_bytes(8, "little"))


def test_full_store_refuses_series_counts_them_and_takes_known_ones():
    store = store_of(series_count_max=2)
    intake = intake_of(store)
    intake.take(b"c:first:1\nc:second:1\nc:third:1\nc:fourth:1", NOW_MS + 1)
    intake.advance(NOW_MS + STEP_MS)
    assert store.refused == {"series": 2}
    assert store.index.series_count == 2
    intake.take(b"c:first:1", NOW_MS + STEP_MS)
    intake.advance(NOW_MS + 2 * STEP_MS)
    assert list(values(store, "name,first,:eq", 2).values()) == [[0.1, 0.1]]
    assert store.refused == {"series": 4}


def test_full_store_is_not_asked_for_each_of_many(monkeypatch):
    monkeypatch.setattr(spectatord, "_REFUSALS_MAX", 3)
    store = store_of(series_count_max=2)
    intake = intake_of(store)
    intake.take(b"\n".join(b"c:name.%d:1" % i for i in range(20)), NOW_MS + 1)
    intake.advance(NOW_MS + STEP_MS)
    assert store.refused == {"series": 18}


def test_rows_that_the_store_gave_to_others_are_asked_for_again():
    store = store_of()
    intake = intake_of(store, ttl_ms=10**9)
    intake.take(b"m:largest:1\nc:calls:1", NOW_MS + 1)
    intake.advance(NOW_MS + STEP_MS)
    later_ms = NOW_MS + 3 * 3_600_000  # the blocks of both have left the window
    steps = range(1, 3 * 360)
    for step in steps:
        intake.advance(NOW_MS + (step + 1) * STEP_MS)
    body = b'{"metrics":[{"tags":{"name":"other"},"timestamp":%d,"value":7}]}' % later_ms
    JsonPublisher(store).publish(body, later_ms)
    intake.take(b"m:largest:5", later_ms + 1)
    intake.advance(later_ms + STEP_MS)
    context = EvalContext(later_ms, later_ms + 2 * STEP_MS, STEP_MS)
    for name, wanted in (("largest", [np.nan, 5.0]), ("other", [7.0, np.nan])):
        program = parse_exprs(f"name,{name},:eq,:max")[0].expr
        found = evaluate(store, [program], context)[0].values[0]
        np.testing.assert_array_equal(found, wanted)


@pytest.mark.parametrize("leap_ms", [-3_600_000, -15_000, 15_000, 3_600_000, 10**12])
def test_clock_that_is_set_neither_stops_nor_breaks_the_intake(leap_ms):
    store = store_of()
    intake = intake_of(store)
    intake.take(b"c:calls:1\ng:load:1\nA:age:0", NOW_MS + 1)
    now_ms = NOW_MS + leap_ms
    for _ in range(5):
        intake.take(b"c:calls:10\ng:load:2", now_ms)
        now_ms += STEP_MS
        intake.advance(now_ms)
    end_ms = intake.end_ms
    assert now_ms < end_ms <= now_ms + STEP_MS
    context = EvalContext(end_ms - 2 * STEP_MS, end_ms, STEP_MS)
    store.advance(now_ms + STEP_MS)
    lines = evaluate(store, [e.expr for e in parse_exprs("name,calls,:eq")], context)[0]
    if abs(leap_ms) < 3_600_000:
        assert 1.0 in lines.values[0].tolist()


def test_pause_of_the_process_leaves_a_gap_and_its_lines_in_one_step():
    store = store_of()
    intake = intake_of(store)
    intake.take(b"c:calls:10", NOW_MS + 1)
    intake.take(b"c:calls:30", NOW_MS + 35_000)
    intake.advance(NOW_MS + 40_000)
    (found,) = values(store, "name,calls,:eq", 4).values()
    np.testing.assert_array_equal(found, [1.0, np.nan, np.nan, 3.0])


def test_spellings_without_end_are_forgotten(monkeypatch):
    monkeypatch.setattr(spectatord, "_SPELLINGS_BYTES_MAX", 10_000)
    store = store_of()
    intake = intake_of(store)
    for i in range(1, 2000):
        intake.take(b"g,%d:queue:1" % (10 + i), NOW_MS + 1)
        assert intake._known_bytes <= 10_000
    assert intake.stats().series_count == 1
    assert intake.stats().line_count == 1999


def test_lines_wait_no_longer_than_a_second(monkeypatch):
    store = store_of()
    intake = intake_of(store)
    intake.take(b"c:calls:1\nc:calls:1", NOW_MS + 1)
    assert intake._numbers
    intake.take(b"", NOW_MS + 1001)
    assert not intake._numbers
    monkeypatch.setattr(spectatord, "_PENDING_MAX", 3)
    intake.take(b"c:calls:1\nc:calls:1\nc:calls:1", NOW_MS + 1002)
    assert not intake._numbers


def test_memory_of_meters_counts_as_the_stores():
    store = store_of()
    before = store.room.used_bytes()
    intake = intake_of(store)
    intake.take(b"\n".join(b"T:name.%d:1" % i for i in range(300)), NOW_MS + 1)
    intake.advance(NOW_MS + STEP_MS)
    assert store.room.cache_bytes[METERS] > 300 * (276 * 4 + 450)
    assert store.room.used_bytes() > before + store.room.cache_bytes[METERS]
