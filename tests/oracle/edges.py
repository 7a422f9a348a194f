"""Series at the edges of arithmetic: name, value by the minute, minutes held, type."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from itertools import accumulate

from tests.oracle.chance import Noise, wave

SHORT_MIN = 190
LONG_MIN = 600

Value = Callable[[int], float | None]
"""The value of a minute, or None if nothing is reported in it."""
Edge = tuple[Value, int, str]

_STEPS = Noise("walk")
_WALK = [round(v, 4) for v in accumulate(_STEPS(i) - 0.5 for i in range(-LONG_MIN, 1))]


def _short(value: Value, dstype: str = "gauge") -> Edge:
    return value, SHORT_MIN, dstype


def _long(value: Value) -> Edge:
    return value, LONG_MIN, "gauge"


_NEGATIVE, _NOISE = Noise("neg"), Noise("edge")

EDGES: Mapping[str, Edge] = {
    "zero": _short(lambda _: 0.0),
    "one": _short(lambda _: 1.0),
    "neg": _short(lambda i: -5.0 - round(_NEGATIVE(i), 4)),
    "const": _short(lambda _: 42.0),
    "ramp": _long(lambda i: float(i + LONG_MIN)),
    "rampdown": _long(lambda i: float(-i)),
    "huge": _short(lambda i: 1.5e300 * (1 if i % 2 else -1)),
    "big": _short(lambda i: 9.007199254740993e15 + (i % 7)),
    "tiny": _short(lambda i: 2.5e-300 * (1 + i % 3)),
    "subnormal": _short(lambda i: 4.9e-324 if i % 2 else 1e-310),
    "thirds": _short(lambda i: (i % 9) / 3.0),
    "sawtooth": _long(lambda i: float(i % 10)),
    "square": _long(lambda i: 100.0 if (i // 15) % 2 else 0.0),
    "spike": _long(lambda i: 1000.0 if i % 45 == 0 else 1.0),
    "alternating": _short(lambda i: 1.0 if i % 2 else -1.0),
    "triangle": _long(lambda i: wave(i, 60)),
    "single": _short(lambda i: 7.0 if i == -20 else None),
    "pair": _short(lambda i: 3.0 if i in (-20, -10) else None),
    "sparse": _short(lambda i: float(-i) if i % 7 == 0 else None),
    "late": _short(lambda i: 11.0 if i > -30 else None),
    "early": _short(lambda i: 12.0 if i < -60 else None),
    "hole": _short(lambda i: None if -40 <= i < -20 else 13.0),
    "nan": _short(lambda i: math.nan if i % 2 else float(i)),
    "allnan": _short(lambda i: math.nan if i > -180 else 1.0),
    "posinf": _short(lambda i: math.inf if i % 11 == 0 else 2.0),
    "neginf": _short(lambda i: -math.inf if i % 13 == 0 else 2.0),
    "noise": _long(lambda i: round(_NOISE(i), 4)),
    "walk": _long(lambda i: _WALK[i + LONG_MIN]),
    "rate": _short(lambda _: 2.0, "rate"),
}
