"""The looks that a graph's parameters ask for, seen in v2.json; and what is refused."""

from __future__ import annotations

import pytest

QUERY = "name,cpu,:eq,(,node,),:by"


def items(filled, now_ms, **parameters):
    answer = filled.get(
        "/api/v1/graph",
        **{"q": QUERY, "s": "e-3m", "e": str(now_ms), "hints": "no-image", **parameters},
        format="v2.json",
    )
    assert answer.status == 200, answer.json
    return answer.json


@pytest.mark.parametrize(
    ("parameters", "found"),
    [
        ({"w": "500", "h": "200"}, {"width": 500, "height": 200}),
        ({"zoom": "2"}, {"zoom": 2.0}),
        ({"layout": "iw"}, {"layout": "IMAGE_WIDTH"}),
        ({"theme": "dark"}, {"theme": "dark"}),
        ({"title": "of $name"}, {"title": "of cpu"}),
        ({"no_legend": "1"}, {"legendType": "OFF"}),
        ({"no_legend_stats": "1"}, {"legendType": "LABELS_ONLY"}),
        ({"no_legend": "yes"}, {"legendType": "LABELS_WITH_STATS"}),
        ({"only_graph": "1"}, {"onlyGraph": True}),
        (
            {"sort": "bogus"},
            {"warnings": ["Invalid sort mode 'bogus'. Using default of 'legend'."]},
        ),
    ],
)
def test_graph(filled, now_ms, parameters, found):
    metadata = items(filled, now_ms, **parameters)[0]
    assert found.items() <= metadata.items()


@pytest.mark.parametrize(
    ("parameters", "found"),
    [
        ({"l": "1", "u.0": "2.5"}, {"lower": "1.0", "upper": "2.5"}),
        ({"l": "auto-data"}, {"lower": "auto-data"}),
        ({"scale": "pow2"}, {"scale": "POWER_2"}),
        ({"o": "1"}, {"scale": "LOGARITHMIC"}),
        ({"tick_labels": "duration"}, {"tickLabelMode": "DURATION"}),
        ({"ylabel.0": "$name of $node"}, {"ylabel": "cpu of node"}),
    ],
)
def test_axis(filled, now_ms, parameters, found):
    metadata = items(filled, now_ms, **parameters)[1]
    assert metadata["type"] == "plot-metadata"
    assert found.items() <= metadata.items()


@pytest.mark.parametrize(
    ("parameters", "found"),
    [
        ({}, [("i-1", "ff0075dc", "LINE"), ("i-2", "ff993f00", "LINE")]),
        ({"sort": "max"}, [("i-1", "ff0075dc", "LINE"), ("i-2", "ff993f00", "LINE")]),
        ({"order": "desc"}, [("i-2", "ff993f00", "LINE"), ("i-1", "ff0075dc", "LINE")]),
        ({"stack": "1"}, [("i-1", "ff0075dc", "STACK"), ("i-2", "ff993f00", "STACK")]),
        ({"palette.0": "reds"}, [("i-1", "ff67000d", "LINE"), ("i-2", "ffa50f15", "LINE")]),
        ({"q": f"{QUERY},desc,:order,1,:limit"}, [("i-2", "ff993f00", "LINE")]),
    ],
)
def test_lines(filled, now_ms, parameters, found):
    lines = [i for i in items(filled, now_ms, **parameters) if i["type"] == "timeseries"]
    assert [(x["label"], x["color"], x["lineStyle"]) for x in lines] == found


def test_each_line_may_have_an_axis_of_its_own_in_its_own_color(filled, now_ms):
    _, *rest = items(filled, now_ms, axis_per_line="1")
    axes = [i for i in rest if i["type"] == "plot-metadata"]
    assert [(a["id"], a["axisColor"]) for a in axes] == [(0, "ff0075dc"), (1, "ff993f00")]
    assert [i["plot"] for i in rest if i["type"] == "timeseries"] == [0, 1]


def test_filter_says_below_the_lines_how_many_it_kept(filled, now_ms):
    *_, message = items(filled, now_ms, q=f"{QUERY},:stat-max,99,:gt,:filter")
    assert (message["type"], message["plot"]) == ("message", 0)
    assert message["label"] == "... 0 of 2 lines matched filter ..."


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"theme": "bad"}, "IllegalArgumentException: invalid theme: bad"),
        (
            {"h": "0"},
            "IllegalArgumentException: requirement failed: height must be positive (got 0)",
        ),
        ({"zoom": "x"}, 'NumberFormatException: For input string: "x"'),
        ({"q": "1,9,:axis"}, "IllegalArgumentException: invalid axis: 9"),
        ({"q": "1,a,:axis"}, 'NumberFormatException: For input string: "a"'),
        ({"q": "1,wavy,:ls"}, "No enum constant com.netflix.atlas.chart.model.LineStyle.WAVY"),
        ({"q": "1,x,:lw"}, 'NumberFormatException: For input string: "x"'),
        (
            {"l": "2", "u": "1"},
            "requirement failed: lower bound must be less than upper bound (2.0 >= 1.0)",
        ),
    ],
)
def test_refusals(filled, parameters, message):
    answer = filled.get("/api/v1/graph", **{"q": "1", "format": "v2.json", **parameters})
    assert answer.status == 400
    assert answer.json["message"].endswith(message)
    assert answer.json["fix"]
