"""JSON Schemas of what a run leaves: its result, samples and report; and of a gate's baseline."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

from chaosctl.engine import baseline_file
from chaosctl.engine import result as result_module
from chaosctl.engine import series as series_module
from chaosctl.engine.flows import PARTS
from chaosctl.judge.accepted import KNOWING
from chaosctl.judge.traffic import FlowState, ServiceRecovery
from chaosctl.judge.verdict import Outcome, UndoState, Verdict
from chaosctl.report import page
from chaosctl.report.significance import Significance

_DRAFT = "https://json-schema.org/draft/2020-12/schema"
_TEXT = {"type": "string"}
_NUMBER = {"type": ["number", "null"], "description": "null: not known"}
_MS = {"type": ["integer", "null"], "description": "epoch ms; null or 0: it never came to that"}
_COUNT = {"type": "integer", "minimum": 0}
_STOPPED = {
    "type": ["object", "null"],
    "description": "how long the fault was in when a person stopped it; null: nobody did",
    "properties": {"after_ms": _COUNT, "of_ms": _COUNT},
}


def result_schema() -> dict[str, Any]:
    """The schema of result.json. Fields may be added, none is renamed."""
    check = _object(
        {
            "name": _TEXT,
            "outcome": {"enum": [each.value for each in Outcome]},
            "value": _NUMBER,
            "worst": _NUMBER,
            "margin": _NUMBER,
            "limit": _TEXT,
            "first_breach_ms": _MS,
            "longest_gap_ms": _COUNT,
            "reason": _TEXT,
            "weight": _NUMBER,
            "held": _NUMBER,
            "score": _NUMBER,
            "fault_spans": _list(_span()),
        },
        required=("name", "outcome"),
    )
    detail = _object(
        {
            "experiment": _TEXT,
            "title": _TEXT,
            "document": _object({"source": _TEXT, "sha256": _TEXT}),
            "about": _object({"chaosctl": _TEXT, "python": _TEXT, "commit": _TEXT}),
            "target": {"type": "object"},
            "seed": {"type": "integer"},
            "checks": _list(check),
            "stopped_by_hand": _STOPPED,
            "score": _NUMBER,
            "recovery_ms": _MS,
            "recovery_within_ms": _MS,
            "undo": _object({"done": _COUNT, "of": _COUNT, "errors": _list(_TEXT)}),
            **{f"{name}_ms": _MS for name in ("started", "injected", "confirmed", "removing")},
            **{f"{name}_ms": _MS for name in ("removed", "ended")},
            "targets": _list(_TEXT),
        }
    )
    fields = {
        "schema": {"const": result_module.SCHEMA},
        "run_id": _TEXT,
        "verdict": {"enum": [each.value for each in Verdict]},
        "undo": {"enum": [each.value for each in UndoState]},
        "exit_code": {"type": "integer"},
        "reason": _TEXT,
        "fix": _TEXT,
        "detail": detail,
    }
    return _document(result_module.SCHEMA, "result of a run", _object(fields, tuple(fields)))


def series_schema() -> dict[str, Any]:
    """The schema of series.json."""
    packed = _object({"start_ms": {"type": "integer"}, "values": _list(_NUMBER)})
    flow = {"service": _TEXT, "caller": _TEXT} | dict.fromkeys(PARTS, packed)
    traffic = {
        "step_ms": {"type": "integer", "exclusiveMinimum": 0},
        "left_out": _COUNT,
        "trouble": _TEXT,
        "registered": {"anyOf": [packed, {"type": "null"}]},
        "flows": _list(_object(flow, ("service", "caller"))),
    }
    fields = {
        "schema": {"const": series_module.SCHEMA},
        "run_id": _TEXT,
        "is_whole": {"type": "boolean"},
        "step_ms": {"type": "integer", "exclusiveMinimum": 0},
        "baseline": {"anyOf": [_span(), {"type": "null"}]},
        "lines": _list(_line()),
        "series": {"type": "object", "additionalProperties": packed},
    }
    required = tuple(fields)
    fields["traffic"] = _object(traffic, tuple(traffic))
    return _document(series_module.SCHEMA, "samples of a run", _object(fields, required))


def report_schema() -> dict[str, Any]:
    """The schema of what a report embeds, and `chaosctl report --json` prints."""
    undo = {
        "record_id": _TEXT,
        "fault": _TEXT,
        "mechanism": _TEXT,
        "instances": _list(_TEXT),
        "attempts": _COUNT,
        "took_ms": _COUNT,
        "is_done": {"type": "boolean"},
        "by": _TEXT,
        "error": _TEXT,
    }
    check = {
        "name": _TEXT,
        "query": _TEXT,
        "outcome": {"enum": [each.value for each in Outcome]},
        "limit": _TEXT,
        "worst": _NUMBER,
        "worst_ms": _MS,
        "margin": _NUMBER,
        "first_breach_ms": _MS,
        "samples": _COUNT,
        "silent_ms": _COUNT,
        "weight": _NUMBER,
        "score": _NUMBER,
        "reason": _TEXT,
        "because": _list(_TEXT),
        "is_shift": {"type": "boolean"},
    }
    event = {"seq": _COUNT, "at_ms": {"type": "integer"}, "event": _TEXT}
    result = result_schema()
    flows = _list(_fields_of(FlowState))
    fields = {
        "schema": {"const": page.SCHEMA},
        "result": {key: value for key, value in result.items() if not key.startswith("$")},
        "plan": {"type": "object"},
        "document": _TEXT,
        "repeat": _TEXT,
        "trouble": _list(_TEXT),
        "undo": _list(_object(undo, tuple(undo))),
        "checks": _list(_object(check, tuple(check))),
        "lines": _list(_line()),
        "services": _list(_fields_of(ServiceRecovery)),
        "map": {"anyOf": [_object({"text": _TEXT, "flows": flows}), {"type": "null"}]},
        "statistics": _list(_fields_of(Significance)),
        "events": _list(_object(event, tuple(event))),
        "drawing": {"type": "object"},
    }
    return _document(page.SCHEMA, "report of a run", _object(fields, tuple(fields)))


def baseline_schema() -> dict[str, Any]:
    """The schema of the file that a gate compares with."""
    numbers = _list({"type": "number"})
    level = _closed({"median": {"type": "number"}, "spread": {"type": "number"}, "values": numbers})
    check = _closed({"limit": _TEXT, "worst": level, "margin": level})
    experiment = {
        "verdict": {"enum": [each.value for each in KNOWING]},
        "document": _TEXT,
        "runs": {"type": "integer", "minimum": 1},
        "score": level,
        "recovery_ms": level,
        "checks": {"type": "object", "additionalProperties": check},
    }
    always = ("verdict", "document", "runs", "checks")
    by_name = {"type": "object", "additionalProperties": _closed(experiment, always)}
    fields = {
        "schema": {"const": baseline_file.SCHEMA},
        "updated": _TEXT,
        "commit": _TEXT,
        "experiments": by_name,
    }
    return _document(baseline_file.SCHEMA, "baseline of a gate", _closed(fields))


def _line() -> dict[str, Any]:
    fields = {
        "name": _TEXT,
        "query": _TEXT,
        "is_stop": {"type": "boolean"},
        "comparison": _TEXT,
        "limits": _list(_NUMBER),
        "limit_text": _TEXT,
        "over_ms": _COUNT,
        "for_steps": _COUNT,
        "usual": _NUMBER,
        "low": _NUMBER,
        "high": _NUMBER,
    }
    required = tuple(fields)
    fields |= {
        "band_start_ms": _COUNT,
        "band_low": _list(_NUMBER),
        "band_high": _list(_NUMBER),
        "against": _TEXT,
    }
    return _object(fields, required)


def _span() -> dict[str, Any]:
    return _object({"start_ms": _MS, "end_ms": _MS})


def _fields_of(kind: type) -> dict[str, Any]:
    """The schema of a value of ours whose fields are plain."""
    of_type = {
        "str": _TEXT,
        "bool": {"type": "boolean"},
        "float": _NUMBER,
        "int": {"type": "integer"},
        "int | None": {"type": ["integer", "null"]},
    }
    properties = {each.name: of_type[str(each.type)] for each in dataclasses.fields(kind)}
    return _object(properties, tuple(properties))


def _document(identity: str, title: str, body: Mapping[str, Any]) -> dict[str, Any]:
    return {"$schema": _DRAFT, "$id": identity, "title": f"chaosctl {title}", **body}


def _object(properties: Mapping[str, Any], required: tuple[str, ...] = ()) -> dict[str, Any]:
    found: dict[str, Any] = {"type": "object", "properties": dict(properties)}
    return found | {"required": list(required)} if required else found


def _closed(properties: Mapping[str, Any], required: tuple[str, ...] = ()) -> dict[str, Any]:
    """An object without other keys; all of them are required unless told."""
    found = _object(properties, required or tuple(properties))
    return found | {"additionalProperties": False}


def _list(items: Mapping[str, Any]) -> dict[str, Any]:
    return {"type": "array", "items": dict(items)}
