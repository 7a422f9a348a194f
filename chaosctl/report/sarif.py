"""Runs as SARIF 2.1.0, which code hosts show at the line: a rule a check, a result a finding."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import PurePosixPath
from typing import Any
from urllib.parse import quote

from chaosctl.report.evidence import Evidence
from chaosctl.report.findings import Finding, findings

VERSION = "2.1.0"
SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"


def sarif_of(found: Sequence[Evidence], version: str) -> dict[str, Any]:
    """The log of some runs; version: of chaosctl."""
    results = [(evidence, one) for evidence in found for one in findings(evidence)]
    rules = {one.rule: one for _, one in results}
    places = {rule: number for number, rule in enumerate(rules)}
    return {
        "$schema": SCHEMA,
        "version": VERSION,
        "runs": [
            {
                "tool": {
                    "driver": {
                        "name": "chaosctl",
                        "version": version,
                        "rules": [_rule(one) for one in rules.values()],
                    }
                },
                "results": [_result(e, one, places[one.rule]) for e, one in results],
                "columnKind": "unicodeCodePoints",
            }
        ],
    }


def _rule(one: Finding) -> dict[str, Any]:
    return {"id": one.rule, "shortDescription": {"text": one.title}}


def _result(evidence: Evidence, one: Finding, rule_index: int) -> dict[str, Any]:
    result = evidence.result
    return {
        "ruleId": one.rule,
        "ruleIndex": rule_index,
        "kind": "pass" if one.level == "none" else "fail",
        "level": one.level,
        "message": {"text": f"{one.title}: {one.text}"},
        "locations": [
            {
                "physicalLocation": {
                    "artifactLocation": {"uri": _uri(one.source)},
                    "region": {"startLine": one.line, "startColumn": one.column},
                }
            }
        ],
        "partialFingerprints": {"rule/v1": one.rule},
        "properties": {"run": result.run_id, "verdict": result.verdict, "undo": result.undo},
    }


def _uri(source: str) -> str:
    """A path as a URI reference; relative paths stay relative to the checkout."""
    path = quote(PurePosixPath(source or "document.yaml").as_posix())
    return f"file://{path}" if path.startswith("/") else path
