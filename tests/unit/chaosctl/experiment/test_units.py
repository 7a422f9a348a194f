"""Durations, shares and limits; what they refuse stands in data/documents/bad."""

from __future__ import annotations

import pytest

from chaosctl.experiment.units import (
    BadUnit,
    parse_duration,
    parse_lasting,
    parse_limit,
    parse_share,
)


@pytest.mark.parametrize(
    ("written", "ms"),
    [("500ms", 500), ("30s", 30_000), ("2m", 120_000), ("1h", 3_600_000), ("1.5s", 1500)],
)
def test_duration_is_read(written, ms):
    assert parse_duration(written) == ms


@pytest.mark.parametrize(
    "written", ["20", 20, "", "s", "1d", "-1s", "1s 2s", "1e3s", "0.5ms", "25h"]
)
def test_duration_is_refused_with_a_fix(written):
    with pytest.raises(BadUnit) as caught:
        parse_duration(written)
    assert caught.value.fix


@pytest.mark.parametrize(("written", "word"), [("5 sec", "5s"), ("5S", "5s"), ("3 hours", "3h")])
def test_duration_guesses_the_unit(written, word):
    with pytest.raises(BadUnit) as caught:
        parse_duration(written)
    assert caught.value.fix == f"did you mean '{word}'?"


def test_lasting_counts_steps():
    assert parse_lasting("1 step", 1000) == 1
    assert parse_lasting("3s", 1000) == 3
    for written in ("0 steps", "1.5s", 3, "90000 steps"):
        with pytest.raises(BadUnit):
            parse_lasting(written, 1000)


def test_share_is_a_ratio():
    assert [parse_share(w) for w in ("5%", "100 %", 0, 1, 0.3)] == [0.05, 1.0, 0.0, 1.0, 0.3]
    for written in ("101%", 1.1, -0.1, "few", True, float("nan")):
        with pytest.raises(BadUnit):
            parse_share(written)


def test_limit_is_a_number_or_a_share():
    assert [parse_limit(w).value for w in ("97%", 0.97, 120, -1.5)] == [0.97, 0.97, 120, -1.5]
    limit = parse_limit("150% of baseline")
    assert (limit.value, limit.of_baseline, limit.text) == (1.5, True, "150% of baseline")
    for written in ("97% of the baseline", "101%", "-1%", "0% of baseline", float("inf")):
        with pytest.raises(BadUnit):
            parse_limit(written)
