"""The comparable form of an answer: instants relative to the base end, nothing that varies."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from tests.oracle.vectors import Vector

NEXT_OFFSET = "x-nflx-atlas-next-offset"
DEFECT = "x-defect"
"""What an application in this process has raised, for whom it is to be mended by."""

_LONG_NUMBER = re.compile(r"\b\d{6,}\b")
_DATE = re.compile(r"\d{4}-\d\d-\d\dT")
_INSTANTS = ("start", "end", "startTime", "endTime", "t1", "t2")

Form = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back; header names in lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes


def form_of(answer: Answer, vector: Vector, base_end_ms: int) -> Form:
    """The answer as its vector would hold it. Raises ValueError, KeyError… for another shape."""
    if vector.kind == "publish" or answer.status >= 400:
        return _refusal(answer, "publish" if vector.kind == "publish" else "error")
    shift_ms = 0 if vector.is_absolute else base_end_ms
    form = {"kind": vector.kind, "status": answer.status}
    return form | _FORMS[vector.kind](answer, vector, shift_ms)


def _refusal(answer: Answer, kind: str) -> Form:
    form: Form = {"kind": kind, "status": answer.status}
    try:
        document = json.loads(answer.body) if answer.body else None
    except ValueError:
        document = None
    if isinstance(document, dict):
        form["type"] = document.get("type")
        form |= {key: document[key] for key in ("errorCount",) if key in document}
        message = document.get("message")
        is_list = isinstance(message, list)
        form["message"] = [_clean(m) for m in message] if is_list else _clean(message)
    elif answer.body:
        form["message"] = answer.body.decode("utf-8", "replace")[:300]
    if DEFECT in answer.headers:
        form["message"] = answer.headers[DEFECT]
    return form


def _clean(message: Any) -> Any:
    """Without the instants, which differ from day to day."""
    return _LONG_NUMBER.sub("<n>", message) if isinstance(message, str) else message


def _graph(answer: Answer, _: Vector, shift_ms: int) -> Form:
    document = json.loads(answer.body)
    rows = document["values"]
    lines = zip(document["legend"], document["metrics"], strict=True)
    return {
        "start": document["start"] - shift_ms,
        "step": document["step"],
        "points": len(rows),
        "series": [
            {"legend": legend, "tags": tags, "values": [row[i] for row in rows]}
            for i, (legend, tags) in enumerate(lines)
        ],
        "notices": document.get("notices", []),
    }


def _stats(answer: Answer, _: Vector, shift_ms: int) -> Form:
    document = json.loads(answer.body)
    lines = zip(document["legend"], document["metrics"], document["stats"], strict=True)
    return {
        "start": document["start"] - shift_ms,
        "end": document["end"] - shift_ms,
        "step": document["step"],
        "series": [{"legend": legend, "tags": tags, "stats": s} for legend, tags, s in lines],
        "notices": document.get("notices", []),
    }


def _v2(answer: Answer, _: Vector, shift_ms: int) -> Form:
    items = []
    for item in json.loads(answer.body):
        if item.get("type") == "graph-image":
            continue
        varying = ("id",) if item.get("type") == "timeseries" else ("loadTime", "stats")
        items.append(_relative({k: v for k, v in item.items() if k not in varying}, shift_ms))
    return {"items": items}


def _events(answer: Answer, _: Vector, shift_ms: int) -> Form:
    parts = answer.body.decode().split("\n\n")
    items = [json.loads(p.removeprefix("data: ")) for p in parts if p.startswith("data: ")]
    kept = []
    for item in items:
        if item.get("message") == "heartbeat":
            continue
        item.pop("id", None)
        if "message" in item:
            item["message"] = _clean(item["message"])
        kept.append(_relative(item, shift_ms))
    return {"items": kept}


def _relative(item: Form, shift_ms: int) -> Form:
    shifted = {k: item[k] - shift_ms for k in _INSTANTS if isinstance(item.get(k), int)}
    return item | shifted


def _text(answer: Answer, vector: Vector, shift_ms: int) -> Form:
    mark = "\t" if vector.document.get("sep") == "tab" else ","
    lines = []
    for line in answer.body.decode().split("\n"):
        cell, found, rest = line.partition(mark)
        if shift_ms and _DATE.match(cell):
            at = datetime.fromisoformat(cell.replace("Z", "+00:00"))
            cell = str(round(at.timestamp() * 1000) - shift_ms)
        lines.append(cell + found + rest)
    return {"lines": lines} | _next_offset(answer)


def _tags_text(answer: Answer, _: Vector, __: int) -> Form:
    return {"lines": answer.body.decode().split("\n")} | _next_offset(answer)


def _json(answer: Answer, _: Vector, __: int) -> Form:
    return {"body": json.loads(answer.body)} | _next_offset(answer)


def _complete(answer: Answer, _: Vector, __: int) -> Form:
    return {"names": sorted(word["name"] for word in json.loads(answer.body))}


def _status(_: Answer, __: Vector, ___: int) -> Form:
    return {}


def _next_offset(answer: Answer) -> Form:
    return {"next": answer.headers[NEXT_OFFSET]} if NEXT_OFFSET in answer.headers else {}


_FORMS: Mapping[str, Callable[[Answer, Vector, int], Form]] = {
    "graph": _graph,
    "stats": _stats,
    "v2": _v2,
    "sse": _events,
    "text": _text,
    "tags-text": _tags_text,
    "json": _json,
    "complete": _complete,
    "status": _status,
}
