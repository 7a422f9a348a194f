"""Whether an answer is the recorded one. A difference is a short text; None says that all agrees.

Numbers agree within a relative 1e-9, or what the vector says, and values of a line also within
1e-13 of the largest of them. Lines may come in any order, unless the vector says otherwise.
"""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from typing import Any

from tests.oracle.answers import Form
from tests.oracle.vectors import Vector

TOLERANCE = 1e-9
TOLERANCE_OF_LARGEST = 1e-13
_SPECIAL = {"NaN": math.nan, "Infinity": math.inf, "-Infinity": -math.inf}


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that was compared; `difference` is None if it agrees."""

    category: str
    difference: str | None


def checks(vector: Vector, found: Form) -> list[Check]:
    """The check of the answer and, for a refusal, that of its text."""
    difference, message = _compared(vector, found)
    result = [Check(vector.category, difference)]
    if has_message(vector):
        result.append(Check(message_category(vector), message))
    return result


def no_answer(vector: Vector, why: str) -> list[Check]:
    """The checks of a vector to which nothing came that could be compared."""
    result = [Check(vector.category, why)]
    if has_message(vector):
        result.append(Check(message_category(vector), why))
    return result


def has_message(vector: Vector) -> bool:
    """Whether the text of the refusal is the original's own, and so counts."""
    return "message" in vector.document["expect"] and not vector.document.get("status_only")


def message_category(vector: Vector) -> str:
    """Where the text of a refusal is counted."""
    return f"{vector.category} / message"


def _compared(vector: Vector, found: Form) -> tuple[str | None, str | None]:
    expected = vector.document["expect"]
    tolerance = vector.document.get("rtol", TOLERANCE)
    if expected["status"] != found["status"]:
        said = f" ({found['message']})" if found.get("message") else ""
        status = f"status {expected['status']} expected, {found['status']} found{said}"
        return status, "status differs"
    if expected["kind"] in ("error", "publish"):
        difference = None
        if "errorCount" in expected:
            difference = _fields(expected, found, ("errorCount", "type"), tolerance)
        return difference, _any(expected.get("message"), found.get("message"), tolerance, "message")
    return _answer(expected, found, tolerance, bool(vector.document.get("ordered"))), None


def _answer(expected: Form, found: Form, tolerance: float, is_ordered: bool) -> str | None:
    if expected["kind"] in ("graph", "stats"):
        others = tuple(key for key in expected if key != "series")
        difference = _fields(expected, found, others, tolerance)
        lines, found_lines = expected["series"], found.get("series", [])
    elif expected["kind"] in ("v2", "sse"):
        (rest, lines), (found_rest, found_lines) = _split(expected), _split(found)
        difference = _any(rest, found_rest, tolerance, "metadata")
    else:
        return _any(expected, found, tolerance, "")
    return difference or _lines(lines, found_lines, tolerance, is_ordered)


def _split(form: Form) -> tuple[list[Form], list[Form]]:
    items = form["items"]
    lines = [item for item in items if item.get("type") == "timeseries"]
    return [item for item in items if item.get("type") != "timeseries"], lines


def _fields(expected: Form, found: Form, keys: tuple[str, ...], tolerance: float) -> str | None:
    differences = (_any(expected.get(key), found.get(key), tolerance, key) for key in keys)
    return next((d for d in differences if d is not None), None)


def _lines(
    expected: list[Form], found: list[Form], tolerance: float, is_ordered: bool
) -> str | None:
    if len(expected) != len(found):
        return (
            f"{len(expected)} lines expected, {len(found)} found;"
            f" expected {[_name(x) for x in expected][:6]}, found {[_name(x) for x in found][:6]}"
        )
    if not is_ordered:
        expected, found = sorted(expected, key=_sort_key), sorted(found, key=_sort_key)
    differences = (
        _any(e, f, tolerance, f"line {_name(e)!r}: ") for e, f in zip(expected, found, strict=True)
    )
    return next((d for d in differences if d is not None), None)


def _name(line: Form) -> Any:
    return line.get("legend", line.get("label"))


def _sort_key(line: Form) -> tuple[str, str]:
    who = [line.get("plot"), line.get("label", line.get("legend"))]
    what = line.get("values", line.get("data", line.get("stats")))
    return (
        json.dumps([*who, line.get("tags"), line.get("query")], sort_keys=True),
        json.dumps(what, sort_keys=True),
    )


def _any(expected: Any, found: Any, tolerance: float, where: str) -> str | None:
    if isinstance(expected, list) and isinstance(found, list):
        return _list(expected, found, tolerance, where)
    if isinstance(expected, dict) and isinstance(found, dict):
        return _mapping(expected, found, tolerance, where)
    if not isinstance(expected, bool) and not isinstance(found, bool):
        x, y = _number(expected), _number(found)
        if x is not None and y is not None:
            return None if _is_close(x, y, tolerance, 0.0) else _says(expected, found, where)
    is_same = expected == found and isinstance(expected, bool) == isinstance(found, bool)
    return None if is_same else _says(expected, found, where)


def _list(expected: list[Any], found: list[Any], tolerance: float, where: str) -> str | None:
    numbers = [_number(item) for item in expected]
    if expected and all(number is not None for number in numbers):
        return _values(expected, found, tolerance, where)
    if len(expected) != len(found):
        return f"{where}: {len(expected)} entries expected, {len(found)} found"
    differences = (
        _any(e, f, tolerance, f"{where}[{i}]")
        for i, (e, f) in enumerate(zip(expected, found, strict=True))
    )
    return next((d for d in differences if d is not None), None)


def _mapping(expected: Form, found: Form, tolerance: float, where: str) -> str | None:
    if expected.keys() != found.keys():
        missing, extra = sorted(expected.keys() - found), sorted(found.keys() - expected)
        return f"{where}: keys differ: missing {missing}, extra {extra}"
    differences = (_any(expected[k], found[k], tolerance, f"{where}.{k}") for k in expected)
    return next((d for d in differences if d is not None), None)


def _values(expected: list[Any], found: list[Any], tolerance: float, where: str) -> str | None:
    if len(expected) != len(found):
        return f"{where}{len(expected)} values expected, {len(found)} found"
    numbers = [x for item in expected if (x := _number(item)) is not None]
    largest = max((abs(x) for x in numbers if math.isfinite(x)), default=0.0)
    for i, (x, item) in enumerate(zip(numbers, found, strict=True)):
        y = _number(item)
        if y is None or not _is_close(x, y, tolerance, largest):
            return _says(expected[i], item, f"{where}[{i}]")
    return None


def _number(value: Any) -> float | None:
    if isinstance(value, str):
        return _SPECIAL.get(value)
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return float(value) if is_number else None


def _is_close(x: float, y: float, tolerance: float, largest: float) -> bool:
    if x == y:
        return True
    if math.isnan(x) or math.isnan(y):
        return math.isnan(x) and math.isnan(y)
    if math.isinf(x) or math.isinf(y):
        return False
    return abs(x - y) <= tolerance * max(abs(x), abs(y)) + TOLERANCE_OF_LARGEST * largest


def _says(expected: Any, found: Any, where: str) -> str:
    return f"{where}: expected {expected!r}, found {found!r}"
