"""A run as one HTML file: works from a disk, offline, and carries its data as JSON."""

from __future__ import annotations

import base64
import hashlib
import math
import time
from collections.abc import Mapping, Sequence
from functools import cache
from importlib import resources
from typing import Any

from chaosctl.engine.history import PastRun
from chaosctl.engine.result import RunResult
from chaosctl.judge.traffic import WINDOW_STEPS
from chaosctl.judge.verdict import Outcome, Verdict
from chaosctl.report import drawing
from chaosctl.report import service_rows as service_rows_module
from chaosctl.report.accepted_difference import AcceptedDifference
from chaosctl.report.difference import difference
from chaosctl.report.drawing import Chart, draw_chart, numbers_of
from chaosctl.report.evidence import (
    Evidence,
    check_facts,
    fault_spans,
    judged_span,
    moments,
    repeat_command,
    settings_of,
    shown_span,
    undo_facts,
    zero_of,
)
from chaosctl.report.json_lines import to_json_line
from chaosctl.report.service_map import BOX_WIDTH, draw_service_map, percent, rate
from chaosctl.report.service_rows import nothing_known, service_rows
from chaosctl.report.significance import significances
from chaosctl.report.symbols import OUTCOME_MARKS, VERDICT_MARKS, duration, number
from chaosctl.report.timeline import draw_timeline

ROWS_MAX = 500
TREND_CHECKS_MAX = 6
SCHEMA = "chaosctl/report/v1"
MEANINGS = {
    Verdict.PASSED: "Passed: the fault was seen at the target, and every check held as it had to.",
    Verdict.FAILED: "Failed: what held before the fault did not hold with it, or not soon enough"
    " after it.",
    Verdict.INCONCLUSIVE: "Inconclusive: the run cannot tell whether the system would have been"
    " steady, and so it is no pass.",
    Verdict.ABORTED: "Aborted: the run was ended before it could tell.",
    Verdict.NOT_STARTED: "Not started: nothing was broken, and nothing is said of the system.",
    Verdict.INVALID: "Invalid: the experiment itself is wrong, and nothing was broken.",
}
PHASES = {"before": "before the fault", "during": "with it", "after": "after it"}
EMBEDDED_EVENTS = frozenset({"sample", "look", "record", "warmup"})
"""Events that the data leaves out: samples are there as lines, records as undo steps."""


def render_html(
    evidence: Evidence,
    *,
    before: RunResult | None = None,
    trend: Sequence[PastRun] = (),
    accepted: AcceptedDifference | None = None,
) -> str:
    """The report of one run, whole.

    before: the run to compare with; trend: earlier runs, oldest first; accepted: the difference to
    the baseline file, None without one.
    """
    script, style = _asset("report.js"), _asset("report.css")
    template = _environment(zero_of(evidence)).get_template("report.html")
    text = template.render(
        **_first_sections(evidence),
        **_service_sections(evidence),
        before=before,
        changes=difference(before, evidence.result) if before else (),
        accepted=accepted,
        trend=[_past(run) for run in trend],
        trend_checks=[c.name for c in check_facts(evidence)][:TREND_CHECKS_MAX],
        repeat=repeat_command(evidence),
        data=_trusted(_embedded(evidence)),
        script=_trusted(script),
        style=_trusted(style),
        script_digest=_digest(script),
    )
    return str(text)


def _first_sections(evidence: Evidence) -> dict[str, Any]:
    """From the verdict to the undo record, and what the drawings need."""
    undos = undo_facts(evidence)
    return {
        "run": evidence,
        "result": evidence.result,
        "mark": VERDICT_MARKS[evidence.result.verdict][0],
        "meaning": MEANINGS[evidence.result.verdict],
        "phases": _phases(evidence),
        "started": _local(zero_of(evidence)),
        "score_sentence": _score_sentence(evidence.result),
        "checks": check_facts(evidence),
        "plan": evidence.plan,
        "population": int(evidence.first("plan").get("population", 0)),
        "facts": _facts(evidence),
        "settings": settings_of(evidence),
        "timeline": draw_timeline(evidence),
        "charts": _charts(evidence),
        "recovery": recovery_sentence(evidence),
        "undos": undos,
        "undo_done": sum(one.is_done for one in undos),
        "rows_max": ROWS_MAX,
        "width": drawing.WIDTH,
        "chart_height": drawing.HEIGHT,
        "left": drawing.LEFT,
        "right": drawing.RIGHT,
        "top": drawing.TOP,
        "bottom": drawing.BOTTOM,
    }


def _service_sections(evidence: Evidence) -> dict[str, Any]:
    """How each service fared, the map, and the statistics."""
    return {
        "services": service_rows(evidence),
        "window": WINDOW_STEPS * evidence.series.traffic.step_ms,
        "spark_width": service_rows_module.WIDTH,
        "spark_height": service_rows_module.HEIGHT,
        "map": draw_service_map(evidence),
        "box_width": BOX_WIDTH,
        "nothing_known": nothing_known(evidence),
        "significances": significances(evidence),
    }


def report_as_json(evidence: Evidence) -> dict[str, Any]:
    """Everything the report says, as plain JSON values (schema chaosctl/report/v1)."""
    span = shown_span(evidence)
    return {
        "schema": SCHEMA,
        "result": evidence.result.as_json() | {"folder": None},
        "plan": evidence.plan,
        "document": evidence.document,
        "repeat": repeat_command(evidence),
        "trouble": evidence.trouble,
        "undo": [_fields(one) for one in undo_facts(evidence)],
        "checks": [_fields(one) for one in check_facts(evidence)],
        "lines": numbers_of(evidence.series),
        "services": [_fields(row.facts) for row in service_rows(evidence)],
        "map": _map_as_json(evidence),
        "statistics": [_fields(one) for one in significances(evidence)],
        "events": [_event(e) for e in evidence.events if e["event"] not in EMBEDDED_EVENTS],
        "drawing": {
            "width": drawing.WIDTH,
            "left": drawing.LEFT,
            "right": drawing.RIGHT,
            "start_ms": span.start_ms,
            "end_ms": span.end_ms,
            "zero_ms": zero_of(evidence),
        },
    }


def recovery_sentence(evidence: Evidence) -> str:
    """How long it took to be steady again."""
    detail = evidence.result.detail
    took_ms, within_ms = detail.get("recovery_ms"), detail.get("recovery_within_ms")
    if took_ms is not None and within_ms is not None:
        word = "in time" if took_ms <= within_ms else "too late"
        limit = duration(within_ms)
        return f"Steady again {duration(took_ms)} after the removal: {word} (limit {limit})."
    if moments(evidence).removed_ms:
        limit = f" within {duration(within_ms)}" if within_ms else ""
        return f"Not seen to be steady again{limit}."
    return "Not measured: no fault was taken out."


def _charts(evidence: Evidence) -> list[Chart]:
    series, span, data = evidence.series, shown_span(evidence), judged_span(evidence)
    faults = fault_spans(evidence)
    stops = [line for line in series.lines if line.is_stop]
    on_checks = {line.query for line in series.lines if not line.is_stop}
    return [
        draw_chart(
            series,
            index,
            span=span,
            zero_ms=zero_of(evidence),
            data=data,
            faults=faults,
            stops=[] if line.is_stop else [stop for stop in stops if stop.query == line.query],
        )
        for index, line in enumerate(series.lines)
        if not (line.is_stop and line.query in on_checks)
    ]


def _phases(evidence: Evidence) -> list[tuple[str, str]]:
    """What the hypothesis said in each phase that it came to."""
    judged = evidence.result.detail.get("judged") or {}
    return [(words, judged[key]) for key, words in PHASES.items() if judged.get(key)]


def _parameters(parameters: Mapping[str, Any]) -> str:
    """What a fault was given, with units as people write them."""
    said = []
    for key, value in parameters.items():
        is_time = key.endswith("_ms") and isinstance(value, int | float)
        name = key.removesuffix("_ms") if is_time else key
        said.append(f"{name.replace('_', ' ')} {duration(value) if is_time else value}")
    return ", ".join(said)


def _facts(evidence: Evidence) -> list[tuple[str, str]]:
    """What somebody needs to tell two runs apart."""
    about, target = evidence.about, evidence.result.detail.get("target") or {}
    rows = {
        "target": ", ".join(_said(key, value) for key, value in target.items()),
        "seed": evidence.seed,
        "chaosctl": about.get("chaosctl", ""),
        "python": about.get("python", ""),
        "system": about.get("system", ""),
        "commit": about.get("commit", ""),
        "exit code": evidence.result.exit_code,
    }
    return [(key, str(value)) for key, value in rows.items() if value not in ("", None)]


def _said(key: str, value: Any) -> str:
    """One fact of a target; of things that are on or off, those that are on."""
    if isinstance(value, Mapping):
        value = ", ".join(name for name, is_on in value.items() if is_on) or "none"
    return f"{key.replace('_', ' ')} {value}"


def _past(run: PastRun) -> dict[str, Any]:
    return {
        "id": run.summary.id,
        "started": _local(run.summary.started_ms),
        "verdict": run.summary.verdict,
        "score": run.score,
        "recovery": "" if run.recovery_ms is None else duration(run.recovery_ms),
        "worst": run.worst,
        "margins": run.margins,
    }


def _score_sentence(result: RunResult) -> str:
    score = result.detail.get("score")
    known = score is not None and math.isfinite(score)
    return f"Score {score:.0f} of 100." if known else ""


def _embedded(evidence: Evidence) -> str:
    """JSON that cannot end the element it stands in."""
    text = to_json_line(report_as_json(evidence))
    return text.replace("&", "\\u0026").replace("<", "\\u003c").replace(">", "\\u003e")


def _event(event: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in event.items() if key not in ("schema", "prev")}


def _map_as_json(evidence: Evidence) -> dict[str, Any] | None:
    """What the map shows, without its shapes."""
    found = draw_service_map(evidence)
    if found is None:
        return None
    return {"text": found.text, "flows": [_fields(state) for state in found.states]}


def _fields(value: Any) -> dict[str, Any]:
    return {name: getattr(value, name) for name in value.__slots__}


def _environment(zero_ms: int) -> Any:
    """Templates that escape whatever they are given; only our own files are let through."""
    from jinja2 import Environment, PackageLoader, StrictUndefined  # noqa: PLC0415 - takes 50 ms

    environment = Environment(
        loader=PackageLoader("chaosctl.report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {
        "duration": duration,
        "number": number,
        "whole": lambda value: "n/a" if value is None or math.isnan(value) else f"{value:.0f}",
        "since": lambda ms: f"{(ms - zero_ms) / 1000:+.0f} s" if ms else "",
        "parameters": _parameters,
        "percent": percent,
        "rate": rate,
        "signed": lambda value: f"{value:+.3g}" if math.isfinite(value) else "unknown",
        "capital": lambda text: f"{text[:1].upper()}{text[1:]}",
        "mark": lambda outcome: OUTCOME_MARKS[Outcome(outcome)][0],
    }
    return environment


def _trusted(text: str) -> str:
    """Our own text, or text that we have escaped, to stand in the page as it is."""
    from markupsafe import Markup  # noqa: PLC0415

    return Markup(text)  # noqa: S704


@cache
def _asset(name: str) -> str:
    return (resources.files("chaosctl.report") / "templates" / name).read_text(encoding="utf-8")


def _digest(script: str) -> str:
    """What the page's policy calls its one script."""
    return f"sha256-{base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()}"


def _local(ms: int) -> str:
    return time.strftime("%Y-%m-%d %H:%M:%S %z", time.localtime(ms / 1000))
