"""format=json against its golden file; `--accept` rewrites it."""

from __future__ import annotations

import json

import numpy as np

from atlas.eval.graph import GraphData
from atlas.render import RENDERERS

GOLDEN = "tests/data/render/json/gaps-and-infinities.json"


def test_answer_is_a_row_per_step_with_text_for_what_is_no_number(root, request):
    graph = GraphData(
        ("cpu", "limit"),
        ({"atlas.offset": "0w", "name": "cpu"}, {"atlas.offset": "0w", "name": "80.0"}),
        1_325_408_160_000,
        60_000,
        np.array([[41.5, np.nan, np.inf], [80.0, 80.0, -np.inf]]),
    )
    answers = {name: json.loads(render(graph)) for name, (_, render) in RENDERERS.items()}
    if request.config.getoption("--accept"):
        (root / GOLDEN).write_text(json.dumps(answers, indent=2) + "\n")
    assert answers == json.loads((root / GOLDEN).read_text())


def test_graph_without_lines_keeps_its_steps():
    graph = GraphData((), (), 60_000, 60_000, np.zeros((0, 3)))
    _, render = RENDERERS["json"]
    assert json.loads(render(graph))["values"] == [[], [], []]
