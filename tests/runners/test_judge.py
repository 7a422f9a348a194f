"""What checks say of spans, as `data/judge/checks.yaml` has it."""

from __future__ import annotations

import math
from pathlib import Path

import pytest
import yaml

from chaosctl.experiment.document import CHECK_FORM
from chaosctl.experiment.forms import Notes
from chaosctl.experiment.model import Check
from chaosctl.experiment.nodes import Text, compose
from chaosctl.judge.hypothesis import judge_check
from chaosctl.judge.samples import Span

DATA = Path(__file__).parent.parent / "data" / "judge"
CASES = yaml.safe_load((DATA / "checks.yaml").read_text())
QUERY, CONTROL = "name,a,:eq", "name,control,:eq"


def check_of(case: dict[str, object]) -> Check:
    written = {"name": "a", "query": QUERY, "hold": case["hold"]}
    if "no-data" in case:
        written["no-data"] = case["no-data"]
    text = yaml.safe_dump(written)
    root, problems = compose(Text.of("case", text), text)
    notes = Notes()
    assert root is not None
    check = CHECK_FORM.read(root, notes)
    assert not problems + notes.problems
    assert isinstance(check, Check)
    return check


def numbers(text: str) -> list[float]:
    """`1 _ 2*3` is 1, silence, and three times 2."""
    found: list[float] = []
    for word in text.split():
        value, _, times = word.partition("*")
        found += [math.nan if value == "_" else float(value)] * int(times or 1)
    return found


def by_step(values: list[float]) -> dict[int, float]:
    return {(i + 1) * 1000: v for i, v in enumerate(values)}


def span_of(pair: list[float]) -> Span:
    return Span(int(pair[0] * 1000), int(pair[1] * 1000))


@pytest.mark.parametrize("case", CASES, ids=lambda c: c["name"].replace(" ", "-"))
def test_check_says_of_a_span(case):
    values = numbers(case["values"])
    span = span_of(case.get("span", [0, len(values)]))
    state = judge_check(
        check_of(case),
        {QUERY: by_step(values), CONTROL: by_step(numbers(case.get("control", "")))},
        start_ms=span.start_ms,
        end_ms=span.end_ms,
        baseline=span_of(case["baseline"]) if "baseline" in case else None,
    )
    found = {
        "outcome": state.outcome.value,
        "worst": state.worst,
        "margin": state.margin,
        "first": state.first_breach_ms and state.first_breach_ms / 1000,
        "known": state.breach_known_ms and state.breach_known_ms / 1000,
        "gap": state.longest_gap_ms / 1000,
        "windows": state.windows,
    }
    wanted = {key: case[key] for key in found if key in case}
    for key, value in wanted.items():
        assert found[key] == (value if isinstance(value, str) else pytest.approx(value)), key
    if wanted["outcome"] != "fail" or case.get("no-data") == "fail":
        assert state.first_breach_ms is None
