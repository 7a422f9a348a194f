"""The slow and exact reader of the publish format."""

from __future__ import annotations

import json
from typing import Any

import numpy as np

from atlas.errors import BadData
from atlas.expr.text import parse_number
from atlas.ingest.samples import Samples


def read_payload(body: bytes) -> Samples:
    """The samples of a body. Raises BadData, with the original's text, if it is malformed."""
    try:
        payload = json.loads(body) if body.strip() else None
    except ValueError as error:
        raise BadData(str(error), original_class="StreamReadException") from error
    if not isinstance(payload, dict):
        payload = {}
    for key in payload:
        if key not in ("tags", "metrics"):
            raise BadData(f"invalid field: '{key}'", fix="use the fields 'tags' and 'metrics' only")
    common = payload.get("tags") or {}
    metrics = payload.get("metrics") or []
    if not metrics:
        raise BadData("empty payload", fix="send at least one datapoint", original_class="")
    tags = [{**common, **m.get("tags", {})} for m in metrics]
    times = np.array([m.get("timestamp", m.get("start", -1)) for m in metrics], np.int64)
    values = np.array([_value(m.get("value", m.get("values"))) for m in metrics], np.float64)
    return Samples([{k: v for k, v in t.items() if isinstance(v, str)} for t in tags], times, values)


def _value(value: Any) -> float:
    if value is None:
        return float("nan")
    if isinstance(value, list):
        return _value(value[0]) if value else float("nan")
    if isinstance(value, str):
        number = parse_number(value)
        if number is None:
            raise BadData(f'For input string: "{value}"', original_class="NumberFormatException")
        return number
    return float(value)
