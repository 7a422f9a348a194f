"""Parameters described, and read."""

from __future__ import annotations

import pytest

from monkeys.faults import FAULTS, check_fault
from monkeys.parameters import ParameterType, did_you_mean, duration_ms, parameters_of


@pytest.mark.parametrize("name", FAULTS)
def test_parameters_are_described_by_the_users_name_with_summary_and_default(name):
    for parameter in parameters_of(FAULTS[name]):
        assert parameter.summary
        assert parameter.name == parameter.name.lower()
        assert not parameter.name.endswith("ms")
        assert parameter.is_required == (parameter.default is None)


def test_a_duration_loses_its_unit_in_the_users_name():
    delay, jitter = parameters_of(FAULTS["network-latency"])
    assert (delay.name, delay.field, delay.unit) == ("delay", "delay_ms", "ms")
    assert delay.type is ParameterType.DURATION
    assert delay.is_required
    assert jitter.default == 0.0


def test_a_python_keyword_can_be_a_users_name():
    peers, direction = parameters_of(FAULTS["network-partition"])
    assert (peers.name, peers.field, peers.type) == ("from", "peers", ParameterType.WHERE)
    assert direction.choices == ("both", "in", "out")


@pytest.mark.parametrize(
    ("text", "expected"),
    [("400ms", 400), ("2s", 2000), ("1.5 s", 1500), ("1m", 60_000), ("1h", 3_600_000)]
    + [(wrong, None) for wrong in ("", "ms", "2", "2S", "-1s", "1s2", "1e3s", "nan s", "2 days")],
)
def test_durations_need_a_number_and_a_known_unit(text, expected):
    assert duration_ms(text) == expected


def test_every_error_of_one_document_is_told():
    _, errors = check_fault("network-latency", {"dely": "1s", "jitter": 3})
    assert [error.parameter for error in errors] == ["dely", "jitter", "delay"]


def test_an_unknown_fault_is_told_with_the_nearest_or_all():
    _, (near,) = check_fault("network-latnecy", {})
    assert near.what == "unknown fault 'network-latnecy'"
    assert near.fix == "did you mean 'network-latency'?"
    assert near.where == "fault"
    _, (far,) = check_fault("xyzzy", {})
    assert far.fix == "there is: " + ", ".join(sorted(FAULTS))


def test_did_you_mean_of_nothing():
    assert did_you_mean("x", []) == "leave it out: there is none"
