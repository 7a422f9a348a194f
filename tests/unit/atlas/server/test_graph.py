"""GET /api/v1/graph: parameters, answers and refusals."""

from __future__ import annotations

import pytest


def test_lines_with_their_legends_and_tags(filled, now_ms):
    answer = filled.get(
        "/api/v1/graph", q="name,cpu,:eq,(,node,),:by", s="e-3m", e=str(now_ms), format="json"
    )
    assert answer.status == 200
    assert answer.headers["content-type"] == "application/json"
    assert answer.json == {
        "start": now_ms - 120_000,
        "step": 60_000,
        "legend": ["i-1", "i-2"],
        "metrics": [
            {"atlas.offset": "0w", "name": "cpu", "node": "i-1"},
            {"atlas.offset": "0w", "name": "cpu", "node": "i-2"},
        ],
        "values": [[2.0, 2.0], [1.0, 1.0], [0.0, 0.0]],
        "notices": [],
    }


@pytest.mark.parametrize(
    ("parameters", "status", "message"),
    [
        ({}, 400, "IllegalArgumentException: missing required parameter 'q'"),
        ({"q": ":foo"}, 400, "IllegalStateException: unknown word ':foo'"),
        ({"q": "1", "format": "x"}, 404, "NoSuchElementException: key not found: x"),
        ({"q": "1", "s": "e-5x"}, 400, "IllegalArgumentException: unknown unit x"),
        ({"q": "1", "step": "5"}, 400, "IllegalArgumentException: invalid period 5"),
        ({"q": "1", "w": "no"}, 400, 'NumberFormatException: For input string: "no"'),
        ({"q": "1", "tz": "foo"}, 400, "ZoneRulesException: Unknown time-zone ID: foo"),
    ],
)
def test_refusals_say_what_the_original_says(filled, parameters, status, message):
    answer = filled.get("/api/v1/graph", **{"format": "json", **parameters})
    assert answer.json["message"] == message
    assert answer.status == status


def test_now_in_a_program_is_the_clock_and_not_the_end_of_the_graph(filled, now_ms):
    past = {"s": "e-3m", "e": str(now_ms - 3_600_000), "format": "json"}
    answer = filled.get("/api/v1/graph", q="now-1h,now,:time-span", **past)
    assert answer.json["values"] == [[0.0], [0.0], [1.0]]


def test_mistake_in_a_program_has_its_place_and_a_fix(filled):
    answer = filled.get("/api/v1/graph", q="name,cpu,:eq,:summ", format="json")
    assert answer.json["where"] == "column 14"
    assert answer.json["fix"] == "did you mean ':sum'?"


def test_too_many_lines_are_refused(roomy, now_ms):
    metrics = [
        {"tags": {"name": "cpu", "node": f"i-{i}"}, "timestamp": now_ms, "value": 1}
        for i in range(1025)
    ]
    assert roomy.post("/api/v1/publish", {"metrics": metrics}).status == 200
    answer = roomy.get("/api/v1/graph", q="name,cpu,:eq,(,node,),:by", format="json", s="e-5m")
    assert answer.status == 400
    assert answer.json["message"].endswith("requirement failed: too many lines: 1025 > 1024")
    assert roomy.get("/api/v1/graph", q="name,cpu,:eq,:all", format="json").status == 400


def test_first_of_several_parameters_counts(filled, now_ms):
    path = f"/api/v1/graph?q=1&q=2&s=e-2m&e={now_ms}&format=json&format=csv"
    assert filled.call("GET", path).json["legend"] == ["1.0"]
