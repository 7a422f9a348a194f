"""Puts the recorded questions to a server that was given the data, and compares the answers."""

from __future__ import annotations

import json
import math
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from http.client import HTTPException
from typing import Any

import msgspec

from tests.oracle import dataset
from tests.oracle.answers import form_of
from tests.oracle.callers import Caller
from tests.oracle.comparison import Check, checks, no_answer
from tests.oracle.vectors import Question, Vector

DATAPOINTS_PER_BATCH = 4000
VISIBLE_WITHIN_S = 120.0


@dataclass(frozen=True)
class Result:
    """A vector and how each of its checks went."""

    vector: Vector
    checks: tuple[Check, ...]

    @property
    def failures(self) -> list[str]:
        """What differs, a line for each check."""
        differences = [check.difference for check in self.checks if check.difference is not None]
        return [f"{self.vector.id}: {difference}" for difference in differences]


def load(caller: Caller, base_end_ms: int, clock: Callable[[], float] = time.monotonic) -> int:
    """Publish the data, wait until it can be queried, and return the number of datapoints."""
    series = list(dataset.all_series())
    count = 0
    for body in _bodies(series, base_end_ms):
        count += body.count(b'"timestamp":')
        headers = {"Content-Type": "application/json"}
        answer = caller.ask(Question("POST", "/api/v1/publish", body, headers))
        if answer.status != 200:
            said = answer.body[:500].decode("utf-8", "replace")
            raise AssertionError(f"publishing the data was answered {answer.status}: {said}")
    names = {s.tags["name"] for s in series}
    end = clock() + VISIBLE_WITHIN_S
    while not names <= set(_names(caller)):
        if clock() > end:
            raise AssertionError(f"not all names were visible within {VISIBLE_WITHIN_S:.0f} s")
        time.sleep(0.2)
    return count


def replay(caller: Caller, vectors: Iterable[Vector], base_end_ms: int) -> Iterator[Result]:
    """Ask and compare, one vector after the other."""
    for vector in vectors:
        yield Result(vector, tuple(_checks(caller, vector, base_end_ms)))


def _checks(caller: Caller, vector: Vector, base_end_ms: int) -> list[Check]:
    try:
        *_, answer = [caller.ask(question) for question in vector.questions(base_end_ms)]
    except (OSError, HTTPException) as error:
        return no_answer(vector, f"no answer: {error!r}")
    try:
        found = form_of(answer, vector, base_end_ms)
    except (ValueError, KeyError, TypeError, AttributeError, IndexError) as error:
        return no_answer(vector, f"an answer of another shape: {error!r}")
    return checks(vector, found)


def _names(caller: Caller) -> list[str]:
    answer = caller.ask(Question("GET", "/api/v1/tags/name", None, {}))
    return json.loads(answer.body) if answer.status == 200 else []


def _bodies(series: list[dataset.Series], base_end_ms: int) -> Iterator[bytes]:
    """Bodies to publish, in order of time and, within an instant, of the series."""
    tags = [msgspec.Raw(msgspec.json.encode(s.tags)) for s in series]
    rows = [(at_s, i, value) for i, s in enumerate(series) for at_s, value in s.points]
    rows.sort(key=lambda row: row[:2])
    for first in range(0, len(rows), DATAPOINTS_PER_BATCH):
        metrics = [
            {"tags": tags[i], "timestamp": base_end_ms + at_s * 1000, "value": _json_number(value)}
            for at_s, i, value in rows[first : first + DATAPOINTS_PER_BATCH]
        ]
        yield msgspec.json.encode({"tags": {}, "metrics": metrics})


def _json_number(value: float) -> Any:
    if math.isfinite(value):
        return value
    return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"
