"""GET /api/v2/fetch: a stream of events."""

from __future__ import annotations

import json

import pytest


def events(answer):
    assert answer.status == 200
    assert answer.headers["content-type"].startswith("text/event-stream")
    blocks = answer.body.decode().split("\n\n")
    assert blocks.pop() == ""
    return [json.loads(block.removeprefix("data: ")) for block in blocks]


def test_stream_begins_with_a_heartbeat_and_ends_with_a_close(filled, now_ms):
    first, *lines, last = events(
        filled.get("/api/v2/fetch", q="name,cpu,:eq,(,node,),:by", s="e-3m", e=str(now_ms))
    )
    assert first == {"type": "info", "message": "heartbeat"}
    assert last == {"type": "close", "message": "operation complete"}
    assert [line["label"] for line in lines] == ["i-1", "i-2"]
    assert lines[0] == {
        "type": "timeseries",
        "id": lines[0]["id"],
        "query": "name,cpu,:eq,:sum,(,node,),:by,$(node),:legend",
        "groupByKeys": ["node"],
        "label": "i-1",
        "tags": {"name": "cpu", "node": "i-1", "atlas.offset": "0w"},
        "start": now_ms - 180_000,
        "end": now_ms,
        "step": 60_000,
        "data": {"type": "array", "values": lines[0]["data"]["values"]},
    }
    assert len(lines[0]["data"]["values"]) == 3
    assert len(lines[0]["id"]) == 40


def test_long_windows_come_in_chunks_and_chunks_of_gaps_are_left_out(filled, now_ms):
    _, *lines, _ = events(filled.get("/api/v2/fetch", q="1", s="e-130m", e=str(now_ms)))
    assert [len(line["data"]["values"]) for line in lines] == [60, 60, 10]
    assert [line["start"] for line in lines[1:]] == [line["end"] for line in lines[:-1]]
    _, *lines, _ = events(filled.get("/api/v2/fetch", q="NaN", s="e-130m", e=str(now_ms)))
    assert lines == []


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({}, "IllegalArgumentException: missing required parameter 'q'"),
        ({"q": ":foo"}, "IllegalStateException: unknown word ':foo'"),
        ({"q": "1", "s": "x-1h", "e": "s"}, None),
        ({"q": "1", "tz": "foo"}, "ZoneRulesException: Unknown time-zone ID: foo"),
    ],
)
def test_mistakes_in_the_request_are_refusals(filled, parameters, message):
    answer = filled.get("/api/v2/fetch", **parameters)
    assert answer.status == 400
    assert message is None or answer.json["message"] == message


def test_mistakes_in_the_data_are_events(filled, now_ms):
    query = "name,cpu,:eq,(,node,),:by,1,:add,name,cpu,:eq,:all,:mul"
    found = events(filled.get("/api/v2/fetch", q=query, s="e-3m", e=str(now_ms)))
    assert found[1:] == [
        {"type": "error", "message": "IllegalStateException: too many values for key"},
        {"type": "close", "message": "operation complete"},
    ]


def test_hint_tells_how_a_graph_would_look(filled, now_ms):
    program = "name,cpu,:eq,(,node,),:by,1,:axis,:area,3,:lw"
    wanted = {"q": program, "s": "e-3m", "e": str(now_ms), "hints": "presentation-metadata"}
    _, graph, axis, *lines, _ = events(
        filled.get("/api/v2/fetch", **wanted, **{"ylabel.1": "load"})
    )
    assert graph["type"] == "graph-metadata"
    assert (graph["startTime"], graph["endTime"]) == (now_ms - 180_000, now_ms)
    assert (axis["type"], axis["id"], axis["ylabel"]) == ("plot-metadata", 1, "load")
    assert [(line["plot"], line["lineStyle"], line["lineWidth"]) for line in lines] == [
        (1, "AREA", 3.0),
        (1, "AREA", 3.0),
    ]


def test_color_of_a_streamed_line_does_not_depend_on_the_others(filled, now_ms):
    def colors(query):
        wanted = {"q": query, "s": "e-3m", "e": str(now_ms), "hints": "presentation-metadata"}
        found = events(filled.get("/api/v2/fetch", **wanted))
        return {e["label"]: e["color"] for e in found if e["type"] == "timeseries"}

    both = colors("name,cpu,:eq,(,node,),:by")
    alone = colors("name,cpu,:eq,node,i-2,:eq,:and,(,node,),:by")
    assert len(both) == 2
    assert alone == {"i-2": both["i-2"]}
