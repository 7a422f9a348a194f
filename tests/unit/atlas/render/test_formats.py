"""Every format in text against its golden file; `--accept` rewrites it."""

from __future__ import annotations

import json

import numpy as np
import pytest

from atlas.graph import Axis, Graph, Line, LineStyle, Scale
from atlas.render import RENDERERS

GOLDEN = "tests/data/render/formats"
GRAPH = Graph(
    1_325_408_160_000,
    1_325_408_400_000,
    60_000,
    axes=(
        Axis(
            0,
            (
                Line(
                    'c"pu',
                    {"atlas.offset": "0w", "name": "cpu"},
                    np.array([41.5, np.nan, np.inf, 0.0000005]),
                    color="ff0075dc",
                    query="name,cpu,:eq,:sum",
                ),
                Line(
                    "limit",
                    {"atlas.offset": "0w", "name": "80.0"},
                    np.array([80.0, 1e22, -np.inf, -1 / 3]),
                    color="40ff0000",
                    style=LineStyle.AREA,
                    width=2.0,
                    keys=("app", "zone"),
                ),
            ),
            ylabel="share",
            color="ff0075dc",
            lower="0.0",
        ),
        Axis(3, scale=Scale.LOGARITHMIC, messages=("... 1 of 2 lines matched filter ...",)),
    ),
    zones=("US/Pacific", "UTC"),
    title="t",
    notices=("a warning",),
    hints=("no-image",),
)


@pytest.mark.parametrize("name", ["json", "std.json", "stats.json", "v2.json", "csv", "txt"])
def test_format(name, root, request):
    _, render = RENDERERS[name]
    answer = render(GRAPH).decode()
    if name.endswith("json"):
        answer = json.dumps(json.loads(answer), indent=1) + "\n"
    golden = root / GOLDEN / name
    if request.config.getoption("--accept"):
        golden.write_text(answer)
    assert answer == golden.read_text()


def test_graph_without_lines_keeps_its_steps():
    graph = Graph(60_000, 240_000, 60_000)
    assert json.loads(RENDERERS["json"][1](graph))["values"] == [[], [], []]
    assert RENDERERS["csv"][1](graph).decode().splitlines() == [
        '"timestamp"',
        "1970-01-01T00:01:00Z",
        "1970-01-01T00:02:00Z",
        "1970-01-01T00:03:00Z",
    ]


def test_line_of_gaps_has_statistics_but_a_count_of_none():
    line = Line("x", {}, np.full(3, np.nan))
    graph = Graph(0, 180_000, 60_000, axes=(Axis(0, (line,)),))
    assert json.loads(RENDERERS["stats.json"][1](graph))["stats"] == [
        {"count": 0, "avg": "NaN", "total": "NaN", "max": "NaN", "min": "NaN", "last": "NaN"}
    ]
