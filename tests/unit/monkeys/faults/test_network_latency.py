"""When a delay is believed."""

from __future__ import annotations

import pytest

from monkeys.faults.network_latency import NetworkLatency
from monkeys.target import ProcessState, Reading

FAULT = NetworkLatency(delay_ms=100.0, jitter_ms=20.0)


def at(round_trip_ms):
    return {"i": Reading(ProcessState.RUNNING, 0 if round_trip_ms else 1, round_trip_ms)}


@pytest.mark.parametrize(
    ("before_ms", "now_ms", "took", "removed"),
    [
        (1.0, 81.0, True, False),  # before + delay - jitter
        (1.0, 80.9, False, False),
        (1.0, 40.9, False, True),  # less than half of that
        (1.0, 1.0, False, True),
        (50.0, 100.0, False, False),  # slow before: it must be slower by as much
        (50.0, 130.0, True, False),
        (1.0, None, False, False),  # no answer is neither
        (None, 200.0, False, True),
    ],
)
def test_the_round_trip_must_grow_by_the_delay_less_the_jitter(before_ms, now_ms, took, removed):
    assert FAULT.took_effect(at(before_ms), at(now_ms)) == {"i": took}
    assert FAULT.was_removed(at(before_ms), at(now_ms)) == {"i": removed}


def test_who_is_gone_is_no_longer_late():
    gone = {"i": Reading(ProcessState.GONE, 1, None)}
    assert FAULT.was_removed(at(1.0), gone) == {"i": True}
