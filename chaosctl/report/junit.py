"""Runs as JUnit XML, which every CI server shows: a suite per run, a case per check.

A check that failed is a failure; one that could not be judged is an error, and so is a run that was
aborted or came to no conclusion; a run that was not started is skipped. The undo is a case, too.
"""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from chaosctl.engine.result import RunResult
from chaosctl.judge.verdict import Outcome, UndoState, Verdict
from chaosctl.report.symbols import duration, number

_NOT_IN_XML = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_KINDS = ("failure", "error", "skipped")
_KIND_OF_VERDICT = {
    Verdict.PASSED: "",
    Verdict.FAILED: "failure",
    Verdict.INVALID: "error",
    Verdict.NOT_STARTED: "skipped",
    Verdict.INCONCLUSIVE: "error",
    Verdict.ABORTED: "error",
}


@dataclass(frozen=True, slots=True)
class _Case:
    """One case: `kind` is what it ended as, empty if all is well."""

    name: str
    kind: str = ""
    message: str = ""
    text: str = ""


def render_junit(results: Sequence[RunResult]) -> str:
    """The document for some runs, one suite each."""
    root = ET.Element("testsuites", name="chaosctl")
    for result in results:
        _add_suite(root, result, list(_cases(result)))
    for name in ("tests", "failures", "errors", "skipped"):
        root.set(name, str(sum(int(suite.get(name, "0")) for suite in root)))
    root.set("time", f"{sum(float(suite.get('time', '0')) for suite in root):.3f}")
    ET.indent(root)
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{ET.tostring(root, encoding="unicode")}\n'


def _add_suite(root: ET.Element, result: RunResult, cases: Sequence[_Case]) -> None:
    detail = result.detail
    name = _plain(detail.get("experiment") or result.run_id)
    suite = ET.SubElement(root, "testsuite", name=name, tests=str(len(cases)))
    for kind, attribute in zip(_KINDS, ("failures", "errors", "skipped"), strict=True):
        suite.set(attribute, str(sum(case.kind == kind for case in cases)))
    started_ms = detail.get("started_ms") or 0
    ended_ms = detail.get("ended_ms", started_ms)
    suite.set("time", f"{(ended_ms - started_ms) / 1000:.3f}")
    if started_ms:
        at = datetime.fromtimestamp(started_ms / 1000, tz=UTC)
        suite.set("timestamp", f"{at:%Y-%m-%dT%H:%M:%S}")
    properties = ET.SubElement(suite, "properties")
    said = {
        "run": result.run_id,
        "title": detail.get("title", ""),
        "seed": detail.get("seed", ""),
        "verdict": result.verdict,
        "score": number(detail.get("score")),
        "undo": result.undo,
        "exit code": result.exit_code,
    }
    for key, value in said.items():
        ET.SubElement(properties, "property", name=key, value=_plain(str(value)))
    for case in cases:
        element = ET.SubElement(suite, "testcase", classname=name, name=_plain(case.name))
        if case.kind:
            ended = ET.SubElement(element, case.kind, message=_plain(case.message))
            ended.text = _plain(case.text) or None


def _cases(result: RunResult) -> Iterator[_Case]:
    detail = result.detail
    found = [*_check_cases(detail), *_recovery_cases(detail)]
    yield from found
    kind = _KIND_OF_VERDICT[result.verdict]
    if kind and all(case.kind != kind for case in found):
        yield _Case("run", kind, result.reason, result.fix)
    is_clean = result.undo is UndoState.CLEAN
    undo = detail.get("undo") or {}
    message = "" if is_clean else f"undo {result.undo}: {'; '.join(undo.get('errors', ()))}"
    if undo.get("of") or not is_clean:
        yield _Case("undo", "" if is_clean else "failure", message, result.fix)


def _check_cases(detail: Mapping[str, Any]) -> Iterator[_Case]:
    because = detail.get("because", {})
    for check in detail.get("checks", ()):
        outcome = Outcome(check["outcome"])
        if outcome is Outcome.PASS:
            yield _Case(check["name"])
            continue
        worst = f"{number(check['worst'])} at worst ({check['limit']})"
        reason = check.get("reason", "")
        findings = "; ".join(because.get(check["name"], ()))
        yield _Case(
            check["name"],
            "failure" if outcome is Outcome.FAIL else "error",
            f"{worst}; {reason}" if reason else worst,
            f"because (computed from the store): {findings}" if findings else "",
        )


def _recovery_cases(detail: Mapping[str, Any]) -> Iterator[_Case]:
    took_ms, within_ms = detail.get("recovery_ms"), detail.get("recovery_within_ms")
    if took_ms is None or within_ms is None:
        return
    is_late = took_ms > within_ms
    message = f"took {duration(took_ms)} (limit {duration(within_ms)})"
    yield _Case("recovery", "failure" if is_late else "", message if is_late else "")


def _plain(text: str) -> str:
    """The text without what XML cannot say."""
    return _NOT_IN_XML.sub("\N{REPLACEMENT CHARACTER}", text)
