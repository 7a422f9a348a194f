"""When work is planned to be done, and what is shed."""

import pytest

from demo_platform.resilience.concurrency_limit import ConcurrencyLimit, Shed


def plan(limit: ConcurrencyLimit, *, slots: int, wait_s: float, now: float) -> float | None:
    """When work of one second will be done; None when it is shed."""
    try:
        return limit.reserve(slots=slots, work_s=1.0, wait_s=wait_s, now=now)
    except Shed:
        return None


@pytest.mark.parametrize(
    ("slots", "wait_s", "planned"),
    [
        (2, 0.0, [11.0, 11.0, None]),
        (2, 0.9, [11.0, 11.0, None]),
        (2, 1.0, [11.0, 11.0, 12.0, 12.0, None]),
        (1, 2.5, [11.0, 12.0, 13.0, None]),
        (3, 0.0, [11.0, 11.0, 11.0, None, None]),
    ],
)
def test_plans_what_fits_into_slots_and_waiting_time(
    slots: int, wait_s: float, planned: list[float | None]
) -> None:
    limit = ConcurrencyLimit()
    assert [plan(limit, slots=slots, wait_s=wait_s, now=10.0) for _ in planned] == planned


def test_a_slot_is_free_again_when_its_work_is_done() -> None:
    limit = ConcurrencyLimit()
    asked = [10.0, 10.5, 11.0, 11.2]
    planned = [plan(limit, slots=1, wait_s=0.0, now=now) for now in asked]
    assert planned == [11.0, None, 12.0, None]


def test_what_is_shed_takes_no_room() -> None:
    limit = ConcurrencyLimit()
    plan(limit, slots=1, wait_s=0.0, now=10.0)
    for _ in range(100):
        assert plan(limit, slots=1, wait_s=0.5, now=10.0) is None
    assert plan(limit, slots=1, wait_s=0.5, now=10.5) == 12.0


def test_an_idle_limit_saves_nothing_up() -> None:
    limit = ConcurrencyLimit()
    plan(limit, slots=2, wait_s=0.0, now=10.0)
    planned = [plan(limit, slots=2, wait_s=0.0, now=100.0) for _ in range(3)]
    assert planned == [101.0, 101.0, None]


def test_follows_a_change_of_the_slots() -> None:
    limit = ConcurrencyLimit()
    slots = [2, 2, 3, 1, 1]
    planned = [plan(limit, slots=count, wait_s=1.0, now=10.0) for count in slots]
    assert planned == [11.0, 11.0, 11.0, 12.0, None]


@pytest.mark.parametrize("late_s", [0.0, 0.01, 0.3])
def test_capacity_does_not_depend_on_how_late_the_machine_wakes_us(late_s: float) -> None:
    limit = ConcurrencyLimit()
    now, served = 0.0, 0
    while now < 100.0:
        served += plan(limit, slots=2, wait_s=0.5, now=now + late_s) is not None
        now += 0.25
    assert served == pytest.approx(200, abs=2)
