"""The slow and exact reader of the publish format: comments, old names of fields, numbers as text.

It reads what the original reads, and names what it cannot read as the original does.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping
from typing import Any

import numpy as np

from atlas.errors import BadData
from atlas.expr.text import parse_number
from atlas.ingest.samples import Samples

# What is not closed goes on to the end, or else each of many would be looked for to the end.
_COMMENT = re.compile(rb'"(?:[^"\\]|\\.)*+(?:"|\\?\Z)|/\*(?:.*?\*/|.*+)|//[^\n]*+', re.DOTALL)
_TIME_MS_MAX = 2**62
_TOKEN_NAMES: Mapping[type, str] = {
    bool: "VALUE_TRUE",
    dict: "START_OBJECT",
    float: "VALUE_NUMBER_FLOAT",
    int: "VALUE_NUMBER_INT",
    list: "START_ARRAY",
    str: "VALUE_STRING",
    type(None): "VALUE_NULL",
}


def read_payload(body: bytes) -> Samples:
    """The samples of a body. Raises BadData if it is malformed or holds no datapoint."""
    payload = _parse(body)
    if not isinstance(payload, dict):
        raise _empty_payload()
    for key in payload:
        if key not in ("tags", "metrics"):
            raise BadData(f"invalid field: '{key}'", fix="use the fields 'tags' and 'metrics' only")
    common = _tags(payload.get("tags", {}))
    metrics = payload.get("metrics", [])
    if not isinstance(metrics, list):
        raise _unexpected("START_ARRAY", metrics)
    if not metrics:
        raise _empty_payload()
    for metric in metrics:
        if not isinstance(metric, dict):
            raise _unexpected("START_OBJECT", metric)
    tags = [common | _tags(metric.get("tags", {})) for metric in metrics]
    times = [_time_ms(metric.get("timestamp", metric.get("start", -1))) for metric in metrics]
    values = [_value(metric.get("value", metric.get("values", math.nan))) for metric in metrics]
    return Samples(tags, np.array(times, np.int64), np.array(values, np.float64))


def _parse(body: bytes) -> Any:
    try:
        plain = _COMMENT.sub(_kept, body) if b"/" in body else body
        return json.loads(plain) if plain.strip() else None
    except (ValueError, RecursionError) as error:
        raise BadData(
            f"{error}",
            fix="send a JSON object with 'metrics'",
            original_class="StreamReadException",
        ) from error


def _kept(match: re.Match[bytes]) -> bytes:
    text = match.group()
    return text if text.startswith(b'"') else b" "


def _tags(tags: Any) -> dict[str, str]:
    """Tags whose value is text; null and numbers are dropped, as in the original."""
    if not isinstance(tags, dict):
        raise _unexpected("START_OBJECT", tags)
    return {_clean(k): _clean(v) for k, v in tags.items() if isinstance(v, str)}


def _clean(text: str) -> str:
    # Half a surrogate pair is text in JSON, but cannot be written in an answer.
    return text.encode("utf-8", "replace").decode("utf-8")


def _time_ms(time: Any) -> int:
    if type(time) is not int:
        raise _unexpected("VALUE_NUMBER_INT", time)
    if abs(time) > _TIME_MS_MAX:
        raise BadData(f"timestamp out of range: {time}", fix="send milliseconds since 1970")
    return time


def _value(value: Any) -> float:
    if isinstance(value, list):
        return _value(value[0]) if value else math.nan
    if isinstance(value, str):
        number = parse_number(value)
        if number is None:
            raise BadData(
                f'For input string: "{_clean(value)}"',
                fix="send a number, or one as text",
                original_class="NumberFormatException",
            )
        return number
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise _unexpected("VALUE_NUMBER_FLOAT", value)
    try:
        return float(value)
    except OverflowError:
        return math.inf if value > 0 else -math.inf


def _unexpected(wanted: str, found: Any) -> BadData:
    return BadData(
        f"expected {wanted} but received {_TOKEN_NAMES[type(found)]}",
        fix='send {"tags":{…},"metrics":[{"tags":{…},"timestamp":ms,"value":number}]}',
    )


def _empty_payload() -> BadData:
    return BadData("empty payload", fix="send at least one datapoint", original_class="")
