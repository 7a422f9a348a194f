"""Statistics of a check: the same numbers as the library's, over the times that were judged."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from atlas.analysis.compare import compare
from chaosctl.judge.samples import Span, step_ends
from chaosctl.report.evidence import moments, read_evidence
from chaosctl.report.significance import VALUES_MAX, fault_spans_of, significances

REPORTS = Path(__file__).resolve().parents[3] / "data" / "reports"


def test_each_check_is_held_against_its_baseline_and_against_what_it_is_compared_with() -> None:
    evidence = read_evidence(REPORTS / "failed-services")
    rows = significances(evidence)
    assert [(row.name, row.is_judged) for row in rows] == [
        ("starts as foreseen", False),
        ("api no slower than edge", False),
        ("api no slower than edge", True),
    ]
    series = evidence.series
    line = series.lines[0]
    assert series.baseline is not None
    (span,) = fault_spans_of(evidence, line.name)
    before, own = (
        [series.of(line)[end] for end in step_ends(each)] for each in (series.baseline, span)
    )
    found = compare(before, own)
    first = rows[0]
    assert (first.shift, first.delta, first.p_value) == (
        found.shift, found.cliffs_delta, found.p_value
    )  # fmt: skip
    assert (first.size, first.p_text) == ("large", "< 0.001")


def test_a_comparison_says_what_the_judge_said() -> None:
    evidence = read_evidence(REPORTS / "failed-services")
    judged = next(row for row in significances(evidence) if row.is_judged)
    check = evidence.result.detail["checks"][1]
    assert judged.shift == pytest.approx(check["worst"])


def test_a_run_of_an_earlier_version_is_compared_over_the_whole_fault() -> None:
    evidence = read_evidence(REPORTS / "failed")
    at = moments(evidence)
    assert fault_spans_of(evidence, "errors stay rare") == [Span(at.injected_ms, at.removing_ms)]
    assert [row.against for row in significances(evidence)] == ["baseline", "baseline"]


def test_long_runs_are_thinned(tmp_path: Path) -> None:
    folder = tmp_path / "run"
    shutil.copytree(REPORTS / "failed-services", folder)
    path = folder / "series.json"
    stored = json.loads(path.read_text())
    end_ms, seconds = stored["baseline"]["end_ms"], 3 * VALUES_MAX
    stored["baseline"]["start_ms"] = end_ms - seconds * 1000
    for packed in stored["series"].values():
        more = (packed["start_ms"] - stored["baseline"]["start_ms"]) // 1000
        packed["values"] = [1.0] * more + packed["values"]
        packed["start_ms"] -= more * 1000
    path.write_text(json.dumps(stored))
    counts = {row.other_count for row in significances(read_evidence(folder)) if not row.is_judged}
    assert counts == {VALUES_MAX}
