"""Words that make lines out of nothing stored: constants, noise, the clock."""

from __future__ import annotations

import math

from atlas.asl.word import Context
from atlas.asl.words.math_words import MATH
from atlas.expr.generators import Random, SeededRandom, Time, TimeSpan
from atlas.expr.math_expr import Constant
from atlas.expr.tree import TimeSeriesExpr


@MATH.word("const", "v:Double -- TimeSeriesExpr", examples=("42", "-0.5", "NaN"))
def _const(value: float) -> TimeSeriesExpr:
    """The same value at every step."""
    return Constant(value)


@MATH.word("pi", " -- TimeSeriesExpr", examples=("",))
def _pi() -> TimeSeriesExpr:
    """The ratio of a circle's circumference to its diameter."""
    return Constant(math.pi)


@MATH.word("random", " -- TimeSeriesExpr", examples=("",))
def _random() -> TimeSeriesExpr:
    """Noise from 0 to 0.999 that is always the same for the same time."""
    return Random()


@MATH.word("srandom", "seed:Int -- TimeSeriesExpr", examples=("42", "-3"))
def _srandom(seed: int) -> TimeSeriesExpr:
    """Noise from 0 to 0.999 that is always the same for the same time and seed."""
    return SeededRandom(seed)


@MATH.word(
    "time", "mode:String -- TimeSeriesExpr", examples=("hourOfDay", "HOUR_OF_DAY", "minutes")
)
def _time(mode: str) -> TimeSeriesExpr:
    """A field of the calendar, in UTC, or the time since 1970 in a unit."""
    return Time(mode)


@MATH.context_word(
    "time-span",
    "s:String e:String -- TimeSeriesExpr",
    takes="s:String e:String",
    examples=("e-30m,ge", "2014-02-20T13:00,s+30m"),
)
def _time_span(context: Context, start: str, end: str) -> Context:
    """1 from one instant to another, in the zone of the variable `tz`, else 0."""
    zone = context.variables.get("tz", "UTC")
    return context.push(TimeSpan(start, end, zone if isinstance(zone, str) else "UTC"))
