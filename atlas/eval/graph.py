"""What a graph shows: the lines of a program, with the legend and tags of each."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from atlas.asl import parse_exprs
from atlas.eval.evaluate import evaluate
from atlas.expr.legend import simple_legends, substitute
from atlas.model import EvalContext
from atlas.store.block import FloatArray
from atlas.store.memory import MemoryStore

_NO_OFFSET = "0w"


@dataclass(frozen=True, slots=True)
class GraphData:
    """Lines to render; `values` has shape (lines, steps), and `start_ms` is the first step."""

    legends: tuple[str, ...]
    tags: tuple[Mapping[str, str], ...]
    start_ms: int
    step_ms: int
    values: FloatArray


def graph_data(store: MemoryStore, program: str, context: EvalContext) -> GraphData:
    """Evaluate a program; the first step of the window is not shown."""
    exprs = [styled.expr for styled in parse_exprs(program)]
    evaluated = evaluate(store, exprs, context)
    legends: list[str] = []
    tags: list[Mapping[str, str]] = []
    for pattern, lines in zip(simple_legends(exprs), evaluated, strict=True):
        for line_tags, label in zip(lines.tags, lines.labels, strict=True):
            shown = {**line_tags, "atlas.offset": _NO_OFFSET}
            legends.append(label if pattern is None else substitute(pattern, shown))
            tags.append(dict(sorted(shown.items())))
    empty = np.zeros((0, context.step_count))
    values = np.concatenate([empty, *(lines.values for lines in evaluated)])
    start_ms = context.start_ms + context.step_ms
    return GraphData(tuple(legends), tuple(tags), start_ms, context.step_ms, values[:, 1:])
