"""Heat maps as a graph's parameters ask for them, seen in v2.json; and what is refused."""

from __future__ import annotations

import pytest

from atlas.expr.sketch_expr import BUCKET_BOUNDS

QUERY = "name,cpu,:eq,(,node,),:by,:heatmap"


def items(filled, now_ms, **parameters):
    answer = filled.get(
        "/api/v1/graph",
        **{"q": QUERY, "s": "e-3m", "e": str(now_ms), "h": "50", "hints": "no-image"} | parameters,
        format="v2.json",
    )
    assert answer.status == 200, answer.json
    return answer.json


def heat_maps(found):
    return [item for item in found if item["type"] == "heatmap"]


def test_cells_stand_before_the_lines(filled, now_ms):
    """Two lines go from 2 down to 0 together."""
    _, axis, heat_map, *lines = items(filled, now_ms)
    assert axis["type"] == "plot-metadata"
    assert heat_map == {
        "type": "heatmap",
        "plot": 0,
        "colorScale": "LINEAR",
        "upper": "auto-style",
        "lower": "auto-style",
        "yTicks": [
            {"min": 0.0, "max": 0.0, "label": "0.0"},
            {"min": 0.0, "max": 0.5, "label": "0.5"},
            {"min": 0.5, "max": 1.0, "label": "1.0"},
            {"min": 1.0, "max": 1.5, "label": "1.5"},
            {"min": 1.5, "max": 2.0, "label": "2.0"},
        ],
        "colorTicks": [
            {"color": f"{alpha}0075dc", "min": 2.0, "max": 2.0, "label": "2.0"}
            for alpha in ("33", "66", "99", "cc", "ff")
        ],
        "data": {
            "type": "heatmap",
            "values": [[0, 0, 0, 0, 0, 2], [0, 0, 0, 2, 0, 0], [0, 2, 0, 0, 0, 0]],
        },
    }
    assert [line["lineStyle"] for line in lines] == ["HEATMAP", "HEATMAP"]


@pytest.mark.parametrize(
    ("parameters", "found"),
    [
        ({"heatmap_scale": "log"}, {"colorScale": "LOGARITHMIC"}),
        ({"heatmap_scale": "log", "heatmap_scale.0": "sqrt"}, {"colorScale": "SQRT"}),
        ({"heatmap_l": "1", "heatmap_u.0": "10"}, {"lower": "1.0", "upper": "10.0"}),
        ({"heatmap_u": "auto-data"}, {"upper": "auto-data"}),
        ({"heatmap_label": "cells"}, {"label": "cells"}),
    ],
)
def test_parameters(filled, now_ms, parameters, found):
    (heat_map,) = heat_maps(items(filled, now_ms, **parameters))
    assert found.items() <= heat_map.items()


def test_palette(filled, now_ms):
    q = f"{QUERY},name,cpu,:eq"
    found = items(filled, now_ms, q=q, heatmap_palette="(,f00,0f0,)")
    (heat_map,) = heat_maps(found)
    assert [tick["color"] for tick in heat_map["colorTicks"]] == ["ffff0000", "ff00ff00"]
    # Its own colours leave the first one of the axis to the next line.
    assert [line["color"] for line in found[3:]] == ["ff000000", "ff000000", "ff0075dc"]


def test_lines_of_an_axis_share_a_color_whatever_their_expression(filled, now_ms):
    q = f"{QUERY},name,cpu,:eq,name,cpu,:eq,40,:alpha,:heatmap,name,cpu,:eq,f00,:color,:heatmap"
    colors = [line["color"] for line in items(filled, now_ms, q=q)[3:]]
    assert colors == ["ff0075dc", "ff0075dc", "ff993f00", "400075dc", "ffff0000"]


def test_each_axis_has_its_own(filled, now_ms):
    found = items(filled, now_ms, q=f"{QUERY},{QUERY},1,:axis", **{"heatmap_label.1": "b"})
    assert [item["type"] for item in found[:5]] == [
        "graph-metadata",
        *["plot-metadata", "heatmap"] * 2,
    ]
    assert [(h["plot"], h.get("label")) for h in heat_maps(found)] == [(0, None), (1, "b")]


def test_histogram_is_spread_over_the_values_of_its_buckets(filled, now_ms):
    tags = {"name": "latency", "atlas.dstype": "gauge"}
    metrics = [
        {"tags": {**tags, "percentile": f"D{i:04X}"}, "timestamp": now_ms, "value": i}
        for i in (8, 9)
    ]
    assert filled.post("/api/v1/publish", {"metrics": metrics}).status == 200
    found = items(filled, now_ms, q="name,latency,:eq,:percentiles-heatmap", s="e-1m")
    (heat_map,) = heat_maps(found)
    assert heat_map["yTicks"][0]["min"] == BUCKET_BOUNDS[7]
    (counts,) = heat_map["data"]["values"]
    assert sum(counts) == pytest.approx(8 + 9)


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        (
            {"heatmap_scale": "x"},
            "unknown scale type 'x', should be linear, log, log-linear, pow2, or sqrt",
        ),
        (
            {"heatmap_l": "2", "heatmap_u": "1"},
            "requirement failed: lower bound must be less than upper bound (2.0 >= 1.0)",
        ),
        ({"heatmap_u": "-1"}, "requirement failed"),
        ({"heatmap_palette": "x"}, "invalid palette name: 'x'"),
    ],
)
def test_refusals(filled, parameters, message):
    answer = filled.get("/api/v1/graph", q=QUERY, format="v2.json", hints="no-image", **parameters)
    assert answer.status == 400
    assert answer.json["message"] == f"IllegalArgumentException: {message}"
