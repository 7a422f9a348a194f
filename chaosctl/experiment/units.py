"""Durations, shares and limits as people write them, to milliseconds and ratios. Pure.

Each reader takes the text or number that stands in the document and raises `BadUnit` with what is
wrong and how to put it right; the caller knows where.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from types import MappingProxyType

from chaosctl.experiment.model import Limit

UNIT_MS: Mapping[str, int] = MappingProxyType({"ms": 1, "s": 1000, "m": 60_000, "h": 3_600_000})
DURATION_MS_MAX = 24 * 3_600_000

DURATION_PATTERN = r"^([0-9]+(\.[0-9]+)?)\s*(ms|s|m|h)$"
SHARE_PATTERN = r"^([0-9]+(\.[0-9]+)?)\s*%$"
STEPS_PATTERN = r"^([0-9]+)\s*steps?$"
_SHARE_OF = r"([0-9]+(\.[0-9]+)?)\s*%(\s+of\s+baseline)?"
_DIFFERENCE = r"baseline\s*([-+])\s*([0-9]+(\.[0-9]+)?)\s*(%?)"
LIMIT_PATTERN = f"^({_SHARE_OF}|{_DIFFERENCE})$"

_DURATION = re.compile(DURATION_PATTERN)
_SHARE = re.compile(SHARE_PATTERN)
_STEPS = re.compile(STEPS_PATTERN)
_LIMIT = re.compile(f"^{_SHARE_OF}$")
_BESIDE_BASELINE = re.compile(f"^{_DIFFERENCE}$")
_NUMBER = re.compile(r"^-?[0-9]+(\.[0-9]+)?$")
_WORDS = MappingProxyType(
    {"sec": "s", "secs": "s", "second": "s", "seconds": "s", "min": "m", "mins": "m"}
    | {"minute": "m", "minutes": "m", "hour": "h", "hours": "h", "hr": "h", "hrs": "h"}
    | {"millisecond": "ms", "milliseconds": "ms", "msec": "ms", "step": "s", "steps": "s"}
)


WEIGHTS: Mapping[str, float] = MappingProxyType({"critical": 3.0, "normal": 2.0, "minor": 1.0})
WEIGHT_MAX = 1000
TIMES_MAX = 100


class BadUnit(ValueError):
    """A value that cannot be what it is meant to be; says what and how to fix it."""

    def __init__(self, what: str, fix: str) -> None:
        super().__init__(what)
        self.what, self.fix = what, fix


def parse_duration(written: object) -> int:
    """Milliseconds of `500ms`, `30s`, `2m`, `1h`.

    >>> parse_duration("1.5s")
    1500
    """
    text = str(written).strip()
    match = _DURATION.match(text)
    if match is None:
        raise _bad_duration(text)
    ms = float(match[1]) * UNIT_MS[match[3]]
    if ms > DURATION_MS_MAX:
        raise BadUnit(f"a duration of {text} is longer than a day", "at most 24h")
    if ms != int(ms):
        raise BadUnit(f"'{text}' is not a whole number of milliseconds", "at least 1ms")
    return int(ms)


def _bad_duration(text: str) -> BadUnit:
    if _NUMBER.match(text):
        if text.startswith("-"):
            return BadUnit(f"a duration cannot be negative: {text}", "as in 30s")
        return BadUnit(f"a duration needs its unit: {text}", f"did you mean '{text}s'?")
    word = re.match(r"^([0-9.]+)\s*([a-zA-Z]+)$", text)
    if word and word[2].lower() in _WORDS:
        unit = _WORDS[word[2].lower()]
        return BadUnit(f"unknown unit '{word[2]}'", f"did you mean '{word[1]}{unit}'?")
    if word and word[2].lower() in UNIT_MS:
        return BadUnit(f"unknown unit '{word[2]}'", f"did you mean '{word[1]}{word[2].lower()}'?")
    if text.startswith("-"):
        return BadUnit(f"a duration cannot be negative: {text}", "as in 30s")
    return BadUnit(f"'{text}' is not a duration", "as in 500ms, 30s, 2m or 1h")


def parse_weight(written: object) -> float:
    """How much a check counts: `critical` 3, `normal` 2, `minor` 1, or a number.

    >>> parse_weight("critical"), parse_weight(1.5)
    (3.0, 1.5)
    """
    text = str(written).strip()
    if text in WEIGHTS:
        return WEIGHTS[text]
    number = float(text) if _NUMBER.match(text) else math.nan
    if not 0 < number <= WEIGHT_MAX:
        fix = f"{', '.join(WEIGHTS)}, or a number above 0, up to {WEIGHT_MAX}"
        raise BadUnit(f"'{text}' is no weight", fix)
    return number


def parse_times(written: object) -> float:
    """How many times the usual: more than 0, and not once.

    >>> parse_times(2), parse_times(0.5)
    (2.0, 0.5)
    """
    text = str(written).strip()
    number = float(text) if _NUMBER.match(text) else math.nan
    if not 0 < number <= TIMES_MAX:
        raise BadUnit(f"'{text}' is no number of times", f"more than 0, up to {TIMES_MAX}")
    if number == 1:
        raise BadUnit("once the usual changes nothing", "as in 2, or 0.5 for half of it")
    return number


def parse_lasting(written: object, step_ms: int) -> int:
    """Steps of `3 steps`, or of a duration that is a whole number of steps.

    >>> parse_lasting("3 steps", 1000), parse_lasting("2s", 1000)
    (3, 2)
    """
    text = str(written).strip()
    match = _STEPS.match(text)
    if match is None:
        if _NUMBER.match(text) and not text.startswith("-"):
            raise BadUnit(f"'{text}' has no unit", f"did you mean '{text} steps' or '{text}s'?")
        ms = parse_duration(text)
        if ms % step_ms:
            raise BadUnit(f"{text} is not a whole number of steps", f"a step is {step_ms // 1000}s")
        steps = ms // step_ms
    else:
        steps = int(match[1])
    if steps < 1:
        raise BadUnit(f"'{text}' is no time at all", "at least 1 step")
    if steps * step_ms > DURATION_MS_MAX:
        raise BadUnit(f"'{text}' is longer than a day", "at most 24h")
    return steps


def parse_share(written: object) -> float:
    """A ratio of `5%` or of a number from 0 to 1.

    >>> parse_share("5%"), parse_share(0.25)
    (0.05, 0.25)
    """
    text = str(written).strip()
    match = _SHARE.match(text)
    if match is not None:
        ratio = float(match[1]) / 100
        if ratio > 1:
            raise BadUnit(f"{text} is more than 100%", "from 0% to 100%")
        return ratio
    if not _is_number(written, text):
        raise BadUnit(f"'{text}' is not a ratio", "as in 5%, or a number from 0 to 1")
    ratio = float(text)
    if ratio < 0:
        raise BadUnit(f"a ratio cannot be negative: {text}", "from 0 to 1, or as in 5%")
    if ratio > 1:
        hint = f"did you mean '{text}%'?" if ratio <= 100 else "from 0 to 1, or as in 5%"
        raise BadUnit(f"a ratio cannot be more than 1: {text}", hint)
    return ratio


def parse_limit(written: object) -> Limit:
    """A bound of a check: `97%`, `0.97`, `120`, `50% of baseline`, `baseline + 5`.

    A percentage beside the baseline is one of points: `baseline - 2%` of 0.99 is 0.97.
    """
    text = str(written).strip()
    beside = _BESIDE_BASELINE.match(text)
    if beside is not None:
        offset = float(beside[1] + beside[2]) / (100 if beside[4] else 1)
        return Limit(1.0, of_baseline=True, text=text, offset=offset)
    match = _LIMIT.match(text)
    if match is not None:
        ratio = float(match[1]) / 100
        if match[3] is None and ratio > 1:
            fix = f"a plain number ({ratio:g}), or '{text} of baseline'"
            raise BadUnit(f"{text} is more than 100%", fix)
        if match[3] is not None and ratio == 0:
            raise BadUnit(f"'{text}' is always 0", "more than 0%")
        return Limit(ratio, of_baseline=match[3] is not None, text=text)
    if _is_number(written, text):
        return Limit(float(text), of_baseline=False, text=text)
    if re.match(r"^-[0-9.]+\s*%", text):
        raise BadUnit(f"a ratio cannot be negative: {text}", "from 0% to 100%")
    if "baseline" in text:
        fix = "as in '50% of baseline' or 'baseline + 5'"
        raise BadUnit(f"'{text}' does not say what of the baseline", fix)
    raise BadUnit(f"'{text}' is not a limit", "as in 97%, 0.97, 120 or '50% of baseline'")


def parse_confidence(written: object) -> float:
    """How sure a band or a comparison is: `95%`, from 50% to 99.9%.

    >>> parse_confidence("98%")
    0.98
    """
    ratio = parse_share(written)
    if not 0.5 <= ratio <= 0.999:
        raise BadUnit(f"nobody can be {written} sure", "from 50% to 99.9%, as in 95%")
    return ratio


def _is_number(written: object, text: str) -> bool:
    if isinstance(written, bool):
        return False
    if isinstance(written, int | float):
        return math.isfinite(written)
    return _NUMBER.match(text) is not None
