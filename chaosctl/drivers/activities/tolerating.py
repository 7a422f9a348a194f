"""Whether a probe's value is tolerated. Pure but for tolerances that are probes themselves.

What cannot be compared is out of tolerance, NaN above all: no data is never a pass.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal, InvalidOperation
from typing import Any

Ask = Callable[[Mapping[str, Any], Any], bool]
"""From a tolerance of type probe and the value to whether that probe accepts it."""


def is_within(tolerance: Any, value: Any, ask: Ask) -> bool:
    """Whether the value is tolerated.

    >>> is_within([0, 5], 5, None), is_within(200, {"status": 503}, None)
    (True, False)
    """
    if isinstance(tolerance, Mapping):
        return _is_within_mapping(tolerance, value, ask)
    if isinstance(tolerance, list | tuple):
        return _is_in_list(tolerance, value)
    if _is_number(tolerance) and isinstance(value, Mapping) and "status" in value:
        value = value["status"]
    return is_same(tolerance, value)


def is_same(one: Any, other: Any) -> bool:
    """Equal, and both or neither a truth value; NaN is equal to nothing."""
    if isinstance(one, bool) or isinstance(other, bool):
        return isinstance(one, bool) and isinstance(other, bool) and one == other
    if isinstance(one, Mapping) and isinstance(other, Mapping):
        return one.keys() == other.keys() and all(is_same(one[k], other[k]) for k in one)
    if isinstance(one, list | tuple) and isinstance(other, list | tuple):
        return len(one) == len(other) and all(map(is_same, one, other))
    return bool(one == other)


def in_words(tolerance: Any) -> str:
    """A tolerance for people, in a line."""
    if isinstance(tolerance, Mapping):
        kind = tolerance.get("type")
        if kind == "range":
            return f"range {json.dumps(tolerance.get('range'))}"
        if kind == "regex":
            return f"matches {tolerance.get('pattern')}"
        if kind == "jsonpath":
            return f"jsonpath {tolerance.get('path')}"
        return f"probe {tolerance.get('name')}"
    return json.dumps(tolerance, ensure_ascii=False, default=str)


def _is_within_mapping(tolerance: Mapping[str, Any], value: Any, ask: Ask) -> bool:
    kind = tolerance.get("type")
    if kind == "probe":
        return ask(tolerance, value)
    target = tolerance.get("target")
    if target is not None:
        value = value.get(target) if isinstance(value, Mapping) else None
    if kind == "range":
        return _is_in_range(tolerance["range"], value)
    if kind == "regex":
        return value is not None and re.search(str(tolerance["pattern"]), _text(value)) is not None
    if kind == "jsonpath":
        return _has_path(tolerance, value)
    return False


def _is_in_list(tolerance: Sequence[Any], value: Any) -> bool:
    if isinstance(value, Mapping) and "status" in value:
        return any(is_same(item, value["status"]) for item in tolerance)
    if len(tolerance) == 2 and all(_is_number(item) for item in tolerance):
        return _is_in_range(tolerance, value)
    return any(is_same(item, value) for item in tolerance)


def _is_in_range(bounds: Sequence[Any], value: Any) -> bool:
    low, number, high = (_decimal(item) for item in (bounds[0], value, bounds[1]))
    if low is None or number is None or high is None:
        return False
    return low <= number <= high


def _has_path(tolerance: Mapping[str, Any], value: Any) -> bool:
    from jsonpath_ng.ext.parser import parse  # noqa: PLC0415 - few documents use it

    if isinstance(value, str):
        try:
            value = json.loads(value)
        except ValueError:
            return False
    found = [match.value for match in parse(str(tolerance["path"])).find(value)]
    if "count" in tolerance and len(found) != tolerance["count"]:
        return False
    if "expect" in tolerance:
        expected = tolerance["expect"]
        return is_same(found, expected if isinstance(expected, list) else [expected])
    return bool(found) or tolerance.get("count") == 0


def _decimal(value: Any) -> Decimal | None:
    """The number, None for what is none; NaN is none."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        number = Decimal(str(value).strip())
    except InvalidOperation:
        return None
    return None if number.is_nan() else number


def _is_number(value: Any) -> bool:
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return is_number and not math.isnan(value)


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
