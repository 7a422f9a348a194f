"""JUnit: what CI servers count is what the runs found."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from chaosctl.engine.result import RunResult, read_result
from chaosctl.errors import ChaosctlError
from chaosctl.judge.verdict import UndoState, Verdict
from chaosctl.report.junit import render_junit
from chaosctl.report.result_text import render_result
from tests.simulated_run import ERRORS, STARTS, run
from tests.simulated_target import SimulatedWorld


def check(name: str, outcome: str, worst: float | None = 0.5) -> dict[str, Any]:
    return {
        "name": name,
        "outcome": outcome,
        "worst": worst,
        "limit": "at least 97% over 10 s",
        "reason": "",
    }


def made(verdict: Verdict, undo: UndoState = UndoState.CLEAN, **detail: Any) -> RunResult:
    return RunResult(
        run_id="20260314-0915-k7f",
        folder=None,
        verdict=verdict,
        undo=undo,
        exit_code=0,
        reason="why",
        fix="how",
        detail={"experiment": "zone-outage", "undo": {"done": 1, "of": 1, "errors": []}} | detail,
    )


def shown(results: list[RunResult]) -> dict[str, str]:
    """What each case of a document ended as; that its counts agree is checked on the way."""
    root = ET.fromstring(render_junit(results))
    cases = root.findall("testsuite/testcase")
    for kind, attribute in (("failure", "failures"), ("error", "errors"), ("skipped", "skipped")):
        found = sum(case.find(kind) is not None for case in cases)
        assert int(root.get(attribute, "")) == found
        assert sum(int(s.get(attribute, "")) for s in root.findall("testsuite")) == found
    assert int(root.get("tests", "")) == len(cases)
    return {case.get("name", ""): case[0].tag if len(case) else "" for case in cases}


@pytest.mark.parametrize(
    ("result", "expected"),
    [
        pytest.param(
            made(Verdict.PASSED, checks=[check("a", "pass")]), {"a": "", "undo": ""}, id="passed"
        ),
        pytest.param(
            made(Verdict.FAILED, checks=[check("a", "fail"), check("b", "pass")]),
            {"a": "failure", "b": "", "undo": ""},
            id="failed by a check",
        ),
        pytest.param(
            made(
                Verdict.FAILED,
                checks=[check("a", "pass")],
                recovery_ms=30_000,
                recovery_within_ms=20_000,
            ),
            {"a": "", "recovery": "failure", "undo": ""},
            id="failed by a late recovery",
        ),
        pytest.param(
            made(Verdict.INCONCLUSIVE, checks=[check("a", "unknown", None)]),
            {"a": "error", "undo": ""},
            id="no data",
        ),
        pytest.param(
            made(Verdict.INCONCLUSIVE, checks=[check("a", "pass")]),
            {"a": "", "run": "error", "undo": ""},
            id="inconclusive for another reason",
        ),
        pytest.param(
            made(Verdict.ABORTED, checks=[check("a", "fail")]),
            {"a": "failure", "run": "error", "undo": ""},
            id="aborted",
        ),
        pytest.param(
            made(Verdict.NOT_STARTED, checks=[]), {"run": "skipped", "undo": ""}, id="not started"
        ),
        pytest.param(
            replace(made(Verdict.INVALID), detail={}), {"run": "error"}, id="invalid, nothing known"
        ),
        pytest.param(
            made(Verdict.PASSED, UndoState.INCOMPLETE, checks=[check("a", "pass")]),
            {"a": "", "undo": "failure"},
            id="undo incomplete",
        ),
        pytest.param(
            replace(made(Verdict.ABORTED, UndoState.UNKNOWN), detail={}),
            {"run": "error", "undo": "failure"},
            id="ended by another process, undo unknown",
        ),
    ],
)
def test_each_way_to_end_is_the_kind_that_it_should_be(
    result: RunResult, expected: dict[str, str]
) -> None:
    assert shown([result]) == expected


def test_a_hostile_name_is_text() -> None:
    name = '<script>"&\x00\x1b[31m\ud800]]>'
    text = render_junit([made(Verdict.FAILED, checks=[check(name, "fail")], title=name)])
    root = ET.fromstring(text)
    case = root.find("testsuite/testcase")
    assert case is not None
    gone = "\N{REPLACEMENT CHARACTER}"
    assert case.get("name") == f'<script>"&{gone}{gone}[31m{gone}]]>'


def test_a_real_result_says_when_how_long_and_how_it_was_made(tmp_path: Path) -> None:
    world = SimulatedWorld(tmp_path)
    world.store.values = {STARTS: lambda _end, _hit: 0.995, ERRORS: lambda _end, _hit: 0.001}
    result = run(world)
    assert result.folder is not None
    assert read_result(result.folder) == replace(result, detail=read_result(result.folder).detail)
    text = render_junit([read_result(result.folder), result])
    suites = ET.fromstring(text).findall("testsuite")
    assert len(suites) == 2
    for suite in suites:
        properties = {p.get("name"): p.get("value") for p in suite.findall("properties/property")}
        assert properties["run"] == result.run_id
        assert properties["seed"] == "1"
        assert properties["verdict"] == result.verdict
        assert properties["score"] == "100"
        assert float(suite.get("time", "")) > 20
        assert suite.get("timestamp", "").startswith("20")
    parts = "starts succeed 100 (weight 2) · errors stay rare 100 (weight 2)"
    assert f"score    100 of 100: {parts}" in render_result(result)
    assert set(shown([result])) == {"starts succeed", "errors stay rare", "recovery", "undo"}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (None, "no result yet"),
        ("{", "cannot be read"),
        ('{"schema": "chaosctl/result/v9"}', "'chaosctl/result/v9'"),
        ("[]", "schema None"),
    ],
)
def test_a_result_that_cannot_be_read_says_what_to_do(
    tmp_path: Path, text: str | None, said: str
) -> None:
    if text is not None:
        (tmp_path / "result.json").write_text(text)
    with pytest.raises(ChaosctlError, match=said) as caught:
        read_result(tmp_path)
    assert caught.value.where.endswith("result.json")
    assert caught.value.fix
