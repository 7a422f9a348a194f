"""When a service is steady again, and what is worse than chance explains."""

from __future__ import annotations

import math

import pytest

from chaosctl.judge.samples import Span
from chaosctl.judge.traffic import Flow, Traffic, flow_states, service_recoveries

BASELINE, FAULT = Span(0, 10_000), Span(10_000, 20_000)


def series(**spans: float) -> dict[int, float]:
    """Values by step end; t5=2.0 is the value from the step after second 5 on, up to second 30."""
    starts = {int(key[1:]): value for key, value in spans.items()}
    found = {}
    for second in range(30):
        known = [start for start in starts if start <= second]
        value = starts[max(known)] if known else math.nan
        if not math.isnan(value):
            found[(second + 1) * 1000] = value
    return found


def recovery_of(*flows: Flow, end_ms: int = 30_000):
    found = service_recoveries(Traffic(flows), baseline=BASELINE, fault=FAULT, end_ms=end_ms)
    return {one.service: one for one in found}


def test_a_service_that_nothing_happened_to_was_steady():
    api = recovery_of(Flow("api", "", series(t0=60)))["api"]
    assert (api.was_steady, api.took_ms, api.seen_ms) == (True, 0, 10_000)
    assert (api.usual_rate, api.lowest_rate, api.worst_bad) == (60, 60, 0)
    assert math.isnan(api.usual_unanswered)


@pytest.mark.parametrize(
    ("flow", "took_ms"),
    [
        (Flow("api", "", series(t0=60, t12=5, t24=60)), 4000),  # fewer requests
        (Flow("api", "", series(t0=60, t12=200, t22=60)), 2000),  # a storm
        (Flow("api", "", series(t0=60), series(t12=30, t23=0)), 3000),  # failures
        (Flow("api", "", series(t0=60, t12=math.nan)), None),  # silence is not steady
        (Flow("api", "", series(t0=60, t12=5)), None),
    ],
)
def test_a_service_is_steady_from_the_first_usual_stretch_on(flow, took_ms):
    api = recovery_of(flow)["api"]
    assert (api.was_steady, api.took_ms) == (False, took_ms)


def test_a_service_that_answers_nobody_is_not_steady_by_what_its_callers_count():
    own = Flow("recs", "", series(t0=60))
    calls = Flow("recs", "api", series(t0=40), series(t12=4, t22=0), series(t12=12, t22=0))
    recs = recovery_of(own, calls)["recs"]
    assert (recs.was_steady, recs.took_ms, recs.worst_bad) == (False, 2000, 0)
    assert recs.worst_unanswered == pytest.approx(0.4)


@pytest.mark.parametrize("end_ms", [20_000, 22_900])
def test_what_is_not_known_long_enough_is_not_steady(end_ms):
    api = recovery_of(Flow("api", "", series(t0=60)), end_ms=end_ms)["api"]
    assert (api.took_ms, api.seen_ms) == (None, end_ms - 20_000)


def test_noise_of_a_few_requests_is_steady():
    few = series(t0=6, t13=3, t14=9, t15=5)
    api = recovery_of(Flow("api", "", few, series(t0=0, t14=1, t15=0)))["api"]
    assert (api.was_steady, api.took_ms) == (True, 0)


def test_services_that_nobody_asked_are_left_out():
    assert recovery_of(Flow("api", "", series(t0=0)), Flow("db", "api", series(t0=5))) == {}


def test_states_tell_what_is_worse_and_what_is_another_rate():
    flows = (
        Flow("api", "", series(t0=60), series(t12=30)),
        Flow("recs", "api", series(t0=20), replaced=series(t12=16)),
        Flow("auth", "api", series(t0=60, t12=5)),
        Flow("edge", "", series(t0=60, t12=math.nan)),
        Flow("quiet", "", series(t0=1), series(t12=1)),
    )
    found = {s.service: s for s in flow_states(Traffic(flows), Span(14_000, 15_000), BASELINE)}
    assert {name for name, state in found.items() if state.is_worse} == {"api", "recs"}
    assert (found["api"].failed, found["recs"].failed, found["recs"].replaced) == (0.5, 0, 0.8)
    assert {name: state.drift for name, state in found.items() if state.drift} == {"auth": -1}
    assert math.isnan(found["edge"].rate)


def test_a_span_without_a_step_says_nothing():
    flows = (Flow("api", "", series(t0=60), series(t0=60)),)
    (state,) = flow_states(Traffic(flows), Span(14_200, 14_900), BASELINE)
    assert math.isnan(state.rate)
    assert (state.is_worse, state.drift) == (False, 0)


def test_without_a_baseline_nothing_is_worse():
    flows = (Flow("api", "", series(t0=60), series(t0=60)),)
    (state,) = flow_states(Traffic(flows), FAULT, None)
    assert (state.failed, state.is_worse, state.drift) == (1, False, 0)
