"""Circuits and discovery as events, from what a run kept of them."""

from __future__ import annotations

from chaosctl.judge.traffic import Flow, Traffic
from chaosctl.report.store_events import EVENTS_MAX, store_events


def told(*opens: float, registered: tuple[float, ...] = ()) -> list[tuple[int, str]]:
    flow = Flow("recs", "api", {}, open={1000 * n: value for n, value in enumerate(opens)})
    known = {1000 * n: value for n, value in enumerate(registered)}
    return [(e.at_ms, e.text) for e in store_events(Traffic((flow,), registered=known))]


def test_a_circuit_opens_with_the_first_instance_and_closes_with_the_last() -> None:
    assert told(0, 1, 3, 2, 0, 0) == [
        (1000, "circuit from api to recs open, in up to 3 instances"),
        (4000, "api calls recs again"),
    ]


def test_a_circuit_that_stays_open_is_told_once() -> None:
    assert told(0, 1, 1) == [(1000, "circuit from api to recs open, in up to 1 instance")]
    assert told(1, 1, 0)[0][0] == 0
    assert told(0, 0, 0) == []


def test_discovery_tells_every_change_of_what_it_knows() -> None:
    assert told(registered=(27, 27, 18, 18, 27)) == [
        (2000, "knows 18 instances, 27 before"),
        (4000, "knows 27 instances, 18 before"),
    ]


def test_events_are_in_order_and_bounded() -> None:
    found = told(*(n % 2 for n in range(500)), registered=tuple(range(500)))
    assert len(found) == EVENTS_MAX
    assert [at_ms for at_ms, _ in found] == sorted(at_ms for at_ms, _ in found)
