"""Every form of a tolerance, and what never is within one."""

from __future__ import annotations

import math

import pytest

from chaosctl.drivers.activities.tolerating import in_words, is_within

ITEMS = {"items": [{"name": "a", "v": 1}, {"name": "b", "v": 2}]}
RANGE = {"type": "range", "range": [0.1, 0.3]}

WITHIN = {
    "bool": (True, True),
    "text": ("ok", "ok"),
    "integer": (3, 3),
    "status": (200, {"status": 200, "body": ""}),
    "list of two is inclusive": ([1, 5], 5),
    "list of two, status": ([200, 204], {"status": 204}),
    "membership": (["a", "b", "c"], "c"),
    "list of two texts": (["up", "ready"], "ready"),
    "range is decimal": (RANGE, 0.1 + 0.2 - 4e-17),
    "range of text": (RANGE, "0.2\n"),
    "range of a member": ({**RANGE, "target": "stdout"}, {"stdout": "0.3"}),
    "regex searches": ({"type": "regex", "pattern": "b+"}, "abbc"),
    "regex of a body": ({"type": "regex", "pattern": '"v": 2', "target": "body"}, {"body": ITEMS}),
    "jsonpath": ({"type": "jsonpath", "path": "$.items[*].name"}, ITEMS),
    "jsonpath in text": ({"type": "jsonpath", "path": "$.a"}, '{"a": 1}'),
    "jsonpath count": ({"type": "jsonpath", "path": "$.items[*]", "count": 2}, ITEMS),
    "jsonpath none": ({"type": "jsonpath", "path": "$.no", "count": 0}, ITEMS),
    "jsonpath expect": ({"type": "jsonpath", "path": "$.items[0].v", "expect": 1}, ITEMS),
    "jsonpath list": ({"type": "jsonpath", "path": "$.items[*].v", "expect": [1, 2]}, ITEMS),
    "jsonpath filter": (
        {"type": "jsonpath", "path": "$.items[?(@.name=='b')].v", "expect": 2},
        ITEMS,
    ),
    "probe": ({"type": "probe", "provider": {}}, "accepted"),
}
OUTSIDE = {
    "bool is no number": (1, True),
    "number is no bool": (True, 1),
    "status": (200, {"status": 503}),
    "list of two": ([1, 5], 5.001),
    "list of two, status between": ([200, 204], {"status": 202}),
    "membership": (["a", "b", "c"], "d"),
    "range": (RANGE, 0.31),
    "range of no number": (RANGE, "much"),
    "range of a bool": ([0, 1], True),
    "NaN in a range": (RANGE, math.nan),
    "NaN in text": (RANGE, "nan"),
    "NaN in a list of two": ([0, 5], math.nan),
    "NaN is not NaN": (math.nan, math.nan),
    "NaN in a membership": ([math.nan, 1, 2], math.nan),
    "NaN in a map": ({"type": "jsonpath", "path": "$.a", "expect": math.nan}, {"a": math.nan}),
    "nothing": (RANGE, None),
    "a member that is not there": ({**RANGE, "target": "stdout"}, {"status": 0}),
    "regex": ({"type": "regex", "pattern": "^b"}, "ab"),
    "regex of nothing": ({"type": "regex", "pattern": ".*"}, None),
    "jsonpath": ({"type": "jsonpath", "path": "$.no"}, ITEMS),
    "jsonpath in no JSON": ({"type": "jsonpath", "path": "$.a"}, "<html>"),
    "jsonpath count": ({"type": "jsonpath", "path": "$.items[*]", "count": 3}, ITEMS),
    "jsonpath expect": ({"type": "jsonpath", "path": "$.items[0].v", "expect": True}, ITEMS),
    "probe": ({"type": "probe", "provider": {}}, "refused"),
}


def accepts(_tolerance, value) -> bool:
    return value == "accepted"


@pytest.mark.parametrize("case", WITHIN)
def test_value_is_tolerated(case):
    tolerance, value = WITHIN[case]
    assert is_within(tolerance, value, accepts)


@pytest.mark.parametrize("case", OUTSIDE)
def test_value_is_not_tolerated(case):
    tolerance, value = OUTSIDE[case]
    assert not is_within(tolerance, value, accepts)


def test_tolerances_are_said_in_a_line():
    assert [in_words(t) for t in (200, RANGE, {"type": "regex", "pattern": "x"})] == [
        "200",
        "range [0.1, 0.3]",
        "matches x",
    ]
