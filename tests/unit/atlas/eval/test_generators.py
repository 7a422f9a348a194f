from datetime import UTC, datetime

import numpy as np
import pytest

from atlas.asl import parse_exprs
from atlas.eval.evaluate import evaluate
from atlas.eval.generators import noise
from atlas.model import EvalContext
from atlas.store.memory import MemoryStore, StoreConfig

TIMES = [0, 60_000, 120_000, 1_325_376_000_000, 1_325_376_060_000]


def test_noise_is_that_of_the_original():
    assert noise(np.array(TIMES)).tolist() == [0.0, 0.686, 0.651, 0.564, 0.614]
    assert noise(np.array(TIMES[:3]) ^ 42).tolist() == [0.122, 0.077, 0.125]


def test_noise_fills_its_range():
    values = noise(np.arange(100_000) * 60_000)
    assert values.min() == 0.0
    assert values.max() == 0.999
    assert abs(values.mean() - 0.4995) < 0.005


def values_of(program, moments, **context):
    store = MemoryStore(StoreConfig())
    (expr,) = parse_exprs(program)
    found = []
    for moment in moments:
        start_ms = int(moment.timestamp()) * 1000
        window = EvalContext(start_ms, start_ms + 60_000, 60_000, **context)
        found.append(evaluate(store, [expr.expr], window)[0].values[0, 0])
    return found


MOMENTS = [
    datetime(1970, 1, 1, tzinfo=UTC),
    datetime(2000, 2, 29, 23, 59, tzinfo=UTC),
    datetime(2001, 3, 1, tzinfo=UTC),
    datetime(2022, 12, 31, 12, 30, tzinfo=UTC),
    datetime(2024, 12, 31, 11, 30, tzinfo=UTC),
]


@pytest.mark.parametrize(
    ("mode", "expected"),
    [
        ("dayOfWeek", lambda t: t.isoweekday()),
        ("dayOfMonth", lambda t: t.day),
        ("dayOfYear", lambda t: t.timetuple().tm_yday),
        ("monthOfYear", lambda t: t.month),
        ("yearOfEra", lambda t: t.year),
        ("hourOfDay", lambda t: t.hour),
        ("minuteOfDay", lambda t: t.hour * 60 + t.minute),
        ("AMPM_OF_DAY", lambda t: t.hour // 12),
        ("CLOCK_HOUR_OF_AMPM", lambda t: t.hour % 12 or 12),
        ("CLOCK_HOUR_OF_DAY", lambda t: t.hour or 24),
        ("ALIGNED_WEEK_OF_MONTH", lambda t: (t.day - 1) // 7 + 1),
        ("days", lambda t: t.timestamp() / 86_400),
    ],
)
def test_fields_are_those_of_the_calendar(mode, expected):
    found = values_of(f"{mode},:time", MOMENTS)
    assert found == pytest.approx([float(expected(moment)) for moment in MOMENTS])


def test_now_is_what_the_caller_says():
    (moment,) = MOMENTS[-1:]
    at_ms = int(moment.timestamp()) * 1000
    assert values_of("now-1m,now,:time-span", [moment], now_ms=at_ms) == [1.0]
    assert values_of("now-1m,now,:time-span", [moment], now_ms=at_ms - 60_000) == [0.0]
    # Without a clock, now is the end of the window.
    assert values_of("now-1m,now,:time-span", [moment]) == [1.0]
    assert values_of("now,now,:time-span", [moment]) == [0.0]
