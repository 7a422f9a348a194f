"""Meters: their numbers, buckets and bounds, and what stays when some are dropped."""

from __future__ import annotations

import numpy as np
import pytest

from atlas.expr.sketch_expr import BUCKET_BOUNDS, bucket_of
from atlas.ingest.spectatord_line import LineRefused, read_head
from atlas.ingest.spectatord_meters import Meters, buckets_of
from atlas.settings import MeterSettings
from atlas.store.limits import TagLimits

STEP_MS = 10_000


def meters(**settings: object) -> Meters:
    return Meters(MeterSettings(**settings), TagLimits())


def shown(of: Meters, end_ms: int = STEP_MS) -> dict[str, float]:
    slots, values = of.end_step(end_ms, STEP_MS)
    names = [
        ",".join(v for k, v in sorted(tags.items()) if k != "atlas.dstype")
        for tags in of.tags_of(slots)
    ]
    return dict(zip(names, values.tolist(), strict=True))


def take(of: Meters, *lines: tuple[bytes, float], now_ms: int = 0) -> tuple[int, int]:
    numbers = np.array([of.number(read_head(head), now_ms) for head, _ in lines])
    return of.take(numbers, np.array([value for _, value in lines]), now_ms)


def test_buckets_of_many_are_those_of_one():
    near = [bound + offset for bound in BUCKET_BOUNDS[:-1] for offset in (-3, -2, -1, 0, 1)]
    values = [max(0.0, float(v)) for v in near] + [0.5, 4.9, 10.99, 2.0**62, 2.0**63, 1e300]
    expected = [bucket_of(float(int(v))) if v < 2**62 else 275 for v in values]
    assert buckets_of(np.array(values)).tolist() == expected


def test_order_of_tags_names_the_same_meter():
    one = meters()
    first = one.number(read_head(b"c:name,aa=1,bb=2"), 0)
    assert one.number(read_head(b"c:name,bb=2,aa=1"), 0) == first
    assert one.number(read_head(b"g:name,bb=2,aa=1"), 0) != first
    assert len(one) == 2


def test_too_many_series_are_refused_and_known_ones_go_on():
    one = meters(series_count_max=6)
    take(one, (b"c:first", 1), (b"t:second", 1), (b"c:third", 1))
    for head in (b"c:fourth", b"t:fifth", b"T:sixth", b"S:seventh"):
        with pytest.raises(LineRefused, match="meters"):
            one.number(read_head(head), 0)
    assert take(one, (b"c:first", 1)) == (0, 0)
    assert one.series_count == 6


def test_bucket_without_room_is_counted_and_the_rest_of_its_line_taken():
    one = meters(series_count_max=5)
    assert take(one, (b"T:latency", 0.5), (b"T:latency", 9.0), (b"T:latency", 8.0)) == (0, 2)
    assert one.series_count == 5
    assert shown(one)["latency,count"] == pytest.approx(0.3)


def test_too_many_age_gauges_are_refused():
    one = meters(age_gauge_count_max=1)
    take(one, (b"A:first", 1))
    with pytest.raises(LineRefused, match="meters"):
        one.number(read_head(b"A:second"), 0)


def test_tags_are_held_against_the_limits_with_those_that_are_added():
    tags = b",".join(b"key%d=1" % i for i in range(17))
    assert meters().number(read_head(b"t:name,%b" % tags), 0) == 0
    assert meters().number(read_head(b"c:name,%b,more=1" % tags), 0) == 0
    with pytest.raises(LineRefused, match="tags"):  # a percentile is one more
        meters().number(read_head(b"T:name,%b,more=1" % tags), 0)


def test_meters_that_stay_keep_their_series_when_others_are_dropped():
    one = meters(ttl_ms=1000)
    take(one, (b"c:gone", 1), (b"T:dropped", 1e-6), (b"D:lost", 5), (b"S:sketch", 0))
    kept = (b"c:kept", 2.0), (b"T:timer", 0.5), (b"C:mono", 5.0), (b"g:gauge", 1.0)
    take(one, (b"A:age", 4), now_ms=0)
    take(one, *kept, now_ms=2000)
    one.take_register(one.number(read_head(b"S:seen"), 2000), 3, 7, 2000)
    slots, _ = one.end_step(STEP_MS, STEP_MS)
    one.set_rows(slots, slots + 100)
    places = one.expire(2500)
    assert places is not None
    assert places.tolist() == [-1, -1, -1, -1, 0, 1, 2, 3, 4, 5]
    assert one.expire(2500) is None
    take(one, (b"T:timer", 0.5), (b"C:mono", 15.0), (b"T:other", 0.5), now_ms=2600)
    one.take_register(one.number(read_head(b"S:seen"), 2600), 3, 5, 2600)
    found = shown(one, 2 * STEP_MS)
    assert found.pop("age,gauge") == 16.0
    assert found.pop("gauge,gauge", None) is None
    assert found == {
        "kept,count": 0.0,
        "timer,count": 0.1,
        "timer,totalTime": 0.05,
        "timer,totalOfSquares": 0.025,
        "timer,max": 0.5,
        "timer,T007D,percentile": 0.1,
        "mono,count": 1.0,
        "R03,seen,distinct": 5.0,
        "other,count": 0.1,
        "other,totalTime": 0.05,
        "other,totalOfSquares": 0.025,
        "other,max": 0.5,
        "other,T007D,percentile": 0.1,
    }


def test_rows_are_kept_until_they_are_forgotten():
    one = meters()
    take(one, (b"c:first", 1), (b"c:second", 1))
    slots, _ = one.end_step(STEP_MS, STEP_MS)
    assert one.rows(slots).tolist() == [-1, -1]
    one.set_rows(slots, np.array([7, 9]))
    assert one.rows(slots).tolist() == [7, 9]
    one.forget_rows()
    assert one.rows(slots).tolist() == [-1, -1]


def test_many_meters_fit():
    one = meters()
    take(one, *((b"T:name.%d" % i, 1e-9) for i in range(200)))
    assert (len(one), one.series_count) == (200, 1000)
    assert len(shown(one)) == 1000
    assert one.size_bytes > 200 * 276 * 4
