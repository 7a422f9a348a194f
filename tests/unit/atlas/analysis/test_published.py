"""The results of papers, books and other programs, kept as data with their sources."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import yaml

from atlas.analysis.compare import compare
from atlas.analysis.forecast import States, Weights, project, smooth
from atlas.analysis.trend import find_change, measure_trend


def cases(name: str) -> list[object]:
    folder = Path(__file__).parents[3] / "data" / "analysis"
    found = yaml.safe_load((folder / f"{name}.yaml").read_text(encoding="utf-8"))
    return [pytest.param(case, id=case["name"].replace(" ", "-")) for case in found]


def assert_printed(found: float, printed: float, decimals: int) -> None:
    assert float(found) == pytest.approx(printed, abs=0.5000001 * 10.0**-decimals, rel=0)


@pytest.mark.parametrize("case", cases("holt_winters"))
def test_smoothing_is_as_published(case):
    weights = Weights(**case["weights"])
    start = States(*(np.array(case["start"][key], ndmin=1) for key in ("level", "trend", "season")))
    states = smooth(np.array(case["values"]), start, weights)
    phases = len(case["start"]["season"])
    for count, printed in case.get("states", {}).items():
        season = states.season[count - 1 + phases]
        for found, value in zip(
            (states.level[count], states.trend[count], season), printed, strict=True
        ):
            assert_printed(found, value, case["decimals"])
    for ahead, printed in enumerate(case.get("forecasts", []), 1):
        assert_printed(project(states, weights, ahead)[-1], printed, case["decimals"])


@pytest.mark.parametrize("case", cases("populations"))
def test_comparison_is_as_published(case):
    found = compare(case["control"], case["experiment"])
    for key, printed in case["found"].items():
        assert_printed(getattr(found, key), printed, case["decimals"])


@pytest.mark.parametrize("case", cases("changes"))
def test_change_and_trend_are_as_published(case):
    for key, printed in case.get("change", {}).items():
        assert_printed(getattr(find_change(case["values"]), key), printed, case["decimals"])
    for key, printed in case.get("trend", {}).items():
        assert_printed(getattr(measure_trend(case["values"]), key), printed, case["decimals"])
