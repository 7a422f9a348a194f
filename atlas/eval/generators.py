"""Noise, calendar fields and spans of time: values computed from the instants of the steps."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType

import numpy as np
import numpy.typing as npt

from atlas.errors import AtlasError
from atlas.eval.evaluation import Evaluation, evaluates
from atlas.eval.lines import Lines, one_line
from atlas.expr.generators import SECONDS_BY_UNIT, WIDE_FIELDS, Random, SeededRandom, Time, TimeSpan
from atlas.model import EvalContext
from atlas.store.block import FloatArray, IntArray

_DAY_MS = 86_400_000
_HOUR_MS = 3_600_000
_MINUTE_MS = 60_000


def instants_ms(context: EvalContext) -> IntArray:
    """The instant of each step, in epoch milliseconds."""
    return context.start_ms + np.arange(context.step_count, dtype=np.int64) * context.step_ms


@evaluates(Random)
def _random(expr: Random, evaluation: Evaluation) -> Lines:
    return one_line({"name": "random"}, "random", noise(instants_ms(evaluation.context)))


@evaluates(SeededRandom)
def _seeded_random(expr: SeededRandom, evaluation: Evaluation) -> Lines:
    label = f"seeded-random({expr.seed})"
    values = noise(instants_ms(evaluation.context) ^ np.int64(expr.seed))
    return one_line({"name": label}, label, values)


def noise(numbers: IntArray) -> FloatArray:
    """A hash of each number, in thousandths from 0 to 0.999."""
    bits = numbers.astype(np.uint64)
    halves = (bits >> np.uint64(32)).astype(np.uint32), bits.astype(np.uint32)
    mixed = (_mixed(halves[0]) ^ _mixed(halves[1])).view(np.int32)
    # The smallest number has no positive counterpart and stays negative, here as in Java.
    return np.fmod(np.abs(mixed), np.int32(1000)) / 1000.0


def _mixed(x: npt.NDArray[np.uint32]) -> npt.NDArray[np.uint32]:
    """Chris Wellons' integer hash with the least bias known for its form (`lowbias32`)."""
    x = (x ^ (x >> np.uint32(16))) * np.uint32(0x7FEB352D)
    x = (x ^ (x >> np.uint32(15))) * np.uint32(0x846CA68B)
    return x ^ (x >> np.uint32(16))


@evaluates(TimeSpan)
def _time_span(expr: TimeSpan, evaluation: Evaluation) -> Lines:
    first_ms, last_ms = expr.instants_ms(evaluation.context)
    at_ms = instants_ms(evaluation.context)
    name = f"{expr.start} to {expr.end}"
    values = ((first_ms <= at_ms) & (at_ms <= last_ms)).astype(np.float64)
    return one_line({"name": name}, name, values)


@evaluates(Time)
def _time(expr: Time, evaluation: Evaluation) -> Lines:
    at_ms = instants_ms(evaluation.context)
    if expr.mode in SECONDS_BY_UNIT:
        values = at_ms / (1000.0 * SECONDS_BY_UNIT[expr.mode])
    elif expr.field in WIDE_FIELDS:
        raise AtlasError(
            f"Invalid field '{WIDE_FIELDS[expr.field]}' for get() method, use getLong() instead",
            where=f"{expr}",
            fix="use days, or another unit since 1970",
            original_class="UnsupportedTemporalTypeException",
        )
    else:
        values = _FIELDS[expr.field](at_ms).astype(np.float64)
    return one_line({"name": expr.mode}, expr.mode, values)


def _day(at_ms: IntArray) -> IntArray:
    """Days since 1970."""
    return at_ms // _DAY_MS


def _year(at_ms: IntArray) -> IntArray:
    return at_ms.astype("datetime64[ms]").astype("datetime64[Y]").astype(np.int64) + 1970


def _month(at_ms: IntArray) -> IntArray:
    """Months since 1970."""
    return at_ms.astype("datetime64[ms]").astype("datetime64[M]").astype(np.int64)


def _day_of(at_ms: IntArray, unit: str) -> IntArray:
    """Days since the month or year began, from 0."""
    begin = at_ms.astype("datetime64[ms]").astype(f"datetime64[{unit}]").astype("datetime64[D]")
    return _day(at_ms) - begin.astype(np.int64)


def _one_to(count: int, values: IntArray) -> IntArray:
    """Values as a clock shows them that has no 0."""
    return (values - 1) % count + 1


_FIELDS: Mapping[str, Callable[[IntArray], IntArray]] = MappingProxyType(
    {
        "NANO_OF_SECOND": lambda t: t % 1000 * 1_000_000,
        "MICRO_OF_SECOND": lambda t: t % 1000 * 1000,
        "MILLI_OF_SECOND": lambda t: t % 1000,
        "MILLI_OF_DAY": lambda t: t % _DAY_MS,
        "SECOND_OF_MINUTE": lambda t: t % _MINUTE_MS // 1000,
        "SECOND_OF_DAY": lambda t: t % _DAY_MS // 1000,
        "MINUTE_OF_HOUR": lambda t: t % _HOUR_MS // _MINUTE_MS,
        "MINUTE_OF_DAY": lambda t: t % _DAY_MS // _MINUTE_MS,
        "HOUR_OF_AMPM": lambda t: t % _DAY_MS // _HOUR_MS % 12,
        "CLOCK_HOUR_OF_AMPM": lambda t: _one_to(12, t % _DAY_MS // _HOUR_MS),
        "HOUR_OF_DAY": lambda t: t % _DAY_MS // _HOUR_MS,
        "CLOCK_HOUR_OF_DAY": lambda t: _one_to(24, t % _DAY_MS // _HOUR_MS),
        "AMPM_OF_DAY": lambda t: t % _DAY_MS // (12 * _HOUR_MS),
        "DAY_OF_WEEK": lambda t: (_day(t) + 3) % 7 + 1,
        "ALIGNED_DAY_OF_WEEK_IN_MONTH": lambda t: _day_of(t, "M") % 7 + 1,
        "ALIGNED_DAY_OF_WEEK_IN_YEAR": lambda t: _day_of(t, "Y") % 7 + 1,
        "DAY_OF_MONTH": lambda t: _day_of(t, "M") + 1,
        "DAY_OF_YEAR": lambda t: _day_of(t, "Y") + 1,
        "ALIGNED_WEEK_OF_MONTH": lambda t: _day_of(t, "M") // 7 + 1,
        "ALIGNED_WEEK_OF_YEAR": lambda t: _day_of(t, "Y") // 7 + 1,
        "MONTH_OF_YEAR": lambda t: _month(t) % 12 + 1,
        "YEAR_OF_ERA": _year,
        "YEAR": _year,
        "ERA": np.ones_like,
        "OFFSET_SECONDS": np.zeros_like,
    }
)
"""What each field shows, from epoch milliseconds. Times before the year 1 do not occur."""
