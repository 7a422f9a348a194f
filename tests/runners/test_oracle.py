"""The application against recorded answers of the original, as tests/data/oracle tells."""

from __future__ import annotations

import copy
import hashlib
import json
import math
import random
from collections.abc import Iterator
from typing import Any

import pytest

from tests.oracle.application import BASE_END_MS, application
from tests.oracle.callers import InProcess
from tests.oracle.comparison import checks
from tests.oracle.dataset import all_series
from tests.oracle.replay import load, replay
from tests.oracle.vectors import Vector, vectors

VECTORS = vectors()
CATEGORIES = list(dict.fromkeys(vector.category for vector in VECTORS))
DIGEST_OF_DATA = "b539c3b0a74589bbeb64f765a69b2f6b7685cc7ab2b04fc73a432f2f03a82ae1"
FAILURES_SHOWN_MAX = 5


@pytest.fixture(scope="module")
def caller() -> Iterator[InProcess]:
    with InProcess(application()) as caller:
        load(caller, BASE_END_MS)
        yield caller


def test_data_is_what_the_questions_were_asked_of():
    digest = hashlib.sha256()
    for series in all_series():
        digest.update(json.dumps([series.tags, series.points], sort_keys=True).encode())
    assert digest.hexdigest() == DIGEST_OF_DATA


@pytest.mark.parametrize("category", CATEGORIES)
def test_answers_are_those_recorded(category, caller):
    chosen = [vector for vector in VECTORS if vector.category == category]
    failures = [line for result in replay(caller, chosen, BASE_END_MS) for line in result.failures]
    shown = "\n".join(failures[:FAILURES_SHOWN_MAX])
    assert not failures, f"{len(failures)} of {category} are not as recorded:\n{shown}"


def leaves(form: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The way to each value that holds no others."""
    if isinstance(form, dict | list):
        for key in form if isinstance(form, dict) else range(len(form)):
            yield from leaves(form[key], (*path, key))
    else:
        yield path


def with_another_value(form: dict[str, Any], path: tuple[Any, ...]) -> dict[str, Any]:
    changed = copy.deepcopy(form)
    *way, last = path
    inner = changed
    for key in way:
        inner = inner[key]
    value = inner[last]
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    inner[last] = "NaN" if is_number else f"not {value}"
    return changed


def test_an_answer_agrees_with_itself_and_with_no_other():
    chance = random.Random(1)
    for vector in VECTORS:
        expected = vector.document["expect"]
        assert all(check.difference is None for check in checks(vector, copy.deepcopy(expected)))
        paths = [path for path in leaves(expected) if path[0] not in ("kind", "type", "message")]
        for path in chance.sample(paths, min(3, len(paths))):
            other = with_another_value(expected, path)
            assert any(check.difference for check in checks(vector, other)), (vector.id, path)


@pytest.mark.parametrize(
    ("expected", "found", "agrees"),
    [
        ([1.0], [1.0 + 1e-10], True),
        ([1.0], [1.0 + 1e-8], False),
        ([1.0, 1e13], [2.0, 1e13], True),
        ([1.0, 1e13], [4.0, 1e13], False),
        (["NaN"], [math.nan], True),
        (["NaN"], [0.0], False),
        (["Infinity"], [math.inf], True),
        (["Infinity"], [-math.inf], False),
        ([1.0], [None], False),
        ([1.0], [1.0, 1.0], False),
    ],
)
def test_numbers_agree_within_a_tolerance(expected, found, agrees):
    forms = [
        {"kind": "graph", "status": 200, "series": [{"legend": "a", "values": values}]}
        for values in (expected, found)
    ]
    (check,) = checks(Vector({"category": "x", "expect": forms[0]}), forms[1])
    assert (check.difference is None) == agrees


def test_lines_may_come_in_another_order_unless_it_counts():
    lines = [{"legend": "a", "values": [1.0]}, {"legend": "b", "values": [2.0]}]
    expected = {"kind": "graph", "status": 200, "series": lines}
    found = {**expected, "series": lines[::-1]}
    for is_ordered in (False, True):
        vector = Vector({"category": "x", "expect": expected, "ordered": is_ordered})
        assert (checks(vector, found)[0].difference is not None) == is_ordered
