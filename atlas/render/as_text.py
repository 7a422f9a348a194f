"""`format=csv` and `txt`: a line of text for each step."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import ROUND_HALF_UP, Context, Decimal

import numpy as np

from atlas.expr.instants import parse_zone
from atlas.graph import FloatArray, Graph
from atlas.render.json_numbers import table

_EXACT_MAX = 1e15
_SIXTH = Decimal("0.000001")
_WIDE = Context(prec=400, rounding=ROUND_HALF_UP)


def render_csv(graph: Graph) -> bytes:
    """Separated by commas; labels are quoted but not escaped, as in the original."""
    return _render(graph, ",")


def render_txt(graph: Graph) -> bytes:
    """Separated by tabs."""
    return _render(graph, "\t")


def _render(graph: Graph, separator: str) -> bytes:
    header = separator.join(
        f'"{label}"' for label in ("timestamp", *(x.label for x in graph.lines))
    )
    zone = parse_zone(graph.zones[0])
    rows = [header]
    values = table([line.values for line in graph.lines], graph.step_count)
    for i, texts in enumerate(_texts(values)):
        time_s, millis = divmod(graph.start_ms + i * graph.step_ms, 1000)
        moment = (
            datetime.fromtimestamp(time_s, UTC).astimezone(zone).replace(microsecond=millis * 1000)
        )
        time = moment.isoformat(timespec="milliseconds" if millis else "seconds")
        rows.append(separator.join((time.replace("+00:00", "Z"), *texts)))
    return ("\n".join(rows) + "\n").encode()


def _texts(values: FloatArray) -> list[list[str]]:
    """Six digits behind the point, half up on the shortest digits of the number."""
    texts = np.char.mod("%.6f", values) if values.size else values.astype("U1")
    with np.errstate(all="ignore"):
        beyond = np.abs(values) * 1e6 % 1
        # Binary and decimal disagree about halves, and about digits that a double does not hold.
        is_odd = (
            (np.abs(beyond - 0.5) < 1e-3) | (np.abs(values) >= _EXACT_MAX) | ~np.isfinite(values)
        )
    rows: list[list[str]] = texts.tolist()
    for i, j in np.argwhere(is_odd).tolist():
        rows[i][j] = _exact(float(values[i, j]))
    return rows


def _exact(value: float) -> str:
    if np.isnan(value):
        return "NaN"
    if np.isinf(value):
        return "Infinity" if value > 0 else "-Infinity"
    return format(Decimal(repr(value)).quantize(_SIXTH, context=_WIDE), "f")
